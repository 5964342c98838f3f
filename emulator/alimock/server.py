"""The server behind the command: cheroot with what the official SDKs and the tests of other projects need of it.

One process, since the state is in memory; threads; keep-alive; port 0 read back.
"""

from __future__ import annotations

import errno
import logging
import math
import select
import socket
import ssl
import struct
import sys
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from cheroot.connections import ConnectionManager
from cheroot.errors import FatalSSLAlert
from cheroot.server import HTTPConnection, HTTPServer
from cheroot.ssl.builtin import BuiltinSSLAdapter
from cheroot.workers.threadpool import ThreadPool, WorkerThread
from cheroot.wsgi import Server as WSGIServer
from cheroot.wsgi import WSGIGateway_10

from alimock.app import DELIVER, Application, status_line
from alimock.delivery import pieces, shipment
from alimock.doors import bracketed
from alimock.gateway.call import Reply
from alimock.scenario.model import Delivery
from alimock.wire import Request, make_file
from alimock.world.waiting import IS_GONE, Waiting
from alimock.world.world import World

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

logger = logging.getLogger(__name__)

MINIMUM_THREADS = 8
# How often who waits to answer looks whether the client is still there.
LOOK_SECONDS = 0.25
# How long a request may take to come once all threads are taken.
HURRIED_SECONDS = 1
PAUSE_SECONDS = 0.02
# How long a client that was refused may pause until the connection is closed, and how much is read of it at once.
DRAIN_SECONDS = 1
DRAINED_BYTES = 64 * 1024
BACKLOG = 512
# How long a thread stays with a client for its next request.
STAY_MILLISECONDS = 10
# What the system says when it has no room for another connection, and the part of the idle ones that then ends.
_NO_ROOM = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_PART = 10


class _Tls(BuiltinSSLAdapter):
    """TLS whose handshake is left to the thread of the connection, so that a silent client holds up nobody."""

    def wrap(self, sock: socket.socket) -> tuple[ssl.SSLSocket, dict[str, str]]:
        try:
            return self.context.wrap_socket(sock, do_handshake_on_connect=False, server_side=True), {"HTTPS": "on"}
        except OSError as error:
            # The client has gone already; cheroot drops the connection at this without more ado.
            raise FatalSSLAlert(*error.args) from error


class _Connection(HTTPConnection):
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
        """Says whether the client has closed the connection; over TLS that cannot be seen before something is read."""
        if isinstance(self.socket, ssl.SSLSocket):
            return False
        try:
            # Not `select`, which takes no more than a thousand connections.
            looking = select.poll()
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
        looking = select.poll()
        looking.register(self.socket, select.POLLIN)
        return bool(looking.poll(STAY_MILLISECONDS))


class _Connections(ConnectionManager):
    """The connections that send nothing; of too many, or when the system has no room for more, the longest idle ones end."""

    no_room = False

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
        super()._expire(threshold)
        idle = self._num_connections
        excess = max(idle - self.server.limits.max_connections, -(-idle // _PART) if self.no_room else 0)
        if excess > 0:
            self.no_room = False
            used = sorted(conn.last_used for _, conn in self._selector.connections if conn is not self.server)
            super()._expire(math.nextafter(used[excess - 1], math.inf))


class _Gateway(WSGIGateway_10):
    """Sends what the application gives, and harms the replies that a fault wants harmed. It holds no lock."""

    def get_environ(self) -> dict[str, object]:
        return {**super().get_environ(), DELIVER: self.deliver, IS_GONE: self.req.conn.is_gone}

    def respond(self) -> None:
        """Has the application answer, and lets go of what it was given, which would else stay until the collector comes."""
        try:
            super().respond()
        finally:
            self.env.clear()

    def deliver(self, reply: Reply, start_response: StartResponse) -> Iterable[bytes]:
        """Waits, resets the connection, or sends the body piece by piece, as the reply's delivery says."""
        delivery = reply.delivery or Delivery()
        if self._waits(delivery.delay) or delivery.reset is not None:
            self.req.conn.reset()
            self.req.sent_headers = self.req.close_connection = True
            return
        sent = shipment(reply)
        start_response(status_line(sent.reply.status), list(sent.reply.headers))
        parts = list(pieces(sent.reply.body)) if delivery.slow else [sent.reply.body]
        for part in parts:
            if self._waits(delivery.slow / len(parts)):
                self.req.close_connection = True
                return
            yield part
        if sent.surplus:
            self.req.conn.wfile.write(sent.surplus)
        # Only now, so that no header gives the harm away.
        self.req.close_connection = self.req.close_connection or bool(sent.surplus) or not sent.complete

    def _waits(self, seconds: float) -> bool:
        """Waits and says whether the server stops or the client goes in the meantime, so that nobody is left to answer.

        When too many calls wait already this one does not, so that there are threads left for those that are answered at once.
        """
        if seconds <= 0:
            return False
        waiting: Waiting = self.req.server.waiting
        if not waiting.room.acquire(blocking=False):
            logger.warning("%s answers wait already, so this one is not delayed; see --max-threads", waiting.limit)
            return False
        try:
            end = time.monotonic() + seconds
            while (left := end - time.monotonic()) > 0:
                if waiting.closed.wait(min(left, LOOK_SECONDS)) or self.req.conn.is_gone():
                    return True
            return False
        finally:
            waiting.room.release()


class _Pool(ThreadPool):
    """A pool that grows by one when nobody is idle, so that a slow call holds up no other, and not at all once it stops."""

    max: int

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._lock = threading.Lock()
        self._stopping = False

    def _spawn_worker(self) -> WorkerThread:
        worker = WorkerThread(self.server)
        worker.name = f"alimock {worker.name}"
        # Else a program that forgets to stop its emulator would never end.
        worker.daemon = True
        worker.start()
        return worker

    def grow(self, amount: int) -> None:
        room = max(int(self.max) - len(self._threads), 0)
        try:
            self._threads.extend(self._spawn_worker() for _ in range(min(amount, room)))
        except RuntimeError:
            # The system gives no more.
            self.max = len(self._threads)
            if not self._threads:
                raise

    def hurry(self) -> None:
        """Ends the connections whose requests are too slow to come, sooner if they take the last threads."""
        all_taken = self.idle <= 0 and len(self._threads) >= self.max
        patience = HURRIED_SECONDS if all_taken else self.server.limits.request_seconds
        for worker in list(self._threads):
            if isinstance(worker.conn, _Connection):
                worker.conn.cut(patience)

    def put(self, obj: HTTPConnection) -> None:
        with self._lock:
            if self._stopping:
                obj.close()
                return
            if self.idle <= self.qsize:
                self.grow(1)
            super().put(obj)

    def stop(self, timeout: float = 5) -> None:
        with self._lock:
            self._stopping = True
        super().stop(timeout)


class _Cheroot(WSGIServer):
    ConnectionClass = _Connection
    expiration_interval = 0.02
    keep_alive_conn_limit = None
    _connections: ConnectionManager

    def __init__(self, world: World, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, timeout=world.limits.idle_seconds, **options)
        self.gateway = _Gateway
        self.waiting = world.waiting
        self.limits = world.limits
        self.max_request_header_size = world.limits.max_header_bytes
        self.max_request_body_size = world.limits.max_body_bytes

    def prepare(self) -> None:
        """Binds, and looks after connections in our way."""
        super().prepare()
        self._connections.close()
        self._connections = _Connections(self)

    def _serve_unservicable(self) -> None:
        """Ends at once: the queue of the threads has no end, so nobody is ever sent away."""

    def process_conn(self, conn: _Connection) -> None:
        """Hands a connection that has something to say to a thread; a new one waits in the selector until it has."""
        if conn.last_used is None:
            self.put_conn(conn)
        else:
            super().process_conn(conn)

    def error_log(self, msg: str = "", level: int = logging.INFO, traceback: bool = False) -> None:
        logger.log(level, "%s", msg, exc_info=traceback)
        error = sys.exc_info()[1] if traceback else None
        if error is not None:
            self.wsgi_app.service.mistakes.append(error)


class Server:
    """Serves an application in threads of its own, from `start` to `stop`; `tls` is the files of a certificate chain and its key.

    Raises `OSError` for files that are no certificate and key.
    """

    def __init__(self, application: Application, host: str, port: int, *, tls: tuple[str, str] | None = None) -> None:
        world = application.service.world
        self._cheroot = _Cheroot(world, (host, port), application, server_name=host, request_queue_size=BACKLOG)
        self._cheroot.shutdown_timeout = 0.2
        most = world.limits.max_threads
        self._cheroot.requests = _Pool(self._cheroot, min=min(MINIMUM_THREADS, most), max=most)
        self._cheroot.ssl_adapter = _Tls(*tls) if tls is not None else None
        self._thread = threading.Thread(target=self._cheroot.serve, name="alimock server", daemon=True)
        self._watcher = threading.Thread(target=self._watch, name="alimock watcher", daemon=True)
        self.host = host

    @property
    def port(self) -> int:
        """The port that is bound; it is known once the server was started."""
        return int(self._cheroot.bind_addr[1])

    @property
    def url(self) -> str:
        """The URL of the emulated API."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)
        scheme = "http" if self._cheroot.ssl_adapter is None else "https"
        return f"{scheme}://{bracketed(host)}:{self.port}"

    def start(self) -> None:
        """Binds and begins to serve; the server is ready when this returns. Raises `OSError` if the port cannot be had."""
        self._cheroot.prepare()
        self._thread.start()
        self._watcher.start()

    def stop(self) -> None:
        """Stops at once; calls that are being answered are finished."""
        self._cheroot.waiting.close()
        self._cheroot.stop()
        self._thread.join()
        self._watcher.join()

    def _watch(self) -> None:
        while not self._cheroot.waiting.closed.wait(LOOK_SECONDS):
            self._cheroot.requests.hurry()
