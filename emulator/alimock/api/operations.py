"""The seven operations: typed values in, plain values out. They know neither HTTP nor XML nor profiles.

Where the service publishes nothing, what they do is assumed; each refusal says by `decided_by` what decided it. Callers hold the
world's lock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from alimock.spec import address
from alimock.spec.contract import Field, Result, Row
from alimock.spec.errors import (
    ANSWER_CODES,
    PARAMETER_ILLEGAL,
    PARAMETER_ILLEGALL,
    REG_CONTACT_EMAIL_NOT_VERIFIED,
    SEND_TOKEN_QUOTA_EXCEEDED,
    ApiError,
    ErrorDefinition,
    Origin,
)
from alimock.spec.evidence import Evidence
from alimock.state.account import Account
from alimock.state.events import Decision, Kind
from alimock.state.record import VERIFIED, Record, TokenState
from alimock.state.store import World

# Marks what the user of a scenario made up.
CUSTOM = "(custom answer)"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, and what every operation needs to know of the call; `ip` is UserClientIp, else the peer's address."""

    world: World
    account: Account
    access_key_id: str | None
    request_id: str
    action: str
    ip: str
    lang: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What an operation gives back: the result's fields in snake case, and the decisions behind them."""

    fields: Result
    decisions: tuple[Decision, ...] = ()


class _Refusal(Exception):
    """The refusal of one address of a batch, which ends in FailList."""

    def __init__(self, definition: ErrorDefinition, decided_by: str) -> None:
        self.definition = definition
        self.decided_by = decided_by
        super().__init__(definition.code)


def submit_email_verification(caller: Caller, *, email: tuple[str, ...], send_if_exist: bool) -> Answer:
    """Makes records for new addresses and sends each its mail; known ones get another mail only if asked for."""
    return _batch(caller, email, lambda one: _submit(caller, one, send_if_exist=send_if_exist), ("exist", "success", "fail"))


def resend_email_verification(caller: Caller, *, email: tuple[str, ...]) -> Answer:
    """Sends waiting addresses a new mail, whose token makes the one before void."""
    return _batch(caller, email, lambda one: _resend(caller, one), ("success", "fail"))


def delete_email_verification(caller: Caller, *, email: tuple[str, ...]) -> Answer:
    """Deletes records, whatever their status."""
    return _batch(caller, email, lambda one: _delete(caller, one), ("success", "fail"))


def verify_email(caller: Caller, *, token: str) -> Answer:
    """Verifies the address that a token was sent to."""
    found = caller.account.record_of_token(token)
    if found is None:
        owner = caller.world.account_of_token(token)
        reason = f" (account {owner.name} has it)" if owner not in (None, caller.account) else ""
        raise ApiError(PARAMETER_ILLEGAL, f"rule unknown-token{reason}")
    record, state = found
    _raise_answer(caller, record.email)
    if state is not TokenState.OPEN:
        raise ApiError(PARAMETER_ILLEGAL, f"rule {state.value}-token ({record.email})")
    caller.account.verify(record, caller.ip)
    caller.world.happened(Kind.VERIFICATION, caller.account.name, record.email)
    return Answer({}, (Decision(record.email, "verified", "rule open-token"),))


def query_email_verification(caller: Caller, *, email: str | None) -> Answer:
    """Gives the record of an address; without one, where the profile allows that, the account's first record."""
    if email is not None:
        _raise_answer(caller, email.strip())
    record = caller.account.first_record() if email is None else caller.account.find(email.strip())
    if record is None:
        raise ApiError(PARAMETER_ILLEGAL, _why_unknown(caller, email or ""))
    return Answer(_fields(record), (Decision(record.email, "found", record.decided_by),))


def list_email_verification(
    caller: Caller,
    *,
    email: str | None,
    verification_status: int | None,
    begin_create_time: int | None,
    end_create_time: int | None,
    page_num: int,
    page_size: int,
) -> Answer:
    """Gives one page of the records, newest first; the bounds are epoch milliseconds and count themselves."""
    # Records have whole seconds.
    oldest = None if begin_create_time is None else -(-begin_create_time // 1000)
    newest = None if end_create_time is None else end_create_time // 1000
    start = (page_num - 1) * page_size
    if email is None:
        chosen = caller.account.listing.select(verification_status, oldest, newest)
        found, page = len(chosen), caller.account.listed(chosen, start, page_size)
    else:
        named = caller.account.find(email.strip())
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
    return Answer(fields, (Decision("", f"{found} found", "rule list"),))


def _is_kept(record: Record, status: int | None, oldest: int | None, newest: int | None) -> bool:
    return (
        status in (None, record.verification_status)
        and (oldest is None or record.gmt_create >= oldest)
        and (newest is None or record.gmt_create <= newest)
    )


def email_verified(caller: Caller, *, email: str) -> Answer:
    """Succeeds for a verified address and refuses every other."""
    _raise_answer(caller, email.strip())
    record = caller.account.find(email.strip())
    if record is None:
        raise ApiError(REG_CONTACT_EMAIL_NOT_VERIFIED, _why_unknown(caller, email))
    if record.verification_status != VERIFIED:
        raise ApiError(REG_CONTACT_EMAIL_NOT_VERIFIED, record.decided_by)
    return Answer({}, (Decision(record.email, "verified", record.decided_by),))


def _batch(caller: Caller, emails: tuple[str, ...], handle: Callable[[str], Decision], lists: tuple[str, ...]) -> Answer:
    """Handles the addresses of a batch one by one; a refused one is a row of FailList and stops no other."""
    rows: dict[str, list[Row]] = {name: [] for name in lists}
    decisions = []
    for email in emails:
        try:
            decision = handle(email)
            rows[decision.outcome].append({"email": email})
        except _Refusal as refusal:
            definition = refusal.definition
            decision = Decision(email, definition.code, refusal.decided_by)
            rows["fail"].append({"email": email, "code": definition.code, "message": definition.message(caller.lang)})
        decisions.append(decision)
    return Answer({f"{name}_list": tuple(found) for name, found in rows.items()}, tuple(decisions))


def _submit(caller: Caller, email: str, *, send_if_exist: bool) -> Decision:
    _refuse_malformed(email)
    _refuse_by_answer(caller, email)
    account = caller.account
    record = account.find(email)
    if record is not None:
        if record.verification_status == VERIFIED or not send_if_exist:
            return Decision(email, "exist", record.decided_by)
        _send(caller, record)
        return Decision(email, "success", "rule send-if-exist")
    _refuse_over_sends(caller, email)
    limit = account.scenario.limits.addresses_per_day
    if limit is not None and account.new_addresses_today() >= limit and not account.is_new_today(email):
        raise _Refusal(SEND_TOKEN_QUOTA_EXCEEDED, f"rule addresses_per_day ({limit})")
    _send(caller, account.create(email, caller.ip))
    return Decision(email, "success", "rule new-address")


def _resend(caller: Caller, email: str) -> Decision:
    _refuse_malformed(email)
    _refuse_by_answer(caller, email)
    record = caller.account.find(email)
    if record is None:
        raise _Refusal(PARAMETER_ILLEGALL, _why_unknown(caller, email))
    if record.verification_status == VERIFIED:
        raise _Refusal(PARAMETER_ILLEGALL, f"rule already-verified ({record.decided_by})")
    _send(caller, record)
    return Decision(email, "success", "rule waiting-address")


def _delete(caller: Caller, email: str) -> Decision:
    _refuse_by_answer(caller, email)
    record = caller.account.find(email)
    if record is None:
        raise _Refusal(PARAMETER_ILLEGALL, _why_unknown(caller, email))
    caller.account.delete(email)
    return Decision(email, "success", record.decided_by)


def _refuse_malformed(email: str) -> None:
    if not address.is_valid(email):
        raise _Refusal(PARAMETER_ILLEGALL, "rule malformed-address")


def _refuse_by_answer(caller: Caller, email: str) -> None:
    """Refuses an address of a batch if the scenario says so, which no record can change."""
    answered = _answer(caller, email)
    if answered is not None:
        raise _Refusal(*answered)


def _raise_answer(caller: Caller, email: str) -> None:
    """Refuses the call if the scenario says so for its address."""
    answered = _answer(caller, email)
    if answered is not None:
        raise ApiError(*answered)


def _answer(caller: Caller, email: str) -> tuple[ErrorDefinition, str] | None:
    """Gives the refusal that the scenario has for an address and this operation, and what decided it."""
    answer, rule = caller.account.answer(email, caller.action), caller.account.addresses.rule(email)
    if answer is None or answer.code is None or rule is None:
        return None
    if answer.message is None:
        return ANSWER_CODES[answer.code], rule.place
    custom = ErrorDefinition(
        answer.code, answer.status, answer.message, Evidence.ASSUMED, "the scenario's own", origin=Origin.BACKEND
    )
    return custom, f"{rule.place} {CUSTOM}"


def _refuse_over_sends(caller: Caller, email: str) -> None:
    limit = caller.account.scenario.limits.sends_per_address_per_day
    if limit is not None and caller.account.sends_today(email) >= limit:
        raise _Refusal(SEND_TOKEN_QUOTA_EXCEEDED, f"rule sends_per_address_per_day ({limit})")


def _send(caller: Caller, record: Record) -> None:
    """Gives a record a new token and puts its mail into the outbox, unless the day's sends are used up."""
    _refuse_over_sends(caller, record.email)
    serial = caller.account.send(record)
    caller.world.deliver(
        caller.account,
        access_key_id=caller.access_key_id,
        request_id=caller.request_id,
        action=caller.action,
        to=record.email,
        lang=caller.lang,
        serial=serial,
    )


def _why_unknown(caller: Caller, email: str) -> str:
    rule = caller.account.addresses.rule(email)
    if caller.account.is_deleted(email):
        return "rule deleted-address"
    if rule is not None:
        return rule.place
    other = caller.world.others_with(caller.account, email)
    return "rule unknown-address" + (f" (account {other.name} has it, {caller.account.name} does not)" if other else "")


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
OPERATIONS: Mapping[str, Callable[..., Answer]] = {
    "SubmitEmailVerification": submit_email_verification,
    "ResendEmailVerification": resend_email_verification,
    "VerifyEmail": verify_email,
    "QueryEmailVerification": query_email_verification,
    "ListEmailVerification": list_email_verification,
    "DeleteEmailVerification": delete_email_verification,
    "EmailVerified": email_verified,
}
