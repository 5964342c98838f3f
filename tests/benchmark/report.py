"""The report: `benchmarks.md.in`, whose prose is written by hand, with each `$name` replaced by a measurement or a table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template

from benchmark.results import Result
from benchmark.tools import ALIMOCK, BARE

TEMPLATE = Path(__file__).with_name("benchmarks.md.in")
NOTHING = "-"
# The size that growth is relative to.
BASE = 1_000


@dataclass(frozen=True)
class Column:
    """A column of numbers: its value for a tool and one of its requests, and whether more is better."""

    title: str
    value: Callable[[Result, int], float | None]
    form: str = ".0f"
    more_is_better: bool = False


def _of_load(name: str, connections: int) -> Callable[[Result, int], float | None]:
    def value(result: Result, question: int) -> float | None:
        figures = result.median(question, connections)
        return getattr(figures, name) if figures is not None else None

    return value


def _once(value: Callable[[Result], float | None]) -> Callable[[Result, int], float | None]:
    """Limit a value of the tool as a whole to the row of its first request."""
    return lambda result, question: value(result) if question == 0 else None


def columns(connections: Sequence[int], calls: int) -> tuple[Column, ...]:
    """Return the columns of the table of tools."""
    loads = (
        (
            Column(
                f"calls/s, {many} connection{'s' if many > 1 else ''}", _of_load("per_second", many), ",.0f", more_is_better=True
            ),
            Column(f"p50 at {many}, ms", _of_load("p50", many), ".2f"),
            Column(f"p99 at {many}, ms", _of_load("p99", many), ".2f"),
            Column(f"CPU at {many}, µs/call", _of_load("cpu", many), ",.0f"),
        )
        for many in connections
    )
    return (
        Column("cold start, ms", _once(lambda result: result.cold_start)),
        Column("MiB at start", _once(lambda result: result.memory_at_start)),
        Column(f"MiB after {calls:,} calls", _once(lambda result: result.memory_after if result.calls == calls else None)),
        *(column for load in loads for column in load),
    )


def tools(results: Sequence[Result], shown: Sequence[Column]) -> str:
    """Return the table of tools, with the ratios of alimock to the best peer and to the bare responder on its server."""
    titles = ("tool", "request", "checks signatures, keeps state", *(column.title for column in shown))
    rows = [row for result in results for row in _rows(result, shown)]
    own = next(result for result in results if result.tool is ALIMOCK)
    compared = {
        "alimock to the best peer": [result for result in results if result.tool.is_peer],
        "alimock to the bare responder on its server": [result for result in results if result.tool is BARE],
    }
    ratios = [
        (name, "over 1 is better", "", *(_ratio(own, others, column) for column in shown)) for name, others in compared.items()
    ]
    return table(titles, [*rows, *ratios])


def _rows(result: Result, shown: Sequence[Column]) -> Iterable[Sequence[str]]:
    tool = result.tool
    name = f"{tool.name} {tool.version}".strip()
    if result.failure is not None:
        yield name, f"not measured: {result.failure}", tool.traits, *("" for _ in shown)
        return
    for number, question in enumerate(tool.questions):
        yield name, question.label, tool.traits, *(cell(column.value(result, number), column.form) for column in shown)


def _ratio(own: Result, others: Sequence[Result], column: Column) -> str:
    """Return how many times better alimock is than the best of the others; a peer is named."""
    value = column.value(own, 0)
    found = [(number, other) for other in others if other.failure is None and (number := column.value(other, 0)) is not None]
    if value is None or not found:
        return NOTHING
    best, other = (max if column.more_is_better else min)(found, key=lambda one: one[0])
    ratio = value / best if column.more_is_better else best / value
    return f"{ratio:.2f} ({other.tool.name})" if other.tool.is_peer else f"{ratio:.2f}"


def fixtures(found: Mapping[str, Mapping[str, float]]) -> str:
    """Return the table of in-process servers."""
    steps = ("start", "reset", "stop")
    rows = [(name, *(cell(seconds[step] * 1e3, ".2f") for step in steps)) for name, seconds in found.items()]
    return table(("fixture", *(f"{step}, ms" for step in steps)), rows)


def growth(found: Mapping[tuple[str, int], float]) -> str:
    """Return a table with a column per size and the ratio of the last to `BASE`; times are in µs, memory in bytes."""
    sizes = sorted({size for _, size in found})
    rows = []
    for name in dict.fromkeys(name for name, _ in found):
        is_memory = name.startswith("memory")
        values = [found.get((name, size)) for size in sizes]
        cells = [cell(value if value is None or is_memory else value * 1e6, ",.0f") for value in values]
        first, last = found.get((name, BASE)), values[-1]
        ratio = NOTHING if first is None or last is None else f"{last / first:.1f}"
        rows.append((f"{name}, {'bytes' if is_memory else 'µs'}", *cells, ratio))
    return table(("", *(f"{size:,}" for size in sizes), f"{sizes[-1]:,} to {BASE:,}"), rows)


def files(found: Mapping[tuple[str, int], float]) -> str:
    """Return the table of loading times."""
    rows = [(f"{size:,} addresses as {name}", cell(seconds * 1e3, ".0f")) for (name, size), seconds in found.items()]
    return table(("file", "ms"), rows)


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    return "\n".join(f"| {' | '.join(row)} |" for row in (titles, ["---"] * len(titles), *rows))


def page(parts: Mapping[str, str]) -> str:
    """Return the whole page."""
    return Template(TEMPLATE.read_text()).substitute(parts)


def cell(value: float | None, form: str) -> str:
    """Return a number in a form, or a dash if it was not measured."""
    return NOTHING if value is None else format(value, form)
