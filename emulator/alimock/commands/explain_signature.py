"""`alimock explain-signature`: says in words what is wrong with the signature of a request."""

from __future__ import annotations

import argparse
import http.client
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from alimock.settings import DEFAULT_PORT

TIMEOUT_SECONDS = 10


def run(arguments: Sequence[str]) -> int:
    """Gives 0 for a signature that matches, 1 for one that does not, 2 if that cannot be said."""
    parser = argparse.ArgumentParser("alimock explain-signature", description="Says what is wrong with the signature of a request.")
    parser.add_argument("request", help="the RequestId of a refused call, or a file with a raw HTTP request (- for standard input)")
    port = os.environ.get("ALIMOCK_PORT") or DEFAULT_PORT
    parser.add_argument("--url", default=f"http://127.0.0.1:{port}", help="the emulator that knows the key; default: %(default)s")
    options = parser.parse_args(arguments)
    try:
        status, answer = _ask(options.url, options.request)
    except (OSError, ValueError, http.client.HTTPException) as error:
        print(f"alimock: {error}", file=sys.stderr)
        return 2
    if status != 200:
        print(f"alimock: {answer['message']}: {answer['hint']}", file=sys.stderr)
        return 2
    print(f"{answer['explanation']} ({answer['cause']})\n{answer['remedy']}")
    print(f"\nThe gateway's string to sign:\n{answer['string_to_sign']}")
    if answer["canonical_request"] is not None:
        print(f"\nThe gateway's canonical request:\n{answer['canonical_request']}")
    return 0 if answer["matches"] else 1


def _ask(url: str, request: str) -> tuple[int, dict[str, object]]:
    if request == "-" or Path(request).is_file():
        body = sys.stdin.buffer.read() if request == "-" else Path(request).read_bytes()
        content_type = "message/http"
    else:
        body, content_type = json.dumps({"request_id": request}).encode(), "application/json"
    parts = urlsplit(url)
    if parts.scheme != "http":
        raise ValueError(f"--url: found `{url}`, expected a URL like http://127.0.0.1:{DEFAULT_PORT}")
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT_SECONDS)
    connection.request("POST", "/_alimock/explain-signature", body, {"Content-Type": content_type})
    response = connection.getresponse()
    answer: dict[str, object] = json.loads(response.read())
    connection.close()
    return response.status, answer
