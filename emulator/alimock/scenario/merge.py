"""Merges what scenario files say, entry by entry: an entry replaces the one with the same key in the scenario below it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from alimock.scenario.address_rules import AddressBook
from alimock.scenario.diagnostics import Diagnostics
from alimock.scenario.entries import address_book, faults_of
from alimock.scenario.fields import Entry
from alimock.scenario.model import AccessKey, CodeOverride, Scenario, Stub
from alimock.spec.contract import OPERATIONS

_SINGLE_VALUES = ("profile", "authentication", "timestamps", "unknown_keys", "seed")


def merge(document: Mapping[str, Any], below: Scenario, known_keys: Mapping[str, AccessKey], diagnostics: Diagnostics) -> Scenario:
    """Return a scenario with the entries of a document over it; report contradictions in the document.

    A key without a secret keeps the one it has below or in `known_keys`. Only the description is not inherited.
    """
    accounts = document.get("accounts", ())
    keys = _access_keys(accounts, {**known_keys, **below.access_keys}, diagnostics)
    user_ids = {account.key: account.value.get("user_id") or below.user_ids.get(account.key) for account in accounts}
    own_addresses = _account_addresses(accounts, below.account_addresses, diagnostics)
    addresses = address_book(document.get("addresses", ()), "addresses", diagnostics)
    stubs = {**below.stubs, **dict(_stubs(document.get("stubs", ()), diagnostics))}
    faults = faults_of(document.get("faults", ()), {*OPERATIONS, *stubs}, diagnostics)
    fault_ids = {fault.id for fault in faults if fault.id}
    return replace(
        below,
        description=document.get("description", ""),
        **{key: document[key] for key in _SINGLE_VALUES if key in document},
        **(_clock(document["clock"]) if "clock" in document else {}),
        limits=replace(below.limits, **document.get("limits", {})),
        user_ids={**below.user_ids, **user_ids},
        access_keys={**below.access_keys, **keys},
        addresses=addresses.over(below.addresses),
        account_addresses={**below.account_addresses, **own_addresses},
        faults=(*faults, *(fault for fault in below.faults if fault.id not in fault_ids)),
        stubs=stubs,
        codes={**below.codes, **{entry.key: CodeOverride(**entry.value) for entry in document.get("codes", ())}},
    )


def _clock(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return {"clock": value.get("now"), "clock_runs": not value.get("frozen", True)}
    return {"clock": value, "clock_runs": False}


def _account_addresses(
    accounts: Sequence[Entry], below: Mapping[str, AddressBook], diagnostics: Diagnostics
) -> dict[str, AddressBook]:
    books = {}
    for account in accounts:
        if "addresses" in account.value:
            own = address_book(account.value["addresses"], f"accounts.{account.key}.addresses", diagnostics)
            books[account.key] = own.over(below.get(account.key, AddressBook()))
    return books


def _access_keys(accounts: Sequence[Entry], known: Mapping[str, AccessKey], diagnostics: Diagnostics) -> dict[str, AccessKey]:
    keys: dict[str, AccessKey] = {}
    for account in accounts:
        for item in account.value.get("access_keys", ()):
            path = f"accounts.{account.key}.access_keys[{item.key}]"
            key_id = item.value.get("id")
            if key_id in keys:
                expected = f"each id once ({keys[key_id].location} has it)"
                diagnostics.add(item.node, path, f"the id `{key_id}` again", expected)
            elif key_id is not None:
                values = _with_secret(item, known.get(key_id), path, diagnostics)
                keys[key_id] = access_key_of(values, account.key, diagnostics.location(item.node))
    return keys


def _with_secret(item: Entry, known: AccessKey | None, path: str, diagnostics: Diagnostics) -> Mapping[str, Any]:
    values: Mapping[str, Any] = item.value
    if "secret" in values:
        return values
    if known is None:
        expected = "`secret:` with the secret that the client signs with (`alimock export --secrets` writes it)"
        diagnostics.add(item.node, path, "no `secret`", expected)
        return values
    return {"security_token": known.security_token, **values, "secret": known.secret}


def access_key_of(values: Mapping[str, Any], account: str, location: str) -> AccessKey:
    """Build the key of one entry of `access_keys`."""
    permissions = values.get("permissions")
    return AccessKey(
        values["id"],
        values.get("secret") or "",
        account,
        location,
        active=values.get("status") != "inactive",
        security_token=values.get("security_token"),
        expires=values.get("expires"),
        permissions=frozenset(item.value for item in permissions) if permissions is not None else None,
    )


def _stubs(entries: Sequence[Entry], diagnostics: Diagnostics) -> Iterator[tuple[str, Stub]]:
    for entry in entries:
        if entry.key in OPERATIONS:
            diagnostics.add(entry.node, f"stubs.{entry.key}", f"`{entry.key}`", "an operation that alimock does not emulate itself")
        elif isinstance(entry.value, dict):
            yield entry.key, Stub(diagnostics.location(entry.node), entry.value)
        else:
            diagnostics.add(entry.node, f"stubs.{entry.key}", "no fields", "a mapping of the response's fields")
