"""What a strict test objects to although all it asserts holds: calls that only an emulator forgives, faults that never hit."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator

from alimock.client.calls import Call
from alimock.client.connection import Connection
from alimock.client.faults import Faults
from alimock.spec.error_catalog import SIGNATURE_NONCE_USED
from alimock.testing.report import plain


def violations(account: Connection, seen: Connection, after: int, allow: Collection[str]) -> list[str]:
    """Says what is wrong with the calls that `seen` shows behind a point in time, and which faults of an account never hit one.

    Error answers whose codes are in `allow` are no objection.
    """
    found, gap = seen.entries("calls", "calls", after)
    lost = ["more calls were made than are kept, so not all of them were looked at; call less in one test"] if gap else []
    return [*lost, *(line for call in map(Call.of, found) for line in _wrong(call, allow)), *_unhit(account)]


def _wrong(call: Call, allow: Collection[str]) -> Iterator[str]:
    name = f"{plain(call.action) or 'a call without an action'} (request {call.request_id})"
    if call.authentication == "unsigned":
        yield f"{name} was unsigned; the real service refuses that"
    if call.authentication == "unknown key":
        key = plain(call.access_key_id or "")
        yield f"{name} was signed by the key {key}, which the emulator does not know, so nothing of it was checked; name its secret"
    if call.code == SIGNATURE_NONCE_USED.code and call.code not in allow:
        yield f"{name} used a nonce again; sign every request anew"
    elif call.code != "OK" and call.code not in allow:
        decided_by = ", ".join(one.decided_by for one in call.outcomes if one.decided_by)
        near = difflib.get_close_matches(call.code, allow, n=1)
        remedy = f"did you mean it by `{near[0]}`?" if near else "allow that code if it is meant"
        yield f"{name} was answered {call.status} {call.code} [{decided_by}]; {remedy}"
    yield from (f"{name}: {plain(hint)}" for hint in call.hints)


def _unhit(account: Connection) -> Iterator[str]:
    for fault in Faults(account).list(unused=True):
        yield f"the fault {fault.id} ({fault.decided_by}) hit no call; {fault.seen} matched it"
