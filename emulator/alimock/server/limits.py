"""How much the HTTP server accepts from its clients."""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import dataclass

if sys.platform != "win32":
    import resource

# Files other than connections, with a wide margin.
OTHER_FILES = 100


@dataclass(frozen=True)
class ServerLimits:
    """The limits of one server, each with its default. `alimock serve --limit` sets them."""

    max_header_bytes: int = 256 * 1024
    max_body_bytes: int = 16 * 1024 * 1024
    # As large as a query may be: the store is locked until every address of a call is handled.
    max_call_bytes: int = 256 * 1024
    request_seconds: float = 30
    # The real gateway sends `Keep-Alive: timeout=25`.
    idle_seconds: float = 25
    max_connections: int = 5_000
    max_threads: int = 256

    @property
    def max_waiters(self) -> int:
        """How many requests may wait at once, so that threads are left for the others."""
        return self.max_threads * 3 // 4


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
