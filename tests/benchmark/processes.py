"""Servers as processes: their start, how much memory they hold, and their end."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmark.load import LOOPBACK, WrongAnswer, ask

START_SECONDS = 60
STOP_SECONDS = 10
POLL_SECONDS = 0.002
MEBIBYTE = 1024 * 1024
_PROCESSES = Path("/proc")


class Unfit(Exception):
    """A server that cannot be measured here; the text says why in one line."""


def free_port() -> int:
    """Gives a port that is free now."""
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        return int(listener.getsockname()[1])


def resident_bytes(process_id: int) -> int:
    """Gives the memory that a process holds, 0 when it is gone or where the system does not tell."""
    try:
        lines = (_PROCESSES / str(process_id) / "status").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:"))


class Process:
    """A server on a port of this machine, with the processes that it starts, from its making to `stop`.

    `seconds` is how long it took to its first right answer.
    """

    def __init__(self, command: Sequence[str | Path], port: int, folder: Path) -> None:
        self.port = port
        self.seconds = 0.0
        self._started = time.perf_counter()
        # A session of its own, so that what it starts is counted and stopped with it.
        try:
            self._process = subprocess.Popen(
                command,
                cwd=folder,
                # What starts again has its byte code, as users have.
                env={name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            raise Unfit(f"{Path(command[0]).name} cannot be run: {error.strerror}") from None

    def wait(self, request: Callable[[], bytes], expected: bytes) -> None:
        """Asks until the answer is right, and notes the seconds since the start; raises `Unfit` if that does not come."""
        reason = ""
        while (seconds := time.perf_counter() - self._started) < START_SECONDS:
            if self._process.poll() is not None:
                raise Unfit(f"ended with status {self._process.returncode} before it answered")
            try:
                ask(self.port, request(), expected)
            except (OSError, WrongAnswer) as error:
                reason = str(error)
                time.sleep(POLL_SECONDS)
            else:
                self.seconds = time.perf_counter() - self._started
                return
        raise Unfit(f"gave no right answer in {seconds:.0f} seconds: {reason}")

    def memory(self) -> float | None:
        """Gives the resident memory in MiB, that of processes it started included; None where the system does not tell."""
        found = sum(resident_bytes(process_id) for process_id in self._session())
        return found / MEBIBYTE or None

    def stop(self) -> None:
        """Stops it, and by force what is left of it."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
                os.killpg(self._process.pid, number)
                self._process.wait(STOP_SECONDS)

    def _session(self) -> list[int]:
        return [int(path.name) for path in _PROCESSES.glob("[0-9]*") if _session_of(int(path.name)) == self._process.pid]


def _session_of(process_id: int) -> int | None:
    try:
        return os.getsid(process_id)
    except OSError:
        return None
