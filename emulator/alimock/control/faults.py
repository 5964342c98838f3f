"""The faults over HTTP: what each hit so far, and putting and deleting single ones."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from flask import request

from alimock.control import arguments
from alimock.control.problem import Problem
from alimock.scenario import export, loader
from alimock.scenario.fault_entries import MAXIMUM_FAULTS
from alimock.scenario.model import Fault
from alimock.state.store import Store


class FaultsResource:
    """Lists, puts and deletes faults."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def page(self) -> dict[str, object]:
        """Lists the faults of one account or of all, in the order they are tried; `unused=true` gives those that hit no call.

        A fault that several accounts have from one place is one, with what it saw and hit in all of them.
        """
        given = arguments.query("access_key_id", "unused")
        unused = arguments.flag(given, "unused")
        seen, hits = Counter[Fault](), Counter[Fault]()
        with self.store.lock:
            cursor = self.store.cursor
            accounts = self.store.accounts_for_view(given.get("access_key_id"))
            if not accounts:
                # The key was never seen; its account will start with these.
                seen.update({fault: fault.seen for fault in self.store.start.faults_by_id.values()})
                hits.update({fault: fault.hits for fault in self.store.start.faults_by_id.values()})
            for account in accounts:
                for fault in account.faults.values():
                    seen[fault] += fault.seen + account.fault_calls[fault.id]
                    hits[fault] += fault.hits + account.fault_hits[fault.id]
        shown = [
            {**export.fault(fault), "seen": seen[fault], "hits": count, "decided_by": fault.location}
            for fault, count in hits.items()
            if not (unused and count)
        ]
        return {"faults": shown, "cursor": cursor, "evicted": 0}

    def put(self, fault_id: str) -> dict[str, object]:
        """Takes a fault in, in place of the one with this id, else before all others; a reset drops it."""
        key_id = arguments.query("access_key_id").get("access_key_id")
        with self.store.lock:
            stubs = self.store.stubs(key_id)
        fault = replace(arguments.scenario(loader.load_fault, fault_id, stubs), location=f"PUT {request.path}")
        with self.store.lock:
            if any(
                len(account.faults) >= MAXIMUM_FAULTS and fault_id not in account.faults
                for account in self.store.accounts_for_change(key_id)
            ):
                raise Problem(409, f"there are {MAXIMUM_FAULTS} faults already", "delete one; every call tries them in turn")
            self.store.put_fault(fault, key_id)
        return {"put": fault_id, "fault": export.fault(fault), "access_key_id": key_id}

    def delete(self, fault_id: str) -> dict[str, object]:
        """Deletes a fault until the next reset."""
        key_id = arguments.query("access_key_id").get("access_key_id")
        with self.store.lock:
            if not self.store.delete_fault(fault_id, key_id):
                raise Problem(404, f"no fault {fault_id[:100]!a}", "see GET /_alimock/faults for the ids")
        return {"deleted": fault_id, "access_key_id": key_id}
