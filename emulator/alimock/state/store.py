"""The store: all accounts, the outbox, the loaded scenario, and the one lock over everything that changes.

A running emulator changes it by commands only, which `apply` carries out.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import cache
from threading import RLock
from typing import TYPE_CHECKING, TypeVar

from alimock.scenario.address_rules import AddressRule
from alimock.scenario.model import AccessKey, Fault, Scenario, with_enabled_fault, with_fault, without_fault
from alimock.spec.address import fold
from alimock.spec.times import format_time
from alimock.state import system_clock
from alimock.state.access_keys import AccessKeys, unnamed_account
from alimock.state.account import Account
from alimock.state.clock import Clock
from alimock.state.ids import TAG_LENGTH, IdGenerator, IdGenerators
from alimock.state.limits import StateLimits
from alimock.state.log import CallEntry, Event, EventType, Log
from alimock.state.outbox import Delivery, DeliveryState, Mail, Outbox
from alimock.state.record import TokenState
from alimock.state.waiters import Waiters

if TYPE_CHECKING:
    from alimock.state.commands import Command, Recorder

T = TypeVar("T")
# The account name of events that concern all accounts.
ALL_ACCOUNTS = ""


class Store:
    """The whole state of a running emulator.

    `system_time` returns epoch seconds. For the `seed` see `IdGenerators`. `scenario_error` is why a changed file was not loaded,
    `loads` the number of scenarios loaded, and `settings_digest` that of the last one from the settings. `refused` are the latest
    requests with refused credentials, by request id, for a diagnosis on demand. A `recorder` records every command.
    """

    def __init__(
        self,
        scenario: Scenario,
        *,
        limits: StateLimits | None = None,
        real_time: Callable[[], float] = system_clock.time,
        seed: bytes | None = None,
    ) -> None:
        self.lock = RLock()
        self.limits = limits or StateLimits()
        self.system_time = real_time
        self.started = real_time()
        # The time of the command that is being applied.
        self._time: float | None = None
        self.keys = AccessKeys(scenario)
        self.outbox = Outbox(self.limits)
        self.events: Log[Event] = Log(self.limits)
        self.waiters = Waiters(self.lock)
        self.refused: OrderedDict[str, object] = OrderedDict()
        self.recorder: Recorder | None = None
        self.scenario_error: str | None = None
        self.loads = 0
        self.settings_digest: str | None = None
        self.evicted_accounts = 0
        # The sequence number of the last event.
        self.cursor = 0
        self.id_generators = IdGenerators(seed)
        self.accounts: dict[str, Account] = {}
        self.accounts_by_tag: dict[str, Account] = {}
        self._start_from(scenario)

    def _start_from(self, scenario: Scenario) -> None:
        self.scenario = scenario
        # What new accounts start from: the scenario with the single entries that were changed since, and its clock.
        self.start = scenario
        self.clock = Clock.of(scenario, self.real_time)
        self.calls: Log[CallEntry] = Log(self.limits)
        # For calls that are refused before their account is known.
        self.ids = self.id_generators.of("", scenario.seed)

    def transaction(self) -> AbstractContextManager[object]:
        """Hold the lock for reads and changes that belong together."""
        return self.lock

    def real_time(self) -> float:
        """Return the time of the command that is being applied, else of the system, in epoch seconds."""
        return self.system_time() if self._time is None else self._time

    def apply(self, command: Command[T], at: float | None = None) -> T:
        """Carry out a command as of a time in epoch seconds, or now, with the lock held, and return its result."""
        with self.lock:
            time = self._time = self.system_time() if at is None else at
            try:
                result = command.apply(self)
            except Exception as error:
                if self.recorder is not None:
                    self.recorder.record(command, time, error)
                raise
            finally:
                self._time = None
            if self.recorder is not None:
                self.recorder.record(command, time, result)
            return result

    def record_event(self, kind: EventType, account: str, subject: str) -> int:
        """Record an event in an account, or in all accounts, wake those that wait for it, and return its sequence number."""
        self.cursor += 1
        self.events.add(Event(self.cursor, kind, account, subject, self.real_time()))
        self.waiters.wake(kind, account)
        return self.cursor

    def account_name(self, access_key_id: str | None) -> str:
        """Return the name of the account that calls with this key, or without a key, go to."""
        return self.keys.account_name(access_key_id)

    def put_access_key(self, key: AccessKey) -> None:
        """Register a key until it is deleted, and make its account."""
        before = self.account_name(key.id)
        self.keys.register(key)
        if before == unnamed_account(key.id) != key.account:
            self._forget(before)  # No key leads to it any more.
        self._record_change(EventType.ACCESS_KEY, key.id, key.id)
        self.account(key.id)

    def delete_access_key(self, access_key_id: str) -> bool:
        """Unregister a key, forget an account that it had for itself, and return whether the key was registered."""
        if (key := self.keys.unregister(access_key_id)) is None:
            return False
        if key.account == unnamed_account(access_key_id):
            self._forget(key.account)
            self.waiters.interrupt(key.account)
        self.record_event(EventType.ACCESS_KEY, key.account, access_key_id)
        return True

    def account(self, access_key_id: str | None) -> Account:
        """Return the account of a key for a call or a change, which makes it at its first use."""
        return self._use(self.account_name(access_key_id))

    def accounts_for_change(self, access_key_id: str | None) -> list[Account]:
        """Return the account of a key, or for None all accounts, after making those of the scenario."""
        if access_key_id is not None:
            return [self.account(access_key_id)]
        for name in self.scenario.user_ids:
            self._use(name)
        return list(self.accounts.values())

    def account_for_view(self, access_key_id: str | None) -> Account | None:
        """Return the account of a key, or the default account; if unused, one of the scenario as it would start now, else None."""
        name = self.account_name(access_key_id)
        is_shown = access_key_id is None or name in self.scenario.user_ids
        return self.accounts.get(name) or (self._unused_account(name) if is_shown else None)

    def accounts_for_view(self, access_key_id: str | None = None) -> list[Account]:
        """Return the account of a key, or for None all accounts, those of the scenario first, and change nothing."""
        if access_key_id is not None:
            return list(filter(None, [self.account_for_view(access_key_id)]))
        named = self.scenario.user_ids
        others = [account for account in self.accounts.values() if account.name not in named]
        return [self.accounts.get(name) or self._unused_account(name) for name in named] + others

    def other_account_with(self, account: Account, address: str) -> Account | None:
        """Return another account with an own record of an address, or None."""
        return next((one for one in self.accounts.values() if one.name != account.name and one.has_own_record(address)), None)

    def account_of_token(self, token: str) -> Account | None:
        """Return the account of a token, or None. If the scenario has it in several accounts, `default` comes first."""
        sender = self.accounts_by_tag.get(token[-TAG_LENGTH:])
        if sender is not None and sender.record_of_token(token) is not None:
            return sender
        books = {name: self.start.book(name) for name in self.scenario.user_ids}
        books |= {name: account.addresses for name, account in self.accounts.items()}
        name = next((name for name, book in books.items() if token in book.tokens), None)
        return self._use(name) if name is not None else None

    def scenario_of(self, access_key_id: str | None) -> Scenario:
        """Return the scenario of a key's account, or the one that it would start from, without making the account."""
        account = self.accounts.get(self.account_name(access_key_id))
        return account.scenario if account is not None else self.start

    def add_mail(
        self,
        account: Account,
        *,
        access_key_id: str | None,
        request_id: str,
        action: str,
        to: str,
        lang: str,
        serial: int,
        targets: Iterable[str] = (),
    ) -> Mail:
        """Add the mail with the token of a serial to the outbox; it waits for its delivery to the targets."""
        mail_id = account.ids.mail_id(serial)
        sequence = self.record_event(EventType.MAIL, account.name, mail_id)
        token, valid_days = account.ids.token(serial), account.scenario.limits.link_valid_days
        times = account.clock.now(), self.real_time()
        mail = Mail(mail_id, sequence, account.name, access_key_id, request_id, action, to, lang, token, valid_days, *times)
        self.outbox.add(mail)
        for target in targets:
            self.record_delivery(mail, target, Delivery(DeliveryState.WAITING))
        return mail

    def record_delivery(self, mail: Mail, target: str, delivery: Delivery) -> None:
        """Set the state of the delivery of a mail in the outbox to a target."""
        self.outbox.deliveries.setdefault(mail.id, {})[target] = delivery
        if delivery.state is not DeliveryState.WAITING:
            self.record_event(EventType.DELIVERY, mail.account_name, mail.id)

    def token_state(self, mail: Mail) -> TokenState:
        """Return the state of a mail's token now; it is void after a reset of the account."""
        account = self.accounts.get(mail.account_name)
        found = account.record_of_token(mail.token) if account is not None else None
        return found[1] if found is not None else TokenState.VOID

    def delete_mails(self, mails: Sequence[Mail]) -> int:
        """Delete mails of the outbox, and return their number."""
        for mail in mails:
            self.outbox.remove(mail)
            self.outbox.deleted += 1
            self.record_event(EventType.DELETION, mail.account_name, mail.id)
        return len(mails)

    def load(self, scenario: Scenario, access_key_id: str | None = None) -> None:
        """Start one key's account, or the whole store, from a scenario."""
        self.loads += 1
        if access_key_id is not None:
            self._restart(self.account(access_key_id), scenario)
        else:
            for name in list(self.accounts):
                self._forget(name)
            self.scenario_error = None
            self.keys.load(scenario)
            self._start_from(scenario)
        self.waiters.interrupt(self._record_change(EventType.SCENARIO, access_key_id, scenario.name))

    def reset(self, access_key_id: str | None = None, *, unload: bool = False) -> None:
        """Start one key's account, or all, again from what was loaded last, or with `unload` from the store's scenario."""
        if access_key_id is None:
            self._start_from(self.scenario)
        for account in self.accounts_for_change(access_key_id):
            self._restart(account, self.scenario if unload else account.loaded)
        self.waiters.interrupt(self._record_change(EventType.RESET, access_key_id, ""))

    def put_address(self, rule: AddressRule, access_key_id: str | None = None) -> None:
        """Put an entry into one key's account, or into all and those to come, until the next reset."""
        with_entry = cache(lambda book: book.with_entry(rule))
        for account in self.accounts_for_change(access_key_id):
            account.put_address(rule, with_entry(account.addresses))
        if access_key_id is None:
            self.start = self.start.with_books(with_entry)
        self._record_change(EventType.ADDRESS, access_key_id, rule.address)

    def delete_address(self, address: str, access_key_id: str | None = None) -> bool:
        """Delete an entry and the record of an address, and return whether any account had either."""
        without = cache(lambda book: book.without(address))
        known = [account.delete_address(address, without(account.addresses)) for account in self.accounts_for_change(access_key_id)]
        if access_key_id is None:
            self.start = self.start.with_books(without)
        self._record_change(EventType.ADDRESS, access_key_id, address)
        return any(known)

    def address_with_token(self, rule: AddressRule, access_key_id: str | None) -> str | None:
        """Return another address that has the token of an entry already, in one key's account or in any, or None."""
        found = (account.addresses.tokens.get(rule.token or "") for account in self.accounts_for_change(access_key_id))
        return next((address for address in found if address is not None and fold(address) != fold(rule.address)), None)

    def put_fault(self, fault: Fault, access_key_id: str | None = None) -> None:
        """Put a fault into one key's account, or into all and those to come, until the next reset."""
        for account in self.accounts_for_change(access_key_id):
            account.put_fault(fault)
        if access_key_id is None:
            self.start = self.start.with_faults(lambda faults: with_fault(faults, fault))
        self._record_change(EventType.FAULT, access_key_id, fault.id)

    def enable_fault(self, fault_id: str, access_key_id: str | None = None, *, enabled: bool) -> bool:
        """Enable or disable a fault until the next reset, and return whether any account has it."""
        known = [account.enable_fault(fault_id, enabled=enabled) for account in self.accounts_for_change(access_key_id)]
        if access_key_id is None:
            self.start = self.start.with_faults(lambda faults: with_enabled_fault(faults, fault_id, enabled=enabled))
        if any(known):
            self._record_change(EventType.FAULT, access_key_id, fault_id)
        return any(known)

    def delete_fault(self, fault_id: str, access_key_id: str | None = None) -> bool:
        """Delete a fault, and return whether any account had it."""
        known = [account.delete_fault(fault_id) for account in self.accounts_for_change(access_key_id)]
        if access_key_id is None:
            self.start = self.start.with_faults(lambda faults: without_fault(faults, fault_id))
        self._record_change(EventType.FAULT, access_key_id, fault_id)
        return any(known)

    def change_clocks(self, change: Callable[[Clock], None], access_key_id: str | None = None) -> None:
        """Change the clock of one key's account, or of all and of those to come."""
        if access_key_id is None:
            change(self.clock)
        accounts = self.accounts_for_change(access_key_id)
        for account in accounts:
            change(account.clock)
        clock = self.clock if access_key_id is None else accounts[0].clock
        self._record_change(EventType.CLOCK, access_key_id, format_time(clock.now()))

    def _record_change(self, kind: EventType, access_key_id: str | None, subject: str) -> str:
        """Record an event in one key's account, or in all, and return the name of the account."""
        name = ALL_ACCOUNTS if access_key_id is None else self.account_name(access_key_id)
        self.record_event(kind, name, subject)
        return name

    def _use(self, name: str) -> Account:
        account = self.accounts.get(name)
        if account is None:
            self._evict_unused()
            account = self.accounts[name] = self._new_account(name, self.id_generators.of(name, self.start.seed))
            self.accounts_by_tag[account.ids.tag] = account
        account.last_used = self.real_time()
        return account

    def _evict_unused(self) -> None:
        """Before one more account is made, evict those beyond the limit: the longest unused, but none that the scenario names.

        Accounts in use stay even beyond the limit, since losing the state of a running test would be worse.
        """
        unnamed = [account for name, account in self.accounts.items() if name not in self.scenario.user_ids]
        excess = len(unnamed) + 1 - self.limits.max_accounts
        if excess <= 0:
            return
        now = self.real_time()
        unused = [account for account in unnamed if now - account.last_used > self.limits.unused_account_seconds]
        for account in sorted(unused, key=lambda account: account.last_used)[:excess]:
            self._forget(account.name)
            self.keys.unregister_account(account.name)
            self.evicted_accounts += 1

    def _unused_account(self, name: str) -> Account:
        """Return an account as it would start now, to be shown."""
        return self._new_account(name, self.id_generators.preview(name, self.start.seed))

    def _new_account(self, name: str, ids: IdGenerator) -> Account:
        return Account(name, self.start, self.scenario, replace(self.clock), ids)

    def _restart(self, account: Account, scenario: Scenario) -> None:
        """Start the account from a scenario, used as long ago as before."""
        self._forget(account.name)
        clock, ids = Clock.of(scenario, self.real_time), self.id_generators.of(account.name, scenario.seed)
        started = Account(account.name, scenario, scenario, clock, ids)
        self.accounts[account.name] = self.accounts_by_tag[ids.tag] = started
        started.last_used = account.last_used

    def _forget(self, name: str) -> None:
        account = self.accounts.pop(name, None)
        if account is not None:
            del self.accounts_by_tag[account.ids.tag]
            self.outbox.clear(name)
            self.calls.clear(name)
