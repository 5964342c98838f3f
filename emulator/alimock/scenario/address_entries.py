"""Builds and checks the rules of the entries of `addresses`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from alimock.scenario.address_book import AddressBook, Pattern
from alimock.scenario.address_rules import (
    ANSWERED_OPERATIONS,
    NO_ANSWERS,
    OUTCOME_ANSWERS,
    OUTCOME_STATUS,
    SEND,
    AddressOutcome,
    AddressRule,
    ScriptedResponse,
    Status,
)
from alimock.scenario.diagnostics import Diagnostics
from alimock.scenario.fields import Entry, Values
from alimock.scenario.nodes import MappingNode
from alimock.spec.error_catalog import ANSWER_CODES, PARAMETER_ILLEGAL, PARAMETER_ILLEGALL, SEND_TOKEN_QUOTA_EXCEEDED

MAXIMUM_PATTERNS = 1_000
# Fields of a record that require this status.
_NEEDED_STATUS = {"token": Status.PENDING, "verification_time": Status.VERIFIED, "confirm_ip": Status.VERIFIED}
_SINGLE_ADDRESS_KEYS = ("token", "new_today")
_BATCHES = {SEND, *(ANSWERED_OPERATIONS[name] for name in ("submit", "resend", "delete"))}
_STATUS_OUTCOME = {Status.VERIFIED: AddressOutcome.VERIFIED, Status.PENDING: AddressOutcome.PENDING}
# A contradiction: its key, what was found, what was expected.
_Contradiction = tuple[str, str, str]


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
    _report_excess_patterns(patterns, path, diagnostics)
    if not diagnostics.mistakes:
        _report_unreached_patterns(patterns, path, diagnostics)
    return AddressBook.of(rules)


def _report_excess_patterns(entries: Sequence[Entry], path: str, diagnostics: Diagnostics) -> None:
    if len(entries) > MAXIMUM_PATTERNS:
        expected = "fewer, since every call tries them in turn"
        diagnostics.add(entries[MAXIMUM_PATTERNS].node, path, f"more than {MAXIMUM_PATTERNS} patterns", expected)


def _report_unreached_patterns(entries: Sequence[Entry], path: str, diagnostics: Diagnostics) -> None:
    earlier: dict[Pattern, Entry] = {}
    for entry in entries:
        pattern = Pattern.of(entry.key)
        above = next((other for wider, other in earlier.items() if wider.covers(pattern)), None)
        if above is not None:
            found = f"an entry that is never reached, since `{above.key}` (line {above.node.line}) matches all that it matches"
            diagnostics.add(entry.node, f"{path}.{entry.key}", found, "the narrower pattern first")
        earlier[pattern] = entry


def rule_of(entry: Entry, path: str, diagnostics: Diagnostics) -> AddressRule | None:
    """Build the rule of one entry, a shorthand or a full record; None if its errors leave neither outcome nor status."""
    location = diagnostics.location(entry.node)
    if isinstance(entry.value, AddressOutcome):
        answers = OUTCOME_ANSWERS.get(entry.value, NO_ANSWERS)
        return AddressRule(entry.key, location, entry.value, OUTCOME_STATUS[entry.value], answers=answers)
    if entry.value is None:
        return None
    record: Values = entry.value
    if isinstance(record.node, MappingNode) and not {"outcome", "status"} & set(record):
        diagnostics.add(entry.node, path, "neither `status` nor `outcome`", "at least one of the two")
    values = dict(record)
    outcome, status = values.pop("outcome", None), values.pop("status", None)
    if outcome is None and status is None:
        return None
    status = status or OUTCOME_STATUS[outcome]
    outcome = outcome or _STATUS_OUTCOME.get(status, AddressOutcome.UNKNOWN)
    contradictions = _contradictions(entry.key, outcome, status, values)
    _report(contradictions, record, path, diagnostics)
    answers = _all_answers(outcome, values, path, diagnostics)
    return AddressRule(entry.key, location, outcome, status, answers=answers, **values)


def _report(contradictions: Iterable[_Contradiction], values: Values, path: str, diagnostics: Diagnostics) -> None:
    for key, found, expected in contradictions:
        diagnostics.add(values.node_of(key), f"{path}.{key}", found, expected)


def _contradictions(address: str, outcome: AddressOutcome, status: Status, values: Mapping[str, Any]) -> Iterator[_Contradiction]:
    if outcome not in OUTCOME_ANSWERS and status is not OUTCOME_STATUS[outcome]:
        expected = f"`status: {OUTCOME_STATUS[outcome].value}` or another outcome"
        yield "status", f"`outcome: {outcome.value}` with `status: {status.value}`", expected
    for key, needed in _NEEDED_STATUS.items():
        if key in values and status is not needed:
            yield key, f"a `{key}` with `status: {status.value}`", f"it with `status: {needed.value}` only"
    for key in _SINGLE_ADDRESS_KEYS:
        if key in values and "*" in address and not values.get("exact"):
            yield key, f"a `{key}` for a pattern", "it for a single address only"
    if "times" in values and "then" not in values:
        yield "times", "`times` without `then`", "`then:` with the response to the calls after those"


def _all_answers(
    outcome: AddressOutcome, values: dict[str, Any], path: str, diagnostics: Diagnostics
) -> Mapping[str, tuple[ScriptedResponse, ...]]:
    """Take `times`, `then` and `answers` out of the values of a record, and return its responses by operation."""
    sending = _sending(outcome, values.pop("times", None), values.pop("then", None), path, diagnostics)
    answers = {SEND: sending} if any(one.code for one in sending) else {}
    for short, value in (values.pop("answers", None) or {}).items():
        operation = ANSWERED_OPERATIONS[short]
        answers[operation] = tuple(_answers(value, operation, f"{path}.answers.{short}", diagnostics))
    return answers or NO_ANSWERS


def _sending(
    outcome: AddressOutcome, times: int | None, then: Any, path: str, diagnostics: Diagnostics
) -> tuple[ScriptedResponse, ...]:
    """Return the responses to Submit and Resend: that of the outcome, then those of `then`."""
    (first,) = OUTCOME_ANSWERS.get(outcome, {SEND: (ScriptedResponse(),)})[SEND]
    if then is None:
        return (first,)
    rest = _answers(then, SEND, f"{path}.then", diagnostics)
    return (replace(first, times=1 if times is None else times), *rest)


def _answers(value: Any, operation: str, path: str, diagnostics: Diagnostics) -> Iterator[ScriptedResponse]:
    """Yield a response and those that follow it by `then`."""
    while isinstance(value, Values):
        for key, found, expected in _answer_contradictions(value):
            diagnostics.add(value.node_of(key), path, found, expected)
        then = value.get("then")
        times = None if then is None else 1 if value.get("times") is None else value["times"]
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
    if "times" in value and "then" not in value:
        yield "times", "`times` without `then`", "`then:` with the response to the calls after those"


def _code(text: str | None, operation: str) -> str | None:
    """Return the code that a shorthand stands for; None leaves the operation to its normal behavior."""
    if text in (None, "success"):
        return None
    illegal = PARAMETER_ILLEGALL if operation in _BATCHES else PARAMETER_ILLEGAL
    return {"quota-exceeded": SEND_TOKEN_QUOTA_EXCEEDED.code, "illegal": illegal.code}.get(str(text), text)
