"""Waiting for something to happen, without looking again and again: each waiter has a condition of its own on the world's lock."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from threading import BoundedSemaphore, Condition, Event, RLock
from typing import TypeVar

# Under this name of WSGI's environment the server gives a function that says whether the client has gone.
IS_GONE = "alimock.is_gone"
# How often who waits looks whether the client is still there.
LOOK_SECONDS = 0.5
T = TypeVar("T")


class Interrupted(Exception):
    """What was waited for cannot come any more: the account was reset."""


class Closed(Exception):
    """The emulator stops."""


@dataclass(eq=False)
class _Waiter:
    condition: Condition
    kinds: Collection[str]
    account: str | None
    interruptible: bool
    interrupted: bool = False


class Waiters:
    """Those who wait, for what happens in the store or for an injected delay to end, and their common end.

    `limit` is how many may wait, `slots` how many more; who waits takes a place and gives it back.
    """

    def __init__(self, lock: RLock, limit: int) -> None:
        self.closed = Event()
        self.limit = limit
        self.slots = BoundedSemaphore(limit)
        self._lock = lock
        self._waiters: list[_Waiter] = []

    def wait(
        self,
        find: Callable[[], T | None],
        kinds: Collection[str],
        account: str | None,
        seconds: float,
        *,
        interruptible: bool = True,
        is_gone: Callable[[], bool] = lambda: False,
    ) -> T | None:
        """Waits until `find` gives something and gives that, or None at the end of the time; the caller holds the lock.

        It is asked again whenever something of these kinds happens in the account. Raises `Interrupted` and `Closed`. Now and then
        it looks whether whoever waits is gone, and then gives None.
        """
        waiter = _Waiter(Condition(self._lock), kinds, account, interruptible)
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
                waiter.condition.wait(min(left, LOOK_SECONDS))
            return found
        finally:
            self._waiters.remove(waiter)

    def wake(self, kind: str, account: str) -> None:
        """Has those look again who wait for something of this kind in this account, or in any if the name is empty.

        The caller holds the lock.
        """
        for waiter in self._waiters:
            if kind in waiter.kinds and (not account or waiter.account in (None, account)):
                waiter.condition.notify()

    def interrupt(self, account: str) -> None:
        """Ends the waiting for what happens in an account alone, or in any if the name is empty; the caller holds the lock."""
        for waiter in self._waiters:
            if waiter.interruptible and (not account or waiter.account == account):
                waiter.interrupted = True
                waiter.condition.notify()

    def close(self) -> None:
        """Ends all waiting for good."""
        self.closed.set()
        with self._lock:
            for waiter in self._waiters:
                waiter.condition.notify()
