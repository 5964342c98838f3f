"""The clock over HTTP: reading, setting, freezing and advancing the time of the accounts."""

from __future__ import annotations

from collections.abc import Callable

from alimock.control import arguments
from alimock.control.problem import Problem
from alimock.spec.times import format_time, parse_duration, parse_time
from alimock.state.clock import Clock
from alimock.state.store import Store

# A later time could not be written as a date once a link's days are added.
LATEST = parse_time("9989-12-31 00:00:00")
_TIME_HINT = 'give a time in UTC+8, such as {"now": "2019-02-19 16:38:07"}'
_DURATION_HINT = 'give a duration in d, h, m and s, such as {"by": "3d"} or {"by": "1d12h"}'


class ClockResource:
    """Shows and moves the clock of one account, or of all and of those to come."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def show(self) -> dict[str, object]:
        """Shows the time of an account, or the time that new accounts start with."""
        return self._shown(arguments.query("access_key_id").get("access_key_id"))

    def set(self) -> dict[str, object]:
        """Sets the time, freezes it or lets it run on; without `frozen` a clock keeps standing or running."""
        key_id = arguments.query("access_key_id").get("access_key_id")
        content = arguments.body("now", "frozen")
        now = _time(arguments.text(content, "now", "2019-02-19 16:38:07")) if "now" in content else None
        frozen = content.get("frozen")
        if not isinstance(frozen, bool | None) or not content:
            raise Problem(
                400, "`frozen` is neither true nor false" if content else "the body is empty", f"{_TIME_HINT} or `frozen`"
            )

        def change(clock: Clock) -> None:
            standing = clock.frozen_at is not None if frozen is None else frozen
            clock.set(clock.now() if now is None else now, frozen=standing)

        return self._change(change, key_id)

    def advance(self) -> dict[str, object]:
        """Moves the time forward."""
        key_id = arguments.query("access_key_id").get("access_key_id")
        text = arguments.text(arguments.body("by"), "by", "3d")
        try:
            seconds = parse_duration(text)
        except ValueError:
            raise Problem(400, f"`by`: found {text[:60]!a}", _DURATION_HINT) from None
        with self.store.lock:
            clocks = [account.clock for account in self.store.accounts_for_change(key_id)] + (
                [self.store.clock] if key_id is None else []
            )
            if any(clock.now() + seconds > LATEST for clock in clocks):
                raise Problem(400, f"`by`: {text[:60]} leads beyond {format_time(LATEST)}", "give a shorter duration")
            return self._change(lambda clock: clock.set(clock.now() + seconds, frozen=clock.frozen_at is not None), key_id)

    def _change(self, change: Callable[[Clock], None], key_id: str | None) -> dict[str, object]:
        with self.store.lock:
            self.store.change_clocks(change, key_id)
            return self._shown(key_id)

    def _shown(self, key_id: str | None) -> dict[str, object]:
        with self.store.lock:
            account = self.store.account_for_view(key_id) if key_id is not None else None
            clock = account.clock if account is not None else self.store.clock
            return {"now": format_time(clock.now()), "frozen": clock.frozen_at is not None}


def _time(text: str) -> int:
    try:
        return parse_time(text)
    except ValueError:
        raise Problem(400, f"`now`: found {text[:60]!a}", _TIME_HINT) from None
