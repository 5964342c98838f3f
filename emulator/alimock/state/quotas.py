"""What an account has sent on each UTC+8 day, which counts against the limits of the service."""

from __future__ import annotations

from dataclasses import dataclass, field

from alimock.spec.times import day_of
from alimock.state.clock import Clock


@dataclass(slots=True)
class _Day:
    sends: dict[str, int] = field(default_factory=dict)
    new: set[str] = field(default_factory=set)


class DailyQuotas:
    """The mails to each address and the new addresses, by the day that the account's clock shows.

    Addresses are folded. What a scenario counts before the start of the account is not included. Days are kept for a clock that
    is set back.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._first = day_of(clock.now())
        self._days: dict[int, _Day] = {}

    @property
    def is_first_day(self) -> bool:
        """Whether the clock shows the day on which the account started."""
        return day_of(self._clock.now()) == self._first

    def sends(self, address: str) -> int | None:
        """Return the number of mails to an address today, None if it was never set."""
        return self._today().sends.get(address)

    def set_sends(self, address: str, count: int) -> None:
        """Set the number of mails to an address today."""
        self._changed_today().sends[address] = count

    def is_new(self, address: str) -> bool:
        """Return whether an address was new today."""
        return address in self._today().new

    def count_new(self) -> int:
        """Return the number of addresses that were new today."""
        return len(self._today().new)

    def add_new(self, address: str) -> None:
        """Count an address as new today."""
        self._changed_today().new.add(address)

    def addresses(self) -> set[str]:
        """Return all addresses that anything was counted for today."""
        return {*self._today().sends, *self._today().new}

    def forget(self, address: str) -> None:
        """Forget what was counted for an address on any day."""
        for day in self._days.values():
            day.sends.pop(address, None)
            day.new.discard(address)

    def _today(self) -> _Day:
        return self._days.get(day_of(self._clock.now())) or _Day()

    def _changed_today(self) -> _Day:
        return self._days.setdefault(day_of(self._clock.now()), _Day())
