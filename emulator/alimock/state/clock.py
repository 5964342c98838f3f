"""The clock of an account, which drives record times, link expiry and daily quotas.

The timestamp of a request is compared with the real time instead.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from alimock.scenario.model import Scenario


@dataclass
class Clock:
    """A clock that runs at an offset from the real time, or is frozen at `frozen_at`; in epoch seconds."""

    real_time: Callable[[], float]
    frozen_at: int | None = None
    offset: int = 0

    @classmethod
    def of(cls, scenario: Scenario, real_time: Callable[[], float]) -> Clock:
        """Return the clock that a scenario starts with."""
        clock = cls(real_time)
        if scenario.clock is not None:
            clock.set(scenario.clock, frozen=not scenario.clock_runs)
        return clock

    def now(self) -> int:
        """Return the account's time in epoch seconds."""
        return self.frozen_at if self.frozen_at is not None else int(self.real_time()) + self.offset

    def set(self, now: int, *, frozen: bool) -> None:
        """Set the clock to a time; it is frozen there or runs on from there."""
        self.frozen_at = now if frozen else None
        self.offset = now - int(self.real_time())
