"""The HTTP server: cheroot, extended for the official SDKs and for faults on the wire.

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
    """Sends responses and applies their faults. It holds no lock."""

    def get_environ(self) -> dict[str, object]:
        return {**super().get_environ(), DELIVER: self.deliver, IS_GONE: self.req.conn.is_gone}

    def respond(self) -> None:
        """Let the application respond, then break the reference cycle that would keep the request until garbage collection."""
        try:
            super().respond()
        finally:
            self.env.clear()

    def deliver(self, response: HttpResponse, start_response: StartResponse) -> Iterable[bytes]:
        """Delay the response, reset the connection, or send the body in pieces, as its fault demands."""
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
        # Set last, so that no header reveals the fault.
        self.req.close_connection = self.req.close_connection or bool(sent.surplus) or not sent.complete

    def _waits(self, seconds: float) -> bool:
        """Wait, and return whether the server stopped or the client disconnected meanwhile.

        If all waiter slots are in use, do not wait, so that threads remain for other requests.
        """
        if seconds <= 0:
            return False
        waiting: Waiters = self.req.server.waiting
        if not waiting.slots.acquire():
            logger.warning("all %s waiter slots are in use: a response is not delayed; see --limit max_threads", waiting.capacity)
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
    """A thread pool that grows by one thread when none is idle, and no more once it stops."""

    max: int

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._lock = threading.Lock()
        self._stopping = False
        # Whether the last new thread could not be started.
        self._is_short = False

    def _spawn_worker(self) -> WorkerThread:
        worker = WorkerThread(self.server)
        worker.name = f"alimock {worker.name}"
        # A program that does not stop its emulator must still be able to exit.
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
        """Disconnect clients that exceed the request timeout, which is short while all threads are in use."""
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
        """Stop the threads once they are done. Disconnect clients that are slower than `timeout` seconds."""
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
    """Disconnect the clients that the threads have waited for longer than `patience` seconds."""
    for worker in workers:
        # Read once: the thread may finish at any moment.
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
        """Bind, and use our own connection manager."""
        super().prepare()
        self._connections.close()
        self._connections = Connections(self)

    @property
    def no_room(self) -> bool:
        """Whether the system rejected the last connection for lack of resources."""
        return self._connections.no_room

    def _serve_unservicable(self) -> None:
        """Return at once: the queue of the pool is unlimited, so no connection is turned away."""

    def process_conn(self, conn: Connection) -> None:
        """Pass a readable connection to a thread. A new one stays in the selector until it is readable."""
        if conn.last_used is None:
            self.put_conn(conn)
        else:
            super().process_conn(conn)

    def error_log(self, msg: str = "", level: int = logging.INFO, traceback: bool = False) -> None:
        error = sys.exc_info()[1] if traceback else None
        if isinstance(error, ssl.SSLError):
            # A client that closes without a TLS close_notify ends here, too.
            logger.info("TLS connection failed: %s", error)
            return
        logger.log(level, "%s", msg, exc_info=traceback)
        if error is not None:
            self.wsgi_app.service.failures.append(error)


class Server:
    """Serves an application in background threads, from `start` to `stop`.

    `tls` is the files of a certificate chain and its key. Raise `OSError` if they are invalid.
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
        """The bound port, known after `start`."""
        return int(self._cheroot.bind_addr[1])

    @property
    def url(self) -> str:
        """The URL of the emulated API."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)
        scheme = "http" if self._cheroot.ssl_adapter is None else "https"
        return f"{scheme}://{bracketed(host)}:{self.port}"

    def start(self) -> None:
        """Bind and serve. The server is ready when this returns. Raise `OSError` if the port cannot be bound."""
        self._cheroot.prepare()
        self._thread.start()
        self._watcher.start()

    def stop(self) -> None:
        """Stop. Responses in progress are finished."""
        self._cheroot.waiting.close()
        self._cheroot.stop()
        self._thread.join()
        self._watcher.join()

    def _watch(self) -> None:
        while not self._cheroot.waiting.closed.wait(LOOK_SECONDS):
            self._cheroot.requests.hurry()
