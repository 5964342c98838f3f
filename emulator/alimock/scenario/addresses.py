"""The addresses of a scenario: what each has and does, and which entry an address belongs to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

from alimock.address import fold, is_valid
from alimock.errors import PARAMETER_ILLEGALL, SEND_TOKEN_QUOTA_EXCEEDED


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


# The operations that can be told what to answer for an address, by the names they have in a scenario.
ANSWERED_OPERATIONS: Mapping[str, str] = {
    "submit": "SubmitEmailVerification",
    "resend": "ResendEmailVerification",
    "delete": "DeleteEmailVerification",
    "query": "QueryEmailVerification",
    "verify": "VerifyEmail",
    "email_verified": "EmailVerified",
}
# Under this name stand the answers that Submit and Resend share: those of the outcome, and of `then` behind it.
SEND = "send"
_SENDING = (ANSWERED_OPERATIONS["submit"], ANSWERED_OPERATIONS["resend"])

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
class Answer:
    """What an operation answers for an address in place of what it would do; without a code it does that.

    A code with a message is the user's own, no code of the service. `times` is how many calls get it, None is all that follow.
    """

    code: str | None = None
    message: str | None = None
    status: int | None = None
    times: int | None = None


Answers = Mapping[str, tuple[Answer, ...]]


def remaining(steps: tuple[Answer, ...], given: int) -> tuple[Answer, ...]:
    """Gives what is left of the answers in turn once so many calls got theirs."""
    for number, step in enumerate(steps):
        if step.times is None:
            return steps[number:]
        if given < step.times:
            return replace(step, times=step.times - given), *steps[number + 1 :]
        given -= step.times
    return ()


# What the outcomes that stand for a refusal answer to Submit and Resend.
OUTCOME_ANSWERS: Mapping[Outcome, Answers] = {
    Outcome.QUOTA_EXCEEDED: {SEND: (Answer(SEND_TOKEN_QUOTA_EXCEEDED.code),)},
    Outcome.ILLEGAL: {SEND: (Answer(PARAMETER_ILLEGALL.code),)},
}
NO_ANSWERS: Answers = {}


@dataclass(frozen=True, slots=True)
class AddressRule:
    """One entry of `addresses`: what an address, or every address that a pattern matches, has and does.

    `place` is the file and line of the entry. A time that is None is relative: it counts from the first sight of the account.
    With `exact` a `*` in the address is a letter. `answers` has, by the operation or `SEND`, the answers it gives in turn, of
    which the last has no `times`.
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
    new_today: bool = False
    exact: bool = False
    answers: Answers = field(default_factory=lambda: NO_ANSWERS)

    @property
    def is_pattern(self) -> bool:
        """Whether the rule is for all addresses that match."""
        return "*" in self.address and not self.exact

    def sequence(self, action: str) -> tuple[str, tuple[Answer, ...]]:
        """Gives the answers of an operation in turn, and under which name they stand."""
        name = SEND if action in _SENDING and action not in self.answers else action
        return name, self.answers.get(name, ())


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


@dataclass(frozen=True, eq=False)
class AddressBook:
    """The entries of one account: the exact addresses by their folded form in the order of the file, the patterns in the order
    they are tried, the addresses by the open token that the file gives them, and those that count as new on the first day.
    """

    exact: Mapping[str, AddressRule] = field(default_factory=dict)
    patterns: tuple[AddressPattern, ...] = ()
    tokens: Mapping[str, str] = field(default_factory=dict)
    new_today: frozenset[str] = frozenset()

    @classmethod
    def of(cls, exact: Iterable[AddressRule], patterns: Iterable[AddressRule] = ()) -> AddressBook:
        """Makes a book of rules; of two rules for one address the later counts."""
        by_address = {fold(rule.address): rule for rule in exact}
        return cls(
            by_address,
            tuple(AddressPattern(Pattern.of(rule.address), rule) for rule in patterns),
            {rule.token: rule.address for rule in by_address.values() if rule.token is not None},
            frozenset(folded for folded, rule in by_address.items() if rule.new_today),
        )

    def rules(self) -> list[AddressRule]:
        """Gives the patterns in the order they are tried, then the exact addresses in the order of the file."""
        return [*(pattern.rule for pattern in self.patterns), *self.exact.values()]

    def entry(self, address: str) -> AddressRule | None:
        """Gives the entry of just this address, or of just this pattern."""
        folded = fold(address)
        exact = self.exact.get(folded)
        return exact or next((one.rule for one in self.patterns if fold(one.rule.address) == folded), None)

    def with_entry(self, rule: AddressRule) -> AddressBook:
        """Gives the book with an entry more, or in place of its like; a new pattern is tried before the others."""
        folded, rest = fold(rule.address), self.without(rule.address)
        if not rule.is_pattern:
            tokens = {**rest.tokens, rule.token: rule.address} if rule.token is not None else rest.tokens
            new_today = rest.new_today | {folded} if rule.new_today else rest.new_today
            # In the place of its like, since places decide the order of records.
            return AddressBook({**self.exact, folded: rule}, self.patterns, tokens, new_today)
        made = AddressPattern(Pattern.of(rule.address), rule)
        if self.entry(rule.address) is None:
            return replace(self, patterns=(made, *self.patterns))
        return replace(self, patterns=tuple(made if fold(one.rule.address) == folded else one for one in self.patterns))

    def without(self, address: str) -> AddressBook:
        """Gives the book without an entry."""
        folded = fold(address)
        return AddressBook(
            {key: rule for key, rule in self.exact.items() if key != folded} if folded in self.exact else self.exact,
            tuple(one for one in self.patterns if fold(one.rule.address) != folded),
            {token: email for token, email in self.tokens.items() if fold(email) != folded},
            self.new_today - {folded},
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
