"""The HTTP server: one event loop in a thread of its own, which answers the emulated API and the health checks itself.

Everything else is answered by the Flask application in a few threads, so that neither a slow view nor a long wait stops the loop.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import threading
from collections import deque
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from functools import cached_property, partial
from http import HTTPStatus
from itertools import chain, islice, takewhile
from typing import TYPE_CHECKING, Any, TypeVar

from alimock.api import endpoint
from alimock.api.http import PARK, RESUMED, HttpResponse
from alimock.backend import Backend
from alimock.server import wsgi
from alimock.server.connection import Connection
from alimock.server.listener import Listener, max_connections
from alimock.server.request_parser import Request
from alimock.state.waiters import Waiter

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

logger = logging.getLogger(__name__)

T = TypeVar("T")
THREADS = 8
# How long clients may take, once the server stops, for the rest of a request or of a response.
STOP_SECONDS = 1
# How long accepting pauses when the system has no resources.
PAUSE_SECONDS = 0.02
# How often timeouts are checked, at most; more often if a limit is shorter.
SWEEP_SECONDS = 0.5
# The errors of a system without resources, and the fraction (1/n) of the idle connections that is then closed.
_NO_RESOURCES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_FRACTION = 10


class Server:
    """Serves one emulator from `start` to `stop`.

    Its connections are in one of three groups if they wait for their client: `idle`, `reading` a request, or `blocked` because the
    client reads no response.
    """

    loop: asyncio.AbstractEventLoop

    def __init__(self, backend: Backend, *listeners: Listener) -> None:
        self.listeners = listeners
        self.limits = backend.limits
        self.is_stopping = False
        self.idle: dict[Connection, None] = {}
        self.reading: dict[Connection, None] = {}
        self.blocked: dict[Connection, None] = {}
        self._backend = backend
        self._store = backend.service.store
        self._connections: dict[Connection, None] = {}
        self._max_connections = max_connections(backend.limits)
        self._connecting: set[asyncio.Task[None]] = set()
        self._parked: dict[Waiter[object], Connection] = {}
        self._woken: deque[Waiter[object]] = deque()
        self._is_check_due = self._lacks_resources = False
        self._stopping, self._is_empty = asyncio.Event(), asyncio.Event()
        self._application_lock = threading.Lock()
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="alimock")
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The URL of the emulated API at the first listener."""
        return self.listeners[0].url

    def start(self) -> None:
        """Bind and serve. The server is ready when this returns. Raises `OSError` if it cannot listen."""
        with ExitStack() as bound:
            sockets = [bound.enter_context(listener.bind()) for listener in self.listeners]
            bound.pop_all()
        self.loop = _new_loop()
        ready = threading.Event()
        # A program that does not stop its emulator must still be able to exit.
        self._thread = threading.Thread(target=self._run, args=(sockets, ready), name="alimock server", daemon=True)
        self._thread.start()
        ready.wait()

    def stop(self) -> None:
        """Stop. Responses that are under way are finished."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._store.waiters.close()
            self.loop.call_soon_threadsafe(self._stopping.set)
            thread.join()

    # The life of the event loop.

    def _run(self, sockets: Sequence[socket.socket], ready: threading.Event) -> None:
        self.loop.set_exception_handler(self._on_error)
        try:
            self.loop.run_until_complete(self._serve(sockets, ready))
        finally:
            ready.set()
            self.loop.close()

    async def _serve(self, sockets: Sequence[socket.socket], ready: threading.Event) -> None:
        pairs = list(zip(self.listeners, sockets, strict=True))
        tasks = [self.loop.create_task(task) for task in (*(self._accept(*pair) for pair in pairs), self._sweep_regularly())]
        ready.set()
        await self._stopping.wait()
        await _cancel(tasks)
        for bound in sockets:
            bound.close()
        # Those that were just accepted have started in the next round.
        await asyncio.sleep(0)
        await _cancel(self._connecting)
        await self._end_connections()
        self._pool.shutdown()

    async def _accept(self, listener: Listener, bound: socket.socket) -> None:
        while True:
            try:
                accepted, address = await self.loop.sock_accept(bound)
            except OSError as error:
                await self._make_room(error)
                continue
            task = self.loop.create_task(self._connect(listener, accepted, address[0]))
            self._connecting.add(task)
            task.add_done_callback(self._connecting.discard)

    async def _connect(self, listener: Listener, accepted: socket.socket, peer: str) -> None:
        timeout = self.limits.request_seconds if listener.context is not None else None
        try:
            await self.loop.connect_accepted_socket(
                lambda: Connection(self, listener), accepted, ssl=listener.context, ssl_handshake_timeout=timeout
            )
        except OSError as error:
            logger.info("TLS handshake with %s failed: %s", peer, error)

    async def _make_room(self, error: OSError) -> None:
        """Close some idle connections if the system lacks resources to accept more."""
        if error.errno not in _NO_RESOURCES:
            raise error
        if not self._lacks_resources:
            logger.warning("cannot accept more connections (%s); closing idle ones", error.strerror)
        self._lacks_resources = True
        self._close_longest_waiting(max(len(self.idle) // _FRACTION, 1))
        # The client is still queued; without a pause this would be a busy loop.
        await asyncio.sleep(PAUSE_SECONDS)

    async def _end_connections(self) -> None:
        self.is_stopping = True
        for connection in list(self._connections):
            connection.stop()
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._wait_until_empty(), STOP_SECONDS)
        for connection in list(self._connections):
            connection.abort()
        await self._wait_until_empty()
        # The loop closes the last sockets in its next round.
        await asyncio.sleep(0)

    async def _wait_until_empty(self) -> None:
        while self._connections:
            self._is_empty.clear()
            await self._is_empty.wait()

    def _on_error(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        logger.error("Internal error in alimock; please report it with this log: %s", context["message"], exc_info=error)
        if error is not None:
            self._backend.service.failures.append(error)

    # Connections.

    def add(self, connection: Connection) -> None:
        """Take a new connection in. Beyond the limit, the one that has waited longest for its client is closed."""
        self._connections[connection] = None
        self.move(connection, self.idle)
        if len(self._connections) > self._max_connections:
            self._close_longest_waiting(1)

    def remove(self, connection: Connection) -> None:
        """Forget a closed connection."""
        self._connections.pop(connection, None)
        self.move(connection, None)
        if connection.waiter is not None:
            self.unpark(connection.waiter)
        if not self._connections:
            self._is_empty.set()

    def move(self, connection: Connection, group: dict[Connection, None] | None) -> None:
        """Put a connection into a group, or into none while it waits for the server."""
        before = connection.group
        if group is before:
            return
        if before is not None:
            del before[connection]
        connection.group = group
        if group is not None:
            group[connection] = None
            connection.since = self.loop.time()

    def _close_longest_waiting(self, count: int) -> None:
        for connection in list(islice(chain(self.idle, self.reading), count)):
            self.move(connection, None)
            connection.abort()

    async def _sweep_regularly(self) -> None:
        pause = min(SWEEP_SECONDS, self.limits.idle_seconds / 4, self.limits.request_seconds / 4)
        while True:
            await asyncio.sleep(pause)
            self._sweep(self.loop.time())

    def _sweep(self, now: float) -> None:
        """Enforce the timeouts. A group is in the order of `since`."""
        idle, request = self.limits.idle_seconds, self.limits.request_seconds
        for connection in list(takewhile(lambda one: now - one.since > idle, self.idle)):
            connection.time_out("idle")
        for connection in list(takewhile(lambda one: now - one.since > request, self.blocked)):
            logger.info("%s read no response for %g s", connection.peer, request)
            connection.abort()
        for connection in list(self.reading):
            if now - connection.since > request:
                connection.time_out("Request timeout; see --limit request_seconds.")
            elif now - connection.heard > idle:
                connection.time_out("No data of the request was received for too long; see --limit idle_seconds.")

    # Requests.

    def answer(self, connection: Connection, request: Request, waiter: Waiter[object] | None = None) -> None:
        """Let a connection respond to a request, now or later; `waiter` is the wait of a parked request that is over."""
        http, policy = request.http, self._backend.host_policy
        refusal = None if request.target.startswith("/") else endpoint.proxy_refusal(http.method, request.target, policy)
        path = _path(request.target)
        if refusal is not None:
            connection.respond(refusal)
        elif path == "/":
            self._locked(partial(self._backend.call, http), connection.respond, may_block=endpoint.may_take_long(http))
        elif path in endpoint.HEALTH_CHECKS:
            connection.respond(endpoint.health(http.method))
        else:
            environ = wsgi.environment(request, path, connection.listener)
            self._in_thread(partial(self._view, environ, waiter), partial(self._respond_or_park, connection))

    def _locked(self, function: Callable[[], T], then: Callable[[T], None], *, may_block: bool = False) -> None:
        """Call a function that takes the store's lock: in a thread if that is held or the function takes long."""
        if may_block or not self._store.lock.acquire(blocking=False):
            self._in_thread(function, then)
            return
        try:
            result = function()
        finally:
            self._store.lock.release()
        then(result)

    def _in_thread(self, function: Callable[[], T], then: Callable[[T], None]) -> None:
        future = self.loop.run_in_executor(self._pool, function)
        future.add_done_callback(lambda done: then(done.result()))

    @cached_property
    def _application(self) -> WSGIApplication:
        # Imported late, because Flask takes longer to load than everything else together.
        from alimock.app import flask_app

        return flask_app(self._backend)

    def _view(self, environ: WSGIEnvironment, resumed: Waiter[object] | None) -> HttpResponse | Waiter[object]:
        """Return the response of the Flask application, or the waiter of a view that waits."""
        parked: list[Waiter[object]] = []

        def park(waiter: Waiter[object]) -> None:
            parked.append(waiter)
            self._store.waiters.add(waiter, partial(self._notify, waiter))

        try:
            with self._application_lock:
                application = self._application
        except OSError as error:
            message = f"The control API could not be loaded: {error.strerror}"
            return endpoint.refusal(HTTPStatus.SERVICE_UNAVAILABLE, message, "Retry, or raise the limit of open files.")
        environ |= {PARK: park, RESUMED: resumed}
        response = wsgi.respond(application, environ)
        return parked[0] if parked else response

    # Waits without a thread.

    def _respond_or_park(self, connection: Connection, result: HttpResponse | Waiter[object]) -> None:
        if isinstance(result, HttpResponse):
            connection.respond(result)
        elif connection.park(result):
            self._parked[result] = connection
            # It may have been over before it was parked.
            self._check([result])
        else:
            self._store.waiters.remove(result)

    def _notify(self, waiter: Waiter[object]) -> None:
        """Check a wait soon; called in any thread."""
        self._woken.append(waiter)
        if not self._is_check_due:
            self._is_check_due = True
            self.loop.call_soon_threadsafe(self._check_woken)

    def _check_woken(self) -> None:
        self._is_check_due = False
        self._check(list(dict.fromkeys(self._woken.popleft() for _ in range(len(self._woken)))))

    def _check(self, waiters: Sequence[Waiter[object]]) -> None:
        self._locked(partial(self._store.waiters.over, waiters), self._resume)

    def _resume(self, waiters: Sequence[Waiter[object]]) -> None:
        for waiter in waiters:
            connection = self._parked.get(waiter)
            if connection is not None:
                connection.resume()

    def unpark(self, waiter: Waiter[object]) -> None:
        """Forget a wait that is over, or whose client has disconnected."""
        self._parked.pop(waiter, None)
        self._store.waiters.remove(waiter)


async def _cancel(tasks: Collection[asyncio.Task[None]]) -> None:
    tasks = list(tasks)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _path(target: str) -> str:
    """Return the path of a target. Some clients of Mailpit's API send an extra slash before it."""
    path = target.partition("?")[0]
    if not path.startswith("/"):
        path = path.partition("://")[2].partition("/")[2] if "://" in path else path
    return "/" + path.lstrip("/")


def _new_loop() -> asyncio.AbstractEventLoop:
    """Return an event loop, that of the extra `fast` if it is installed."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop
