"""What one scenario file says, read into a layer, and how a layer lies over that of the file it extends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from alimock.address import fold
from alimock.scenario.addresses import OUTCOME_STATUS, AddressRule, Outcome, Pattern, Status
from alimock.scenario.kinds import Entry, Reading
from alimock.scenario.model import AccessKey, CodeOverride, Fault

# Fields that only a record of this status has.
_NEEDED_STATUS = {"token": Status.PENDING, "verification_time": Status.VERIFIED, "confirm_ip": Status.VERIFIED}
_SINGLE_VALUES = ("description", "profile", "authentication", "timestamps", "unknown_keys", "clock")


@dataclass
class Layer:
    """What one file says, before it is merged with the one it extends."""

    values: dict[str, Any] = field(default_factory=dict)
    limits: dict[str, int | None] = field(default_factory=dict)
    user_ids: dict[str, str | None] = field(default_factory=dict)
    access_keys: dict[str, AccessKey] = field(default_factory=dict)
    rules: dict[str, AddressRule] = field(default_factory=dict)
    patterns: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    codes: dict[str, CodeOverride] = field(default_factory=dict)


def layer_of(document: Mapping[str, Any], reading: Reading, known_keys: Mapping[str, AccessKey]) -> Layer:
    """Reads a document into a layer, noting what it contradicts itself in; `known_keys` give secrets to keys that come without."""
    layer = Layer()
    layer.values = {key: document[key] for key in _SINGLE_VALUES if key in document}
    layer.limits = document.get("limits") or {}
    for account in document.get("accounts") or ():
        values = account.value or {}
        layer.user_ids[account.key] = values.get("user_id")
        for item in values.get("access_keys") or ():
            _add_access_key(layer, item, account.key, reading, known_keys)
    for entry in document.get("addresses") or ():
        rule = _rule(entry, reading)
        if rule is not None:
            layer.rules[fold(entry.key)] = rule
    layer.patterns = [key for key in layer.rules if "*" in key]
    layer.codes = {entry.key: CodeOverride(**(entry.value or {})) for entry in document.get("codes") or ()}
    layer.faults = [_fault(item) for item in document.get("faults") or () if item.value and item.value.get("error")]
    return layer


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


def _rule(entry: Entry, reading: Reading) -> AddressRule | None:
    """Makes the rule of one entry of `addresses`: a shorthand, or a record that says the same and more."""
    if isinstance(entry.value, Outcome):
        return AddressRule(entry.key, entry.place, entry.value, OUTCOME_STATUS[entry.value])
    values: dict[str, Any] = dict(entry.value or {})
    if entry.value is not None and not {"outcome", "status"} & set(values):
        reading.mistake(entry.node, f"addresses.{entry.key}", "neither `status` nor `outcome`", "at least one of the two")
    outcome, status = values.pop("outcome", None), values.pop("status", None)
    if outcome is None and status is None:
        return None
    status = status or OUTCOME_STATUS[outcome]
    outcome = outcome or {Status.VERIFIED: Outcome.VERIFIED, Status.PENDING: Outcome.PENDING}.get(status, Outcome.UNKNOWN)
    for found, expected in _contradictions(entry.key, outcome, status, values):
        reading.mistake(entry.node, f"addresses.{entry.key}", found, expected)
    return AddressRule(entry.key, entry.place, outcome, status, **values)


def _contradictions(address: str, outcome: Outcome, status: Status, values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Goes through what no record can be at once; standing refusals go with any status."""
    if outcome not in (Outcome.QUOTA_EXCEEDED, Outcome.ILLEGAL) and status is not OUTCOME_STATUS[outcome]:
        expected = f"`status: {OUTCOME_STATUS[outcome].value}` or another outcome"
        yield f"`outcome: {outcome.value}` with `status: {status.value}`", expected
    for key, needed in _NEEDED_STATUS.items():
        if key in values and status is not needed:
            yield f"a `{key}` with `status: {status.value}`", f"it with `status: {needed.value}` only"
    if "token" in values and "*" in address:
        yield "a `token` for a pattern", "a token of a single address"


def _fault(item: Entry) -> Fault:
    when = dict(item.value.get("when") or {})
    email = when.pop("email", None)
    pattern = Pattern.of(email) if email is not None else None
    return Fault(item.place, item.value["error"], email=pattern, times=item.value.get("times"), **when)


def merged(parent: Layer, child: Layer) -> Layer:
    """Lays the layer of a file over that of the file it extends."""
    values = {key: value for key, value in parent.values.items() if key != "description"}
    user_ids = {name: user_id for name, user_id in child.user_ids.items() if user_id or name not in parent.user_ids}
    return Layer(
        values={**values, **child.values},
        limits={**parent.limits, **child.limits},
        user_ids={**parent.user_ids, **user_ids},
        access_keys={**parent.access_keys, **child.access_keys},
        rules={**parent.rules, **child.rules},
        codes={**parent.codes, **child.codes},
        faults=[*child.faults, *parent.faults],
        patterns=[*child.patterns, *(key for key in parent.patterns if key not in child.rules)],
    )
