"""Blocking calls: each waiter has its own condition on the store's lock, so that an event wakes only those it concerns."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from threading import Condition, Event, Lock, RLock
from typing import TypeVar

# How often a waiter checks whether its client has disconnected.
POLL_SECONDS = 0.5
T = TypeVar("T")


class Interrupted(Exception):
    """The account was reset, so that the awaited entry cannot arrive any more."""


class Closed(Exception):
    """The emulator is stopping."""


@dataclass(eq=False)
class _Waiter:
    condition: Condition
    kinds: Collection[str]
    account: str | None
    interrupted: bool = False


class Slots:
    """A semaphore that never blocks and shows how many slots are free."""

    def __init__(self, capacity: int) -> None:
        self.free = capacity
        self._lock = Lock()

    def acquire(self) -> bool:
        """Take a slot and return True, or return False if none is free."""
        with self._lock:
            if not self.free:
                return False
            self.free -= 1
            return True

    def release(self) -> None:
        """Return a slot that was taken."""
        with self._lock:
            self.free += 1


class Waiters:
    """Block callers until a matching event is recorded, the timeout expires, or the emulator stops.

    A caller that blocks, here or for an injected delay, takes one of the `capacity` slots and returns it.
    """

    def __init__(self, lock: RLock, capacity: int) -> None:
        self.closed = Event()
        self.capacity = capacity
        self.slots = Slots(capacity)
        self._lock = lock
        self._waiters: list[_Waiter] = []

    @property
    def count(self) -> int:
        """The number of callers that wait for an event now."""
        return len(self._waiters)

    def wait(
        self,
        find: Callable[[], T | None],
        kinds: Collection[str],
        account: str | None,
        seconds: float,
        *,
        is_gone: Callable[[], bool] = lambda: False,
    ) -> T | None:
        """Block until `find` returns a value and return it, or return None after `seconds` or when the client `is_gone`.

        `find` is called again after every event of these kinds in the account, or in any account for None. The caller holds the
        lock. Raise `Interrupted` or `Closed` if the wait is ended.
        """
        waiter = _Waiter(Condition(self._lock), kinds, account)
        end = time.monotonic() + seconds
        self._waiters.append(waiter)
        try:
            while (found := find()) is None:
                if self.closed.is_set():
                    raise Closed
                if waiter.interrupted:
                    raise Interrupted
                left = end - time.monotonic()
                if left <= 0 or is_gone():
                    return None
                waiter.condition.wait(min(left, POLL_SECONDS))
            return found
        finally:
            self._waiters.remove(waiter)

    def wake(self, kind: str, account: str) -> None:
        """Wake the waiters for a kind of event in one account, or in all if the name is empty; the caller holds the lock."""
        for waiter in self._waiters:
            if kind in waiter.kinds and (not account or waiter.account in (None, account)):
                waiter.condition.notify()

    def interrupt(self, account: str) -> None:
        """End the waits for one account, or all waits if the name is empty; the caller holds the lock."""
        for waiter in self._waiters:
            if not account or waiter.account == account:
                waiter.interrupted = True
                waiter.condition.notify()

    def close(self) -> None:
        """End all waits for good."""
        self.closed.set()
        with self._lock:
            for waiter in self._waiters:
                waiter.condition.notify()
