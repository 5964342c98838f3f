"""The benchmark: alimock accepts its requests, so that it measures successful responses and not errors."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest
from alimock.scenario import loader
from benchmark import calls, load, processes, report, tools
from benchmark.results import Result
from conftest import Running, serve

ROOT = Path(__file__).parent.parent
TIMEOUT_SECONDS = 10
STRICT = "authentication: strict\n"


def until_waiting(running: Running, count: int) -> None:
    """Return once the server has exactly this number of waiters."""
    end = time.monotonic() + TIMEOUT_SECONDS
    while running.store.waiters.count != count:
        assert time.monotonic() < end, f"found {running.store.waiters.count} waiters, expected {count}"
        time.sleep(0.005)


@pytest.mark.slow
@pytest.mark.parametrize("tool", [tool for tool in tools.TOOLS if tool.name.startswith("alimock")], ids=lambda tool: tool.name)
def test_strict_emulator_accepts_every_call_of_the_benchmark(tool: tools.Tool) -> None:
    loaded = loader.load_text((tools.scenario(500) + STRICT).encode(), file="benchmark.yaml")
    for running in serve(loaded):
        for question in tool.questions:
            figures = load.drive(
                running.port, [question.request() for _ in range(20)], question.expected, connections=4, seconds=60
            )
            assert figures.calls == 20


def test_wrong_response_ends_the_load(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "SECRET", "another")
    for running in serve(loader.load("default")):
        with pytest.raises(load.WrongResponse, match="400 Bad Request"):
            load.ask(running.port, calls.signed_v1(calls.QUERY, Email="abc@aliyun.com"), tools.FOUND)


def test_parked_waits_are_registered_during_the_load_and_end_with_it(running: Running) -> None:
    with load.parked(running.port, 50):
        until_waiting(running, 50)
    until_waiting(running, 0)


def test_wait_that_ends_during_the_load_is_an_error(running: Running) -> None:
    with pytest.raises(load.WrongResponse, match="3 of 3 waits have ended"), load.parked(running.port, 3):
        running.server.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has the CPU time of other processes")
def test_cpu_time_of_a_process_is_what_it_measures_itself() -> None:
    before = time.process_time()
    measured = processes.cpu_seconds(os.getpid())
    assert before <= measured <= time.process_time()


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_cpu_time_includes_child_processes(tmp_path: Path) -> None:
    busy = "import time\nwhile time.process_time() < 0.2: pass\ntime.sleep(60)"
    parent = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {busy!r}])"
    process = processes.Process([sys.executable, "-c", parent], 0, tmp_path)
    try:
        end = time.monotonic() + TIMEOUT_SECONDS
        while (process.cpu_seconds() or 0) < 0.2:
            assert time.monotonic() < end
            time.sleep(0.01)
    finally:
        process.stop()


def test_cpu_time_per_call_is_the_median_of_the_rounds_that_have_it() -> None:
    loads = [load.Figures(10, 1.0, 1.0, 1.0, cpu) for cpu in (300.0, None, 100.0, 110.0)]
    assert Result(tools.ALIMOCK, figures={(0, 1): loads, (0, 16): loads[1:2]}).median(0, 1) == load.Figures(
        40, 1.0, 1.0, 1.0, 110.0
    )
    shown = report.tools([Result(tools.ALIMOCK, figures={(0, 1): loads, (0, 16): loads[1:2]})], report.columns((1, 16), 20_000))
    titles, _, row, *_ = (line.strip("| ").split(" | ") for line in shown.splitlines())
    found = dict(zip(titles, row, strict=True))
    assert (found["CPU at 1, µs/call"], found["CPU at 16, µs/call"]) == ("110", "-")


def test_alimock_with_uvloop_may_be_missing_but_must_not_fail() -> None:
    tool = next(tool for tool in tools.TOOLS if tool.package is tools.UVLOOP)
    result = Result(tool)
    with result.tolerating_failure():
        raise processes.NotInstallable("no uvloop")
    assert result.failure == "no uvloop"
    with pytest.raises(load.WrongResponse), result.tolerating_failure():
        raise load.WrongResponse
    assert not tool.is_peer


def test_benchmarks_page_contains_the_text_of_its_template() -> None:
    page = (ROOT / "docs" / "benchmarks.md").read_text()
    template = (ROOT / "tests" / "benchmark" / "benchmarks.md.in").read_text()
    missing = [line for line in template.splitlines() if "$" not in line and line not in page]
    assert not missing, "run: make bench"
