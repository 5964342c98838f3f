"""How accounts are made: the clock of a scenario, and the ids and tokens of a seed."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from itertools import count

from alimock.scenario.model import Scenario
from alimock.state.account import Account
from alimock.state.clock import Clock
from alimock.state.ids import IdGenerator

_SEED_LENGTH = 32


class AccountFactory:
    """Makes the accounts of one store.

    With a `seed`, from here or from the scenario, ids and tokens repeat after every reset and in every run; without one they never
    do.
    """

    def __init__(self, real_time: Callable[[], float], seed: bytes | None) -> None:
        self._real_time = real_time
        self._seed = seed
        self._random_seed = secrets.token_bytes(_SEED_LENGTH)
        self._generations = count(1)

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

    def account(self, name: str, scenario: Scenario, loaded: Scenario, clock: Clock) -> Account:
        """Return a new account; see `Account`."""
        return Account(name, scenario, loaded, clock, self.ids(name, scenario))

    def restarted(self, account: Account, scenario: Scenario) -> Account:
        """Return the account with this name as it starts from a scenario, used as long ago as before."""
        started = self.account(account.name, scenario, scenario, self.clock(scenario))
        started.last_used = account.last_used
        return started
