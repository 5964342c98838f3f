"""The measurements of one tool and their medians."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from statistics import median

from benchmark.load import Figures, WrongResponse, drive
from benchmark.processes import NotInstallable, NotMeasurable, Process
from benchmark.tools import Question, Tool


def measured_load(
    processes: Sequence[Process],
    question: Question,
    *,
    connections: int,
    calls: int,
    seconds: float,
    state_server: Process | None = None,
) -> Figures:
    """Load servers evenly with a question, and return the figures with the sum of their CPU times and that of a server of their state."""
    requests = [question.request() for _ in range(calls)]
    measured = processes, [state_server] if state_server is not None else []
    before = list(map(_cpu_seconds, measured))
    figures = drive([process.port for process in processes], requests, question.expected, connections=connections, seconds=seconds)
    cpu, state_cpu = (
        (_cpu_seconds(one) - start) / figures.calls * 1e6 or None for one, start in zip(measured, before, strict=True)
    )
    return replace(figures, cpu=cpu, state_cpu=state_cpu)


def _cpu_seconds(processes: Sequence[Process]) -> float:
    return sum(process.cpu_seconds() or 0.0 for process in processes)


def medians(loads: Sequence[Figures]) -> Figures:
    """Return the medians of loads, and the sum of their calls."""
    return Figures(
        sum(one.calls for one in loads),
        median(one.per_second for one in loads),
        median(one.p50 for one in loads),
        median(one.p99 for one in loads),
        _median_of_measured(one.cpu for one in loads),
        _median_of_measured(one.state_cpu for one in loads),
    )


def _median_of_measured(times: Iterable[float | None]) -> float | None:
    measured = [time for time in times if time is not None]
    return median(measured) if measured else None


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
        return medians(found) if found else None
