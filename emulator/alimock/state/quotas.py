"""What an account has sent on each UTC+8 day, which counts against the service's limits."""

from __future__ import annotations

from dataclasses import dataclass, field

from alimock.spec.times import day_of
from alimock.state.clock import Clock

# How many days are kept, for a clock that goes back.
KEPT_DAYS = 100


@dataclass(slots=True)
class _Counts:
    sends: dict[str, int] = field(default_factory=dict)
    new: set[str] = field(default_factory=set)


class DailyQuotas:
    """Counts the mails to each address and the new addresses, by the day that a clock shows. Addresses are folded."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._first = day_of(clock.now())
        self._counts: dict[int, _Counts] = {}

    @property
    def is_first(self) -> bool:
        """Whether the clock shows the day of the beginning."""
        return day_of(self._clock.now()) == self._first

    @property
    def sends(self) -> dict[str, int]:
        """The mails of today by address; those that a scenario says were sent before are not among them."""
        return self._today().sends

    @property
    def new(self) -> set[str]:
        """The new addresses of today; those that a scenario counts as new are not among them."""
        return self._today().new

    def forget(self, folded: str) -> None:
        """Forgets what was counted for an address."""
        for counts in self._counts.values():
            counts.sends.pop(folded, None)
            counts.new.discard(folded)

    def _today(self) -> _Counts:
        today = day_of(self._clock.now())
        if today not in self._counts:
            if len(self._counts) >= KEPT_DAYS:
                del self._counts[next(iter(self._counts))]
            self._counts[today] = _Counts()
        return self._counts[today]
