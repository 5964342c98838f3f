"""The faults of an account: what goes wrong with whole calls."""

from __future__ import annotations

import builtins
import json
from collections.abc import Mapping
from dataclasses import dataclass

from alimock.client.connection import Connection
from alimock.client.models import given, value_of


@dataclass(frozen=True)
class Fault:
    """One fault: how many calls matched it (`seen`), how many it hit (`hits`), and where it comes from (`decided_by`)."""

    id: str
    seen: int
    hits: int
    decided_by: str


class Faults:
    """The faults of one account."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self, *, unused: bool = False) -> builtins.list[Fault]:
        """Gives the faults in the order they are tried; with `unused` those that hit no call."""
        answer = self._connection.send("GET", "faults", arguments=given(unused="true" if unused else None))
        return [value_of(Fault, one) for one in answer["faults"]]

    def put(self, fault_id: str, fault: Mapping[str, object]) -> None:
        """Takes in a fault as a scenario has it, such as `{"error": "Throttling.User", "times": 2}`. A reset drops it.

        Raises `EmulatorError` for a fault that is wrong.
        """
        self._connection.send("PUT", f"faults/{fault_id}", json.dumps(fault, default=str).encode())

    def delete(self, fault_id: str) -> None:
        """Deletes a fault; raises `EmulatorError` for one that is not there."""
        self._connection.send("DELETE", f"faults/{fault_id}")
