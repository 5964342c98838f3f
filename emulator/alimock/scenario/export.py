"""A frozen scenario as the document that it would be loaded from, ready for JSON or YAML."""

from __future__ import annotations

from dataclasses import asdict

from alimock.scenario.addresses import OUTCOME_STATUS, AddressRule
from alimock.scenario.model import AccessKey, Fault, Scenario
from alimock.timeformat import format_time

_RECORD_TEXTS = ("email_verification_no", "user_id", "send_ip", "confirm_ip", "token")
_RECORD_TIMES = ("gmt_create", "gmt_modified", "token_send_time", "verification_time")


def document(scenario: Scenario) -> dict[str, object]:
    """Writes a scenario out in full, without `extends` and without secrets; loading it gives the same scenario."""
    rules = [pattern.rule for pattern in scenario.addresses.patterns] + list(scenario.addresses.exact.values())
    values: dict[str, object] = {
        "alimock": 1,
        "profile": scenario.profile,
        "authentication": scenario.authentication.value,
        "timestamps": scenario.timestamps.value,
        "unknown_keys": scenario.unknown_keys.value,
        "clock": format_time(scenario.clock) if scenario.clock is not None else None,
        "limits": asdict(scenario.limits),
        "accounts": {name: _account(scenario, name) for name in scenario.user_ids},
        "addresses": {rule.address: _address(rule) for rule in rules},
    }
    if scenario.faults:
        values["faults"] = [_fault(fault) for fault in scenario.faults]
    if scenario.codes:
        values["codes"] = {code: _given(asdict(override)) for code, override in scenario.codes.items()}
    if scenario.description:
        values["description"] = scenario.description
    return values


def _account(scenario: Scenario, name: str) -> dict[str, object]:
    keys = [_access_key(key) for key in scenario.access_keys.values() if key.account == name]
    user_id = scenario.user_ids[name]
    return {**({"user_id": user_id} if user_id else {}), "access_keys": keys}


def _access_key(key: AccessKey) -> dict[str, object]:
    values: dict[str, object] = {"id": key.id, "status": "active" if key.active else "inactive"}
    if key.permissions is not None:
        values["permissions"] = sorted(key.permissions)
    if key.expires is not None:
        values["expires"] = format_time(key.expires)
    return values


def _given(values: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in values.items() if value is not None}


def _fault(fault: Fault) -> dict[str, object]:
    email = "*".join(fault.email.parts) if fault.email is not None else None
    when: dict[str, object] = {
        "action": fault.action,
        "email": email,
        "access_key_id": fault.access_key_id,
        "version": fault.version,
    }
    values: dict[str, object] = {"when": _given(when), "error": fault.error}
    return values if fault.times is None else {**values, "times": fault.times}


def _address(rule: AddressRule) -> object:
    values: dict[str, object] = {name: getattr(rule, name) for name in _RECORD_TEXTS if getattr(rule, name) is not None}
    values.update({name: format_time(getattr(rule, name)) for name in _RECORD_TIMES if getattr(rule, name) is not None})
    if rule.sends_today:
        values["sends_today"] = rule.sends_today
    if not values and rule.status is OUTCOME_STATUS[rule.outcome]:
        return rule.outcome.value
    return {"outcome": rule.outcome.value, "status": rule.status.value, **values}
