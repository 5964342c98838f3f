"""A snapshot of a whole store as JSON, and a store as it was then. Objects that accounts share stay shared."""

from __future__ import annotations

import json
from collections import Counter, OrderedDict
from dataclasses import asdict, replace
from hashlib import blake2b
from typing import Any

from alimock import __version__
from alimock.persistence.codec import codec, rules_of
from alimock.scenario.address_rules import AddressBook, AddressRule
from alimock.scenario.model import AccessKey, Fault, Scenario
from alimock.spec.address import fold
from alimock.state.access_keys import AccessKeys
from alimock.state.account import Account
from alimock.state.clock import Clock
from alimock.state.ids import IdGenerator
from alimock.state.log import CallEntry, Event, Log
from alimock.state.outbox import Delivery, Mail, Outbox
from alimock.state.quotas import DayCounts
from alimock.state.record import Record
from alimock.state.store import ALL_ACCOUNTS, Store

# Raised when a document of this version of alimock means something else than before.
FORMAT = 1
Document = dict[str, Any]
_RULE, _SCENARIO, _RECORD, _FAULTS, _KEYS = map(codec, (AddressRule, Scenario, Record, tuple[Fault, ...], tuple[AccessKey, ...]))
_DELIVERY = codec(Delivery)
_LOGS: dict[str, Any] = {"outbox": Mail, "calls": CallEntry, "events": Event}


class Snapshot:
    """What a store was when this was made, with its lock held. To make the JSON takes longer, and no lock."""

    def __init__(self, store: Store) -> None:
        with store.transaction():
            self._tables = _Tables()
            self._entries = {name: getattr(store, name).entries() for name in _LOGS}
            self._state = self._store(store)

    def document(self) -> Document:
        """Return the snapshot as JSON."""
        logs = {name: list(map(codec(kind).to_json, self._entries[name])) for name, kind in _LOGS.items()}
        return {"format": FORMAT, "version": __version__, **self._state, **self._tables.document(), "entries": logs}

    def text(self) -> str:
        """Return the snapshot as JSON text."""
        return json.dumps(self.document(), separators=(",", ":"))

    def digest(self) -> str:
        """Return a digest of the state, without the durations of calls, which differ between replicas."""
        self._entries["calls"] = [call._replace(seconds=0.0) for call in self._entries["calls"]]
        return blake2b(json.dumps(self.document(), sort_keys=True).encode(), digest_size=16).hexdigest()

    def _store(self, store: Store) -> Document:
        scenario, tables = self._tables.scenarios.number, self._tables
        outbox = store.outbox
        return {
            "limits": asdict(store.limits),
            "cursor": store.cursor,
            "loads": store.loads,
            "settings_digest": store.settings_digest,
            "scenario_error": store.scenario_error,
            "evicted_accounts": store.evicted_accounts,
            "seed": store.id_generators.seed.hex() if store.id_generators.seed is not None else None,
            "key": store.id_generators.key.hex(),
            "generations": store.id_generators.generations,
            "scenario": scenario(store.scenario),
            "start": scenario(store.start),
            "clock": _clock(store.clock),
            "ids": _ids(store.ids),
            "registered": _KEYS.to_json(store.keys.registered.values()),
            "accounts": [_account(account, tables) for account in store.accounts.values()],
            "evictions": {name: list(getattr(store, name).evictions().items()) for name in _LOGS},
            "read": sorted(outbox.read),
            "tags": {mail_id: list(tags) for mail_id, tags in outbox.tags.items()},
            "deliveries": {
                mail_id: {target: _DELIVERY.to_json(one) for target, one in every.items()}
                for mail_id, every in outbox.deliveries.items()
            },
            "deleted": outbox.deleted,
        }


class _Table:
    """Objects by number, each once, whatever it equals."""

    def __init__(self) -> None:
        self.all: list[Any] = []
        self._numbers: dict[int, int] = {}

    def number(self, one: Any) -> int:
        """Return the number of an object."""
        number = self._numbers.get(id(one))
        if number is None:
            number = self._numbers[id(one)] = len(self.all)
            self.all.append(one)
        return number


class _Tables:
    """The objects that accounts may share: scenarios, books of addresses, and rules."""

    def __init__(self) -> None:
        self.scenarios, self.books, self.rules = _Table(), _Table(), _Table()

    def document(self) -> Document:
        scenarios = [self._scenario(one) for one in self.scenarios.all]
        books = [list(map(self.rules.number, rules_of(book))) for book in self.books.all]
        return {"scenarios": scenarios, "books": books, "rules": list(map(_RULE.to_json, self.rules.all))}

    def _scenario(self, scenario: Scenario) -> Document:
        own = {name: self.books.number(book) for name, book in scenario.account_addresses.items()}
        document: Document = _SCENARIO.to_json(replace(scenario, addresses=AddressBook(), account_addresses={}))
        return {"scenario": document, "book": self.books.number(scenario.addresses), "own": own}


def _clock(clock: Clock) -> list[Any]:
    return [clock.frozen_at, clock.offset]


def _ids(ids: IdGenerator) -> list[int]:
    return [ids.generation, ids.requests]


def _account(account: Account, tables: _Tables) -> Document:
    records = _Table()
    listed = [records.number(record) for record in account.own_records.values()]
    sent = [records.number(record) for record in account.sent_records]
    is_changed = account.addresses is not account.scenario.book(account.name)
    return {
        "name": account.name,
        "scenario": tables.scenarios.number(account.scenario),
        "loaded": tables.scenarios.number(account.loaded),
        "book": tables.books.number(account.addresses) if is_changed else None,
        "faults": _FAULTS.to_json(account.faults.values()),
        "clock": _clock(account.clock),
        "ids": _ids(account.ids),
        "start": account.initial.account_start,
        "last_used": account.last_used,
        "fault_calls": dict(account.fault_calls),
        "fault_hits": dict(account.fault_hits),
        "nonces": list(account.nonces.items()),
        "records": list(map(_RECORD.to_json, records.all)),
        "own": listed,
        "sent": sent,
        "record_count": account.record_count,
        "deleted": sorted(account.deleted),
        "first_day": account.quotas.first_day,
        "days": [[day, counts.sends, sorted(counts.new)] for day, counts in account.quotas.days.items()],
        "used_responses": [[*key, count] for key, count in account.used_responses.items()],
    }


def restore(store: Store, document: Document) -> None:
    """Make a store what it was at a snapshot, and end all waits."""
    rules = list(map(_RULE.from_json, document["rules"]))
    books = [AddressBook.of([rules[number] for number in numbers]) for numbers in document["books"]]
    scenarios = [_restored_scenario(one, books) for one in document["scenarios"]]
    with store.transaction():
        generators = store.id_generators
        generators.seed = bytes.fromhex(document["seed"]) if document["seed"] is not None else None
        generators.key, generators.generations = bytes.fromhex(document["key"]), document["generations"]
        for name in ("cursor", "loads", "settings_digest", "scenario_error", "evicted_accounts"):
            setattr(store, name, document[name])
        store.scenario, store.start = scenarios[document["scenario"]], scenarios[document["start"]]
        store.clock = _restored_clock(document["clock"], store)
        store.ids = _restored_ids(document["ids"], "", store.scenario, store)
        store.keys = AccessKeys(store.scenario, _KEYS.from_json(document["registered"]))
        accounts = [_restored_account(one, scenarios, books, store) for one in document["accounts"]]
        store.accounts = {account.name: account for account in accounts}
        store.accounts_by_tag = {account.ids.tag: account for account in accounts}
        store.outbox, store.calls, store.events = Outbox(store.limits), Log(store.limits), Log(store.limits)
        for name, kind in _LOGS.items():
            entries = map(codec(kind).from_json, document["entries"][name])
            getattr(store, name).restore(entries, {account: tuple(numbers) for account, numbers in document["evictions"][name]})
        _restore_outbox(store.outbox, document)
        store.waiters.interrupt(ALL_ACCOUNTS)
        if store.recorder is not None:
            store.recorder.restart()


def _restored_scenario(document: Document, books: list[AddressBook]) -> Scenario:
    own = {name: books[number] for name, number in document["own"].items()}
    scenario: Scenario = _SCENARIO.from_json(document["scenario"])
    return replace(scenario, addresses=books[document["book"]], account_addresses=own)


def _restored_clock(numbers: list[Any], store: Store) -> Clock:
    return Clock(store.real_time, *numbers)


def _restored_ids(numbers: list[int], name: str, scenario: Scenario, store: Store) -> IdGenerator:
    generation, requests = numbers
    ids = store.id_generators.restored(name, scenario.seed, generation)
    ids.requests = requests
    return ids


def _restored_account(document: Document, scenarios: list[Scenario], books: list[AddressBook], store: Store) -> Account:
    name, scenario = document["name"], scenarios[document["scenario"]]
    ids = _restored_ids(document["ids"], name, scenario, store)
    account = Account(name, scenario, scenarios[document["loaded"]], _restored_clock(document["clock"], store), ids)
    if document["book"] is not None:
        account.addresses = books[document["book"]]
    account.faults = {fault.id: fault for fault in _FAULTS.from_json(document["faults"])}
    account.initial.account_start, account.last_used = document["start"], document["last_used"]
    account.fault_calls, account.fault_hits = Counter(document["fault_calls"]), Counter(document["fault_hits"])
    account.nonces = OrderedDict(map(tuple, document["nonces"]))
    records = list(map(_RECORD.from_json, document["records"]))
    account.own_records = {fold(records[number].email): records[number] for number in document["own"]}
    account.sent_records = [records[number] for number in document["sent"]]
    account.record_count, account.deleted = document["record_count"], set(document["deleted"])
    account.quotas.first_day = document["first_day"]
    account.quotas.days = {day: DayCounts(sends, set(new)) for day, sends, new in document["days"]}
    account.used_responses = Counter({(address, name): count for address, name, count in document["used_responses"]})
    return account


def _restore_outbox(outbox: Outbox, document: Document) -> None:
    outbox.read, outbox.deleted = set(document["read"]), document["deleted"]
    outbox.tags = {mail_id: tuple(tags) for mail_id, tags in document["tags"].items()}
    outbox.deliveries = {
        mail_id: {target: _DELIVERY.from_json(one) for target, one in every.items()}
        for mail_id, every in document["deliveries"].items()
    }
