"""What happened: the journal of calls with what decided each, and the changes of every kind, in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum


class EventType(str, Enum):
    """The kinds of changes."""

    CALL = "call"
    MAIL = "mail"
    VERIFICATION = "verification"
    ADDRESS = "address"
    FAULT = "fault"
    ACCESS_KEY = "access key"
    DELETION = "deletion"
    CLOCK = "clock"
    SCENARIO = "scenario"
    RESET = "reset"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened in an account, or in all of them, which is an empty name; `subject` is what it happened to."""

    sequence: int
    kind: EventType
    account_name: str
    subject: str
    received: float

    @property
    def id(self) -> str:
        """The sequence as text."""
        return str(self.sequence)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome for one address of a call, or for the call as a whole if `email` is empty, and what decided it.

    `outcome` is `success`, `exist`, `found`, another word, or a code. `mail_id` is the mail that was sent to the address.
    """

    email: str
    outcome: str
    decided_by: str
    mail_id: str | None = None


@dataclass(frozen=True, slots=True)
class CallEntry:
    """A call and how it was answered; no secret and no signature is kept of it.

    `peer` and `user_agent` say where it came from, `signature` by which algorithm it was signed (None: it was not). `messages` are
    the ids of the mails it caused. `received` is the real time in epoch seconds, `seconds` how long the answer took.
    """

    id: str
    sequence: int
    account_name: str
    request_id: str
    access_key_id: str | None
    action: str
    version: str
    profile: str
    format: str
    method: str
    peer: str
    user_agent: str
    parameters: Mapping[str, str]
    signature: str | None
    authentication: str
    status: int
    code: str
    decisions: tuple[Outcome, ...]
    fault: str | None
    messages: tuple[str, ...]
    received: float
    seconds: float
