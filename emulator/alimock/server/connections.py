"""Connections: TLS handshakes, timeouts, rejected clients, the limit of idle connections, and keep-alive."""

from __future__ import annotations

import errno
import logging
import math
import select
import selectors
import socket
import ssl
import struct
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress

from cheroot.connections import ConnectionManager, _ThreadsafeSelector
from cheroot.errors import FatalSSLAlert
from cheroot.server import HTTPConnection, HTTPServer
from cheroot.ssl.builtin import BuiltinSSLAdapter

from alimock.server.request_reader import Request, make_file

logger = logging.getLogger(__name__)

# How long a thread waits for the next request of its client.
STAY_MILLISECONDS = 10
# How long a rejected client may pause before the connection is closed, and the size of each read from it.
DRAIN_SECONDS = 1
DRAINED_BYTES = 64 * 1024
# How long accepting pauses when the system has no resources.
PAUSE_SECONDS = 0.02
# The errors of a system without resources, and the fraction (1/n) of the idle connections that is then closed.
_NO_ROOM = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_PART = 10
# The peer closed its write side (Linux only).
_NO_MORE: int | None = getattr(select, "POLLRDHUP", None)


class Tls(BuiltinSSLAdapter):
    """TLS with the handshake in the connection's own thread, so that a silent client blocks no other."""

    def wrap(self, sock: socket.socket) -> tuple[ssl.SSLSocket, dict[str, str]]:
        try:
            return self.context.wrap_socket(sock, do_handshake_on_connect=False, server_side=True), {"HTTPS": "on"}
        except OSError as error:
            # The client has disconnected; cheroot drops the connection silently on this error.
            raise FatalSSLAlert(*error.args) from error


class Connection(HTTPConnection):
    RequestHandlerClass = Request
    shaken = False
    # When reading of the request began.
    reading_since: float | None = None
    refused = False
    is_cut = False
    linger_zero = struct.pack("ii", 1, 0)

    def __init__(self, server: HTTPServer, sock: socket.socket, makefile: object = None) -> None:
        super().__init__(server, sock, make_file)
        # cheroot caches these on the class with the connection as key, which would keep it until garbage collection.
        del self.resolve_peer_creds, self.get_peer_creds

    def reset(self) -> None:
        """Make the later close send RST instead of FIN."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, self.linger_zero)
        # Otherwise an orderly shutdown comes first.
        self._close_kernel_socket = lambda: None

    def close(self) -> None:
        super().close()
        # Otherwise the writer retries unsent data on the closed socket when it is collected.
        self.wfile.raw.close()

    def cut(self, patience: float) -> None:
        """Shut down the connection if reading its request or writing its response takes longer than `patience` seconds."""
        writing_since = self.wfile.since
        since = self.reading_since if writing_since is None else writing_since
        if since is None or self.is_cut or time.monotonic() - since <= patience:
            return
        self.is_cut = True
        what = "request of %s timed out after %g s" if writing_since is None else "%s read no response for %g s"
        if patience > 0:
            logger.info(what, self.remote_addr, patience)
        with suppress(OSError):
            # On the plain socket, also under TLS. A client that did not finish its request can still get a response.
            socket.socket.shutdown(self.socket, socket.SHUT_RD if writing_since is None else socket.SHUT_RDWR)

    def _drain(self) -> None:
        """Drain unread input before closing; otherwise the kernel sends RST and the client loses the response."""
        self.reading_since = self.reading_since or time.monotonic()
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_WR)
            self.socket.settimeout(DRAIN_SECONDS)
            while not self.is_cut and self.socket.recv(DRAINED_BYTES):
                pass

    def is_gone(self) -> bool:
        """Return whether the client closed its write side. Over TLS this is known on Linux only."""
        try:
            # Not `select`, which is limited to 1,024 file descriptors.
            looking = select.poll()
            if _NO_MORE is not None:
                looking.register(self.socket, _NO_MORE)
                return bool(looking.poll(0))
            if isinstance(self.socket, ssl.SSLSocket):
                return False
            looking.register(self.socket, select.POLLIN)
            return bool(looking.poll(0)) and self.socket.recv(1, socket.MSG_PEEK) == b""
        except (OSError, ValueError):
            # Reset or closed already.
            return True

    def communicate(self) -> bool:
        if not self.shaken and isinstance(self.socket, ssl.SSLSocket):
            self.reading_since = time.monotonic()
            try:
                self.socket.do_handshake()
            except OSError as error:
                logger.info("TLS handshake with %s failed: %s", self.remote_addr, error)
                return False
            self.shaken = True
        while super().communicate():
            if not self._goes_on():
                return True
        if self.refused:
            self._drain()
        return False

    def _goes_on(self) -> bool:
        """Return whether the client sends its next request at once, so that the thread keeps the connection."""
        if not self.server.ready or self.server.requests.qsize:
            return False
        if self.rfile.has_data():
            return True
        if sys.platform == "win32":
            return False
        looking = select.poll()
        looking.register(self.socket, select.POLLIN)
        return bool(looking.poll(STAY_MILLISECONDS))


class _Selector(_ThreadsafeSelector):
    """A selector that calls a function before each wait, in the only thread that may change it."""

    def __init__(self, before: Callable[[], None]) -> None:
        super().__init__()
        self._before = before

    def select(self, timeout: float | None = None) -> Iterable[tuple[int, HTTPConnection]]:
        self._before()
        found: Iterable[tuple[int, HTTPConnection]] = super().select(timeout)
        return found


class Connections(ConnectionManager):
    """The idle connections. Beyond the limit, or when the system has no resources, those idle for longest are closed.

    Idle time is measured by the monotonic clock, since the wall clock may be set back.
    """

    no_room = False
    _selector: _ThreadsafeSelector

    def __init__(self, server: HTTPServer) -> None:
        super().__init__(server)
        self._selector.close()
        self._selector = _Selector(self._end_idle)
        self._selector.register(server.socket.fileno(), selectors.EVENT_READ, data=server)
        self._looked = time.monotonic()

    def put(self, conn: Connection) -> None:
        super().put(conn)
        conn.last_used = time.monotonic()

    def _from_server_socket(self, server_socket: socket.socket) -> HTTPConnection | None:
        try:
            connection: HTTPConnection | None = super()._from_server_socket(server_socket)
        except OSError as error:
            if error.errno not in _NO_ROOM:
                raise
            if not self.no_room:
                logger.warning("cannot accept more connections (%s); closing idle ones", error.strerror)
            self.no_room = True
            # The client is still queued; without a pause this would be a busy loop.
            self.server.waiting.closed.wait(PAUSE_SECONDS)
            return None
        self.no_room = False
        return connection

    def _expire(self, threshold: float) -> None:
        """Do nothing: cheroot's own expiry depends on the wall clock."""

    def _end_idle(self) -> None:
        now = time.monotonic()
        if now - self._looked < self.server.expiration_interval:
            return
        self._looked = now
        super()._expire(now - self.server.timeout)
        idle = self._num_connections
        excess = max(idle - self.server.limits.max_connections, -(-idle // _PART) if self.no_room else 0)
        if excess > 0:
            self.no_room = False
            used = sorted(conn.last_used for _, conn in self._selector.connections if conn is not self.server)
            super()._expire(math.nextafter(used[excess - 1], math.inf))
