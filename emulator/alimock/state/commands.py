"""The commands: everything that changes the state besides a call of the emulated API, as frozen values.

A command changes the state in `apply` only, with the store's lock held and the store's time standing still. What it does depends on
nothing but the command, that time and the state: all replicas that apply the same commands at the same times have the same state.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol, TypeVar

from alimock.scenario.address_rules import AddressRule
from alimock.scenario.entries import MAXIMUM_FAULTS, MAXIMUM_PATTERNS
from alimock.scenario.model import AccessKey, Fault, Scenario
from alimock.spec.times import format_time, parse_time
from alimock.state.clock import Clock
from alimock.state.log import EventType
from alimock.state.outbox import Delivery
from alimock.state.record import TokenState
from alimock.state.store import ALL_ACCOUNTS, Store

T_co = TypeVar("T_co", covariant=True)

# A link's validity is added to the time, and the sum must still be a date.
LATEST = parse_time("9989-12-31 00:00:00")


class Command(Protocol[T_co]):
    """Something that changes the state."""

    def apply(self, store: Store) -> T_co:
        """Change the state and return the result. Raise `Conflict` if the state does not allow it."""


class Recorder(Protocol):
    """Records what is applied to a store."""

    def restart(self) -> None:
        """Record the current state of the store, to which the next commands are applied."""

    def record(self, command: Command[Any], time: float, result: object) -> None:
        """Record a command with its result or exception."""


class Conflict(Exception):
    """The state does not allow a command."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class FollowedLink(NamedTuple):
    """The state of a link when it was followed, None if it was never sent, with its address and the language of its mail."""

    state: TokenState | None
    email: str = ""
    lang: str = "en"


@dataclass(frozen=True)
class FollowLink:
    """Verify the address that the link of a mail belongs to, as the real link does."""

    token: str
    ip: str

    def apply(self, store: Store) -> FollowedLink:
        """Return the state that the link had."""
        account = store.account_of_token(self.token)
        found = account.record_of_token(self.token) if account is not None else None
        if account is None or found is None:
            return FollowedLink(None)
        record, state = found
        serial = account.ids.serial_of(self.token)
        mail = store.outbox.get(account.ids.mail_id(serial)) if serial is not None else None
        if state is TokenState.OPEN:
            account.verify(record, self.ip)
            store.record_event(EventType.VERIFICATION, account.name, record.email)
        return FollowedLink(state, record.email, mail.lang if mail is not None else "en")


@dataclass(frozen=True)
class ExpireLink:
    """Make the link of a mail expire now, and no other."""

    token: str

    def apply(self, store: Store) -> None:
        """Change the time at which the mail was sent; raises `Conflict` if its link is not open or never expires."""
        account = store.account_of_token(self.token)
        found = account.record_of_token(self.token) if account is not None else None
        if account is None or found is None:
            raise Conflict("The link is unknown", "Its account may have been reset.")
        record, state = found
        if state is not TokenState.OPEN:
            raise Conflict(f"The link of {record.email} is {state.value}", "Only an open link can expire.")
        if not account.expire(record):
            hint = "Load a scenario with `limits: {link_valid_days: ...}`."
            raise Conflict(f"The link of {record.email} never expires", hint)
        store.record_event(EventType.ADDRESS, account.name, record.email)


@dataclass(frozen=True)
class LoadScenario:
    """Start one account, or all, from a scenario.

    `loads` is the number of loads on which the scenario is based: if there were others meanwhile, it is not loaded. A scenario of
    the settings has the `digest` of its content.
    """

    scenario: Scenario
    access_key_id: str | None = None
    loads: int | None = None
    digest: str | None = None

    def apply(self, store: Store) -> bool:
        """Return whether it was loaded."""
        if self.digest is not None and self.digest == store.settings_digest:
            if store.scenario_error is not None:
                # A file was broken, and is again as it was.
                store.scenario_error = None
                store.record_event(EventType.SCENARIO, ALL_ACCOUNTS, store.scenario.name)
            return False
        if self.loads not in (None, store.loads):
            return False
        store.load(self.scenario, self.access_key_id)
        store.settings_digest = self.digest or store.settings_digest
        return True


@dataclass(frozen=True)
class ReportScenarioError:
    """Report why a changed scenario file was not loaded."""

    error: str

    def apply(self, store: Store) -> None:
        """Show the error until a scenario is loaded."""
        store.scenario_error = self.error
        store.record_event(EventType.SCENARIO_ERROR, ALL_ACCOUNTS, self.error.partition("\n")[0])


@dataclass(frozen=True)
class ResetAccounts:
    """Start one account, or all, again."""

    access_key_id: str | None = None
    unload: bool = False

    def apply(self, store: Store) -> int:
        """Return the sequence number of the reset."""
        store.reset(self.access_key_id, unload=self.unload)
        return store.cursor


@dataclass(frozen=True)
class PutAddress:
    """Put an entry into one account, or into all."""

    rule: AddressRule
    access_key_id: str | None = None

    def apply(self, store: Store) -> None:
        """Put the entry, unless its token is taken or there are too many patterns."""
        rule = self.rule
        owner = store.address_with_token(rule, self.access_key_id)
        if owner is not None:
            raise Conflict(f"`token`: {rule.token!a} already belongs to {owner}", "Give another token.")
        books = (account.addresses for account in store.accounts_for_change(self.access_key_id))
        if rule.is_pattern and any(len(book.patterns) >= MAXIMUM_PATTERNS and book.entry(rule.address) is None for book in books):
            raise Conflict(f"The limit of {MAXIMUM_PATTERNS} patterns is reached", "Delete one; every call tries all of them.")
        store.put_address(rule, self.access_key_id)


@dataclass(frozen=True)
class DeleteAddress:
    """Delete an entry and the record of an address."""

    address: str
    access_key_id: str | None = None

    def apply(self, store: Store) -> bool:
        """Return whether any account had either."""
        return store.delete_address(self.address, self.access_key_id)


@dataclass(frozen=True)
class PutFault:
    """Put a fault into one account, or into all."""

    fault: Fault
    access_key_id: str | None = None

    def apply(self, store: Store) -> None:
        """Put the fault, unless there are too many."""
        accounts = store.accounts_for_change(self.access_key_id)
        if any(len(account.faults) >= MAXIMUM_FAULTS and self.fault.id not in account.faults for account in accounts):
            raise Conflict(f"The limit of {MAXIMUM_FAULTS} faults is reached", "Delete one; every call tries all of them.")
        store.put_fault(self.fault, self.access_key_id)


@dataclass(frozen=True)
class EnableFault:
    """Enable or disable a fault, which keeps its counters."""

    fault_id: str
    enabled: bool
    access_key_id: str | None = None

    def apply(self, store: Store) -> bool:
        """Return whether any account has it."""
        return store.enable_fault(self.fault_id, self.access_key_id, enabled=self.enabled)


@dataclass(frozen=True)
class DeleteFault:
    """Delete a fault."""

    fault_id: str
    access_key_id: str | None = None

    def apply(self, store: Store) -> bool:
        """Return whether any account had it."""
        return store.delete_fault(self.fault_id, self.access_key_id)


@dataclass(frozen=True)
class PutAccessKey:
    """Register a key. Without an account it keeps the one that it has or would have."""

    key: AccessKey

    def apply(self, store: Store) -> str:
        """Return the name of its account, unless that is unknown or there are too many keys."""
        keys, limit, account = store.keys, store.limits.max_access_keys, self.key.account
        if account and account not in store.scenario.user_ids:
            raise Conflict(f"The scenario has no account {account[:100]!a}", "Name an account of the scenario, or none.")
        if len(keys.registered) >= limit and self.key.id not in keys.registered:
            hint = "Delete unused keys, or raise --limit max_access_keys=N."
            raise Conflict(f"The limit of {limit} registered access keys is reached", hint)
        account = account or keys.own_account_name(self.key.id)
        store.put_access_key(replace(self.key, account=account))
        return account


@dataclass(frozen=True)
class DeleteAccessKey:
    """Unregister a key."""

    access_key_id: str

    def apply(self, store: Store) -> bool:
        """Return whether it was registered."""
        return store.delete_access_key(self.access_key_id)


@dataclass(frozen=True)
class SetClock:
    """Set the clock of one account, or of all. What is None stays as it is."""

    now: int | None = None
    frozen: bool | None = None
    access_key_id: str | None = None

    def apply(self, store: Store) -> None:
        """Set the clocks."""
        store.change_clocks(self._change, self.access_key_id)

    def _change(self, clock: Clock) -> None:
        was_frozen = clock.frozen_at is not None
        clock.set(clock.now() if self.now is None else self.now, frozen=was_frozen if self.frozen is None else self.frozen)


@dataclass(frozen=True)
class AdvanceClock:
    """Advance the clock of one account, or of all, by seconds."""

    seconds: int
    access_key_id: str | None = None

    def apply(self, store: Store) -> None:
        """Advance the clocks, unless one would leave the years that times can have."""
        clocks = [account.clock for account in store.accounts_for_change(self.access_key_id)]
        if any(clock.now() + self.seconds > LATEST for clock in (*clocks, *([store.clock] if self.access_key_id is None else []))):
            raise Conflict(f"leads beyond {format_time(LATEST)}", "Give a shorter duration.")
        store.change_clocks(self._change, self.access_key_id)

    def _change(self, clock: Clock) -> None:
        clock.set(clock.now() + self.seconds, frozen=clock.frozen_at is not None)


@dataclass(frozen=True)
class DeleteMails:
    """Delete mails, named by their sequence numbers: with a seed, ids repeat after a reset."""

    sequences: tuple[int, ...]

    def apply(self, store: Store) -> int:
        """Return how many of them existed."""
        return store.delete_mails(store.outbox.found(self.sequences))


@dataclass(frozen=True)
class MarkMails:
    """Mark mails as read or unread."""

    sequences: tuple[int, ...]
    read: bool

    def apply(self, store: Store) -> None:
        """Mark those that exist."""
        store.outbox.mark(store.outbox.found(self.sequences), read=self.read)


@dataclass(frozen=True)
class TagMails:
    """Replace the tags of mails."""

    sequences: tuple[int, ...]
    tags: tuple[str, ...]

    def apply(self, store: Store) -> None:
        """Tag those that exist."""
        store.outbox.tags.update({mail.id: self.tags for mail in store.outbox.found(self.sequences)})


@dataclass(frozen=True)
class RecordDelivery:
    """Record how the delivery of a mail to a target ended."""

    sequence: int
    target: str
    delivery: Delivery

    def apply(self, store: Store) -> None:
        """Record it, unless the mail was deleted."""
        for mail in store.outbox.found((self.sequence,)):
            store.record_delivery(mail, self.target, self.delivery)
