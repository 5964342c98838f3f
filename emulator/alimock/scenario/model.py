"""The content of a scenario, frozen: accounts, access keys, addresses, limits, faults, stubs and the clock.

Times are epoch seconds. An account refers to these objects and never copies them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import NamedTuple

from alimock.scenario.address_rules import AddressBook, Pattern
from alimock.spec.times import format_delay


class Authentication(Enum):
    """How signatures are checked: those of known keys, everything the gateway demands, or not at all."""

    KNOWN_KEYS = "known-keys"
    STRICT = "strict"
    NONE = "none"


class Timestamps(Enum):
    """Whether the timestamp of a signed request is compared with real time."""

    CHECKED = "checked"
    IGNORED = "ignored"


class UnknownKeys(Enum):
    """The account of a key that no scenario names."""

    OWN_ACCOUNT = "own-account"
    DEFAULT_ACCOUNT = "default-account"


class Reset(Enum):
    """Whether a connection is reset before the call is executed or after."""

    BEFORE = "before"
    AFTER = "after"


class Body(Enum):
    """What replaces the body of a response."""

    TRUNCATED = "truncated"
    WRONG_LENGTH = "wrong-length"
    HTML_502 = "html-502"
    EMPTY = "empty"


@dataclass(frozen=True)
class ResponseFault:
    """How a response fails in transit: seconds of delay, seconds over which the body is sent, a reset, or another body."""

    delay: float = 0.0
    slow: float = 0.0
    reset: Reset | None = None
    body: Body | None = None

    def __str__(self) -> str:
        durations = {"delay": self.delay and format_delay(self.delay), "slow": self.slow and format_delay(self.slow)}
        choices = {"reset": self.reset and self.reset.value, "body": self.body and self.body.value}
        return ", ".join(f"{name} {value}" for name, value in {**durations, **choices}.items() if value)


@dataclass(frozen=True)
class Fault:
    """A fault of whole calls: of those that match every condition that is not None.

    Of the matching calls the first `after` pass; then it fires on the `nth`, on each `every`th, or on all, up to `times` times per
    account. It rejects the call with `error`, or damages the response, or both. `retry_after` is in seconds. `seen` and `hits` are
    the matching calls and the hits before the account's start. One that is not `enabled` matches nothing.
    """

    id: str
    location: str
    enabled: bool = True
    action: str | None = None
    email: Pattern | None = None
    access_key_id: str | None = None
    version: str | None = None
    nth: int | None = None
    every: int | None = None
    after: int = 0
    times: int | None = None
    error: str | None = None
    retry_after: float | None = None
    response_fault: ResponseFault | None = None
    seen: int = 0
    hits: int = 0

    def covers(self, later: Fault) -> bool:
        """Return whether this fault takes every call that a later one could fire on, if both are enabled."""
        if (
            not (self.enabled and later.enabled)
            or (self.times, self.nth, self.after) != (None, None, 0)
            or self.every not in (None, 1)
        ):
            return False
        return (
            self.action in (None, later.action)
            and self.version in (None, later.version)
            and self.access_key_id in (None, later.access_key_id)
            and (self.email is None or (later.email is not None and self.email.covers(later.email)))
        )


class Stub(NamedTuple):
    """The canned response of an operation that alimock does not emulate: its fields as in JSON, with templates."""

    location: str
    fields: Mapping[str, object]


@dataclass(frozen=True)
class CodeOverride:
    """Another status or message for a code of the service; None keeps the service's."""

    status: int | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class AccessKey:
    """An access key and the name of its account; `permissions` are RAM actions, None is all of them."""

    id: str
    secret: str = field(repr=False)
    account: str
    location: str
    active: bool = True
    security_token: str | None = field(default=None, repr=False)
    expires: int | None = None
    permissions: frozenset[str] | None = None


@dataclass(frozen=True)
class ServiceLimits:
    """The service's limits; None is no limit."""

    sends_per_address_per_day: int | None = 10
    addresses_per_day: int | None = 500
    link_valid_days: int | None = 3


def with_fault(faults: Mapping[str, Fault], fault: Fault) -> Mapping[str, Fault]:
    """Replace the fault with the same id, or put the fault before all others."""
    return {**faults, fault.id: fault} if fault.id in faults else {fault.id: fault, **faults}


def with_enabled_fault(faults: Mapping[str, Fault], fault_id: str, *, enabled: bool) -> Mapping[str, Fault]:
    """Enable or disable the fault with an id."""
    return {key: replace(fault, enabled=enabled) if key == fault_id else fault for key, fault in faults.items()}


def without_fault(faults: Mapping[str, Fault], fault_id: str) -> Mapping[str, Fault]:
    """Remove the fault with an id."""
    return {key: fault for key, fault in faults.items() if key != fault_id}


@dataclass(frozen=True)
class Scenario:
    """The merged entries of a scenario: how every account starts, and the emulator's keys and checks.

    `clock` is the time at the start, frozen unless `clock_runs`. `user_ids` has the named accounts. `addresses` are common to all
    accounts; `account_addresses` are the own entries of single accounts. `faults` are in the order they are tried; one that was
    written without an id has an empty one. `files` are all files that were read. `texts` are their texts as YAML by the name that
    locations have, None for a large one, and for several of one name.
    """

    name: str
    description: str = ""
    profile: str = "current"
    authentication: Authentication = Authentication.KNOWN_KEYS
    timestamps: Timestamps = Timestamps.CHECKED
    unknown_keys: UnknownKeys = UnknownKeys.OWN_ACCOUNT
    seed: str | None = None
    clock: int | None = None
    clock_runs: bool = False
    limits: ServiceLimits = ServiceLimits()
    user_ids: Mapping[str, str | None] = field(default_factory=dict)
    access_keys: Mapping[str, AccessKey] = field(default_factory=dict)
    addresses: AddressBook = field(default_factory=AddressBook)
    account_addresses: Mapping[str, AddressBook] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()
    stubs: Mapping[str, Stub] = field(default_factory=dict)
    codes: Mapping[str, CodeOverride] = field(default_factory=dict)
    files: tuple[Path, ...] = ()
    texts: Mapping[str, str | None] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def faults_by_id(self) -> Mapping[str, Fault]:
        """The faults in the order they are tried; those without an id get the lowest free numbers."""
        ids = {fault.id for fault in self.faults}
        free = (number for number in map(str, count(1)) if number not in ids)
        return {fault.id: fault for fault in (one if one.id else replace(one, id=next(free)) for one in self.faults)}

    @cached_property
    def own_books(self) -> Mapping[str, AddressBook]:
        """The books of the accounts with addresses of their own, merged over the common addresses."""
        return {name: own.over(self.addresses) for name, own in self.account_addresses.items()}

    def book(self, account: str) -> AddressBook:
        """Return the addresses that the account of this name starts with."""
        return self.own_books.get(account, self.addresses)

    def with_books(self, change: Callable[[AddressBook], AddressBook]) -> Scenario:
        """Apply a change to the addresses of every account."""
        own = {name: change(book) for name, book in self.account_addresses.items()}
        return replace(self, addresses=change(self.addresses), account_addresses=own)

    def with_faults(self, change: Callable[[Mapping[str, Fault]], Mapping[str, Fault]]) -> Scenario:
        """Apply a change to the faults by id."""
        return replace(self, faults=tuple(change(self.faults_by_id).values()))
