"""Connections as the server keeps them: new, idle, refused, too slow, too many, and those that go on at once."""

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

# How long a thread stays with a client for its next request.
STAY_MILLISECONDS = 10
# How long a client that was refused may pause until the connection is closed, and how much is read of it at once.
DRAIN_SECONDS = 1
DRAINED_BYTES = 64 * 1024
# How long nobody is let in when the system has no room.
PAUSE_SECONDS = 0.02
# What the system says when it has no room for another connection, and the part of the idle ones that then ends.
_NO_ROOM = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_PART = 10
# The sign that the other side of a connection sends no more; Linux has it.
_NO_MORE: int | None = getattr(select, "POLLRDHUP", None)


class Tls(BuiltinSSLAdapter):
    """TLS whose handshake is left to the thread of the connection, so that a silent client holds up nobody."""

    def wrap(self, sock: socket.socket) -> tuple[ssl.SSLSocket, dict[str, str]]:
        try:
            return self.context.wrap_socket(sock, do_handshake_on_connect=False, server_side=True), {"HTTPS": "on"}
        except OSError as error:
            # The client has gone already; cheroot drops the connection at this without more ado.
            raise FatalSSLAlert(*error.args) from error


class Connection(HTTPConnection):
    RequestHandlerClass = Request
    shaken = False
    # Since when a request is being read.
    reading_since: float | None = None
    refused = False
    is_cut = False
    linger_zero = struct.pack("ii", 1, 0)

    def __init__(self, server: HTTPServer, sock: socket.socket, makefile: object = None) -> None:
        super().__init__(server, sock, make_file)
        # cheroot's caches of these hold the connection, which would then stay until the collector comes.
        del self.resolve_peer_creds, self.get_peer_creds

    def reset(self) -> None:
        """Has the connection end with a reset, not in good order, when it is closed."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, self.linger_zero)
        # An orderly shutdown would come first.
        self._close_kernel_socket = lambda: None

    def close(self) -> None:
        super().close()
        # What could not be sent any more would be tried again when the writer is collected, on a socket that is closed.
        self.wfile.raw.close()

    def cut(self, patience: float) -> None:
        """Ends the connection if its request takes longer to come, or its answer to be taken, than that many seconds."""
        writing_since = self.wfile.since
        since = self.reading_since if writing_since is None else writing_since
        if since is None or self.is_cut or time.monotonic() - since <= patience:
            return
        self.is_cut = True
        what = "a request of %s took more than %g seconds to come" if writing_since is None else "%s took no answer in %g seconds"
        if patience > 0:
            logger.info(what, self.remote_addr, patience)
        with suppress(OSError):
            # The plain socket's, also under TLS; who did not finish a request can still be told.
            socket.socket.shutdown(self.socket, socket.SHUT_RD if writing_since is None else socket.SHUT_RDWR)

    def _drain(self) -> None:
        """Reads what a refused client still sends: unread, it would end the connection by a reset that takes the answer with it."""
        self.reading_since = self.reading_since or time.monotonic()
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_WR)
            self.socket.settimeout(DRAIN_SECONDS)
            while not self.is_cut and self.socket.recv(DRAINED_BYTES):
                pass

    def is_gone(self) -> bool:
        """Says whether the client sends no more; where the system has no sign for it, that cannot be seen over TLS."""
        try:
            # Not `select`, which takes no more than a thousand connections.
            looking = select.poll()
            if _NO_MORE is not None:
                looking.register(self.socket, _NO_MORE)
                return bool(looking.poll(0))
            if isinstance(self.socket, ssl.SSLSocket):
                return False
            looking.register(self.socket, select.POLLIN)
            return bool(looking.poll(0)) and self.socket.recv(1, socket.MSG_PEEK) == b""
        except (OSError, ValueError):
            # It was reset, or is closed already.
            return True

    def communicate(self) -> bool:
        if not self.shaken and isinstance(self.socket, ssl.SSLSocket):
            self.reading_since = time.monotonic()
            try:
                self.socket.do_handshake()
            except OSError as error:
                logger.info("no TLS with %s: %s", self.remote_addr, error)
                return False
            self.shaken = True
        while super().communicate():
            if not self._goes_on():
                return True
        if self.refused:
            self._drain()
        return False

    def _goes_on(self) -> bool:
        """Says whether the client sends its next request at once, so that the thread stays with it and no other need take it up."""
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
    """A selector that has something done each time before it waits, in the only thread that may."""

    def __init__(self, before: Callable[[], None]) -> None:
        super().__init__()
        self._before = before

    def select(self, timeout: float | None = None) -> Iterable[tuple[int, HTTPConnection]]:
        self._before()
        found: Iterable[tuple[int, HTTPConnection]] = super().select(timeout)
        return found


class Connections(ConnectionManager):
    """The connections that send nothing; of too many, or when the system has no room for more, the longest idle ones end.

    It counts by a clock that is never set, since nobody would be let go while the machine's time is set back.
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
                logger.warning("no room for another connection (%s), so idle ones end", error.strerror)
            self.no_room = True
            # The client is still there, and without a pause the system would be asked for room all the time.
            self.server.waiting.closed.wait(PAUSE_SECONDS)
            return None
        self.no_room = False
        return connection

    def _expire(self, threshold: float) -> None:
        """Does nothing: that is cheroot's, which counts by the machine's time."""

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
