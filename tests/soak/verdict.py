"""What disagreed in a soak."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median

from soak.client import disagreements
from soak.emulator import Connection, Sample
from soak.ledger import Ledger

# How much the memory's median may grow between the third and the last quarter of the time, and with each entry that the emulator's logs
# take in before they are full.
GROWTH_MIB = 4.0
ENTRY_KIB = 1.0
LOG_ENTRIES = 50_000


class Verdict:
    """What disagreed, found out piece by piece."""

    def __init__(self) -> None:
        self.disagreements: list[str] = []

    def accounts(self, connection: Connection, ledgers: Iterable[Ledger]) -> None:
        """Holds the emulator's counts against those of the clients."""
        for ledger in ledgers:
            self.disagreements += disagreements(connection, ledger)

    def resources(self, samples: list[Sample], before: Sample, after: Sample, happened: int) -> None:
        """Holds what the process has in the end against what it had after the warm-up; `happened` is how much its logs were told."""
        memory = [sample.memory for sample in samples]
        quarter = max(len(memory) // 4, 1)
        growth = median(memory[-quarter:]) - median(memory[-2 * quarter : -quarter] or memory)
        allowed = GROWTH_MIB + max(min(happened, LOG_ENTRIES) - happened // 2, 0) * ENTRY_KIB / 1024
        if growth > allowed:
            self.disagreements.append(f"memory grew by {growth:.1f} MiB in the second half, at most {allowed:.1f} are right")
        if after.threads > before.threads:
            self.disagreements.append(f"{after.threads} threads are left, there were {before.threads} after the warm-up")
        if after.descriptors > before.descriptors:
            self.disagreements.append(f"{after.descriptors} file descriptors are left, there were {before.descriptors}")

    def end(self, status: int, log: str) -> None:
        """Looks at the end of the process."""
        self.equal("status at SIGTERM", status, 0)
        if status != 0 or "Traceback" in log:
            self.disagreements.append(f"the log ends with {log[-2_000:]}")

    def equal(self, what: str, found: object, expected: object) -> None:
        """Compares two values."""
        if found != expected:
            self.disagreements.append(f"{what}: found {found}, expected {expected}")
