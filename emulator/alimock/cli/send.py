"""`alimock send`: call SubmitEmailVerification of a running emulator, and print the emails that it sends."""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from alimock.api.signing import Signing
from alimock.cli.command import Parser, fail, parse
from alimock.cli.url import add_url
from alimock.client.connection import Connection
from alimock.client.errors import EmulatorError, not_alimock
from alimock.spec.contract import DOMAIN
from alimock.testing.report import REASON_LENGTH, plain

EXIT_REFUSED = 1
_ID, _SECRET = "ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET"
_SERVICE = "aliyuncs.com"
_DECIDED_BY = "X-Alimock-Decided-By"
# The number of the latest emails to an address among which that of the call is looked for.
_NEWEST = 20
_DESCRIPTION = """\
Call SubmitEmailVerification of a running emulator for each address, and print the emails with their links. It never calls the real
service. The exit status is 0 if each address got an email, 1 if one did not, 2 if a call was rejected or the emulator cannot be
reached."""


def parser() -> Parser:
    """Return the parser of the command line."""
    parser = Parser("alimock send", description=_DESCRIPTION)
    parser.add_argument("--to", action="append", required=True, metavar="ADDRESS", help="recipients, comma-separated (repeatable)")
    add_url(parser)
    parser.add_argument("--access-key-id", metavar="ID", help=f"access key of the call (default: {_ID}, else testid)")
    parser.add_argument("--access-key-secret", metavar="SECRET", help=f"its secret (default: {_SECRET}, else testsecret)")
    parser.add_argument("--lang", choices=["en", "zh"], help="language of the email (default: en)")
    parser.add_argument("--send-if-exist", action="store_true", help="also to an address that waits for its verification already")
    return parser


def run(arguments: Sequence[str]) -> int:
    """Return 0 if each address got an email, 1 if one did not, 2 if a call was rejected or the emulator cannot be reached."""
    options = parse(parser(), arguments)
    emails = [address.strip() for text in options.to for address in text.split(",") if address.strip()]
    if not emails:
        parser().error(f"--to: found `{','.join(options.to)}`, expected an address")
    key = options.access_key_id or os.environ.get(_ID) or "testid"
    secret = options.access_key_secret or os.environ.get(_SECRET) or "testsecret"
    parameters = {"Lang": options.lang, "SendIfExist": "true" if options.send_if_exist else None}
    given = {name: value for name, value in parameters.items() if value is not None}
    status = 0
    try:
        connection = Connection(options.url)
        if _is_service(connection.base_url):
            return fail(f"found the URL {connection.base_url} of the real service, expected that of an emulator. No call was made.")
        for email in emails:
            status = max(status, _send(connection, {**given, "Email": email}, key, secret))
    except EmulatorError as error:
        return fail(str(error))
    return status


def _is_service(url: str) -> bool:
    host = (urlsplit(url).hostname or "").rstrip(".")
    return host == _SERVICE or host.endswith(f".{_SERVICE}")


def _send(connection: Connection, parameters: Mapping[str, str], key: str, secret: str) -> int:
    """Call the operation for one address, print the result, and return the exit status."""
    response, content = connection.call(_signed(parameters, key, secret))
    answer, decided_by = _object(content), response.headers.get(_DECIDED_BY)
    if decided_by is None:
        raise not_alimock(connection.base_url, f"the response, with status {response.status}, has no header {_DECIDED_BY}")
    email, reason = plain(parameters["Email"]), f" [{plain(decided_by, REASON_LENGTH)}]" if decided_by else ""
    if answer.get("SuccessList"):
        return _print_mail(connection, email, reason, answer["RequestId"])
    if answer.get("ExistList"):
        print(f"{email}: exist{reason}; no email was sent", flush=True)
    elif answer.get("FailList"):
        print(f"{email}: {_code(answer['FailList'][0])}{reason}; no email was sent", flush=True)
    else:
        # Also a response that a fault broke.
        return fail(f"the call for `{email}` was rejected: {response.status} {_code(answer)}{reason}")
    return EXIT_REFUSED


def _signed(parameters: Mapping[str, str], key: str, secret: str) -> str:
    """Return the query of a call with a V1 signature."""
    pairs = (
        *(("Action", "SubmitEmailVerification"), ("Version", DOMAIN.name), ("Format", "JSON")),
        *parameters.items(),
        *(("AccessKeyId", key), ("Timestamp", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))),
        *(("SignatureNonce", str(uuid.uuid4())), ("SignatureMethod", "HMAC-SHA1"), ("SignatureVersion", "1.0")),
    )
    return urlencode((*pairs, ("Signature", Signing(f"{secret}&", "POST", pairs).sign())), quote_via=quote)


def _object(content: bytes) -> dict[str, Any]:
    """Return the JSON object of a response, empty for anything else."""
    try:
        answer = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _code(answer: Mapping[str, Any]) -> str:
    return plain(str(answer.get("Code") or "(no code)"))


def _print_mail(connection: Connection, email: str, reason: str, request_id: str) -> int:
    """Print the email of a call."""
    mails = connection.send("GET", "outbox", arguments={"to": email, "limit": _NEWEST})["messages"]
    mail = next((mail for mail in mails if mail["request_id"] == request_id), None)
    if mail is None:
        print(f"{email}: success{reason}; its email is no longer in the outbox", flush=True)
        return EXIT_REFUSED
    print(
        f"{email}: success{reason}",
        f"token   {mail['token']}",
        f"link    {mail['link']}",
        f"web UI  {connection.base_url}/_alimock/#/outbox/{mail['id']}",
        sep="\n  ",
        flush=True,
    )
    return 0
