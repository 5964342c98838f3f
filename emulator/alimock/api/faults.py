"""Fault injection: which fault of an account hits a call, and what it does to the response."""

from __future__ import annotations

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
        fault.enabled
        and fault.action in (None, action)
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
    """A response as its fault changes it: the body is sent in parts, with a pause in seconds before each one.

    If it `closes` the connection, the body is shorter or longer than its Content-Length.
    """

    response: HttpResponse
    parts: list[bytes]
    pause: float = 0.0
    closes: bool = False


def apply_fault(response: HttpResponse) -> FaultyResponse:
    """Apply what the fault of a response says about its body."""
    fault, body = response.fault, response.body
    if fault is None:
        return FaultyResponse(response, [body])
    half, closes = len(body) // 2, fault.body in (Body.TRUNCATED, Body.WRONG_LENGTH)
    if fault.body is Body.EMPTY:
        response = response._replace(body=b"", headers=_with_length(response, 0))
    elif fault.body is Body.HTML_502:
        kept = [(name, value) for name, value in response.headers if name == _DECIDED_BY]
        headers = (("Content-Type", "text/html"), ("Content-Length", str(len(_PAGE))), *kept)
        response = response._replace(status=502, headers=headers, body=_PAGE)
    elif fault.body is Body.TRUNCATED:
        response = response._replace(body=body[:half])
    elif fault.body is Body.WRONG_LENGTH:
        response = response._replace(headers=_with_length(response, half))
    parts = pieces(response.body) if fault.slow else [response.body]
    return FaultyResponse(response, parts, fault.slow / len(parts), closes)


def apply_without_wire(response: HttpResponse) -> FaultyResponse:
    """Apply the fault of a response as far as any HTTP server can, and let the response say what it lacks.

    In place of a reset it is what a proxy answers after one. A body is as broken, but as long as announced.
    """
    fault = response.fault
    if fault is None or (fault.reset is None and fault.body not in (Body.TRUNCATED, Body.WRONG_LENGTH)):
        return apply_fault(response)
    broken = Body.HTML_502 if fault.reset is not None else Body.TRUNCATED
    sent = apply_fault(response._replace(fault=replace(fault, body=broken)))
    note = f"; {fault} not applied as written, which only alimock's own HTTP server can do"
    headers = _with_length(sent.response, len(sent.response.body))
    headers = tuple((name, value + note if name == _DECIDED_BY else value) for name, value in headers)
    return sent._replace(response=sent.response._replace(headers=headers))


def pieces(body: bytes) -> list[bytes]:
    """Return a body in at most `PIECES` pieces, but at least one."""
    size = max(-(-len(body) // PIECES), 1)
    return [body[start : start + size] for start in range(0, len(body) or 1, size)]


def _with_length(response: HttpResponse, length: int) -> tuple[tuple[str, str], ...]:
    return tuple((name, str(length) if name == "Content-Length" else value) for name, value in response.headers)
