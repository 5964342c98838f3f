"""The one shape of lists: newest first, or behind a cursor oldest first, with what was thrown away; counting and waiting alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Generic

from alimock.control import arguments, waiting
from alimock.control.waiting import cursor
from alimock.state.log import E, EventType, Log
from alimock.state.store import Store

DEFAULT_LIMIT = 100
MAXIMUM_LIMIT = 5_000
# The arguments that every list of a log takes.
ARGUMENTS = ("access_key_id", "after", "limit")
ARRIVED_INSTEAD = 20


@dataclass(frozen=True)
class Awaited(Generic[E]):
    """What a wait of `timeout` seconds came to: what was found, or what is there `instead`, and how many are `elsewhere`.

    That is in other accounts than the one that was waited for. `cursor` is what to go on from.
    """

    found: E | None
    timeout: float
    cursor: int
    instead: Sequence[E] = ()
    elsewhere: int = 0

    def told(self, tell: Callable[[E], str]) -> str:
        """Says in words what is there instead."""
        told = ", ".join(map(tell, self.instead)) or "nothing"
        return told + (f"; {self.elsewhere} in accounts of other keys" if self.elsewhere else "")


def account_name(store: Store, given: Mapping[str, str]) -> str | None:
    """Gives the account that the argument `access_key_id` narrows to, None for all."""
    key_id = given.get("access_key_id")
    return store.account_name(key_id) if key_id is not None else None


def listed(
    store: Store,
    log: Log[E],
    name: str,
    given: dict[str, str],
    matches: Callable[[E], bool],
    show: Callable[[E], dict[str, object]],
) -> dict[str, object]:
    """Gives a page of a log's entries that match."""
    limit = arguments.number(given, "limit", DEFAULT_LIMIT, MAXIMUM_LIMIT)
    with store.lock:
        after, account = cursor(store, given), account_name(store, given)
        end, evicted, evicted_through = store.cursor, log.evicted(account), log.evicted_through(account)
        candidates = log.newest_first(account) if after is None else iter(log.after(after, account))
        chosen = list(islice(filter(matches, candidates), limit))
    if after is not None and len(chosen) == limit:
        # A full page goes on from its own last entry, so that none between it and the cursor is missed.
        end = chosen[-1].sequence if chosen else after
    answer: dict[str, object] = {name: [show(one) for one in chosen], "cursor": end, "evicted": evicted}
    return {**answer, "gap": True} if after is not None and after < evicted_through else answer


def counted(store: Store, log: Log[E], given: dict[str, str], matches: Callable[[E], bool]) -> dict[str, object]:
    """Counts a log's entries that match, without what was thrown away."""
    with store.lock:
        after, account = cursor(store, given), account_name(store, given)
        candidates = log.entries(account) if after is None else log.after(after, account)
        return {"count": sum(map(matches, candidates)), "cursor": store.cursor, "evicted": log.evicted(account)}


def awaited(store: Store, log: Log[E], kind: EventType, given: dict[str, str], matches: Callable[[E], bool]) -> Awaited[E]:
    """Waits for the first entry behind `after` that matches; without `after` the newest that is there counts.

    Gives it, or at the end of the time what is there instead, newest first.
    """
    timeout = waiting.seconds(given, waiting.DEFAULT_SECONDS)
    with store.lock:
        after, account = cursor(store, given), account_name(store, given)
    looked = after

    def find() -> E | None:
        # Each look begins where the last one ended; only the first without a cursor goes through what is there.
        nonlocal looked
        behind, looked = looked, store.cursor
        entries = log.newest_first(account) if behind is None else iter(log.after(behind, account))
        return next(filter(matches, entries), None)

    found = waiting.waited(store, find, (kind,), account, timeout)
    behind = 0 if after is None else after
    with store.lock:
        if found is not None:
            return Awaited(found, timeout, found.sequence)
        newest = list(islice(log.newest_first(account), ARRIVED_INSTEAD))
        elsewhere = len(log.after(behind)) - len(log.after(behind, account)) if account is not None else 0
        return Awaited(None, timeout, store.cursor, [one for one in newest if one.sequence > behind], elsewhere)
