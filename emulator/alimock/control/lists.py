"""Lists of log entries: newest first, or after a cursor oldest first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice

from alimock.control import arguments
from alimock.control.current import store, transaction
from alimock.control.errors import ControlError
from alimock.state.log import E, Log

DEFAULT_LIMIT = 100
MAX_LIMIT = 5_000


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


def page(
    log: Log[E], name: str, given: Mapping[str, str], matches: Callable[[E], bool], document: Callable[[E], dict[str, object]]
) -> dict[str, object]:
    """Return a page of the matching entries of a log, with `gap` if entries after the cursor were evicted."""
    limit = arguments.integer(given, "limit", DEFAULT_LIMIT, MAX_LIMIT)
    with transaction():
        after, account = selection(given)
        entries = list(islice(filter(matches, candidates(log, after, account)), limit))
        cursor, evicted = store().cursor, log.evicted(account)
        gap = after is not None and after < log.evicted_through(account)
    if after is not None and len(entries) == limit:
        # Continue from the last entry of a full page, so that none between it and the newest is skipped.
        cursor = entries[-1].sequence if entries else after
    content: dict[str, object] = {name: list(map(document, entries)), "cursor": cursor, "evicted": evicted}
    return {**content, "gap": True} if gap else content


def candidates(log: Log[E], after: int | None, account: str | None) -> Iterator[E]:
    """Iterate over the entries of a log: newest first, or those after a cursor, oldest first."""
    return log.newest_first(account) if after is None else iter(log.after(after, account))
