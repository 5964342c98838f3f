"""The entries of `addresses`, read into rules: what each says, what it contradicts itself in, and which are never reached."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
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
from alimock.scenario.parser import MappingNode
from alimock.spec.address import fold
from alimock.spec.error_catalog import ANSWER_CODES, PARAMETER_ILLEGAL, PARAMETER_ILLEGALL, SEND_TOKEN_QUOTA_EXCEEDED

MAXIMUM_PATTERNS = 1_000
# Fields that only a record of this status has.
_NEEDED_STATUS = {"token": Status.PENDING, "verification_time": Status.VERIFIED, "confirm_ip": Status.VERIFIED}
_SINGLE_ADDRESS_KEYS = ("token", "new_today")
_BATCHES = {SEND, *(ANSWERED_OPERATIONS[name] for name in ("submit", "resend", "delete"))}


@dataclass
class Addresses:
    """The rules of one `addresses:` by their folded address, and its patterns in the order they are tried."""

    rules: dict[str, AddressRule] = field(default_factory=dict)
    patterns: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, book: AddressBook, common: AddressBook | None = None) -> Addresses:
        """Gives the rules of a book, without those that it shares with the common one."""
        shared = {id(rule) for rule in common.rules()} if common is not None else set()
        own = [rule for rule in book.rules() if id(rule) not in shared]
        return cls({fold(rule.address): rule for rule in own}, [fold(rule.address) for rule in own if rule.is_pattern])

    def over(self, below: Addresses) -> Addresses:
        """Lays these addresses over others: each replaces its like, and patterns are tried before those below."""
        patterns = [*self.patterns, *(key for key in below.patterns if key not in self.rules)]
        return Addresses({**below.rules, **self.rules}, patterns)

    def book(self, common: AddressBook | None = None) -> AddressBook:
        """Makes the book, over the common one if there is one."""
        book = AddressBook.of(
            (rule for rule in self.rules.values() if not rule.is_pattern), (self.rules[key] for key in self.patterns)
        )
        if common is None:
            return book
        return AddressBook(
            ChainMap(dict(book.exact), dict(common.exact)),
            (*book.patterns, *(one for one in common.patterns if fold(one.rule.address) not in self.rules)),
            {**{token: email for token, email in common.tokens.items() if fold(email) not in book.exact}, **book.tokens},
            (common.new_today - set(book.exact)) | book.new_today,
        )


def addresses_of(entries: Sequence[Entry], path: str, diagnostics: Diagnostics) -> Addresses:
    """Reads the entries of `addresses`, noting patterns that are never reached if nothing else is wrong."""
    rules: dict[str, AddressRule] = {}
    patterns: list[tuple[Entry, Pattern]] = []
    for entry in entries:
        rule = rule_of(entry, f"{path}.{entry.key}", diagnostics)
        if rule is not None:
            rules[fold(entry.key)] = rule
        if rule is not None and rule.is_pattern:
            patterns.append((entry, Pattern.of(entry.key)))
    if len(patterns) > MAXIMUM_PATTERNS:
        expected = "fewer, since every call tries them in turn"
        diagnostics.add(patterns[MAXIMUM_PATTERNS][0].node, path, f"more than {MAXIMUM_PATTERNS} patterns", expected)
        return Addresses(rules)
    for number, (entry, pattern) in enumerate(patterns if not diagnostics.mistakes else ()):
        earlier = next((other for other, above in patterns[:number] if above.covers(pattern)), None)
        if earlier is not None:
            found = f"an entry that is never reached, since `{earlier.key}` (line {earlier.node.line}) matches all that it matches"
            diagnostics.add(entry.node, f"{path}.{entry.key}", found, "the narrower pattern first")
    return Addresses(rules, [fold(entry.key) for entry, _ in patterns])


def rule_of(entry: Entry, path: str, diagnostics: Diagnostics) -> AddressRule | None:
    """Makes the rule of one entry of `addresses`: a shorthand, or a record that says the same and more."""
    if isinstance(entry.value, AddressOutcome):
        return AddressRule(
            entry.key, entry.place, entry.value, OUTCOME_STATUS[entry.value], answers=OUTCOME_ANSWERS.get(entry.value, NO_ANSWERS)
        )
    if entry.value is None:
        return None
    said: Values = entry.value
    if isinstance(said.node, MappingNode) and not {"outcome", "status"} & set(said):
        diagnostics.add(entry.node, path, "neither `status` nor `outcome`", "at least one of the two")
    values = dict(said)
    outcome, status = values.pop("outcome", None), values.pop("status", None)
    if outcome is None and status is None:
        return None
    status = status or OUTCOME_STATUS[outcome]
    outcome = outcome or {Status.VERIFIED: AddressOutcome.VERIFIED, Status.PENDING: AddressOutcome.PENDING}.get(
        status, AddressOutcome.UNKNOWN
    )
    for key, found, expected in _contradictions(entry.key, outcome, status, values):
        diagnostics.add(said.place(key), f"{path}.{key}", found, expected)
    sending = _sending(outcome, values.pop("times", None), values.pop("then", None), path, diagnostics)
    answers: dict[str, tuple[ScriptedResponse, ...]] = {SEND: sending} if any(one.code for one in sending) else {}
    for short, value in (values.pop("answers", None) or {}).items():
        action = ANSWERED_OPERATIONS[short]
        answers[action] = tuple(_answers(value, action, f"{path}.answers.{short}", diagnostics))
    return AddressRule(entry.key, entry.place, outcome, status, answers=answers or NO_ANSWERS, **values)


def _contradictions(
    address: str, outcome: AddressOutcome, status: Status, values: Mapping[str, Any]
) -> Iterator[tuple[str, str, str]]:
    """Goes through what no record can be at once, by its key; standing refusals go with any status."""
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
        yield "times", "`times` without `then`", "`then:` with what comes after those calls"


def _sending(
    outcome: AddressOutcome, times: int | None, then: Any, path: str, diagnostics: Diagnostics
) -> tuple[ScriptedResponse, ...]:
    """Gives what Submit and Resend answer in turn: what the outcome says, and what `then` says."""
    (first,) = OUTCOME_ANSWERS.get(outcome, {SEND: (ScriptedResponse(),)})[SEND]
    if then is None:
        return (first,)
    rest = _answers(then, SEND, f"{path}.then", diagnostics)
    return (replace(first, times=1 if times is None else times), *rest)


def _answers(value: Any, action: str, path: str, diagnostics: Diagnostics) -> Iterator[ScriptedResponse]:
    """Goes through an answer and those that `then` puts behind it."""
    while isinstance(value, Values):
        for key, found, expected in _wrong_answer(value):
            diagnostics.add(value.place(key), path, found, expected)
        then = value.get("then")
        times = None if then is None else 1 if value.get("times") is None else value["times"]
        if "code" in value:
            yield ScriptedResponse(value["code"], value.get("message"), value.get("status"), times)
        else:
            yield ScriptedResponse(_code(value.get("answer"), action), times=times)
        if then is None:
            return
        value, path = then, f"{path}.then"
    yield ScriptedResponse(_code(value, action))


def _wrong_answer(value: Values) -> Iterator[tuple[str, str, str]]:
    if ("answer" in value) == ("code" in value):
        yield "", ("both `answer` and `code`" if "code" in value else "neither `answer` nor `code`"), "one of the two"
    if "code" in value and "message" not in value:
        known = f"`answer: {value['code']}`" if value["code"] in ANSWER_CODES else "`answer:` for a code of the service"
        yield "code", f"the code `{value['code']}` of your own without a `message`", f"`message:` with its text, or {known}"
    for key in ("message", "status"):
        if key in value and "code" not in value:
            yield key, f"a `{key}` without a `code`", "`code:` with a code of your own"
    if "times" in value and "then" not in value:
        yield "times", "`times` without `then`", "`then:` with what comes after those calls"


def _code(text: str | None, action: str) -> str | None:
    """Gives the code that a shorthand stands for in an operation; None is what the operation does by itself."""
    if text in (None, "success"):
        return None
    illegal = PARAMETER_ILLEGALL if action in _BATCHES else PARAMETER_ILLEGAL
    return {"quota-exceeded": SEND_TOKEN_QUOTA_EXCEEDED.code, "illegal": illegal.code}.get(str(text), text)
