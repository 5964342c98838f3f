"""How much the HTTP server accepts from its clients."""

from __future__ import annotations

from dataclasses import dataclass


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
