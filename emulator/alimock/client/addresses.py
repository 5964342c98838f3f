"""The addresses of an account: their records and their entries in the scenario."""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from alimock.client.connection import PAGE, Connection
from alimock.client.models import value_of


@dataclass(frozen=True)
class Address:
    """The current state of one address.

    `status` is `verified` or `pending`. Without a record, it and the other fields of a record are None. `outcome` comes from the
    scenario's entry, None if there is none. Times are the account's.
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
        """Return up to 5,000 records, newest first, then the addresses of the scenario without a record."""
        return self._fetch(limit=PAGE)

    def get(self, email: str) -> Address | None:
        """Return one address, or None if it has neither a record nor an entry."""
        return next(iter(self._fetch(email=email)), None)

    def put(self, email: str, entry: str | Mapping[str, object]) -> None:
        """Set the entry of an address or a pattern, in the syntax of a scenario, until the next reset.

        Raises `EmulatorError` for an invalid entry.
        """
        self._connection.send("PUT", f"addresses/{email}", entry)

    def delete(self, email: str) -> None:
        """Delete the entry of an address or a pattern, and the record; raises `EmulatorError` if there is neither."""
        self._connection.send("DELETE", f"addresses/{email}")

    def _fetch(self, **arguments: object) -> builtins.list[Address]:
        answer = self._connection.send("GET", "addresses", arguments=arguments)
        return [value_of(Address, one) for one in answer["addresses"]]
