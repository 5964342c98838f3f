"""What one scenario file says, read into a layer, and how a layer lies over another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from alimock.scenario.address_entries import Addresses, addresses_of
from alimock.scenario.diagnostics import Diagnostics
from alimock.scenario.fault_entries import faults_of
from alimock.scenario.fields import Entry
from alimock.scenario.model import AccessKey, CodeOverride, Fault, Scenario, Stub
from alimock.spec.contract import OPERATIONS

_SINGLE_VALUES = ("description", "profile", "authentication", "timestamps", "unknown_keys", "seed")


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

    @classmethod
    def of(cls, scenario: Scenario) -> Layer:
        """Gives what a scenario says as the layer that others can lie over."""
        values = {name: getattr(scenario, name) for name in (*_SINGLE_VALUES, "clock", "clock_runs")}
        own = scenario.account_addresses.items()
        return cls(
            values,
            asdict(scenario.limits),
            dict(scenario.user_ids),
            dict(scenario.access_keys),
            Addresses.of(scenario.addresses),
            {name: Addresses.of(book, scenario.addresses) for name, book in own},
            [replace(fault, id="") if fault.is_numbered else fault for fault in scenario.faults.values()],
            dict(scenario.stubs),
            dict(scenario.codes),
        )

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


def layer_of(document: Mapping[str, Any], diagnostics: Diagnostics, below: Layer, known_keys: Mapping[str, AccessKey]) -> Layer:
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
            _add_access_key(layer, item, account.key, diagnostics, known_keys)
        if "addresses" in values:
            path = f"accounts.{account.key}.addresses"
            layer.account_addresses[account.key] = addresses_of(values["addresses"], path, diagnostics)
    layer.addresses = addresses_of(document.get("addresses") or (), "addresses", diagnostics)
    layer.codes = {entry.key: CodeOverride(**(entry.value or {})) for entry in document.get("codes") or ()}
    layer.stubs = dict(_stubs(document.get("stubs") or (), diagnostics))
    layer.faults = faults_of(document.get("faults") or (), {*OPERATIONS, *below.stubs, *layer.stubs}, diagnostics)
    return layer


def _clock(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return {"clock": value.get("now"), "clock_runs": not value.get("frozen", True)}
    return {"clock": value, "clock_runs": False}


def _add_access_key(layer: Layer, item: Entry, account: str, diagnostics: Diagnostics, known_keys: Mapping[str, AccessKey]) -> None:
    values = item.value or {}
    key_id = values.get("id")
    if key_id is None:
        return
    path = f"accounts.{account}.access_keys[{item.key}]"
    known = known_keys.get(key_id) if "secret" not in values else None
    secret = known.secret if known is not None else values.get("secret")
    if key_id in layer.access_keys:
        diagnostics.add(item.node, path, f"the id `{key_id}` again", f"each id once ({layer.access_keys[key_id].location} has it)")
    elif secret is None:
        if "secret" not in values:
            diagnostics.add(
                item.node,
                path,
                "no `secret`",
                "`secret:` with the secret that the client signs with (`alimock export --secrets` writes it)",
            )
    else:
        token = values.get("security_token") or (known.security_token if known is not None else None)
        given = {**values, "id": key_id, "secret": secret, "security_token": token}
        layer.access_keys[key_id] = access_key_of(given, account, item.location)


def access_key_of(values: Mapping[str, Any], account: str, location: str) -> AccessKey:
    """Makes the key of one entry of `access_keys` that has an id and a secret."""
    return AccessKey(
        values["id"],
        values["secret"],
        account,
        location,
        active=values.get("status") != "inactive",
        security_token=values.get("security_token"),
        expires=values.get("expires"),
        permissions=_permissions(values.get("permissions")),
    )


def _permissions(items: list[Entry] | None) -> frozenset[str] | None:
    return frozenset(item.value for item in items) if items is not None else None


def _stubs(entries: Sequence[Entry], diagnostics: Diagnostics) -> Iterator[tuple[str, Stub]]:
    for entry in entries:
        if entry.key in OPERATIONS:
            diagnostics.add(entry.node, f"stubs.{entry.key}", f"`{entry.key}`", "an operation that alimock does not emulate itself")
        elif isinstance(entry.value, dict):
            yield entry.key, Stub(entry.location, entry.value)
        else:
            diagnostics.add(entry.node, f"stubs.{entry.key}", "no fields", "a mapping of the answer's fields")
