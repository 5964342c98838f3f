"""`alimock ready`: check whether an emulator is ready (for health checks)."""

from __future__ import annotations

import argparse
import http.client
import time
from collections.abc import Sequence

from alimock.cli.command import Parser, fail, parse
from alimock.cli.url import add_url
from alimock.client.connection import Connection
from alimock.client.errors import EmulatorError

RETRY_SECONDS = 0.05
READY_SECONDS = 5


def parser() -> Parser:
    """Return the parser of the command line."""
    parser = Parser("alimock ready", description="Check whether an emulator is ready.")
    add_url(parser)
    parser.add_argument("--wait", type=_seconds, default=0.0, metavar="SECONDS", help="retry for this long (default: try once)")
    return parser


def run(arguments: Sequence[str]) -> int:
    """Print the URL and return 0 once the emulator is ready; return 1 if it is not before the timeout."""
    options = parse(parser(), arguments)
    end = time.monotonic() + options.wait
    try:
        connection = Connection(options.url)
    except EmulatorError as error:
        return fail(str(error), 1)
    while (reason := _unready(connection)) is not None:
        if time.monotonic() >= end:
            return fail(f"not ready: {reason}", 1)
        time.sleep(RETRY_SECONDS)
    # An emulator of another project may have the port.
    print(f"ready: {connection.base_url}")
    return 0


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not 0 <= seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"found `{text}`, expected a number of seconds from 0")
    return seconds


def _unready(connection: Connection) -> str | None:
    """Return the reason why the emulator is not ready, or None."""
    try:
        status = connection.status("readyz", READY_SECONDS)
    except EmulatorError as error:
        return str(error)
    return None if status == http.client.OK else f"GET {connection.base_url}/readyz returned {status}"
