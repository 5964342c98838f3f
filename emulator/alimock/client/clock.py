"""The clock of an account, which drives record times, the expiry of links and the daily limits."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from alimock.client.connection import Connection
from alimock.client.models import moment, time_text


class Clock:
    """The clock of one account. Times are UTC+8, as the service writes them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def now(self) -> datetime:
        """Gives the account's time, to the second."""
        return moment(self._connection.send("GET", "clock")["now"])

    def freeze(self, at: datetime | str | None = None) -> datetime:
        """Has the time stand still and gives it, now or `at` a text in UTC+8 or a datetime, in UTC+8 if it has no zone."""
        return self._set(frozen=True, **({"now": time_text(at)} if at is not None else {}))

    def resume(self) -> datetime:
        """Has the time run on from where it stands, and gives it."""
        return self._set(frozen=False)

    def advance(self, by: timedelta | str) -> datetime:
        """Moves the time forward by whole seconds, or by a text such as `3d` or `1d12h`, and gives it."""
        text = by if isinstance(by, str) else f"{by // timedelta(seconds=1)}s"
        answer = self._connection.send("POST", "clock/advance", json.dumps({"by": text}).encode())
        return moment(answer["now"])

    def _set(self, **change: object) -> datetime:
        return moment(self._connection.send("PUT", "clock", json.dumps(change).encode())["now"])
