"""Measures alimock beside the tools people would use in its place, prints the table of them, and writes docs/benchmarks.md.

A peer that this machine cannot install or start is a row that says why. Run by `make bench`; it takes about ten minutes.
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

from benchmark import fixture, growth, load, report
from benchmark.packages import install, is_installed
from benchmark.processes import Process, free_port
from benchmark.results import Result
from benchmark.tools import PYTEST_HTTPSERVER, TOOLS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "benchmarks.md"
STARTS = 5
ROUNDS = 3
CONNECTIONS = (1, 16)
# A load ends with the first of these.
CALLS = 10_000
SECONDS = 2.0
# What memory is measured after; a peer that is too slow for it has no such number.
MANY_CALLS = 20_000
MANY_SECONDS = 120.0
SIZES = (10, 1_000, 100_000, 1_000_000)
GROWTH_SECONDS = 90


def main() -> None:
    """Goes through all measurements, one at a time."""
    results = [Result(tool) for tool in TOOLS]
    for result in results:
        if result.tool.package is not None:
            _say(f"install {result.tool.name}")
            with result.excused():
                install(result.tool.package)
    with tempfile.TemporaryDirectory() as folder:
        measure_starts(results, Path(folder))
        measure_loads(results, Path(folder))
    shown = report.tools(results, report.columns(CONNECTIONS, MANY_CALLS))
    print(shown)
    parts = {"machine": machine(), "starts": str(STARTS), "rounds": str(ROUNDS), "tools": shown}
    PAGE.write_text(report.page({**parts, "fixtures": fixtures(), **grown()}))


def measure_starts(results: Sequence[Result], folder: Path) -> None:
    """Starts each tool several times, one after the other; the first time warms up."""
    for number in range(STARTS + 1):
        _say(f"starts, {number} of {STARTS}")
        for result in _fit(results):
            with result.excused():
                process = _started(result, folder)
                process.stop()
                if number:
                    result.starts.append(process.seconds)


def measure_loads(results: Sequence[Result], folder: Path) -> None:
    """Starts all tools, has each answer many calls, which also warms it up, and then goes round them several times."""
    with contextlib.ExitStack() as stack:
        processes: dict[str, Process] = {}
        for result in _fit(results):
            with result.excused():
                process = processes[result.tool.name] = _started(result, folder)
                stack.callback(process.stop)
        for result in _fit(results):
            with result.excused():
                _say(f"memory of {result.tool.name}")
                measure_memory(result, processes[result.tool.name])
        for number in range(ROUNDS):
            for result in _fit(results):
                _say(f"loads, {number + 1} of {ROUNDS}: {result.tool.name}")
                with result.excused():
                    measure_load(result, processes[result.tool.name])


def measure_memory(result: Result, process: Process) -> None:
    """Measures memory before and after many calls of the first question."""
    question = result.tool.questions[0]
    result.memory_at_start = process.memory()
    requests = [question.request() for _ in range(MANY_CALLS)]
    figures = load.drive(process.port, requests, question.expected, connections=max(CONNECTIONS), seconds=MANY_SECONDS)
    result.memory_after, result.calls = process.memory(), figures.calls


def measure_load(result: Result, process: Process) -> None:
    """Has a tool answer each of its questions on one connection and on several."""
    with load.parked(process.port, result.tool.waiters):
        for number, question in enumerate(result.tool.questions):
            for connections in CONNECTIONS:
                requests = [question.request() for _ in range(CALLS)]
                figures = load.drive(process.port, requests, question.expected, connections=connections, seconds=SECONDS)
                result.figures.setdefault((number, connections), []).append(figures)


def _started(result: Result, folder: Path) -> Process:
    own = folder / result.tool.name.replace(" ", "-")
    own.mkdir(exist_ok=True)
    port, question = free_port(), result.tool.questions[0]
    process = Process(result.tool.command(port, own), port, own)
    try:
        process.wait(question.request, question.expected)
    except BaseException:
        process.stop()
        raise
    return process


def _fit(results: Sequence[Result]) -> Iterator[Result]:
    return (result for result in results if result.unfit is None)


def fixtures() -> str:
    """Measures the life of servers in the process of a test, each by the interpreter that has it."""
    _say("fixtures")
    interpreters = {"alimock": Path(sys.executable)}
    if is_installed(PYTEST_HTTPSERVER):
        interpreters["pytest-httpserver"] = PYTEST_HTTPSERVER.binaries / "python"
    found: dict[str, dict[str, float]] = {}
    for name, interpreter in interpreters.items():
        found[name] = json.loads(subprocess.run([interpreter, fixture.__file__, name], stdout=subprocess.PIPE, check=True).stdout)
    return report.fixtures(found)


def grown() -> dict[str, str]:
    """Measures growth, each size in a process of its own, which is ended when it takes too long."""
    found: dict[tuple[str, int], float] = {}
    for size in SIZES:
        found |= _grown("addresses", str(size))
    return {
        "addresses": report.growth(found),
        "mails": report.growth(_grown("mails")),
        "files": report.files(_grown("files")),
    }


def _grown(*arguments: str) -> dict[tuple[str, int], float]:
    _say(f"growth: {' '.join(arguments)}")
    try:
        output = subprocess.run(
            [sys.executable, "-m", growth.__name__, *arguments], stdout=subprocess.PIPE, timeout=GROWTH_SECONDS, check=True
        ).stdout
    except subprocess.TimeoutExpired as late:
        output = late.stdout or b""
    rows = [json.loads(line) for line in output.splitlines(keepends=True) if line.endswith(b"\n")]
    return {(row["name"], row["size"]): row["value"] for row in rows}


def machine() -> str:
    """Says what it was measured on, without names of its own."""
    versions = [f"Python {platform.python_version()}"]
    for name, command in {"Node": ("node", "--version"), "Java": ("java", "--version")}.items():
        if shutil.which(command[0]) is not None:
            output = subprocess.run(command, capture_output=True, text=True).stdout
            versions.append(f"{name} {output.split()[1 if name == 'Java' else 0].lstrip('v')}")
    return f"Measured on {os.cpu_count()} cores of {platform.machine()} under {platform.system()}, with {', '.join(versions)}"


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
