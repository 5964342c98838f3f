"""The faults of an account, which make whole calls fail."""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from dataclasses import dataclass

from alimock.client.connection import Connection
from alimock.client.models import value_of


@dataclass(frozen=True)
class Fault:
    """One fault: how many calls matched (`seen`), how often it fired (`hits`), and where it is defined (`decided_by`)."""

    id: str
    seen: int
    hits: int
    decided_by: str


class Faults:
    """The faults of one account."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self, *, unused: bool = False) -> builtins.list[Fault]:
        """Return the faults in the order in which they are tried; with `unused` those that never fired."""
        answer = self._connection.send("GET", "faults", arguments={"unused": "true" if unused else None})
        return [value_of(Fault, one) for one in answer["faults"]]

    def put(self, fault_id: str, fault: Mapping[str, object]) -> None:
        """Set a fault in the syntax of a scenario, such as `{"error": "Throttling.User", "times": 2}`, until the next reset.

        Raises `EmulatorError` for an invalid fault.
        """
        self._connection.send("PUT", f"faults/{fault_id}", fault)

    def delete(self, fault_id: str) -> None:
        """Delete a fault; raises `EmulatorError` if there is none."""
        self._connection.send("DELETE", f"faults/{fault_id}")
