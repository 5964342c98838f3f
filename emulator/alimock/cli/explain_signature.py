"""`alimock explain-signature`: explain why the signature of a request is wrong."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from alimock.cli.command import Parser, fail, parse
from alimock.cli.url import add_url
from alimock.client.connection import Connection
from alimock.client.errors import EmulatorError


def parser() -> Parser:
    """Return the parser of the command line."""
    parser = Parser("alimock explain-signature", description="Explain why the signature of a request is wrong.")
    parser.add_argument(
        "request", metavar="REQUEST", help="RequestId of a rejected call, or a file with a raw HTTP request (- for standard input)"
    )
    add_url(parser)
    return parser


def run(arguments: Sequence[str]) -> int:
    """Return 0 for a signature that matches, 1 for one that does not, 2 if it cannot be checked."""
    options = parse(parser(), arguments)
    try:
        answer = _explanation(options.url, options.request)
    except (EmulatorError, OSError) as error:
        return fail(str(error))
    print(f"{answer['explanation']} ({answer['cause']})\n{answer['remedy']}")
    print(f"\nThe gateway's string to sign:\n{answer['string_to_sign']}")
    if answer["canonical_request"] is not None:
        print(f"\nThe gateway's canonical request:\n{answer['canonical_request']}")
    signed = answer["client_string_to_sign"]
    if signed is not None and signed != answer["string_to_sign"]:
        print(f"\nThe client's string to sign:\n{signed}")
        if answer["client_canonical_request"] is not None:
            print(f"\nThe client's canonical request:\n{answer['client_canonical_request']}")
    return 0 if answer["matches"] else 1


def _explanation(url: str, request: str) -> dict[str, object]:
    if request == "-" or Path(request).is_file():
        body = sys.stdin.buffer.read() if request == "-" else Path(request).read_bytes()
        return Connection(url).send("POST", "explain-signature", body, content_type="message/http")
    return Connection(url).send("POST", "explain-signature", {"request_id": request})
