"""What one scenario file says, read into a layer, and how a layer lies over another."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from alimock.address import fold
from alimock.contract import OPERATIONS
from alimock.errors import ANSWER_CODES, PARAMETER_ILLEGAL, PARAMETER_ILLEGALL, SEND_TOKEN_QUOTA_EXCEEDED
from alimock.scenario.addresses import (
    ANSWERED_OPERATIONS,
    NO_ANSWERS,
    OUTCOME_ANSWERS,
    OUTCOME_STATUS,
    SEND,
    AddressBook,
    AddressRule,
    Answer,
    Outcome,
    Pattern,
    Status,
)
from alimock.scenario.kinds import Entry, Reading, nearest
from alimock.scenario.model import AccessKey, CodeOverride, Delivery, Fault, Stub

# Fields that only a record of this status has.
_NEEDED_STATUS = {"token": Status.PENDING, "verification_time": Status.VERIFIED, "confirm_ip": Status.VERIFIED}
# Patterns and faults of one file.
MAXIMUM_TRIED = 1_000
_SINGLE_ADDRESS_KEYS = ("token", "new_today")
_SINGLE_VALUES = ("description", "profile", "authentication", "timestamps", "unknown_keys", "seed")
_BATCHES = {SEND, *(ANSWERED_OPERATIONS[name] for name in ("submit", "resend", "delete"))}
_DELIVERY = tuple(one.name for one in fields(Delivery))


@dataclass
class Addresses:
    """The rules of one `addresses:` by their folded address, and its patterns in the order they are tried."""

    rules: dict[str, AddressRule] = field(default_factory=dict)
    patterns: list[str] = field(default_factory=list)

    def over(self, below: Addresses) -> Addresses:
        """Lays these addresses over others: each replaces its like, and patterns are tried before those below."""
        patterns = [*self.patterns, *(key for key in below.patterns if key not in self.rules)]
        return Addresses({**below.rules, **self.rules}, patterns)

    def book(self, common: AddressBook | None = None) -> AddressBook:
        """Makes the book, over the common one if there is one."""
        book = AddressBook.of(
            (rule for key, rule in self.rules.items() if "*" not in key), (self.rules[key] for key in self.patterns)
        )
        if common is None:
            return book
        return AddressBook(
            ChainMap(dict(book.exact), dict(common.exact)),
            (*book.patterns, *(one for one in common.patterns if fold(one.rule.address) not in self.rules)),
            {**{token: email for token, email in common.tokens.items() if fold(email) not in book.exact}, **book.tokens},
            (common.new_today - set(book.exact)) | book.new_today,
        )


@dataclass
class Layer:
    """What one file says, or several that lie over each other."""

    values: dict[str, Any] = field(default_factory=dict)
    limits: dict[str, int | None] = field(default_factory=dict)
    user_ids: dict[str, str | None] = field(default_factory=dict)
    access_keys: dict[str, AccessKey] = field(default_factory=dict)
    addresses: Addresses = field(default_factory=Addresses)
    account_addresses: dict[str, Addresses] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    stubs: dict[str, Stub] = field(default_factory=dict)
    codes: dict[str, CodeOverride] = field(default_factory=dict)

    def over(self, below: Layer) -> Layer:
        """Lays what a file says over what the files before it say."""
        inherited = {key: value for key, value in below.values.items() if key != "description"}
        user_ids = {name: user_id for name, user_id in self.user_ids.items() if user_id or name not in below.user_ids}
        own = {
            name: addresses.over(below.account_addresses.get(name, Addresses()))
            for name, addresses in self.account_addresses.items()
        }
        ids = {fault.id for fault in self.faults if fault.id}
        return Layer(
            values={**inherited, **self.values},
            limits={**below.limits, **self.limits},
            user_ids={**below.user_ids, **user_ids},
            access_keys={**below.access_keys, **self.access_keys},
            addresses=self.addresses.over(below.addresses),
            account_addresses={**below.account_addresses, **own},
            faults=[*self.faults, *(fault for fault in below.faults if fault.id not in ids)],
            stubs={**below.stubs, **self.stubs},
            codes={**below.codes, **self.codes},
        )


def layer_of(document: Mapping[str, Any], reading: Reading, below: Layer, known_keys: Mapping[str, AccessKey]) -> Layer:
    """Reads a document into a layer, noting what it contradicts itself in.

    `below` is what the files before it say; `known_keys` give their secrets to keys that come without.
    """
    layer = Layer()
    layer.values = {key: document[key] for key in _SINGLE_VALUES if key in document}
    if "clock" in document:
        layer.values.update(_clock(document["clock"]))
    layer.limits = document.get("limits") or {}
    known_keys = {**known_keys, **below.access_keys}
    for account in document.get("accounts") or ():
        values = account.value or {}
        layer.user_ids[account.key] = values.get("user_id")
        for item in values.get("access_keys") or ():
            _add_access_key(layer, item, account.key, reading, known_keys)
        if "addresses" in values:
            path = f"accounts.{account.key}.addresses"
            layer.account_addresses[account.key] = addresses_of(values["addresses"], path, reading)
    layer.addresses = addresses_of(document.get("addresses") or (), "addresses", reading)
    layer.codes = {entry.key: CodeOverride(**(entry.value or {})) for entry in document.get("codes") or ()}
    layer.stubs = dict(_stubs(document.get("stubs") or (), reading))
    layer.faults = _faults(document.get("faults") or (), {*OPERATIONS, *below.stubs, *layer.stubs}, reading)
    return layer


def _clock(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return {"clock": value.get("now"), "clock_runs": not value.get("frozen", True)}
    return {"clock": value, "clock_runs": False}


def _add_access_key(layer: Layer, item: Entry, account: str, reading: Reading, known_keys: Mapping[str, AccessKey]) -> None:
    values = item.value or {}
    key_id = values.get("id")
    if key_id is None:
        return
    path = f"accounts.{account}.access_keys[{item.key}]"
    known = known_keys.get(key_id) if "secret" not in values else None
    secret = known.secret if known is not None else values.get("secret")
    if key_id in layer.access_keys:
        reading.mistake(item.node, path, f"the id `{key_id}` again", f"each id once ({layer.access_keys[key_id].place} has it)")
    elif secret is None:
        if "secret" not in values:
            reading.mistake(item.node, path, "no `secret`", "`secret:` with the secret that the client signs with")
    else:
        layer.access_keys[key_id] = AccessKey(
            key_id,
            secret,
            account,
            item.place,
            active=values.get("status") != "inactive",
            security_token=values.get("security_token") or (known.security_token if known is not None else None),
            expires=values.get("expires"),
            permissions=_permissions(values.get("permissions")),
        )


def _permissions(items: list[Entry] | None) -> frozenset[str] | None:
    return frozenset(item.value for item in items) if items is not None else None


def addresses_of(entries: Sequence[Entry], path: str, reading: Reading) -> Addresses:
    """Reads the entries of `addresses`, noting patterns that are never reached."""
    rules: dict[str, AddressRule] = {}
    patterns: list[tuple[Entry, Pattern]] = []
    for entry in entries:
        rule = rule_of(entry, f"{path}.{entry.key}", reading)
        if rule is not None:
            rules[fold(entry.key)] = rule
        if "*" in entry.key:
            patterns.append((entry, Pattern.of(entry.key)))
    if _too_many(patterns, "patterns", path, reading):
        return Addresses(rules)
    for number, (entry, pattern) in enumerate(patterns):
        earlier = next((other for other, above in patterns[:number] if above.covers(pattern)), None)
        if earlier is not None:
            found = f"an entry that is never reached, since `{earlier.key}` (line {earlier.node.line}) matches all that it matches"
            reading.mistake(entry.node, f"{path}.{entry.key}", found, "the narrower pattern first")
    return Addresses(rules, [fold(entry.key) for entry, _ in patterns if fold(entry.key) in rules])


def rule_of(entry: Entry, path: str, reading: Reading) -> AddressRule | None:
    """Makes the rule of one entry of `addresses`: a shorthand, or a record that says the same and more."""
    if isinstance(entry.value, Outcome):
        return AddressRule(
            entry.key, entry.place, entry.value, OUTCOME_STATUS[entry.value], answers=OUTCOME_ANSWERS.get(entry.value, NO_ANSWERS)
        )
    values: dict[str, Any] = dict(entry.value or {})
    if entry.value is not None and not {"outcome", "status"} & set(values):
        reading.mistake(entry.node, path, "neither `status` nor `outcome`", "at least one of the two")
    outcome, status = values.pop("outcome", None), values.pop("status", None)
    if outcome is None and status is None:
        return None
    status = status or OUTCOME_STATUS[outcome]
    outcome = outcome or {Status.VERIFIED: Outcome.VERIFIED, Status.PENDING: Outcome.PENDING}.get(status, Outcome.UNKNOWN)
    for found, expected in _contradictions(entry.key, outcome, status, values):
        reading.mistake(entry.node, path, found, expected)
    sending = _sending(outcome, values.pop("times", None), values.pop("then", None), _Place(entry.node, path, reading))
    answers: dict[str, tuple[Answer, ...]] = {SEND: sending} if any(one.code for one in sending) else {}
    for short, value in (values.pop("answers", None) or {}).items():
        action = ANSWERED_OPERATIONS[short]
        answers[action] = tuple(_answers(value, action, _Place(entry.node, f"{path}.answers.{short}", reading)))
    return AddressRule(entry.key, entry.place, outcome, status, answers=answers or NO_ANSWERS, **values)


def _contradictions(address: str, outcome: Outcome, status: Status, values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Goes through what no record can be at once; standing refusals go with any status."""
    if outcome not in OUTCOME_ANSWERS and status is not OUTCOME_STATUS[outcome]:
        expected = f"`status: {OUTCOME_STATUS[outcome].value}` or another outcome"
        yield f"`outcome: {outcome.value}` with `status: {status.value}`", expected
    for key, needed in _NEEDED_STATUS.items():
        if key in values and status is not needed:
            yield f"a `{key}` with `status: {status.value}`", f"it with `status: {needed.value}` only"
    for key in _SINGLE_ADDRESS_KEYS:
        if key in values and "*" in address:
            yield f"a `{key}` for a pattern", "it for a single address only"
    if "times" in values and "then" not in values:
        yield "`times` without `then`", "`then:` with what comes after those calls"


@dataclass(frozen=True)
class _Place:
    """Where an answer stands, to note its mistakes."""

    node: Any
    path: str
    reading: Reading

    def mistake(self, found: str, expected: str) -> None:
        self.reading.mistake(self.node, self.path, found, expected)


def _sending(outcome: Outcome, times: int | None, then: Any, place: _Place) -> tuple[Answer, ...]:
    """Gives what Submit and Resend answer in turn: what the outcome says, and what `then` says."""
    (first,) = OUTCOME_ANSWERS.get(outcome, {SEND: (Answer(),)})[SEND]
    if then is None:
        return (first,)
    rest = _answers(then, SEND, replace(place, path=f"{place.path}.then"))
    return (replace(first, times=1 if times is None else times), *rest)


def _answers(value: Any, action: str, place: _Place) -> Iterator[Answer]:
    """Goes through an answer and those that `then` puts behind it."""
    while isinstance(value, dict):
        for found, expected in _wrong_answer(value):
            place.mistake(found, expected)
        then = value.get("then")
        times = None if then is None else 1 if value.get("times") is None else value["times"]
        if "code" in value:
            yield Answer(value["code"], value.get("message"), value.get("status"), times)
        else:
            yield Answer(_code(value.get("answer"), action), times=times)
        if then is None:
            return
        value, place = then, replace(place, path=f"{place.path}.then")
    yield Answer(_code(value, action))


def _wrong_answer(value: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if ("answer" in value) == ("code" in value):
        yield ("both `answer` and `code`" if "code" in value else "neither `answer` nor `code`"), "one of the two"
    if "code" in value and "message" not in value:
        known = f"`answer: {value['code']}`" if value["code"] in ANSWER_CODES else "`answer:` for a code of the service"
        yield f"the code `{value['code']}` of your own without a `message`", f"`message:` with its text, or {known}"
    for key in ("message", "status"):
        if key in value and "code" not in value:
            yield f"a `{key}` without a `code`", "`code:` with a code of your own"
    if "times" in value and "then" not in value:
        yield "`times` without `then`", "`then:` with what comes after those calls"


def _code(text: str | None, action: str) -> str | None:
    """Gives the code that a shorthand stands for in an operation; None is what the operation does by itself."""
    if text in (None, "success"):
        return None
    illegal = PARAMETER_ILLEGALL if action in _BATCHES else PARAMETER_ILLEGAL
    return {"quota-exceeded": SEND_TOKEN_QUOTA_EXCEEDED.code, "illegal": illegal.code}.get(str(text), text)


def _stubs(entries: Sequence[Entry], reading: Reading) -> Iterator[tuple[str, Stub]]:
    for entry in entries:
        if entry.key in OPERATIONS:
            reading.mistake(entry.node, f"stubs.{entry.key}", f"`{entry.key}`", "an operation that alimock does not emulate itself")
        elif isinstance(entry.value, dict):
            yield entry.key, Stub(entry.place, entry.value)
        else:
            reading.mistake(entry.node, f"stubs.{entry.key}", "no fields", "a mapping of the answer's fields")


def _faults(items: Sequence[Entry], actions: Collection[str], reading: Reading) -> list[Fault]:
    """Reads the faults, noting those that are never reached."""
    if _too_many([(item, None) for item in items], "faults", "faults", reading):
        return []
    faults: list[tuple[Entry, Fault]] = []
    for item in items:
        if item.value is None:
            continue
        fault = fault_of(item, f"faults[{item.key}]", actions, reading)
        earlier = next((other for other, above in faults if above.covers(fault)), None)
        if earlier is not None:
            found = f"a fault that is never reached, since the one in line {earlier.node.line} takes all its calls"
            reading.mistake(item.node, f"faults[{item.key}]", found, "it before that one, or `times:` there")
        same = next((other for other, above in faults if fault.id and above.id == fault.id), None)
        if same is not None:
            reading.mistake(
                item.node, f"faults[{item.key}]", f"the id `{fault.id}` again", f"each id once (line {same.node.line} has it)"
            )
        faults.append((item, fault))
    return [fault for _, fault in faults]


def fault_of(item: Entry, path: str, actions: Collection[str], reading: Reading) -> Fault:
    """Makes one fault; without an id of its own it has an empty one."""
    values: dict[str, Any] = dict(item.value)
    when: dict[str, Any] = dict(values.pop("when", None) or {})
    for found, expected in _wrong_fault(values, when, actions):
        reading.mistake(item.node, path, found, expected)
    delivery = {key: values.pop(key) for key in _DELIVERY if key in values}
    email = when.pop("email", None)
    return Fault(
        values.pop("id", None) or "",
        item.place,
        email=Pattern.of(email) if email is not None else None,
        delivery=Delivery(**delivery) if delivery else None,
        **when,
        **values,
    )


def _wrong_fault(values: Mapping[str, Any], when: Mapping[str, Any], actions: Collection[str]) -> Iterator[tuple[str, str]]:
    effects = ("error", *_DELIVERY)
    if not set(effects) & set(values):
        yield "a fault that does nothing", f"one or more of {', '.join(f'`{key}`' for key in effects)}"
    for key in ("error", "slow", "body"):
        if key in values and "reset" in values:
            yield f"`{key}` beside `reset`", "one of the two, since a connection that is reset gives no answer"
    if "retry_after" in values and "error" not in values:
        yield "`retry_after` without `error`", "`error:` with the code that it belongs to"
    if "nth" in when and "every" in when:
        yield "both `nth` and `every`", "one of the two"
    action = when.get("action")
    if action is not None and action not in actions:
        yield f"the action `{action}`", nearest(action, sorted(actions))


def _too_many(entries: Sequence[tuple[Entry, object]], kind: str, path: str, reading: Reading) -> bool:
    if len(entries) <= MAXIMUM_TRIED:
        return False
    node = entries[MAXIMUM_TRIED][0].node
    reading.mistake(node, path, f"more than {MAXIMUM_TRIED} {kind}", "fewer, since every call tries them in turn")
    return True
