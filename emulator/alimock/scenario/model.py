"""What a scenario says, frozen: accounts, limits, faults, clock and the ways of checking.

Times are epoch seconds. An account refers to these objects and never copies them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from alimock.scenario.addresses import AddressBook, Pattern


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


@dataclass(frozen=True, slots=True)
class Fault:
    """A refusal of whole calls: those that match all that is not None, the first `times` of them in each account."""

    place: str
    error: str
    action: str | None = None
    email: Pattern | None = None
    access_key_id: str | None = None
    version: str | None = None
    times: int | None = None


@dataclass(frozen=True, slots=True)
class CodeOverride:
    """What a scenario says of a code in place of the catalogue; None is what the catalogue says."""

    status: int | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class AccessKey:
    """An access key that the emulator knows, with the name of its account; `permissions` are RAM actions, None is all of them."""

    id: str
    secret: str
    account: str
    place: str
    active: bool = True
    security_token: str | None = None
    expires: int | None = None
    permissions: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """The service's limits; None is no limit."""

    sends_per_address_per_day: int | None = 10
    addresses_per_day: int | None = 500
    link_valid_days: int | None = 3


@dataclass(frozen=True)
class Scenario:
    """How every account starts, and which keys and checks the emulator has.

    `user_ids` are those of the named accounts.
    """

    name: str
    description: str = ""
    profile: str = "current"
    authentication: Authentication = Authentication.KNOWN_KEYS
    timestamps: Timestamps = Timestamps.CHECKED
    unknown_keys: UnknownKeys = UnknownKeys.OWN_ACCOUNT
    clock: int | None = None
    limits: Limits = Limits()
    user_ids: Mapping[str, str | None] = field(default_factory=dict)
    access_keys: Mapping[str, AccessKey] = field(default_factory=dict)
    addresses: AddressBook = field(default_factory=AddressBook)
    faults: tuple[Fault, ...] = ()
    codes: Mapping[str, CodeOverride] = field(default_factory=dict)
