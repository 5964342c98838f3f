"""Measures what the size of a scenario costs: loading it, and the first call of a new access key. Prints medians."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from statistics import median

from alimock.gateway.call import Call
from alimock.scenario import loader
from alimock.scenario.model import Scenario
from alimock.service import Service
from alimock.world.world import World

LOADS = 3
KEYS = 500
_FULL = (
    "{{status: verified, email_verification_no: 72b36ba0572e423bbb3f1964{0:08x}, user_id: '140692647406****', send_ip: 192.0.2.10, "
    "confirm_ip: 192.0.2.20, gmt_create: 2019-02-19 16:38:07, gmt_modified: 2019-02-19 16:40:38, "
    "token_send_time: 2019-02-19 16:38:07, verification_time: 2019-02-19 16:40:38}}"
)


def main() -> None:
    """Prints a line for each measurement."""
    for size, kind, entry in ((10_000, "outcomes", "verified"), (10_000, "full records", _FULL), (100_000, "outcomes", "verified")):
        content = text(size, entry)
        print(f"load {size:>7,} {kind:<13} {timed(lambda content=content: load(content), LOADS):9.3f} s")  # type: ignore[misc]
    for size in (10, 1_000, 100_000):
        seconds = median(first_sights(load(text(size, "verified"))))
        print(f"first call of a new key, {size:>7,} addresses {seconds * 1e6:7.0f} us")


def text(size: int, entry: str) -> bytes:
    """Writes a scenario with so many addresses."""
    lines = "".join(f"  user{number}@example.com: {entry.format(number)}\n" for number in range(size))
    return f"alimock: 1\naddresses:\n{lines}".encode()


def load(content: bytes) -> Scenario:
    """Loads a scenario."""
    return loader.load_text(content, file="benchmark.yaml")


def timed(action: Callable[[], object], times: int) -> float:
    """Gives the median of the seconds that an action takes."""
    return median(_seconds(action) for _ in range(times))


def first_sights(scenario: Scenario) -> Iterator[float]:
    """Goes through the seconds that the first call of each of many new keys takes."""
    service = Service(World(scenario))
    for number in range(KEYS):
        query = f"Action=QueryEmailVerification&Version=2018-01-29&Email=user1@example.com&AccessKeyId=key-{number}"
        call = Call("GET", query, {}, b"", "127.0.0.1")
        yield _seconds(lambda call=call: service.answer(call))  # type: ignore[misc]


def _seconds(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
