"""The call log: every call of the emulated API with what decided it, and every event as it happens."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from itertools import islice

from flask import Blueprint

from alimock.api.auth import Check
from alimock.control import arguments, lists, waiting
from alimock.control.call_details import details
from alimock.control.current import store, transaction
from alimock.control.errors import ControlError, suggestion
from alimock.spec.address import fold
from alimock.spec.contract import COMMON_PARAMETERS, OPERATIONS
from alimock.spec.error_catalog import CATALOG, INVALID_ACTION_NOT_FOUND, PARAMETER_ILLEGALL, SEND_TOKEN_QUOTA_EXCEEDED
from alimock.spec.times import format_real_time
from alimock.state.log import CallEntry, Event, EventType
from alimock.state.store import ALL_ACCOUNTS

blueprint = Blueprint("calls", __name__)

MAX_HINTS = 10
MAX_STATUS = 999
_EXACT_FILTERS = ("action", "status", "code", "authentication", "fault", "request_id")
FILTERS = (*_EXACT_FILTERS, "email", "outcome", "text", "access_key_id", "after")
_COPIED_FIELDS = (
    *("id", "sequence", "request_id", "access_key_id", "action", "version", "format", "method", "peer", "user_agent"),
    *("signature", "authentication", "status", "code", "fault"),
)
_CODES = ("OK", *dict.fromkeys(definition.code for definition in CATALOG))
# Accepted values of filters; those that only a scenario defines are accepted once a call has them.
_VALUES: Mapping[str, tuple[str, ...]] = {
    "action": tuple(OPERATIONS),
    "code": _CODES,
    "outcome": ("success", "exist", "found", "verified", "not carried out", "custom answer", *_CODES),
    "authentication": tuple(check.value for check in Check),
}
# The names that scenarios use.
_OUTCOME_CODES = {"quota-exceeded": SEND_TOKEN_QUOTA_EXCEEDED.code, "illegal": PARAMETER_ILLEGALL.code}


@blueprint.get("/calls")
def list_calls() -> dict[str, object]:
    """List calls, newest first; with `after`, those after that cursor, oldest first."""
    given = arguments.query(*FILTERS, "limit")
    return lists.page(store().calls, "calls", given, _filter(given), _document)


@blueprint.get("/calls/count")
def count_calls() -> dict[str, object]:
    """Count calls."""
    given = arguments.query(*FILTERS)
    matches = _filter(given)
    with transaction():
        after, account = lists.selection(given)
        count = sum(map(matches, lists.candidates(store().calls, after, account)))
        return {"count": count, "cursor": store().cursor, "evicted": store().calls.evicted(account)}


@blueprint.get("/calls/wait")
def wait_for_call() -> dict[str, object]:
    """Wait for matching calls after the cursor, or with `quiet` for none; without a cursor, existing calls count."""
    given = arguments.query(*FILTERS, *waiting.ARGUMENTS)
    return waiting.wait_for(store().calls, _CALL, given, _filter(given))


@blueprint.get("/calls/<call_id>")
def get_call(call_id: str) -> dict[str, object]:
    """Return one call with its request and response, the scenario lines that decided it, its mails and the diagnosis."""
    arguments.query()
    sequence = int(call_id) if re.fullmatch("[0-9]{1,18}", call_id) else 0
    with transaction():
        call = store().calls.entry(sequence)
    if call is None:
        hint = "It may have been evicted or reset; see GET /_alimock/calls."
        raise ControlError(404, f"Call {call_id[:100]!a} not found", hint)
    return {**_document(call), **details(call)}


@blueprint.get("/changes")
def list_changes() -> dict[str, object]:
    """List events; with `timeout`, wait for the first one after the cursor."""
    given = arguments.query("access_key_id", "after", "limit", "timeout")
    timeout = arguments.seconds(given)
    with transaction():
        after, account = lists.selection(given)
        if after is not None and "timeout" in given:
            waiting.wait(store().events, list(EventType), after, None, timeout, lambda event: _concerns(event, account))
    # Events of all accounts belong to every account, so the log is not narrowed but filtered.
    everything = {name: value for name, value in given.items() if name != "access_key_id"}
    page = lists.page(store().events, "changes", everything, lambda event: _concerns(event, account), _event)
    if account is not None and (after or 0) >= max(map(store().events.evicted_through, (account, ALL_ACCOUNTS))):
        # Only events of other accounts were evicted.
        page.pop("gap", None)
    return page


def _concerns(event: Event, account: str | None) -> bool:
    return account is None or event.account_name in (account, ALL_ACCOUNTS)


def _filter(given: Mapping[str, str]) -> Callable[[CallEntry], bool]:
    _check_values(given)
    # An invalid address that was called with a space can be found, too.
    emails, outcome = frozenset(map(fold, arguments.plus_readings("email"))), given.get("outcome")
    exact = {name: given[name] for name in _EXACT_FILTERS if name in given}
    texts = [text.lower() for text in arguments.plus_readings("text")]

    def matches(call: CallEntry) -> bool:
        return (
            all(str(getattr(call, name) or "") == value for name, value in exact.items())
            and (not emails or not emails.isdisjoint(_emails(call)))
            and (outcome is None or any(each.outcome == outcome for each in call.outcomes))
            and (not texts or any(text in _content(call) for text in texts))
        )

    return matches


def _check_values(given: Mapping[str, str]) -> None:
    """Reject values that no call can have; a count of them would be 0 forever."""
    if "status" in given:
        arguments.integer(given, "status", 0, MAX_STATUS)
    for name, known in _VALUES.items():
        value = given.get(name)
        if value is not None and value not in known and not _is_recorded(name, value):
            hint = suggestion(_OUTCOME_CODES.get(value, value), known)
            raise ControlError(400, f"`{name}`: found {value[:100]!a}, which no call has", hint)


@transaction()
def _is_recorded(name: str, value: str) -> bool:
    """Return whether a recorded call, or for an action a scenario, has a value."""
    if name == "action" and any(value in account.scenario.stubs for account in store().accounts_for_view()):
        return True
    calls = store().calls.entries()
    if name == "outcome":
        return any(each.outcome == value for call in calls for each in call.outcomes)
    return any(value in (call.action, call.code) for call in calls)


def _content(call: CallEntry) -> str:
    """Return what the filter `text` searches, in lower case."""
    fields = (call.action, call.code, call.access_key_id or "", call.request_id, call.user_agent)
    outcomes = (text for each in call.outcomes for text in (each.email, each.outcome, each.decided_by))
    return "\n".join((*fields, *call.parameters.values(), *outcomes)).lower()


def _emails(call: CallEntry) -> set[str]:
    requested = call.parameters.get("Email", "").split(",")
    return {fold(email.strip()) for email in (*requested, *(each.email for each in call.outcomes))}


def _event(event: Event) -> dict[str, object]:
    return {
        "sequence": event.sequence,
        "kind": event.kind.value,
        "account": event.account_name or None,
        "subject": event.subject,
        "received": format_real_time(event.received),
    }


def _document(call: CallEntry) -> dict[str, object]:
    return {
        **{name: getattr(call, name) for name in _COPIED_FIELDS},
        "account": call.account_name,
        "profile": call.profile or None,
        "parameters": dict(call.parameters),
        "outcomes": [{"email": each.email, "outcome": each.outcome, "decided_by": each.decided_by} for each in call.outcomes],
        "messages": list(call.messages),
        "duration_ms": round(call.seconds * 1000, 3),
        "received": format_real_time(call.received),
        "hints": _hints(call),
    }


def _hints(call: CallEntry) -> list[str]:
    """Return hints for an unknown operation or unknown parameters."""
    operation = OPERATIONS.get(call.action)
    if operation is None:
        is_unknown = call.action and call.code == INVALID_ACTION_NOT_FOUND.code
        return [_hint("operation", call.action, list(OPERATIONS))] if is_unknown else []
    known = [*(parameter.name for parameter in operation.parameters), *COMMON_PARAMETERS]
    unknown = (name for name in call.parameters if name not in known)
    return [_hint("parameter", name, known) for name in islice(unknown, MAX_HINTS)]


def _hint(kind: str, name: str, known: list[str]) -> str:
    matches = difflib.get_close_matches(name, known, n=1)
    return f"unknown {kind} {name[:100]}" + (f"; did you mean {matches[0]}?" if matches else "")


_CALL = waiting.EntryType(EventType.CALL, "call", "the call log", _document, lambda call: f"{call.action} {call.code}")
