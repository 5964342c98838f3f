"""Lists of log entries: newest first, or from a cursor on oldest first; counting and waiting use the same arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Generic

from alimock.control import arguments, waiting
from alimock.control.backend import store, transaction
from alimock.control.errors import ControlError
from alimock.state.log import E, EventType, Log

DEFAULT_LIMIT = 100
MAX_LIMIT = 5_000
MAX_OTHERS = 20


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
class EntryType(Generic[E]):
    """How the entries of a log are named and shown."""

    event_type: EventType
    key: str
    noun: str
    log: str
    document: Callable[[E], dict[str, object]]
    brief: Callable[[E], str]


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


@transaction()
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


@transaction()
def count_of(log: Log[E], given: Mapping[str, str], matches: Callable[[E], bool]) -> dict[str, object]:
    """Count the matching entries of a log; evicted ones are not included."""
    after, account = selection(given)
    candidates = log.entries(account) if after is None else log.after(after, account)
    return {"count": sum(map(matches, candidates)), "cursor": store().cursor, "evicted": log.evicted(account)}


def scanner(log: Log[E], after: int | None, account: str | None, matches: Callable[[E], bool]) -> Callable[[], E | None]:
    """Return a function that finds the first matching entry; each call continues where the last one ended."""

    def find() -> E | None:
        nonlocal after
        start, after = after, store().cursor
        entries = log.newest_first(account) if start is None else iter(log.after(start, account))
        return next(filter(matches, entries), None)

    return find


@transaction()
def wait_for(log: Log[E], entry_type: EntryType[E], given: Mapping[str, str], matches: Callable[[E], bool]) -> dict[str, object]:
    """Wait for the first matching entry after the cursor; without one, the newest existing entry counts."""
    timeout = waiting.timeout_of(given)
    after, account = selection(given)
    entry = waiting.wait(scanner(log, after, account, matches), (entry_type.event_type,), account, timeout)
    if entry is None:
        raise _timeout_error(log, entry_type, timeout, after, account)
    return {entry_type.key: entry_type.document(entry), "cursor": entry.sequence}


def _timeout_error(log: Log[E], entry_type: EntryType[E], timeout: float, after: int | None, account: str | None) -> ControlError:
    noun, start = entry_type.noun, after or 0
    others = [entry for entry in islice(log.newest_first(account), MAX_OTHERS) if entry.sequence > start]
    if others:
        found = f"no match among: {', '.join(map(entry_type.brief, others))}"
    else:
        found = f"{entry_type.log} is empty" if after is None else f"no new {noun} after {after}"
    hint = "Check the filters, and GET /_alimock/calls for rejected calls."
    elsewhere = len(log.after(start)) - len(log.after(start, account)) if account is not None else 0
    if elsewhere:
        hint = f"{elsewhere} {noun}{'s' if elsewhere > 1 else ''} in accounts of other access keys. {hint}"
    details = {f"{entry_type.key}s": list(map(entry_type.document, others)), "cursor": store().cursor}
    return ControlError(408, f"Timed out after {timeout:g} s; {found}", hint, details=details)
