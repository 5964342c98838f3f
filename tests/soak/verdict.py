"""The verdict of a soak test: its disagreements."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median

from soak.client import disagreements
from soak.emulator import Connection, Sample
from soak.ledger import Ledger

# The allowed growth of median memory from the third to the last quarter of the time, and per log entry until the logs are full.
GROWTH_MIB = 4.0
ENTRY_KIB = 1.0
LOG_ENTRIES = 50_000


class Verdict:
    """Collect disagreements."""

    def __init__(self) -> None:
        self.disagreements: list[str] = []

    def accounts(self, connection: Connection, ledgers: Iterable[Ledger]) -> None:
        """Compare the accounts with the ledgers of the clients."""
        for ledger in ledgers:
            self.disagreements += disagreements(connection, ledger)

    def resources(self, samples: list[Sample], before: Sample, after: Sample, events: int) -> None:
        """Compare the resources at the end with those after the warm-up; `events` is the number of log entries."""
        memory = [sample.memory for sample in samples]
        quarter = max(len(memory) // 4, 1)
        growth = median(memory[-quarter:]) - median(memory[-2 * quarter : -quarter] or memory)
        allowed = GROWTH_MIB + max(min(events, LOG_ENTRIES) - events // 2, 0) * ENTRY_KIB / 1024
        if growth > allowed:
            self.disagreements.append(f"memory grew by {growth:.1f} MiB in the second half, expected at most {allowed:.1f}")
        if after.threads > before.threads:
            self.disagreements.append(f"{after.threads} threads at the end, {before.threads} after the warm-up")
        if after.descriptors > before.descriptors:
            self.disagreements.append(f"{after.descriptors} file descriptors at the end, {before.descriptors} after the warm-up")

    def end(self, status: int, log: str) -> None:
        """Check the exit status and the log."""
        self.equal("exit status after SIGTERM", status, 0)
        if status != 0 or "Traceback" in log:
            self.disagreements.append(f"the log ends with {log[-2_000:]}")

    def equal(self, what: str, found: object, expected: object) -> None:
        """Compare two values."""
        if found != expected:
            self.disagreements.append(f"{what}: found {found}, expected {expected}")
