"""The accounts that exist, by name and by the tag of their tokens."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from alimock.state.account import Account
from alimock.state.ids import TAG_LENGTH, TOKEN_LENGTH
from alimock.state.limits import StateLimits


class Accounts:
    """The accounts that were used, in the order in which they were made."""

    def __init__(self, limits: StateLimits) -> None:
        self._limits = limits
        self._by_name: dict[str, Account] = {}
        self._names_by_tag: dict[str, str] = {}

    def __iter__(self) -> Iterator[Account]:
        return iter(self._by_name.values())

    def get(self, name: str) -> Account | None:
        """Return the account with a name, or None."""
        return self._by_name.get(name)

    def add(self, account: Account) -> None:
        """Add an account that does not exist."""
        self._by_name[account.name] = account
        self._names_by_tag[account.ids.tag] = account.name

    def remove(self, name: str) -> bool:
        """Remove an account, and return whether it existed."""
        account = self._by_name.pop(name, None)
        if account is None:
            return False
        del self._names_by_tag[account.ids.tag]
        return True

    def other_with(self, account: str, address: str) -> Account | None:
        """Return an account, other than the named one, with an own record of an address, or None."""
        return next((other for other in self if other.name != account and other.has_own_record(address)), None)

    def sender_of(self, token: str) -> Account | None:
        """Return the account that sent a token, or None."""
        name = self._names_by_tag.get(token[-TAG_LENGTH:]) if len(token) == TOKEN_LENGTH else None
        account = self._by_name.get(name) if name is not None else None
        return account if account is not None and account.record_of_token(token) is not None else None

    def owner_of(self, token: str) -> Account | None:
        """Return the account that sent a token, else one whose scenario has it, or None."""
        return self.sender_of(token) or next((account for account in self if token in account.addresses.tokens), None)

    def evictable(self, named: Collection[str], now: float) -> list[str]:
        """Return the accounts to remove before one more is made: the longest unused, but none that is named or in use.

        Accounts in use stay even beyond the limit, since losing the state of a running test would be worse.
        """
        unnamed = [account for account in self if account.name not in named]
        excess = len(unnamed) + 1 - self._limits.max_accounts
        if excess <= 0:
            return []
        unused = [account for account in unnamed if now - account.last_used > self._limits.unused_account_seconds]
        return [account.name for account in sorted(unused, key=lambda account: account.last_used)[:excess]]
