"""Keep one emulator under load, and check for lost or duplicated entries and for leaks. Run by `make soak`.

Arguments: the seconds (default: 600), and the seed of an earlier run to repeat. Prints the measurements and exits with status 1 on any
disagreement: a wrong response, counts that differ from those of the clients, an error or a broken connection without a fault, growing
memory, a leaked thread or file descriptor, or an unclean exit. Requires Linux, for /proc.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from soak.client import Client
from soak.emulator import Connection, Emulator, Sample
from soak.key import KINDS, Key
from soak.ledger import Ledger
from soak.others import Resetter, Silent, Waiter
from soak.verdict import Verdict

SECONDS = 600.0
CLIENTS, ACCOUNTS = 8, 100
WAITERS, SILENT = 4, 2
# The number of times that all accounts are reset.
RESETS = 10
# More connections than are busy at once later, so that the emulator starts all of its threads during the warm-up.
PEAK = 48
SETTLE_SECONDS = 30.0


def warm_up(emulator: Emulator) -> Sample:
    """Make the emulator load what it loads lazily and start its threads; return its resources afterwards."""

    def wait() -> None:
        connection = Connection(emulator.endpoint)
        connection.control("GET", "outbox/wait", to="absent@example.com", timeout=1)
        connection.close()

    threads = [threading.Thread(target=wait, daemon=True) for _ in range(PEAK)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return settle(emulator, Sample(0, 0, 0), 0.5)


def settle(emulator: Emulator, wanted: Sample, seconds: float) -> Sample:
    """Return the resources of the process once they are at most `wanted`, or after a timeout."""
    end = time.monotonic() + seconds
    while True:
        sample = Sample.of(emulator)
        is_done = sample.threads <= wanted.threads and sample.descriptors <= wanted.descriptors
        if is_done or time.monotonic() > end:
            return sample
        time.sleep(0.1)


def create_accounts(emulator: Emulator, accounts: int) -> list[Ledger]:
    """Create the accounts, and register the keys whose secrets the emulator knows."""
    connection = Connection(emulator.endpoint)
    ledgers = []
    for number in range(accounts):
        signature, is_known = KINDS[number % len(KINDS)]
        key = Key(f"soak-{number}", signature, f"secret-{number}" if is_known else None)
        if is_known:
            connection.control("PUT", f"access-keys/{key.id}", json.dumps({"secret": key.secret}))
        ledgers.append(Ledger(key))
    connection.close()
    return ledgers


def apply_load(emulator: Emulator, busy: Sequence[Client | Waiter | Silent | Resetter], seconds: float) -> list[Sample]:
    """Run the threads for the given time, and sample the resources of the emulator."""
    samples, start = [], time.monotonic()
    for one in busy:
        one.thread.start()
    stopped = busy[0].stopped
    while not stopped.wait(max(seconds / 400, 0.1)) and emulator.is_running and time.monotonic() - start < seconds:
        samples.append(Sample.of(emulator))
    stopped.set()
    for one in busy:
        one.thread.join(60)
    return samples


def soak(seconds: float, seed: int, *, clients: int = CLIENTS, accounts: int = ACCOUNTS) -> list[str]:
    """Run the whole test, print its measurements, and return the disagreements."""
    verdict = Verdict()
    with tempfile.TemporaryDirectory() as folder, Emulator(Path(folder)) as emulator:
        before = warm_up(emulator)
        ledgers, stopped = create_accounts(emulator, accounts), threading.Event()
        busy = [
            Client(emulator.endpoint, ledgers[number::clients], random.Random(seed + number), stopped) for number in range(clients)
        ]
        others: list[Waiter | Silent | Resetter] = [Waiter(emulator.endpoint, stopped) for _ in range(WAITERS)]
        others += [Silent(emulator.endpoint, random.Random(seed - number), stopped) for number in range(1, SILENT + 1)]
        others.append(Resetter(emulator.endpoint, busy, seconds / RESETS, stopped))
        samples = apply_load(emulator, (*busy, *others), seconds)
        verdict.disagreements += [one.disagreement for one in (*busy, *others) if one.disagreement is not None]
        if not verdict.disagreements:
            connection = Connection(emulator.endpoint)
            verdict.accounts(connection, ledgers)
            events = connection.control("GET", "info")[1]["cursor"]
            connection.close()
            after = settle(emulator, before, SETTLE_SECONDS)
            verdict.resources(samples, before, after, events)
            print_measurements(sum((client.done for client in busy), Counter()), samples, before, after)
        verdict.equal("running until stopped", emulator.is_running, True)
        verdict.end(emulator.stop(), emulator.log.read_text())
    return verdict.disagreements


def print_measurements(done: Counter[str], samples: list[Sample], before: Sample, after: Sample) -> None:
    """Print the measurements."""
    memory = [sample.memory for sample in samples]
    quarter = max(len(memory) // 4, 1)
    quarters = [f"{median(memory[start : start + quarter]):.1f}" for start in range(0, 4 * quarter, quarter) if memory[start:]]
    print(", ".join(f"{count} {name}" for name, count in sorted(done.items())))
    print(
        f"memory {before.memory:.1f} MiB after the warm-up, medians of the quarters {', '.join(quarters)}, {after.memory:.1f} at the end"
    )
    print(f"threads {before.threads} after the warm-up, at most {max(one.threads for one in samples)}, {after.threads} at the end")
    print(
        f"file descriptors {before.descriptors}, at most {max(one.descriptors for one in samples)}, {after.descriptors} at the end"
    )


def main(seconds: float, seed: int) -> int:
    """Print the verdict and return the exit status."""
    print(f"seed {seed}", flush=True)
    found = soak(seconds, seed)
    for disagreement in found:
        print(f"DISAGREES {disagreement}")
    return 1 if found else 0


if __name__ == "__main__":
    arguments = sys.argv[1:]
    sys.exit(
        main(
            float(arguments[0]) if arguments else SECONDS,
            int(arguments[1]) if len(arguments) > 1 else random.SystemRandom().randrange(10**6),
        )
    )
