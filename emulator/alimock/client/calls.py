"""The journal: every call to the emulated API, with what decided it."""

from __future__ import annotations

import builtins
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypedDict

from alimock.client.connection import PAGE, TIMEOUT_SECONDS, Connection
from alimock.client.models import given, value_of
from alimock.client.outbox import DEFAULT_SECONDS

if TYPE_CHECKING:
    from typing_extensions import Unpack


@dataclass(frozen=True)
class Outcome:
    """What became of one address of a call, or of a call as a whole, which has an empty `email`.

    `outcome` is `success`, `exist`, `found`, other words, or a code; `decided_by` a file and line of a scenario, or a rule.
    """

    email: str
    outcome: str
    decided_by: str


@dataclass(frozen=True)
class Call:
    """One call and how it was answered.

    `code` is the answer's, `OK` for a success. `authentication` says whether the signature was checked (`checked`, `unknown key`,
    `unsigned`, `not checked`, `refused`), `signature` by which algorithm it was made. `parameters` are without secrets. `messages`
    are the ids of the mails it caused. `hints` name misspelt operations and parameters with the nearest that exist. `received` is
    the real time.
    """

    id: str
    sequence: int
    request_id: str
    account: str
    access_key_id: str | None
    action: str
    version: str
    profile: str | None
    format: str
    method: str
    peer: str
    user_agent: str
    parameters: dict[str, str]
    signature: str | None
    authentication: str
    status: int
    code: str
    outcomes: tuple[Outcome, ...]
    fault: str | None
    messages: tuple[str, ...]
    duration_ms: float
    received: datetime
    hints: tuple[str, ...]

    @classmethod
    def of(cls, answer: dict[str, Any]) -> Call:
        """Makes a call of an answer's object."""
        made = value_of(cls, answer)
        outcomes = tuple(Outcome(**one) for one in answer["outcomes"])
        return replace(made, outcomes=outcomes, messages=tuple(made.messages), hints=tuple(made.hints))


class CallFilter(TypedDict, total=False):
    """What narrows calls: all of it must hold.

    `email` is an address that the call names, `outcome` what became of one of its addresses, `fault` the id of the fault that hit
    it, `after` a sequence.
    """

    action: str
    status: int
    code: str
    email: str
    outcome: str
    authentication: str
    fault: str
    request_id: str
    after: int


class Calls:
    """The calls to one account."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self, **filters: Unpack[CallFilter]) -> builtins.list[Call]:
        """Gives the calls, newest first; with `after` those behind that sequence, oldest first."""
        answer = self._connection.send("GET", "calls", arguments=given(**filters, limit=PAGE))
        return [Call.of(one) for one in answer["calls"]]

    def count(self, **filters: Unpack[CallFilter]) -> int:
        """Counts the calls."""
        return int(self._connection.send("GET", "calls/count", arguments=given(**filters))["count"])

    def wait(self, *, timeout: float = DEFAULT_SECONDS, **filters: Unpack[CallFilter]) -> Call:
        """Gives the first call that matches, as soon as it was answered; without `after` the newest that is there counts.

        `timeout` is in seconds, 60 at most. Raises `WaitTimeout`, which says what came instead.
        """
        arguments = given(**filters, timeout=timeout)
        answer = self._connection.send("GET", "calls/wait", arguments=arguments, seconds=timeout + TIMEOUT_SECONDS)
        return Call.of(answer["call"])

    async def wait_async(self, *, timeout: float = DEFAULT_SECONDS, **filters: Unpack[CallFilter]) -> Call:
        """Waits as `wait` does, while the event loop goes on."""
        arguments = given(**filters, timeout=timeout)
        answer = await self._connection.send_async("calls/wait", arguments, timeout + TIMEOUT_SECONDS)
        return Call.of(answer["call"])
