"""`alimock tail`: follow the events of a running emulator."""

from __future__ import annotations

import http.client
import json
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from alimock.cli.command import Parser, fail, parse
from alimock.cli.event_text import Columns, cells
from alimock.cli.url import add_url
from alimock.client.connection import Connection
from alimock.client.errors import EmulatorError

WAIT_SECONDS = 5
# Of one request. A batch of this many events has at most as many calls and mails.
BATCH = 1_000


def parser() -> Parser:
    """Return the parser of the command line."""
    parser = Parser("alimock tail", description="Follow the events of a running emulator.")
    add_url(parser)
    parser.add_argument("--access-key-id", metavar="ID", help="show only the account of this key, and what concerns all accounts")
    parser.add_argument("--once", action="store_true", help="print past events and exit")
    parser.add_argument("--json", action="store_true", help="print each event as a line of JSON, with its call or email")
    return parser


def run(arguments: Sequence[str]) -> int:
    """Print a line for each event until Ctrl-C or until the emulator stops."""
    options = parse(parser(), arguments)
    columns = Columns()
    try:
        for event in _events(Connection(options.url, options.access_key_id), once=options.once):
            line = json.dumps(event, ensure_ascii=False) if options.json else columns.line(cells(event))
            print(line, flush=True)
    except EmulatorError as error:
        return fail(str(error))
    return 0


def _events(connection: Connection, *, once: bool) -> Iterator[dict[str, Any]]:
    """Yield the events in order, each with its `call`, or the `message` that it concerns, unless that was deleted."""
    after = 0
    timeout = None if once else WAIT_SECONDS
    while True:
        try:
            answer = connection.send("GET", "changes", arguments={"after": after, "limit": BATCH, "timeout": timeout})
            events = _with_details(connection, answer["changes"], after)
        except EmulatorError as error:
            # Gone: the cursor is beyond the newest event.
            if error.status != http.client.GONE:
                raise
            _note("the emulator was restarted")
            after = 0
            continue
        if answer.get("gap"):
            _note("some events were evicted")
        yield from events
        if once and answer["cursor"] == after:
            return
        after = answer["cursor"]


def _with_details(connection: Connection, events: list[dict[str, Any]], after: int) -> list[dict[str, Any]]:
    """Return the events with their calls and mails, which one request each fetches if there are any."""
    kinds = {event["kind"] for event in events}
    calls = _fetched(connection, "calls", "calls", after) if "call" in kinds else []
    messages = _fetched(connection, "outbox", "messages", after) if "mail" in kinds else []
    if "delivery" in kinds:
        # A delivery can be that of an earlier mail.
        messages += _fetched(connection, "outbox", "messages", None)
    by_request = {("call", call["request_id"]): {"call": call} for call in calls}
    by_mail = {(kind, message["id"]): {"message": message} for message in messages for kind in ("mail", "delivery")}
    found = {**by_request, **by_mail}
    return [{**event, **found.get((event["kind"], event["subject"]), {})} for event in events]


def _fetched(connection: Connection, path: str, name: str, after: int | None) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = connection.send("GET", path, arguments={"after": after, "limit": BATCH})[name]
    return entries


def _note(text: str) -> None:
    print(f"-- {text} --", file=sys.stderr)
