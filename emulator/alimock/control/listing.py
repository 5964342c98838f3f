"""The one shape of lists: newest first, or behind a cursor oldest first, with what was thrown away."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import islice

from alimock.control import arguments
from alimock.control.waits import cursor
from alimock.world.log import E, Log
from alimock.world.world import World

DEFAULT_LIMIT = 100
MAXIMUM_LIMIT = 5_000
# The arguments that every list of a log takes.
ARGUMENTS = ("access_key_id", "after", "limit")


def account_name(world: World, given: Mapping[str, str]) -> str | None:
    """Gives the account that the argument `access_key_id` narrows to, None for all."""
    key_id = given.get("access_key_id")
    return world.account_name(key_id) if key_id is not None else None


def listed(
    world: World,
    log: Log[E],
    name: str,
    given: dict[str, str],
    matches: Callable[[E], bool],
    show: Callable[[E], dict[str, object]],
) -> dict[str, object]:
    """Gives a page of a log's entries that match."""
    limit = arguments.number(given, "limit", DEFAULT_LIMIT, MAXIMUM_LIMIT)
    with world.lock:
        after, account = cursor(world, given), account_name(world, given)
        end, evicted, evicted_through = world.cursor, log.evicted(account), log.evicted_through(account)
        candidates = log.newest_first(account) if after is None else iter(log.after(after, account))
        chosen = list(islice(filter(matches, candidates), limit))
    if after is not None and len(chosen) == limit:
        # A full page goes on from its own last entry, so that none between it and the cursor is missed.
        end = chosen[-1].sequence if chosen else after
    answer: dict[str, object] = {name: [show(one) for one in chosen], "cursor": end, "evicted": evicted}
    return {**answer, "gap": True} if after is not None and after < evicted_through else answer
