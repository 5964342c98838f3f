"""The current state of an account as a scenario that starts in this state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from alimock.scenario.address_rules import SEND, AddressBook, AddressOutcome, AddressRule, ScriptedResponse, Status
from alimock.scenario.model import Scenario, Timestamps
from alimock.spec.address import fold, is_plain, is_valid
from alimock.spec.error_catalog import PARAMETER_ILLEGALL, SEND_TOKEN_QUOTA_EXCEEDED
from alimock.spec.times import format_time
from alimock.state.account import Account
from alimock.state.ids import IdGenerator
from alimock.state.record import SUBMITTED, VERIFIED, WAITING, Record

_OUTCOMES = {Status.NONE: AddressOutcome.UNKNOWN, Status.PENDING: AddressOutcome.PENDING, Status.VERIFIED: AddressOutcome.VERIFIED}
_REFUSING = {SEND_TOKEN_QUOTA_EXCEEDED.code: AddressOutcome.QUOTA_EXCEEDED, PARAMETER_ILLEGALL.code: AddressOutcome.ILLEGAL}
_SOURCE = "a snapshot"


def snapshot(account: Account, base: Scenario) -> Scenario:
    """Return a scenario from which an account starts as this one is now; keys, checks and codes are those of `base`.

    Sent mails and used nonces are not part of it. An open token stays open.
    """
    records = {fold(record.email): record for record in account.records()}
    entries = [
        _entry(account, records[name].email if name in records else name, records.get(name))
        for name in _ordered(account, records)
        if name in records or _is_remembered(account, name)
    ]
    now, frozen = account.clock.now(), account.clock.frozen_at is not None
    scenario = account.scenario
    named = {account.name: account.user_id} if account.name in base.user_ids else {}
    return replace(
        scenario,
        name=_SOURCE,
        description=f"The account {account.name} as it was at {format_time(now)}.",
        clock=now if frozen or account.clock.offset else None,
        clock_runs=not frozen,
        authentication=base.authentication,
        timestamps=scenario.timestamps if base.timestamps is Timestamps.CHECKED else base.timestamps,
        unknown_keys=base.unknown_keys,
        user_ids={**base.user_ids, **named},
        access_keys=base.access_keys,
        codes=base.codes,
        addresses=AddressBook.of((*entries, *(_pattern(account, rule) for rule in account.addresses.patterns.values()))),
        account_addresses={},
        faults=tuple(
            replace(fault, seen=fault.seen + account.fault_calls[key], hits=fault.hits + account.fault_hits[key])
            for key, fault in account.faults.items()
        ),
    )


def _ordered(account: Account, records: Mapping[str, Record]) -> Iterable[str]:
    """Return all known addresses, folded, in the order of their records.

    An address of the scenario without a record keeps its place, which is that of a record it may get later.
    """
    submitted = (name for name, record in records.items() if record.decided_by == SUBMITTED)
    return dict.fromkeys((*submitted, *account.addresses.exact, *records, *sorted(account.known_addresses())))


def _is_remembered(account: Account, address: str) -> bool:
    """Return whether an address without a record differs from one that was never used."""
    used = account.addresses.rule(address) is not None or account.sends_today(address) > 0 or account.is_new_today(address)
    # The lower case of a valid address may be too long, so that no scenario can name it.
    return used and is_valid(address)


def _entry(account: Account, email: str, record: Record | None) -> AddressRule:
    status = Status.NONE if record is None else Status.VERIFIED if record.verification_status == VERIFIED else Status.PENDING
    answers = account.remaining_answers(email)
    outcome, sending = _outcome(status, answers.pop(SEND, (ScriptedResponse(),)))
    rule = AddressRule(
        email,
        _SOURCE,
        outcome,
        status,
        exact=not is_plain(email),
        sends_today=account.sends_today(email),
        new_today=account.is_new_today(email),
        answers={**answers, **({SEND: sending} if any(answer.code for answer in sending) else {})},
    )
    return rule if record is None else _with_fields(rule, record, account.ids)


def _outcome(status: Status, sending: tuple[ScriptedResponse, ...]) -> tuple[AddressOutcome, tuple[ScriptedResponse, ...]]:
    """Return the outcome of an entry, and the responses to Submit and Resend, the first of which is that outcome's."""
    first = sending[0]
    refusing = _REFUSING.get(first.code or "") if first.message is None else None
    if refusing is not None or first.code is None:
        return refusing or _OUTCOMES[status], sending
    # No outcome has this response, so the outcome of the record comes first, for 0 calls.
    return _OUTCOMES[status], (ScriptedResponse(times=0), *sending)


def _with_fields(rule: AddressRule, record: Record, ids: IdGenerator) -> AddressRule:
    token = record.token if record.token_serial is None else ids.token(record.token_serial)
    return replace(
        rule,
        email_verification_no=record.email_verification_no,
        user_id=record.user_id,
        send_ip=record.send_ip,
        confirm_ip=record.confirm_ip,
        gmt_create=record.gmt_create,
        gmt_modified=record.gmt_modified,
        token_send_time=record.token_send_time,
        verification_time=record.verification_time,
        token=token if record.verification_status == WAITING else None,
    )


def _pattern(account: Account, rule: AddressRule) -> AddressRule:
    """Make the times of a pattern absolute, since they were relative to the start of this account."""
    sends = rule.sends_today if account.quotas.is_first_day else 0
    if rule.status is Status.NONE:
        return replace(rule, sends_today=sends)
    record = account.initial.make(rule, fold(rule.address))
    return replace(
        rule,
        sends_today=sends,
        gmt_create=record.gmt_create,
        gmt_modified=record.gmt_modified,
        token_send_time=record.token_send_time,
        verification_time=record.verification_time,
    )
