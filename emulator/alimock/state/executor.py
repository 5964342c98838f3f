"""The executor: the one place where commands get their time and are applied, here to a state in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from alimock.state.commands import Command
from alimock.state.outbox import Mail
from alimock.state.store import Store

T = TypeVar("T")


class Unavailable(Exception):
    """The state cannot be read or changed now."""


class Executor:
    """Applies commands to a store in memory.

    Each of the `mail_receivers`, by the name of its target, is called with the mails of the calls that this process answers, and
    must not block. `is_shared` is whether other processes have the same state. If it `may_block`, commands must not be executed in
    an event loop.
    """

    is_shared = False
    may_block = False

    def __init__(self, store: Store) -> None:
        self.store = store
        self.mail_receivers: dict[str, Callable[[Mail], None]] = {}

    def execute(self, command: Command[T]) -> T:
        """Apply a command and return its result; raises what the command raises, and `Unavailable`.

        The caller must not hold the store's lock.
        """
        return self.store.apply(command)

    def catch_up(self) -> None:
        """Make the store show everything that was executed anywhere; raises `Unavailable`."""

    def try_lock(self) -> bool:
        """Let this thread execute commands without waiting for others until `unlock`; return False if it would have to wait."""
        return self.store.lock.acquire(blocking=False)

    def unlock(self) -> None:
        """Undo a `try_lock` that returned True."""
        self.store.lock.release()

    def close(self) -> None:
        """Release what the executor uses."""
