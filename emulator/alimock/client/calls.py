"""The call log: every call to the emulated API and the reason for its response."""

from __future__ import annotations

import builtins
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypedDict, overload

from alimock.client.connection import PAGE, Resource
from alimock.client.models import value_of
from alimock.client.outbox import DEFAULT_SECONDS, QUIET_SECONDS

if TYPE_CHECKING:
    from typing_extensions import Unpack

# pytest omits the frames of this module from the traceback of a failed test.
__tracebackhide__ = True


@dataclass(frozen=True)
class Outcome:
    """The outcome of one address of a call.

    Attributes:
        email: The address; empty for the outcome of the whole call.
        outcome: A word such as `success`, `exist` or `found`, or an error code.
        decided_by: The file and line of the scenario, or the rule, that determined it.
    """

    email: str
    outcome: str
    decided_by: str


@dataclass(frozen=True)
class Call:
    """One call and its response.

    Attributes:
        id: Its id.
        sequence: Its position among the events of the emulator. Pass it as `after` to see only later ones.
        request_id: The RequestId of the response.
        account: The name of the account.
        access_key_id: The key, or None.
        action: The operation.
        version: The API version.
        profile: The profile of the response; None if the call was refused before it was known.
        format: `JSON` or `XML`.
        method: The HTTP method.
        peer: The IP address of the client.
        user_agent: The header User-Agent.
        parameters: The decoded parameters, without secrets.
        signature: The algorithm of the signature, or None.
        authentication: `checked`, `unknown key`, `unsigned`, `not checked` or `refused`.
        status: The HTTP status.
        code: `OK`, or the error code.
        outcomes: The outcome of each address.
        fault: The id of the fault that affected the call, or None.
        messages: The ids of the emails that the call sent.
        duration_ms: How long it took, in milliseconds.
        received: When it arrived, in real time.
        hints: The right spelling of unknown operations and parameters.
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
        """Return the call of a JSON object."""
        call = value_of(cls, answer)
        outcomes = tuple(Outcome(**one) for one in answer["outcomes"])
        return replace(call, outcomes=outcomes, messages=tuple(call.messages), hints=tuple(call.hints))


class CallFilter(TypedDict, total=False):
    """Filters of calls, all of which must match. An unknown operation, code or outcome is an error.

    Attributes:
        action: The operation.
        status: The HTTP status.
        code: The error code; `OK` for a success.
        email: Any address of the call.
        outcome: The outcome of any address, such as `success`, `exist` or `SendTokenQuotaExceeded`.
        authentication: As in `Call`.
        fault: The id of the fault that fired.
        request_id: The RequestId of the response.
        text: A part of any of these, the access key, the user agent, a parameter or the reason; letter case does not count.
        after: A `sequence`; only later calls match.
    """

    action: str
    status: int
    code: str
    email: str
    outcome: str
    authentication: str
    fault: str
    request_id: str
    text: str
    after: int


class Calls(Resource):
    """The calls to one account."""

    def list(self, **filters: Unpack[CallFilter]) -> builtins.list[Call]:
        """Return the calls, newest first; with `after` only later ones, oldest first."""
        answer = self._connection.send("GET", "calls", arguments={**filters, "limit": PAGE})
        return [Call.of(one) for one in answer["calls"]]

    def count(self, **filters: Unpack[CallFilter]) -> int:
        """Return the number of calls."""
        return int(self._connection.send("GET", "calls/count", arguments=filters)["count"])

    @overload
    def wait(self, *, timeout: float = ..., **filters: Unpack[CallFilter]) -> Call: ...
    @overload
    def wait(self, *, count: int, timeout: float = ..., **filters: Unpack[CallFilter]) -> builtins.list[Call]: ...
    def wait(
        self, *, count: int | None = None, timeout: float = DEFAULT_SECONDS, **filters: Unpack[CallFilter]
    ) -> Call | builtins.list[Call]:
        """Return the first matching call once it is completed, or with `count` a list of as many, oldest first.

        Without `after`, the newest existing matches count. `timeout` is in seconds, at most 60. Raises `WaitTimeout`, which lists
        the calls that did not match.
        """
        return _found(self._connection.wait("calls/wait", timeout, {**filters, "count": count}))

    @overload
    async def wait_async(self, *, timeout: float = ..., **filters: Unpack[CallFilter]) -> Call: ...
    @overload
    async def wait_async(self, *, count: int, timeout: float = ..., **filters: Unpack[CallFilter]) -> builtins.list[Call]: ...
    async def wait_async(
        self, *, count: int | None = None, timeout: float = DEFAULT_SECONDS, **filters: Unpack[CallFilter]
    ) -> Call | builtins.list[Call]:
        """Wait as `wait` does, without blocking the event loop."""
        return _found(await self._connection.wait_async("calls/wait", timeout, {**filters, "count": count}))

    def wait_quiet(self, seconds: float = QUIET_SECONDS, **filters: Unpack[CallFilter]) -> None:
        """Return after `seconds`, at most 60, if no matching call exists or is made; without `after`, existing ones count.

        Raises `EmulatorError` at once if there is one, and names it.
        """
        self._connection.wait_quiet("calls/wait", seconds, filters)

    async def wait_quiet_async(self, seconds: float = QUIET_SECONDS, **filters: Unpack[CallFilter]) -> None:
        """Wait as `wait_quiet` does, without blocking the event loop."""
        await self._connection.wait_quiet_async("calls/wait", seconds, filters)


def _found(answer: dict[str, Any]) -> Call | list[Call]:
    """Return the call of a wait, or the calls of one with a `count`."""
    return [Call.of(one) for one in answer["calls"]] if "calls" in answer else Call.of(answer["call"])
