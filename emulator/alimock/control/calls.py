"""The journal over HTTP: every call with what decided it, and every change as it happens."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from itertools import islice

from alimock.api.auth import Check
from alimock.control import arguments, lists, waiting
from alimock.control.problem import Problem
from alimock.spec.address import fold
from alimock.spec.contract import COMMON_PARAMETERS, OPERATIONS
from alimock.spec.error_catalog import CATALOG, INVALID_ACTION_NOT_FOUND, PARAMETER_ILLEGALL, SEND_TOKEN_QUOTA_EXCEEDED
from alimock.spec.times import format_real_time
from alimock.state.events import CallEntry, Event, EventType
from alimock.state.log import Log
from alimock.state.store import ALL_ACCOUNTS, Store

MAXIMUM_HINTS = 10
_FILTERS = ("action", "status", "code", "email", "outcome", "authentication", "fault", "request_id")
MAXIMUM_STATUS = 999
_CODES = ("OK", *dict.fromkeys(definition.code for definition in CATALOG))
# What the filters can name without a call that has it; a scenario's own codes are known once one was answered.
_WORDS: Mapping[str, tuple[str, ...]] = {
    "action": tuple(OPERATIONS),
    "code": _CODES,
    "outcome": ("success", "exist", "found", "verified", "not carried out", "custom answer", *_CODES),
    "authentication": tuple(check.value for check in Check),
}
# As scenarios call them.
_OUTCOME_CODES = {"quota-exceeded": SEND_TOKEN_QUOTA_EXCEEDED.code, "illegal": PARAMETER_ILLEGALL.code}


class JournalResource:
    """Lists calls, and changes of every kind."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def calls(self) -> dict[str, object]:
        """Lists calls newest first, or with `after` those behind that cursor, oldest first."""
        given = arguments.query(*_FILTERS, *lists.ARGUMENTS)
        return lists.listed(self.store, self.store.calls, "calls", given, self._matcher(given), _call)

    def count(self) -> dict[str, object]:
        """Counts calls."""
        given = arguments.query(*_FILTERS, "access_key_id", "after")
        return lists.counted(self.store, self.store.calls, given, self._matcher(given))

    def wait(self) -> dict[str, object]:
        """Gives the first call behind `after` that matches, as soon as it was answered; without it the newest one counts."""
        given = arguments.query(*_FILTERS, "access_key_id", "after", "timeout")
        awaited = lists.awaited(self.store, self.store.calls, EventType.CALL, given, self._matcher(given))
        if awaited.found is None:
            hint = f"there instead: {awaited.told(lambda one: f'{one.action} {one.code}')}"
            shown = [_call(one) for one in awaited.instead]
            raise Problem(408, f"no such call within {awaited.timeout:g} seconds", hint, calls=shown, cursor=awaited.cursor)
        return {"call": _call(awaited.found), "cursor": awaited.cursor}

    def changes(self) -> dict[str, object]:
        """Lists what happened; with `timeout` it waits for the first that comes behind `after`."""
        given = arguments.query(*lists.ARGUMENTS, "timeout")
        timeout = waiting.seconds(given, waiting.DEFAULT_SECONDS)
        with self.store.lock:
            after, account = waiting.cursor(self.store, given), lists.account_name(self.store, given)
        names = (None, ALL_ACCOUNTS, account) if account is not None else None

        def matches(one: Event) -> bool:
            return names is None or one.account_name in names

        looked = after or 0

        def find() -> bool | None:
            nonlocal looked
            behind, looked = looked, self.store.cursor
            return any(map(matches, self.store.events.after(behind))) or None

        if after is not None and "timeout" in given:
            # A reset is a change itself, and ends no waiting for changes.
            waiting.waited(self.store, find, EventType.__members__.values(), account, timeout, interruptible=False)
        rest = {name: value for name, value in given.items() if name != "access_key_id"}
        log: Log[Event] = self.store.events
        answer = lists.listed(self.store, log, "changes", rest, matches, _change)
        if account is not None and "gap" in answer:
            # What was evicted may have been another account's.
            missed = max(log.evicted_through(account), log.evicted_through(ALL_ACCOUNTS))
            answer = {name: value for name, value in answer.items() if name != "gap" or (after or 0) < missed}
        return answer

    def _matcher(self, given: Mapping[str, str]) -> Callable[[CallEntry], bool]:
        """Makes the filter of the arguments; the account is narrowed to by whoever goes through the journal."""
        self._check_words(given)
        email, outcome = fold(given.get("email", "")), given.get("outcome")

        def matches(one: CallEntry) -> bool:
            shown = {
                "action": one.action,
                "status": str(one.status),
                "code": one.code,
                "authentication": one.authentication,
                "fault": one.fault,
                "request_id": one.request_id,
            }
            return (
                all(given.get(name) in (None, value) for name, value in shown.items())
                and (not email or email in _emails(one))
                and (outcome is None or any(each.outcome == outcome for each in one.decisions))
            )

        return matches

    def _check_words(self, given: Mapping[str, str]) -> None:
        """Refuses words that no call has and none could have, since a count of them would be 0 for ever."""
        if "status" in given:
            arguments.number(given, "status", 0, MAXIMUM_STATUS)
        for name, known in _WORDS.items():
            word = given.get(name)
            if word is not None and word not in known and not self._is_seen(name, word):
                near = difflib.get_close_matches(_OUTCOME_CODES.get(word, word), known, n=1)
                hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
                raise Problem(400, f"`{name}`: found {word[:100]!a}, which no call had", hint)

    def _is_seen(self, name: str, word: str) -> bool:
        """Says whether a call had what only it or a scenario names."""
        with self.store.lock:
            if name == "action" and any(word in account.scenario.stubs for account in self.store.accounts()):
                return True
            entries = self.store.calls.entries()
        if name == "outcome":
            return any(each.outcome == word for one in entries for each in one.decisions)
        return any(word in (one.action, one.code) for one in entries)


def _emails(one: CallEntry) -> set[str]:
    """Gives the addresses that a call names or that something became of, folded."""
    named = one.parameters.get("Email", "").split(",")
    return {fold(email.strip()) for email in (*named, *(each.email for each in one.decisions))}


def _change(one: Event) -> dict[str, object]:
    return {
        "sequence": one.sequence,
        "kind": one.kind.value,
        "account": one.account_name or None,
        "subject": one.subject,
        "received": format_real_time(one.received),
    }


def _call(one: CallEntry) -> dict[str, object]:
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
        "user_agent": one.user_agent,
        "parameters": dict(one.parameters),
        "signature": one.signature,
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


def _hints(one: CallEntry) -> list[str]:
    """Says what a call names that does not exist, and the nearest thing that does."""
    operation = OPERATIONS.get(one.action)
    if operation is None:
        is_unknown = one.action and one.code == INVALID_ACTION_NOT_FOUND.code
        return [_hint("operation", one.action, list(OPERATIONS))] if is_unknown else []
    known = [*(parameter.name for parameter in operation.parameters), *COMMON_PARAMETERS]
    unknown = (name for name in one.parameters if name not in known)
    return [_hint("parameter", name, known) for name in islice(unknown, MAXIMUM_HINTS)]


def _hint(kind: str, name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"unknown {kind} {name[:100]}" + (f"; did you mean {near[0]}?" if near else "")
