"""The outbox of an account: the mails that the real service would have sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypedDict, overload

from alimock.client.connection import PAGE, Resource
from alimock.client.models import time_text, value_of

if TYPE_CHECKING:
    from typing_extensions import Unpack

# pytest omits the frames of this module from the traceback of a failed test.
__tracebackhide__ = True
DEFAULT_SECONDS = 10.0
QUIET_SECONDS = 0.3


@dataclass(frozen=True)
class Message:
    """One email.

    Attributes:
        id: Its id.
        sequence: Its position among the events of the emulator. Pass it as `after` to see only later ones.
        to: The recipient.
        subject: The subject.
        lang: The language, `en` or `zh`.
        action: The operation that sent it.
        access_key_id: The key of the call that sent it, or None.
        request_id: The RequestId of that call.
        token: The verification token.
        token_state: `open`, `used`, `void` (superseded by a newer token) or `expired`, when the message was read.
        link: The link with the token.
        link_expires: When the link expires, by the account's clock; None for never.
        created: When it was sent, by the account's clock.
        received: When it was sent, in real time.
    """

    id: str
    sequence: int
    to: str
    subject: str
    lang: str
    action: str
    access_key_id: str | None
    request_id: str
    token: str
    token_state: str
    link: str
    link_expires: datetime | None
    created: datetime
    received: datetime


class MessageFilter(TypedDict, total=False):
    """Filters of awaited emails, all of which must match; None is no filter.

    Attributes:
        to: The recipient.
        action: The operation that sent it.
        text: A part of recipient, subject or body.
        after: A `sequence`; only later emails match.
    """

    to: str | None
    action: str | None
    text: str | None
    after: int | None


class Outbox(Resource):
    """The mails of one account.

    Filters are the recipient (`to`), the operation that sent the mail (`action`), a part of recipient, subject or body (`text`),
    and the account's time (`since`, `until`: a text in UTC+8, or a datetime, in UTC+8 if naive).
    """

    def messages(
        self,
        *,
        to: str | None = None,
        action: str | None = None,
        text: str | None = None,
        since: datetime | str | None = None,
        until: datetime | str | None = None,
        after: int | None = None,
    ) -> list[Message]:
        """Return the mails, newest first; with `after` only later ones, oldest first."""
        filters = {"to": to, "action": action, "text": text, "since": time_text(since), "until": time_text(until), "after": after}
        answer = self._connection.send("GET", "outbox", arguments={**filters, "limit": PAGE})
        return [value_of(Message, one) for one in answer["messages"]]

    @overload
    def wait(self, *, timeout: float = ..., **filters: Unpack[MessageFilter]) -> Message: ...
    @overload
    def wait(self, *, count: int, timeout: float = ..., **filters: Unpack[MessageFilter]) -> list[Message]: ...
    def wait(
        self, *, count: int | None = None, timeout: float = DEFAULT_SECONDS, **filters: Unpack[MessageFilter]
    ) -> Message | list[Message]:
        """Return the first matching mail once it arrives, or with `count` a list of as many, oldest first.

        Without `after`, the newest existing matches count. `timeout` is in seconds, at most 60. Raises `WaitTimeout`, which lists
        the mails that did not match.
        """
        return _found(self._connection.wait("outbox/wait", timeout, {**filters, "count": count}))

    @overload
    async def wait_async(self, *, timeout: float = ..., **filters: Unpack[MessageFilter]) -> Message: ...
    @overload
    async def wait_async(self, *, count: int, timeout: float = ..., **filters: Unpack[MessageFilter]) -> list[Message]: ...
    async def wait_async(
        self, *, count: int | None = None, timeout: float = DEFAULT_SECONDS, **filters: Unpack[MessageFilter]
    ) -> Message | list[Message]:
        """Wait as `wait` does, without blocking the event loop."""
        return _found(await self._connection.wait_async("outbox/wait", timeout, {**filters, "count": count}))

    def wait_quiet(self, seconds: float = QUIET_SECONDS, **filters: Unpack[MessageFilter]) -> None:
        """Return after `seconds`, at most 60, if no matching mail exists or arrives; without `after`, existing ones count.

        Raises `EmulatorError` at once if there is one, and names it.
        """
        self._connection.wait_quiet("outbox/wait", seconds, filters)

    async def wait_quiet_async(self, seconds: float = QUIET_SECONDS, **filters: Unpack[MessageFilter]) -> None:
        """Wait as `wait_quiet` does, without blocking the event loop."""
        await self._connection.wait_quiet_async("outbox/wait", seconds, filters)

    def text(self, message: Message | str) -> str:
        """Return the plain text of a mail or of a mail's id."""
        return str(self._fetch(message)["text"])

    def html(self, message: Message | str) -> str:
        """Return the HTML of a mail."""
        return str(self._fetch(message)["html"])

    def raw(self, message: Message | str) -> bytes:
        """Return the RFC 5322 message."""
        return self._connection.wide.fetch(f"outbox/{_id(message)}/raw")

    def clear(self, *, to: str | None = None, action: str | None = None, text: str | None = None) -> int:
        """Delete the matching mails, or all, and return their number."""
        answer = self._connection.send("DELETE", "outbox", arguments={"to": to, "action": action, "text": text})
        return int(answer["deleted"])

    def _fetch(self, message: Message | str) -> dict[str, Any]:
        return self._connection.wide.send("GET", f"outbox/{_id(message)}")


def _found(answer: dict[str, Any]) -> Message | list[Message]:
    """Return the mail of a wait, or the mails of one with a `count`."""
    if "messages" in answer:
        return [value_of(Message, one) for one in answer["messages"]]
    return value_of(Message, answer["message"])


def _id(message: Message | str) -> str:
    return message if isinstance(message, str) else message.id
