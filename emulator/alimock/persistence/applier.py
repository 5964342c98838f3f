"""Applies the entries of a log to a store, in their order and at their times, and makes and restores snapshots of it.

The state depends on nothing else, so that it is the same in every process. Replicas compare digests to detect a deviation.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Generic, TypeVar
from zlib import crc32

from alimock import __version__
from alimock.api.context import CallContext
from alimock.persistence.command_log import START, Entry, Position, StoredSnapshot
from alimock.persistence.commands import Check, Started, from_text, is_started, to_text
from alimock.persistence.snapshot import FORMAT, Document, Snapshot, restore
from alimock.state.commands import Command
from alimock.state.store import ALL_ACCOUNTS, Store

logger = logging.getLogger(__name__)

T = TypeVar("T")
# How often there is a snapshot, and how often replicas compare their states.
SNAPSHOT_COMMANDS = 20_000
CHECK_COMMANDS = 1_000
_KEPT_DIGESTS = 100


class Item(Generic[T]):
    """A command to apply, and its result or exception."""

    def __init__(self, command: Command[T]) -> None:
        self.command = command
        self.is_done = False
        self._result: T | None = None
        self._error: Exception | None = None

    def run(self, store: Store, time: float) -> None:
        """Apply the command."""
        self.is_done = True
        try:
            self._result = store.apply(self.command, time)
        except Exception as error:
            self._error = error

    def fail(self, error: Exception) -> None:
        """Set the exception of a command that was not applied."""
        if not self.is_done:
            self.is_done, self._error = True, error

    def result(self) -> T:
        """Return the result of the command, or raise its exception."""
        if self._error is not None:
            raise self._error
        return self._result  # type: ignore[return-value]

    def digested(self) -> str:
        """Return the part of the result that must be the same in all replicas."""
        if isinstance(self._result, CallContext):
            return f"{self._result.request_id} {self._result.status} {self._result.outcomes}"
        return str(self._error or self._result)


class Applier:
    """Applies the entries of a log to a store.

    `position` is that of the last entry, `time` its time, and `commands` the number of commands so far. `trouble` is why no entry
    is applied any more, or None: the entries are those of another version, or the state deviates from that of other replicas.
    `checks` are the digests that this process has to append for the others; `is_snapshot_due` is whether it has to make a
    snapshot.
    """

    def __init__(self, store: Store, name: str, *, is_shared: bool) -> None:
        self.store = store
        self.position: Position = START
        self.time = 0.0
        self.commands = 0
        self.trouble: str | None = None
        self.checks: list[Item[None]] = []
        self.is_snapshot_due = False
        self.this = Started(__version__, asdict(store.limits))
        # The state that the entries belong to: another epoch begins if an engine has lost everything.
        self.epoch = ""
        self._name = name
        self._is_shared = is_shared
        # The process that appended the next entries, as far as its version and limits matter.
        self._writer = self.this
        # Of the results since the last check.
        self._digest = 0
        self._digests: dict[int, int] = {}

    def text(self, item: Item[Any]) -> str:
        """Return an item as the text of an entry."""
        return f"{self.epoch} {to_text(item.command)}"

    def apply(self, entries: Sequence[Entry], own: dict[Position, Item[Any]], *, is_start: bool = False) -> bool:
        """Apply entries, and return False at one of another epoch; `own` are the items that were appended just now.

        With `is_start`, after a snapshot was restored, entries of another epoch are skipped, because their state has ended.
        """
        with self.store.transaction():
            for entry in entries:
                epoch, _, text = entry.text.partition(" ")
                if epoch != self.epoch and not is_start:
                    return False
                self.position = entry.position
                if epoch == self.epoch:
                    self.time = entry.time
                    self._apply(own.get(entry.position) or self._item(text), is_own=entry.position in own, is_start=is_start)
                if self.trouble is not None:
                    break
        return True

    def snapshot(self) -> StoredSnapshot:
        """Return a snapshot of the state as it is now. Most of the work is done without the store's lock."""
        with self.store.transaction():
            snapshot, position = Snapshot(self.store), self.position
            counts = {"epoch": self.epoch, "commands": self.commands, "digest": self._digest, "time": self.time}
        return StoredSnapshot(position, json.dumps({**snapshot.document(), **counts}, separators=(",", ":")))

    def restore(self, stored: StoredSnapshot) -> None:
        """Restore the state of a snapshot; set `trouble` if it has another format."""
        try:
            document: Document = json.loads(stored.text)
            if document["format"] != FORMAT:
                raise ValueError("written in another format")
            self._writer = Started(document["version"], document["limits"])
            self.epoch, self.commands, self.time = document["epoch"], document["commands"], document["time"]
            self._digest = document["digest"]
            restore(self.store, document)
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            self._stop(f"the snapshot cannot be read by alimock {__version__} ({error}); use another state")
        self._digests.clear()
        self.position = stored.position

    def _item(self, text: str) -> Item[Any] | None:
        if self._writer != self.this and not is_started(text):
            # It may not even be readable.
            self._stop(_incompatible(self._writer, self.this))
            return None
        try:
            return Item(from_text(text))
        except ValueError as error:
            self._stop(str(error))
            return None

    def _apply(self, item: Item[Any] | None, *, is_own: bool, is_start: bool) -> None:
        if item is None:
            return
        command = item.command
        if isinstance(command, Started):
            self._writer = command
        elif isinstance(command, Check) and not is_start:
            # What other replicas found before this one started does not matter.
            self._compare(command)
        item.run(self.store, self.time)
        if not isinstance(command, Started | Check):
            self._count(item, is_own=is_own)

    def _count(self, item: Item[Any], *, is_own: bool) -> None:
        """Count a command. The process that appended it makes the check and the snapshot that are due then."""
        self.commands += 1
        self.is_snapshot_due |= is_own and self.commands % SNAPSHOT_COMMANDS == 0
        if not self._is_shared:
            return
        self._digest = crc32(f"{self.store.cursor} {item.digested()}".encode("utf-8", "surrogatepass"), self._digest)
        if self.commands % CHECK_COMMANDS == 0:
            self._digests[self.commands] = self._digest
            self._digests.pop(self.commands - _KEPT_DIGESTS * CHECK_COMMANDS, None)
            if is_own:
                self.checks.append(Item(Check(self.commands, self._digest)))
            self._digest = 0

    def _compare(self, check: Check) -> None:
        """Compare this state with that of the replica whose check came first."""
        if self._digests.pop(check.commands, check.digest) != check.digest:
            found = f"deviates from another one between the commands {check.commands - CHECK_COMMANDS:,} and {check.commands:,}"
            self._stop(f"this replica {found}; restart it, and report it with the log")

    def _stop(self, trouble: str) -> None:
        """Set `trouble`, log it, and end all waits."""
        self.trouble = f"{self._name}: {trouble}"
        logger.error("The state is unavailable until alimock is restarted: %s", self.trouble)
        self.store.waiters.interrupt(ALL_ACCOUNTS)


def _incompatible(writer: Started, this: Started) -> str:
    """Return why the commands of one alimock cannot be applied by another one, and what to do."""
    if writer.version != this.version:
        found, expected = f"alimock {writer.version}", f"alimock {this.version}"
    else:
        differing = [limit for limit, value in writer.limits.items() if this.limits.get(limit) != value]
        found, expected = (", ".join(f"{limit}={one.limits.get(limit)}" for limit in differing) for one in (writer, this))
    return (
        f"written by {found}, and this is {expected}. "
        "Stop every alimock that uses it as it was started, which leaves a snapshot for this one, or use another state"
    )
