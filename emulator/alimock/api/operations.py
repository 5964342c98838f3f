"""The seven operations: typed values in, plain values out. They know nothing of HTTP, XML or profiles.

Where the service publishes nothing, their behavior is assumed. Every refusal names what decided it in `decided_by`. Callers hold
the store's lock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from alimock.spec import address
from alimock.spec import error_catalog as errors
from alimock.spec.contract import Evidence, Field, Result, Row
from alimock.spec.errors import ApiError, ErrorDefinition, Origin
from alimock.state.account import Account
from alimock.state.log import EventType, Outcome
from alimock.state.outbox import Mail
from alimock.state.record import VERIFIED, Record, TokenState
from alimock.state.store import Store

# Marks a response that the scenario's author wrote.
CUSTOM = "(custom answer)"


class OperationContext(NamedTuple):
    """What every operation needs to know about its call. `ip` is UserClientIp, or the peer's address.

    `targets` are those that its mails are delivered to, and `mails` collects the mails.
    """

    store: Store
    account: Account
    access_key_id: str | None
    request_id: str
    action: str
    ip: str
    lang: str
    targets: tuple[str, ...]
    mails: list[Mail]


class OperationResult(NamedTuple):
    """What an operation returns: the response's fields in snake case, and the outcome of each address."""

    fields: Result
    outcomes: tuple[Outcome, ...] = ()


def submit_email_verification(context: OperationContext, *, email: tuple[str, ...], send_if_exist: bool) -> OperationResult:
    """Create a record for each new address and send its mail. A pending address gets another mail with `send_if_exist` only."""
    return _batch(context, email, lambda one: _submit(context, one, send_if_exist=send_if_exist), ("exist", "success", "fail"))


def resend_email_verification(context: OperationContext, *, email: tuple[str, ...]) -> OperationResult:
    """Send each pending address a new mail, whose token supersedes the previous one."""
    return _batch(context, email, lambda one: _resend(context, one), ("success", "fail"))


def delete_email_verification(context: OperationContext, *, email: tuple[str, ...]) -> OperationResult:
    """Delete records, whatever their status."""
    return _batch(context, email, lambda one: _delete(context, one), ("success", "fail"))


def verify_email(context: OperationContext, *, token: str) -> OperationResult:
    """Verify the address that a token was sent to."""
    found = context.account.record_of_token(token)
    if found is None:
        owner = context.store.account_of_token(token)
        reason = f" (account {owner.name} has it)" if owner not in (None, context.account) else ""
        raise ApiError(errors.PARAMETER_ILLEGAL, f"rule unknown-token{reason}")
    record, state = found
    _refuse_if_scripted(context, record.email)
    if state is not TokenState.OPEN:
        raise ApiError(errors.PARAMETER_ILLEGAL, f"rule {state.value}-token ({record.email})")
    context.account.verify(record, context.ip)
    context.store.record_event(EventType.VERIFICATION, context.account.name, record.email)
    return OperationResult({}, (Outcome(record.email, "verified", "rule open-token"),))


def query_email_verification(context: OperationContext, *, email: str | None) -> OperationResult:
    """Return the record of an address, or the account's first record if the profile allows a call without an address."""
    record = next(context.account.records(), None) if email is None else _find(context, email, errors.PARAMETER_ILLEGAL)
    if record is None:
        raise ApiError(errors.PARAMETER_ILLEGAL, _why_unknown(context, ""))
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
    """Return one page of the records, newest first. The bounds are epoch milliseconds and inclusive."""
    # Records are created at whole seconds.
    oldest = None if begin_create_time is None else -(-begin_create_time // 1000)
    newest = None if end_create_time is None else end_create_time // 1000
    start = (page_num - 1) * page_size
    if email is None:
        found, page = context.account.page(start, page_size, verification_status, oldest, newest)
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
    """Succeed for a verified address, refuse any other."""
    record = _find(context, email, errors.REG_CONTACT_EMAIL_NOT_VERIFIED)
    if record.verification_status != VERIFIED:
        raise ApiError(errors.REG_CONTACT_EMAIL_NOT_VERIFIED, record.decided_by)
    return OperationResult({}, (Outcome(record.email, "verified", record.decided_by),))


def _batch(
    context: OperationContext, emails: tuple[str, ...], handle: Callable[[str], Outcome], lists: tuple[str, ...]
) -> OperationResult:
    """Process the addresses of a batch one by one. A refused one becomes a row of FailList and does not stop the others."""
    rows: dict[str, list[Row]] = {name: [] for name in lists}
    outcomes = []
    for email in emails:
        try:
            outcome = handle(email)
            rows[outcome.outcome].append({"email": email})
        except ApiError as error:
            outcome = Outcome(email, error.code, error.decided_by)
            rows["fail"].append({"email": email, "code": error.code, "message": error.message(context.lang)})
        outcomes.append(outcome)
    return OperationResult({f"{name}_list": tuple(found) for name, found in rows.items()}, tuple(outcomes))


def _submit(context: OperationContext, email: str, *, send_if_exist: bool) -> Outcome:
    _refuse_malformed(email)
    _refuse_if_scripted(context, email)
    account = context.account
    record = account.find(email)
    if record is not None:
        if record.verification_status == VERIFIED or not send_if_exist:
            return Outcome(email, "exist", record.decided_by)
        return Outcome(email, "success", "rule send-if-exist", _send(context, record))
    _refuse_over_quota(context, email)
    limit = account.scenario.limits.addresses_per_day
    if limit is not None and account.new_addresses_today() >= limit and not account.is_new_today(email):
        raise ApiError(errors.SEND_TOKEN_QUOTA_EXCEEDED, f"rule addresses_per_day ({limit})")
    return Outcome(email, "success", "rule new-address", _send(context, account.create(email, context.ip)))


def _resend(context: OperationContext, email: str) -> Outcome:
    _refuse_malformed(email)
    record = _find(context, email, errors.PARAMETER_ILLEGALL)
    if record.verification_status == VERIFIED:
        raise ApiError(errors.PARAMETER_ILLEGALL, f"rule already-verified ({record.decided_by})")
    return Outcome(email, "success", "rule waiting-address", _send(context, record))


def _delete(context: OperationContext, email: str) -> Outcome:
    record = _find(context, email, errors.PARAMETER_ILLEGALL)
    context.account.delete(email)
    return Outcome(email, "success", record.decided_by)


def _find(context: OperationContext, email: str, missing: ErrorDefinition) -> Record:
    """Return the record of an address. Refuse it if the scenario scripts that, and with `missing` if it has no record."""
    _refuse_if_scripted(context, email.strip())
    record = context.account.find(email.strip())
    if record is None:
        raise ApiError(missing, _why_unknown(context, email))
    return record


def _refuse_malformed(email: str) -> None:
    if not address.is_valid(email):
        raise ApiError(errors.PARAMETER_ILLEGALL, "rule malformed-address")


def _refuse_if_scripted(context: OperationContext, email: str) -> None:
    """Refuse an address if the scenario scripts that for this operation; its record does not matter then."""
    rule = context.account.addresses.rule(email)
    if rule is None or not rule.answers:
        return
    scripted = context.account.answer(email, context.action)
    if scripted is None or scripted.code is None:
        return
    if scripted.message is None:
        raise ApiError(errors.ANSWER_CODES[scripted.code], rule.location)
    custom = ErrorDefinition(
        scripted.code, scripted.status, scripted.message, Evidence.ASSUMED, "the scenario", origin=Origin.BACKEND
    )
    raise ApiError(custom, f"{rule.location} {CUSTOM}")


def _refuse_over_quota(context: OperationContext, email: str) -> None:
    limit = context.account.scenario.limits.sends_per_address_per_day
    if limit is not None and context.account.sends_today(email) >= limit:
        raise ApiError(errors.SEND_TOKEN_QUOTA_EXCEEDED, f"rule sends_per_address_per_day ({limit})")


def _send(context: OperationContext, record: Record) -> str:
    """Give a record a new token and add its mail to the outbox, unless the day's quota is used up. Return the mail's id."""
    _refuse_over_quota(context, record.email)
    serial = context.account.send(record)
    mail = context.store.add_mail(
        context.account,
        access_key_id=context.access_key_id,
        request_id=context.request_id,
        action=context.action,
        to=record.email,
        lang=context.lang,
        serial=serial,
        targets=context.targets,
    )
    context.mails.append(mail)
    return mail.id


def _why_unknown(context: OperationContext, email: str) -> str:
    rule = context.account.addresses.rule(email)
    if context.account.is_deleted(email):
        return "rule deleted-address"
    if rule is not None:
        return rule.location
    other = context.store.other_account_with(context.account, email)
    return "rule unknown-address" + (f" (account {other.name} has it, {context.account.name} does not)" if other else "")


def _fields(record: Record) -> Row:
    """Return the fields of a record that the API shows."""
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


# The handler of each operation of the contract.
HANDLERS: Mapping[str, Callable[..., OperationResult]] = {
    "SubmitEmailVerification": submit_email_verification,
    "ResendEmailVerification": resend_email_verification,
    "VerifyEmail": verify_email,
    "QueryEmailVerification": query_email_verification,
    "ListEmailVerification": list_email_verification,
    "DeleteEmailVerification": delete_email_verification,
    "EmailVerified": email_verified,
}
