"""The records that a scenario gives to an account."""

from __future__ import annotations

from alimock.scenario.address_rules import AddressOutcome, AddressRule, Status
from alimock.spec.times import SECONDS_PER_DAY
from alimock.state.ids import IdGenerator
from alimock.state.record import LOOPBACK, VERIFIED, WAITING, Record

_DEFAULT_VALID_DAYS = 3


class InitialRecords:
    """Makes records from the rules of a scenario; what a rule leaves out follows from what it says and from the account."""

    def __init__(self, ids: IdGenerator, user_id: str, first_seen: int, link_valid_days: int | None) -> None:
        self._ids = ids
        self._user_id = user_id
        self._first_seen = first_seen
        # An expired record was created one day before its link could still be valid.
        days = _DEFAULT_VALID_DAYS if link_valid_days is None else link_valid_days
        self._expired_age = (days + 1) * SECONDS_PER_DAY

    def created(self, rule: AddressRule, now: int | None = None) -> int:
        """Return when the record of a rule was created: the rule's own time, else relative to `now` or the account's start."""
        if rule.created is not None:
            return rule.created
        start = self._first_seen if now is None else now
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
