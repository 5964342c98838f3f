"""What happened in an emulator, told line by line to whoever looks for the reason why a test failed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from alimock.client.calls import Call, Outcome
from alimock.client.connection import Connection
from alimock.client.models import moment, value_of
from alimock.client.outbox import Message
from alimock.spec.contract import COMMON_PARAMETERS

MAXIMUM_LINES = 200
VALUE_LENGTH = 120
REASON_LENGTH = 600
# What a call did is told with it; keys come and go with the accounts of tests.
_NOT_TOLD = ("call", "mail", "access key")


def cursor(connection: Connection) -> int:
    """Gives the point in time from which to tell."""
    return int(connection.send("GET", "changes", arguments={"limit": "0"})["cursor"])


def timeline(connection: Connection, after: int, *, own_key: str | None = None) -> list[str]:
    """Tells what happened behind a point in time, in the account of a connection or in all; calls of other keys say so.

    It has calls with what decided each of their addresses, the mails they caused, the faults that hit them, and every change from
    outside; no secrets and no signatures. Of more than 200 lines the last are told.
    """
    changes, gap = connection.entries("changes", "changes", after)
    calls = {call["sequence"]: Call.of(call) for call in connection.entries("calls", "calls", after)[0]}
    messages = {mail["id"]: value_of(Message, mail) for mail in connection.entries("outbox", "messages", after)[0]}
    start = moment(changes[0]["received"]) if changes else None
    lines = ["(the beginning was thrown away)"] if gap else []
    forgotten = sum(change["kind"] == "call" and change["sequence"] not in calls for change in changes)
    if forgotten:
        lines.append(f"({forgotten} calls were forgotten by resets and with their accounts)")
    for change in changes:
        told = list(_told(change, calls, messages, own_key))
        if told:
            seconds = (moment(change["received"]) - start).total_seconds() if start is not None else 0.0
            lines += [f"+{seconds:.3f} s  {told[0]}", *(f"            {line}" for line in told[1:])]
    if len(lines) > MAXIMUM_LINES:
        lines = [f"({len(lines) - MAXIMUM_LINES} lines before these)", *lines[-MAXIMUM_LINES:]]
    return lines


def _told(change: dict[str, Any], calls: dict[int, Call], messages: dict[str, Message], own_key: str | None) -> Iterator[str]:
    call = calls.get(change["sequence"])
    if call is not None:
        yield from _told_call(call, messages, own_key)
    elif change["kind"] not in _NOT_TOLD:
        yield " ".join(filter(None, (change["kind"], plain(change["subject"]))))


def _told_call(call: Call, messages: dict[str, Message], own_key: str | None) -> Iterator[str]:
    parameters = (f"{name}={plain(value)}" for name, value in call.parameters.items() if name not in COMMON_PARAMETERS)
    words = (call.action or "(no action)", *parameters)
    whole = "".join(_decided_by(one) for one in call.outcomes if not one.email)
    yield f"{' '.join(map(plain, words))} -> {call.status} {call.code}{whole}{_sender(call, own_key)}"
    for one in call.outcomes:
        if one.email:
            yield f"{plain(one.email)}: {one.outcome}{_decided_by(one)}"
    for mail_id in call.messages:
        message = messages.get(mail_id)
        yield f"mail to {message.to}, link {message.token_state}" if message is not None else "a mail that was deleted since"
    if call.fault is not None:
        yield f"hit by the fault {call.fault}"
    yield from map(plain, call.hints)


def _decided_by(one: Outcome) -> str:
    return f" [{plain(one.decided_by, REASON_LENGTH)}]" if one.decided_by else ""


def _sender(call: Call, own_key: str | None) -> str:
    """Says who called, where that is not what a test expects."""
    key = [f"key {plain(call.access_key_id)}" if call.access_key_id else "no key"] if call.access_key_id != own_key else []
    check = [call.authentication] if call.authentication != "checked" else []
    return f" ({', '.join((*key, *check))})" if key or check else ""


def plain(text: str, length: int = VALUE_LENGTH) -> str:
    """Gives what a client sent on one line, and short."""
    shown = text if text.isprintable() else ascii(text)[1:-1]
    return shown if len(shown) <= length else f"{shown[:length]}..."
