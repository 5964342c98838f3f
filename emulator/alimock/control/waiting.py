"""Long polling: wait for the next entries of a log, or for none."""

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
# As many entries as an account keeps by default.
MAX_COUNT = 5_000
# How to wait.
ARGUMENTS = ("count", "quiet", "timeout")


@dataclass(frozen=True)
class EntryType(Generic[E]):
    """How the entries of a log are named and shown."""

    event_type: EventType
    key: str
    log: str
    document: Callable[[E], dict[str, object]]
    brief: Callable[[E], str]


def wait(
    log: Log[E],
    types: Collection[EventType],
    after: int | None,
    account: str | None,
    seconds: float,
    matches: Callable[[E], bool],
    count: int = 1,
) -> list[E]:
    """Return the first `count` matching entries, or fewer on a timeout; call it in a transaction.

    A server that parks requests runs the view again when the wait is over. Behind any other, the view blocks, and the lock is
    released meanwhile.
    """
    waiters = store().waiters
    new = Waiter(log, matches, types=types, account=account, after=after, seconds=seconds, count=count)
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
    """Wait for matching entries after the cursor, as the arguments say; without a cursor, the newest existing entries count."""
    if "quiet" in given:
        return _wait_for_none(log, entry_type, given, matches)
    count, timeout = arguments.integer(given, "count", 1, MAX_COUNT, minimum=1), arguments.seconds(given)
    after, account = selection(given)
    entries = wait(log, (entry_type.event_type,), after, account, timeout, matches, count)
    if len(entries) < count:
        raise _timeout_error(log, entry_type, timeout, after, account, (entries, count))
    documents = list(map(entry_type.document, entries))
    found = {f"{entry_type.key}s": documents} if "count" in given else {entry_type.key: documents[0]}
    return {**found, "cursor": entries[-1].sequence}


def _wait_for_none(
    log: Log[E], entry_type: EntryType[E], given: Mapping[str, str], matches: Callable[[E], bool]
) -> dict[str, object]:
    """Wait until no matching entry has been added for a time; fail at once if there is one."""
    other = next((name for name in ("count", "timeout") if name in given), None)
    if other is not None:
        raise ControlError(
            400, f"`quiet` and `{other}` exclude each other", f"Omit `{other}`: `quiet` is how long to wait for none."
        )
    quiet = arguments.seconds(given, "quiet")
    after, account = selection(given)
    key, noun = f"{entry_type.key}s", entry_type.event_type.value
    for entry in wait(log, (entry_type.event_type,), after, account, quiet, matches):
        hint = f"Expected no {noun} for {quiet:g} s" + ("." if after is not None else "; pass `after` to ignore earlier ones.")
        details = {key: [entry_type.document(entry)], "cursor": entry.sequence}
        raise ControlError(409, f"Unexpected {noun}: {entry_type.brief(entry)}", hint, details=details)
    return {key: [], "cursor": store().cursor}


def _timeout_error(
    log: Log[E], entry_type: EntryType[E], timeout: float, after: int | None, account: str | None, partial: tuple[list[E], int]
) -> ControlError:
    noun, start = entry_type.event_type.value, after or 0
    entries, count = partial
    others = [entry for entry in islice(log.newest_first(account), MAX_OTHERS) if entry.sequence > start]
    found = f"{entry_type.log} is empty" if after is None else f"no new {noun} after {after}"
    if entries:
        newest = ", ".join(map(entry_type.brief, entries[-MAX_OTHERS:]))
        found = f"found {len(entries)} of {count} matching {noun}s: {newest}"
    elif others:
        found = f"no match among: {', '.join(map(entry_type.brief, others))}"
    hint = "Check the filters, and GET /_alimock/calls for rejected calls."
    elsewhere = len(log.after(start)) - len(log.after(start, account)) if account is not None else 0
    if elsewhere:
        hint = f"{elsewhere} {noun}{'s' if elsewhere > 1 else ''} in accounts of other access keys. {hint}"
    details = {f"{entry_type.key}s": list(map(entry_type.document, others)), "cursor": store().cursor}
    return ControlError(408, f"Timed out after {timeout:g} s; {found}", hint, details=details)
