"""Strict mode: calls that the real service would have rejected, and faults that never fired."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator

from alimock.client.account import Faults
from alimock.client.calls import Call
from alimock.client.connection import Connection
from alimock.spec.error_catalog import SIGNATURE_NONCE_USED
from alimock.testing.report import plain


def violations(
    account: Connection, seen: Connection, after: int, allow: Collection[str], *, remedy: str = "add it to allow=[...] if expected"
) -> list[str]:
    """Return the violations among the calls that `seen` shows after a cursor, and the faults of an account that never fired.

    Error responses whose codes are in `allow`, several codes or a text that separates them by commas, are none. `remedy` says how
    to allow another one.
    """
    codes = [code.strip() for code in (allow.split(",") if isinstance(allow, str) else allow)]
    calls, gap = seen.entries("calls", "calls", after)
    lines = ["the oldest calls were evicted and not checked; make fewer calls in one test"] if gap else []
    for call in calls:
        lines += _violations(Call.of(call), codes, remedy)
    for fault in Faults(account).list(unused=True):
        lines.append(f"fault {fault.id} never fired ({fault.seen} matching calls) [{fault.decided_by}]")
    return lines


def _violations(call: Call, allow: Collection[str], remedy: str) -> Iterator[str]:
    name, request = plain(call.action) or "a call without Action", f"(request {call.request_id})"
    if call.authentication == "unsigned":
        yield f"{name} was not signed {request}; the real service would reject it"
    if call.authentication == "unknown key":
        key = plain(call.access_key_id or "")
        yield f"{name} was signed with the unknown key {key} {request}, so its signature was not checked; register the key's secret"
    if call.code == SIGNATURE_NONCE_USED.code and call.code not in allow:
        yield f"{name} reused a SignatureNonce {request}; use a new nonce for each request"
    elif call.code != "OK" and call.code not in allow:
        decided_by = ", ".join(one.decided_by for one in call.outcomes if one.decided_by)
        near = difflib.get_close_matches(call.code, allow, n=1)
        remedy = f"`{near[0]}` is allowed, probably a typo" if near else remedy
        yield f"{name} returned {call.status} {call.code} [{decided_by}] {request}; {remedy}"
    yield from (f"{name}: {plain(hint)} {request}" for hint in call.hints)
