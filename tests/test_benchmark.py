"""The benchmark: alimock accepts its requests, so that it measures successful responses and not errors."""

from __future__ import annotations

import os
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from alimock.scenario import loader
from benchmark import calls, load, persistence, processes, report, tools
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
                [running.port], [question.request() for _ in range(20)], question.expected, connections=4, seconds=60
            )
            assert figures.calls == 20


def test_wrong_response_ends_the_load(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "SECRET", "another")
    for running in serve(loader.load("default")):
        with pytest.raises(load.WrongResponse, match="400 Bad Request"):
            load.ask(running.port, calls.signed_v1(calls.QUERY, Email="abc@aliyun.com"), tools.FOUND)


def test_connections_are_spread_over_the_ports(running: Running) -> None:
    for other in serve(loader.load("default")):
        requests = [tools.V1_QUERY.request() for _ in range(8)]
        load.drive([running.port, other.port], requests, tools.FOUND, connections=8, seconds=60)
        assert (len(running.store.calls), len(other.store.calls)) == (4, 4)


def test_wake_up_is_measured_from_the_response_to_the_call(running: Running) -> None:
    wait = b"GET /_alimock/outbox/wait?to=new@example.com&timeout=10 HTTP/1.1\r\nHost: localhost\r\n\r\n"
    submit = calls.signed_v1(calls.SUBMIT, Email="new@example.com")
    assert abs(load.wake_up(running.port, wait, running.port, submit, b"new@example.com")) < TIMEOUT_SECONDS


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


def test_cpu_time_is_compared_with_the_state_in_memory() -> None:
    key = (tools.V1_QUERY.label, 1)
    states = [
        persistence.State(persistence.IN_MEMORY, figures={key: [load.Figures(10, 1.0, 1.0, 1.0, 200.0)]}),
        persistence.State(persistence.IN_FILE, figures={key: [load.Figures(10, 1.0, 1.0, 1.0, 300.0, 50.0)]}),
        persistence.State("in Valkey, 1 process", failure="no server"),
    ]
    titles, _, memory, file, valkey, *_ = (line.strip("| ").split(" | ") for line in persistence.load_table(states).splitlines())
    start = titles.index("CPU at 1, µs/call")
    assert memory[start : start + 3] == ["200", "1.00", "-"]
    assert file[start : start + 3] == ["300", "1.50", "50"]
    assert valkey[:2] == ["in Valkey, 1 process", "not measured: no server"]


@pytest.mark.slow
def test_states_without_a_server_are_left_out_with_a_reason(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(persistence, "SERVERS", ("no-such-server",))
    with ExitStack() as stack:
        server, states = persistence.start_states(tmp_path, stack)
    assert server == "Valkey or Redis"
    assert [state.failure for state in states] == [None, None, *["no-such-server is not installed"] * 3]


@pytest.mark.slow
def test_state_is_restored_in_the_measured_restarts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(persistence, "COMMANDS", 100)
    monkeypatch.setattr(persistence, "STARTS", 1)
    _, _, *rows = persistence.restart_table(tmp_path).splitlines()
    assert [row.split(" | ")[0].strip("| ") for row in rows] == [
        "in memory",
        "in a file (SQLite), 100 commands to apply after `kill -9`",
        "in a file (SQLite), after a clean stop",
    ]


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
    page = (ROOT / "docs" / "explanation" / "benchmarks.md").read_text()
    template = (ROOT / "tests" / "benchmark" / "benchmarks.md.in").read_text()
    missing = [line for line in template.splitlines() if "$" not in line and line not in page]
    assert not missing, "run: make bench"
