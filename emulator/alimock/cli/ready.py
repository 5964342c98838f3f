"""`alimock ready`: check whether an emulator is ready (for health checks)."""

from __future__ import annotations

import argparse
import http.client
import time
from collections.abc import Sequence
from urllib.parse import urlsplit

from alimock.cli.command import fail, parse
from alimock.client.connection import default_url, without_token
from alimock.settings import DEFAULT_PORT

RETRY_SECONDS = 0.05
READY_SECONDS = 5


def run(arguments: Sequence[str]) -> int:
    """Return 0 once the emulator is ready, 1 if it is not before the timeout."""
    parser = argparse.ArgumentParser("alimock ready", description="Check whether an emulator is ready.")
    parser.add_argument("--url", default=default_url(), help="URL of the emulator (default: %(default)s)")
    parser.add_argument("--wait", type=_seconds, default=0.0, metavar="SECONDS", help="retry for this long (default: try once)")
    options = parse(parser, arguments)
    end = time.monotonic() + options.wait
    while (reason := _unready(options.url)) is not None:
        if time.monotonic() >= end:
            return fail(f"not ready: {without_token(options.url)}: {reason}", 1)
        time.sleep(RETRY_SECONDS)
    return 0


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not 0 <= seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"found `{text}`, expected a number of seconds from 0")
    return seconds


def _unready(url: str) -> str | None:
    """Return the reason why the emulator is not ready, or None. Proxy variables are ignored."""
    try:
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            return f"expected a URL like http://127.0.0.1:{DEFAULT_PORT}"
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=READY_SECONDS)
        connection.request("GET", f"{parts.path.rstrip('/')}/readyz")
        status = connection.getresponse().status
        connection.close()
    except (OSError, ValueError, http.client.HTTPException) as error:
        return getattr(error, "strerror", None) or str(error) or type(error).__name__
    return None if status == http.client.OK else f"GET /readyz returned {status}"
