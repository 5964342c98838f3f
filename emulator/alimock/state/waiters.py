"""Waits for events: an event wakes only the waiters that it concerns, in whatever way their owner wants to be told."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable
from threading import Condition, RLock
from typing import Generic, TypeVar

from alimock.state.log import EventType

T_co = TypeVar("T_co", covariant=True)


class Interrupted(Exception):
    """The account was reset, so that the awaited entry cannot arrive any more."""


class Closed(Exception):
    """The emulator is stopping."""


class Waiter(Generic[T_co]):
    """One wait of at most `seconds`, for `find` to return a value.

    `find` is called again after every event of these kinds in the account, or in any account for None.
    """

    def __init__(self, find: Callable[[], T_co | None], kinds: Collection[EventType], account: str | None, seconds: float) -> None:
        self.find = find
        self.kinds = kinds
        self.account = account
        self.deadline = time.monotonic() + seconds
        self.found: T_co | None = None
        self.is_interrupted = False
        self.notify: Callable[[], None] = lambda: None

    @property
    def seconds_left(self) -> float:
        """The seconds until the timeout."""
        return max(self.deadline - time.monotonic(), 0)


class Waiters:
    """The waiters of a store, by the kinds of events that they wait for. Callers hold the store's lock unless stated otherwise."""

    def __init__(self, lock: RLock) -> None:
        self.is_closed = False
        self._lock = lock
        self._all: dict[Waiter[object], None] = {}
        self._by_kind: dict[EventType, dict[Waiter[object], None]] = {kind: {} for kind in EventType}

    @property
    def count(self) -> int:
        """The number of waits now."""
        return len(self._all)

    def add(self, waiter: Waiter[object], notify: Callable[[], None]) -> None:
        """Add a waiter. `notify` is called, with the lock held, when its wait may be over."""
        waiter.notify = notify
        self._all[waiter] = None
        for kind in waiter.kinds:
            self._by_kind[kind][waiter] = None

    def remove(self, waiter: Waiter[object]) -> None:
        """Remove a waiter, with or without the lock."""
        self._all.pop(waiter, None)
        for kind in waiter.kinds:
            self._by_kind[kind].pop(waiter, None)

    def is_over(self, waiter: Waiter[object]) -> bool:
        """Look for what the waiter waits for, and return whether its wait is over."""
        if waiter.found is None:
            waiter.found = waiter.find()
        return waiter.found is not None or waiter.is_interrupted or self.is_closed or not waiter.seconds_left

    def over(self, waiters: Iterable[Waiter[object]]) -> list[Waiter[object]]:
        """Return those of the waiters whose wait is over; takes the lock."""
        with self._lock:
            return list(filter(self.is_over, waiters))

    def result(self, waiter: Waiter[T_co]) -> T_co | None:
        """Return what was found, or None on a timeout. Raise `Interrupted` or `Closed` if the wait was ended."""
        if waiter.found is None and self.is_closed:
            raise Closed
        if waiter.found is None and waiter.is_interrupted:
            raise Interrupted
        return waiter.found

    def block(self, waiter: Waiter[object]) -> None:
        """Block until the wait is over; the lock is released meanwhile."""
        condition = Condition(self._lock)
        self.add(waiter, condition.notify)
        try:
            while not self.is_over(waiter):
                condition.wait(waiter.seconds_left)
        finally:
            self.remove(waiter)

    def wake(self, kind: EventType, account: str) -> None:
        """Notify the waiters for a kind of event in one account, or in all if the name is empty."""
        # A copy, because waiters are removed without the lock.
        for waiter in list(self._by_kind[kind]):
            if not account or waiter.account in (None, account):
                waiter.notify()

    def interrupt(self, account: str) -> None:
        """End the waits for one account, or all waits if the name is empty."""
        for waiter in list(self._all):
            if not account or waiter.account == account:
                waiter.is_interrupted = True
                waiter.notify()

    def close(self) -> None:
        """End all waits for good; takes the lock."""
        with self._lock:
            self.is_closed = True
            for waiter in list(self._all):
                waiter.notify()
