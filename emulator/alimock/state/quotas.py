"""What an account has sent on each UTC+8 day, which counts against the limits of the service."""

from __future__ import annotations

from dataclasses import dataclass, field

from alimock.spec.times import day_of
from alimock.state.clock import Clock


@dataclass(slots=True)
class DayCounts:
    """The number of mails to each folded address on one day, and the folded addresses that were new on it."""

    sends: dict[str, int] = field(default_factory=dict)
    new: set[str] = field(default_factory=set)


class DailyQuotas:
    """The counts of each day that the account's clock has shown.

    What a scenario counts before the start of the account is not included. Days are kept for a clock that is set back.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.first_day = day_of(clock.now())
        self.days: dict[int, DayCounts] = {}

    @property
    def is_first_day(self) -> bool:
        """Whether the clock shows the day on which the account started."""
        return day_of(self._clock.now()) == self.first_day

    @property
    def today(self) -> DayCounts:
        """The counts of the day that the clock shows, to be read only."""
        return self.days.get(day_of(self._clock.now()), DayCounts())

    def today_for_change(self) -> DayCounts:
        """Return the counts of the day that the clock shows, which are kept from now on."""
        return self.days.setdefault(day_of(self._clock.now()), DayCounts())

    @property
    def kept_days(self) -> int:
        """The number of days whose counts are kept."""
        return len(self.days)

    def forget(self, address: str) -> None:
        """Forget what was counted for an address on any day."""
        for day in self.days.values():
            day.sends.pop(address, None)
            day.new.discard(address)
