"""The addresses that a server listens on, and how many connections the system allows."""

from __future__ import annotations

import errno
import logging
import socket
import ssl
import sys
from contextlib import suppress

from alimock.security import bracketed, reachable
from alimock.settings import ServerLimits

if sys.platform != "win32":
    import resource

logger = logging.getLogger(__name__)

BACKLOG = 512
ADDRESS_IN_USE = "address already in use"
_DENIED = "permission denied; a port below 1024 needs root or CAP_NET_BIND_SERVICE"
_PRIVILEGED_PORTS = range(1, 1024)
LOCALHOST = "localhost"
# How many free ports of one loopback address are tried at the other one.
ATTEMPTS = 20
# Windows reports a port that another process uses exclusively as the second.
_IN_USE = (errno.EADDRINUSE, errno.EACCES)
# Files other than connections, with a wide margin.
OTHER_FILES = 100


class Listener:
    """An address that a server listens on; port 0 becomes a free port when it is bound.

    `localhost` is both loopback addresses, 127.0.0.1 and ::1, or the first one without IPv6. With a `context` it serves TLS.
    """

    def __init__(self, host: str, port: int, context: ssl.SSLContext | None = None) -> None:
        self.host = host
        self.port = port
        self.context = context

    @property
    def address(self) -> tuple[str, str, int]:
        """The scheme of its URLs, the host and the port."""
        return "http" if self.context is None else "https", self.host, self.port

    @property
    def url(self) -> str:
        """The URL of the emulated API."""
        return f"{self.address[0]}://{bracketed(reachable(self.host))}:{self.port}"

    def bind(self) -> list[socket.socket]:
        """Return the listening sockets for an event loop; raises `OSError` with the address and the reason."""
        sockets = self._bind_localhost() if self.host.lower() == LOCALHOST else [_bound(self.host, self.port)]
        self.port = sockets[0].getsockname()[1]
        return sockets

    def _bind_localhost(self) -> list[socket.socket]:
        """Bind the same port of both loopback addresses: which one `localhost` means depends on the client."""
        for _ in range(ATTEMPTS):
            first = _bound("127.0.0.1", self.port)
            try:
                return [first, _bound("::1", first.getsockname()[1])]
            except OSError as error:
                cause = error.__cause__
                reason = cause.errno if isinstance(cause, OSError) else None
                if reason not in _IN_USE:
                    logger.info("no IPv6: %s", error)
                    return [first]
                first.close()
                if self.port:
                    raise
        raise OSError(f"cannot listen on {self.host}: found no port that is free at both 127.0.0.1 and ::1")


def _bound(host: str, port: int) -> socket.socket:
    try:
        options = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = options[0]
        both = host == "::" and socket.has_dualstack_ipv6()
        bound = socket.create_server(address, family=family, backlog=BACKLOG, dualstack_ipv6=both)
    except (OSError, UnicodeError) as error:
        raise OSError(f"cannot listen on {host} port {port}: {_reason(error, port)}") from error
    bound.setblocking(False)
    return bound


def _reason(error: OSError | UnicodeError, port: int) -> str:
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.EADDRINUSE:
        return ADDRESS_IN_USE
    return _DENIED if number == errno.EACCES and port in _PRIVILEGED_PORTS else str(error)


def raise_file_limit(limits: ServerLimits) -> None:
    """Raise the soft limit of open files to what all connections need; many systems start processes with a low one."""
    if sys.platform == "win32":
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = limits.max_connections + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < needed:
        allowed = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        # macOS has a lower maximum of its own. With fewer files, idle connections are closed sooner.
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))


def max_connections(limits: ServerLimits) -> int:
    """Return how many connections a server may have: as many as the limit of open files leaves."""
    if sys.platform == "win32":
        return limits.max_connections
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY:
        return limits.max_connections
    allowed = min(limits.max_connections, max(files - OTHER_FILES, files // 2))
    if allowed < limits.max_connections:
        text = "the limit of open files (%s) allows %s connections, not the %s of --limit max_connections"
        logger.info(text, files, allowed, f"{limits.max_connections:,}")
    return allowed
