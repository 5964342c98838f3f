"""Writes a scenario as a document for JSON or YAML that loads back to the same scenario."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, asdict, fields
from enum import Enum
from typing import Any, TypeVar

import yaml

from alimock.scenario.address_rules import (
    ANSWERED_OPERATIONS,
    OUTCOME_STATUS,
    SEND,
    AddressBook,
    AddressRule,
    Pattern,
    ScriptedResponse,
)
from alimock.scenario.json_value import json_value
from alimock.scenario.model import AccessKey, CodeOverride, Fault, ResponseFault, Scenario
from alimock.scenario.schema import WHEN
from alimock.spec.times import format_delay, format_time

_DELAYS = ("retry_after", "delay", "slow")
_TIMES = ("gmt_create", "gmt_modified", "token_send_time", "verification_time")
_Covering = TypeVar("_Covering", Pattern, Fault)
_SHORT_NAMES = {operation: short for short, operation in ANSWERED_OPERATIONS.items()}


def document(scenario: Scenario, *, secrets: bool = False) -> dict[str, object]:
    """Return a scenario in full, without `extends`.

    Without `secrets` it lacks secrets and security tokens, and loads only where the keys are known.
    """
    return {
        "alimock": 1,
        **_unless_empty("description", scenario.description),
        "profile": scenario.profile,
        "authentication": scenario.authentication.value,
        "timestamps": scenario.timestamps.value,
        "unknown_keys": scenario.unknown_keys.value,
        **_unless_empty("seed", scenario.seed),
        "clock": _clock(scenario),
        "limits": asdict(scenario.limits),
        "accounts": {name: _account(scenario, name, secrets=secrets) for name in scenario.user_ids},
        "addresses": _addresses(scenario.addresses),
        **_unless_empty("faults", [fault(one) for one in _reached(scenario.faults_by_id.values())]),
        **_unless_empty("stubs", {action: stub.fields for action, stub in scenario.stubs.items()}),
        **_unless_empty("codes", {code: _given(override) for code, override in scenario.codes.items()}),
    }


def to_yaml(document: Mapping[str, object]) -> str:
    """Return a document as YAML with its keys in order."""
    return str(yaml.dump(dict(document), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=130))


class _Dumper(yaml.SafeDumper):
    """Quotes texts that YAML or alimock would otherwise read as another type."""


def _quoted(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="'" if json_value(text) != text else None)


_Dumper.add_representer(str, _quoted)


def fault(one: Fault) -> dict[str, object]:
    """Return a single entry of `faults`."""
    values = _given(one)
    response = values.pop("response_fault", {})
    when = {key: values.pop(key) for key in WHEN.table if key in values}
    return {"id": one.id, **_unless_empty("when", when), **values, **response}


def _given(entry: Fault | ResponseFault | AddressRule | CodeOverride) -> dict[str, Any]:
    """Return the fields that differ from their defaults, as they are in a file."""
    values = ((one.name, getattr(entry, one.name), one.default) for one in fields(entry) if one.default is not MISSING)
    return {name: _written(name, value) for name, value, default in values if value != default}


def _written(name: str, value: Any) -> object:
    if name in _TIMES:
        return format_time(value)
    if name in _DELAYS:
        return format_delay(value)
    if isinstance(value, ResponseFault):
        return _given(value)
    if isinstance(value, Pattern):
        return value.text
    return value.value if isinstance(value, Enum) else value


def _reached(items: Iterable[_Covering]) -> list[_Covering]:
    """Return the items without those that one of another file covers: in one file that is an error."""
    reached: list[_Covering] = []
    for one in items:
        if not any(above.covers(one) for above in reached):
            reached.append(one)
    return reached


def _unless_empty(key: str, value: object) -> dict[str, object]:
    return {key: value} if value else {}


def _clock(scenario: Scenario) -> object:
    if scenario.clock is None:
        return None
    now = format_time(scenario.clock)
    return {"now": now, "frozen": False} if scenario.clock_runs else now


def _account(scenario: Scenario, name: str, *, secrets: bool) -> dict[str, object]:
    own = scenario.account_addresses.get(name)
    return {
        **_unless_empty("user_id", scenario.user_ids[name]),
        "access_keys": [access_key(key, secrets=secrets) for key in scenario.access_keys.values() if key.account == name],
        **_unless_empty("addresses", _addresses(own) if own is not None else None),
    }


def access_key(key: AccessKey, *, secrets: bool) -> dict[str, object]:
    """Return a single entry of `access_keys`."""
    secret = {"secret": key.secret, "security_token": key.security_token} if secrets else {}
    values: dict[str, object] = {
        "id": key.id,
        **secret,
        "status": "active" if key.active else "inactive",
        "permissions": sorted(key.permissions) if key.permissions is not None else None,
        "expires": format_time(key.expires) if key.expires is not None else None,
    }
    return {name: value for name, value in values.items() if value is not None}


def _addresses(book: AddressBook) -> dict[str, object]:
    rules = (*(book.patterns[pattern] for pattern in _reached(book.patterns)), *book.exact.values())
    return {rule.address: address(rule) for rule in rules}


def address(rule: AddressRule) -> object:
    """Return a single entry of `addresses`: an outcome, or a mapping."""
    values = _given(rule) | _answers(rule)
    if not values and rule.status is OUTCOME_STATUS[rule.outcome]:
        return rule.outcome.value
    return {"outcome": rule.outcome.value, "status": rule.status.value, **values}


def _answers(rule: AddressRule) -> dict[str, object]:
    """Return the responses of a rule besides its outcome's: `then` for Submit and Resend, `answers` by operation."""
    sending = rule.answers.get(SEND, ())
    then = {"times": sending[0].times, "then": _sequence(sending[1:])} if len(sending) > 1 else {}
    answers = {_SHORT_NAMES[name]: _sequence(steps) for name, steps in rule.answers.items() if name != SEND}
    return {**then, **_unless_empty("answers", answers)}


def _sequence(steps: Sequence[ScriptedResponse]) -> object:
    first, *rest = steps
    if first.message is not None:
        values: dict[str, object] = {"code": first.code, "message": first.message, **_unless_empty("status", first.status)}
    elif not rest:
        return first.code or "success"
    else:
        values = {"answer": first.code or "success"}
    return {**values, "times": first.times, "then": _sequence(rest)} if rest else values
