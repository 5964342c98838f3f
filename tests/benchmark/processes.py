"""Servers as processes: start, memory, CPU time and stop."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmark.load import LOOPBACK, WrongResponse, ask

START_SECONDS = 60
STOP_SECONDS = 10
POLL_SECONDS = 0.002
MEBIBYTE = 1024 * 1024
_PROCESSES = Path("/proc")


class NotMeasurable(Exception):
    """A server cannot be measured on this machine; the message is the reason in one line."""


class NotInstallable(NotMeasurable):
    """A server cannot be installed on this machine."""


def free_port() -> int:
    """Return a free port."""
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        return int(listener.getsockname()[1])


def resident_bytes(process_id: int) -> int:
    """Return the resident memory of a process; 0 if it has ended or the system has no /proc."""
    try:
        lines = (_PROCESSES / str(process_id) / "status").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:"))


def cpu_seconds(process_id: int) -> float:
    """Return the user and system time of a process; 0 if it has ended or the system does not tell."""
    # The clock of another process under Linux, as clock_getcpuclockid(3) numbers it; /proc/PID/stat counts in steps of 10 ms.
    try:
        return time.clock_gettime(~process_id << 3 | 2)
    except OSError:
        return 0.0


class Process:
    """A server on a local port, with its child processes, from creation to `stop`.

    `seconds` is the time from its start to its first correct response.
    """

    def __init__(self, command: Sequence[str | Path], port: int, folder: Path) -> None:
        self.port = port
        self.seconds = 0.0
        self._started = time.perf_counter()
        # Its own session, so that child processes are measured and stopped too.
        try:
            self._process = subprocess.Popen(
                command,
                cwd=folder,
                # Users start with cached byte code too.
                env={name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            raise NotMeasurable(f"cannot run {Path(command[0]).name}: {error.strerror}") from None

    def wait(self, request: Callable[[], bytes], expected: bytes) -> None:
        """Poll until the response is correct, and set `seconds`; stop the server and raise `NotMeasurable` after a timeout."""
        self.wait_until(lambda: ask(self.port, request(), expected))

    def wait_until(self, check: Callable[[], None]) -> None:
        """Poll until a check passes, and set `seconds`; stop the server and raise `NotMeasurable` after a timeout."""
        try:
            self._poll(check)
        except BaseException:
            self.stop()
            raise

    def _poll(self, check: Callable[[], None]) -> None:
        reason = ""
        while (seconds := time.perf_counter() - self._started) < START_SECONDS:
            if self._process.poll() is not None:
                raise NotMeasurable(f"exited with status {self._process.returncode} before its first response")
            try:
                check()
            except (OSError, WrongResponse) as error:
                reason = str(error)
                time.sleep(POLL_SECONDS)
            else:
                self.seconds = time.perf_counter() - self._started
                return
        raise NotMeasurable(f"no correct response in {seconds:.0f} seconds: {reason}")

    def memory(self) -> float | None:
        """Return the resident memory in MiB, including child processes; None if the system has no /proc."""
        found = sum(resident_bytes(process_id) for process_id in self._session())
        return found / MEBIBYTE or None

    def cpu_seconds(self) -> float | None:
        """Return the CPU time so far, including child processes; None if the system has no /proc."""
        return sum(cpu_seconds(process_id) for process_id in self._session()) or None

    def stop(self) -> None:
        """Stop it with SIGTERM, then SIGKILL."""
        self._signal(signal.SIGTERM)
        self.kill()

    def kill(self) -> None:
        """End it with SIGKILL, as a crash would."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
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
