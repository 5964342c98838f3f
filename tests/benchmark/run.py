"""Compare alimock with its alternatives, print the table of tools, and write docs/explanation/benchmarks.md.

The row of a tool that cannot be installed or started gives the reason. Run by `make bench`; it takes about twelve minutes.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmark import fixture, growth, load, persistence, report
from benchmark.packages import install, is_installed
from benchmark.processes import Process, free_port
from benchmark.results import Result, measured_load
from benchmark.tools import PYTEST_HTTPSERVER, TOOLS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "explanation" / "benchmarks.md"
STARTS = 5
ROUNDS = 3
CONNECTIONS = (1, 16)
# A load ends at the first of these limits.
CALLS = 10_000
SECONDS = 2.0
# The load before the second measurement of memory; a tool too slow for it has no such number.
MANY_CALLS = 20_000
MANY_SECONDS = 120.0
SIZES = (10, 1_000, 100_000, 1_000_000)
GROWTH_SECONDS = 90


def main() -> None:
    """Make all measurements, one at a time."""
    results = [Result(tool) for tool in TOOLS]
    for result in results:
        if result.tool.package is not None:
            _log(f"install {result.tool.name}")
            with result.tolerating_failure():
                install(result.tool.package)
    with tempfile.TemporaryDirectory() as folder:
        measure_starts(results, Path(folder))
        measure_loads(results, Path(folder))
    shown = report.tools(results, report.columns(CONNECTIONS, MANY_CALLS))
    print(shown)
    parts = {"machine": machine(), "starts": str(STARTS), "rounds": str(ROUNDS), "tools": shown}
    PAGE.write_text(report.page({**parts, "fixtures": fixture_table(), **growth_tables(), **persistence.parts()}))


def measure_starts(results: Sequence[Result], folder: Path) -> None:
    """Start the tools in turn, several times each; the first start is a warm-up."""
    for number in range(STARTS + 1):
        _log(f"starts, {number} of {STARTS}")
        for result in _measurable(results):
            with result.tolerating_failure():
                process = _start(result, folder)
                process.stop()
                if number:
                    result.starts.append(process.seconds)


def measure_loads(results: Sequence[Result], folder: Path) -> None:
    """Start all tools, measure the memory of each, which is also its warm-up, and then load them in turn."""
    with contextlib.ExitStack() as stack:
        processes: dict[str, Process] = {}
        for result in _measurable(results):
            with result.tolerating_failure():
                process = processes[result.tool.name] = _start(result, folder)
                stack.callback(process.stop)
        for result in _measurable(results):
            with result.tolerating_failure():
                _log(f"memory of {result.tool.name}")
                measure_memory(result, processes[result.tool.name])
        for number in range(ROUNDS):
            for result in _measurable(results):
                _log(f"loads, {number + 1} of {ROUNDS}: {result.tool.name}")
                with result.tolerating_failure():
                    measure_load(result, processes[result.tool.name])


def measure_memory(result: Result, process: Process) -> None:
    """Measure memory before and after many calls of the first question."""
    question = result.tool.questions[0]
    result.memory_at_start = process.memory()
    requests = [question.request() for _ in range(MANY_CALLS)]
    figures = load.drive([process.port], requests, question.expected, connections=max(CONNECTIONS), seconds=MANY_SECONDS)
    result.memory_after, result.calls = process.memory(), figures.calls


def measure_load(result: Result, process: Process) -> None:
    """Measure each question of a tool with one connection and with several."""
    with load.parked(process.port, result.tool.waiters):
        for number, question in enumerate(result.tool.questions):
            for connections in CONNECTIONS:
                figures = measured_load([process], question, connections=connections, calls=CALLS, seconds=SECONDS)
                result.figures.setdefault((number, connections), []).append(figures)


def _start(result: Result, folder: Path) -> Process:
    own = folder / result.tool.name.replace(" ", "-")
    own.mkdir(exist_ok=True)
    port, question = free_port(), result.tool.questions[0]
    process = Process(result.tool.command(port, own), port, own)
    process.wait(question.request, question.expected)
    return process


def _measurable(results: Sequence[Result]) -> Iterator[Result]:
    return (result for result in results if result.failure is None)


def fixture_table() -> str:
    """Measure the in-process servers, each with the interpreter of its environment."""
    _log("fixtures")
    interpreters = {"alimock": Path(sys.executable)}
    if is_installed(PYTEST_HTTPSERVER):
        interpreters["pytest-httpserver"] = PYTEST_HTTPSERVER.binaries / "python"
    found: dict[str, dict[str, float]] = {}
    for name, interpreter in interpreters.items():
        found[name] = json.loads(subprocess.run([interpreter, fixture.__file__, name], stdout=subprocess.PIPE, check=True).stdout)
    return report.fixtures(found)


def growth_tables() -> dict[str, str]:
    """Measure growth, each size in its own process and with a timeout."""
    found: dict[tuple[str, int], float] = {}
    for size in SIZES:
        found |= _measure_growth("addresses", str(size))
    return {
        "addresses": report.growth(found),
        "mails": report.growth(_measure_growth("mails")),
        "files": report.files(_measure_growth("files")),
    }


def _measure_growth(*arguments: str) -> dict[tuple[str, int], float]:
    _log(f"growth: {' '.join(arguments)}")
    try:
        output = subprocess.run(
            [sys.executable, "-m", growth.__name__, *arguments], stdout=subprocess.PIPE, timeout=GROWTH_SECONDS, check=True
        ).stdout
    except subprocess.TimeoutExpired as late:
        output = late.stdout or b""
    rows = [json.loads(line) for line in output.splitlines(keepends=True) if line.endswith(b"\n")]
    return {(row["name"], row["size"]): row["value"] for row in rows}


def machine() -> str:
    """Describe the machine without identifying it."""
    versions = [f"Python {platform.python_version()}"]
    for name, command in {"Node": ("node", "--version"), "Java": ("java", "--version")}.items():
        if shutil.which(command[0]) is not None:
            output = subprocess.run(command, capture_output=True, text=True).stdout
            versions.append(f"{name} {output.split()[1 if name == 'Java' else 0].lstrip('v')}")
    return f"Measured on {os.cpu_count()} cores of {platform.machine()} under {platform.system()}, with {', '.join(versions)}"


def _log(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
