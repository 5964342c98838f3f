"""The entries of `addresses`: what each address of a scenario has and does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

from alimock.spec.error_catalog import PARAMETER_ILLEGALL, SEND_TOKEN_QUOTA_EXCEEDED


class AddressOutcome(Enum):
    """The shorthand for what an address does."""

    VERIFIED = "verified"
    PENDING = "pending"
    EXPIRED = "expired"
    QUOTA_EXCEEDED = "quota-exceeded"
    ILLEGAL = "illegal"
    UNKNOWN = "unknown"


class Age(Enum):
    """Since when a record of a scenario is there."""

    WRITTEN = "the time that its entry says"
    SIGHT = "the first sight of the account"
    EXPIRED = "so long before the first sight that its link is too old"


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
OUTCOME_STATUS: Mapping[AddressOutcome, Status] = {
    AddressOutcome.VERIFIED: Status.VERIFIED,
    AddressOutcome.PENDING: Status.PENDING,
    AddressOutcome.EXPIRED: Status.PENDING,
    AddressOutcome.QUOTA_EXCEEDED: Status.PENDING,
    AddressOutcome.ILLEGAL: Status.NONE,
    AddressOutcome.UNKNOWN: Status.NONE,
}


@dataclass(frozen=True, slots=True)
class ScriptedResponse:
    """What an operation answers for an address in place of what it would do; without a code it does that.

    A code with a message is the user's own, no code of the service. `times` is how many calls get it, None is all that follow.
    """

    code: str | None = None
    message: str | None = None
    status: int | None = None
    times: int | None = None


ScriptedResponses = Mapping[str, tuple[ScriptedResponse, ...]]


def remaining(steps: tuple[ScriptedResponse, ...], given: int) -> tuple[ScriptedResponse, ...]:
    """Gives what is left of the answers in turn once so many calls got theirs."""
    for number, step in enumerate(steps):
        if step.times is None:
            return steps[number:]
        if given < step.times:
            return replace(step, times=step.times - given), *steps[number + 1 :]
        given -= step.times
    return ()


# What the outcomes that stand for a refusal answer to Submit and Resend.
OUTCOME_ANSWERS: Mapping[AddressOutcome, ScriptedResponses] = {
    AddressOutcome.QUOTA_EXCEEDED: {SEND: (ScriptedResponse(SEND_TOKEN_QUOTA_EXCEEDED.code),)},
    AddressOutcome.ILLEGAL: {SEND: (ScriptedResponse(PARAMETER_ILLEGALL.code),)},
}
NO_ANSWERS: ScriptedResponses = {}


@dataclass(frozen=True, slots=True)
class AddressRule:
    """One entry of `addresses`: what an address, or every address that a pattern matches, has and does.

    `place` is the file and line of the entry. A time that is None is relative: it counts from the first sight of the account.
    With `exact` a `*` in the address is a letter. `answers` has, by the operation or `SEND`, the answers it gives in turn, of
    which the last has no `times`.
    """

    address: str
    place: str
    outcome: AddressOutcome
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
    answers: ScriptedResponses = field(default_factory=lambda: NO_ANSWERS)

    @property
    def age(self) -> Age:
        """Since when the record is there."""
        if self.created is not None:
            return Age.WRITTEN
        return Age.EXPIRED if self.outcome is AddressOutcome.EXPIRED else Age.SIGHT

    @property
    def created(self) -> int | None:
        """The time at which the record was created as far as the entry says so, in epoch seconds."""
        later = (self.verification_time, self.gmt_modified)
        return self.gmt_create or self.token_send_time or min(filter(None, later), default=None)

    @property
    def is_pattern(self) -> bool:
        """Whether the rule is for all addresses that match."""
        return "*" in self.address and not self.exact

    def sequence(self, action: str) -> tuple[str, tuple[ScriptedResponse, ...]]:
        """Gives the answers of an operation in turn, and under which name they stand."""
        name = SEND if action in _SENDING and action not in self.answers else action
        return name, self.answers.get(name, ())
