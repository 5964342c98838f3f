"""The log of `alimock serve`: no line is lost, and lines are in order."""

from __future__ import annotations

import subprocess
import sys

import pytest

START = """
import logging, os, sys, threading
from alimock.cli.log import LogWriter
class Lines:
    record = staticmethod(lambda level, message: f"{level} {message}\\n")
    call = staticmethod(lambda call: f"INFO {call}\\n")
log = LogWriter(Lines())
logging.basicConfig(level=logging.INFO, format="%(message)s", handlers=[log])
"""


def log_of(code: str) -> list[str]:
    """Return what a program writes to its log."""
    done = subprocess.run([sys.executable, "-c", START + code], capture_output=True, text=True, timeout=60)
    return done.stderr.splitlines()


@pytest.mark.parametrize("end", ["", "sys.exit(3)", "raise ValueError('crash')"])
def test_last_lines_are_written_at_exit_and_in_a_crash(end: str) -> None:
    lines = log_of(f"for number in range(3): log.write_call(f'call {{number}}')\n{end}")
    assert [line for line in lines if line.startswith("INFO")] == [f"INFO call {number}" for number in range(3)]


def test_lines_and_records_are_in_order() -> None:
    lines = log_of("log.write_call('call'); logging.info('info'); logging.warning('warning'); log.write_call('last')")
    assert lines == ["INFO call", "INFO info", "WARNING warning", "INFO last"]


def test_log_without_a_reader_stops_neither_the_process_nor_its_exit() -> None:
    code = f"{START}[log.write_call('x' * 100) for _ in range(10_000)]; logging.warning('x'); log.write_call('x'); print('alive', flush=True)"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stderr is not None
    assert process.stdout.readline() == "alive\n"
    assert process.wait(20) == 0
    process.stdout.close()
    process.stderr.close()


def test_lines_of_many_threads_are_all_written() -> None:
    lines = log_of(
        "threads = [threading.Thread(target=lambda: [log.write_call('x' * 50) for _ in range(2_000)]) for _ in range(8)]\n"
        "for thread in threads: thread.start()\n"
        "for thread in threads: thread.join()"
    )
    assert lines == [f"INFO {'x' * 50}"] * 16_000


def test_lines_are_written_while_the_process_goes_on() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", f"{START}log.write_call('call'); sys.stdin.read()"],
        stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr is not None
    assert process.stderr.readline() == "INFO call\n"
    process.communicate()


def test_closed_log_does_not_stop_the_process() -> None:
    done = subprocess.run(
        [sys.executable, "-c", f"{START}sys.stderr.close(); log.write_call('call'); logging.warning('x'); print('alive')"],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "alive\n")
