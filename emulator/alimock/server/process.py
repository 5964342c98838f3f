"""What the process of the command asks of the system and of the C library: open files, and memory that it gives back."""

from __future__ import annotations

import sys
from contextlib import suppress
from importlib import import_module

from alimock.server.limits import ServerLimits

if sys.platform != "win32":
    import resource

# What is open beside connections, by a wide margin.
OTHER_FILES = 100
LARGE_BYTES = 1024 * 1024
# As malloc.h has it.
_M_MMAP_THRESHOLD = -3


def raise_file_limit(limits: ServerLimits, listeners: int) -> None:
    """Asks the system for as many open files as all connections need; many systems give a process few until it asks."""
    if sys.platform == "win32":
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = listeners * (limits.max_connections + limits.max_threads) + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < needed:
        allowed = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        # Some systems have a lower bound of their own; idle connections end sooner then.
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))


def give_large_blocks_back() -> None:
    """Has the C library give memory back to the system when a large body is done with; by default it keeps some for each thread."""
    # Imported only here, since nobody waits for it once the emulator is ready. Other systems' libraries have no such option.
    with suppress(ImportError, OSError, AttributeError):
        import_module("ctypes").CDLL(None).mallopt(_M_MMAP_THRESHOLD, LARGE_BYTES)
