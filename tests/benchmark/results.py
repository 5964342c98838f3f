"""What was measured of one tool, and its medians."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import median

from benchmark.load import Figures, WrongAnswer
from benchmark.processes import Unfit
from benchmark.tools import Tool


@dataclass
class Result:
    """The measurements of a tool, in the order in which they were made; `unfit` says why there are no more of them.

    Of `figures` the key is the number of the question and how many connections asked it; `calls` is how many were made between the
    two measurements of memory, which is in MiB.
    """

    tool: Tool
    unfit: str | None = None
    starts: list[float] = field(default_factory=list)
    memory_at_start: float | None = None
    memory_after: float | None = None
    calls: int = 0
    figures: dict[tuple[int, int], list[Figures]] = field(default_factory=dict)

    @contextlib.contextmanager
    def excused(self) -> Iterator[None]:
        """Notes why a peer cannot be measured, in place of failing; alimock itself must not fail."""
        try:
            yield
        except (Unfit, WrongAnswer, OSError) as error:
            if not self.tool.is_peer:
                raise
            self.unfit = str(error).partition("\n")[0]
            print(f"{self.tool.name}: {error}", file=sys.stderr)

    @property
    def cold_start(self) -> float | None:
        """The milliseconds from its execution to the first right answer."""
        return median(self.starts) * 1e3 if self.starts else None

    def median(self, question: int, connections: int) -> Figures | None:
        """Gives the medians of what several loads showed."""
        found = self.figures.get((question, connections))
        if not found:
            return None
        return Figures(
            sum(one.calls for one in found),
            median(one.per_second for one in found),
            median(one.p50 for one in found),
            median(one.p99 for one in found),
        )
