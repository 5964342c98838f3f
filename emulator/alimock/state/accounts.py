"""The accounts of a store: how they are made, found by name or by token, and evicted."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Iterator
from itertools import count

from alimock.scenario.model import Scenario
from alimock.state.account import Account
from alimock.state.clock import Clock
from alimock.state.ids import TAG_LENGTH, IdGenerator
from alimock.state.limits import StateLimits

_SEED_LENGTH = 32


class Accounts:
    """The accounts that were used, in the order in which they were made.

    With a `seed`, from here or from the scenario, ids and tokens repeat after every reset and in every run; without one they never
    do.
    """

    def __init__(self, limits: StateLimits, real_time: Callable[[], float], seed: bytes | None) -> None:
        self._limits = limits
        self._real_time = real_time
        self._seed = seed
        self._random_seed = secrets.token_bytes(_SEED_LENGTH)
        self._generations = count(1)
        self._by_name: dict[str, Account] = {}
        self._by_tag: dict[str, Account] = {}

    def __iter__(self) -> Iterator[Account]:
        return iter(self._by_name.values())

    def ids(self, account: str, scenario: Scenario) -> IdGenerator:
        """Return the ids of an account that starts from a scenario."""
        seed = scenario.seed.encode() if scenario.seed is not None else self._seed
        return IdGenerator(seed, account) if seed is not None else IdGenerator(self._random_seed, account, next(self._generations))

    def clock(self, scenario: Scenario) -> Clock:
        """Return the clock that a scenario starts with."""
        clock = Clock(self._real_time)
        if scenario.clock is not None:
            clock.set(scenario.clock, frozen=not scenario.clock_runs)
        return clock

    def get(self, name: str) -> Account | None:
        """Return the account with a name, or None."""
        return self._by_name.get(name)

    def add(self, account: Account) -> None:
        """Add an account that does not exist."""
        self._by_name[account.name] = account
        self._by_tag[account.ids.tag] = account

    def remove(self, name: str) -> bool:
        """Remove an account, and return whether it existed."""
        account = self._by_name.pop(name, None)
        if account is None:
            return False
        del self._by_tag[account.ids.tag]
        return True

    def sender_of(self, token: str) -> Account | None:
        """Return the account that sent a token, or None."""
        account = self._by_tag.get(token[-TAG_LENGTH:])
        return account if account is not None and account.record_of_token(token) is not None else None

    def evictable(self, named: Collection[str]) -> list[str]:
        """Return the accounts to remove before one more is made: the longest unused, but none that is named or in use.

        Accounts in use stay even beyond the limit, since losing the state of a running test would be worse.
        """
        unnamed = [account for account in self if account.name not in named]
        excess = len(unnamed) + 1 - self._limits.max_accounts
        if excess <= 0:
            return []
        now = self._real_time()
        unused = [account for account in unnamed if now - account.last_used > self._limits.unused_account_seconds]
        return [account.name for account in sorted(unused, key=lambda account: account.last_used)[:excess]]
