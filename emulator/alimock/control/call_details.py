"""The details of a single call: its exchange, the scenario lines that decided it, its mails, and the diagnosis of its signature."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict

from alimock.control import exchange
from alimock.control.current import backend, store, transaction
from alimock.control.outbox import summary
from alimock.scenario.masking import LINE_BREAK, without_secrets
from alimock.spec.error_catalog import SIGNATURE_DOES_NOT_MATCH_V1
from alimock.spec.errors import ApiError
from alimock.state.log import CallEntry

# The number of lines before and after a location.
CONTEXT = 3
# The texts of a diagnosis that contain parameters and headers of the request.
_SIGNED = ("explanation", "string_to_sign", "canonical_request", "client_string_to_sign", "client_canonical_request")


def details(call: CallEntry) -> dict[str, object]:
    """Return the exchange of a call, the lines that decided it, its mails in the outbox, and why its signature was refused."""
    kept = backend().service.exchanges.get(call.request_id)
    with transaction():
        mails = [mail for mail in map(store().outbox.get, call.messages) if mail is not None]
    return {
        "exchange": exchange.document(kept) if kept is not None else None,
        "sources": _sources(call),
        "mails": list(map(summary, mails)),
        "diagnosis": _diagnosis(call),
    }


def _sources(call: CallEntry) -> list[dict[str, object]]:
    with transaction():
        # Keys are those of the whole emulator, the rest is as the account was loaded.
        texts = {**store().scenario.texts, **store().scenario_of(call.access_key_id).texts}
        account = store().account_for_view(call.access_key_id)
    fault = account.faults.get(call.fault or "") if account is not None else None
    reasons = [each.decided_by for each in call.outcomes] + ([fault.location] if fault is not None else [])
    return list(_excerpts(reasons, {name: text for name, text in texts.items() if text is not None}))


def _excerpts(reasons: Iterable[str], texts: Mapping[str, str]) -> Iterator[dict[str, object]]:
    """Yield the lines around each location that the reasons name."""
    if not texts:
        return
    names = "|".join(map(re.escape, sorted(texts, key=len, reverse=True)))
    locations = re.compile(rf"(?<![\w./-])({names}):(\d{{1,9}})")
    found = dict.fromkeys((match[1], int(match[2])) for reason in reasons for match in locations.finditer(reason))
    masked = {name: without_secrets(texts[name]) for name, _ in found}
    lines_of = {name: LINE_BREAK.split(text) for name, text in masked.items() if text is not None}
    for file, line in found:
        lines, first = lines_of.get(file, []), max(line - CONTEXT, 1)
        if line <= len(lines):
            shown = lines[first - 1 : line + CONTEXT]
            yield {"location": f"{file}:{line}", "file": file, "line": line, "first_line": first, "lines": shown}


def _diagnosis(call: CallEntry) -> dict[str, object] | None:
    service = backend().service
    refused = service.refused_request(call.request_id)
    if refused is None or call.code != SIGNATURE_DOES_NOT_MATCH_V1.code:
        return None
    try:
        diagnosis = service.diagnose(refused)
    except ApiError:
        return None
    if diagnosis is None:
        return None
    texts = asdict(diagnosis)
    return {**texts, **{name: exchange.without_secrets(texts[name], refused.http) for name in _SIGNED if texts[name] is not None}}
