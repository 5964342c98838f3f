"""A snapshot of a whole store as JSON, and a store as it was then. Objects that accounts share stay shared."""

from __future__ import annotations

import json
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import asdict, replace
from hashlib import blake2b
from typing import Any, NamedTuple

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
_PLAIN = ("cursor", "loads", "settings_digest", "scenario_error", "evicted_accounts")
_LOGS: dict[str, Any] = {"outbox": Mail, "calls": CallEntry, "events": Event}


class Snapshot:
    """A copy of a store, taken with its lock held. Its conversion to JSON takes longer, and needs no lock."""

    def __init__(self, store: Store) -> None:
        with store.transaction():
            self._entries = {name: getattr(store, name).entries() for name in _LOGS}
            self._accounts = [(_account(one), _Shared(one.scenario, one.loaded, one.addresses)) for one in store.accounts.values()]
            self._scenarios = store.scenario, store.start
            self._state = _state(store)

    def document(self) -> Document:
        """Return the snapshot as JSON."""
        rules = _Table(_RULE.to_json)
        books = _Table(lambda book: list(map(rules.number, rules_of(book))))
        scenarios = _Table(lambda scenario: _scenario(scenario, books))
        scenario, start = map(scenarios.number, self._scenarios)
        accounts = [
            {
                **account,
                "scenario": scenarios.number(shared.scenario),
                "loaded": scenarios.number(shared.loaded),
                "book": books.number(shared.addresses),
            }
            for account, shared in self._accounts
        ]
        return {
            "format": FORMAT,
            "version": __version__,
            **self._state,
            "scenario": scenario,
            "start": start,
            "accounts": accounts,
            "scenarios": scenarios.documents,
            "books": books.documents,
            "rules": rules.documents,
            "entries": {name: list(map(codec(kind).to_json, self._entries[name])) for name, kind in _LOGS.items()},
        }

    def digest(self) -> str:
        """Return a digest of the state, without the durations of calls, which differ between replicas."""
        self._entries["calls"] = [call._replace(seconds=0.0) for call in self._entries["calls"]]
        return blake2b(json.dumps(self.document(), sort_keys=True).encode(), digest_size=16).hexdigest()


class _Shared(NamedTuple):
    """The frozen objects of an account that other accounts may have, too."""

    scenario: Scenario
    loaded: Scenario
    addresses: AddressBook


class _Table:
    """Frozen objects by number, equal ones once."""

    def __init__(self, to_json: Callable[[Any], Any]) -> None:
        self.documents: list[Any] = []
        self._to_json = to_json
        self._by_id: dict[int, int] = {}
        self._by_text: dict[str, int] = {}

    def number(self, one: Any) -> int:
        """Return the number of an object, which lives as long as this table."""
        number = self._by_id.get(id(one))
        if number is None:
            document = self._to_json(one)
            number = self._by_id[id(one)] = self._by_text.setdefault(json.dumps(document), len(self.documents))
            if number == len(self.documents):
                self.documents.append(document)
        return number


def _scenario(scenario: Scenario, books: _Table) -> Document:
    own = {name: books.number(book) for name, book in scenario.account_addresses.items()}
    document: Document = _SCENARIO.to_json(replace(scenario, addresses=AddressBook(), account_addresses={}))
    return {"scenario": document, "book": books.number(scenario.addresses), "own": own}


def _state(store: Store) -> Document:
    """Return the JSON of what is no list of entries, no account and no scenario."""
    generators, outbox = store.id_generators, store.outbox
    return {
        "limits": asdict(store.limits),
        **{name: getattr(store, name) for name in _PLAIN},
        "seed": generators.seed.hex() if generators.seed is not None else None,
        "key": generators.key.hex(),
        "generations": generators.generations,
        "clock": _clock(store.clock),
        "ids": _ids(store.ids),
        "registered": _KEYS.to_json(store.keys.registered.values()),
        "evictions": {name: list(getattr(store, name).evictions().items()) for name in _LOGS},
        "read": sorted(outbox.read),
        "tags": {mail_id: list(tags) for mail_id, tags in outbox.tags.items()},
        "deliveries": {
            mail_id: {target: _DELIVERY.to_json(one) for target, one in every.items()}
            for mail_id, every in outbox.deliveries.items()
        },
        "deleted": outbox.deleted,
    }


def _clock(clock: Clock) -> list[Any]:
    return [clock.frozen_at, clock.offset]


def _ids(ids: IdGenerator) -> list[int]:
    return [ids.generation, ids.requests]


def _account(account: Account) -> Document:
    # A record that was deleted may still be the one that a token was sent for.
    records = {id(record): record for record in (*account.own_records.values(), *account.sent_records)}
    numbers = {key: number for number, key in enumerate(records)}
    return {
        "name": account.name,
        "faults": _FAULTS.to_json(account.faults.values()),
        "clock": _clock(account.clock),
        "ids": _ids(account.ids),
        "start": account.initial.account_start,
        "last_used": account.last_used,
        "fault_calls": dict(account.fault_calls),
        "fault_hits": dict(account.fault_hits),
        "nonces": list(account.nonces.items()),
        "records": list(map(_RECORD.to_json, records.values())),
        "own": [numbers[id(record)] for record in account.own_records.values()],
        "sent": [numbers[id(record)] for record in account.sent_records],
        "record_count": account.record_count,
        "deleted": sorted(account.deleted),
        "first_day": account.quotas.first_day,
        "days": [[day, dict(counts.sends), sorted(counts.new)] for day, counts in account.quotas.days.items()],
        "used_responses": [[*key, count] for key, count in account.used_responses.items()],
    }


def restore(store: Store, document: Document) -> None:
    """Restore a store from a snapshot, and end all waits."""
    rules = list(map(_RULE.from_json, document["rules"]))
    books = [AddressBook.of([rules[number] for number in numbers]) for numbers in document["books"]]
    scenarios = [_restored_scenario(one, books) for one in document["scenarios"]]
    with store.transaction():
        generators = store.id_generators
        generators.seed = bytes.fromhex(document["seed"]) if document["seed"] is not None else None
        generators.key, generators.generations = bytes.fromhex(document["key"]), document["generations"]
        for name in _PLAIN:
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
