"""Waits for matching entries of a log. Subscribers learn of events that may end waits, and find out which ones are over."""

from __future__ import annotations

from collections.abc import Callable, Collection
from itertools import islice
from threading import Condition, Event, RLock
from typing import Any, Generic

from alimock.state import system_clock
from alimock.state.log import E, EventType, Log

# Called, with the store's lock held, for an event of a type in an account; None and "" stand for all types and all accounts.
Subscriber = Callable[[EventType | None, str], None]


class Interrupted(Exception):
    """The account was reset, so that the awaited entry cannot arrive any more."""


class Closed(Exception):
    """The emulator is stopping."""


class Waiter(Generic[E]):
    """A wait of at most `seconds` for `count` entries of a log, in one account, or in any for None.

    Entries up to the sequence number `after` do not count; without it, the newest existing matches count. `types` are the types of
    the events that can end the wait. `found` are the matches, oldest first.
    """

    def __init__(
        self,
        log: Log[E],
        matches: Callable[[E], bool],
        *,
        types: Collection[EventType],
        account: str | None,
        after: int | None,
        seconds: float,
        count: int = 1,
    ) -> None:
        self.types = types
        self.account = account
        self.found: list[E] = []
        self.is_interrupted = False
        self._log = log
        self._matches = matches
        self._after = after
        self._count = count
        self._deadline = system_clock.monotonic() + seconds

    @property
    def seconds_left(self) -> float:
        """The seconds until the timeout."""
        return max(self._deadline - system_clock.monotonic(), 0)

    def look(self, new_entries: dict[object, list[E]]) -> bool:
        """Return whether the wait is over but for its timeout.

        Only the entries since the last look are looked at. Waiters that look together share `new_entries`.
        """
        key = self._log, self.account, self._after
        entries = new_entries.get(key)
        if entries is None:
            entries = new_entries[key] = self._entries()
        missing = self._count - len(self.found)
        if self._after is not None:
            self.found += islice(filter(self._matches, entries), missing)
        else:
            self.found = [*islice(filter(self._matches, reversed(entries)), missing)][::-1]
        self._after = entries[-1].sequence if entries else self._after or 0
        return self.is_complete or self.is_interrupted

    @property
    def is_complete(self) -> bool:
        """Whether as many entries were found as are awaited."""
        return len(self.found) == self._count

    def _entries(self) -> list[E]:
        return self._log.entries(self.account) if self._after is None else self._log.after(self._after, self.account)


class Waiters:
    """The waiters of a store. Callers hold the store's lock unless stated otherwise."""

    def __init__(self, lock: RLock) -> None:
        self.is_closed = False
        self.subscribers: list[Subscriber] = []
        self._lock = lock
        self._all: dict[Waiter[Any], None] = {}
        self._is_used = Event()
        self._by_type: dict[EventType, dict[Waiter[Any], None]] = {kind: {} for kind in EventType}

    @property
    def count(self) -> int:
        """The number of waits now."""
        return len(self._all)

    def wait_for_waiter(self, seconds: float) -> bool:
        """Block until something waits, without the lock; return False if nothing does within some seconds."""
        return self._is_used.wait(seconds)

    def add(self, waiter: Waiter[Any]) -> None:
        """Add a waiter."""
        self._all[waiter] = None
        self._is_used.set()
        for kind in waiter.types:
            self._by_type[kind][waiter] = None

    def remove(self, waiter: Waiter[Any]) -> None:
        """Remove a waiter, with or without the lock."""
        self._all.pop(waiter, None)
        for kind in waiter.types:
            self._by_type[kind].pop(waiter, None)
        if not self._all:
            self._is_used.clear()
            if self._all:
                # One was added meanwhile.
                self._is_used.set()

    def is_over(self, waiter: Waiter[Any]) -> bool:
        """Look for what the waiter waits for, and return whether its wait is over."""
        return waiter.look({}) or self.is_closed or not waiter.seconds_left

    def over(self, kind: EventType | None, account: str) -> list[Waiter[Any]]:
        """Return the waiters whose wait an event ends."""
        new_entries: dict[object, list[Any]] = {}
        # A copy, because waiters are removed without the lock.
        waiters = list(self._all if kind is None else self._by_type[kind])
        concerned = [waiter for waiter in waiters if not account or waiter.account in (None, account)]
        return [waiter for waiter in concerned if waiter.look(new_entries) or self.is_closed]

    def result(self, waiter: Waiter[E]) -> list[E]:
        """Return what was found, too few on a timeout. Raise `Interrupted` or `Closed` if the wait was ended."""
        if not waiter.is_complete and self.is_closed:
            raise Closed
        if not waiter.is_complete and waiter.is_interrupted:
            raise Interrupted
        return waiter.found

    def block(self, waiter: Waiter[Any]) -> None:
        """Block until the wait is over; the lock is released meanwhile."""
        condition = Condition(self._lock)

        def notify(kind: EventType | None, account: str) -> None:
            condition.notify()

        self.add(waiter)
        self.subscribers.append(notify)
        try:
            while not self.is_over(waiter):
                condition.wait(waiter.seconds_left)
        finally:
            self.subscribers.remove(notify)
            self.remove(waiter)

    def wake(self, kind: EventType, account: str) -> None:
        """Tell the subscribers of an event in one account, or in all if the name is empty, if anything waits for its type."""
        if self._by_type[kind]:
            self._tell(kind, account)

    def interrupt(self, account: str) -> None:
        """End the waits for one account, or all waits if the name is empty."""
        for waiter in list(self._all):
            waiter.is_interrupted = waiter.is_interrupted or not account or waiter.account == account
        self._tell(None, account)

    def close(self) -> None:
        """End all waits for good; takes the lock."""
        with self._lock:
            self.is_closed = True
            self._tell(None, "")

    def _tell(self, kind: EventType | None, account: str) -> None:
        for subscriber in self.subscribers:
            subscriber(kind, account)
