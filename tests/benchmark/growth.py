"""Print the cost of calls by number of addresses or mails: one JSON line per measurement, so that a timeout keeps the earlier ones.

Arguments: `addresses` and a number, or `mails`, or `files`. Calls go to the service in this process, without a socket. Except for
`files`, the addresses are built in memory: half of them verified, half pending, one second apart.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from collections.abc import Iterable, Iterator
from itertools import count
from random import Random
from statistics import median
from urllib.parse import urlencode

from alimock.api.http import HttpRequest
from alimock.api.service import Service
from alimock.scenario import loader
from alimock.scenario.address_rules import AddressBook, AddressOutcome, AddressRule, Status
from alimock.scenario.model import Scenario, ServiceLimits
from alimock.state.store import Store
from benchmark.calls import LIST, QUERY, RESEND, SUBMIT, VERSION
from benchmark.processes import resident_bytes
from benchmark.tools import scenario as full_records

SENDS = (1_000, 100_000, 1_000_000)
# A measurement ends at the first of these limits, but not before one call.
CALLS = 200
SECONDS = 2.0
KEY = "growth"
PAGE = 500
BATCH = 10
LOADS = 3
# With fewer addresses, the memory of one is too small to measure.
MIN_SIZE_FOR_MEMORY = 1_000
FIRST = 1_700_000_000
# A refused address of a batch: the status of the response is 200 all the same.
REFUSED = b'"FailList":[{'
# The number of records within the time bounds of a List.
BOUNDED = 100


def main(kind: str, *size: str) -> None:
    """Print each measurement as soon as it is complete: its name, the size, and seconds or bytes."""
    found = addresses(int(size[0])) if size else {"mails": mails, "files": files}[kind]()
    for name, amount, value in found:
        print(json.dumps({"name": name, "size": amount, "value": value}), flush=True)


def addresses(size: int) -> Iterator[tuple[str, int, float]]:
    """Measure calls in an account with the given number of addresses."""
    gc.collect()
    before = resident_bytes(os.getpid())
    service = Service(Store(scenario(size)))
    gc.collect()
    if size >= MIN_SIZE_FOR_MEMORY:
        yield "memory of an address", size, (resident_bytes(os.getpid()) - before) / size
    # Warm up.
    median_seconds(service, (_call(QUERY, Email=email(0)) for _ in count()))
    new_keys = (_call(QUERY, f"key-{number}", Email=email(0)) for number in count())
    yield "first call of a new access key", size, median_seconds(service, new_keys)
    begun = time.perf_counter()
    service.handle(_call(LIST, PageSize=1))
    yield "first List of an account", size, time.perf_counter() - begun
    for name, calls in _by_operation(size).items():
        yield name, size, median_seconds(service, calls)
    yield "VerifyEmail", size, median_seconds(service, _verifications(service))
    # Random positions, so that the list has to close the gap.
    numbers = Random(2).sample(range(size), min(size, CALLS))
    yield "Delete", size, median_seconds(service, (_call("DeleteEmailVerification", Email=email(number)) for number in numbers))
    begun = time.perf_counter()
    service.store.reset(KEY)
    yield "reset of an account", size, time.perf_counter() - begun


def _by_operation(size: int) -> dict[str, Iterator[HttpRequest]]:
    source = Random(1)
    middle = FIRST + size // 2
    bounds: dict[str, str | int] = {"BeginCreateTime": middle * 1000, "EndCreateTime": (middle + BOUNDED - 1) * 1000}
    return {
        "Query": (_call(QUERY, Email=email(source.randrange(size))) for _ in count()),
        "Resend": (_call(RESEND, Email=email(source.randrange(size) | 1)) for _ in count()),
        "List, the first page": (_call(LIST) for _ in count()),
        "List, the last page": (_call(LIST, PageNum=-(-size // PAGE)) for _ in count()),
        "List by status": (_call(LIST, VerificationStatus=1) for _ in count()),
        f"List of {BOUNDED} by time": (_call(LIST, **bounds) for _ in count()),
        "Submit": (_call(SUBMIT, Email=f"new{number}@example.com") for number in count()),
    }


def _verifications(service: Service) -> Iterator[HttpRequest]:
    """Yield calls that each verify a newly submitted address."""
    for number in count():
        service.handle(_call(SUBMIT, Email=f"verified{number}@example.com"))
        newest = next(service.store.outbox.newest_first())
        yield _call("VerifyEmail", Token=newest.token)


def mails() -> Iterator[tuple[str, int, float]]:
    """Measure a Resend, and the memory of all mails, after a growing number of mails."""
    service = Service(Store(scenario(2 * BATCH)))
    pending = [email(number) for number in range(1, 2 * BATCH, 2)]
    batch = _call(RESEND, Email=",".join(pending))
    gc.collect()
    before = resident_bytes(os.getpid())
    sent = 0
    for size in SENDS:
        while sent < size:
            service.handle(batch)
            sent += BATCH
        gc.collect()
        yield "memory of all mails", size, resident_bytes(os.getpid()) - before
        yield "Resend", size, median_seconds(service, (_call(RESEND, Email=pending[number % BATCH]) for number in count()))


def files() -> Iterator[tuple[str, int, float]]:
    """Measure the loading of scenario files."""
    for size in (10_000, 100_000):
        lines = "".join(f"  user{number}@example.com: verified\n" for number in range(size))
        yield "outcomes", size, _load_seconds(f"alimock: 1\naddresses:\n{lines}")
    yield "full records", 10_000, _load_seconds(full_records(10_000))


def _load_seconds(text: str) -> float:
    seconds = []
    for _ in range(LOADS):
        begun = time.perf_counter()
        loader.load_text(text.encode(), file="growth.yaml")
        seconds.append(time.perf_counter() - begun)
    return median(seconds)


def median_seconds(service: Service, calls: Iterable[HttpRequest]) -> float:
    """Return the median duration of calls in seconds; raise RuntimeError if one is refused."""
    seconds: list[float] = []
    for call in calls:
        begun = time.perf_counter()
        reply = service.handle(call)
        seconds.append(time.perf_counter() - begun)
        if reply.status != 200 or REFUSED in reply.body:
            raise RuntimeError(f"{call.query}: {reply.body.decode()}")
        if len(seconds) >= CALLS or sum(seconds) > SECONDS:
            break
    return median(seconds)


def scenario(size: int) -> Scenario:
    """Return a scenario with the given number of addresses and no limits."""
    rules = [_rule(number) for number in range(size)]
    return Scenario("growth", limits=ServiceLimits(None, None), user_ids={"default": None}, addresses=AddressBook.of(rules))


def _rule(number: int) -> AddressRule:
    outcome, status = (AddressOutcome.PENDING, Status.PENDING) if number % 2 else (AddressOutcome.VERIFIED, Status.VERIFIED)
    created = FIRST + number
    return AddressRule(
        email(number), "growth.yaml", outcome, status, gmt_create=created, gmt_modified=created, token_send_time=created
    )


def email(number: int) -> str:
    """Return the address of a number; odd ones are pending."""
    return f"user{number}@example.com"


def _call(action: str, key: str = KEY, /, **parameters: str | int) -> HttpRequest:
    parameters_sent = {"Action": action, "Version": VERSION, "Format": "JSON", "AccessKeyId": key, **parameters}
    return HttpRequest("GET", urlencode(parameters_sent), {}, b"", "127.0.0.1")


if __name__ == "__main__":
    main(*sys.argv[1:])
