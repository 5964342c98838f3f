"""The journal over HTTP: every call with what decided it, and every change as it happens."""

from __future__ import annotations

import difflib
from itertools import islice

from alimock.contract import COMMON_PARAMETERS, OPERATIONS
from alimock.control import arguments, listing, waits
from alimock.timeformat import format_real_time
from alimock.world.journal import CallRecord, Change, Kind
from alimock.world.log import Log
from alimock.world.world import ALL_ACCOUNTS, World

MAXIMUM_HINTS = 10
_FILTERS = ("action", "code", "request_id")


class JournalResource:
    """Lists calls, and changes of every kind."""

    def __init__(self, world: World) -> None:
        self.world = world

    def calls(self) -> dict[str, object]:
        """Lists calls newest first, or with `after` those behind that cursor, oldest first."""
        given = arguments.query(*_FILTERS, *listing.ARGUMENTS)

        def matches(one: CallRecord) -> bool:
            shown = {"action": one.action, "code": one.code, "request_id": one.request_id}
            return all(given.get(name) in (None, value) for name, value in shown.items())

        return listing.listed(self.world, self.world.journal, "calls", given, matches, _call)

    def changes(self) -> dict[str, object]:
        """Lists what happened; with `timeout` it waits for the first that comes behind `after`."""
        given = arguments.query(*listing.ARGUMENTS, "timeout")
        with self.world.lock:
            after, account = waits.cursor(self.world, given), listing.account_name(self.world, given)
        names = (None, ALL_ACCOUNTS, account) if account is not None else None

        def matches(one: Change) -> bool:
            return names is None or one.account_name in names

        looked = after or 0

        def find() -> bool | None:
            nonlocal looked
            behind, looked = looked, self.world.cursor
            return any(map(matches, self.world.changes.after(behind))) or None

        if after is not None and "timeout" in given:
            timeout = waits.seconds(given, waits.DEFAULT_SECONDS)
            # A reset is a change itself, and ends no waiting for changes.
            waits.waited(self.world, find, Kind.__members__.values(), account, timeout, interruptible=False)
        rest = {name: value for name, value in given.items() if name != "access_key_id"}
        log: Log[Change] = self.world.changes
        answer = listing.listed(self.world, log, "changes", rest, matches, _change)
        if account is not None and "gap" in answer:
            # What was evicted may have been another account's.
            missed = max(log.evicted_through(account), log.evicted_through(ALL_ACCOUNTS))
            answer = {name: value for name, value in answer.items() if name != "gap" or (after or 0) < missed}
        return answer


def _change(one: Change) -> dict[str, object]:
    return {
        "sequence": one.sequence,
        "kind": one.kind.value,
        "account": one.account_name or None,
        "subject": one.subject,
        "received": format_real_time(one.received),
    }


def _call(one: CallRecord) -> dict[str, object]:
    return {
        "id": one.id,
        "sequence": one.sequence,
        "request_id": one.request_id,
        "account": one.account_name,
        "access_key_id": one.access_key_id,
        "action": one.action,
        "version": one.version,
        "profile": one.profile or None,
        "format": one.format,
        "method": one.method,
        "peer": one.peer,
        "parameters": dict(one.parameters),
        "authentication": one.authentication,
        "status": one.status,
        "code": one.code,
        "outcomes": [{"email": each.email, "outcome": each.outcome, "decided_by": each.decided_by} for each in one.decisions],
        "fault": one.fault,
        "messages": list(one.messages),
        "duration_ms": round(one.seconds * 1000, 3),
        "received": format_real_time(one.received),
        "hints": _hints(one),
    }


def _hints(one: CallRecord) -> list[str]:
    """Says what a call names that does not exist, and the nearest thing that does."""
    operation = OPERATIONS.get(one.action)
    if operation is None:
        return [_hint("operation", one.action, list(OPERATIONS))] if one.action and one.code != "OK" else []
    known = [*(parameter.name for parameter in operation.parameters), *COMMON_PARAMETERS]
    unknown = (name for name in one.parameters if name not in known)
    return [_hint("parameter", name, known) for name in islice(unknown, MAXIMUM_HINTS)]


def _hint(kind: str, name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"unknown {kind} {name[:100]}" + (f"; did you mean {near[0]}?" if near else "")
