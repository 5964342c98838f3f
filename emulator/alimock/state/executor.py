"""The executor: the one place where commands get their time and are applied, here to a state in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from alimock.scenario.model import Scenario
from alimock.state.commands import Command, LoadScenario
from alimock.state.outbox import Mail
from alimock.state.store import Store

T = TypeVar("T")


class Unavailable(Exception):
    """The state cannot be read or changed now."""


class Incompatible(Exception):
    """The state was written by an alimock of another version or with other limits."""


# Python 3.10 has no generic named tuples.
@dataclass(slots=True)
class Attempt(Generic[T]):
    """The execution of a command: `finish` returns its result or raises its exception, and may block if it `is_waiting`."""

    finish: Callable[[], T]
    is_waiting: bool


class Executor:
    """Applies commands to a store in memory.

    Each of the `mail_receivers`, by the name of its target, is called with the mails of the calls that this process answers, and
    must not block. `is_stored` is whether the state is kept elsewhere, too, and `is_shared` whether other processes have the same
    one. `location` is where the state is kept, and `warning` is why it may be lost.
    """

    is_stored = False
    is_shared = False
    location = "memory"
    warning: str | None = None

    def __init__(self, store: Store) -> None:
        self.store = store
        self.mail_receivers: dict[str, Callable[[Mail], None]] = {}

    def start(self) -> str:
        """Restore what the state was, and return where it is kept and what was restored, for the log."""
        return "state in memory"

    def execute(self, command: Command[T]) -> T:
        """Apply a command and return its result; raises what the command raises, and `Unavailable`.

        The caller must not hold the store's lock.
        """
        return self.store.apply(command)

    def attempt(self, commands: Sequence[Command[T]]) -> list[Attempt[T]]:
        """Execute commands without blocking, for an event loop; an attempt that `is_waiting` must be finished in a thread."""
        if not self.store.lock.acquire(blocking=False):
            return [Attempt(partial(self.execute, command), is_waiting=True) for command in commands]
        try:
            results = [self.execute(command) for command in commands]
        finally:
            self.store.lock.release()
        return [Attempt(partial(_same, result), is_waiting=False) for result in results]

    def load(self, scenario: Scenario) -> bool:
        """Load a scenario of the settings, and return whether it was loaded."""
        return self.execute(LoadScenario(scenario))

    def catch_up(self) -> None:
        """Make the store show everything that was executed anywhere; raises `Unavailable`."""

    def check_ready(self) -> None:
        """Raise `Unavailable` if commands cannot be executed now."""

    def close(self) -> None:
        """Release what the executor uses."""


def _same(result: T) -> T:
    return result
