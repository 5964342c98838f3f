"""The end of what there is a great deal of: to free a million objects at once would hold up every caller."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import RLock, Thread

AT_ONCE = 1_000


def let_go(size: int, remains: Callable[[], list[object]], lock: RLock) -> None:
    """Frees what nobody else holds any more, if it is much, little by little in a thread of its own.

    `remains` is the method of what is let go that gives the single objects which it contains. The caller holds the lock, and gives
    it back when it has let go itself.
    """
    if size > AT_ONCE:
        Thread(target=_free, args=([remains], lock), name="alimock disposal", daemon=True).start()


def _free(held: list[Callable[[], list[object]]], lock: RLock) -> None:
    # Who began it has not let go yet.
    with lock:
        pass
    # What contains the objects must go first, or else it would free them all at its end.
    objects = held.pop()()
    while objects:
        del objects[-AT_ONCE:]
        # Lets others run, who would wait for milliseconds otherwise.
        time.sleep(0)
