"""Loads scenarios: finds built-in ones and files, follows `extends`, merges, and builds the frozen `Scenario`.

What a file says replaces what the file it extends says: single values and limits by key, accounts by name, access keys by id,
addresses by address. A pattern or a fault of the file is tried before those of the file it extends.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from alimock.address import fold
from alimock.scenario.document import MappingNode, Mistake, Node, ScalarNode, ScenarioError, compose, compose_json, decode
from alimock.scenario.kinds import Entry, Reading
from alimock.scenario.model import (
    OUTCOME_STATUS,
    AccessKey,
    AddressPattern,
    AddressRule,
    CodeOverride,
    Fault,
    Limits,
    Outcome,
    Pattern,
    Scenario,
    Status,
)
from alimock.scenario.schema import SCENARIO

# In an installed package the built-in scenarios lie inside it, in a checkout at the top level.
_PACKAGE = Path(__file__).resolve().parent.parent
BUILT_IN_FOLDER = next(
    (folder for folder in (_PACKAGE / "fixtures", _PACKAGE.parent.parent / "fixtures") if folder.is_dir()),
    _PACKAGE / "fixtures",
)
# Fields that only a record of this status has.
_NEEDED_STATUS = {"token": Status.PENDING, "verification_time": Status.VERIFIED, "confirm_ip": Status.VERIFIED}
_SINGLE_VALUES = ("description", "profile", "authentication", "timestamps", "unknown_keys", "clock")


@dataclass
class _Layer:
    """What one file says, before it is merged with the one it extends."""

    values: dict[str, Any] = field(default_factory=dict)
    limits: dict[str, int | None] = field(default_factory=dict)
    user_ids: dict[str, str | None] = field(default_factory=dict)
    access_keys: dict[str, AccessKey] = field(default_factory=dict)
    rules: dict[str, AddressRule] = field(default_factory=dict)
    patterns: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    codes: dict[str, CodeOverride] = field(default_factory=dict)


def built_in_names() -> list[str]:
    """Gives the names of the built-in scenarios, sorted."""
    return sorted(path.stem for path in BUILT_IN_FOLDER.glob("*.yaml"))


def load(name: str) -> Scenario:
    """Loads a built-in scenario by its name, or a file by its path (a name with a slash or `.yaml` is a path).

    Raises `ScenarioError` with all mistakes of the file.
    """
    path = _find(name, Path())
    with _collector_paused():
        return _build(_layers(_read(path), path.parent, _shown(path), (path,)), name)


def load_text(
    content: bytes,
    *,
    file: str,
    json: bool = False,
    files: bool = True,
    known_keys: Mapping[str, AccessKey] | None = None,
) -> Scenario:
    """Loads a scenario from its text; `file` is what mistakes call it.

    With `files=False` only built-in scenarios can be extended, since a request must not read files. An access key that comes
    without a secret keeps the secret and the security token that it has in `known_keys`. Raises `ScenarioError`.
    """
    with _collector_paused():
        node = (compose_json if json else compose)(decode(content, file), file)
        return _build(_layers(node, Path() if files else None, file, (), known_keys or {}), file)


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Pauses the cyclic garbage collector, which would look at all the nodes of a large file again and again."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _find(name: str, folder: Path | None) -> Path:
    """Gives the file of a scenario; a relative path counts from `folder`, and without one no path is allowed."""
    if "/" not in name and not name.endswith(".yaml"):
        if name in built_in_names():
            return BUILT_IN_FOLDER / f"{name}.yaml"
        expected = f"a built-in scenario ({', '.join(built_in_names())}) or a path with a slash or .yaml"
        raise ScenarioError([Mistake(name, 0, 0, "", "no such scenario", expected)])
    if folder is None:
        expected = f"a built-in scenario ({', '.join(built_in_names())})"
        raise ScenarioError([Mistake(name, 0, 0, "extends", "a path", expected)])
    return folder / name


def _shown(path: Path) -> str:
    return path.name if path.parent == BUILT_IN_FOLDER else str(path)


def _read(path: Path) -> Node:
    file = _shown(path)
    try:
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        found = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ScenarioError([Mistake(file, 0, 0, "", found, "a readable file")]) from None
    return compose(decode(content, file), file)


def _layers(
    node: Node,
    folder: Path | None,
    file: str,
    chain: tuple[Path, ...],
    known_keys: Mapping[str, AccessKey] | None = None,
) -> _Layer:
    """Reads one file and all that it extends into one layer; `chain` is the files on the way here."""
    reading = Reading(file)
    document = SCENARIO.read(node, "", reading) or {}
    parent = _Layer()
    if document.get("extends"):
        try:
            parent = _extended(document["extends"], folder, chain)
        except ScenarioError as error:
            reading.mistakes.extend(_placed(error, node, file))
    layer = _layer(document, reading, {**(known_keys or {}), **parent.access_keys})
    if reading.mistakes:
        raise ScenarioError(sorted(reading.mistakes, key=lambda mistake: (mistake.file != file, mistake.line, mistake.column)))
    return _merged(parent, layer)


def _extended(name: str, folder: Path | None, chain: tuple[Path, ...]) -> _Layer:
    path = _find(name, folder)
    if any(path.resolve() == earlier.resolve() for earlier in chain):
        raise ScenarioError([Mistake(name, 0, 0, "extends", "a file that extends itself", "a file that does not lead back here")])
    return _layers(_read(path), path.parent, _shown(path), (*chain, path))


def _placed(error: ScenarioError, node: Node, file: str) -> list[Mistake]:
    """Gives the mistakes of an extended file; those without a line of their own get the line of the `extends` that led there."""
    items = node.items if isinstance(node, MappingNode) else []
    pairs = zip(items[::2], items[1::2], strict=True)
    place = next((value for key, value in pairs if isinstance(key, ScalarNode) and key.text == "extends"), node)
    return [
        mistake
        if mistake.line
        else Mistake(file, place.line, place.column, "extends", f"`{mistake.file}` ({mistake.found})", mistake.expected)
        for mistake in error.mistakes
    ]


def _layer(document: Mapping[str, Any], reading: Reading, known_keys: Mapping[str, AccessKey]) -> _Layer:
    layer = _Layer()
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


def _add_access_key(layer: _Layer, item: Entry, account: str, reading: Reading, known_keys: Mapping[str, AccessKey]) -> None:
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
        return AddressRule(entry.key, entry.place, 0, entry.value, OUTCOME_STATUS[entry.value])
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
    return AddressRule(entry.key, entry.place, 0, outcome, status, **values)


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


def _merged(parent: _Layer, child: _Layer) -> _Layer:
    values = {key: value for key, value in parent.values.items() if key != "description"}
    user_ids = {name: user_id for name, user_id in child.user_ids.items() if user_id or name not in parent.user_ids}
    return _Layer(
        values={**values, **child.values},
        limits={**parent.limits, **child.limits},
        user_ids={**parent.user_ids, **user_ids},
        access_keys={**parent.access_keys, **child.access_keys},
        rules={**parent.rules, **child.rules},
        codes={**parent.codes, **child.codes},
        faults=[*child.faults, *parent.faults],
        patterns=[*child.patterns, *(key for key in parent.patterns if key not in child.rules)],
    )


def _build(layer: _Layer, name: str) -> Scenario:
    rules = {key: replace(rule, position=position) for position, (key, rule) in enumerate(layer.rules.items())}
    addresses = {key: rule for key, rule in rules.items() if "*" not in key}
    _refuse_tokens_twice(addresses)
    return Scenario(
        name,
        limits=Limits(**layer.limits),
        user_ids={"default": None, **layer.user_ids},
        access_keys=layer.access_keys,
        addresses=addresses,
        patterns=tuple(AddressPattern(Pattern.of(key), rules[key]) for key in layer.patterns),
        tokens={rule.token: rule.address for rule in addresses.values() if rule.token is not None},
        faults=tuple(layer.faults),
        codes=layer.codes,
        **layer.values,
    )


def _refuse_tokens_twice(addresses: Mapping[str, AddressRule]) -> None:
    owners: dict[str, AddressRule] = {}
    mistakes = []
    for rule in addresses.values():
        owner = owners.setdefault(rule.token, rule) if rule.token is not None else rule
        if owner is not rule:
            file, _, line = rule.place.rpartition(":")
            path, expected = f"addresses.{rule.address}", f"each token once ({owner.place} has it)"
            mistakes.append(Mistake(file, int(line), 1, path, f"the token `{rule.token}` again", expected))
    if mistakes:
        raise ScenarioError(mistakes)
