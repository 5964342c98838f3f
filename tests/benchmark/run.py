"""Measures what the size of a scenario costs (loading it, the first call of a new access key), and what parked waiters cost others.

Prints medians.
"""

from __future__ import annotations

import contextlib
import http.client
import threading
import time
from collections.abc import Callable, Iterator
from statistics import median

from alimock.app import Application
from alimock.doors import Doors
from alimock.gateway.call import Call
from alimock.scenario import loader
from alimock.scenario.model import Scenario
from alimock.server import Server
from alimock.service import Service
from alimock.world.waiting import MAXIMUM_WAITING
from alimock.world.world import World

LOADS = 3
KEYS = 500
CALLS = 1_000
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

    for waiters in (0, 90):
        print(f"calls on one connection beside {waiters:>2} parked waiters {calls_a_second(waiters):8.0f} /s")


def calls_a_second(waiters: int) -> float:
    """Gives how many calls a client makes in a second while others wait for mails that never come."""
    world = World(loader.load("default"))
    server = Server(Application(Service(world), Doors()), "127.0.0.1", 0)
    server.start()
    threads = [threading.Thread(target=_park, args=(server.port,), daemon=True) for _ in range(waiters)]
    for thread in threads:
        thread.start()
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    while MAXIMUM_WAITING - world.waiting.room._value < waiters:
        _call(connection)
    seconds = timed(lambda: [_call(connection) for _ in range(CALLS)], LOADS)
    connection.close()
    server.stop()
    return CALLS / seconds


def _call(connection: http.client.HTTPConnection) -> None:
    connection.request("GET", "/?Action=QueryEmailVerification&Version=2018-01-29&Email=abc@aliyun.com")
    connection.getresponse().read()


def _park(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    with contextlib.suppress(OSError, http.client.HTTPException):
        connection.request("GET", "/_alimock/outbox/wait?to=nobody@example.com&timeout=60")
        connection.getresponse().read()


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
