"""Addresses: the records of accounts with what decided them, and single scenario entries added and deleted at run time."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import NamedTuple

from flask import Blueprint, request
from werkzeug.routing import BaseConverter

from alimock.control import arguments
from alimock.control.current import execute, store, transaction
from alimock.control.errors import ControlError
from alimock.control.lists import DEFAULT_LIMIT, MAX_LIMIT
from alimock.scenario import export, loader
from alimock.scenario.address_rules import AddressRule
from alimock.spec.address import fold
from alimock.spec.times import format_time
from alimock.state.account import Account
from alimock.state.commands import DeleteAddress, PutAddress
from alimock.state.record import VERIFIED, WAITING, Record

blueprint = Blueprint("addresses", __name__)

NO_RECORD = "none"
STATUSES = {"verified": VERIFIED, "pending": WAITING, NO_RECORD: None}


class AddressConverter(BaseConverter):
    """The rest of a path: an address may contain slashes, even as its first character."""

    regex = ".+"
    part_isolating = False


@blueprint.get("/addresses")
@transaction()
def list_addresses() -> dict[str, object]:
    """List the records of one account or of all, newest first, then the scenario's addresses without a record.

    With `patterns=true`, list the patterns of the accounts instead.
    """
    given = arguments.query("access_key_id", "email", "text", "status", "patterns", "limit")
    limit = arguments.integer(given, "limit", DEFAULT_LIMIT, MAX_LIMIT)
    accounts = store().accounts_for_view(given.get("access_key_id"))
    wanted = _Filter.of(given)
    listed = _patterns if arguments.flag(given, "patterns") else _addresses
    documents = (one for account in accounts for one in listed(account, wanted))
    return {"addresses": list(islice(documents, limit)), "cursor": store().cursor, "evicted": 0}


@blueprint.put("/addresses/<address:email>")
def put_address(email: str) -> dict[str, object]:
    """Add or replace the entry of an address or a pattern; a reset drops it."""
    key_id = arguments.access_key_id()
    rule = replace(arguments.scenario_body(loader.load_address, email), location=f"PUT {request.path}")
    execute(PutAddress(rule, key_id))
    return {"put": rule.address, "entry": export.address(rule), "access_key_id": key_id}


@blueprint.delete("/addresses/<address:email>")
def delete_address(email: str) -> dict[str, object]:
    """Delete an entry, and the record of an address, until the next reset."""
    key_id = arguments.access_key_id()
    if not execute(DeleteAddress(email, key_id)):
        hint = "See GET /_alimock/addresses, for patterns GET /_alimock/scenario?state=current."
        raise ControlError(404, f"Address {email[:100]!a} not found", hint)
    return {"deleted": email, "access_key_id": key_id}


class _Filter(NamedTuple):
    """Which addresses to list; None and no texts match all. Texts are folded."""

    email: str | None
    texts: Collection[str]
    status: str | None

    @classmethod
    def of(cls, given: Mapping[str, str]) -> _Filter:
        email, texts, status = arguments.address("email"), arguments.plus_readings("text"), given.get("status")
        if status is not None and status not in STATUSES:
            raise ControlError(400, f"`status`: found {status[:60]!a}", f"Expected one of: {', '.join(STATUSES)}.")
        return cls(email, list(map(fold, texts)), status)

    def matches(self, folded: str) -> bool:
        is_asked = self.email is None or folded == fold(self.email)
        return is_asked and (not self.texts or any(text in folded for text in self.texts))


def _addresses(account: Account, wanted: _Filter) -> Iterator[dict[str, object]]:
    """Iterate over an account's addresses, or the one requested, without creating records."""
    email, rules, status = wanted.email, account.addresses.exact, STATUSES.get(wanted.status or "")
    if wanted.status != NO_RECORD:
        for record in account.search(wanted.matches, status) if email is None else filter(None, [account.get(email)]):
            if wanted.matches(fold(record.email)) and status in (None, record.verification_status):
                yield _document(account, record.email, record, record.decided_by)
    if wanted.status in (None, NO_RECORD):
        for rule in rules.values() if email is None else filter(None, [rules.get(fold(email))]):
            if wanted.matches(fold(rule.address)) and account.get(rule.address) is None:
                yield _document(account, rule.address, None, rule.location)


def _patterns(account: Account, wanted: _Filter) -> Iterator[dict[str, object]]:
    """Iterate over the patterns of an account in the order they are tried."""
    for rule in account.addresses.patterns.values():
        if wanted.matches(fold(rule.address)) and wanted.status in (None, NO_RECORD):
            yield _entry(account, rule.address, rule, rule.location, rule.sends_today)


def _document(account: Account, email: str, record: Record | None, decided_by: str) -> dict[str, object]:
    entry = _entry(account, email, account.addresses.rule(email), decided_by, account.sends_today(email))
    if record is None:
        return entry
    expires = account.link_expires(record)
    return {
        **entry,
        "status": "verified" if record.verification_status == VERIFIED else "pending",
        "link_expires": format_time(expires) if expires is not None else None,
        "email_verification_no": record.email_verification_no,
        "user_id": record.user_id,
        "gmt_create": format_time(record.gmt_create),
        "gmt_modified": format_time(record.gmt_modified),
        "token_send_time": format_time(record.token_send_time),
        "verification_time": format_time(record.verification_time) if record.verification_time is not None else None,
        "send_ip": record.send_ip,
        "confirm_ip": record.confirm_ip,
    }


def _entry(account: Account, email: str, rule: AddressRule | None, decided_by: str, sends_today: int) -> dict[str, object]:
    """Return an address without a record, or a pattern."""
    return {
        "email": email,
        "status": None,
        "outcome": rule.outcome.value if rule is not None else None,
        "entry": export.address(rule) if rule is not None else None,
        "account": account.name,
        "access_key_id": store().keys.first_key_id(account.name),
        "sends_today": sends_today,
        "sends_limit": account.scenario.limits.sends_per_address_per_day,
        "link_expires": None,
        "decided_by": decided_by,
    }
