"""What is known about a call while it is processed, beyond the request itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from alimock.api.auth import Check
from alimock.api.parse import ApiRequest, default_format
from alimock.scenario.model import Fault
from alimock.spec.contract import Format
from alimock.state.log import Outcome
from alimock.state.outbox import Mail


@dataclass(slots=True)
class CallContext:
    """A call between its request and its response. `call` sets the last fields as the call passes its stages.

    Without a `request_id` the call was refused before its account was known. `profile` is empty until the parameters are bound.
    `fault_hit` counts the hits of `fault`, this call included. `code` is `OK` for a success. `outcomes` are those of each address.
    `mails` are those that the call sent. `render` returns the body. `failure` is an exception of alimock's own. `seconds` is the
    duration of the call.
    """

    request: ApiRequest
    authentication: Check
    request_id: str = ""
    profile: str = ""
    fault: Fault | None = None
    fault_hit: int = 0
    status: int = 200
    code: str = "OK"
    outcomes: tuple[Outcome, ...] = ()
    decided_by: str = ""
    mails: list[Mail] = field(default_factory=list)
    render: Callable[[], bytes] = bytes
    failure: Exception | None = None
    seconds: float = 0.0

    @property
    def body_format(self) -> Format:
        """The format of the response. A client that asks for an unknown one gets the default."""
        return self.request.format or default_format(self.request.is_header_style)

    def explain(self, reason: str) -> str:
        """Describe what decided the call: a fault that changes its response, and the `reason` of the outcome itself."""
        if self.fault is None:
            return reason
        effect = f": {self.fault.response_fault}" if self.fault.response_fault is not None else ""
        name = f"{self.fault.location} (fault {self.fault.id}, hit {self.fault_hit}{effect})"
        return name if self.fault.error is not None or not reason else f"{name}; {reason}"
