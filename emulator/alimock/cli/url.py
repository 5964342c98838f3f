"""The option `--url` of the commands that use a running emulator."""

from __future__ import annotations

from alimock.cli.command import Parser
from alimock.client.connection import default_url
from alimock.settings import DEFAULT_PORT


def add_url(parser: Parser) -> None:
    """Add the option. Its default is not shown, since ALIMOCK_URL may contain the control token."""
    described = f"URL of the emulator (default: ALIMOCK_URL, else that of ALIMOCK_HOST and ALIMOCK_PORT, else port {DEFAULT_PORT})"
    parser.add_argument("--url", default=default_url(), help=described)
