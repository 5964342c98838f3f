"""What an account has sent on one UTC+8 day, which counts against the service's limits and is forgotten when the day turns."""

from __future__ import annotations

from alimock.timeformat import day_of
from alimock.world.clock import Clock


class Day:
    """Counts the mails to each address and the new addresses of the day that a clock shows, be it later or earlier than before.

    Addresses are folded.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._first = self._number = day_of(clock.now())
        self._sends: dict[str, int] = {}
        self._new: set[str] = set()

    @property
    def is_first(self) -> bool:
        """Whether the clock still shows the day of the beginning."""
        self._turn()
        return self._number == self._first

    @property
    def sends(self) -> dict[str, int]:
        """The mails of the day by address; those that a scenario says were sent before are not among them."""
        self._turn()
        return self._sends

    @property
    def new(self) -> set[str]:
        """The new addresses of the day; those that a scenario counts as new are not among them."""
        self._turn()
        return self._new

    def forget(self, folded: str) -> None:
        """Forgets what was counted for an address."""
        self._sends.pop(folded, None)
        self._new.discard(folded)

    def _turn(self) -> None:
        number = day_of(self._clock.now())
        if number != self._number:
            self._number = number
            self._sends.clear()
            self._new.clear()
