"""The snippets of the web UI: programs that make a first call, with placeholders for the emulator."""

from __future__ import annotations

import re
from pathlib import Path

import alimock
from alimock import Client

FOLDER = Path(alimock.__file__).parent / "web" / "static" / "snippets"
EMAIL = "jo@example.com"


def filled(name: str, client: Client) -> str:
    """Return a snippet as the page shows it, with the values of an emulator and an access key.

    Raises KeyError for an unknown placeholder.
    """
    values = {
        "url": client.url,
        "endpoint": client.endpoint,
        "protocol": client.url.partition(":")[0],
        "access_key_id": client.access_key_id,
        "access_key_secret": client.access_key_secret,
    }
    return re.sub(r"{{(.*?)}}", lambda found: values[found[1]], (FOLDER / name).read_text())


def run_line(program: str) -> str:
    """Return the command that a comment of a snippet gives."""
    (line,) = re.findall(r"^# Run: (.+)", program, re.MULTILINE)
    return str(line)
