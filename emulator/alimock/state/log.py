"""What happened in the store: calls, mails and changes, in order, with an index by account."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from itertools import takewhile
from typing import Generic, NamedTuple, Protocol, TypeVar

from alimock.state.limits import StateLimits


class EventType(str, Enum):
    """The types of events."""

    CALL = "call"
    MAIL = "mail"
    DELIVERY = "delivery"
    VERIFICATION = "verification"
    ADDRESS = "address"
    FAULT = "fault"
    ACCESS_KEY = "access key"
    DELETION = "deletion"
    CLOCK = "clock"
    SCENARIO = "scenario"
    SCENARIO_ERROR = "scenario error"
    RESET = "reset"


class Event(NamedTuple):
    """An event in one account, or in all accounts if the name is empty; `subject` is the id of what changed."""

    sequence: int
    kind: EventType
    account_name: str
    subject: str
    received: float

    @property
    def id(self) -> str:
        """The sequence number as text."""
        return str(self.sequence)


class Outcome(NamedTuple):
    """The result for one address of a call, or for the whole call if `email` is empty, and what decided it.

    `outcome` is `success`, `exist`, `found`, another word, or an error code. `mail_id` is the mail that was sent to the address.
    """

    email: str
    outcome: str
    decided_by: str
    mail_id: str | None = None


class CallEntry(NamedTuple):
    """A call and its response, without secrets and signatures.

    `sent` has the names and values of the parameters one after the other, which takes half the memory of a mapping. `signature` is
    the algorithm, None for an unsigned call. `messages` are the ids of the mails that the call sent. `received` is real time in
    epoch seconds.
    """

    sequence: int
    account_name: str
    request_id: str
    access_key_id: str | None
    action: str
    version: str
    profile: str
    format: str
    method: str
    peer: str
    user_agent: str
    sent: tuple[str, ...]
    signature: str | None
    authentication: str
    status: int
    code: str
    outcomes: tuple[Outcome, ...]
    fault: str | None
    messages: tuple[str, ...]
    received: float
    seconds: float

    @property
    def id(self) -> str:
        """The sequence number as text."""
        return str(self.sequence)

    @property
    def parameters(self) -> Mapping[str, str]:
        """The values of the parameters by name."""
        return dict(zip(self.sent[::2], self.sent[1::2], strict=True))


class Entry(Protocol):
    """An entry of a log."""

    @property
    def id(self) -> str:
        """The id, unique in its log."""

    @property
    def sequence(self) -> int:
        """The sequence number, unique in the store."""

    @property
    def account_name(self) -> str:
        """The account of the entry."""


E = TypeVar("E", bound=Entry)


class _Entries(Generic[E]):
    """The entries of one account, or of all, by sequence number, and what is known of those that were evicted."""

    __slots__ = ("by_sequence", "evicted", "evicted_through")

    def __init__(self) -> None:
        self.by_sequence: OrderedDict[int, E] = OrderedDict()
        self.evicted = 0
        self.evicted_through = 0

    def oldest(self) -> E:
        """Return the oldest entry."""
        return next(iter(self.by_sequence.values()))

    def count_evicted(self, sequence: int) -> None:
        """Count an entry that is evicted."""
        self.evicted += 1
        self.evicted_through = max(self.evicted_through, sequence)


class Log(Generic[E]):
    """The newest entries of all accounts, as many as the limits allow; callers hold the store's lock."""

    def __init__(self, limits: StateLimits) -> None:
        self._limits = limits
        self._all: _Entries[E] = _Entries()
        # An account whose entries were all evicted is left out, since there may be any number.
        self._by_account: dict[str, _Entries[E]] = {}

    def __len__(self) -> int:
        return len(self._all.by_sequence)

    def add(self, entry: E) -> None:
        """Append an entry, and evict the oldest beyond the limits."""
        own = self._by_account.get(entry.account_name)
        if own is None:
            own = self._by_account[entry.account_name] = _Entries()
        self._all.by_sequence[entry.sequence] = own.by_sequence[entry.sequence] = entry
        if len(own.by_sequence) > self._limits.max_entries_per_account:
            self._evict(own.oldest())
        elif len(self._all.by_sequence) > self._limits.max_entries:
            self._evict(self._all.oldest())

    def entry(self, sequence: int) -> E | None:
        """Return the entry with a sequence number, or None."""
        return self._all.by_sequence.get(sequence)

    def entries(self, account: str | None = None) -> list[E]:
        """Return the entries of one account, or of all, oldest first."""
        return list(self._of(account).by_sequence.values())

    def newest_first(self, account: str | None = None) -> Iterator[E]:
        """Iterate over the entries of one account, or of all, newest first."""
        return reversed(self._of(account).by_sequence.values())

    def after(self, sequence: int, account: str | None = None) -> list[E]:
        """Return the entries after a sequence number, oldest first, without looking at older ones."""
        found = list(takewhile(lambda entry: entry.sequence > sequence, self.newest_first(account)))
        return found[::-1]

    def evicted(self, account: str | None = None) -> int:
        """Return the number of evicted entries."""
        return self._of(account).evicted

    def evicted_through(self, account: str | None = None) -> int:
        """Return the highest evicted sequence number, or 0."""
        return self._of(account).evicted_through

    def remove(self, entry: E) -> None:
        """Remove an entry that exists."""
        own = self._by_account[entry.account_name]
        del self._all.by_sequence[entry.sequence], own.by_sequence[entry.sequence]
        if not own.by_sequence and not own.evicted:
            del self._by_account[entry.account_name]

    def evictions(self) -> dict[str | None, tuple[int, int]]:
        """Return the number of evicted entries and the highest evicted sequence number of all (None) and of each account."""
        every = [(None, self._all), *self._by_account.items()]
        return {name: (one.evicted, one.evicted_through) for name, one in every if one.evicted_through}

    def restore(self, entries: Iterable[E], evictions: Mapping[str | None, tuple[int, int]]) -> None:
        """Fill an empty log as one was that had these entries and evictions."""
        for name, (evicted, evicted_through) in evictions.items():
            one = self._all if name is None else self._by_account.setdefault(name, _Entries())
            one.evicted, one.evicted_through = evicted, evicted_through
        # With lower limits than before, some of them are evicted, too.
        for entry in entries:
            self.add(entry)

    def clear(self, account: str) -> None:
        """Remove the entries and the eviction counters of one account."""
        self._all.evicted -= self.evicted(account)
        for entry in self.entries(account):
            self.remove(entry)
        self._by_account.pop(account, None)

    def _of(self, account: str | None) -> _Entries[E]:
        return self._all if account is None else self._by_account.get(account, _Entries())

    def _evict(self, entry: E) -> None:
        own = self._by_account[entry.account_name]
        self._all.count_evicted(entry.sequence)
        own.count_evicted(entry.sequence)
        self.remove(entry)
        if not own.by_sequence:
            del self._by_account[entry.account_name]
