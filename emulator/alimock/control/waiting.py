"""Long polling: wait for an event, within the limit of concurrent waiters."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import TypeVar

from flask import request

from alimock.api.http import IS_GONE
from alimock.control.backend import store
from alimock.control.errors import ControlError
from alimock.state.waiters import Closed, Interrupted

DEFAULT_SECONDS = 10
MAX_SECONDS = 60
RETRY_AFTER_SECONDS = 1
T = TypeVar("T")
_SECONDS = re.compile(r"[0-9]{1,5}(\.[0-9]{1,6})?")


def timeout_of(given: Mapping[str, str]) -> float:
    """Parse the argument `timeout`: seconds from 0 to 60, optionally with a fraction."""
    text = given.get("timeout", str(DEFAULT_SECONDS))
    value = float(text) if _SECONDS.fullmatch(text) else MAX_SECONDS + 1.0
    if value > MAX_SECONDS:
        raise ControlError(400, f"`timeout`: found {text[:60]!a}", f"Give seconds from 0 to {MAX_SECONDS}.")
    return value


def wait(find: Callable[[], T | None], types: Collection[str], account: str | None, timeout: float) -> T | None:
    """Return the first result of `find`, or None on a timeout; call it in a transaction, whose lock is released meanwhile."""
    waiters = store().waiters
    found = find()
    if found is not None or timeout == 0:
        return found
    if not waiters.slots.acquire():
        headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
        hint = "Retry, use fewer concurrent waits, or raise --limit max_threads=N."
        raise ControlError(503, f"All {waiters.capacity} waiter slots are in use", hint, headers=headers)
    try:
        return waiters.wait(find, types, account, timeout, is_gone=request.environ.get(IS_GONE, lambda: False))
    except Interrupted:
        raise ControlError(410, "The account was reset during the wait", "Start a new wait.") from None
    except Closed:
        raise ControlError(503, "The emulator is shutting down", "Restart it and retry.") from None
    finally:
        waiters.slots.release()
