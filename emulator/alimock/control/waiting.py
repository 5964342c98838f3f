"""Waiting over HTTP: taking a place among those who wait, and what ends it too early."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import TypeVar

from flask import request

from alimock.control import arguments
from alimock.control.problem import Problem
from alimock.server.dispatch import IS_GONE
from alimock.state.store import Store
from alimock.state.waiters import Closed, Interrupted

DEFAULT_SECONDS = 10
MAXIMUM_SECONDS = 60
RETRY_AFTER_SECONDS = 1
T = TypeVar("T")
_SECONDS = re.compile(r"[0-9]{1,5}(\.[0-9]{1,6})?")


def seconds(given: dict[str, str], default: int) -> float:
    """Reads the argument `timeout`: seconds from 0 to 60, with a fraction if need be."""
    text = given.get("timeout", str(default))
    value = float(text) if _SECONDS.fullmatch(text) else MAXIMUM_SECONDS + 1.0
    if value > MAXIMUM_SECONDS:
        raise Problem(400, f"`timeout`: found {text[:60]!a}", f"give seconds from 0 to {MAXIMUM_SECONDS}")
    return value


def waited(
    store: Store,
    find: Callable[[], T | None],
    kinds: Collection[str],
    account: str | None,
    timeout: float,
) -> T | None:
    """Gives what `find` gives, as soon as it does, or None at the end of the time; the caller does not hold the lock."""
    with store.lock:
        found = find()
    if found is not None or timeout == 0:
        return found
    if not store.waiters.slots.acquire():
        hint = "wait for fewer mails at a time, try again, or see --max-threads"
        headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
        raise Problem(503, f"{store.waiters.capacity} callers wait already", hint, headers=headers)
    try:
        with store.lock:
            is_gone = request.environ.get(IS_GONE, lambda: False)
            return store.waiters.wait(find, kinds, account, timeout, is_gone=is_gone)
    except Interrupted:
        raise Problem(410, "the account was reset in the meantime", "what was waited for cannot come any more") from None
    except Closed:
        raise Problem(503, "the emulator is stopping", "start it again") from None
    finally:
        store.waiters.slots.release()


def cursor(store: Store, given: dict[str, str]) -> int | None:
    """Reads the argument `after`, and refuses one that is beyond what has happened; the caller holds the lock."""
    if "after" not in given:
        return None
    after = arguments.number(given, "after", 0, 10**18 - 1)
    if after > store.cursor:
        hint = "the emulator was restarted since; begin again without `after`"
        raise Problem(410, f"`after`: {after} is beyond the cursor {store.cursor}", hint)
    return after
