"""The rules of addresses: the record and the responses that an entry of `addresses` defines, and the book of all entries."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cached_property
from typing import NamedTuple

from alimock.spec.address import fold, is_valid
from alimock.spec.error_catalog import PARAMETER_ILLEGALL, SEND_TOKEN_QUOTA_EXCEEDED


class AddressOutcome(Enum):
    """The shorthand for the behavior of an address."""

    VERIFIED = "verified"
    PENDING = "pending"
    EXPIRED = "expired"
    QUOTA_EXCEEDED = "quota-exceeded"
    ILLEGAL = "illegal"
    UNKNOWN = "unknown"


class Status(Enum):
    """The record of an address at the start: none, pending verification, or verified."""

    NONE = "none"
    PENDING = "pending"
    VERIFIED = "verified"


# The operations whose responses can be scripted, by their names in a scenario.
ANSWERED_OPERATIONS: Mapping[str, str] = {
    "submit": "SubmitEmailVerification",
    "resend": "ResendEmailVerification",
    "delete": "DeleteEmailVerification",
    "query": "QueryEmailVerification",
    "verify": "VerifyEmail",
    "email_verified": "EmailVerified",
}
# The key of the responses that Submit and Resend share: that of the outcome, then those of `then`.
SEND = "send"
_SENDING = (ANSWERED_OPERATIONS["submit"], ANSWERED_OPERATIONS["resend"])

# The status of the record where the entry has no `status`.
OUTCOME_STATUS: Mapping[AddressOutcome, Status] = {
    AddressOutcome.VERIFIED: Status.VERIFIED,
    AddressOutcome.PENDING: Status.PENDING,
    AddressOutcome.EXPIRED: Status.PENDING,
    AddressOutcome.QUOTA_EXCEEDED: Status.PENDING,
    AddressOutcome.ILLEGAL: Status.NONE,
    AddressOutcome.UNKNOWN: Status.NONE,
}


class ScriptedResponse(NamedTuple):
    """The response of an operation for an address; without a code the operation behaves normally.

    A code with a message is custom, not one of the service. `times` is the number of calls that get it, None is all further calls.
    """

    code: str | None = None
    message: str | None = None
    status: int | None = None
    times: int | None = None


ScriptedResponses = Mapping[str, tuple[ScriptedResponse, ...]]


def remaining(steps: tuple[ScriptedResponse, ...], given: int) -> tuple[ScriptedResponse, ...]:
    """Return the responses that remain after a number of calls."""
    for number, step in enumerate(steps):
        if step.times is None:
            return steps[number:]
        if given < step.times:
            return step._replace(times=step.times - given), *steps[number + 1 :]
        given -= step.times
    return ()


# The response to Submit and Resend of the outcomes that reject.
OUTCOME_ANSWERS: Mapping[AddressOutcome, ScriptedResponse] = {
    AddressOutcome.QUOTA_EXCEEDED: ScriptedResponse(SEND_TOKEN_QUOTA_EXCEEDED.code),
    AddressOutcome.ILLEGAL: ScriptedResponse(PARAMETER_ILLEGALL.code),
}
NO_ANSWERS: ScriptedResponses = {}


@dataclass(frozen=True, slots=True)
class AddressRule:
    """One entry of `addresses`, for an address or for every address that a pattern matches.

    `location` is its file and line. A time that is None is relative to the start of the account. With `exact`, a `*` in the
    address is a literal character. `answers` has the successive responses by operation or `SEND`; the last one has no `times`.
    """

    address: str
    location: str
    outcome: AddressOutcome
    status: Status
    email_verification_no: str | None = None
    user_id: str | None = None
    send_ip: str | None = None
    confirm_ip: str | None = None
    token: str | None = None
    gmt_create: int | None = None
    gmt_modified: int | None = None
    token_send_time: int | None = None
    verification_time: int | None = None
    sends_today: int = 0
    new_today: bool = False
    exact: bool = False
    answers: ScriptedResponses = field(default_factory=lambda: NO_ANSWERS)

    @property
    def created(self) -> int | None:
        """The creation time that follows from the times in the entry, in epoch seconds."""
        later = (self.verification_time, self.gmt_modified)
        return self.gmt_create or self.token_send_time or min(filter(None, later), default=None)

    @property
    def is_pattern(self) -> bool:
        """Whether the rule applies to all matching addresses."""
        return "*" in self.address and not self.exact

    def sequence(self, action: str) -> tuple[str, tuple[ScriptedResponse, ...]]:
        """Return the successive responses of an operation, and their key in `answers`."""
        name = SEND if action in _SENDING and action not in self.answers else action
        return name, self.answers.get(name, ())


class Pattern(NamedTuple):
    """A pattern as the texts between its `*`; each `*` matches any run of characters."""

    parts: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> Pattern:
        """Return the pattern of a text with `*`."""
        return cls(tuple(fold(text).split("*")))

    def matches(self, folded: str) -> bool:
        """Return whether a folded address matches, in linear time."""
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

    @property
    def text(self) -> str:
        """The folded text with `*`."""
        return "*".join(self.parts)

    def covers(self, other: Pattern) -> bool:
        """Return whether this pattern matches everything that another one matches."""
        # The other's `*` stands for any text, and as a character only a `*` of this pattern matches it.
        return self.matches(other.text)


@dataclass(frozen=True, eq=False)
class AddressBook:
    """Entries by folded address, and entries by pattern in the order they are tried.

    `tokens` maps the open tokens that entries declare to their address; `new_today` has the addresses that count as new on the
    first day. Both are kept here because no call may iterate over all addresses.
    """

    exact: Mapping[str, AddressRule] = field(default_factory=dict)
    patterns: Mapping[Pattern, AddressRule] = field(default_factory=dict)
    tokens: Mapping[str, str] = field(default_factory=dict)
    new_today: frozenset[str] = frozenset()

    @classmethod
    def of(cls, rules: Sequence[AddressRule]) -> AddressBook:
        """Build a book from rules in file order; of two rules for one address the later counts."""
        exact = {fold(rule.address): rule for rule in rules if not rule.is_pattern}
        return cls(
            exact,
            {Pattern.of(rule.address): rule for rule in rules if rule.is_pattern},
            {rule.token: rule.address for rule in exact.values() if rule.token is not None},
            frozenset(folded for folded, rule in exact.items() if rule.new_today),
        )

    @cached_property
    def positions(self) -> Mapping[str, int]:
        """The position in the file of each exact address, by its folded form."""
        return {folded: position for position, folded in enumerate(self.exact)}

    def over(self, below: AddressBook) -> AddressBook:
        """Merge two books: an entry of this one replaces the one with the same key below, and these patterns are tried first."""
        # A replaced address keeps its position, since positions decide the order of records.
        exact = {**below.exact, **self.exact}
        own_patterns = {pattern.text for pattern in self.patterns}
        for key in own_patterns & exact.keys():
            del exact[key]
        inherited = {
            pattern: rule
            for pattern, rule in below.patterns.items()
            if pattern not in self.patterns and pattern.text not in self.exact
        }
        return AddressBook(
            exact,
            {**self.patterns, **inherited},
            {**below._tokens_without(self.exact, own_patterns), **self.tokens},
            below.new_today.difference(self.exact, own_patterns) | self.new_today,
        )

    def entry(self, address: str) -> AddressRule | None:
        """Return the entry of exactly this address or pattern."""
        return self.exact.get(fold(address)) or self.patterns.get(Pattern.of(address))

    def with_entry(self, rule: AddressRule) -> AddressBook:
        """Add an entry or replace the one with the same key; a new pattern is tried first, a replaced one keeps its turn."""
        pattern = Pattern.of(rule.address)
        if rule.is_pattern and pattern in self.patterns:
            return replace(self, patterns={**self.patterns, pattern: rule})
        return AddressBook.of([rule]).over(self)

    def without(self, address: str) -> AddressBook:
        """Remove an entry."""
        key, exact, patterns = fold(address), dict(self.exact), dict(self.patterns)
        exact.pop(key, None)
        patterns.pop(Pattern.of(address), None)
        return AddressBook(exact, patterns, self._tokens_without((key,)), self.new_today - {key})

    def rule(self, address: str) -> AddressRule | None:
        """Return the rule for an address: its entry, else that of the first matching pattern, else None.

        A pattern matches only well-formed addresses.
        """
        folded = fold(address)
        exact = self.exact.get(folded)
        if exact is not None or not self.patterns or not is_valid(address):
            return exact
        return next((rule for pattern, rule in self.patterns.items() if pattern.matches(folded)), None)

    def _tokens_without(self, *keys: Collection[str]) -> dict[str, str]:
        return {token: address for token, address in self.tokens.items() if not any(fold(address) in group for group in keys)}
