"""The addresses of an account, and what the scenario says of each."""

from __future__ import annotations

import builtins
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from alimock.client.connection import PAGE, Connection
from alimock.client.models import given, value_of


@dataclass(frozen=True)
class Address:
    """One address as it is now.

    `status` is `verified` or `pending`, None without a record, and then the fields of a record are None too. `outcome` is what the
    scenario says of the address, None if nothing. Times are the account's.
    """

    email: str
    status: str | None
    outcome: str | None
    access_key_id: str | None
    sends_today: int
    decided_by: str
    email_verification_no: str | None
    user_id: str | None
    gmt_create: datetime | None
    gmt_modified: datetime | None
    token_send_time: datetime | None
    verification_time: datetime | None
    send_ip: str | None
    confirm_ip: str | None


class Addresses:
    """The addresses of one account."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self) -> builtins.list[Address]:
        """Gives up to 5,000 records, newest first, then the addresses of the scenario that have none."""
        return self._found(limit=PAGE)

    def get(self, email: str) -> Address | None:
        """Gives one address, None if there is neither a record of it nor an entry for it."""
        return next(iter(self._found(email=email)), None)

    def put(self, email: str, entry: str | Mapping[str, object]) -> None:
        """Takes in an entry as a scenario has it, for an address or a pattern: an outcome, or a mapping. A reset drops it.

        Raises `EmulatorError` for an entry that is wrong.
        """
        self._connection.send("PUT", f"addresses/{email}", json.dumps(entry, default=str).encode())

    def delete(self, email: str) -> None:
        """Forgets an entry, and the record of an address; raises `EmulatorError` for one that is not there."""
        self._connection.send("DELETE", f"addresses/{email}")

    def _found(self, **arguments: object) -> builtins.list[Address]:
        answer = self._connection.send("GET", "addresses", arguments=given(**arguments))
        return [value_of(Address, one) for one in answer["addresses"]]
