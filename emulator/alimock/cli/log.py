"""The log of `alimock serve`: lines are written in batches, because to write each one would cost a tenth of a call."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections import deque
from contextlib import suppress
from functools import lru_cache

BATCH_SECONDS = 0.05
# As many lines as may wait for a slow reader of the log before alimock waits, too.
MAX_LINES = 100_000


class LogWriter(logging.Handler):
    """Writes records and lines about calls to standard error, in order.

    They wait for at most `BATCH_SECONDS`. A warning or an error is written immediately, and at the exit of the process everything.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lines: deque[str] = deque()
        self._has_lines = threading.Event()
        self._writing = threading.Lock()
        threading.Thread(target=self._run, name="alimock log", daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record."""
        self._add(f"{_timestamp()} {record.levelname} {self.format(record)}\n")
        if record.levelno > logging.INFO:
            self.flush()

    def write_call(self, line: str) -> None:
        """Write a line about a call, at level INFO."""
        self._add(f"{_timestamp()} INFO {line}\n")

    def flush(self) -> None:
        """Write all lines."""
        # A log that cannot be written must not stop the emulator.
        with self._writing, suppress(OSError, ValueError):
            sys.stderr.write("".join([self._lines.popleft() for _ in range(len(self._lines))]))
            sys.stderr.flush()

    def _add(self, line: str) -> None:
        self._lines.append(line)
        if not self._has_lines.is_set():
            self._has_lines.set()
        if len(self._lines) > MAX_LINES:
            self.flush()

    def _run(self) -> None:
        while True:
            self._has_lines.wait()
            self._has_lines.clear()
            time.sleep(BATCH_SECONDS)
            self.flush()


def _timestamp() -> str:
    """Return the local time in milliseconds."""
    now = time.time()
    return f"{_second(int(now))},{int(now % 1 * 1000):03}"


@lru_cache(maxsize=1)
def _second(now: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now))
