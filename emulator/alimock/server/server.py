"""The server behind the command: cheroot with what the official SDKs and the tests of other projects need of it.

One process, since the state is in memory; threads; keep-alive; port 0 read back.
"""

from __future__ import annotations

import logging
import ssl
import sys
import threading
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from cheroot.server import HTTPConnection
from cheroot.workers.threadpool import _SHUTDOWNREQUEST, ThreadPool, WorkerThread
from cheroot.wsgi import Server as WSGIServer
from cheroot.wsgi import WSGIGateway_10

from alimock.api.faults import apply_fault, pieces
from alimock.api.http import IS_GONE, HttpResponse
from alimock.scenario.model import ResponseFault
from alimock.security import bracketed
from alimock.server.connections import Connection, Connections, Tls
from alimock.server.dispatch import DELIVER, Application, status_line
from alimock.server.limits import ServerLimits
from alimock.state.waiters import Waiters

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

logger = logging.getLogger(__name__)

MINIMUM_THREADS = 8
# How often who waits to answer looks whether the client is still there.
LOOK_SECONDS = 0.25
# How long a request may take to come once all threads are taken.
HURRIED_SECONDS = 1
BACKLOG = 512
# How long clients may take, once the server stops, for the rest of a request or of an answer, and how often that is looked at.
STOP_SECONDS = 1
JOIN_SECONDS = 0.02


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

    def deliver(self, response: HttpResponse, start_response: StartResponse) -> Iterable[bytes]:
        """Waits, resets the connection, or sends the body piece by piece, as the fault says."""
        fault = response.fault or ResponseFault()
        if self._waits(fault.delay) or fault.reset is not None:
            self.req.conn.reset()
            self.req.sent_headers = self.req.close_connection = True
            return
        sent = apply_fault(response)
        start_response(status_line(sent.response.status), list(sent.response.headers))
        parts = list(pieces(sent.response.body)) if fault.slow else [sent.response.body]
        for part in parts:
            if self._waits(fault.slow / len(parts)):
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
        waiting: Waiters = self.req.server.waiting
        if not waiting.slots.acquire():
            logger.warning("%s answers wait already, so this one is not delayed; see --limit max_threads", waiting.capacity)
            return False
        try:
            end = time.monotonic() + seconds
            while (left := end - time.monotonic()) > 0:
                if waiting.closed.wait(min(left, LOOK_SECONDS)) or self.req.conn.is_gone():
                    return True
            return False
        finally:
            waiting.slots.release()


class _Pool(ThreadPool):
    """A pool that grows by one when nobody is idle, so that a slow call holds up no other, and not at all once it stops."""

    max: int

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._lock = threading.Lock()
        self._stopping = False
        # Whether the system gave no more threads lately.
        self._is_short = False

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
            self._is_short = False
        except RuntimeError:
            self._is_short = True
            if not self._threads:
                raise

    def hurry(self) -> None:
        """Ends the connections whose requests are too slow to come, sooner if they take the last threads."""
        all_taken = self.idle <= 0 and (self._is_short or len(self._threads) >= self.max)
        patience = HURRIED_SECONDS if all_taken or self.server.no_room else self.server.limits.request_seconds
        _cut(list(self._threads), patience)

    def put(self, obj: HTTPConnection) -> None:
        with self._lock:
            if self._stopping:
                obj.close()
                return
            if self.idle <= self.qsize:
                self.grow(1)
            super().put(obj)

    def stop(self, timeout: float = 5) -> None:
        """Ends the threads when they are done; who sends no request or takes no answer is cut off after that many seconds."""
        with self._lock:
            self._stopping = True
        living = list(self._threads)
        for _ in living:
            self._queue.put(_SHUTDOWNREQUEST)
        end = time.monotonic() + timeout
        while living:
            living[0].join(JOIN_SECONDS)
            living = [worker for worker in living if worker.is_alive()]
            if time.monotonic() > end:
                _cut(living, 0)
        self._threads.clear()


def _cut(workers: list[WorkerThread], patience: float) -> None:
    """Ends the connections of threads that wait longer than that many seconds for their clients."""
    for worker in workers:
        # It may be done the next moment.
        connection = worker.conn
        if isinstance(connection, Connection):
            connection.cut(patience)


class _Cheroot(WSGIServer):
    ConnectionClass = Connection
    expiration_interval = 0.02
    keep_alive_conn_limit = None
    _connections: Connections

    def __init__(self, waiters: Waiters, limits: ServerLimits, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, timeout=limits.idle_seconds, **options)
        self.gateway = _Gateway
        self.waiting = waiters
        self.limits = limits
        self.max_request_header_size = limits.max_header_bytes
        self.max_request_body_size = limits.max_body_bytes

    def prepare(self) -> None:
        """Binds, and looks after connections in our way."""
        super().prepare()
        self._connections.close()
        self._connections = Connections(self)

    @property
    def no_room(self) -> bool:
        """Whether the system has no room for another connection."""
        return self._connections.no_room

    def _serve_unservicable(self) -> None:
        """Ends at once: the queue of the threads has no end, so nobody is ever sent away."""

    def process_conn(self, conn: Connection) -> None:
        """Hands a connection that has something to say to a thread; a new one waits in the selector until it has."""
        if conn.last_used is None:
            self.put_conn(conn)
        else:
            super().process_conn(conn)

    def error_log(self, msg: str = "", level: int = logging.INFO, traceback: bool = False) -> None:
        error = sys.exc_info()[1] if traceback else None
        if isinstance(error, ssl.SSLError):
            # Also the client that goes without a word ends so.
            logger.info("no TLS any more: %s", error)
            return
        logger.log(level, "%s", msg, exc_info=traceback)
        if error is not None:
            self.wsgi_app.service.failures.append(error)


class Server:
    """Serves an application in threads of its own, from `start` to `stop`; `tls` is the files of a certificate chain and its key.

    Raises `OSError` for files that are no certificate and key.
    """

    def __init__(self, application: Application, host: str, port: int, *, tls: tuple[str, str] | None = None) -> None:
        waiters = application.service.store.waiters
        limits = application.limits
        self._cheroot = _Cheroot(waiters, limits, (host, port), application, server_name=host, request_queue_size=BACKLOG)
        self._cheroot.shutdown_timeout = STOP_SECONDS
        most = application.limits.max_threads
        self._cheroot.requests = _Pool(self._cheroot, min=min(MINIMUM_THREADS, most), max=most)
        self._cheroot.ssl_adapter = Tls(*tls) if tls is not None else None
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
