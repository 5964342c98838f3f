"""`alimock export`: writes an account of a running emulator as it is now, as a scenario."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from alimock import __version__
from alimock.client.connection import Connection, EmulatorError, default_url
from alimock.scenario import export

_WITH_SECRETS = "# It has the secrets of the keys in clear, those from the environment too."
_WITHOUT_SECRETS = (
    "# It has no secrets: lay it over a file that has them (--scenario keys.yaml,this.yaml), PUT it where the keys are known,\n"
    "# or export it with --secrets."
)


def run(arguments: Sequence[str]) -> int:
    """Prints the scenario, or gives 2 if the emulator does not give it."""
    parser = argparse.ArgumentParser("alimock export", description="Prints an account as it is now, as a scenario.")
    parser.add_argument("--url", default=default_url(), help="the emulator; default: %(default)s")
    parser.add_argument("--access-key-id", metavar="ID", help="the key whose account it is; without one the account default")
    parser.add_argument("--secrets", action="store_true", help="write the secrets of the keys too, so that the file stands alone")
    options = parser.parse_args(arguments)
    wanted = {"access_key_id": options.access_key_id, "secrets": "true" if options.secrets else None}
    given = {name: value for name, value in wanted.items() if value is not None}
    try:
        document = Connection(options.url).send("GET", "scenario", arguments={"state": "current", **given})
    except EmulatorError as error:
        print(f"alimock: {error}", file=sys.stderr)
        return 2
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    print(f"# Exported by alimock {__version__}: one account, whose addresses every account of this file starts with.")
    print(_WITH_SECRETS if options.secrets else _WITHOUT_SECRETS)
    print(export.to_yaml(document), end="")
    return 0
