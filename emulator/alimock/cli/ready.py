"""`alimock ready`: says whether an emulator is ready, for health checks."""

from __future__ import annotations

import argparse
import http.client
import sys
import time
from collections.abc import Sequence
from urllib.parse import urlsplit

from alimock.client.connection import default_url, without_token
from alimock.settings import DEFAULT_PORT

RETRY_SECONDS = 0.05
TIMEOUT_SECONDS = 5


def run(arguments: Sequence[str]) -> int:
    """Gives 0 once the emulator is ready, 1 if it is not by the end of the wait."""
    parser = argparse.ArgumentParser("alimock ready", description="Says whether an emulator is ready.")
    parser.add_argument("--url", default=default_url(), help="default: %(default)s")
    parser.add_argument("--wait", type=_seconds, default=0.0, metavar="SECONDS", help="how long to wait for it; default: one try")
    options = parser.parse_args(arguments)
    end = time.monotonic() + options.wait
    while (reason := _unready(options.url)) is not None:
        if time.monotonic() >= end:
            print(f"alimock: not ready: {without_token(options.url)}: {reason}", file=sys.stderr)
            return 1
        time.sleep(RETRY_SECONDS)
    return 0


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 <= seconds < float("inf"):
        raise ValueError(text)
    return seconds


def _unready(url: str) -> str | None:
    """Gives the reason why an emulator is not ready, None if it is. Proxy variables are not looked at."""
    try:
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            return f"expected a URL like http://127.0.0.1:{DEFAULT_PORT}"
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=TIMEOUT_SECONDS)
        connection.request("GET", f"{parts.path.rstrip('/')}/readyz")
        status = connection.getresponse().status
        connection.close()
    except (OSError, ValueError, http.client.HTTPException) as error:
        return str(error) or type(error).__name__
    return None if status == 200 else f"answered {status}"
