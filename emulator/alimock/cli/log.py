"""The log of `alimock serve`: lines are written in batches, because to write each one would cost a tenth of a call."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections import deque
from collections.abc import Sequence
from contextlib import suppress

from alimock.api.context import CallContext
from alimock.cli.log_format import LogFormat

BATCH_SECONDS = 0.05
# How long the exit of the process may wait for the reader of the log.
EXIT_SECONDS = 1
# As many lines as may wait for a reader of the log that does not read; the oldest are lost then.
MAX_LINES = 100_000


class LogWriter(logging.Handler):
    """Writes records and lines about calls to standard error, in order.

    A thread of its own writes them, so that a slow reader of the log does not stop the emulator: a warning or an error at once,
    other lines after at most `BATCH_SECONDS`, and everything at the exit of the process.
    """

    def __init__(self, log_format: LogFormat) -> None:
        super().__init__()
        self._log_format = log_format
        # An event among the lines is set once those before it are written.
        self._lines: deque[str | threading.Event] = deque(maxlen=MAX_LINES)
        self._has_lines = threading.Event()
        self._is_urgent = threading.Event()
        threading.Thread(target=self._run, name="alimock log", daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record."""
        self._add(self._log_format.record(record.levelname, self.format(record)))
        if record.levelno > logging.INFO:
            self._is_urgent.set()

    def write_call(self, context: CallContext) -> None:
        """Write a line about a call, at level INFO."""
        self._add(self._log_format.call(context))

    def flush(self) -> None:
        """Wait until all lines are written, but only a moment for a reader of the log that does not read."""
        written = threading.Event()
        self._add(written)
        self._is_urgent.set()
        written.wait(EXIT_SECONDS)

    def _add(self, line: str | threading.Event) -> None:
        self._lines.append(line)
        self._has_lines.set()

    def _run(self) -> None:
        while True:
            self._has_lines.wait()
            self._has_lines.clear()
            self._is_urgent.wait(BATCH_SECONDS)
            self._is_urgent.clear()
            self._write([self._lines.popleft() for _ in range(len(self._lines))])

    @staticmethod
    def _write(lines: Sequence[str | threading.Event]) -> None:
        text = "".join(line for line in lines if isinstance(line, str))
        # A log that cannot be written must not stop the emulator. The stream would keep its lock, for which the exit waits.
        with suppress(OSError, ValueError):
            left = text.encode(sys.stderr.encoding, "backslashreplace")
            while left:
                left = left[os.write(sys.stderr.fileno(), left) :]
        for line in lines:
            if isinstance(line, threading.Event):
                line.set()
