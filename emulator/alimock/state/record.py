"""A record: one address of an account, and what its tokens are good for."""

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

    `decided_by` says where the record comes from: an entry of the scenario, or a Submit. `token_serial` is that of the token sent
    last.
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


class TokenState(Enum):
    """What a token is good for now."""

    OPEN = "open"
    USED = "used"
    VOID = "void"
    EXPIRED = "expired"
