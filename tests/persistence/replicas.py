"""Services on logs of commands, as processes have them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Event

from alimock.api.service import Service
from alimock.persistence.command_log import START, Appended, CommandLog, Entry, Position, StoredSnapshot
from alimock.persistence.replica import Replica
from alimock.persistence.snapshot import Snapshot
from alimock.scenario.model import Scenario
from alimock.state.limits import StateLimits
from alimock.state.store import Store
from conftest import Api, Time, scenario


def replica(log: CommandLog, loaded: Scenario | None = None, *, limits: StateLimits | None = None) -> Api:
    """Start a service on a log."""
    time = Time()
    store = Store(loaded or scenario(), limits=limits, real_time=time)
    executor = Replica(store, log)
    executor.start()
    return Api(Service(store, executor=executor), time)


def digest(api: Api) -> str:
    """Return a digest of all that a service knows, after it has caught up."""
    api.service.executor.catch_up()
    return Snapshot(api.store).digest()


class MemoryLog(CommandLog):
    """A log in memory that several replicas in one process share, with a settable time."""

    name = "memory"
    is_shared = True

    def __init__(self, time: Callable[[], float]) -> None:
        self._time = time
        self._entries: list[Entry] = []
        self._snapshot: StoredSnapshot | None = None
        self._number = 0

    def append(self, after: Position, texts: Sequence[str]) -> Appended:
        """Append commands, and return every entry after a position."""
        own = [(self._number + count, 0) for count in range(1, len(texts) + 1)]
        self._entries += [Entry(position, self._time(), text) for position, text in zip(own, texts, strict=True)]
        self._number += len(texts)
        is_lost = after > START and after not in [entry.position for entry in self._entries]
        return Appended([entry for entry in self._entries if entry.position > after], own, is_lost)

    def warning(self) -> str | None:
        """Return None."""
        return None

    def probe(self) -> None:
        """Do nothing."""

    def follow(self, after: Position, seconds: float) -> None:
        """Return soon."""
        Event().wait(0.01)

    def snapshot(self) -> StoredSnapshot | None:
        """Return the latest snapshot."""
        return self._snapshot

    def put_snapshot(self, snapshot: StoredSnapshot) -> bool:
        """Keep a snapshot, unless there is a later one."""
        if self._snapshot is not None and snapshot.position <= self._snapshot.position:
            return False
        self._snapshot = snapshot
        self._entries = [entry for entry in self._entries if entry.position >= snapshot.position]
        return True

    def close(self) -> None:
        """Do nothing."""
