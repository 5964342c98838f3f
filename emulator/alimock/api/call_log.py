"""What the call log and the process's log keep of a call. Secrets and signatures are never kept."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping

from alimock.api.context import CallContext
from alimock.scenario.model import Body, Fault
from alimock.spec.contract import PARAMETER_NAMES
from alimock.state.log import CallEntry, EventType, Outcome
from alimock.state.store import Store

logger = logging.getLogger(__name__)

# The kept length of a parameter and of a name, and the kept number of parameters and of addresses.
PARAMETER_LENGTH = 1_000
NAME_LENGTH = 200
KEPT = 100
# In any spelling, since the call log is where a misspelled parameter is looked for. What only describes a signature is kept.
_SECRET = re.compile(r"signature|.*(secret|security-?token|authorization|bearer-?token|password).*", re.IGNORECASE)
# Whether the parameters of the service are kept.
_KNOWN_NAMES = {name: not _SECRET.fullmatch(name) for name in PARAMETER_NAMES}


def add(store: Store, context: CallContext) -> None:
    """Add a call to the call log. The caller holds the store's lock."""
    request = context.request
    credentials, key_id = request.credentials, request.credentials.access_key_id or None
    account = store.account_name(key_id)
    sequence = store.record_event(EventType.CALL, account, context.request_id)
    store.calls.add(
        CallEntry(
            sequence=sequence,
            account_name=account,
            request_id=context.request_id,
            access_key_id=key_id[:NAME_LENGTH] if key_id is not None else None,
            action=request.action[:NAME_LENGTH],
            version=request.version[:NAME_LENGTH],
            profile=context.profile,
            format=context.body_format.value,
            method=request.http.method,
            peer=request.http.peer,
            user_agent=request.http.headers.get("user-agent", "")[:NAME_LENGTH],
            sent=_without_secrets(request.parameters),
            signature=credentials.method[:NAME_LENGTH] if credentials.signature else None,
            authentication=context.authentication.value,
            status=context.status,
            code=context.code,
            outcomes=context.outcomes[:KEPT],
            fault=context.fault.id if context.fault is not None else None,
            messages=tuple([outcome.mail_id for outcome in context.outcomes if outcome.mail_id is not None]),
            received=store.real_time(),
            seconds=context.seconds,
        )
    )


def is_secret(name: str) -> bool:
    """Return whether the value of a parameter or a header with this name is a secret or a signature."""
    return _SECRET.fullmatch(name) is not None


def to_logger(line: str) -> None:
    """Write a line to this module's logger."""
    logger.info(line)


def write_line(context: CallContext, write: Callable[[str], None]) -> None:
    """Write a line about a call."""
    if write is to_logger and not logger.isEnabledFor(logging.INFO):
        return
    fault = context.fault
    details = "; ".join([_format_outcome(outcome) for outcome in context.outcomes])
    if fault is not None and fault.error is None:
        details = "; ".join(filter(None, (context.explain(""), details)))
    action, code = _printable(context.request.action or "(no action)"), context.code
    key, check = _printable(context.request.credentials.access_key_id or "no key"), context.authentication.value
    status = _sent_status(context.status, fault)
    write(f"{status} {action} {code}, {key}, {check}: {details} ({context.seconds * 1000:.1f} ms)")


def _without_secrets(parameters: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names and values to keep, one after the other."""
    kept: list[str] = []
    for name, value in parameters.items():
        is_kept = _KNOWN_NAMES.get(name)
        if is_kept is None:
            is_kept = not is_secret(name)
        if is_kept:
            kept += name[:NAME_LENGTH], value[:PARAMETER_LENGTH]
    return tuple(kept[: 2 * KEPT])


def _format_outcome(outcome: Outcome) -> str:
    address = f"{_printable(outcome.email)} " if outcome.email else ""
    decided_by = f" [{_printable(outcome.decided_by)}]" if outcome.decided_by else ""
    return f"{address}{outcome.outcome}{decided_by}"


def _sent_status(status: int, fault: Fault | None) -> int | str:
    """Return the status that the client sees, or `reset` if it sees none."""
    response_fault = fault.response_fault if fault is not None else None
    if response_fault is None:
        return status
    return "reset" if response_fault.reset is not None else 502 if response_fault.body is Body.HTML_502 else status


def _printable(text: str) -> str:
    """Escape a text that would break the log's line."""
    return text if text.isprintable() else repr(text)
