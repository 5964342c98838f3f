"""The executor of a state that outlives its process: it moves on by the log of commands, which other replicas may share.

Every process has the whole state in memory. To execute a command is to append it to the log, to apply what others have appended
before it, and then the command itself, in the order and at the times of the log. Only the process that was asked answers.
"""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Sequence, Sized
from contextlib import suppress
from dataclasses import replace
from functools import partial
from hashlib import blake2b
from threading import Event, Lock, Thread
from typing import Any, TypeVar

from alimock.persistence.applier import Applier, Item
from alimock.persistence.codec import codec
from alimock.persistence.command_log import CommandLog, Position, StoredSnapshot
from alimock.scenario.model import Scenario
from alimock.state import system_clock
from alimock.state.commands import Command, LoadScenario
from alimock.state.executor import Attempt, Executor, Incompatible, Unavailable
from alimock.state.store import Store

logger = logging.getLogger(__name__)

T = TypeVar("T")
# How long a request waits for its turn. The engines wait for an answer for less.
SECONDS = 2.0
# How long an engine that failed is not asked again.
PAUSE_SECONDS = 0.2
FOLLOW_SECONDS = 0.25
# How long an event loop waits for an engine, and how long it does not if that was not enough.
QUICK_SECONDS = 0.02
SLOW_SECONDS = 1.0


class Replica(Executor):
    """Executes commands by the log of an engine.

    The threads that execute commands take turns at the engine, and hold the store's lock only to apply what it answers.
    """

    is_stored = True

    def __init__(self, store: Store, log: CommandLog) -> None:
        super().__init__(store)
        self.log = log
        self.is_shared, self.location = log.is_shared, log.name
        self._scenario = store.scenario
        self._own_time, store.system_time = store.system_time, self._time
        self._applier = Applier(store, log.name, is_shared=log.is_shared)
        # The thread that takes a turn need not be the one that ends it.
        self._turn, self._queue, self._pending = Lock(), Lock(), list[Item[Any]]()
        # Until when an event loop does not wait for the engine at all.
        self._slow_end = 0.0
        # Why the engine failed when it was last asked, and until when it is not asked again.
        self._failure: Unavailable | None = None
        self._pause_end = 0.0
        self._closed = Event()
        self._follower: Thread | None = None
        self._snapshots: Thread | None = None

    def start(self) -> str:
        """Restore the state, or begin one, and return what was restored; raises `Incompatible` and `Unavailable`."""
        self.warning = self.log.warning()
        if self.warning is not None:
            logger.warning("%s: %s", self.log.name, self.warning)
        with self._turn:
            self._restore({})
            if self._applier.trouble is not None:
                raise Incompatible(self._applier.trouble)
            self._append([Item(self._applier.this)])
        restored = f"restored {_number_of(self.store.accounts, 'account')}, {_number_of(self.store.outbox, 'mail')} from"
        if self.store.settings_digest != _digest(self._scenario):
            self.load(self._scenario)
            restored = "the scenario has changed, so everything started again in"
        if self.is_shared:
            self._follower = Thread(target=self._follow, name="alimock replica", daemon=True)
            self._follower.start()
        return f"{restored if self._applier.commands else 'new state in'} {self.log.name}"

    def execute(self, command: Command[T]) -> T:
        """Append a command, and apply it when it is its turn. Threads that come together share a round trip."""
        return self._execute(Item(command))

    def attempt(self, commands: Sequence[Command[T]]) -> list[Attempt[T]]:
        """Execute commands if no other thread does and the engine answers quickly; else let a thread finish each attempt."""
        items = list(map(Item, commands))
        if self._is_busy() or not self._turn.acquire(blocking=False):
            return [Attempt(partial(self._execute, item), is_waiting=True) for item in items]
        is_late = False
        try:
            is_late = self._is_late(items)
            if is_late:
                # Not one of the threads that wait for this turn.
                Thread(target=self._receive_late, args=[items], name="alimock late answer", daemon=True).start()
        finally:
            if not is_late:
                self._turn.release()
        return [Attempt(partial(self._await, item) if is_late else item.result, is_waiting=is_late) for item in items]

    def load(self, scenario: Scenario) -> bool:
        """Load a scenario of the settings, unless it is the one that was loaded last, here or by another replica."""
        is_loaded = self.execute(LoadScenario(scenario, digest=_digest(scenario)))
        self._scenario = scenario
        return is_loaded

    def catch_up(self) -> None:
        """Apply what others have appended."""
        self._check()
        if self._failure is not None:
            self._probe()
        if self.is_shared:
            self._take_turn(None)

    def check_ready(self) -> None:
        """Raise `Unavailable` if commands cannot be executed now."""
        self._check()
        self._probe()
        self.catch_up()

    def close(self) -> None:
        """Put a snapshot, so that the next start has nothing to apply, and disconnect."""
        self._closed.set()
        for thread in (self._follower, self._snapshots):
            if thread is not None:
                thread.join(SECONDS)
        if self._applier.trouble is None:
            with suppress(Unavailable):
                self.catch_up()
            with self._turn:
                self._put_snapshot()
        self.log.close()

    def _time(self) -> float:
        """Return the time of this process, but with other processes never one before that of the last command."""
        return max(self._own_time(), self._applier.time) if self.is_shared else self._own_time()

    def _check(self) -> None:
        if self._applier.trouble is not None:
            raise Unavailable(self._applier.trouble)
        failure = self._failure
        if failure is not None and system_clock.monotonic() < self._pause_end:
            raise Unavailable(str(failure))

    def _is_busy(self) -> bool:
        """Return whether an event loop should leave commands to a thread, which may wait."""
        return (
            # A thread refuses them without appending them.
            self._applier.trouble is not None
            # What is pending is executed first.
            or bool(self._pending)
            or self._failure is not None
            or system_clock.monotonic() < self._slow_end
            or self.log.may_connect()
            or (self._snapshots is not None and self._snapshots.is_alive())
        )

    def _probe(self) -> None:
        try:
            self.log.probe()
        except Unavailable as error:
            self._fail(error)
            raise
        self._succeed()

    def _fail(self, error: Unavailable) -> None:
        if self._failure is None:
            logger.warning("The state is unavailable: %s", error)
        self._failure, self._pause_end = error, system_clock.monotonic() + PAUSE_SECONDS

    def _succeed(self) -> None:
        if self._failure is not None:
            logger.warning("The state is available again: %s", self.log.name)
        self._failure = None

    def _execute(self, item: Item[T]) -> T:
        self._check()
        with self._queue:
            self._pending.append(item)
        try:
            return self._await(item)
        finally:
            # A command that timed out must not be executed later: its client has an error.
            with self._queue:
                if item in self._pending:
                    self._pending.remove(item)

    def _await(self, item: Item[T]) -> T:
        self._take_turn(item)
        return item.result()

    def _is_late(self, items: list[Item[Any]]) -> bool:
        """Send items, and return whether they must be received later, in a thread; else they are done."""
        try:
            self._send(items)
            is_answered = self.log.is_answered(QUICK_SECONDS)
        except Unavailable as error:
            self._fail(error)
            self._give_up(items, error)
            return False
        if not is_answered:
            self._slow_end = system_clock.monotonic() + SLOW_SECONDS
            return True
        # Another thread may hold the store's lock for long.
        if not self.store.lock.acquire(blocking=False):
            return True
        try:
            with suppress(Unavailable):
                self._append(items, is_sent=True)
        finally:
            self.store.lock.release()
        return False

    def _receive_late(self, items: list[Item[Any]]) -> None:
        """Receive items that were sent, in a thread; their turn was taken before."""
        try:
            with suppress(Unavailable):
                self._append(items, is_sent=True)
        finally:
            self._turn.release()

    def _take_turn(self, item: Item[Any] | None) -> None:
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

    def _append(self, items: list[Item[Any]], *, is_sent: bool = False) -> None:
        """Append items, unless they were sent before, and apply them. Those that were not applied fail."""
        epoch = self._applier.epoch
        try:
            if not is_sent:
                self._send(items)
            left = self._receive(items)
            if left and self._applier.epoch != epoch:
                # No process applies commands of the former epoch, so they can be sent again.
                self._send(left)
                left = self._receive(left)
        except Unavailable as error:
            self._fail(error)
            self._give_up(items, error)
            raise
        except BaseException as error:
            self._give_up(items, RuntimeError(f"the exchange with {self.log.name} failed: {error!r}"))
            raise
        self._succeed()
        self._give_up(left, Unavailable(self._applier.trouble or f"{self.log.name}: the log lost its last commands"))
        if self._applier.trouble is not None:
            raise Unavailable(self._applier.trouble)

    def _give_up(self, items: Sequence[Item[Any]], error: Exception) -> None:
        for item in items:
            item.fail(error)

    def _send(self, items: Sequence[Item[Any]]) -> None:
        self.log.send(self._applier.position, [self._applier.text(item) for item in items])

    def _receive(self, items: Sequence[Item[Any]]) -> list[Item[Any]]:
        """Apply what is new in the log since items were sent, and return the items that were not applied."""
        appended = self.log.receive()
        own = dict(zip(appended.own, items, strict=True))
        if appended.is_lost or not self._applier.apply(appended.entries, own):
            self._restore(own)
        with self._queue:
            checks, self._applier.checks = self._applier.checks, []
            self._pending += checks
        if self._applier.is_snapshot_due:
            self._applier.is_snapshot_due = False
            self._snapshots = Thread(target=self._put_snapshot, name="alimock snapshot", daemon=True)
            self._snapshots.start()
        return [item for item in items if not item.is_done]

    def _restore(self, own: dict[Position, Item[Any]]) -> None:
        """Start again from the latest snapshot and the log, or from the scenario if there is no snapshot."""
        epoch, position = self._applier.epoch, self._applier.position
        stored, latest = None, self.log.snapshot() or self._begin()
        while latest != stored and self._applier.trouble is None:
            # A snapshot that another replica puts meanwhile takes the entries before it out of the log.
            stored = latest
            self._applier.restore(stored)
            entries = self.log.append(stored.position, ()).entries
            latest = self.log.snapshot() or self._begin()
        if self._applier.trouble is not None:
            return
        if epoch not in ("", self._applier.epoch):
            logger.warning("%s lost the state; everything started again from the scenario", self.log.name)
        elif latest.position < position:
            logger.warning("%s lost its last commands; the state is again what it was before them", self.log.name)
        self._applier.apply(entries, own, is_start=True)

    def _begin(self) -> StoredSnapshot:
        """Begin a state from the scenario, unless another process was faster."""
        seed, time = self.store.id_generators.seed, self.store.system_time
        fresh = Store(self._scenario, limits=self.store.limits, seed=seed, real_time=time)
        fresh.settings_digest = _digest(self._scenario)
        first = Applier(fresh, self.log.name, is_shared=self.is_shared)
        first.epoch = secrets.token_hex(4)
        begun = first.snapshot()
        self.log.put_snapshot(begun)
        return self.log.snapshot() or begun

    def _put_snapshot(self) -> None:
        try:
            self.log.put_snapshot(self._applier.snapshot())
        except Unavailable as reason:
            logger.warning("No snapshot of the state was made: %s", reason)

    def _follow(self) -> None:
        """Apply what others append while something waits in this process."""
        while not self._closed.is_set():
            if not self.store.waiters.wait_for_waiter(FOLLOW_SECONDS):
                continue
            try:
                self.log.follow(self._applier.position, FOLLOW_SECONDS)
                self.catch_up()
            except Unavailable:
                self._closed.wait(PAUSE_SECONDS)
            except Exception:
                logger.exception("Internal error in alimock; please report it with this log")
                self._closed.wait(PAUSE_SECONDS)


def _number_of(things: Sized, name: str) -> str:
    return f"{len(things):,} {name}{'' if len(things) == 1 else 's'}"


def _digest(scenario: Scenario) -> str:
    """Return a digest of a scenario with its locations, but without comments."""
    return blake2b(json.dumps(codec(Scenario).to_json(replace(scenario, texts={}))).encode(), digest_size=16).hexdigest()
