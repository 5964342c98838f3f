"""Access keys: list the known ones, register and delete others while the emulator runs."""

from __future__ import annotations

from dataclasses import replace

from flask import Blueprint, request

from alimock.control import arguments
from alimock.control.current import execute, store, transaction
from alimock.control.errors import ControlError, suggestion
from alimock.scenario import export, loader
from alimock.scenario.model import AccessKey
from alimock.state.commands import DeleteAccessKey, PutAccessKey

blueprint = Blueprint("access_keys", __name__)


@blueprint.get("/access-keys")
@transaction()
def list_access_keys() -> dict[str, object]:
    """List the keys of one account or of all; with `secrets=true` the secrets are included."""
    given = arguments.query("access_key_id", "secrets")
    key_id, secrets = given.get("access_key_id"), arguments.flag(given, "secrets")
    account = store().account_name(key_id) if key_id is not None else None
    keys = [_document(key, secrets) for key in store().keys.by_id.values() if account in (None, key.account)]
    return {"access_keys": keys, "cursor": store().cursor, "evicted": 0}


@blueprint.put("/access-keys/<path:key_id>")
def put_access_key(key_id: str) -> dict[str, object]:
    """Register a key, or replace the one with this id."""
    account = arguments.query("account").get("account")
    key = arguments.scenario_body(loader.load_access_key, key_id, account or "")
    accounts = store().scenario.user_ids
    if account is not None and account not in accounts:
        raise ControlError(400, f"`account`: found {account[:100]!a}", suggestion(account, accounts))
    key = replace(key, location=f"PUT {request.path}")
    return _document(replace(key, account=execute(PutAccessKey(key))), secrets=False)


@blueprint.delete("/access-keys/<path:key_id>")
def delete_access_key(key_id: str) -> dict[str, object]:
    """Delete a registered key."""
    arguments.query()
    if not execute(DeleteAccessKey(key_id)):
        hint = "Keys of the scenario cannot be deleted; see GET /_alimock/access-keys."
        raise ControlError(404, f"Access key {key_id[:100]!a} is not registered", hint)
    return {"deleted": key_id}


def _document(key: AccessKey, secrets: bool) -> dict[str, object]:
    return {**export.access_key(key, secrets=secrets), "account": key.account, "decided_by": key.location}
