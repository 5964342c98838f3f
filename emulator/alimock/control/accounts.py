"""The accounts over HTTP."""

from __future__ import annotations

from alimock.control import arguments
from alimock.spec.times import format_time
from alimock.state.account import Account
from alimock.state.store import Store


class AccountsResource:
    """Lists accounts."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def page(self) -> dict[str, object]:
        """Lists the accounts that the scenario names, and those that were made since."""
        given = arguments.query("access_key_id")
        with self.store.lock:
            shown = [self._account(account) for account in self.store.accounts_for_view(given.get("access_key_id"))]
            return {"accounts": shown, "cursor": self.store.cursor, "evicted": self.store.evicted_accounts}

    def _account(self, account: Account) -> dict[str, object]:
        shown_with = self.store.access_key_id(account)
        keys = [key.id for key in self.store.access_keys.values() if key.account == account.name]
        return {
            "name": account.name,
            "user_id": account.user_id,
            "access_key_id": shown_with,
            "access_keys": keys or ([shown_with] if shown_with is not None else []),
            "scenario": account.loaded.name,
            "clock": {"now": format_time(account.clock.now()), "frozen": account.clock.frozen_at is not None},
            "counts": {
                "messages": len(self.store.outbox.entries(account.name)),
                "calls": len(self.store.calls.entries(account.name)),
                "faults_hit": account.fault_hits.total(),
            },
        }
