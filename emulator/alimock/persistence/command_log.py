"""The log of commands, as an engine keeps it: one total order, and a snapshot from which it goes on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

# The place of an entry: two numbers that grow together, the first in milliseconds where an engine counts so.
Position = tuple[int, int]
START: Position = (0, 0)


class Entry(NamedTuple):
    """A command in the log, with the time at which it was accepted, in epoch seconds."""

    position: Position
    time: float
    text: str


class StoredSnapshot(NamedTuple):
    """The state after the entry at a position, as text."""

    position: Position
    text: str


class Appended(NamedTuple):
    """The entries after the one that was asked for, the appended ones among them, and the positions of those.

    `is_lost` is whether the log no longer has the entry that was asked for: it was trimmed, or emptied, or lost its end.
    """

    entries: list[Entry]
    own: list[Position]
    is_lost: bool = False


class CommandLog:
    """An engine. All its methods raise `Unavailable`.

    One thread at a time calls `append`, `send`, `is_answered` and `receive`; the other methods may be called at any time.

    `name` is its address for messages, without secrets. `is_shared` is whether several processes may use it at once.
    """

    name: str
    is_shared: bool
    _appended: Appended

    def append(self, after: Position, texts: Sequence[str]) -> Appended:
        """Append commands, and return every entry after a position, also if there are no commands."""
        raise NotImplementedError

    def send(self, after: Position, texts: Sequence[str]) -> None:
        """Begin to append commands; `receive` must be called next."""
        self._appended = self.append(after, texts)

    def may_connect(self) -> bool:
        """Return whether the next `send` may have to connect, which takes a while."""
        return False

    def is_answered(self, seconds: float) -> bool:
        """Return whether `receive` returns at once, after waiting for that for some seconds."""
        return True

    def receive(self) -> Appended:
        """Return the result of an append that was begun."""
        return self._appended

    def probe(self) -> None:
        """Raise `Unavailable` if no command could be appended now, for example because the disk is full."""
        raise NotImplementedError

    def follow(self, after: Position, seconds: float) -> None:
        """Return when there are entries after a position, or after some seconds."""
        raise NotImplementedError

    def snapshot(self) -> StoredSnapshot | None:
        """Return the latest snapshot, or None."""
        raise NotImplementedError

    def put_snapshot(self, snapshot: StoredSnapshot) -> bool:
        """Keep a snapshot and forget the entries before it; return False if there is one at its position or later."""
        raise NotImplementedError

    def warning(self) -> str | None:
        """Return why the engine may lose the state, or None."""
        raise NotImplementedError

    def close(self) -> None:
        """Disconnect."""
        raise NotImplementedError
