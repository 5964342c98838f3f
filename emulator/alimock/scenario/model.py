"""What a scenario says, frozen: accounts, addresses, limits, clock and the ways of checking.

Times are epoch seconds. An account refers to these objects and never copies them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from alimock.address import fold, is_valid


class Outcome(Enum):
    """The shorthand for what an address does."""

    VERIFIED = "verified"
    PENDING = "pending"
    EXPIRED = "expired"
    QUOTA_EXCEEDED = "quota-exceeded"
    ILLEGAL = "illegal"
    UNKNOWN = "unknown"


class Status(Enum):
    """What an address has at the start: no record, or one that waits to be verified, or a verified one."""

    NONE = "none"
    PENDING = "pending"
    VERIFIED = "verified"


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


# What an outcome says about the record when the entry itself does not.
OUTCOME_STATUS: Mapping[Outcome, Status] = {
    Outcome.VERIFIED: Status.VERIFIED,
    Outcome.PENDING: Status.PENDING,
    Outcome.EXPIRED: Status.PENDING,
    Outcome.QUOTA_EXCEEDED: Status.PENDING,
    Outcome.ILLEGAL: Status.NONE,
    Outcome.UNKNOWN: Status.NONE,
}


@dataclass(frozen=True, slots=True)
class AddressRule:
    """One entry of `addresses`: what an address, or every address that a pattern matches, has and does.

    `place` is the file and line of the entry. A time that is None is relative: it counts from the first sight of the account.
    """

    address: str
    place: str
    position: int
    outcome: Outcome
    status: Status
    email_verification_no: str | None = None
    user_id: str | None = None
    send_ip: str | None = None
    confirm_ip: str | None = None
    gmt_create: int | None = None
    gmt_modified: int | None = None
    token_send_time: int | None = None
    verification_time: int | None = None
    token: str | None = None
    sends_today: int = 0


@dataclass(frozen=True, slots=True)
class Pattern:
    """What an address is held against: `parts` are what stands between the `*`, each of any run of characters."""

    parts: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> Pattern:
        """Makes the pattern of a text with `*`."""
        return cls(tuple(fold(text).split("*")))

    def matches(self, folded: str) -> bool:
        """Says whether a folded address matches, in linear time: each part is looked for behind the one before."""
        if len(self.parts) == 1:
            return folded == self.parts[0]
        first, *middle, last = self.parts
        if not (folded.startswith(first) and folded.endswith(last) and len(folded) >= len(first) + len(last)):
            return False
        position, end = len(first), len(folded) - len(last)
        for part in middle:
            found = folded.find(part, position, end)
            if found < 0:
                return False
            position = found + len(part)
        return True


@dataclass(frozen=True, slots=True)
class AddressPattern:
    """A rule for every address that matches."""

    pattern: Pattern
    rule: AddressRule


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

    `addresses` has the exact addresses by their folded form, `patterns` the patterns in the order they are tried,
    `tokens` the addresses by the open token that the file gives them, `user_ids` those of the named accounts.
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
    addresses: Mapping[str, AddressRule] = field(default_factory=dict)
    patterns: tuple[AddressPattern, ...] = ()
    tokens: Mapping[str, str] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()
    codes: Mapping[str, CodeOverride] = field(default_factory=dict)

    def rule(self, address: str) -> AddressRule | None:
        """Gives the rule for an address: the exact entry, else the first pattern that matches, else None.

        A pattern matches well-formed addresses only.
        """
        folded = fold(address)
        exact = self.addresses.get(folded)
        if exact is not None or not self.patterns or not is_valid(address):
            return exact
        return next((pattern.rule for pattern in self.patterns if pattern.pattern.matches(folded)), None)
