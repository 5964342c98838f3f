"""The access keys over HTTP: those that the emulator knows, and taking in others while it runs."""

from __future__ import annotations

from dataclasses import replace

from flask import request

from alimock.control import arguments
from alimock.control.problem import Problem
from alimock.scenario import export, loader
from alimock.scenario.diagnostics import nearest
from alimock.scenario.model import AccessKey
from alimock.state.store import Store


class AccessKeysResource:
    """Lists, puts and deletes access keys."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def page(self) -> dict[str, object]:
        """Lists the keys of one account or of all; secrets come with `secrets=true` alone."""
        given = arguments.query("access_key_id", "secrets")
        key_id, secrets = given.get("access_key_id"), arguments.flag(given, "secrets")
        with self.store.lock:
            name = self.store.account_name(key_id) if key_id is not None else None
            shown = [_shown(key, secrets) for key in self.store.access_keys.values() if name in (None, key.account)]
            return {"access_keys": shown, "cursor": self.store.cursor, "evicted": 0}

    def put(self, key_id: str) -> dict[str, object]:
        """Takes a key in, in place of one with this id."""
        account = arguments.query("account").get("account")
        key = arguments.scenario(loader.load_access_key, key_id, account or "")
        with self.store.lock:
            names = self.store.scenario.user_ids
            if account is not None and account not in names:
                raise Problem(400, f"`account`: found {account[:100]!a}", f"give {nearest(account, names)}, or none")
            limit = self.store.limits.max_access_keys
            if len(self.store.registered) >= limit and key_id not in self.store.registered:
                hint = "delete those that nobody uses any more, or see --max-access-keys"
                raise Problem(409, f"{limit} keys were put already", hint)
            placed = replace(key, account=account or self.store.own_account_name(key_id), location=f"PUT {request.path}")
            self.store.put_access_key(placed)
        return _shown(placed, secrets=False)

    def delete(self, key_id: str) -> dict[str, object]:
        """Forgets a key that was put."""
        arguments.query()
        with self.store.lock:
            if not self.store.delete_access_key(key_id):
                raise Problem(
                    404, f"no access key {key_id[:100]!a} was put", "those of the scenario stay; see GET /_alimock/access-keys"
                )
        return {"deleted": key_id}


def _shown(key: AccessKey, secrets: bool) -> dict[str, object]:
    return {**export.access_key(key, secrets=secrets), "account": key.account, "decided_by": key.location}
