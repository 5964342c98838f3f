"""Lists of log entries: newest first, or from a cursor on oldest first; counting and waiting use the same arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Generic

from alimock.control import arguments, waiting
from alimock.control.backend import in_transaction, store
from alimock.control.errors import ControlError
from alimock.state.events import EventType
from alimock.state.log import E, Log

DEFAULT_LIMIT = 100
MAX_LIMIT = 5_000
ARGUMENTS = ("access_key_id", "after", "limit")
MAX_NEAR_MISSES = 20


@dataclass(frozen=True)
class Page(Generic[E]):
    """The entries of one response and the cursor to continue from; `gap` if entries after `after` were evicted."""

    entries: Sequence[E]
    cursor: int
    evicted: int
    gap: bool

    def document(self, name: str, show: Callable[[E], dict[str, object]]) -> dict[str, object]:
        """Return the JSON document; rendering needs no lock."""
        document: dict[str, object] = {
            name: [show(entry) for entry in self.entries],
            "cursor": self.cursor,
            "evicted": self.evicted,
        }
        return {**document, "gap": True} if self.gap else document


@dataclass(frozen=True)
class WaitResult(Generic[E]):
    """The entry found, or None with the entries that did not match, newest first, and the number in other accounts."""

    entry: E | None
    cursor: int
    timeout: float
    after: int | None = None
    near_misses: Sequence[E] = ()
    elsewhere: int = 0

    def timeout_error(self, noun: str, log: str, hint: str, brief: Callable[[E], str], **details: object) -> ControlError:
        """Return the error for a wait that timed out."""
        found = f"{log} is empty" if self.after is None else f"no new {noun} after {self.after}"
        if self.near_misses:
            found = f"no match among: {', '.join(map(brief, self.near_misses))}"
        if self.elsewhere:
            hint = f"{self.elsewhere} {noun}{'s' if self.elsewhere > 1 else ''} in accounts of other access keys. {hint}"
        return ControlError(408, f"Timed out after {self.timeout:g} s; {found}", hint, details={**details, "cursor": self.cursor})


def selection(given: Mapping[str, str]) -> tuple[int | None, str | None]:
    """Return the cursor `after` and the name of the account that a request selects; None stands for the newest and for all."""
    key_id = given.get("access_key_id")
    account = store().account_name(key_id) if key_id is not None else None
    if "after" not in given:
        return None, account
    after = arguments.integer(given, "after", 0, 10**18 - 1)
    if after > store().cursor:
        hint = "The emulator was restarted; start again without `after`."
        raise ControlError(410, f"`after`: {after} is beyond the cursor {store().cursor}", hint)
    return after, account


@in_transaction
def page_of(log: Log[E], given: Mapping[str, str], matches: Callable[[E], bool]) -> Page[E]:
    """Return a page of the matching entries of a log."""
    limit = arguments.integer(given, "limit", DEFAULT_LIMIT, MAX_LIMIT)
    after, account = selection(given)
    candidates = log.newest_first(account) if after is None else iter(log.after(after, account))
    entries = list(islice(filter(matches, candidates), limit))
    cursor = store().cursor
    if after is not None and len(entries) == limit:
        # Continue from the last entry of a full page, so that none between it and the newest is skipped.
        cursor = entries[-1].sequence if entries else after
    return Page(entries, cursor, log.evicted(account), after is not None and after < log.evicted_through(account))


@in_transaction
def count_of(log: Log[E], given: Mapping[str, str], matches: Callable[[E], bool]) -> dict[str, object]:
    """Count the matching entries of a log; evicted ones are not included."""
    after, account = selection(given)
    candidates = log.entries(account) if after is None else log.after(after, account)
    return {"count": sum(map(matches, candidates)), "cursor": store().cursor, "evicted": log.evicted(account)}


@in_transaction
def wait_for(log: Log[E], event_type: EventType, given: Mapping[str, str], matches: Callable[[E], bool]) -> WaitResult[E]:
    """Wait for the first matching entry after the cursor; without one, the newest existing entry counts."""
    timeout = waiting.timeout_of(given)
    after, account = selection(given)
    scanned = after

    def find() -> E | None:
        # Each scan continues where the last one ended.
        nonlocal scanned
        start, scanned = scanned, store().cursor
        entries = log.newest_first(account) if start is None else iter(log.after(start, account))
        return next(filter(matches, entries), None)

    entry = waiting.wait(find, (event_type,), account, timeout)
    if entry is not None:
        return WaitResult(entry, entry.sequence, timeout)
    start = after or 0
    near_misses = [one for one in islice(log.newest_first(account), MAX_NEAR_MISSES) if one.sequence > start]
    elsewhere = len(log.after(start)) - len(log.after(start, account)) if account is not None else 0
    return WaitResult(None, store().cursor, timeout, after, near_misses, elsewhere)
