"""`alimock tail`: follow the events of a running emulator."""

from __future__ import annotations

import argparse
import http.client
from collections.abc import Iterator, Sequence
from typing import Any

from alimock.cli.command import fail, parse
from alimock.cli.url import add_url
from alimock.client.connection import Connection
from alimock.client.errors import EmulatorError

WAIT_SECONDS = 5


def run(arguments: Sequence[str]) -> int:
    """Print a line for each event until Ctrl-C or until the emulator stops."""
    parser = argparse.ArgumentParser("alimock tail", description="Follow the events of a running emulator.")
    add_url(parser)
    parser.add_argument("--access-key-id", metavar="ID", help="show only the account of this key, and what concerns all accounts")
    parser.add_argument("--once", action="store_true", help="print past events and exit")
    options = parse(parser, arguments)
    try:
        for line in _lines(Connection(options.url, options.access_key_id), once=options.once):
            print(line, flush=True)
    except EmulatorError as error:
        return fail(str(error))
    return 0


def _lines(connection: Connection, *, once: bool) -> Iterator[str]:
    after = 0
    timeout = None if once else WAIT_SECONDS
    while True:
        try:
            answer = connection.send("GET", "changes", arguments={"after": after, "limit": 1000, "timeout": timeout})
        except EmulatorError as error:
            # Gone: the cursor is beyond the newest event.
            if error.status != http.client.GONE:
                raise
            yield "-- the emulator was restarted --"
            after = 0
            continue
        if answer.get("gap"):
            yield "-- some events were evicted --"
        yield from map(_line, answer["changes"])
        if once and answer["cursor"] == after:
            return
        after = answer["cursor"]


def _line(change: dict[str, Any]) -> str:
    account = change["account"] or "all accounts"
    return f"{change['received']} {change['sequence']} {change['kind']} {account} {change['subject']}".rstrip()
