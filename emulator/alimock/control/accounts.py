"""Accounts: list them with their keys, clocks and counts."""

from __future__ import annotations

from flask import Blueprint

from alimock.control import arguments
from alimock.control.current import store, transaction
from alimock.spec.times import format_time
from alimock.state.account import Account

blueprint = Blueprint("accounts", __name__)


@blueprint.get("/accounts")
@transaction()
def list_accounts() -> dict[str, object]:
    """List the accounts of the scenario, then those created for unknown keys."""
    accounts = store().accounts_for_view(arguments.access_key_id())
    return {"accounts": list(map(_document, accounts)), "cursor": store().cursor, "evicted": store().evicted_accounts}


def _document(account: Account) -> dict[str, object]:
    key_id = store().keys.first_key_id(account.name)
    keys = [key.id for key in store().keys.by_id.values() if key.account == account.name]
    return {
        "name": account.name,
        "user_id": account.user_id,
        "access_key_id": key_id,
        "access_keys": keys or ([key_id] if key_id is not None else []),
        "scenario": account.loaded.name,
        "clock": {"now": format_time(account.clock.now()), "frozen": account.clock.frozen_at is not None},
        "counts": {
            "messages": len(store().outbox.entries(account.name)),
            "calls": len(store().calls.entries(account.name)),
            "faults_hit": account.fault_hits.total(),
        },
    }
