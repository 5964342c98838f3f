"""A call on its way to its reply, and how it is told afterwards: in the journal and in the log."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from alimock.api.auth import NOBODY, Identity
from alimock.api.http import Call
from alimock.api.parse import Request
from alimock.api.signature import V1_DIGESTS
from alimock.scenario.model import Body, Fault
from alimock.spec.contract import COMMON_PARAMETERS, DOMAIN, OPERATIONS, VERSIONS, Format, Version
from alimock.state.events import CallEntry, EventType, Outcome
from alimock.state.store import Store

logger = logging.getLogger(__name__)

# How much of a parameter and of a name the journal keeps, and of how many parameters and addresses.
PARAMETER_LENGTH = 1_000
NAME_LENGTH = 200
RECORDED = 100
# In any spelling, since who misspells a parameter may look for it in the journal. What only describes a signature is kept.
_SECRET = re.compile(r"signature|.*(secret|securitytoken|security-token|authorization|bearertoken|password).*", re.IGNORECASE)
# What calls have in common is kept once: the names of parameters, and the values that most of them have.
_COMMON = {
    text: text
    for text in (
        *COMMON_PARAMETERS,
        *(parameter.name for operation in OPERATIONS.values() for parameter in operation.parameters),
        *OPERATIONS,
        *VERSIONS,
        *V1_DIGESTS,
        *Format.__members__,
        "1.0",
    )
    if not _SECRET.fullmatch(text)
}


@dataclass(slots=True)
class CallContext:
    """What is known of a call so far; it starts with what an error needs before anything was read."""

    call: Call
    body_format: Format
    action: str = ""
    version: Version = DOMAIN
    lang: str = "en"
    identity: Identity = NOBODY
    signature: str | None = None
    request_id: str = ""
    fault: Fault | None = None
    fault_hit: int = 0
    request: Request | None = None
    profile: str = ""
    messages: tuple[str, ...] = ()

    def decided_by(self, text: str) -> str:
        """Says what decided the call: a fault that harms its delivery, and what decided it otherwise."""
        if self.fault is None:
            return text
        harm = f": {self.fault.response_fault}" if self.fault.response_fault is not None else ""
        name = f"{self.fault.location} (fault {self.fault.id}, hit {self.fault_hit}{harm})"
        return name if self.fault.error is not None or not text else f"{name}; {text}"

    def record(self, store: Store, status: int, code: str, decisions: tuple[Outcome, ...], seconds: float) -> None:
        """Writes a call into the journal, without its secrets and its signature."""
        key_id, request = self.identity.access_key_id, self.request
        given = request.parameters.items() if request is not None else ()
        with store.lock:
            account = store.account_name(key_id)
            sequence = store.record_event(EventType.CALL, account, self.request_id)
            store.calls.add(
                CallEntry(
                    id=str(sequence),
                    sequence=sequence,
                    account_name=account,
                    request_id=self.request_id,
                    access_key_id=key_id[:NAME_LENGTH] if key_id is not None else None,
                    action=self.action[:NAME_LENGTH],
                    version=request.version[:NAME_LENGTH] if request is not None else "",
                    profile=self.profile,
                    format=self.body_format.value,
                    method=self.call.method,
                    peer=self.call.peer,
                    user_agent=self.call.headers.get("user-agent", "")[:NAME_LENGTH],
                    parameters=dict(islice(_recorded(given), RECORDED)),
                    signature=self.signature[:NAME_LENGTH] if self.signature is not None else None,
                    authentication=self.identity.check.value,
                    status=status,
                    code=code,
                    decisions=decisions[:RECORDED],
                    fault=self.fault.id if self.fault is not None else None,
                    messages=self.messages,
                    received=store.real_time(),
                    seconds=seconds,
                )
            )

    def log(self, status: int, code: str, decisions: tuple[Outcome, ...], seconds: float) -> None:
        """Writes a line about the call."""
        if not logger.isEnabledFor(logging.INFO):
            return
        harm = [self.decided_by("")] if self.fault is not None and self.fault.error is None else []
        details = "; ".join((*harm, *map(_told, decisions)))
        action, key = _plain(self.action or "(no action)"), _plain(self.identity.access_key_id or "no key")
        check = self.identity.check.value
        sent = _sent_status(status, self.fault)
        logger.info("%s %s %s, %s, %s: %s (%.1f ms)", sent, action, code, key, check, details, seconds * 1000)


def _recorded(given: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Goes through the parameters that the journal keeps, without secrets and cut to what it keeps of each."""
    for name, value in given:
        if name in _COMMON or not _SECRET.fullmatch(name):
            yield _COMMON.get(name) or name[:NAME_LENGTH], _COMMON.get(value) or value[:PARAMETER_LENGTH]


def _told(one: Outcome) -> str:
    """Writes what became of one address, and what decided that."""
    decided_by = f"[{_plain(one.decided_by)}]" if one.decided_by else ""
    return " ".join(filter(None, (_plain(one.email), one.outcome, decided_by)))


def _sent_status(status: int, fault: Fault | None) -> int | str:
    """Gives the status that the client sees, or in words why it sees none."""
    delivery = fault.response_fault if fault is not None else None
    if delivery is None:
        return status
    return "reset" if delivery.reset is not None else 502 if delivery.body is Body.HTML_502 else status


def _plain(text: str) -> str:
    """Keeps what a client sent from breaking the line of the log."""
    return text if text.isprintable() else repr(text)
