"""The commands that ask a running emulator: `ready`, `tail`, `export`, and `explain-signature`."""

from __future__ import annotations

import argparse
import http.client
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from alimock import __version__
from alimock.cli.command import fail, parse
from alimock.client.connection import Connection, EmulatorError, default_url, without_token
from alimock.settings import DEFAULT_PORT

RETRY_SECONDS = 0.05
READY_SECONDS = 5
WAIT_SECONDS = 5
_WITH_SECRETS = "# It contains the secrets of the access keys in clear text, including those from environment variables."
_WITHOUT_SECRETS = """\
# It contains no secrets. Combine it with a file that has them (--scenario keys.yaml,this.yaml), PUT it to an emulator that
# knows the keys, or export it with --secrets."""


def ready(arguments: Sequence[str]) -> int:
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


def tail(arguments: Sequence[str]) -> int:
    """Print a line for each event until Ctrl-C or until the emulator stops."""
    parser = argparse.ArgumentParser("alimock tail", description="Follow the events of a running emulator.")
    parser.add_argument("--url", default=default_url(), help="URL of the emulator (default: %(default)s)")
    parser.add_argument("--access-key-id", metavar="ID", help="show only the account of this key")
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


def export(arguments: Sequence[str]) -> int:
    """Print the scenario."""
    parser = argparse.ArgumentParser("alimock export", description="Print the current state of an account as a scenario.")
    parser.add_argument("--url", default=default_url(), help="URL of the emulator (default: %(default)s)")
    parser.add_argument("--access-key-id", metavar="ID", help="export the account of this key (default: the account `default`)")
    parser.add_argument("--secrets", action="store_true", help="include the secrets of the keys")
    options = parse(parser, arguments)
    filters = {"state": "current", "secrets": "true" if options.secrets else None}
    try:
        document = Connection(options.url, options.access_key_id).send("GET", "scenario", arguments=filters)
    except EmulatorError as error:
        return fail(str(error))
    # Imported late, since the health check of a container must not load PyYAML.
    from alimock.scenario.export import to_yaml

    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    print(f"# Exported by alimock {__version__}: one account, whose addresses become those of every account of this file.")
    print(_WITH_SECRETS if options.secrets else _WITHOUT_SECRETS)
    print(to_yaml(document), end="")
    return 0


def explain_signature(arguments: Sequence[str]) -> int:
    """Return 0 for a signature that matches, 1 for one that does not, 2 if it cannot be checked."""
    parser = argparse.ArgumentParser("alimock explain-signature", description="Explain why the signature of a request is wrong.")
    parser.add_argument("request", help="RequestId of a rejected call, or a file with a raw HTTP request (- for standard input)")
    parser.add_argument("--url", default=default_url(), help="URL of the emulator (default: %(default)s)")
    options = parse(parser, arguments)
    try:
        answer = _explanation(options.url, options.request)
    except (EmulatorError, OSError) as error:
        return fail(str(error))
    print(f"{answer['explanation']} ({answer['cause']})\n{answer['remedy']}")
    print(f"\nThe gateway's string to sign:\n{answer['string_to_sign']}")
    if answer["canonical_request"] is not None:
        print(f"\nThe gateway's canonical request:\n{answer['canonical_request']}")
    return 0 if answer["matches"] else 1


def _explanation(url: str, request: str) -> dict[str, object]:
    if request == "-" or Path(request).is_file():
        body = sys.stdin.buffer.read() if request == "-" else Path(request).read_bytes()
        return Connection(url).send("POST", "explain-signature", body, content_type="message/http")
    return Connection(url).send("POST", "explain-signature", {"request_id": request})
