"""The accounts over HTTP."""

from __future__ import annotations

from alimock.control import arguments
from alimock.spec.times import format_time
from alimock.state.account import Account
from alimock.state.store import World


class AccountsResource:
    """Lists accounts."""

    def __init__(self, world: World) -> None:
        self.world = world

    def page(self) -> dict[str, object]:
        """Lists the accounts that the scenario names, and those that were made since."""
        given = arguments.query("access_key_id")
        with self.world.lock:
            shown = [self._account(account) for account in self.world.viewed(given.get("access_key_id"))]
            return {"accounts": shown, "cursor": self.world.cursor, "evicted": self.world.evicted_accounts}

    def _account(self, account: Account) -> dict[str, object]:
        shown_with = self.world.access_key_id(account)
        keys = [key.id for key in self.world.access_keys.values() if key.account == account.name]
        return {
            "name": account.name,
            "user_id": account.user_id,
            "access_key_id": shown_with,
            "access_keys": keys or ([shown_with] if shown_with is not None else []),
            "scenario": account.loaded.name,
            "clock": {"now": format_time(account.clock.now()), "frozen": account.clock.frozen_at is not None},
            "counts": {
                "messages": len(self.world.outbox.entries(account.name)),
                "calls": len(self.world.journal.entries(account.name)),
                "faults_hit": account.fault_hits.total(),
            },
        }
