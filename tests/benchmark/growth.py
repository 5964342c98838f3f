"""Prints what calls cost as addresses or mails grow in number, a line of JSON for each thing measured, so that a slow one leaves the rest.

Its arguments are `addresses` and how many, or `mails`, or `files`. Calls go to the service in this process, without a socket. But for
`files` the addresses are built as a scenario's, not read: half verified, half waiting, a second apart.
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
from alimock.scenario.address_book import AddressBook
from alimock.scenario.address_rules import AddressOutcome, AddressRule, Status
from alimock.scenario.model import Scenario, ServiceLimits
from alimock.state.store import Store
from benchmark.calls import LIST, QUERY, RESEND, VERSION
from benchmark.processes import resident_bytes
from benchmark.tools import scenario as full_records

SENDS = (1_000, 100_000, 1_000_000)
# A measurement ends with the first of these, but not before one call.
CALLS = 200
SECONDS = 2.0
KEY = "growth"
PAGE = 500
BATCH = 10
LOADS = 3
# With fewer addresses, what one takes is lost among the rest.
WEIGHED = 1_000
FIRST = 1_700_000_000
# Of an address in a batch, whose answer is 200 nevertheless.
REFUSED = b'"FailList":[{'
# Of the records, those that a List bounded by time is for.
BOUNDED = 100


def main(kind: str, *size: str) -> None:
    """Prints each measurement as soon as it is there: its name, the size, and seconds or bytes."""
    found = addresses(int(size[0])) if size else {"mails": mails, "files": files}[kind]()
    for name, amount, value in found:
        print(json.dumps({"name": name, "size": amount, "value": value}), flush=True)


def addresses(size: int) -> Iterator[tuple[str, int, float]]:
    """Goes through what so many addresses cost, in bytes and in seconds."""
    gc.collect()
    before = resident_bytes(os.getpid())
    service = Service(Store(scenario(size)))
    gc.collect()
    if size >= WEIGHED:
        yield "memory of an address", size, (resident_bytes(os.getpid()) - before) / size
    # The first calls of all warm up.
    took(service, (_call(QUERY, Email=email(0)) for _ in count()))
    new_keys = (_call(QUERY, f"key-{number}", Email=email(0)) for number in count())
    yield "first call of a new access key", size, took(service, new_keys)
    begun = time.perf_counter()
    service.handle(_call(LIST, PageSize=1))
    yield "first List of an account", size, time.perf_counter() - begun
    for name, calls in _by_operation(size).items():
        yield name, size, took(service, calls)
    yield "VerifyEmail", size, took(service, _verifications(service))
    # Anywhere in the order of List, so that the list closes the gap.
    numbers = Random(2).sample(range(size), min(size, CALLS))
    yield "Delete", size, took(service, (_call("DeleteEmailVerification", Email=email(number)) for number in numbers))
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
        "Submit": (_call("SubmitEmailVerification", Email=f"new{number}@example.com") for number in count()),
    }


def _verifications(service: Service) -> Iterator[HttpRequest]:
    """Goes through calls that each verify an address that has just been submitted."""
    for number in count():
        service.handle(_call("SubmitEmailVerification", Email=f"verified{number}@example.com"))
        newest = next(service.store.outbox.newest_first())
        yield _call("VerifyEmail", Token=newest.token)


def mails() -> Iterator[tuple[str, int, float]]:
    """Goes through what a Resend costs after so many sends, and what they hold in memory."""
    service = Service(Store(scenario(2 * BATCH)))
    waiting = [email(number) for number in range(1, 2 * BATCH, 2)]
    batch = _call(RESEND, Email=",".join(waiting))
    gc.collect()
    before = resident_bytes(os.getpid())
    sent = 0
    for size in SENDS:
        while sent < size:
            service.handle(batch)
            sent += BATCH
        gc.collect()
        yield "memory of all mails", size, resident_bytes(os.getpid()) - before
        yield "Resend", size, took(service, (_call(RESEND, Email=waiting[number % BATCH]) for number in count()))


def files() -> Iterator[tuple[str, int, float]]:
    """Goes through the seconds that it takes to load a scenario."""
    for size in (10_000, 100_000):
        lines = "".join(f"  user{number}@example.com: verified\n" for number in range(size))
        yield "outcomes", size, _loaded(f"alimock: 1\naddresses:\n{lines}")
    yield "full records", 10_000, _loaded(full_records(10_000))


def _loaded(text: str) -> float:
    seconds = []
    for _ in range(LOADS):
        begun = time.perf_counter()
        loader.load_text(text.encode(), file="growth.yaml")
        seconds.append(time.perf_counter() - begun)
    return median(seconds)


def took(service: Service, calls: Iterable[HttpRequest]) -> float:
    """Gives the median of the seconds that calls take; raises `RuntimeError` for a refusal."""
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
    """Makes a scenario with so many addresses and no limits."""
    rules = (_rule(number) for number in range(size))
    return Scenario("growth", limits=ServiceLimits(None, None), user_ids={"default": None}, addresses=AddressBook.of(rules))


def _rule(number: int) -> AddressRule:
    outcome, status = (AddressOutcome.PENDING, Status.PENDING) if number % 2 else (AddressOutcome.VERIFIED, Status.VERIFIED)
    created = FIRST + number
    return AddressRule(
        email(number), "growth.yaml", outcome, status, gmt_create=created, gmt_modified=created, token_send_time=created
    )


def email(number: int) -> str:
    """Gives the address of a number; those of odd ones wait."""
    return f"user{number}@example.com"


def _call(action: str, key: str = KEY, /, **parameters: str | int) -> HttpRequest:
    sent = {"Action": action, "Version": VERSION, "Format": "JSON", "AccessKeyId": key, **parameters}
    return HttpRequest("GET", urlencode(sent), {}, b"", "127.0.0.1")


if __name__ == "__main__":
    main(*sys.argv[1:])
