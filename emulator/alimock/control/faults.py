"""Fault injection: list faults with their counts, add and delete single ones."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from flask import Blueprint, request

from alimock.control import arguments
from alimock.control.current import execute, store, transaction
from alimock.control.errors import ControlError
from alimock.scenario import export, loader
from alimock.scenario.model import Fault
from alimock.state.commands import DeleteFault, EnableFault, PutFault

blueprint = Blueprint("faults", __name__)


@blueprint.get("/faults")
@transaction()
def list_faults() -> dict[str, object]:
    """List the faults of one account or of all in the order they are tried; with `unused=true` only those that never fired.

    A fault that several accounts share is listed once, with the sum of its counts, and is enabled if all enable it. A disabled
    fault is not unused.
    """
    given = arguments.query("access_key_id", "unused")
    unused = arguments.flag(given, "unused")
    faults = [one for one in _documents(given.get("access_key_id")) if not unused or (one["enabled"] and not one["hits"])]
    return {"faults": faults, "cursor": store().cursor, "evicted": 0}


@blueprint.put("/faults/<path:fault_id>")
def put_fault(fault_id: str) -> dict[str, object]:
    """Replace the fault with this id, or add one before all others; a reset drops it."""
    key_id = arguments.access_key_id()
    with transaction():
        stubs = store().scenario_of(key_id).stubs
    fault = replace(arguments.scenario_body(loader.load_fault, fault_id, stubs), location=f"PUT {request.path}")
    execute(PutFault(fault, key_id))
    return {"put": fault_id, "fault": export.fault(fault), "access_key_id": key_id}


@blueprint.post("/faults/<path:fault_id>/enable")
def enable_fault(fault_id: str) -> dict[str, object]:
    """Enable a fault until the next reset; its counts stay."""
    return _enable(fault_id, enabled=True)


@blueprint.post("/faults/<path:fault_id>/disable")
def disable_fault(fault_id: str) -> dict[str, object]:
    """Disable a fault until the next reset; its counts stay."""
    return _enable(fault_id, enabled=False)


@blueprint.delete("/faults/<path:fault_id>")
def delete_fault(fault_id: str) -> dict[str, object]:
    """Delete a fault until the next reset."""
    key_id = arguments.access_key_id()
    if not execute(DeleteFault(fault_id, key_id)):
        raise _not_found(fault_id)
    return {"deleted": fault_id, "access_key_id": key_id}


def _enable(fault_id: str, *, enabled: bool) -> dict[str, object]:
    key_id = arguments.access_key_id()
    is_known = execute(EnableFault(fault_id, enabled, key_id))
    with transaction():
        fault = next((one for one in _documents(key_id) if one["id"] == fault_id), None)
    if not is_known or fault is None:
        raise _not_found(fault_id)
    return {"fault": fault, "access_key_id": key_id}


def _not_found(fault_id: str) -> ControlError:
    return ControlError(404, f"Fault {fault_id[:100]!a} not found", "See GET /_alimock/faults.")


def _documents(key_id: str | None) -> list[dict[str, object]]:
    """Return the faults of one account or of all, with their counts."""
    accounts = store().accounts_for_view(key_id)
    counts = [(fault, each.fault_calls[fault.id], each.fault_hits[fault.id]) for each in accounts for fault in each.faults.values()]
    if not accounts:
        # An unknown key's account will start with these.
        counts = [(fault, 0, 0) for fault in store().start.faults_by_id.values()]
    # Accounts may share a fault and differ in whether it is enabled.
    seen, hits, enabled = Counter[Fault](), Counter[Fault](), dict[Fault, bool]()
    for fault, calls, fired in counts:
        shared = replace(fault, enabled=True)
        seen[shared] += fault.seen + calls
        hits[shared] += fault.hits + fired
        enabled[shared] = enabled.get(shared, True) and fault.enabled
    return [
        {**export.fault(replace(fault, enabled=is_enabled)), "enabled": is_enabled, "seen": seen[fault], "hits": hits[fault]}
        | {"decided_by": fault.location}
        for fault, is_enabled in enabled.items()
    ]
