"""A log of the store: what happened, in order, with an index for each account. The oldest entries go when there are too many."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterator
from itertools import takewhile
from typing import Generic, Protocol, TypeVar

from alimock.state.limits import StateLimits


class Entry(Protocol):
    """One thing that happened; `sequence` counts everything that happens in the store."""

    @property
    def id(self) -> str:
        """Tells it from the others of its kind."""

    @property
    def sequence(self) -> int:
        """When it happened."""

    @property
    def account_name(self) -> str:
        """The account in which it happened."""


E = TypeVar("E", bound=Entry)


class Log(Generic[E]):
    """The newest entries of each account and of all together, as many as the limits say; callers hold the world's lock."""

    def __init__(self, limits: StateLimits) -> None:
        self._limits = limits
        self._entries: OrderedDict[str, E] = OrderedDict()
        self._by_account: dict[str, OrderedDict[str, E]] = {}
        # How many were evicted in all, and what is told of the accounts that still have entries.
        self._evicted_in_all = 0
        self._evicted_through_in_all = 0
        self._evicted: Counter[str] = Counter()
        self._evicted_through: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, entry: E) -> None:
        """Takes an entry in, and evicts the oldest where there are too many."""
        own = self._by_account.setdefault(entry.account_name, OrderedDict())
        self._entries[entry.id] = own[entry.id] = entry
        if len(own) > self._limits.max_entries_per_account:
            self._evict(next(iter(own.values())))
        elif len(self._entries) > self._limits.max_entries:
            self._evict(next(iter(self._entries.values())))

    def get(self, entry_id: str) -> E | None:
        """Gives an entry by its id."""
        return self._entries.get(entry_id)

    def entries(self, account: str | None = None) -> list[E]:
        """Gives the entries of one account or of all, oldest first."""
        return list(self._of(account).values())

    def newest_first(self, account: str | None = None) -> Iterator[E]:
        """Goes through the entries of one account or of all, newest first."""
        return reversed(self._of(account).values())

    def after(self, sequence: int, account: str | None = None) -> list[E]:
        """Gives the entries behind a point in time, oldest first; it looks at no others."""
        found = list(takewhile(lambda entry: entry.sequence > sequence, self.newest_first(account)))
        return found[::-1]

    def evicted(self, account: str | None = None) -> int:
        """Counts the entries that were thrown away because there were too many."""
        return self._evicted_in_all if account is None else self._evicted[account]

    def evicted_through(self, account: str | None = None) -> int:
        """Gives the highest sequence that was thrown away, 0 if none was."""
        return self._evicted_through_in_all if account is None else self._evicted_through.get(account, 0)

    def remove(self, entry: E) -> None:
        """Deletes an entry that is there."""
        del self._entries[entry.id]
        own = self._by_account[entry.account_name]
        del own[entry.id]
        if not own:
            # Nothing is kept of accounts without entries: there may be any number of them.
            del self._by_account[entry.account_name]

    def clear(self, account: str) -> None:
        """Forgets one account's entries and how many were evicted."""
        for entry_id in self._by_account.pop(account, {}):
            del self._entries[entry_id]
        self._evicted_in_all -= self._evicted.pop(account, 0)
        self._evicted_through.pop(account, None)

    def _of(self, account: str | None) -> OrderedDict[str, E]:
        return self._entries if account is None else self._by_account.get(account, OrderedDict())

    def _evict(self, entry: E) -> None:
        self.remove(entry)
        self._evicted_in_all += 1
        self._evicted_through_in_all = max(self._evicted_through_in_all, entry.sequence)
        self._evicted[entry.account_name] += 1
        self._evicted_through[entry.account_name] = entry.sequence
        if entry.account_name not in self._by_account:
            del self._evicted[entry.account_name], self._evicted_through[entry.account_name]
