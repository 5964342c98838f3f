"""An account as it is now, as a scenario that starts in the same state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from alimock.scenario.address_book import AddressBook
from alimock.scenario.address_rules import SEND, AddressOutcome, AddressRule, ScriptedResponse, Status
from alimock.scenario.model import Scenario
from alimock.spec.address import fold, is_valid
from alimock.spec.error_catalog import PARAMETER_ILLEGALL, SEND_TOKEN_QUOTA_EXCEEDED
from alimock.spec.times import format_time
from alimock.state.account import Account
from alimock.state.record import SUBMITTED, VERIFIED, Record

_OUTCOMES = {Status.NONE: AddressOutcome.UNKNOWN, Status.PENDING: AddressOutcome.PENDING, Status.VERIFIED: AddressOutcome.VERIFIED}
_REFUSING = {SEND_TOKEN_QUOTA_EXCEEDED.code: AddressOutcome.QUOTA_EXCEEDED, PARAMETER_ILLEGALL.code: AddressOutcome.ILLEGAL}
_PLACE = "a snapshot"


def snapshot(account: Account, store: Scenario) -> Scenario:
    """Gives the scenario from which an account starts as this one is now; keys, checks and codes are those of the world's.

    Mails that were sent and nonces that were used are no part of it; a token that is open stays so.
    """
    records = {fold(record.email): record for record in account.in_order()}
    entries = [
        _entry(account, records[name].email if name in records else name, records.get(name))
        for name in _in_order(account, records)
        if name in records or _is_remembered(account, name)
    ]
    now, standing = account.clock.now(), account.clock.frozen_at is not None
    scenario = account.scenario
    named = {account.name: account.user_id} if account.name in store.user_ids else {}
    return replace(
        scenario,
        name=_PLACE,
        description=f"The account {account.name} as it was at {format_time(now)}.",
        clock=now if standing or account.clock.offset else None,
        clock_runs=not standing,
        authentication=store.authentication,
        timestamps=store.timestamps,
        unknown_keys=store.unknown_keys,
        user_ids={**store.user_ids, **named},
        access_keys=store.access_keys,
        codes=store.codes,
        addresses=AddressBook.of(entries, (_pattern(account, one.rule) for one in account.addresses.patterns)),
        account_addresses={},
        faults={
            key: replace(fault, seen=fault.seen + account.fault_calls[key], hits=fault.hits + account.fault_hits[key])
            for key, fault in account.faults.items()
        },
    )


def _in_order(account: Account, records: Mapping[str, Record]) -> Iterable[str]:
    """Gives all known addresses, folded, in the order of their records; one without a record that the scenario names keeps its
    place there, since a record that it gets later has that place.
    """
    submitted = (name for name, record in records.items() if record.decided_by == SUBMITTED)
    return dict.fromkeys((*submitted, *account.addresses.exact, *records, *sorted(account.known_addresses())))


def _is_remembered(account: Account, address: str) -> bool:
    """Says whether an address without a record is any other than one that nobody ever named."""
    if not is_valid(address):
        # Its lower case is longer than an address may be, and cannot be written down.
        return False
    return account.addresses.rule(address) is not None or account.sends_today(address) > 0 or account.is_new_today(address)


def _entry(account: Account, email: str, record: Record | None) -> AddressRule:
    status = Status.NONE if record is None else Status.VERIFIED if record.verification_status == VERIFIED else Status.PENDING
    answers = account.remaining_answers(email)
    outcome, sending = _outcome(status, answers.pop(SEND, (ScriptedResponse(),)))
    rule = AddressRule(
        email,
        _PLACE,
        outcome,
        status,
        exact="*" in email,
        sends_today=account.sends_today(email),
        new_today=account.is_new_today(email),
        answers={**answers, **({SEND: sending} if any(answer.code for answer in sending) else {})},
    )
    return rule if record is None else _with_fields(rule, record, account.open_token(record))


def _outcome(status: Status, sending: tuple[ScriptedResponse, ...]) -> tuple[AddressOutcome, tuple[ScriptedResponse, ...]]:
    """Gives the outcome that an entry begins with, and the answers to Submit and Resend behind it."""
    first = sending[0]
    refusing = _REFUSING.get(first.code or "") if first.message is None else None
    if refusing is not None or first.code is None:
        return refusing or _OUTCOMES[status], sending
    # No outcome stands for this answer, so that of the record comes first and for no call.
    return _OUTCOMES[status], (ScriptedResponse(times=0), *sending)


def _with_fields(rule: AddressRule, record: Record, token: str | None) -> AddressRule:
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
        token=token,
    )


def _pattern(account: Account, rule: AddressRule) -> AddressRule:
    """Fixes what a pattern says about the account's first sight, since that of the scenario's next account is another."""
    sends = rule.sends_today if account.is_first_day() else 0
    if rule.status is Status.NONE:
        return replace(rule, sends_today=sends)
    record = account.record_of(rule, fold(rule.address))
    return replace(
        rule,
        sends_today=sends,
        gmt_create=record.gmt_create,
        gmt_modified=record.gmt_modified,
        token_send_time=record.token_send_time,
        verification_time=record.verification_time,
    )
