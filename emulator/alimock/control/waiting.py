"""Long polling: wait for the next entry of a log."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from itertools import islice
from typing import Generic

from flask import Response, abort, request

from alimock.api.http import PARK, RESUMED
from alimock.control import arguments
from alimock.control.current import store, transaction
from alimock.control.errors import ControlError
from alimock.control.lists import selection
from alimock.state.log import E, EventType, Log
from alimock.state.waiters import Closed, Interrupted, Waiter

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
    log: Log[E], types: Collection[EventType], after: int | None, account: str | None, timeout: float, matches: Callable[[E], bool]
) -> E | None:
    """Return the first matching entry, or None on a timeout; call it in a transaction.

    A server that parks requests runs the view again when the wait is over. Behind any other, the view blocks, and the lock is
    released meanwhile.
    """
    waiters = store().waiters
    new = Waiter(log, matches, types=types, account=account, after=after, seconds=timeout)
    waiter: Waiter[E] = request.environ.get(RESUMED) or new
    if not waiters.is_over(waiter):
        park = request.environ.get(PARK)
        if park is None:
            waiters.block(waiter)
        else:
            park(waiter)
            # The server discards this response.
            abort(Response(status=HTTPStatus.ACCEPTED))
    try:
        return waiters.result(waiter)
    except Interrupted:
        raise ControlError(410, "The account was reset during the wait", "Start a new wait.") from None
    except Closed:
        raise ControlError(503, "The emulator is shutting down", "Restart it and retry.") from None


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
