"""The executor of a state that outlives its process: it moves on by the log of commands, which other replicas may share.

Every process has the whole state in memory. To execute a command is to append it to the log, to apply what others have appended
before it, and then the command itself, in the order and at the times of the log. Only the process that was asked answers.
"""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Callable, Sequence, Sized
from dataclasses import asdict
from hashlib import blake2b
from threading import Event, Lock, RLock, Thread
from typing import Any, Generic, TypeVar
from zlib import crc32

from alimock import __version__
from alimock.api.context import CallContext
from alimock.persistence.codec import codec
from alimock.persistence.command_log import START, CommandLog, Entry, Position, StoredSnapshot
from alimock.persistence.commands import Check, Started, from_text, to_text
from alimock.persistence.snapshot import FORMAT, Document, Snapshot, restore
from alimock.scenario.model import Scenario
from alimock.state import system_clock
from alimock.state.commands import Command, LoadScenario
from alimock.state.executor import Executor, Incompatible, Unavailable
from alimock.state.store import ALL_ACCOUNTS, Store

logger = logging.getLogger(__name__)

T = TypeVar("T")
# How long a request waits for the engine, or for its turn.
SECONDS = 2.0
# How long an engine that failed is not asked again.
PAUSE_SECONDS = 0.2
FOLLOW_SECONDS = 0.25
SNAPSHOT_COMMANDS = 20_000
CHECK_COMMANDS = 1_000
_KEPT_DIGESTS = 100


class _Item(Generic[T]):
    """A command that is to be executed, and what came of it."""

    def __init__(self, command: Command[T]) -> None:
        self.command = command
        self.text = to_text(command)
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
        """Give the command up."""
        self.is_done, self._error = True, error

    def result(self) -> T:
        """Return the result of the command, or raise its exception."""
        if self._error is not None:
            raise self._error
        return self._result  # type: ignore[return-value]

    def __str__(self) -> str:
        if isinstance(self._result, CallContext):
            return f"{self._result.request_id} {self._result.status} {self._result.outcomes}"
        return str(self._error or self._result)


class Replica(Executor):
    """Executes commands by the log of an engine.

    `trouble` is why this process cannot go on, or None: another version has joined, or its state deviates from that of others.
    """

    def __init__(self, store: Store, log: CommandLog) -> None:
        super().__init__(store)
        self.log = log
        self.is_stored, self.is_shared, self.location = True, log.is_shared, log.name
        self.trouble: str | None = None
        self.commands = 0
        self._scenario = store.scenario
        self._own_time, store.system_time = store.system_time, self._time
        self._position, self._last_time = START, 0.0
        self._writer = self._this = Started(__version__, asdict(store.limits))
        # The state that the commands belong to: another one begins if an engine has lost everything.
        self._epoch = ""
        # Of the results since the last check.
        self._digest = 0
        self._digests: dict[int, int] = {}
        self._turn, self._queue, self._pending = RLock(), Lock(), list[_Item[Any]]()
        self._away: tuple[float, str] = (0.0, "")
        self._closed = Event()
        self._follower: Thread | None = None
        self._snapshots: Thread | None = None

    def start(self) -> str:
        """Restore the state, or begin one, and say what was restored; raises `Incompatible` and `Unavailable`."""
        self.warning = self.log.warning()
        if self.warning is not None:
            logger.warning("%s: %s", self.log.name, self.warning)
        with self._turn:
            self._rebuild({})
            if self.trouble is not None:
                raise Incompatible(self.trouble)
            self._append([_Item(self._this)])
            digest = _scenario_digest(self._scenario)
            restored = (
                f"restored {_count(self.store.accounts, 'account')}, {_count(self.store.outbox, 'mail')} from {self.log.name}"
            )
            if digest != self.store.settings_digest:
                self.load(self._scenario)
                restored = f"the scenario has changed, so everything started again in {self.log.name}"
        if self.log.is_shared:
            self._follower = Thread(target=self._follow, name="alimock replica", daemon=True)
            self._follower.start()
        return restored if self.commands else f"new state in {self.log.name}"

    def execute(self, command: Command[T]) -> T:
        """Append a command, and apply it when it is its turn. Threads that come together share a round trip."""
        self._check()
        item = _Item(command)
        with self._queue:
            self._pending.append(item)
        self._take_turn(item)
        return item.result()

    def load(self, scenario: Scenario) -> None:
        """Start from a scenario of the settings, unless it is the one that was loaded last, here or by another replica."""
        self.execute(LoadScenario(scenario, digest=_scenario_digest(scenario)))

    def catch_up(self) -> None:
        """Apply what others have appended."""
        self._check()
        if self._away[1]:
            self._probe()
        if self.log.is_shared:
            self._take_turn(None)

    def check_ready(self) -> None:
        """Raise `Unavailable` if commands cannot be executed now."""
        self._check()
        self._probe()
        self.catch_up()

    def try_lock(self) -> bool:
        """Return False for an engine that must be waited for."""
        if self.is_shared or not self._turn.acquire(blocking=False):
            return False
        if super().try_lock():
            return True
        self._turn.release()
        return False

    def unlock(self) -> None:
        """Undo a `try_lock` that returned True."""
        super().unlock()
        self._turn.release()

    def close(self) -> None:
        """Put a snapshot, so that the next start has nothing to apply, and disconnect."""
        self._closed.set()
        for thread in (self._follower, self._snapshots):
            if thread is not None:
                thread.join(SECONDS)
        try:
            if self.trouble is None:
                self.catch_up()
                with self._turn:
                    self._put_snapshot(self._snapshot(), self._position)
        except Unavailable as reason:
            logger.warning("No snapshot of the state was made: %s", reason)
        self.log.close()

    def _time(self) -> float:
        """Return the time of this process, but with other processes never one before that of the last command."""
        return max(self._own_time(), self._last_time) if self.is_shared else self._own_time()

    def _check(self) -> None:
        if self.trouble is not None:
            raise Unavailable(self.trouble)
        until, reason = self._away
        if system_clock.monotonic() < until:
            raise Unavailable(reason)

    def _probe(self) -> None:
        try:
            self.log.probe()
        except Unavailable as error:
            self._fail(error)
            raise
        self._succeed()

    def _fail(self, error: Unavailable) -> None:
        if not self._away[1]:
            logger.warning("The state is unavailable: %s", error)
        self._away = (system_clock.monotonic() + PAUSE_SECONDS, str(error))

    def _succeed(self) -> None:
        if self._away[1]:
            logger.warning("The state is available again: %s", self.log.name)
        self._away = (0.0, "")

    def _take_turn(self, item: _Item[Any] | None) -> None:
        """Append what is pending, unless another thread has appended this item meanwhile."""
        if not self._turn.acquire(timeout=SECONDS):
            raise Unavailable(f"{self.log.name}: no answer within {SECONDS:g} seconds")
        try:
            if item is None or not item.is_done:
                with self._queue:
                    items, self._pending = self._pending, []
                self._append(items)
        finally:
            self._turn.release()

    def _append(self, items: Sequence[_Item[Any]]) -> None:
        try:
            left = self._appended(items)
            if left and self.trouble is None:
                # They went into a log that was emptied, whose state nothing goes on with.
                left = self._appended(left)
        except Unavailable as error:
            self._fail(error)
            for item in items:
                item.fail(error)
            raise
        self._succeed()
        for item in left:
            item.fail(Unavailable(self.trouble or f"{self.log.name}: the log was emptied"))
        if self.trouble is not None:
            raise Unavailable(self.trouble)

    def _appended(self, items: Sequence[_Item[Any]]) -> list[_Item[Any]]:
        """Append items, apply what is new in the log, and return the items that were not applied."""
        appended = self.log.append(self._position, [f"{self._epoch} {item.text}" for item in items])
        own = dict(zip(appended.own, items, strict=True))
        if appended.is_lost or not self._apply(appended.entries, own):
            self._rebuild(own)
        return [item for item in items if not item.is_done]

    def _apply(self, entries: Sequence[Entry], own: dict[Position, _Item[Any]], *, is_start: bool = False) -> bool:
        """Apply entries in their order, and return False at one of another epoch; `own` are the items that were appended just now.

        Those of another epoch than that of the snapshot, from which the process starts, are left out.
        """
        with self.store.transaction():
            for entry in entries:
                epoch, _, text = entry.text.partition(" ")
                if epoch != self._epoch and not is_start:
                    return False
                self._position = entry.position
                if epoch == self._epoch:
                    self._run(own.get(entry.position) or self._item(text), entry, is_own=entry.position in own, is_start=is_start)
                if self.trouble is not None:
                    break
        return True

    def _item(self, text: str) -> _Item[Any] | None:
        try:
            return _Item(from_text(text))
        except ValueError as error:
            self._stop(f"{self.log.name}: {error}")
            return None

    def _run(self, item: _Item[Any] | None, entry: Entry, *, is_own: bool, is_start: bool) -> None:
        if item is None:
            return
        command, self._last_time = item.command, entry.time
        if isinstance(command, Started):
            self._writer = command
        elif isinstance(command, Check):
            # What other replicas found before this one started does not matter.
            if not is_start:
                self._compare(command)
        elif self._writer != self._this:
            self._stop(_incompatible(self.log.name, self._writer, self._this))
            return
        item.run(self.store, self._last_time)
        if not isinstance(command, Started | Check):
            self._count(item, is_own=is_own)

    def _count(self, item: _Item[Any], *, is_own: bool) -> None:
        """Count a command that was applied. The process that was asked for it does what one of all should do now and then."""
        self.commands += 1
        if self.log.is_shared:
            self._digest = crc32(f"{self.store.cursor} {item}".encode("utf-8", "surrogatepass"), self._digest)
            if self.commands % CHECK_COMMANDS == 0:
                self._remember(is_own=is_own)
        if is_own and self.commands % SNAPSHOT_COMMANDS == 0:
            arguments = self._snapshot(), self._position
            self._snapshots = Thread(target=self._put_snapshot, args=arguments, name="alimock snapshot", daemon=True)
            self._snapshots.start()

    def _remember(self, *, is_own: bool) -> None:
        """Remember the digest until it is compared; the check goes into the log with the next command."""
        self._digests[self.commands], digest, self._digest = self._digest, self._digest, 0
        self._digests.pop(self.commands - _KEPT_DIGESTS * CHECK_COMMANDS, None)
        if is_own:
            with self._queue:
                self._pending.append(_Item(Check(self.commands, digest)))

    def _compare(self, check: Check) -> None:
        """Compare this state with that of the replica whose check came first."""
        if self._digests.pop(check.commands, check.digest) != check.digest:
            found = f"deviates from another one between the commands {check.commands - CHECK_COMMANDS:,} and {check.commands:,}"
            self._stop(f"{self.log.name}: this replica {found}; restart it, and report it with the log")

    def _stop(self, trouble: str) -> None:
        """Go on with nothing, since the state may be wrong from here on."""
        self.trouble = trouble
        logger.error("The state is unavailable until alimock is restarted: %s", trouble)
        self.store.waiters.interrupt(ALL_ACCOUNTS)

    def _rebuild(self, own: dict[Position, _Item[Any]]) -> None:
        """Start again from the latest snapshot and the log, or from the scenario if there is neither."""
        stored, epoch = self.log.snapshot() or self._begin(), self._epoch
        try:
            document: Document = json.loads(stored.text)
            if document["format"] != FORMAT:
                raise ValueError("written in another format")
            self._writer = Started(document["version"], document["limits"])
            self.commands, self._digest, self._last_time = document["commands"], document["digest"], document["time"]
            self._epoch = document["epoch"]
            restore(self.store, document)
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            self._stop(f"{self.log.name}: the snapshot cannot be read by alimock {__version__} ({error}); use another state")
            return
        self._digests.clear()
        if epoch not in ("", self._epoch):
            logger.warning("%s lost the state; everything started again from the scenario", self.log.name)
        elif stored.position < self._position:
            logger.warning("%s lost its last commands; the state is again what it was before them", self.log.name)
        self._position = stored.position
        self._apply(self.log.append(self._position, ()).entries, own, is_start=True)

    def _begin(self) -> StoredSnapshot:
        """Begin a state from the scenario, unless another process was faster."""
        seed, time = self.store.id_generators.seed, self.store.system_time
        fresh = Store(self._scenario, limits=self.store.limits, seed=seed, real_time=time)
        fresh.settings_digest = _scenario_digest(self._scenario)
        counts = {"epoch": secrets.token_hex(4), "commands": 0, "digest": 0, "time": 0.0}
        begun = StoredSnapshot(START, json.dumps({**Snapshot(fresh).document(), **counts}))
        self.log.put_snapshot(begun)
        return self.log.snapshot() or begun

    def _snapshot(self) -> Callable[[], str]:
        """Return what makes the text of a snapshot, without a lock."""
        snapshot = Snapshot(self.store)
        counts = {"epoch": self._epoch, "commands": self.commands, "digest": self._digest, "time": self._last_time}
        return lambda: json.dumps({**snapshot.document(), **counts}, separators=(",", ":"))

    def _put_snapshot(self, text: Callable[[], str], position: Position) -> None:
        try:
            self.log.put_snapshot(StoredSnapshot(position, text()))
        except Unavailable as reason:
            logger.warning("No snapshot of the state was made: %s", reason)

    def _follow(self) -> None:
        """Apply what others append while something waits in this process."""
        while not self._closed.is_set():
            if not self.store.waiters.wait_for_waiter(FOLLOW_SECONDS):
                continue
            try:
                self.log.follow(self._position, FOLLOW_SECONDS)
                self.catch_up()
            except Unavailable:
                self._closed.wait(PAUSE_SECONDS)


def _count(things: Sized, name: str) -> str:
    return f"{len(things):,} {name}{'' if len(things) == 1 else 's'}"


def _scenario_digest(scenario: Scenario) -> str:
    """Return a digest of a scenario with its locations."""
    return blake2b(json.dumps(codec(Scenario).to_json(scenario)).encode(), digest_size=16).hexdigest()


def _incompatible(name: str, writer: Started, this: Started) -> str:
    """Say why the commands of one alimock cannot be applied by another one, and what to do."""
    if writer.version != this.version:
        found, expected = f"alimock {writer.version}", f"alimock {this.version}"
    else:
        differing = [limit for limit, value in writer.limits.items() if this.limits.get(limit) != value]
        found, expected = (", ".join(f"{limit}={one.limits.get(limit)}" for limit in differing) for one in (writer, this))
    return (
        f"{name}: written by {found}, and this is {expected}. "
        "Stop every alimock that uses it as it was started, which leaves a snapshot for this one, or use another state"
    )
