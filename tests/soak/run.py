"""Keeps one emulator busy for long, as a process of its own, and looks whether it loses, doubles or hoards anything. Run by `make soak`.

It goes on for ten minutes, or as many seconds as the first argument says, prints what it measured, and ends with 1 if anything
disagreed: an answer with what its client knew, the emulator's counts with those of its clients, an error or a broken connection that no
fault asked for, memory that grows, a thread or a file descriptor too many, an end that is not in order. The second argument is the seed
of an earlier run. It needs Linux, for /proc.
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
# How often all accounts are reset in the whole time.
RESETS = 10
# As many connections as are never busy at once later, so that the emulator has all the threads it will need.
PEAK = 48
SETTLE_SECONDS = 30.0


def warm_up(emulator: Emulator) -> Sample:
    """Has the emulator load all it loads at first use and make the threads for its peak; gives what it has when that is over."""

    def wait() -> None:
        connection = Connection(emulator.endpoint)
        connection.control("GET", "outbox/wait", to="nobody@example.com", timeout=1)
        connection.close()

    threads = [threading.Thread(target=wait, daemon=True) for _ in range(PEAK)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return settled(emulator, Sample(0, 0, 0), 0.5)


def settled(emulator: Emulator, wanted: Sample, seconds: float) -> Sample:
    """Gives what the process has once it is no more than wanted, at the latest after so many seconds."""
    end = time.monotonic() + seconds
    while True:
        sample = Sample.of(emulator)
        is_done = sample.threads <= wanted.threads and sample.descriptors <= wanted.descriptors
        if is_done or time.monotonic() > end:
            return sample
        time.sleep(0.1)


def prepared(emulator: Emulator, accounts: int) -> list[Ledger]:
    """Makes the accounts, with the keys whose secrets the emulator is to know."""
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


def loaded(emulator: Emulator, busy: Sequence[Client | Waiter | Silent | Resetter], seconds: float) -> list[Sample]:
    """Lets them run, and takes samples."""
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
    """Does it all, prints what was measured, and gives what disagreed."""
    verdict = Verdict()
    with tempfile.TemporaryDirectory() as folder, Emulator(Path(folder)) as emulator:
        before = warm_up(emulator)
        ledgers, stopped = prepared(emulator, accounts), threading.Event()
        busy = [
            Client(emulator.endpoint, ledgers[number::clients], random.Random(seed + number), stopped) for number in range(clients)
        ]
        others: list[Waiter | Silent | Resetter] = [Waiter(emulator.endpoint, stopped) for _ in range(WAITERS)]
        others += [Silent(emulator.endpoint, random.Random(seed - number), stopped) for number in range(1, SILENT + 1)]
        others.append(Resetter(emulator.endpoint, busy, seconds / RESETS, stopped))
        samples = loaded(emulator, (*busy, *others), seconds)
        verdict.disagreements += [one.disagreement for one in (*busy, *others) if one.disagreement is not None]
        if not verdict.disagreements:
            connection = Connection(emulator.endpoint)
            verdict.accounts(connection, ledgers)
            happened = connection.control("GET", "info")[1]["cursor"]
            connection.close()
            after = settled(emulator, before, SETTLE_SECONDS)
            verdict.resources(samples, before, after, happened)
            tell(sum((client.done for client in busy), Counter()), samples, before, after)
        verdict.equal("whether it runs until it is stopped", emulator.is_running, True)
        verdict.end(emulator.stop(), emulator.log.read_text())
    return verdict.disagreements


def tell(done: Counter[str], samples: list[Sample], before: Sample, after: Sample) -> None:
    """Prints what was measured."""
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
    """Prints the verdict, and gives the status to end with."""
    print(f"seed {seed}", flush=True)
    found = soak(seconds, seed)
    for disagreement in found:
        print(f"DISAGREES {disagreement}")
    return 1 if found else 0


if __name__ == "__main__":
    given = sys.argv[1:]
    sys.exit(
        main(float(given[0]) if given else SECONDS, int(given[1]) if len(given) > 1 else random.SystemRandom().randrange(10**6))
    )
