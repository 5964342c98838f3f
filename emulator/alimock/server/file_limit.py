"""The limit of open files of the process."""

from __future__ import annotations

import sys
from contextlib import suppress

from alimock.server.limits import ServerLimits

if sys.platform != "win32":
    import resource

# Files other than connections, with a wide margin.
OTHER_FILES = 100


def raise_file_limit(limits: ServerLimits, listeners: int) -> None:
    """Raise the soft limit of open files to what all connections need; many systems start processes with a low one."""
    if sys.platform == "win32":
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = listeners * (limits.max_connections + limits.max_threads) + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < needed:
        allowed = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        # macOS has a lower maximum of its own. With fewer files, idle connections are closed sooner.
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
