"""The report of a failed test: what happened in the emulator, line by line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from alimock.client.calls import Call, Outcome
from alimock.client.client import Client
from alimock.client.connection import Connection
from alimock.client.models import moment, value_of
from alimock.client.outbox import Message
from alimock.spec.contract import COMMON_PARAMETERS

MAXIMUM_LINES = 200
VALUE_LENGTH = 120
REASON_LENGTH = 600
# Calls and mails have entries of their own; access keys come and go with the accounts of tests.
_OMITTED = ("call", "mail", "access key")
# Of the times in events.
_ZONES = {"clock": "(UTC+8)"}


def no_calls(client: Client) -> str:
    """Return the report of an emulator that received no call."""
    protocol = "HTTPS" if client.url.startswith("https:") else "plain HTTP"
    address = f"{client.url} (host:port {client.endpoint}, {protocol})"
    return f"no call reached the emulator. If the application made one, point it at {address}."


def failure_report(client: Client, seen: Connection, after: int) -> list[str]:
    """Return a report of all events that `seen` shows after a cursor; calls of keys other than the client's are marked.

    It shows calls with their outcomes, mails and faults, and every change through the control API, without secrets and signatures.
    It is cut to its last 200 lines.
    """
    changes, gap = seen.entries("changes", "changes", after)
    calls = {call["sequence"]: Call.of(call) for call in seen.entries("calls", "calls", after)[0]}
    messages = {mail["id"]: value_of(Message, mail) for mail in seen.entries("outbox", "messages", after)[0]}
    start = moment(changes[0]["received"]) if changes else None
    lines = ["(the oldest events were evicted)"] if gap else []
    deleted = sum(change["kind"] == "call" and change["sequence"] not in calls for change in changes)
    if deleted:
        lines.append(f"({deleted} calls were deleted by resets or with their accounts)")
    for change in changes:
        entry = list(_entry(change, calls, messages, client.access_key_id))
        if entry:
            seconds = (moment(change["received"]) - start).total_seconds() if start is not None else 0.0
            lines += [f"+{seconds:.3f} s  {entry[0]}", *(f"            {line}" for line in entry[1:])]
    if len(lines) > MAXIMUM_LINES:
        lines = [f"({len(lines) - MAXIMUM_LINES} earlier lines omitted)", *lines[-MAXIMUM_LINES:]]
    return lines or [no_calls(client)]


def _entry(change: dict[str, Any], calls: dict[int, Call], messages: dict[str, Message], own_key: str) -> Iterator[str]:
    call = calls.get(change["sequence"])
    if call is not None:
        yield from _call_entry(call, messages, own_key)
    elif change["kind"] not in _OMITTED:
        yield " ".join(filter(None, (change["kind"], plain(change["subject"]), _ZONES.get(change["kind"]))))


def _call_entry(call: Call, messages: dict[str, Message], own_key: str) -> Iterator[str]:
    parameters = (f"{name}={plain(value)}" for name, value in call.parameters.items() if name not in COMMON_PARAMETERS)
    words = (call.action or "(no action)", *parameters)
    whole = "".join(_decided_by(one) for one in call.outcomes if not one.email)
    yield f"{' '.join(map(plain, words))} -> {call.status} {call.code}{whole}{_sender(call, own_key)}"
    for one in call.outcomes:
        if one.email:
            yield f"{plain(one.email)}: {one.outcome}{_decided_by(one)}"
    for mail_id in call.messages:
        message = messages.get(mail_id)
        yield f"email to {message.to}, link now {message.token_state}" if message is not None else "email (deleted)"
    if call.fault is not None:
        yield f"fault {call.fault} fired"
    yield from map(plain, call.hints)


def _decided_by(one: Outcome) -> str:
    return f" [{plain(one.decided_by, REASON_LENGTH)}]" if one.decided_by else ""


def _sender(call: Call, own_key: str) -> str:
    """Return the key and the authentication of a call where they are not those that a test expects."""
    key = [f"key {plain(call.access_key_id)}" if call.access_key_id else "no key"] if call.access_key_id != own_key else []
    check = [call.authentication] if call.authentication != "checked" else []
    return f" ({', '.join((*key, *check))})" if key or check else ""


def plain(text: str, length: int = VALUE_LENGTH) -> str:
    """Return what a client sent as one printable line of limited length."""
    shown = text if text.isprintable() else ascii(text)[1:-1]
    return shown if len(shown) <= length else f"{shown[:length]}..."
