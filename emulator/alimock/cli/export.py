"""`alimock export`: print the current state of an account as a scenario, or its mails as an mbox."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

from alimock import __version__
from alimock.cli.command import Parser, fail, parse
from alimock.cli.url import add_url
from alimock.client.connection import Connection
from alimock.client.errors import EmulatorError
from alimock.scenario.export import to_yaml

# To build a mail takes a millisecond, and there may be tens of thousands.
_MBOX_SECONDS = 600
_WITH_SECRETS = "# It contains the secrets of the access keys in plain text, including those from environment variables."
_WITHOUT_SECRETS = """\
# It contains no secrets. Combine it with a file that has them (--scenario keys.yaml,this.yaml), PUT it to an emulator that
# knows the keys, or export it with --secrets. The built-in scenario has the secret of testid (--scenario default,this.yaml)."""


def parser() -> Parser:
    """Return the parser of the command line."""
    description = "Print the current state of an account as a scenario, or its emails as an mbox."
    parser = Parser("alimock export", description=description)
    add_url(parser)
    parser.add_argument("--access-key-id", metavar="ID", help="export the account of this key (default: the account `default`)")
    kind = parser.add_mutually_exclusive_group()
    parser.add_to(kind, "--secrets", action="store_true", help="include the secrets of the keys")
    parser.add_to(kind, "--mbox", action="store_true", help="print the emails, without --access-key-id those of all accounts")
    return parser


def run(arguments: Sequence[str]) -> int:
    """Print the scenario or the mbox."""
    options = parse(parser(), arguments)
    filters = {"state": "current", "secrets": "true" if options.secrets else None}
    try:
        connection = Connection(options.url, options.access_key_id)
        if options.mbox:
            content = connection.fetch("outbox.mbox", seconds=_MBOX_SECONDS)
            # Byte for byte.
            sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape", newline="")  # type: ignore[union-attr]
            sys.stdout.write(content.decode("utf-8", "surrogateescape"))
            return 0
        document = connection.send("GET", "scenario", arguments=filters)
    except EmulatorError as error:
        return fail(str(error))
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    print(scenario_text(document, secrets=options.secrets), end="")
    return 0


def scenario_text(document: Mapping[str, object], *, secrets: bool) -> str:
    """Return the document of an account's state as a scenario file."""
    return (
        f"# Exported by alimock {__version__}: every account starts with the addresses of this one when it is loaded.\n"
        f"{_WITH_SECRETS if secrets else _WITHOUT_SECRETS}\n{to_yaml(document)}"
    )
