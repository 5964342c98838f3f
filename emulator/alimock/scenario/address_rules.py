"""The rules of addresses: the record and the responses that an entry of `addresses` defines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

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


@dataclass(frozen=True, slots=True)
class ScriptedResponse:
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
            return replace(step, times=step.times - given), *steps[number + 1 :]
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

    `location` is its file and line. A time that is None is relative to the first sight of the account. With `exact`, a `*` in the
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
