"""The progress of long work, as a line on a terminal."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType

# Shorter work shows nothing.
DELAY_SECONDS = 0.5
_INTERVAL_SECONDS = 0.1
_COLUMNS = 80


class Progress:
    """Shows a text and the seconds so far on standard error while a block of code runs, and erases them at its end.

    The text is ASCII. The line is rewritten in place. If standard error is not a terminal, nothing is written.
    """

    def __init__(self, text: Callable[[], str]) -> None:
        self._text = text
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._start = 0.0
        self._thread: threading.Thread | None = None
        self._is_shown = False

    def __enter__(self) -> Progress:
        if sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
            self._start = time.monotonic()
            self._thread = threading.Thread(target=self._run, name="alimock progress", daemon=True)
            self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
            self._erase()

    @contextmanager
    def hidden(self) -> Iterator[None]:
        """Erase the line while a block of code writes to the terminal."""
        with self._lock:
            self._erase()
            yield

    def _run(self) -> None:
        seconds = DELAY_SECONDS
        while not self._ended.wait(seconds):
            seconds = _INTERVAL_SECONDS
            with self._lock:
                self._erase()
                text = f"{self._text()} ({time.monotonic() - self._start:.0f} s)"
                # A character in the last column would begin a new line on some terminals.
                sys.stderr.write(text[: _columns() - 1])
                sys.stderr.flush()
                self._is_shown = True

    def _erase(self) -> None:
        if self._is_shown:
            # Spaces erase on any terminal.
            sys.stderr.write(f"\r{' ' * (_columns() - 1)}\r")
            sys.stderr.flush()
            self._is_shown = False


def _columns() -> int:
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or _COLUMNS
    except (OSError, ValueError):
        return _COLUMNS
