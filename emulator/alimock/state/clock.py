"""An account's clock: it drives record times, link expiry and daily quotas, and never the checks of a request's own timestamp."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class Clock:
    """A clock that runs beside the real one at an offset, or stands still at `frozen_at`; epoch seconds."""

    real_time: Callable[[], float]
    frozen_at: int | None = None
    offset: int = 0

    def now(self) -> int:
        """Gives the account's time in epoch seconds."""
        return self.frozen_at if self.frozen_at is not None else int(self.real_time()) + self.offset

    def set(self, now: int, *, frozen: bool) -> None:
        """Sets the clock to a moment, standing still there or running on from there."""
        self.frozen_at = now if frozen else None
        self.offset = now - int(self.real_time())

    def copy(self) -> Clock:
        """Gives a second clock that shows the same."""
        return Clock(self.real_time, self.frozen_at, self.offset)
