"""The log of commands of one process in a file of SQLite. Every command is committed; a crash of the process loses none."""

from __future__ import annotations

import os
import sqlite3
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import TypeVar

from alimock.persistence.command_log import Appended, CommandLog, Entry, Position, StoredSnapshot
from alimock.state import system_clock
from alimock.state.executor import Unavailable

T = TypeVar("T")
# "alim", so that a file of another program is not taken for one of alimock.
_APPLICATION_ID = 0x616C696D
_SCHEMA = """
CREATE TABLE IF NOT EXISTS log (number INTEGER PRIMARY KEY, time REAL NOT NULL, command TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS snapshot (number INTEGER PRIMARY KEY, content BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS probe (number INTEGER PRIMARY KEY, content BLOB NOT NULL);
"""


class SqliteLog(CommandLog):
    """A file that this process alone uses until it is closed, readable by its owner only.

    Raises `ValueError` if it cannot be used. Its disk must be local: SQLite cannot lock files on most network disks.
    """

    is_shared = False

    def __init__(self, path: Path, time: Callable[[], float] = system_clock.time) -> None:
        self.name = str(path)
        self._time = time
        self._lock = Lock()
        try:
            _create(path)
            self._connection = sqlite3.connect(path.absolute(), isolation_level=None, check_same_thread=False, timeout=0)
            try:
                self._open()
            except BaseException:
                self._connection.close()
                raise
        except (OSError, sqlite3.Error, ValueError) as error:
            raise ValueError(f"cannot use the state file `{path}`: {_reason(error)}") from None

    def append(self, after: Position, texts: Sequence[str]) -> Appended:
        """Append commands. Nothing else can have been appended, but a start without commands finds those of before."""
        if not texts:
            return self._transaction(lambda: Appended(self._entries(after), []))
        time = float(self._time())
        entries = [Entry((number, 0), time, text) for number, text in enumerate(texts, after[0] + 1)]
        if len(entries) == 1:
            with self._lock:
                self._run(self._insert, entries)
        else:
            self._transaction(lambda: self._insert(entries))
        return Appended(entries, [entry.position for entry in entries])

    def probe(self) -> None:
        """Write as much as a large command, since only that shows whether there is room."""
        self._transaction(lambda: self._connection.execute("REPLACE INTO probe VALUES (1, randomblob(8192))"))

    def follow(self, after: Position, seconds: float) -> None:
        """Not used: no other process appends."""

    def snapshot(self) -> StoredSnapshot | None:
        """Return the latest snapshot, or None."""
        query = "SELECT number, content FROM snapshot ORDER BY number DESC LIMIT 1"
        row = self._transaction(lambda: self._connection.execute(query).fetchone())
        if row is None:
            return None
        return StoredSnapshot((row[0], 0), self._run(lambda: zlib.decompress(row[1]).decode()))

    def put_snapshot(self, snapshot: StoredSnapshot) -> bool:
        """Replace the snapshot, and delete the entries that it contains."""
        content = zlib.compress(snapshot.text.encode(), 1)
        return self._transaction(lambda: self._replace_snapshot(snapshot.position[0], content))

    def warning(self) -> str | None:
        """Return None: a file loses nothing."""
        return None

    def close(self) -> None:
        """Release the file."""
        with self._lock:
            self._connection.close()

    def _open(self) -> None:
        """Lock the file until it is closed, and create its tables."""
        run = self._connection.execute
        found = run("PRAGMA application_id").fetchone()[0]
        if found not in (0, _APPLICATION_ID) or (found == 0 and run("SELECT 1 FROM sqlite_master").fetchone()):
            raise ValueError("it is a database of another program; choose another file")
        run("PRAGMA locking_mode = EXCLUSIVE")
        run("PRAGMA journal_mode = WAL")
        run("PRAGMA synchronous = NORMAL")
        run("BEGIN IMMEDIATE")
        run(f"PRAGMA application_id = {_APPLICATION_ID}")
        for statement in _SCHEMA.strip().splitlines():
            run(statement)
        run("COMMIT")

    def _entries(self, after: Position) -> list[Entry]:
        rows = self._connection.execute("SELECT number, time, command FROM log WHERE number > ? ORDER BY number", after[:1])
        return [Entry((number, 0), time, text) for number, time, text in rows]

    def _insert(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            self._connection.execute("INSERT INTO log VALUES (?, ?, ?)", (entry.position[0], entry.time, entry.text))

    def _replace_snapshot(self, number: int, content: bytes) -> bool:
        run = self._connection.execute
        if run("SELECT 1 FROM snapshot WHERE number >= ?", (number,)).fetchone():
            return False
        run("DELETE FROM snapshot")
        run("INSERT INTO snapshot VALUES (?, ?)", (number, content))
        run("DELETE FROM log WHERE number <= ?", (number,))
        return True

    def _transaction(self, function: Callable[[], T]) -> T:
        with self._lock:
            try:
                self._run(self._connection.execute, "BEGIN IMMEDIATE")
                result = self._run(function)
                self._run(self._connection.execute, "COMMIT")
            except Unavailable:
                with suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
                raise
        return result

    def _run(self, function: Callable[..., T], *arguments: object) -> T:
        try:
            return function(*arguments)
        except (sqlite3.Error, zlib.error, UnicodeDecodeError, TypeError) as error:
            raise Unavailable(f"{self.name}: {_reason(error)}") from None


def _create(path: Path) -> None:
    """Make the file, if there is none, so that only its owner can read it: the state has secrets."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error)
    if "locked" in str(error):
        return "another process uses it; stop that one, or choose another file"
    return str(error)
