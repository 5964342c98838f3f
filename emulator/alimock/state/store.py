"""The store: all accounts, the outbox, the loaded scenario, and the one lock over everything that changes."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from itertools import count
from threading import RLock

from alimock.scenario.address_book import AddressBook
from alimock.scenario.address_rules import AddressRule
from alimock.scenario.model import AccessKey, Authentication, Fault, Scenario, Stub, UnknownKeys, with_fault, without_fault
from alimock.spec.address import fold
from alimock.spec.times import format_time
from alimock.state.account import Account
from alimock.state.clock import Clock
from alimock.state.disposal import let_go
from alimock.state.events import CallEntry, Event, EventType
from alimock.state.ids import TAG_LENGTH, TOKEN_LENGTH, IdGenerator
from alimock.state.limits import StateLimits
from alimock.state.log import Log
from alimock.state.outbox import Mail, Outbox
from alimock.state.waiters import Waiters

DEFAULT_ACCOUNT = "default"
# The name that changes of all accounts have.
ALL_ACCOUNTS = ""
_SEED_LENGTH = 32
# No account of a scenario can be named so.
_UNNAMED = "key:"


class Store:
    """Everything a running emulator knows. Whoever reads or changes an account or the outbox holds `lock`.

    `authentication` overrides what scenarios say of it. `real_time` gives epoch seconds. With a `seed`, given here or by the
    scenario, ids and tokens repeat from reset to reset and from run to run; without one they never do.
    """

    def __init__(
        self,
        scenario: Scenario,
        *,
        authentication: Authentication | None = None,
        limits: StateLimits | None = None,
        max_waiters: int = 192,
        real_time: Callable[[], float] = time.time,
        seed: bytes | None = None,
    ) -> None:
        self.lock = RLock()
        self.limits = limits or StateLimits()
        self.real_time = real_time
        self.started = real_time()
        self.scenario = scenario
        # The keys that were put while it runs; they lie over those of the scenario, and outlive resets and other scenarios.
        self.registered: dict[str, AccessKey] = {}
        self.access_keys: Mapping[str, AccessKey] = scenario.access_keys
        # What accounts to come start from: the scenario with the single entries that were changed since.
        self.start = scenario
        # Why a changed file could not take the scenario's place, if it could not.
        self.scenario_error: str | None = None
        self.clock = self._clock_of(scenario)
        self.outbox = Outbox(self.limits)
        self.calls: Log[CallEntry] = Log(self.limits)
        self.events: Log[Event] = Log(self.limits)
        self.waiters = Waiters(self.lock, max_waiters)
        # Who gets each mail as it is sent; it must not wait.
        self.relay: Callable[[Mail], None] | None = None
        self.evicted_accounts = 0
        self._authentication = authentication
        self._given_seed = seed
        self._own_seed = secrets.token_bytes(_SEED_LENGTH)
        self._generations = count(1)
        # For calls that are refused before their account is known.
        self.ids = self._ids("", scenario)
        self._sequence = count(1)
        self._last_sequence = 0
        self._accounts: dict[str, Account] = {}
        self._names_by_tag: dict[str, str] = {}

    def transaction(self) -> AbstractContextManager[object]:
        """Hold the lock for reads and changes that belong together."""
        return self.lock

    @property
    def authentication(self) -> Authentication:
        """How signatures are checked now."""
        return self._authentication or self.scenario.authentication

    @property
    def cursor(self) -> int:
        """The sequence number of the last thing that happened."""
        return self._last_sequence

    def record_event(self, kind: EventType, account: str, subject: str) -> int:
        """Notes that something happened in an account, or in all, which is an empty name, and wakes those who wait for it.

        Gives its number; numbers go on over resets.
        """
        self._last_sequence = next(self._sequence)
        self.events.add(Event(self._last_sequence, kind, account, subject, self.real_time()))
        self.waiters.wake(kind, account)
        return self._last_sequence

    def account_name(self, access_key_id: str | None) -> str:
        """Gives the name of the account that a key's calls go to; an account that no scenario names is `key:` and its key."""
        if not access_key_id:
            return DEFAULT_ACCOUNT
        if access_key_id not in self.access_keys and self.scenario.unknown_keys is UnknownKeys.DEFAULT_ACCOUNT:
            return DEFAULT_ACCOUNT
        return self.own_account_name(access_key_id)

    def own_account_name(self, access_key_id: str) -> str:
        """Gives the name of the account that a key gets which is put: the one it is known with, else one of its own."""
        key = self.access_keys.get(access_key_id)
        return key.account if key is not None else f"{_UNNAMED}{access_key_id}"

    def put_access_key(self, key: AccessKey) -> None:
        """Takes a key in until it is deleted, and makes its account."""
        before = self.account_name(key.id)
        self.registered[key.id] = key
        self._join_access_keys()
        if before == f"{_UNNAMED}{key.id}" != key.account:
            # Nothing leads there any more.
            self._forget(before)
        self._happened_to(EventType.ACCESS_KEY, key.id, key.id)
        self.account(key.id)

    def delete_access_key(self, access_key_id: str) -> bool:
        """Forgets a key that was put, with an account of its own, and says whether it was there."""
        key = self.registered.get(access_key_id)
        if key is None:
            return False
        self._unregister(access_key_id)
        if key.account == f"{_UNNAMED}{access_key_id}":
            self._forget(key.account)
            self.waiters.interrupt(key.account)
        self.record_event(EventType.ACCESS_KEY, key.account, access_key_id)
        return True

    def account(self, access_key_id: str | None) -> Account:
        """Gives the account of a key, making it at first sight."""
        return self._account_named(self.account_name(access_key_id))

    def known_account(self, access_key_id: str) -> Account | None:
        """Gives the account of a key if the scenario names it or it was seen before."""
        name = self.account_name(access_key_id)
        return self._account_named(name) if name in self.scenario.user_ids else self._accounts.get(name)

    def accounts(self) -> list[Account]:
        """Gives all accounts: those that the scenario names, then those seen since."""
        for name in self.scenario.user_ids:
            self._account_named(name)
        return list(self._accounts.values())

    def is_named(self, account: Account) -> bool:
        """Says whether the scenario names an account."""
        return account.name in self.scenario.user_ids

    def access_key_id(self, account: Account) -> str | None:
        """Gives the key that an account is shown with: its first one, for an unnamed account the key it is named after."""
        if account.name.startswith(_UNNAMED):
            return account.name.removeprefix(_UNNAMED)
        return next((key.id for key in self.access_keys.values() if key.account == account.name), None)

    def others_with(self, account: Account, address: str) -> Account | None:
        """Gives another account that has a record of its own for an address, if there is one."""
        return next((other for other in self._accounts.values() if other is not account and other.holds(address)), None)

    def account_of_token(self, token: str) -> Account | None:
        """Gives the account that a token was made for; tokens that a scenario writes down belong to `default`, if that has them."""
        if len(token) == TOKEN_LENGTH:
            name = self._names_by_tag.get(token[-TAG_LENGTH:])
            account = self._accounts.get(name) if name is not None else None
            if account is not None and account.record_of_token(token) is not None:
                return account
        accounts = [self._account_named(DEFAULT_ACCOUNT), *self._accounts.values()]
        return next((account for account in accounts if token in account.addresses.tokens), None)

    def add_mail(
        self, account: Account, *, access_key_id: str | None, request_id: str, action: str, to: str, lang: str, serial: int
    ) -> Mail:
        """Puts the mail of a token into the outbox."""
        mail_id = account.ids.mail_id(serial)
        mail = Mail(
            mail_id,
            self.record_event(EventType.MAIL, account.name, mail_id),
            account,
            access_key_id,
            request_id,
            action,
            to,
            lang,
            serial,
            account.clock.now(),
            self.real_time(),
        )
        self.outbox.add(mail)
        if self.relay is not None:
            self.relay(mail)
        return mail

    def load(self, scenario: Scenario, access_key_id: str | None = None) -> None:
        """Starts one key's account, or the whole store, from a scenario; what was there before is gone."""
        if access_key_id is not None:
            account = self.account(access_key_id)
            self._restart(account, scenario)
            self._begun_anew(EventType.SCENARIO, account.name, scenario.name)
            return
        for name in list(self._accounts):
            self._forget(name)
        for book in (self.scenario.addresses, *self.scenario.account_addresses.values()):
            let_go(list(book.exact.values()), self.lock)
        self.scenario = scenario
        self.scenario_error = None
        gone = [key.id for key in self.registered.values() if not self._has_account(key)]
        for key_id in gone:
            del self.registered[key_id]
        self._join_access_keys()
        self._start_anew()
        self.calls = Log(self.limits)
        self._begun_anew(EventType.SCENARIO, ALL_ACCOUNTS, scenario.name)

    def reset(self, access_key_id: str | None = None, *, unload: bool = False) -> None:
        """Makes one key's account, or all, anew from the scenario they started from, or with `unload` from the world's."""
        if access_key_id is None:
            self._start_anew()
            self.calls = Log(self.limits)
        accounts_for_change = self.accounts_for_change(access_key_id)
        for account in accounts_for_change:
            self._restart(account, self.scenario if unload else account.loaded)
        self._begun_anew(EventType.RESET, ALL_ACCOUNTS if access_key_id is None else accounts_for_change[0].name, "")

    def _begun_anew(self, kind: EventType, account: str, subject: str) -> None:
        """Notes a new beginning, and ends the waiting for what cannot come any more."""
        self.record_event(kind, account, subject)
        self.waiters.interrupt(account)

    def put_address(self, rule: AddressRule, access_key_id: str | None = None) -> None:
        """Takes an entry into one key's account, or into all and into those to come, until the next reset."""
        changed = _once_each(lambda book: book.with_entry(rule))
        for account in self.accounts_for_change(access_key_id):
            account.put_address(rule, changed(account.addresses))
        if access_key_id is None:
            self.start = self.start.with_books(changed)
        self._happened_to(EventType.ADDRESS, access_key_id, rule.address)

    def delete_address(self, address: str, access_key_id: str | None = None) -> bool:
        """Forgets an address or a pattern, and says whether it was there."""
        changed = _once_each(lambda book: book.without(address))
        known = [account.delete_address(address, changed(account.addresses)) for account in self.accounts_for_change(access_key_id)]
        if access_key_id is None:
            self.start = self.start.with_books(changed)
        self._happened_to(EventType.ADDRESS, access_key_id, address)
        return any(known)

    def put_fault(self, fault: Fault, access_key_id: str | None = None) -> None:
        """Takes a fault into one key's account, or into all and into those to come, until the next reset."""
        for account in self.accounts_for_change(access_key_id):
            account.put_fault(fault)
        if access_key_id is None:
            self.start = self.start.with_faults(lambda faults: with_fault(faults, fault))
        self._happened_to(EventType.FAULT, access_key_id, fault.id)

    def delete_fault(self, fault_id: str, access_key_id: str | None = None) -> bool:
        """Forgets a fault and says whether it was there."""
        known = [account.delete_fault(fault_id) for account in self.accounts_for_change(access_key_id)]
        if access_key_id is None:
            self.start = self.start.with_faults(lambda faults: without_fault(faults, fault_id))
        self._happened_to(EventType.FAULT, access_key_id, fault_id)
        return any(known)

    def stubs(self, access_key_id: str | None) -> Mapping[str, Stub]:
        """Gives the canned answers by operation as a key's account has them; asking makes no account."""
        account = self._accounts.get(self.account_name(access_key_id))
        return (account.scenario if account is not None else self.start).stubs

    def owner_of_written_token(self, rule: AddressRule, access_key_id: str | None) -> str | None:
        """Gives another address that has the token which an entry writes down, in one key's account or in any."""
        if rule.token is None:
            return None
        owners = (account.addresses.tokens.get(rule.token) for account in self.accounts_for_change(access_key_id))
        return next((owner for owner in owners if owner is not None and fold(owner) != fold(rule.address)), None)

    def accounts_for_view(self, access_key_id: str | None) -> list[Account]:
        """Gives the accounts that a view shows: that of a key, if it was ever seen, or all."""
        if access_key_id is None:
            return self.accounts()
        known = self.known_account(access_key_id)
        return [known] if known is not None else []

    def change_clocks(self, change: Callable[[Clock], None], access_key_id: str | None = None) -> None:
        """Changes the clock of one key's account, or of all and of those to come."""
        if access_key_id is None:
            change(self.clock)
        for account in self.accounts_for_change(access_key_id):
            change(account.clock)
        clock = self.clock if access_key_id is None else self.account(access_key_id).clock
        self._happened_to(EventType.CLOCK, access_key_id, format_time(clock.now()))

    def delete_mails(self, mails: Iterable[Mail]) -> int:
        """Deletes mails and counts them."""
        count = 0
        for mail in mails:
            self.outbox.remove(mail)
            self.outbox.deleted += 1
            self.record_event(EventType.DELETION, mail.account_name, mail.id)
            count += 1
        return count

    def _happened_to(self, kind: EventType, access_key_id: str | None, subject: str) -> None:
        self.record_event(kind, ALL_ACCOUNTS if access_key_id is None else self.account_name(access_key_id), subject)

    def accounts_for_change(self, access_key_id: str | None) -> list[Account]:
        """Gives the accounts that a change is for: that of a key, or all."""
        return self.accounts() if access_key_id is None else [self.account(access_key_id)]

    def _account_named(self, name: str) -> Account:
        account = self._accounts.get(name)
        if account is None:
            self._make_room()
            account = self._add(name, self.start, self.scenario, self.clock.copy())
        account.last_used = self.real_time()
        return account

    def _add(self, name: str, scenario: Scenario, loaded: Scenario, clock: Clock) -> Account:
        account = Account(name, scenario, loaded, clock, self._ids(name, scenario))
        self._accounts[name] = account
        self._names_by_tag[account.ids.tag] = name
        return account

    def _restart(self, account: Account, scenario: Scenario) -> None:
        self._forget(account.name)
        self._add(account.name, scenario, scenario, self._clock_of(scenario)).last_used = account.last_used

    def _forget(self, name: str) -> None:
        account = self._accounts.pop(name, None)
        if account is not None:
            del self._names_by_tag[account.ids.tag]
            self.outbox.clear(name)
            self.calls.clear(name)
            let_go(account.remains(), self.lock)

    def _make_room(self) -> None:
        """Drops the unnamed accounts that were not used for some time, the oldest first, when there are too many.

        Accounts in use stay, even beyond the limit: losing the state of a running test would be worse.
        """
        unnamed = [account for account in self._accounts.values() if not self.is_named(account)]
        excess = len(unnamed) - self.limits.max_accounts + 1
        if excess <= 0:
            return
        unused = [account for account in unnamed if account.last_used < self.real_time() - self.limits.unused_account_seconds]
        for account in sorted(unused, key=lambda account: account.last_used)[:excess]:
            self._forget(account.name)
            key = self.registered.get(account.name.removeprefix(_UNNAMED))
            if key is not None and key.account == account.name:
                self._unregister(key.id)
            self.evicted_accounts += 1

    def _has_account(self, key: AccessKey) -> bool:
        return key.account.startswith(_UNNAMED) or key.account in self.scenario.user_ids

    def _unregister(self, access_key_id: str) -> None:
        if self.registered.pop(access_key_id, None) is not None:
            self._join_access_keys()

    def _join_access_keys(self) -> None:
        self.access_keys = {**self.scenario.access_keys, **self.registered}

    def _start_anew(self) -> None:
        self.start = self.scenario
        self.clock = self._clock_of(self.scenario)
        self.ids = self._ids("", self.scenario)

    def _ids(self, name: str, scenario: Scenario) -> IdGenerator:
        seed = scenario.seed.encode() if scenario.seed is not None else self._given_seed
        return IdGenerator(seed, name) if seed is not None else IdGenerator(self._own_seed, name, next(self._generations))

    def _clock_of(self, scenario: Scenario) -> Clock:
        clock = Clock(self.real_time)
        if scenario.clock is not None:
            clock.set(scenario.clock, frozen=not scenario.clock_runs)
        return clock


def _once_each(change: Callable[[AddressBook], AddressBook]) -> Callable[[AddressBook], AddressBook]:
    """Makes a change that is done once for each book, since a thousand accounts may share one of a hundred thousand addresses."""
    changed: dict[AddressBook, AddressBook] = {}

    def of(book: AddressBook) -> AddressBook:
        if book not in changed:
            changed[book] = change(book)
        return changed[book]

    return of
