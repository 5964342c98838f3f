"""How much state an emulator keeps."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class StateLimits:
    """The limits of one store with their defaults."""

    max_accounts: int = 1_000
    unused_account_seconds: float = 600
    max_access_keys: int = 10_000
    max_entries_per_account: int = 5_000
    max_entries: int = 50_000
