"""Who listens on a port that is taken, to the extent that it can be found out: by asking it, and on Linux by the system's lists."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from alimock.security import is_loopback

TIMEOUT_SECONDS = 1
MAXIMUM_ANSWER = 1024 * 1024
NAME_LENGTH = 100
_LISTENING = "0A"
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}
_PROC = Path("/proc")


def occupant(host: str, port: int) -> str | None:
    """Says in words who listens there, None if that cannot be found out."""
    known = [words for words in (_alimock(_EVERYWHERE.get(host, host), port), _process(port)) if words is not None]
    return ", ".join(known) or None


def _alimock(host: str, port: int) -> str | None:
    """Says which alimock listens there, if one does; no other machine is asked."""
    if not is_loopback(host):
        return None
    connection = HTTPConnection(host, port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/_alimock/info", headers={"Host": "localhost"})
        response = connection.getresponse()
        if response.headers["WWW-Authenticate"] == 'Basic realm="alimock"':
            return "an alimock with a control token"
        info = json.loads(response.read(MAXIMUM_ANSWER))
        return f"alimock {_name(info['version'])} with the scenario {_name(info['scenario']['name'])}"
    except (OSError, HTTPException, ValueError, LookupError, TypeError):
        return None
    finally:
        connection.close()


def _name(text: object) -> str:
    return ascii(str(text)[:NAME_LENGTH])[1:-1]


def _process(port: int) -> str | None:
    """Says which process of this machine listens there, unless it is another user's; not its arguments, which may be secrets."""
    sockets = {f"socket:[{number}]" for number in _listening(port)}
    # Processes may end while they are looked at.
    with suppress(OSError):
        for process in _PROC.glob("[0-9]*") if sockets else ():
            if not sockets.isdisjoint(_files(process)):
                return f"process {process.name} ({_name((process / 'comm').read_text(errors='replace').strip())})"
    return None


def _files(process: Path) -> Iterator[str]:
    """Goes through what a process has open."""
    with suppress(OSError):
        for file in (process / "fd").iterdir():
            yield os.readlink(file)


def _listening(port: int) -> Iterator[str]:
    """Goes through the numbers of the sockets that listen on a port."""
    for table in ("tcp", "tcp6"):
        with suppress(OSError):
            for line in (_PROC / "net" / table).read_text().splitlines()[1:]:
                _, local, _, state, *_, number = line.split()[:10]
                if state == _LISTENING and int(local.rpartition(":")[2], 16) == port:
                    yield number
