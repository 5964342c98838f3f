"""The mails that would have been sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alimock.client.connection import PAGE, TIMEOUT_SECONDS, Connection
from alimock.client.models import given, time_text, value_of

DEFAULT_SECONDS = 10.0


@dataclass(frozen=True)
class Message:
    """One mail.

    `action` is the operation that sent it. `token_state` is what its token was good for when the message was read: `open`, `used`,
    `void` or `expired`. `created` is the account's time and `received` the real one. `sequence` counts everything that happens in
    the emulator: give it as `after` to look at what came later.
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


class Outbox:
    """The mails of one account.

    They are narrowed by recipient (`to`), by the operation that sent them (`action`), by what recipient, subject or text contain
    (`text`), and by the account's time (`since`, `until`: a text in UTC+8, or a datetime, in UTC+8 if it has no zone).
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

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
        """Gives the mails, newest first; with `after` those behind that sequence, oldest first."""
        filters = _filters(to, action, text, since, until)
        answer = self._connection.send("GET", "outbox", arguments={**filters, **given(after=after, limit=PAGE)})
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
        """Gives the first mail that matches, as soon as it is there; without `after` the newest that is there counts.

        `timeout` is in seconds, 60 at most. Raises `WaitTimeout`, which says what arrived instead.
        """
        arguments = {**_filters(to, action, text), **given(after=after, timeout=timeout)}
        answer = self._connection.send("GET", "outbox/wait", arguments=arguments, seconds=timeout + TIMEOUT_SECONDS)
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
        """Waits as `wait` does, while the event loop goes on."""
        arguments = {**_filters(to, action, text), **given(after=after, timeout=timeout)}
        answer = await self._connection.send_async("outbox/wait", arguments, timeout + TIMEOUT_SECONDS)
        return value_of(Message, answer["message"])

    def text(self, message: Message | str) -> str:
        """Gives the plain text of a mail, which may be named by its id."""
        return str(self._shown(message)["text"])

    def html(self, message: Message | str) -> str:
        """Gives the HTML of a mail."""
        return str(self._shown(message)["html"])

    def raw(self, message: Message | str) -> bytes:
        """Gives the RFC 5322 message."""
        return self._connection.wide.fetch(f"outbox/{_id(message)}/raw")

    def clear(self, *, to: str | None = None, action: str | None = None, text: str | None = None) -> int:
        """Deletes the mails that match, or all, and counts them."""
        answer = self._connection.send("DELETE", "outbox", arguments=_filters(to, action, text))
        return int(answer["deleted"])

    def _shown(self, message: Message | str) -> dict[str, Any]:
        return self._connection.wide.send("GET", f"outbox/{_id(message)}")


def _id(message: Message | str) -> str:
    return message if isinstance(message, str) else message.id


def _filters(
    to: str | None,
    action: str | None,
    text: str | None,
    since: datetime | str | None = None,
    until: datetime | str | None = None,
) -> dict[str, str]:
    times = {"since": since, "until": until}
    return given(to=to, action=action, text=text) | {name: time_text(time) for name, time in times.items() if time is not None}
