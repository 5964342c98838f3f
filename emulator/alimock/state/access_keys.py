"""The access keys that an emulator knows, and the account that the calls of a key go to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from alimock.scenario.model import AccessKey, Scenario, UnknownKeys

DEFAULT_ACCOUNT = "default"
# The name of an account that no scenario names is this and its key; no account of a scenario can have such a name.
_UNNAMED = "key:"


class AccessKeys:
    """The keys of the scenario, overridden by those that were registered at run time, which outlive resets and scenarios.

    `by_id` is replaced, never changed, so that it can be read without the store's lock.
    """

    def __init__(self, scenario: Scenario, registered: Iterable[AccessKey] = ()) -> None:
        self.registered = {key.id: key for key in registered}
        self.by_id: Mapping[str, AccessKey] = {}
        self.load(scenario)

    def load(self, scenario: Scenario) -> None:
        """Replace the keys of the scenario, and drop the registered ones whose account it does not name."""
        self._scenario = scenario
        for key in list(self.registered.values()):
            if key.account not in scenario.user_ids and not key.account.startswith(_UNNAMED):
                del self.registered[key.id]
        self._merge()

    def register(self, key: AccessKey) -> None:
        """Add a key, or replace the one with its id."""
        self.registered[key.id] = key
        self._merge()

    def unregister(self, access_key_id: str) -> AccessKey | None:
        """Remove a registered key and return it, or None."""
        key = self.registered.pop(access_key_id, None)
        self._merge()
        return key

    def unregister_account(self, account: str) -> None:
        """Remove the registered key that an unnamed account belongs to."""
        key = self.registered.get(account.removeprefix(_UNNAMED))
        if key is not None and key.account == account:
            self.unregister(key.id)

    def account_name(self, access_key_id: str | None) -> str:
        """Return the name of the account that calls with this key, or without a key, go to."""
        if not access_key_id:
            return DEFAULT_ACCOUNT
        if access_key_id not in self.by_id and self._scenario.unknown_keys is UnknownKeys.DEFAULT_ACCOUNT:
            return DEFAULT_ACCOUNT
        return self.own_account_name(access_key_id)

    def own_account_name(self, access_key_id: str) -> str:
        """Return the name of the account of a known key, or of the account that an unknown key has for itself."""
        key = self.by_id.get(access_key_id)
        return key.account if key is not None else unnamed_account(access_key_id)

    def first_key_id(self, account: str) -> str | None:
        """Return the key that an account is shown with: that of an unnamed account, or the first one of another."""
        if account.startswith(_UNNAMED):
            return account.removeprefix(_UNNAMED)
        return next((key.id for key in self.by_id.values() if key.account == account), None)

    def _merge(self) -> None:
        self.by_id = {**self._scenario.access_keys, **self.registered}


def unnamed_account(access_key_id: str) -> str:
    """Return the name of the account that a key has for itself."""
    return f"{_UNNAMED}{access_key_id}"
