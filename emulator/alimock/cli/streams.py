"""Standard streams that are closed (`>&-`), full, or without a reader."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import TextIO


class StandardStream(io.TextIOBase):
    """A standard stream that keeps its first `error`, and raises errors unless it `is_lossy`.

    A `stream` of None was closed when the process started. Writing to it fails, as in other programs.
    """

    encoding = "utf-8"

    def __init__(self, number: int, stream: TextIO | None, *, is_lossy: bool = False) -> None:
        self.error: OSError | None = None
        self.is_closed = stream is None
        self._number = number
        self._stream = stream
        self._is_lossy = is_lossy
        if stream is not None:
            self.encoding = stream.encoding

    def reconfigure(self, **options: str) -> None:
        """Change the encoding or the handling of its errors."""
        if isinstance(self._stream, io.TextIOWrapper):
            self._stream.reconfigure(**options)  # type: ignore[arg-type]

    def write(self, text: str) -> int:
        """Write a text; raises `OSError`."""
        try:
            if self._stream is None:
                raise OSError(errno.EBADF, os.strerror(errno.EBADF))
            self._stream.write(text)
        except OSError as error:
            self._fail(error)
        return len(text)

    def flush(self) -> None:
        """Write what is buffered; raises `OSError`."""
        try:
            if self._stream is not None:
                self._stream.flush()
        except OSError as error:
            self._fail(error)

    def fileno(self) -> int:
        """Return the file descriptor."""
        return self._number if self._stream is None else self._stream.fileno()

    def isatty(self) -> bool:
        """Return whether the stream is a terminal."""
        return self._stream is not None and self._stream.isatty()

    def discard(self) -> None:
        """Discard what is buffered after an error, which the interpreter would try to write again at its exit."""
        self._is_lossy = True
        self.flush()
        if self.error is not None:
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.fileno())

    def close(self) -> None:
        """Do nothing: the owner of the stream closes it. The finalizer would otherwise flush it, perhaps after that."""

    def _fail(self, error: OSError) -> None:
        self.error = self.error or error
        if not self._is_lossy:
            raise error


@contextmanager
def standard_streams() -> Iterator[StandardStream]:
    """Yield standard output, and lose messages to a standard error that cannot be written."""
    for number, stream in enumerate((sys.stdin, sys.stdout, sys.stderr)):
        if stream is None and not _is_open(number):
            # Otherwise the next file or socket would get the number. It is not inherited: a child finds it closed, too.
            os.open(os.devnull, os.O_RDONLY)
    if sys.stdin is None:
        sys.stdin = io.TextIOWrapper(io.BytesIO())
    output, messages = StandardStream(1, sys.stdout), StandardStream(2, sys.stderr, is_lossy=True)
    try:
        with redirect_stdout(output), redirect_stderr(messages):
            yield output
    finally:
        output.discard()
        messages.discard()


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True
