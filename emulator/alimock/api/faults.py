"""Fault injection: which fault of an account hits a call, and what it does to the response."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from alimock.api.http import HttpResponse
from alimock.scenario.model import Body, Fault
from alimock.spec.address import fold
from alimock.state.account import Account

PIECES = 10
# What a proxy in front of the gateway would send; no such page of the service itself is known.
_PAGE = b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<h1>502 Bad Gateway</h1>\r\n</body>\r\n</html>\r\n"
_DECIDED_BY = "X-Alimock-Decided-By"


def choose(account: Account, action: str, version: str, access_key_id: str, emails: object) -> Fault | None:
    """Return the first fault that hits a call, and count the call in every fault that it matches.

    The caller holds the store's lock. `emails` is the operation's parameter Email. A batch matches if any of its addresses does.
    """
    addresses = emails if isinstance(emails, tuple) else (emails,) if isinstance(emails, str) else ()
    chosen: Fault | None = None
    for fault in account.faults.values():
        if not _matches(fault, action, version, access_key_id, addresses):
            continue
        account.fault_calls[fault.id] += 1
        if chosen is None and _is_due(fault, account):
            account.fault_hits[fault.id] += 1
            chosen = fault
    return chosen


def _matches(fault: Fault, action: str, version: str, access_key_id: str, addresses: tuple[str, ...]) -> bool:
    return (
        fault.action in (None, action)
        and fault.version in (None, version)
        and fault.access_key_id in (None, access_key_id)
        and (fault.email is None or any(fault.email.matches(fold(address)) for address in addresses))
    )


def _is_due(fault: Fault, account: Account) -> bool:
    number = fault.seen + account.fault_calls[fault.id] - fault.after
    if number < 1 or (fault.times is not None and fault.hits + account.fault_hits[fault.id] >= fault.times):
        return False
    return number == fault.nth if fault.nth is not None else fault.every is None or number % fault.every == 0


class FaultyResponse(NamedTuple):
    """A response as its fault changes it.

    `surplus` is sent after the body, although no header announces it. If it is not `complete`, the body is shorter than its
    Content-Length.
    """

    response: HttpResponse
    surplus: bytes = b""
    complete: bool = True


def apply_fault(response: HttpResponse) -> FaultyResponse:
    """Apply what the fault of a response says about its body."""
    body, half = response.fault.body if response.fault is not None else None, len(response.body) // 2
    if body is Body.EMPTY:
        return FaultyResponse(response._replace(body=b"", headers=_with_length(response, 0)))
    if body is Body.HTML_502:
        kept = [(name, value) for name, value in response.headers if name == _DECIDED_BY]
        headers = (("Content-Type", "text/html"), ("Content-Length", str(len(_PAGE))), *kept)
        return FaultyResponse(response._replace(status=502, headers=headers, body=_PAGE))
    if body is Body.TRUNCATED:
        return FaultyResponse(response._replace(body=response.body[:half]), complete=False)
    if body is Body.WRONG_LENGTH:
        first = response._replace(body=response.body[:half], headers=_with_length(response, half))
        return FaultyResponse(first, surplus=response.body[half:])
    return FaultyResponse(response)


def without_wire(response: HttpResponse) -> HttpResponse:
    """Return the nearest response to a faulty one that any HTTP server can send, which says what it lacks.

    In place of a reset it is what a proxy answers after one. A body is as broken, but as long as announced.
    """
    fault = response.fault
    if fault is None or (fault.reset is None and fault.body not in (Body.TRUNCATED, Body.WRONG_LENGTH)):
        return apply_fault(response).response
    broken = Body.HTML_502 if fault.reset is not None else Body.WRONG_LENGTH
    nearest = apply_fault(response._replace(fault=replace(fault, body=broken))).response
    note = f"; {fault} not applied as written, which only alimock's own HTTP server can do"
    headers = tuple((name, value + note if name == _DECIDED_BY else value) for name, value in nearest.headers)
    return nearest._replace(headers=headers)


def pieces(body: bytes) -> Iterator[bytes]:
    """Yield a body in at most `PIECES` pieces."""
    size = max(-(-len(body) // PIECES), 1)
    return (body[start : start + size] for start in range(0, len(body), size))


def _with_length(response: HttpResponse, length: int) -> tuple[tuple[str, str], ...]:
    return tuple((name, str(length) if name == "Content-Length" else value) for name, value in response.headers)
