"""Events as lines of text, for `alimock tail`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from alimock.cli.width import padded, width
from alimock.testing.report import REASON_LENGTH, plain

# The widths to begin with: the time, the account, the type, and of a call the status, the operation, the code and the duration.
_WIDTHS = (27, 12, 14, 3, 23, 2, 8)
# A longer cell moves only the rest of its own line.
MAX_WIDTH = 27
_GAP = "  "
# What happened to the subject of an event; the subject of a delivery is a mail, that of a reset is empty.
_SENTENCES = {
    "call": "request {} (deleted)",
    "mail": "email {} (deleted)",
    "delivery": "email {} (deleted)",
    "verification": "{} is verified",
    "address": "the entry of {} was changed",
    "fault": "fault {} was changed",
    "access key": "access key {} was changed",
    "deletion": "email {} was deleted",
    "clock": "set to {} (UTC+8)",
    "scenario": "{} was loaded",
    "scenario error": "not reloaded: {}",
    "reset": "back to the scenario",
}


class Columns:
    """Pads the cells of lines to the widest ones so far, so that lines that are printed one by one are aligned."""

    def __init__(self) -> None:
        self._widths = list(_WIDTHS)

    def line(self, cells: Sequence[str]) -> str:
        """Return the cells as a line; the last one is not padded."""
        for number, cell in enumerate(cells[:-1]):
            self._widths[number] = max(self._widths[number], min(width(cell), MAX_WIDTH))
        aligned = (padded(cell, self._widths[number]) for number, cell in enumerate(cells[:-1]))
        return _GAP.join((*aligned, cells[-1])).rstrip()


def cells(event: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the time, the account and the type of an event, followed by the cells of a call or a sentence."""
    time = f"{event['received'].replace('T', ' ').removesuffix('Z')} UTC"
    account = plain(event["account"] or "all accounts")
    return time, account, event["kind"], *(_call_cells(event["call"]) if "call" in event else (_sentence(event),))


def _call_cells(call: Mapping[str, Any]) -> tuple[str, ...]:
    details = "; ".join(plain(text, REASON_LENGTH) for text in _details(call))
    duration = f"{call['duration_ms']:.1f} ms".rjust(_WIDTHS[-1])
    return str(call["status"]), plain(call["action"] or "(no action)"), plain(call["code"]), duration, details


def _details(call: Mapping[str, Any]) -> Iterator[str]:
    for one in call["outcomes"]:
        decided_by = f"[{one['decided_by']}]" if one["decided_by"] else ""
        yield " ".join(filter(None, (one["email"], one["outcome"], decided_by)))
    if call["fault"] is not None:
        yield f"fault {call['fault']} fired"
    if call["messages"]:
        yield f"{len(call['messages'])} email{'s' if len(call['messages']) > 1 else ''} sent"
    if call["authentication"] != "checked":
        yield call["authentication"]
    yield from call["hints"]


def _sentence(event: Mapping[str, Any]) -> str:
    message, subject = event.get("message"), plain(event["subject"], REASON_LENGTH)
    if message is None:
        return _SENTENCES[event["kind"]].format(subject)
    if event["kind"] == "mail":
        return f"to {plain(message['to'])}  {message['link']}"
    states = (f"{target} {one['state']}{_reason(one)}" for target, one in message["deliveries"].items())
    return f"to {plain(message['to'])}  {'; '.join(states)}"


def _reason(delivery: Mapping[str, Any]) -> str:
    return f" ({plain(delivery['error'], REASON_LENGTH)})" if delivery["error"] else ""
