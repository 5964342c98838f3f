"""A record: one address of an account, and the state of its tokens."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

WAITING = 0
VERIFIED = 1
LOOPBACK = "127.0.0.1"
SUBMITTED = "rule submitted-record"


@dataclass(slots=True)
class Record:
    """One address of an account, with the fields that the API shows; times are epoch seconds.

    `decided_by` is the entry of the scenario that made the record, or `SUBMITTED`. `number` counts the records that calls made in
    the account, whether by a Submit or by the first call for an address of a pattern. `token_serial` is the serial of the token
    that was sent last.
    """

    email: str
    email_verification_no: str
    user_id: str
    gmt_create: int
    gmt_modified: int
    token_send_time: int
    send_ip: str
    decided_by: str
    verification_status: int = WAITING
    verification_time: int | None = None
    confirm_ip: str | None = None
    token: str | None = None
    token_serial: int | None = None
    number: int = 0


class TokenState(Enum):
    """The state of a token."""

    OPEN = "open"
    USED = "used"
    VOID = "void"
    EXPIRED = "expired"
