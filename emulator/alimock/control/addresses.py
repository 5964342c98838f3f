"""Addresses: the records of accounts with what decided them, and single scenario entries added and deleted at run time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from flask import Blueprint, request
from werkzeug.routing import BaseConverter

from alimock.control import arguments
from alimock.control.current import execute, store, transaction
from alimock.control.errors import ControlError
from alimock.control.lists import DEFAULT_LIMIT, MAX_LIMIT
from alimock.scenario import export, loader
from alimock.spec.address import fold
from alimock.spec.times import format_time
from alimock.state.account import Account
from alimock.state.commands import DeleteAddress, PutAddress
from alimock.state.record import VERIFIED, Record

blueprint = Blueprint("addresses", __name__)


class AddressConverter(BaseConverter):
    """The rest of a path: an address may contain slashes, even as its first character."""

    regex = ".+"
    part_isolating = False


@blueprint.get("/addresses")
@transaction()
def list_addresses() -> dict[str, object]:
    """List the records of one account or of all, newest first, then the scenario's addresses without a record."""
    given = arguments.query("access_key_id", "email", "limit")
    limit = arguments.integer(given, "limit", DEFAULT_LIMIT, MAX_LIMIT)
    accounts = store().accounts_for_view(given.get("access_key_id"))
    email = arguments.address("email")
    documents = (one for account in accounts for one in _documents(account, email, limit))
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


def _documents(account: Account, email: str | None, limit: int) -> Iterator[dict[str, object]]:
    """Iterate over an account's addresses, or the one requested, without creating records."""
    rules = account.addresses.exact
    for record in account.page(0, limit)[1] if email is None else filter(None, [account.get(email)]):
        yield _document(account, record.email, record, record.decided_by)
    for rule in rules.values() if email is None else filter(None, [rules.get(fold(email))]):
        if account.get(rule.address) is None:
            yield _document(account, rule.address, None, rule.location)


def _document(account: Account, email: str, record: Record | None, decided_by: str) -> dict[str, object]:
    rule = account.addresses.rule(email)
    entry: dict[str, object] = {
        "email": email,
        "status": None,
        "outcome": rule.outcome.value if rule is not None else None,
        "access_key_id": store().keys.first_key_id(account.name),
        "sends_today": account.sends_today(email),
        "decided_by": decided_by,
    }
    if record is None:
        return entry
    return {
        **entry,
        "status": "verified" if record.verification_status == VERIFIED else "pending",
        "email_verification_no": record.email_verification_no,
        "user_id": record.user_id,
        "gmt_create": format_time(record.gmt_create),
        "gmt_modified": format_time(record.gmt_modified),
        "token_send_time": format_time(record.token_send_time),
        "verification_time": format_time(record.verification_time) if record.verification_time is not None else None,
        "send_ip": record.send_ip,
        "confirm_ip": record.confirm_ip,
    }
