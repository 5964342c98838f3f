"""What a scenario says, frozen: accounts, limits, faults, clock and the ways of checking.

Times are epoch seconds. An account refers to these objects and never copies them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path

from alimock.scenario.address_book import AddressBook, Pattern
from alimock.spec.times import format_delay


class Authentication(Enum):
    """How signatures are checked: those of known keys, all that the gateway demands, or none."""

    KNOWN_KEYS = "known-keys"
    STRICT = "strict"
    NONE = "none"


class Timestamps(Enum):
    """Whether the timestamp of a signed request is held against the real time."""

    CHECKED = "checked"
    IGNORED = "ignored"


class UnknownKeys(Enum):
    """Where the calls of a key go that no scenario names."""

    OWN_ACCOUNT = "own-account"
    DEFAULT_ACCOUNT = "default-account"


class Reset(Enum):
    """Whether a connection is reset before the call is carried out or after."""

    BEFORE = "before"
    AFTER = "after"


class Body(Enum):
    """What comes in place of an answer's whole body."""

    TRUNCATED = "truncated"
    WRONG_LENGTH = "wrong-length"
    HTML_502 = "html-502"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class ResponseFault:
    """How an answer goes wrong on its way: seconds that it waits, seconds over which its body comes, a reset, another body."""

    delay: float = 0.0
    slow: float = 0.0
    reset: Reset | None = None
    body: Body | None = None

    def __str__(self) -> str:
        """Says in words what goes wrong."""
        words = {"delay": self.delay and format_delay(self.delay), "slow": self.slow and format_delay(self.slow)}
        choices = {"reset": self.reset and self.reset.value, "body": self.body and self.body.value}
        return ", ".join(f"{name} {value}" for name, value in {**words, **choices}.items() if value)


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong with whole calls: those that match all that is not None.

    Of those calls the first `after` pass, then it hits the `nth`, or each `every`th, or all, `times` times in each account. It
    refuses the call with `error`, or harms the delivery of its answer, or both. `retry_after` is in seconds; `seen` and `hits` are
    the matching calls and the hits before the account's start. The id of a numbered one was given for want of one of its own.
    """

    id: str
    location: str
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
    is_numbered: bool = False

    def covers(self, later: Fault) -> bool:
        """Says whether this fault takes every call that one behind it could."""
        if (self.times, self.nth, self.after) != (None, None, 0) or self.every not in (None, 1):
            return False
        return (
            self.action in (None, later.action)
            and self.version in (None, later.version)
            and self.access_key_id in (None, later.access_key_id)
            and (self.email is None or (later.email is not None and self.email.covers(later.email)))
        )


@dataclass(frozen=True, slots=True)
class Stub:
    """The canned answer of an operation that alimock does not emulate: its fields as JSON has them."""

    location: str
    fields: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class CodeOverride:
    """What a scenario says of a code in place of the catalogue; None is what the catalogue says."""

    status: int | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class AccessKey:
    """An access key that the emulator knows, with the name of its account; `permissions` are RAM actions, None is all of them."""

    id: str
    secret: str = field(repr=False)
    account: str
    location: str
    active: bool = True
    security_token: str | None = field(default=None, repr=False)
    expires: int | None = None
    permissions: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class ServiceLimits:
    """The service's limits; None is no limit."""

    sends_per_address_per_day: int | None = 10
    addresses_per_day: int | None = 500
    link_valid_days: int | None = 3


def with_fault(faults: Mapping[str, Fault], fault: Fault) -> Mapping[str, Fault]:
    """Gives the faults with one more before all others, or in place of the one with its id."""
    return {**faults, fault.id: fault} if fault.id in faults else {fault.id: fault, **faults}


def without_fault(faults: Mapping[str, Fault], fault_id: str) -> Mapping[str, Fault]:
    """Gives the faults without the one with this id."""
    return {key: fault for key, fault in faults.items() if key != fault_id}


@dataclass(frozen=True)
class Scenario:
    """How every account starts, and which keys and checks the emulator has.

    `clock` is the time it shows at the start, standing still unless `clock_runs`. `user_ids` are those of the named accounts,
    `account_addresses` the books of those that have addresses of their own. `files` are all that were read.
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
    faults: Mapping[str, Fault] = field(default_factory=dict)
    stubs: Mapping[str, Stub] = field(default_factory=dict)
    codes: Mapping[str, CodeOverride] = field(default_factory=dict)
    files: tuple[Path, ...] = ()

    def with_books(self, change: Callable[[AddressBook], AddressBook]) -> Scenario:
        """Gives the scenario with the addresses of every account changed."""
        own = {name: change(book) for name, book in self.account_addresses.items()}
        return replace(self, addresses=change(self.addresses), account_addresses=own)

    def book(self, account: str) -> AddressBook:
        """Gives the addresses that an account of this name starts with."""
        return self.account_addresses.get(account, self.addresses)
