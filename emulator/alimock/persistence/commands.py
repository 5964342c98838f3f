"""Commands as text for a log, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from alimock.api.auth import ReceivedRequest, Verdict
from alimock.api.call import Call
from alimock.api.http import HttpRequest
from alimock.api.parse import parse
from alimock.persistence.codec import codec
from alimock.scenario.model import Authentication
from alimock.state import commands
from alimock.state.commands import Command
from alimock.state.store import Store

_CALL = "Call"


@dataclass(frozen=True)
class Started:
    """A process with a version and limits appends to the log from here on. It changes nothing."""

    version: str
    limits: Mapping[str, float]

    def apply(self, store: Store) -> None:
        """Do nothing."""


@dataclass(frozen=True)
class Check:
    """The digest of a replica after a number of commands. It changes nothing."""

    commands: int
    digest: int

    def apply(self, store: Store) -> None:
        """Do nothing."""


_KINDS: dict[str, Any] = {
    kind.__name__: kind
    for kind in (
        commands.FollowLink,
        commands.LoadScenario,
        commands.ReportScenarioError,
        commands.ResetAccounts,
        commands.PutAddress,
        commands.DeleteAddress,
        commands.PutFault,
        commands.EnableFault,
        commands.ExpireLink,
        commands.DeleteFault,
        commands.PutAccessKey,
        commands.DeleteAccessKey,
        commands.SetClock,
        commands.AdvanceClock,
        commands.DeleteMails,
        commands.MarkMails,
        commands.TagMails,
        commands.RecordDelivery,
        Started,
        Check,
    )
}
_write = json.JSONEncoder(separators=(",", ":")).encode


def to_text(command: Command[Any]) -> str:
    """Return a command as one line of JSON: its name and its content."""
    if isinstance(command, Call):
        return _write([_CALL, _call(command)])
    name = type(command).__name__
    return _write([name, codec(_KINDS[name]).to_json(command)])


def is_started(text: str) -> bool:
    """Return whether a text is that of `Started`, which every version can read."""
    return text.startswith(f'["{Started.__name__}",')


def from_text(text: str) -> Command[Any]:
    """Return the command of a text; raises `ValueError` for another text."""
    try:
        name = ""
        name, content = json.loads(text)
        return _restored_call(*content) if name == _CALL else codec(_KINDS[name]).from_json(content)
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        # Not the content, which may have secrets.
        raise ValueError(f"an entry of the kind {str(name)[:30]!a} is not a command of this version of alimock") from error


def _call(call: Call) -> list[object]:
    """Return a call as its request, as it was sent, and what only the process that received it knows."""
    method, query, headers, body, peer, path = call.received.request.http
    return [
        [method, query, dict(headers), body.decode("latin-1"), peer, path],
        call.received.verdict,
        call.received.process_time,
        call.profile,
        call.authentication.value if call.authentication is not None else None,
        call.targets,
    ]


def _restored_call(
    http: list[Any],
    verdict: list[Any] | None,
    process_time: float | None,
    profile: str | None,
    authentication: str | None,
    targets: list[str],
) -> Call:
    method, query, headers, body, peer, path = http
    request = parse(HttpRequest(method, query, headers, body.encode("latin-1"), peer, path))
    received = ReceivedRequest(request, Verdict(*verdict) if verdict is not None else None, process_time)
    return Call(received, profile, Authentication(authentication) if authentication is not None else None, tuple(targets))
