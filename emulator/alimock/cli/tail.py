"""`alimock tail`: follows what happens in a running emulator."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from alimock.client.connection import Connection, EmulatorError, default_url

WAIT_SECONDS = 5
# How an emulator answers to a cursor that is not its own.
BEYOND = 410


def run(arguments: Sequence[str]) -> int:
    """Prints a line for each change until Ctrl-C, and gives 2 if the emulator cannot be asked (any more)."""
    parser = argparse.ArgumentParser("alimock tail", description="Follows what happens in a running emulator.")
    parser.add_argument("--url", default=default_url(), help="the emulator; default: %(default)s")
    parser.add_argument("--access-key-id", metavar="ID", help="only what happens in the account of this key")
    parser.add_argument("--once", action="store_true", help="print what has happened so far, and end")
    options = parser.parse_args(arguments)
    given = {"access_key_id": options.access_key_id} if options.access_key_id is not None else {}
    after: object = 0
    try:
        connection = Connection(options.url)
        while True:
            wait = {} if options.once else {"timeout": str(WAIT_SECONDS)}
            try:
                answer = connection.send("GET", "changes", arguments={**given, **wait, "after": str(after), "limit": "1000"})
            except EmulatorError as error:
                if error.status != BEYOND:
                    raise
                print("-- another emulator answers now --", flush=True)
                after = 0
                continue
            if answer.get("gap"):
                print("-- some changes were thrown away --", flush=True)
            for change in _changes(answer):
                print(_line(change), flush=True)
            if options.once and answer["cursor"] == after:
                return 0
            after = answer["cursor"]
    except EmulatorError as error:
        print(f"alimock: {error}", file=sys.stderr)
        return 2


def _changes(answer: dict[str, object]) -> list[dict[str, object]]:
    changes = answer["changes"]
    return changes if isinstance(changes, list) else []


def _line(change: dict[str, object]) -> str:
    account = change["account"] or "all accounts"
    return f"{change['received']} {change['sequence']} {change['kind']} {account} {change['subject']}".rstrip()
