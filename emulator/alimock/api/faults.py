"""Faults: which of the account's faults hits a call. Callers hold the world's lock."""

from __future__ import annotations

from alimock.scenario.model import Fault
from alimock.spec.address import fold
from alimock.state.account import Account


def choose(account: Account, action: str, version: str, access_key_id: str | None, emails: object) -> Fault | None:
    """Gives the first fault whose turn a call is, and counts the call in all that match it.

    `emails` is the operation's parameter Email: a batch matches when any of its addresses does.
    """
    addresses = emails if isinstance(emails, tuple) else (emails,) if isinstance(emails, str) else ()
    chosen: Fault | None = None
    for fault in account.faults.values():
        if not _matches(fault, action, version, access_key_id, addresses):
            continue
        account.fault_calls[fault.id] += 1
        if chosen is None and _is_its_turn(fault, account):
            account.fault_hits[fault.id] += 1
            chosen = fault
    return chosen


def _matches(fault: Fault, action: str, version: str, access_key_id: str | None, addresses: tuple[str, ...]) -> bool:
    return (
        fault.action in (None, action)
        and fault.version in (None, version)
        and fault.access_key_id in (None, access_key_id)
        and (fault.email is None or any(fault.email.matches(fold(address)) for address in addresses))
    )


def _is_its_turn(fault: Fault, account: Account) -> bool:
    number = fault.seen + account.fault_calls[fault.id] - fault.after
    if number < 1 or (fault.times is not None and fault.hits + account.fault_hits[fault.id] >= fault.times):
        return False
    return number == fault.nth if fault.nth is not None else fault.every is None or number % fault.every == 0
