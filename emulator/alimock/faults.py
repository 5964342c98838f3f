"""Faults: which of the scenario's refusals of whole calls hits a call. Callers hold the world's lock."""

from __future__ import annotations

from alimock.address import fold
from alimock.errors import FAULT_CODES, ApiError
from alimock.scenario.model import Fault
from alimock.world.account import Account


def choose(account: Account, action: str, version: str, access_key_id: str | None, emails: object) -> None:
    """Raises the `ApiError` of the first fault that matches a call and has times left, and counts the hit.

    `emails` is the operation's parameter Email: a batch matches when any of its addresses does.
    """
    addresses = emails if isinstance(emails, tuple) else (emails,) if isinstance(emails, str) else ()
    for number, fault in enumerate(account.scenario.faults):
        hits = account.fault_hits[number]
        if (fault.times is None or hits < fault.times) and _matches(fault, action, version, access_key_id, addresses):
            account.fault_hits[number] += 1
            raise ApiError(FAULT_CODES[fault.error], f"{fault.place} (fault, hit {hits + 1})")


def _matches(fault: Fault, action: str, version: str, access_key_id: str | None, addresses: tuple[str, ...]) -> bool:
    return (
        fault.action in (None, action)
        and fault.version in (None, version)
        and fault.access_key_id in (None, access_key_id)
        and (fault.email is None or any(fault.email.matches(fold(address)) for address in addresses))
    )
