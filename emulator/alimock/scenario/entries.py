"""Builds and checks the address rules and the faults of a scenario's entries."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any, TypeVar

from alimock.scenario.address_rules import (
    ANSWERED_OPERATIONS,
    NO_ANSWERS,
    OUTCOME_ANSWERS,
    OUTCOME_STATUS,
    SEND,
    AddressBook,
    AddressOutcome,
    AddressRule,
    Pattern,
    ScriptedResponse,
    Status,
)
from alimock.scenario.diagnostics import Diagnostics, nearest
from alimock.scenario.fields import NOT_EXPANDED, Entry, Values
from alimock.scenario.model import Fault, ResponseFault
from alimock.scenario.nodes import MappingNode
from alimock.spec.address import has_variable
from alimock.spec.contract import OPERATIONS
from alimock.spec.error_catalog import ANSWER_CODES, PARAMETER_ILLEGAL, PARAMETER_ILLEGALL, SEND_TOKEN_QUOTA_EXCEEDED

MAXIMUM_PATTERNS = 1_000
MAXIMUM_FAULTS = 1_000
# Fields of a record that require this status.
_NEEDED_STATUS = {"token": Status.PENDING, "verification_time": Status.VERIFIED, "confirm_ip": Status.VERIFIED}
_SINGLE_ADDRESS_KEYS = ("token", "new_today")
_BATCHES = {SEND, *(ANSWERED_OPERATIONS[name] for name in ("submit", "resend", "delete"))}
_STATUS_OUTCOME = {Status.VERIFIED: AddressOutcome.VERIFIED, Status.PENDING: AddressOutcome.PENDING}
_RESPONSE_FAULTS = tuple(one.name for one in fields(ResponseFault))
# A contradiction: its key, what was found, what was expected.
_Contradiction = tuple[str, str, str]
_Covering = TypeVar("_Covering", Pattern, Fault)


def address_book(entries: Sequence[Entry], path: str, diagnostics: Diagnostics) -> AddressBook:
    """Build the book of the entries of one `addresses`; report patterns that are never reached if there is no other error."""
    rules: list[AddressRule] = []
    patterns: list[Entry] = []
    for entry in entries:
        rule = rule_of(entry, f"{path}.{entry.key}", diagnostics)
        if rule is not None:
            rules.append(rule)
            if rule.is_pattern:
                patterns.append(entry)
    _report_excess(patterns, MAXIMUM_PATTERNS, "patterns", path, diagnostics)
    for entry, above in _unreached(patterns, [Pattern.of(entry.key) for entry in patterns], diagnostics):
        found = f"an entry that is never reached, since `{above.key}` (line {above.node.line}) matches all that it matches"
        diagnostics.add(entry.node, f"{path}.{entry.key}", found, "the narrower pattern first")
    return AddressBook.of(rules)


def faults_of(items: Sequence[Entry], actions: Collection[str], diagnostics: Diagnostics) -> list[Fault]:
    """Build the faults of one file; report those that are never reached if there is no other error."""
    if _report_excess(items, MAXIMUM_FAULTS, "faults", "faults", diagnostics):
        return []
    entries = [item for item in items if isinstance(item.node, MappingNode)]
    faults = [fault_of(item, f"faults[{item.key}]", actions, diagnostics) for item in entries]
    _report_repeated_ids(entries, faults, diagnostics)
    for item, above in _unreached(entries, faults, diagnostics):
        found = f"a fault that is never reached, since the one in line {above.node.line} takes all its calls"
        diagnostics.add(item.node, f"faults[{item.key}]", found, "it before that one, or `times:` there")
    return faults


def _report_excess(entries: Sequence[Entry], maximum: int, kind: str, path: str, diagnostics: Diagnostics) -> bool:
    if len(entries) <= maximum:
        return False
    diagnostics.add(entries[maximum].node, path, f"more than {maximum} {kind}", "fewer, since every call tries them in turn")
    return True


def _unreached(entries: Sequence[Entry], values: Sequence[_Covering], diagnostics: Diagnostics) -> Iterator[tuple[Entry, Entry]]:
    """Yield the entries that never apply, each with the earlier one that covers it; none if there are other errors."""
    if diagnostics.mistakes:
        return
    for number, entry in enumerate(entries):
        above = next((entries[earlier] for earlier in range(number) if values[earlier].covers(values[number])), None)
        if above is not None:
            yield entry, above


def rule_of(entry: Entry, path: str, diagnostics: Diagnostics) -> AddressRule | None:
    """Build the rule of one entry, a shorthand or a full record; None if its errors leave neither outcome nor status."""
    values: dict[str, Any] = {"outcome": entry.value} if isinstance(entry.value, AddressOutcome) else dict(entry.value or {})
    if entry.value is not None and not {"outcome", "status"} & set(values):
        diagnostics.add(entry.node, path, "neither `status` nor `outcome`", "at least one of the two")
    outcome, status = values.pop("outcome", None), values.pop("status", None)
    if outcome is None and status is None:
        return None
    if has_variable(entry.key) and not values.get("exact"):
        diagnostics.add(entry.node, path, f"`{entry.key}`", f"{NOT_EXPANDED}, or `exact: true` for an address with this text")
    status = status or OUTCOME_STATUS[outcome]
    outcome = outcome or _STATUS_OUTCOME.get(status, AddressOutcome.UNKNOWN)
    _report(_record_contradictions(entry.key, outcome, status, values), entry.value, path, diagnostics)
    answers = _all_answers(outcome, values, path, diagnostics)
    return AddressRule(entry.key, diagnostics.location(entry.node), outcome, status, answers=answers, **values)


def _report(contradictions: Iterable[_Contradiction], values: Values, path: str, diagnostics: Diagnostics) -> None:
    for key, found, expected in contradictions:
        diagnostics.add(values.node_of(key), f"{path}.{key}" if key else path, found, expected)


def _record_contradictions(
    address: str, outcome: AddressOutcome, status: Status, values: Mapping[str, Any]
) -> Iterator[_Contradiction]:
    if outcome not in OUTCOME_ANSWERS and status is not OUTCOME_STATUS[outcome]:
        expected = f"`status: {OUTCOME_STATUS[outcome].value}` or another outcome"
        yield "status", f"`outcome: {outcome.value}` with `status: {status.value}`", expected
    for key, needed in _NEEDED_STATUS.items():
        if key in values and status is not needed:
            yield key, f"a `{key}` with `status: {status.value}`", f"it with `status: {needed.value}` only"
    for key in _SINGLE_ADDRESS_KEYS:
        if key in values and "*" in address and not values.get("exact"):
            yield key, f"a `{key}` for a pattern", "it for a single address only"
    yield from _times_contradictions(values)


def _times_contradictions(values: Mapping[str, Any]) -> Iterator[_Contradiction]:
    if "times" in values and "then" not in values:
        yield "times", "`times` without `then`", "`then:` with the response to the calls after those"


def _all_answers(
    outcome: AddressOutcome, values: dict[str, Any], path: str, diagnostics: Diagnostics
) -> Mapping[str, tuple[ScriptedResponse, ...]]:
    """Take `times`, `then` and `answers` out of the values of a record, and return its responses by operation."""
    # Submit and Resend get the response of the outcome, then those of `then`.
    first = OUTCOME_ANSWERS.get(outcome, ScriptedResponse())
    sending: tuple[ScriptedResponse, ...] = (first,)
    times, then = values.pop("times", 1), values.pop("then", None)
    if then is not None:
        sending = (first._replace(times=times), *_answers(then, SEND, f"{path}.then", diagnostics))
    answers = {SEND: sending} if any(one.code for one in sending) else {}
    for short, value in values.pop("answers", {}).items():
        operation = ANSWERED_OPERATIONS[short]
        answers[operation] = tuple(_answers(value, operation, f"{path}.answers.{short}", diagnostics))
    return answers or NO_ANSWERS


def _answers(value: Any, operation: str, path: str, diagnostics: Diagnostics) -> Iterator[ScriptedResponse]:
    """Yield a response and those that follow it by `then`."""
    while isinstance(value, Values):
        for key, found, expected in _answer_contradictions(value):
            diagnostics.add(value.node_of(key), path, found, expected)
        then = value.get("then")
        times = None if then is None else value.get("times", 1)
        if "code" in value:
            yield ScriptedResponse(value["code"], value.get("message"), value.get("status"), times)
        else:
            yield ScriptedResponse(_code(value.get("answer"), operation), times=times)
        if then is None:
            return
        value, path = then, f"{path}.then"
    yield ScriptedResponse(_code(value, operation))


def _answer_contradictions(value: Values) -> Iterator[_Contradiction]:
    if ("answer" in value) == ("code" in value):
        yield "", ("both `answer` and `code`" if "code" in value else "neither `answer` nor `code`"), "one of the two"
    if "code" in value and "message" not in value:
        known = f"`answer: {value['code']}`" if value["code"] in ANSWER_CODES else "`answer:` for a code of the service"
        yield "code", f"the custom code `{value['code']}` without a `message`", f"`message:` with its text, or {known}"
    for key in ("message", "status"):
        if key in value and "code" not in value:
            yield key, f"a `{key}` without a `code`", "`code:` with a custom code"
    yield from _times_contradictions(value)


def _code(text: str | None, operation: str) -> str | None:
    """Return the code that a shorthand stands for; None leaves the operation to its normal behavior."""
    if text in (None, "success"):
        return None
    illegal = PARAMETER_ILLEGALL if operation in _BATCHES else PARAMETER_ILLEGAL
    return {"quota-exceeded": SEND_TOKEN_QUOTA_EXCEEDED.code, "illegal": illegal.code}.get(str(text), text)


def fault_of(item: Entry, path: str, actions: Collection[str], diagnostics: Diagnostics) -> Fault:
    """Build one fault; its id is empty if it has none."""
    values = dict(item.value)
    when: Values = values.pop("when", Values(item.node))
    _report(_fault_contradictions(item.value, when), item.value, path, diagnostics)
    _report(_when_contradictions(when, actions), when, f"{path}.when", diagnostics)
    response_fault = {key: values.pop(key) for key in _RESPONSE_FAULTS if key in values}
    email = when.get("email")
    return Fault(
        values.pop("id", None) or "",
        diagnostics.location(item.node),
        response_fault=ResponseFault(**response_fault) if response_fault else None,
        **{**when, "email": Pattern.of(email) if email is not None else None},
        **values,
    )


def _report_repeated_ids(entries: Sequence[Entry], faults: Sequence[Fault], diagnostics: Diagnostics) -> None:
    owners: dict[str, Entry] = {}
    for item, fault in zip(entries, faults, strict=True):
        owner = owners.setdefault(fault.id, item) if fault.id else item
        if owner.key != item.key:
            found, expected = f"the id `{fault.id}` again", f"each id once (line {owner.node.line} has it)"
            diagnostics.add(item.value.node_of("id"), f"faults[{item.key}].id", found, expected)


def _fault_contradictions(fault: Values, when: Values) -> Iterator[_Contradiction]:
    effects = ("error", *_RESPONSE_FAULTS)
    if not set(effects) & set(fault):
        yield "", "a fault that does nothing", f"one or more of {', '.join(f'`{key}`' for key in effects)}"
    for key in ("error", "slow", "body"):
        if key in fault and "reset" in fault:
            yield key, f"`{key}` together with `reset`", "one of the two, since a connection that is reset carries no response"
    if "retry_after" in fault and "error" not in fault:
        yield "retry_after", "`retry_after` without `error`", "`error:` with the code that it belongs to"
    if "nth" in when and "times" in fault:
        yield "times", "`times` together with `nth`", "one of the two, since the nth call is one call"


def _when_contradictions(when: Values, actions: Collection[str]) -> Iterator[_Contradiction]:
    if "nth" in when and "every" in when:
        yield "every", "both `nth` and `every`", "one of the two"
    if has_variable(when.get("email") or ""):
        yield "email", f"`{when['email']}`", NOT_EXPANDED
    action, version = when.get("action"), when.get("version")
    if action is None:
        return
    operation = OPERATIONS.get(action)
    if action not in actions:
        yield "action", f"the action `{action}`", nearest(action, sorted(actions))
    elif "email" in when and (operation is None or not any(one.name == "Email" for one in operation.parameters)):
        yield "email", f"an `email` for {action}, which has no parameter Email", "it with another action, or none"
    elif operation is not None and version is not None and version not in operation.versions:
        yield "version", f"the version {version}, which has no {action}", f"one of {', '.join(operation.versions)}"
