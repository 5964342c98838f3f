"""The end of what there is a great deal of: to free a million objects at once would hold up every caller."""

from __future__ import annotations

import time
from contextlib import suppress
from threading import RLock, Thread

AT_ONCE = 1_000


def let_go(objects: list[object], lock: RLock) -> None:
    """Frees objects that nobody else is to hold any more, if there are many, little by little in a thread of its own.

    The caller holds the lock, and gives it back when it has let go itself of what contains them.
    """
    if len(objects) > AT_ONCE:
        # Without a thread to be had they are freed at once.
        with suppress(RuntimeError):
            Thread(target=_free, args=(objects, lock), name="alimock disposal", daemon=True).start()


def _free(objects: list[object], lock: RLock) -> None:
    # Who began it has not let go yet.
    with lock:
        pass
    while objects:
        del objects[-AT_ONCE:]
        # Lets others run, who would wait for milliseconds otherwise.
        time.sleep(0)
