"""Where a state is kept: a file, or a server with a name for each state, as a user writes it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple
from urllib.parse import SplitResult, parse_qsl, urlsplit, urlunsplit

EXPECTED = "a file, valkey://[user:password@]host[:port][/name] (or valkeys, redis, rediss), or unix:///path[?name=name]"
DEFAULT_NAME = "default"
DEFAULT_PORT = 6379
_SCHEMES = ("valkey", "valkeys", "redis", "rediss")
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}")


class ValkeyServer(NamedTuple):
    """The address of a server without its password, its URL for the client, and the name of the state."""

    address: str
    url: str
    name: str


def location_of(text: str) -> Path | ValkeyServer:
    """Return the location that a user means; raises `ValueError`, whose message has no password."""
    scheme, separator, _ = text.partition("://")
    if not separator:
        return Path(text)
    try:
        return _server(scheme, urlsplit(text))
    except _InvalidUrl:
        raise
    except ValueError:
        # The message of the library may have a part of the password.
        raise _InvalidUrl("the URL cannot be read; percent-encode the special characters of a password") from None


class _InvalidUrl(ValueError):
    """A URL that is no location of a state."""


def _server(scheme: str, parts: SplitResult) -> ValkeyServer:
    if scheme == "unix":
        options = dict(parse_qsl(parts.query, keep_blank_values=True))
        name = options.pop("name", DEFAULT_NAME)
        if parts.netloc.rpartition("@")[2] or not parts.path.strip("/") or options:
            raise _InvalidUrl("the URL of a Unix socket has a path and at most a name")
        return ValkeyServer(f"unix://{parts.path}", f"unix://{parts.netloc}{parts.path}", _checked(name))
    if scheme not in _SCHEMES:
        raise _InvalidUrl(f"{scheme[:20]!a} is no scheme of a state")
    # `port` raises ValueError for a port out of range.
    if not parts.hostname or parts.port == 0 or parts.query or parts.fragment:
        raise _InvalidUrl("the URL has a host, and at most a port and a name")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    address = f"{scheme}://{host}:{parts.port or DEFAULT_PORT}"
    return ValkeyServer(address, urlunsplit(parts._replace(path="")), _checked(parts.path.removeprefix("/") or DEFAULT_NAME))


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise _InvalidUrl("the name of a state has letters, digits, and . _ -")
    return name
