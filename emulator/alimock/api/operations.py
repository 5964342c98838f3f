"""The seven operations: typed values in, plain values out. They know neither HTTP nor XML nor profiles.

Where the service publishes nothing, what they do is assumed; each refusal says by `decided_by` what decided it. Callers hold the
world's lock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from alimock.spec import address
from alimock.spec.contract import Field, Result, Row
from alimock.spec.error_catalog import (
    ANSWER_CODES,
    PARAMETER_ILLEGAL,
    PARAMETER_ILLEGALL,
    REG_CONTACT_EMAIL_NOT_VERIFIED,
    SEND_TOKEN_QUOTA_EXCEEDED,
)
from alimock.spec.errors import ApiError, ErrorDefinition, Origin
from alimock.spec.evidence import Evidence
from alimock.state.account import Account
from alimock.state.events import EventType, Outcome
from alimock.state.record import VERIFIED, Record, TokenState
from alimock.state.store import Store

# Marks what the user of a scenario made up.
CUSTOM = "(custom answer)"


@dataclass(frozen=True, slots=True)
class OperationContext:
    """Who calls, and what every operation needs to know of the call; `ip` is UserClientIp, else the peer's address."""

    store: Store
    account: Account
    access_key_id: str | None
    request_id: str
    action: str
    ip: str
    lang: str


@dataclass(frozen=True, slots=True)
class OperationResult:
    """What an operation gives back: the result's fields in snake case, and the decisions behind them."""

    fields: Result
    decisions: tuple[Outcome, ...] = ()


class _Refusal(Exception):
    """The refusal of one address of a batch, which ends in FailList."""

    def __init__(self, definition: ErrorDefinition, decided_by: str) -> None:
        self.definition = definition
        self.decided_by = decided_by
        super().__init__(definition.code)


def submit_email_verification(context: OperationContext, *, email: tuple[str, ...], send_if_exist: bool) -> OperationResult:
    """Makes records for new addresses and sends each its mail; known ones get another mail only if asked for."""
    return _batch(context, email, lambda one: _submit(context, one, send_if_exist=send_if_exist), ("exist", "success", "fail"))


def resend_email_verification(context: OperationContext, *, email: tuple[str, ...]) -> OperationResult:
    """Sends waiting addresses a new mail, whose token makes the one before void."""
    return _batch(context, email, lambda one: _resend(context, one), ("success", "fail"))


def delete_email_verification(context: OperationContext, *, email: tuple[str, ...]) -> OperationResult:
    """Deletes records, whatever their status."""
    return _batch(context, email, lambda one: _delete(context, one), ("success", "fail"))


def verify_email(context: OperationContext, *, token: str) -> OperationResult:
    """Verifies the address that a token was sent to."""
    found = context.account.record_of_token(token)
    if found is None:
        owner = context.store.account_of_token(token)
        reason = f" (account {owner.name} has it)" if owner not in (None, context.account) else ""
        raise ApiError(PARAMETER_ILLEGAL, f"rule unknown-token{reason}")
    record, state = found
    _raise_answer(context, record.email)
    if state is not TokenState.OPEN:
        raise ApiError(PARAMETER_ILLEGAL, f"rule {state.value}-token ({record.email})")
    context.account.verify(record, context.ip)
    context.store.record_event(EventType.VERIFICATION, context.account.name, record.email)
    return OperationResult({}, (Outcome(record.email, "verified", "rule open-token"),))


def query_email_verification(context: OperationContext, *, email: str | None) -> OperationResult:
    """Gives the record of an address; without one, where the profile allows that, the account's first record."""
    if email is not None:
        _raise_answer(context, email.strip())
    record = context.account.first_record() if email is None else context.account.find(email.strip())
    if record is None:
        raise ApiError(PARAMETER_ILLEGAL, _why_unknown(context, email or ""))
    return OperationResult(_fields(record), (Outcome(record.email, "found", record.decided_by),))


def list_email_verification(
    context: OperationContext,
    *,
    email: str | None,
    verification_status: int | None,
    begin_create_time: int | None,
    end_create_time: int | None,
    page_num: int,
    page_size: int,
) -> OperationResult:
    """Gives one page of the records, newest first; the bounds are epoch milliseconds and count themselves."""
    # Records have whole seconds.
    oldest = None if begin_create_time is None else -(-begin_create_time // 1000)
    newest = None if end_create_time is None else end_create_time // 1000
    start = (page_num - 1) * page_size
    if email is None:
        chosen = context.account.listing.select(verification_status, oldest, newest)
        found, page = len(chosen), context.account.listed(chosen, start, page_size)
    else:
        named = context.account.find(email.strip())
        kept = [named] if named is not None and _is_kept(named, verification_status, oldest, newest) else []
        found, page = len(kept), kept[start : start + page_size]
    pages = -(-found // page_size)
    fields: dict[str, Field | tuple[Row, ...]] = {
        "total_item_num": found,
        "page_size": page_size,
        "current_page_num": page_num,
        "total_page_num": pages,
        "pre_page": page_num > 1,
        "next_page": page_num < pages,
        "data": tuple(_fields(record) for record in page),
    }
    return OperationResult(fields, (Outcome("", f"{found} found", "rule list"),))


def _is_kept(record: Record, status: int | None, oldest: int | None, newest: int | None) -> bool:
    return (
        status in (None, record.verification_status)
        and (oldest is None or record.gmt_create >= oldest)
        and (newest is None or record.gmt_create <= newest)
    )


def email_verified(context: OperationContext, *, email: str) -> OperationResult:
    """Succeeds for a verified address and refuses every other."""
    _raise_answer(context, email.strip())
    record = context.account.find(email.strip())
    if record is None:
        raise ApiError(REG_CONTACT_EMAIL_NOT_VERIFIED, _why_unknown(context, email))
    if record.verification_status != VERIFIED:
        raise ApiError(REG_CONTACT_EMAIL_NOT_VERIFIED, record.decided_by)
    return OperationResult({}, (Outcome(record.email, "verified", record.decided_by),))


def _batch(
    context: OperationContext, emails: tuple[str, ...], handle: Callable[[str], Outcome], lists: tuple[str, ...]
) -> OperationResult:
    """Handles the addresses of a batch one by one; a refused one is a row of FailList and stops no other."""
    rows: dict[str, list[Row]] = {name: [] for name in lists}
    decisions = []
    for email in emails:
        try:
            decision = handle(email)
            rows[decision.outcome].append({"email": email})
        except _Refusal as refusal:
            definition = refusal.definition
            decision = Outcome(email, definition.code, refusal.decided_by)
            rows["fail"].append({"email": email, "code": definition.code, "message": definition.message(context.lang)})
        decisions.append(decision)
    return OperationResult({f"{name}_list": tuple(found) for name, found in rows.items()}, tuple(decisions))


def _submit(context: OperationContext, email: str, *, send_if_exist: bool) -> Outcome:
    _refuse_malformed(email)
    _refuse_by_answer(context, email)
    account = context.account
    record = account.find(email)
    if record is not None:
        if record.verification_status == VERIFIED or not send_if_exist:
            return Outcome(email, "exist", record.decided_by)
        _send(context, record)
        return Outcome(email, "success", "rule send-if-exist")
    _refuse_over_sends(context, email)
    limit = account.scenario.limits.addresses_per_day
    if limit is not None and account.new_addresses_today() >= limit and not account.is_new_today(email):
        raise _Refusal(SEND_TOKEN_QUOTA_EXCEEDED, f"rule addresses_per_day ({limit})")
    _send(context, account.create(email, context.ip))
    return Outcome(email, "success", "rule new-address")


def _resend(context: OperationContext, email: str) -> Outcome:
    _refuse_malformed(email)
    _refuse_by_answer(context, email)
    record = context.account.find(email)
    if record is None:
        raise _Refusal(PARAMETER_ILLEGALL, _why_unknown(context, email))
    if record.verification_status == VERIFIED:
        raise _Refusal(PARAMETER_ILLEGALL, f"rule already-verified ({record.decided_by})")
    _send(context, record)
    return Outcome(email, "success", "rule waiting-address")


def _delete(context: OperationContext, email: str) -> Outcome:
    _refuse_by_answer(context, email)
    record = context.account.find(email)
    if record is None:
        raise _Refusal(PARAMETER_ILLEGALL, _why_unknown(context, email))
    context.account.delete(email)
    return Outcome(email, "success", record.decided_by)


def _refuse_malformed(email: str) -> None:
    if not address.is_valid(email):
        raise _Refusal(PARAMETER_ILLEGALL, "rule malformed-address")


def _refuse_by_answer(context: OperationContext, email: str) -> None:
    """Refuses an address of a batch if the scenario says so, which no record can change."""
    answered = _answer(context, email)
    if answered is not None:
        raise _Refusal(*answered)


def _raise_answer(context: OperationContext, email: str) -> None:
    """Refuses the call if the scenario says so for its address."""
    answered = _answer(context, email)
    if answered is not None:
        raise ApiError(*answered)


def _answer(context: OperationContext, email: str) -> tuple[ErrorDefinition, str] | None:
    """Gives the refusal that the scenario has for an address and this operation, and what decided it."""
    answer, rule = context.account.answer(email, context.action), context.account.addresses.rule(email)
    if answer is None or answer.code is None or rule is None:
        return None
    if answer.message is None:
        return ANSWER_CODES[answer.code], rule.place
    custom = ErrorDefinition(
        answer.code, answer.status, answer.message, Evidence.ASSUMED, "the scenario's own", origin=Origin.BACKEND
    )
    return custom, f"{rule.place} {CUSTOM}"


def _refuse_over_sends(context: OperationContext, email: str) -> None:
    limit = context.account.scenario.limits.sends_per_address_per_day
    if limit is not None and context.account.sends_today(email) >= limit:
        raise _Refusal(SEND_TOKEN_QUOTA_EXCEEDED, f"rule sends_per_address_per_day ({limit})")


def _send(context: OperationContext, record: Record) -> None:
    """Gives a record a new token and puts its mail into the outbox, unless the day's sends are used up."""
    _refuse_over_sends(context, record.email)
    serial = context.account.send(record)
    context.store.add_mail(
        context.account,
        access_key_id=context.access_key_id,
        request_id=context.request_id,
        action=context.action,
        to=record.email,
        lang=context.lang,
        serial=serial,
    )


def _why_unknown(context: OperationContext, email: str) -> str:
    rule = context.account.addresses.rule(email)
    if context.account.is_deleted(email):
        return "rule deleted-address"
    if rule is not None:
        return rule.place
    other = context.store.others_with(context.account, email)
    return "rule unknown-address" + (f" (account {other.name} has it, {context.account.name} does not)" if other else "")


def _fields(record: Record) -> Row:
    """Copies the fields of a record that the API shows."""
    return {
        "email": record.email,
        "email_verification_no": record.email_verification_no,
        "user_id": record.user_id,
        "verification_status": record.verification_status,
        "gmt_create": record.gmt_create,
        "gmt_modified": record.gmt_modified,
        "token_send_time": record.token_send_time,
        "verification_time": record.verification_time,
        "send_ip": record.send_ip,
        "confirm_ip": record.confirm_ip,
    }


# What answers each operation of the contract.
OPERATIONS: Mapping[str, Callable[..., OperationResult]] = {
    "SubmitEmailVerification": submit_email_verification,
    "ResendEmailVerification": resend_email_verification,
    "VerifyEmail": verify_email,
    "QueryEmailVerification": query_email_verification,
    "ListEmailVerification": list_email_verification,
    "DeleteEmailVerification": delete_email_verification,
    "EmailVerified": email_verified,
}
