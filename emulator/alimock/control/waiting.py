"""Long polling: wait for the next entry of a log, within the limit of concurrent waiters."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Generic

from flask import request

from alimock.api.http import IS_GONE
from alimock.control import arguments
from alimock.control.backend import store, transaction
from alimock.control.errors import ControlError
from alimock.control.lists import candidates, selection
from alimock.state.log import E, EventType, Log
from alimock.state.waiters import Closed, Interrupted

MAX_OTHERS = 20


@dataclass(frozen=True)
class EntryType(Generic[E]):
    """How the entries of a log are named and shown."""

    event_type: EventType
    key: str
    log: str
    document: Callable[[E], dict[str, object]]
    brief: Callable[[E], str]


def wait(
    log: Log[E], types: Collection[str], after: int | None, account: str | None, timeout: float, matches: Callable[[E], bool]
) -> E | None:
    """Return the first matching entry, or None on a timeout; call it in a transaction, whose lock is released meanwhile."""

    def find() -> E | None:
        # Each call continues where the last one ended.
        nonlocal after
        start, after = after, store().cursor
        return next(filter(matches, candidates(log, start, account)), None)

    waiters = store().waiters
    found = find()
    if found is not None or timeout == 0:
        return found
    if not waiters.slots.acquire():
        hint = "Retry, use fewer concurrent waits, or raise --limit max_threads=N."
        raise ControlError(503, f"All {waiters.capacity} waiter slots are in use", hint, headers={"Retry-After": "1"})
    try:
        return waiters.wait(find, types, account, timeout, is_gone=request.environ.get(IS_GONE, lambda: False))
    except Interrupted:
        raise ControlError(410, "The account was reset during the wait", "Start a new wait.") from None
    except Closed:
        raise ControlError(503, "The emulator is shutting down", "Restart it and retry.") from None
    finally:
        waiters.slots.release()


@transaction()
def wait_for(log: Log[E], entry_type: EntryType[E], given: Mapping[str, str], matches: Callable[[E], bool]) -> dict[str, object]:
    """Wait for the first matching entry after the cursor; without one, the newest existing entry counts."""
    timeout = arguments.timeout(given)
    after, account = selection(given)
    entry = wait(log, (entry_type.event_type,), after, account, timeout, matches)
    if entry is None:
        raise _timeout_error(log, entry_type, timeout, after, account)
    return {entry_type.key: entry_type.document(entry), "cursor": entry.sequence}


def _timeout_error(log: Log[E], entry_type: EntryType[E], timeout: float, after: int | None, account: str | None) -> ControlError:
    noun, start = entry_type.event_type.value, after or 0
    others = [entry for entry in islice(log.newest_first(account), MAX_OTHERS) if entry.sequence > start]
    found = f"{entry_type.log} is empty" if after is None else f"no new {noun} after {after}"
    if others:
        found = f"no match among: {', '.join(map(entry_type.brief, others))}"
    hint = "Check the filters, and GET /_alimock/calls for rejected calls."
    elsewhere = len(log.after(start)) - len(log.after(start, account)) if account is not None else 0
    if elsewhere:
        hint = f"{elsewhere} {noun}{'s' if elsewhere > 1 else ''} in accounts of other access keys. {hint}"
    details = {f"{entry_type.key}s": list(map(entry_type.document, others)), "cursor": store().cursor}
    return ControlError(408, f"Timed out after {timeout:g} s; {found}", hint, details=details)
