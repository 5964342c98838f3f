"""Which part of the emulator answers a request, and where: in the event loop, or in one of a few threads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, partial
from http import HTTPStatus
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar
from urllib.parse import unquote

from alimock import wsgi
from alimock.api import endpoint
from alimock.api.http import PARK, RESUMED, HttpRequest, HttpResponse
from alimock.backend import Backend
from alimock.state.log import EventType
from alimock.state.waiters import Waiter
from alimock.web import static_files

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

T = TypeVar("T")
THREADS = 8
# How many waits are ended at once.
BATCH = 50


class Client(Protocol):
    """Where a response goes. A client that is gone, because it sends no more, waits for no event."""

    @property
    def is_gone(self) -> bool:
        """Whether the client has disconnected or closed its write side."""

    def respond(self, response: HttpResponse) -> None:
        """Send the response to its current request."""

    def abort(self) -> None:
        """Disconnect."""


class _Parked(NamedTuple):
    """A request whose view waits, and what runs the view again."""

    waiter: Waiter[Any]
    timer: asyncio.TimerHandle
    run_again: Callable[[], None]


class Dispatcher:
    """Answers calls, health checks and files of the web UI in the event loop, and everything else by Flask in a few threads.

    A call is answered in a thread, too, if it may take long or another thread holds the store's lock. A request whose view has to
    wait for an event takes no thread meanwhile; the view runs again when the wait is over. All methods are for the thread of the
    loop.
    """

    def __init__(self, backend: Backend, loop: asyncio.AbstractEventLoop) -> None:
        self._backend = backend
        self._store = backend.service.store
        self._loop = loop
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="alimock")
        self._loading = Lock()
        # Calls that were not attempted yet.
        self._calls: list[tuple[Client, HttpRequest]] = []
        self._waits: dict[Client, _Parked] = {}
        self._clients: dict[Waiter[Any], Client] = {}
        # The events that are still to be handled.
        self._events: dict[tuple[EventType | None, str], None] = {}
        self._store.waiters.subscribers.append(self._notify)

    def close(self) -> None:
        """Wait until all threads have ended."""
        with self._store.transaction():
            self._store.waiters.subscribers.remove(self._notify)
        self._threads.shutdown()

    def answer(self, client: Client, http: HttpRequest, target: str, server: tuple[str, str, int]) -> None:
        """Let a client respond to its request for a target, sent to a server of this scheme, host and port."""
        path, refusal = _path(target), None
        if not target.startswith("/"):
            refusal = endpoint.proxy_refusal(http.method, target, self._backend.host_policy)
        if refusal is not None:
            client.respond(refusal)
        elif path == "/":
            self._call(client, http)
        elif path in endpoint.HEALTH_CHECKS:
            self._check_health(client, http.method, path)
        elif http.method == "GET" and (file := static_files.respond(path.removeprefix(static_files.PREFIX), http.headers)):
            client.respond(file)
        else:
            self._run_view(client, partial(wsgi.environment, http, target, path, server))

    def is_waiting(self, client: Client) -> bool:
        """Return whether a client waits for an event."""
        return client in self._waits

    def cancel(self, client: Client) -> None:
        """End the wait of a client, if there is one."""
        wait = self._waits.pop(client, None)
        if wait is not None:
            wait.timer.cancel()
            del self._clients[wait.waiter]
            self._store.waiters.remove(wait.waiter)

    def _call(self, client: Client, http: HttpRequest) -> None:
        """Answer a call, in a thread if it may take long, or would have to wait for another one."""
        if endpoint.may_take_long(http):
            self._in_thread(partial(self._backend.call, http), client.respond, client)
        elif (refusal := self._backend.refusal(http)) is not None:
            client.respond(refusal)
        else:
            self._calls.append((client, http))
            if not self._backend.service.executor.is_shared:
                self._attempt_calls()
            elif len(self._calls) == 1:
                # All that have arrived share a round trip.
                self._loop.call_soon(self._attempt_calls)

    def _attempt_calls(self) -> None:
        calls, self._calls = self._calls, []
        try:
            answers = self._backend.service.attempt([http for _, http in calls])
        except BaseException:
            for client, _ in calls:
                # It would wait forever.
                client.abort()
            raise
        for (client, _), answer in zip(calls, answers, strict=True):
            if isinstance(answer, HttpResponse):
                client.respond(answer)
            else:
                self._in_thread(answer, client.respond, client)

    def _check_health(self, client: Client, method: str, path: str) -> None:
        executor = self._backend.service.executor
        check = partial(endpoint.health, method, path, executor)
        if executor.is_stored and path == endpoint.READY:
            self._in_thread(check, client.respond, client)
        else:
            client.respond(check())

    def _locked(self, function: Callable[[], T], then: Callable[[T], None], client: Client | None = None) -> None:
        """Call a function with the store's lock: in a thread if another one holds it, so that the loop never waits."""
        if not self._store.lock.acquire(blocking=False):
            self._in_thread(partial(self._call_locked, function), then, client)
            return
        try:
            result = function()
        finally:
            self._store.lock.release()
        then(result)

    def _call_locked(self, function: Callable[[], T]) -> T:
        with self._store.transaction():
            return function()

    def _in_thread(self, function: Callable[[], T], then: Callable[[T], None], client: Client | None = None) -> None:
        """Call a function in a thread; if it fails, the client would wait forever."""

        def done(future: asyncio.Future[T]) -> None:
            if client is not None and future.exception() is not None:
                client.abort()
            then(future.result())

        self._loop.run_in_executor(self._threads, function).add_done_callback(done)

    @cached_property
    def _application(self) -> WSGIApplication:
        # Imported late, because Flask takes longer to load than everything else together.
        from alimock.app import flask_app

        return flask_app(self._backend)

    def _run_view(self, client: Client, environment: Callable[[], WSGIEnvironment], waiter: Waiter[Any] | None = None) -> None:
        """Run a view; `waiter` is its wait if that is over."""

        def respond_or_wait(result: HttpResponse | Waiter[Any]) -> None:
            if isinstance(result, HttpResponse):
                client.respond(result)
            else:
                self._wait(client, result, partial(self._run_view, client, environment, result))

        self._in_thread(partial(self._view, environment(), waiter), respond_or_wait, client)

    def _view(self, environ: WSGIEnvironment, waiter: Waiter[Any] | None) -> HttpResponse | Waiter[Any]:
        """Return the response of a view, or the waiter that it left in place of one."""
        left: list[Waiter[Any]] = []

        def park(waiter: Waiter[Any]) -> None:
            left.append(waiter)
            self._store.waiters.add(waiter)

        try:
            with self._loading:
                application = self._application
        except OSError as error:
            message = f"The control API could not be loaded: {error.strerror}"
            return endpoint.refusal(HTTPStatus.SERVICE_UNAVAILABLE, message, "Retry, or raise the limit of open files.")
        environ |= {PARK: park, RESUMED: waiter}
        response = wsgi.respond(application, environ)
        return left[0] if left else response

    def _wait(self, client: Client, waiter: Waiter[Any], run_again: Callable[[], None]) -> None:
        if client.is_gone:
            self._store.waiters.remove(waiter)
            client.abort()
            return
        timer = self._loop.call_later(waiter.seconds_left, self._end_wait, waiter)
        self._waits[client], self._clients[waiter] = _Parked(waiter, timer, run_again), client
        # It may be over already.
        self._locked(partial(self._store.waiters.is_over, waiter), lambda is_over: self._end_waits([waiter] if is_over else []))

    def _end_wait(self, waiter: Waiter[Any]) -> None:
        client = self._clients.get(waiter)
        if client is not None:
            run_again = self._waits[client].run_again
            self.cancel(client)
            run_again()

    def _end_waits(self, waiters: Sequence[Waiter[Any]]) -> None:
        for waiter in waiters[:BATCH]:
            self._end_wait(waiter)
        if waiters[BATCH:]:
            # Other connections have their turn in between.
            self._loop.call_soon(self._end_waits, waiters[BATCH:])

    def _notify(self, kind: EventType | None, account: str) -> None:
        """Look soon for waits that an event ends; called in any thread."""
        if (kind, account) not in self._events:
            self._events[kind, account] = None
            self._loop.call_soon_threadsafe(self._handle_event, kind, account)

    def _handle_event(self, kind: EventType | None, account: str) -> None:
        self._events.pop((kind, account), None)
        self._locked(partial(self._store.waiters.over, kind, account), self._end_waits)


def _path(target: str) -> str:
    """Return the decoded path of a target, as WSGI has it."""
    path = target.partition("?")[0]
    if not path.startswith("/") and "://" in path:
        _, slash, path = path.partition("://")[2].partition("/")
        path = slash + path
    return unquote(path if path.startswith("/") else f"/{path}", "latin-1")
