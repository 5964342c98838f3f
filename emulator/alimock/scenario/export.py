"""A frozen scenario as the document that it would be loaded from, ready for JSON or YAML."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from enum import Enum

import yaml

from alimock.scenario.address_book import AddressBook, AddressPattern
from alimock.scenario.address_rules import ANSWERED_OPERATIONS, OUTCOME_STATUS, SEND, AddressRule, ScriptedResponse
from alimock.scenario.fields import json_value
from alimock.scenario.model import AccessKey, Fault, Scenario
from alimock.spec.times import format_delay, format_time

_RECORD_TEXTS = ("email_verification_no", "user_id", "send_ip", "confirm_ip", "token")
_RECORD_TIMES = ("gmt_create", "gmt_modified", "token_send_time", "verification_time")
_SHORT_NAMES = {operation: short for short, operation in ANSWERED_OPERATIONS.items()}


def document(scenario: Scenario, *, secrets: bool = False) -> dict[str, object]:
    """Writes a scenario out in full, without `extends`; loading it gives the same scenario.

    Without `secrets` it is to be loaded where the keys are known: their secrets and security tokens are left out.
    """
    values: dict[str, object] = {
        "alimock": 1,
        "description": scenario.description or None,
        "profile": scenario.profile,
        "authentication": scenario.authentication.value,
        "timestamps": scenario.timestamps.value,
        "unknown_keys": scenario.unknown_keys.value,
        "seed": scenario.seed,
    }
    return {
        **_given(values),
        "clock": _clock(scenario),
        "limits": asdict(scenario.limits),
        "accounts": {name: _account(scenario, name, secrets=secrets) for name in scenario.user_ids},
        "addresses": _addresses(_rules(scenario.addresses)),
        **_filled("faults", _faults(scenario.faults.values())),
        **_filled("stubs", {action: stub.fields for action, stub in scenario.stubs.items()}),
        **_filled("codes", {code: _given(asdict(override)) for code, override in scenario.codes.items()}),
    }


def _faults(faults: Iterable[Fault]) -> list[dict[str, object]]:
    reached: list[Fault] = []
    for one in faults:
        if not any(above.covers(one) for above in reached):
            reached.append(one)
    return [fault(one) for one in reached]


def to_yaml(document: Mapping[str, object]) -> str:
    """Writes a document as YAML, its keys in their order."""
    return str(yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=130))


class _Dumper(yaml.SafeDumper):
    """Puts quotes around texts that are read as something else without, by YAML or by alimock."""


def _quoted(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="'" if json_value(text) != text else None)


_Dumper.add_representer(str, _quoted)


def fault(one: Fault) -> dict[str, object]:
    """Writes a single fault out."""
    when: dict[str, object] = {
        "action": one.action,
        "email": "*".join(one.email.parts) if one.email is not None else None,
        "access_key_id": one.access_key_id,
        "version": one.version,
        "nth": one.nth,
        "every": one.every,
    }
    values: dict[str, object] = {
        "after": one.after or None,
        "times": one.times,
        "error": one.error,
        "retry_after": format_delay(one.retry_after) if one.retry_after is not None else None,
        "seen": one.seen or None,
        "hits": one.hits or None,
    }
    delivery = (
        {name: value for name, value in asdict(one.response_fault).items() if value} if one.response_fault is not None else {}
    )
    return {
        "id": one.id,
        **_filled("when", _given(when)),
        **_given(values),
        **{name: value.value if isinstance(value, Enum) else format_delay(value) for name, value in delivery.items()},
    }


def _given(values: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in values.items() if value is not None}


def _filled(key: str, value: object) -> dict[str, object]:
    return {key: value} if value else {}


def _clock(scenario: Scenario) -> object:
    if scenario.clock is None:
        return None
    now = format_time(scenario.clock)
    return {"now": now, "frozen": False} if scenario.clock_runs else now


def _account(scenario: Scenario, name: str, *, secrets: bool) -> dict[str, object]:
    keys = [access_key(key, secrets=secrets) for key in scenario.access_keys.values() if key.account == name]
    own = scenario.account_addresses.get(name)
    return {
        **_filled("user_id", scenario.user_ids[name]),
        "access_keys": keys,
        **_filled("addresses", _addresses(_own_rules(own, scenario.addresses)) if own is not None else None),
    }


def access_key(key: AccessKey, *, secrets: bool) -> dict[str, object]:
    """Writes a single entry of `access_keys` out."""
    secret = {"secret": key.secret, "security_token": key.security_token} if secrets else {}
    values: dict[str, object] = {
        "id": key.id,
        **secret,
        "status": "active" if key.active else "inactive",
        "permissions": sorted(key.permissions) if key.permissions is not None else None,
        "expires": format_time(key.expires) if key.expires is not None else None,
    }
    return _given(values)


def _rules(book: AddressBook) -> list[AddressRule]:
    """Gives the rules of a book, without patterns that one of another file lies over entirely: in one file that is a mistake."""
    reached: list[AddressPattern] = []
    for pattern in book.patterns:
        if not any(above.pattern.covers(pattern.pattern) for above in reached):
            reached.append(pattern)
    return [*(pattern.rule for pattern in reached), *book.exact.values()]


def _own_rules(own: AddressBook, common: AddressBook) -> list[AddressRule]:
    shared = {id(rule) for rule in _rules(common)}
    return [rule for rule in _rules(own) if id(rule) not in shared]


def _addresses(rules: Iterable[AddressRule]) -> dict[str, object]:
    return {rule.address: address(rule) for rule in rules}


def address(rule: AddressRule) -> object:
    """Writes a single entry of `addresses` out: an outcome, or a mapping."""
    values: dict[str, object] = {name: getattr(rule, name) for name in _RECORD_TEXTS if getattr(rule, name) is not None}
    values.update({name: format_time(getattr(rule, name)) for name in _RECORD_TIMES if getattr(rule, name) is not None})
    values.update(_filled("sends_today", rule.sends_today) | _filled("new_today", rule.new_today))
    values.update(_filled("exact", rule.exact) | _answers(rule))
    if not values and rule.status is OUTCOME_STATUS[rule.outcome]:
        return rule.outcome.value
    return {"outcome": rule.outcome.value, "status": rule.status.value, **values}


def _answers(rule: AddressRule) -> dict[str, object]:
    """Writes what a rule answers beside its outcome: `then` behind the outcome's own answer, and `answers` by operation."""
    sending = rule.answers.get(SEND, ())
    values: dict[str, object] = {}
    if len(sending) > 1:
        values = {"times": sending[0].times, "then": _sequence(sending[1:])}
    return {
        **values,
        **_filled("answers", {_SHORT_NAMES[name]: _sequence(steps) for name, steps in rule.answers.items() if name != SEND}),
    }


def _sequence(steps: Sequence[ScriptedResponse]) -> object:
    first, *rest = steps
    if first.message is not None:
        values: dict[str, object] = {"code": first.code, "message": first.message, **_filled("status", first.status)}
    elif not rest:
        return first.code or "success"
    else:
        values = {"answer": first.code or "success"}
    return {**values, "times": first.times, "then": _sequence(rest)} if rest else values
