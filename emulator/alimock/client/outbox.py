"""The outbox of an account: the mails that the real service would have sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alimock.client.connection import PAGE, Resource
from alimock.client.models import time_text, value_of

DEFAULT_SECONDS = 10.0


@dataclass(frozen=True)
class Message:
    """One mail.

    `action` is the operation that sent it. `token_state` is the state of its token when the message was fetched: `open`, `used`,
    `void` or `expired`. `created` is in the account's time, `received` in real time. `sequence` numbers all events of the emulator;
    pass it as `after` to see only later ones.
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
    created: datetime
    received: datetime


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

    def wait(
        self,
        *,
        to: str | None = None,
        action: str | None = None,
        text: str | None = None,
        after: int | None = None,
        timeout: float = DEFAULT_SECONDS,
    ) -> Message:
        """Return the first matching mail once it arrives; without `after`, the newest existing match.

        `timeout` is in seconds, at most 60. Raises `WaitTimeout`, which lists the mails that did not match.
        """
        filters = {"to": to, "action": action, "text": text, "after": after}
        answer = self._connection.wait("outbox/wait", timeout, filters)
        return value_of(Message, answer["message"])

    async def wait_async(
        self,
        *,
        to: str | None = None,
        action: str | None = None,
        text: str | None = None,
        after: int | None = None,
        timeout: float = DEFAULT_SECONDS,
    ) -> Message:
        """Wait as `wait` does, without blocking the event loop."""
        filters = {"to": to, "action": action, "text": text, "after": after}
        answer = await self._connection.wait_async("outbox/wait", timeout, filters)
        return value_of(Message, answer["message"])

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


def _id(message: Message | str) -> str:
    return message if isinstance(message, str) else message.id
