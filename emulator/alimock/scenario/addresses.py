"""The addresses of a scenario: what each has and does, and which entry an address belongs to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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

    def covers(self, other: Pattern) -> bool:
        """Says whether all that another pattern matches matches this one too: its `*` are letters that only a `*` can match."""
        return self.matches("*".join(other.parts))


@dataclass(frozen=True, slots=True)
class AddressPattern:
    """A rule for every address that matches."""

    pattern: Pattern
    rule: AddressRule


@dataclass(frozen=True)
class AddressBook:
    """The entries of one account: the exact addresses by their folded form in the order of the file, the patterns in the order
    they are tried, and the addresses by the open token that the file gives them.
    """

    exact: Mapping[str, AddressRule] = field(default_factory=dict)
    patterns: tuple[AddressPattern, ...] = ()
    tokens: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, exact: Iterable[AddressRule], patterns: Iterable[AddressRule] = ()) -> AddressBook:
        """Makes a book of rules; of two rules for one address the later counts."""
        by_address = {fold(rule.address): rule for rule in exact}
        return cls(
            by_address,
            tuple(AddressPattern(Pattern.of(rule.address), rule) for rule in patterns),
            {rule.token: rule.address for rule in by_address.values() if rule.token is not None},
        )

    def rule(self, address: str) -> AddressRule | None:
        """Gives the rule for an address: the exact entry, else the first pattern that matches, else None.

        A pattern matches well-formed addresses only.
        """
        folded = fold(address)
        exact = self.exact.get(folded)
        if exact is not None or not self.patterns or not is_valid(address):
            return exact
        return next((pattern.rule for pattern in self.patterns if pattern.pattern.matches(folded)), None)
