"""The clock of an account, which determines record times, the expiry of links, and daily quotas."""

from __future__ import annotations

from datetime import datetime, timedelta

from alimock.client.connection import Connection
from alimock.client.models import moment, time_text


class Clock:
    """The clock of one account. Times are UTC+8, as the service writes them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def now(self) -> datetime:
        """Return the account's time, to the second."""
        return moment(self._connection.send("GET", "clock")["now"])

    def freeze(self, at: datetime | str | None = None) -> datetime:
        """Freeze the clock, now or at a text in UTC+8 or a datetime (UTC+8 if naive), and return its time."""
        now = {"now": time_text(at)} if at is not None else {}
        return moment(self._connection.send("PUT", "clock", {"frozen": True, **now})["now"])

    def resume(self) -> datetime:
        """Let the clock run on from its time, and return the time."""
        return moment(self._connection.send("PUT", "clock", {"frozen": False})["now"])

    def advance(self, by: timedelta | str) -> datetime:
        """Advance the clock by whole seconds, or by a text such as `3d` or `1d12h`, and return its time."""
        text = by if isinstance(by, str) else f"{by // timedelta(seconds=1)}s"
        answer = self._connection.send("POST", "clock/advance", {"by": text})
        return moment(answer["now"])
