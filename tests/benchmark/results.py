"""The measurements of one tool and their medians."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import median

from benchmark.load import Figures, WrongResponse
from benchmark.processes import NotInstallable, NotMeasurable
from benchmark.tools import Tool


@dataclass
class Result:
    """The measurements of a tool, in order; `failure` is the reason if they are incomplete.

    The key of `figures` is the number of the question and the number of connections. `calls` is the number of calls between the two
    measurements of memory, which is in MiB.
    """

    tool: Tool
    failure: str | None = None
    starts: list[float] = field(default_factory=list)
    memory_at_start: float | None = None
    memory_after: float | None = None
    calls: int = 0
    figures: dict[tuple[int, int], list[Figures]] = field(default_factory=dict)

    @contextlib.contextmanager
    def tolerating_failure(self) -> Iterator[None]:
        """Record the failure of a peer, or that a tool cannot be installed, as its result; any other failure of alimock is raised."""
        try:
            yield
        except (NotMeasurable, WrongResponse, OSError) as error:
            if not self.tool.is_peer and not isinstance(error, NotInstallable):
                raise
            self.failure = str(error).partition("\n")[0]
            print(f"{self.tool.name}: {error}", file=sys.stderr)

    @property
    def cold_start(self) -> float | None:
        """The milliseconds from execution to the first correct response."""
        return median(self.starts) * 1e3 if self.starts else None

    def median(self, question: int, connections: int) -> Figures | None:
        """Return the medians of the loads."""
        found = self.figures.get((question, connections))
        if not found:
            return None
        times = [one.cpu for one in found if one.cpu is not None]
        return Figures(
            sum(one.calls for one in found),
            median(one.per_second for one in found),
            median(one.p50 for one in found),
            median(one.p99 for one in found),
            median(times) if times else None,
        )
