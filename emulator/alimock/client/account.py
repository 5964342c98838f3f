"""The parts of an account that its scenario sets: the addresses, the clock, and the faults, which make whole calls fail."""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from alimock.client.connection import PAGE, Resource
from alimock.client.models import moment, time_text, value_of

# pytest omits the frames of this module from the traceback of a failed test.
__tracebackhide__ = True


@dataclass(frozen=True)
class Address:
    """The current state of one address. Without a record, the fields of a record are None. Times are by the account's clock.

    Attributes:
        email: The address.
        status: `verified` or `pending`, of the record.
        outcome: The outcome of the scenario's entry, or None.
        access_key_id: The key of the account.
        sends_today: The number of emails sent today.
        decided_by: The file and line of the scenario, or the rule, that applies.
        email_verification_no: EmailVerificationNo of the record.
        user_id: UserId of the record.
        gmt_create: When the record was created.
        gmt_modified: When the record was last changed.
        token_send_time: When the last email was sent.
        verification_time: When the address was verified.
        send_ip: The client IP of the Submit.
        confirm_ip: The client IP of the verification.
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


class Addresses(Resource):
    """The addresses of one account."""

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


class Clock(Resource):
    """The clock of one account, which determines record times, the expiry of links, and daily quotas.

    Times are UTC+8, as the service writes them.
    """

    def now(self) -> datetime:
        """Return the account's time, to the second."""
        return moment(self._connection.send("GET", "clock")["now"])

    def freeze(self, at: datetime | str | None = None) -> datetime:
        """Freeze the clock, now or at a text in UTC+8 or a datetime (UTC+8 if naive), and return its time."""
        now = {"now": time_text(at)} if at is not None else {}
        return moment(self._connection.send("PUT", "clock", {"frozen": True, **now})["now"])

    def resume(self) -> datetime:
        """Let the clock run on from its time, and return the time."""
        return moment(self._connection.send("PUT", "clock", {"frozen": False})["now"])

    def advance(self, by: timedelta | str) -> datetime:
        """Advance the clock by whole seconds, or by a text such as `3d` or `1d12h`, and return its time."""
        text = by if isinstance(by, str) else f"{by // timedelta(seconds=1)}s"
        answer = self._connection.send("POST", "clock/advance", {"by": text})
        return moment(answer["now"])


@dataclass(frozen=True)
class Fault:
    """One fault.

    Attributes:
        id: Its id.
        enabled: Whether it applies.
        seen: The number of calls that matched.
        hits: The number of calls that it affected.
        decided_by: Where it is defined.
    """

    id: str
    enabled: bool
    seen: int
    hits: int
    decided_by: str


class Faults(Resource):
    """The faults of one account."""

    def list(self, *, unused: bool = False) -> builtins.list[Fault]:
        """Return the faults in the order in which they are tried; with `unused` the enabled ones that never fired."""
        answer = self._connection.send("GET", "faults", arguments={"unused": "true" if unused else None})
        return [value_of(Fault, one) for one in answer["faults"]]

    def put(self, fault_id: str, fault: Mapping[str, object]) -> None:
        """Set a fault in the syntax of a scenario, such as `{"error": "Throttling.User", "times": 2}`, until the next reset.

        Raises `EmulatorError` for an invalid fault.
        """
        self._connection.send("PUT", f"faults/{fault_id}", fault)

    def enable(self, fault_id: str) -> None:
        """Enable a fault, which keeps its counts, until the next reset; raises `EmulatorError` if there is none."""
        self._connection.send("POST", f"faults/{fault_id}/enable")

    def disable(self, fault_id: str) -> None:
        """Disable a fault, which keeps its counts, until the next reset; raises `EmulatorError` if there is none."""
        self._connection.send("POST", f"faults/{fault_id}/disable")

    def delete(self, fault_id: str) -> None:
        """Delete a fault; raises `EmulatorError` if there is none."""
        self._connection.send("DELETE", f"faults/{fault_id}")
