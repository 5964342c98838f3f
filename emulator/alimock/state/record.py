"""A record: one address of an account, the state of its tokens, and how it starts from a rule of the scenario."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from alimock.scenario.address_rules import AddressOutcome, AddressRule, Status
from alimock.spec.times import SECONDS_PER_DAY, parse_time
from alimock.state.ids import IdGenerator

WAITING = 0
VERIFIED = 1
LOOPBACK = "127.0.0.1"
SUBMITTED = "rule submitted-record"
_DEFAULT_VALID_DAYS = 3
_LAST_TIME = parse_time("9989-12-31 23:59:59")


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


def link_expires(sent: int, valid_days: int | None) -> int | None:
    """Return when the link of a mail that was sent at a time expires; None for never, or after the last time there can be."""
    expires = sent + valid_days * SECONDS_PER_DAY if valid_days is not None else None
    return expires if expires is not None and expires <= _LAST_TIME else None


class InitialRecords:
    """The factory of records from the rules of a scenario. What a rule omits follows from the rest of it and from the account."""

    def __init__(self, ids: IdGenerator, user_id: str, account_start: int, link_valid_days: int | None) -> None:
        self._ids = ids
        self._user_id = user_id
        self.account_start = account_start
        # An expired record was created one day before its link could still be valid.
        days = _DEFAULT_VALID_DAYS if link_valid_days is None else link_valid_days
        self._expired_age = (days + 1) * SECONDS_PER_DAY

    def created(self, rule: AddressRule, now: int | None = None) -> int:
        """Return when the record of a rule was created: the rule's own time, else relative to `now` or the account's start."""
        if rule.created is not None:
            return rule.created
        start = self.account_start if now is None else now
        return start - self._expired_age if rule.outcome is AddressOutcome.EXPIRED else start

    def make(self, rule: AddressRule, address: str, now: int | None = None) -> Record:
        """Return a new record for an address from its rule."""
        if not rule.is_pattern:
            address = rule.address
        verified = rule.status is Status.VERIFIED
        created = self.created(rule, now)
        sent = rule.token_send_time or created
        verification_time = (rule.verification_time or sent) if verified else None
        return Record(
            address,
            rule.email_verification_no or self._ids.email_verification_no(address),
            rule.user_id or self._user_id,
            gmt_create=created,
            gmt_modified=rule.gmt_modified or verification_time or sent,
            token_send_time=sent,
            send_ip=rule.send_ip or LOOPBACK,
            decided_by=rule.location,
            verification_status=VERIFIED if verified else WAITING,
            verification_time=verification_time,
            confirm_ip=(rule.confirm_ip or LOOPBACK) if verified else None,
            token=rule.token,
        )
