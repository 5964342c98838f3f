"""How much an emulator takes from its clients, and how much it keeps: plain data, with the defaults of the settings."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """The limits of one emulator; each is a setting of its name, whose help says what it is."""

    max_header_bytes: int = 256 * 1024
    max_body_bytes: int = 16 * 1024 * 1024
    # As much as fits into a query, since every address of a call is handled before another call is.
    max_call_bytes: int = 256 * 1024
    request_seconds: float = 30
    # As the real gateway's `Keep-Alive: timeout=25` says.
    idle_seconds: float = 25
    max_connections: int = 5_000
    max_threads: int = 256
    max_accounts: int = 1_000
    unused_account_seconds: float = 600
    max_access_keys: int = 10_000
    max_entries_per_account: int = 5_000
    max_entries: int = 50_000
    max_relay_mails: int = 1_000

    @property
    def waiting(self) -> int:
        """How many may wait at the same time, so that threads are left for those who do not."""
        return self.max_threads * 3 // 4
