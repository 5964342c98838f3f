"""What the call log and the process's log keep of a call. Secrets and signatures are never kept."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping

from alimock.api.context import CallContext
from alimock.scenario.model import Body
from alimock.spec.contract import PARAMETER_NAMES
from alimock.state.log import CallEntry, EventType, Outcome
from alimock.state.store import Store

logger = logging.getLogger(__name__)

# The kept length of a parameter and of a name, and the kept number of parameters and of addresses.
PARAMETER_LENGTH = 1_000
NAME_LENGTH = 200
KEPT = 100
# Shown for the status of a call whose connection a fault ends.
RESET = "reset"
# In any spelling, since the call log is where a misspelled parameter is looked for. What only describes a signature is kept.
_WORDS = "secret|security[-_]?token|authorization|bearer[-_]?token|password|cookie|api[-_]?key"
_SECRET = re.compile(rf"signature|.*({_WORDS}).*", re.IGNORECASE | re.DOTALL)
_MENTION = re.compile(rf"\bsignature\b|{_WORDS}", re.IGNORECASE)
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


def mentions_secret(text: str) -> bool:
    """Return whether a text contains the name of a secret or a signature."""
    return _MENTION.search(text) is not None


def to_logger(context: CallContext) -> None:
    """Write a line about a call to this module's logger."""
    if logger.isEnabledFor(logging.INFO):
        logger.info(text(context))


def text(context: CallContext) -> str:
    """Return a line about a call."""
    action, key = names(context)
    result = f"{sent_status(context) or RESET} {action} {context.code}"
    return f"{result}, {key}, {context.authentication.value}: {details(context)} ({context.seconds * 1000:.1f} ms)"


def sent_status(context: CallContext) -> int | None:
    """Return the status that the client sees, or None if it sees none."""
    response_fault = context.fault.response_fault if context.fault is not None else None
    if response_fault is None:
        return context.status
    return None if response_fault.reset is not None else 502 if response_fault.body is Body.HTML_502 else context.status


def names(context: CallContext) -> tuple[str, str]:
    """Return the action and the access key id, with escapes for what would break a line."""
    request = context.request
    return _printable(request.action or "(no action)"), _printable(request.credentials.access_key_id or "no key")


def details(context: CallContext) -> str:
    """Return the fault that changes the response and the outcomes, with escapes for what would break a line."""
    fault = context.fault
    line = _format_outcomes(context.outcomes)
    if not line.isprintable():
        escaped = [one._replace(email=_printable(one.email), decided_by=_printable(one.decided_by)) for one in context.outcomes]
        line = _format_outcomes(escaped)
    if fault is not None and fault.error is None:
        line = "; ".join(filter(None, (_printable(context.explain("")), line)))
    return line


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


def _format_outcomes(outcomes: Iterable[Outcome]) -> str:
    return "; ".join(
        [
            f"{f'{email} {word}' if email else word} [{decided_by}]" if decided_by else f"{email} {word}".lstrip()
            for email, word, decided_by, _ in outcomes
        ]
    )


def _printable(text: str) -> str:
    """Escape a text that would break the log's line."""
    return text if text.isprintable() else repr(text)
