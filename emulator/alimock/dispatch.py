"""Which part of the emulator answers a request, and where: in the event loop, or in one of a few threads."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, partial
from http import HTTPStatus
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

from alimock import wsgi
from alimock.api import endpoint
from alimock.api.http import PARK, RESUMED, HttpRequest, HttpResponse
from alimock.backend import Backend
from alimock.state.waiters import Waiter

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

T = TypeVar("T")
THREADS = 8


class Client(Protocol):
    """Where a response goes. A client that is gone, because it sends no more, waits for no event."""

    @property
    def is_gone(self) -> bool:
        """Whether the client has disconnected or closed its write side."""

    def respond(self, response: HttpResponse) -> None:
        """Send the response to its current request."""

    def abort(self) -> None:
        """Disconnect."""


class _Wait(NamedTuple):
    """A request whose view waits, and what runs the view again."""

    waiter: Waiter[object]
    timer: asyncio.TimerHandle
    run_again: Callable[[], None]


class Dispatcher:
    """Answers calls of the emulated API and health checks in the event loop, and everything else by Flask in a few threads.

    A request whose view has to wait for an event takes no thread meanwhile; the view runs again when the wait is over. All methods
    are for the thread of the loop.
    """

    def __init__(self, backend: Backend, loop: asyncio.AbstractEventLoop) -> None:
        self._backend = backend
        self._store = backend.service.store
        self._loop = loop
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="alimock")
        self._loading = Lock()
        self._waits: dict[Client, _Wait] = {}
        self._woken: deque[Client] = deque()
        self._is_check_due = False

    def close(self) -> None:
        """Wait until all threads have ended."""
        self._threads.shutdown()

    def answer(self, client: Client, http: HttpRequest, target: str, server: tuple[str, str, int]) -> None:
        """Let a client respond to its request for a target, sent to a server of this scheme, host and port."""
        path, refusal = _path(target), None
        if not target.startswith("/"):
            refusal = endpoint.proxy_refusal(http.method, target, self._backend.host_policy)
        if refusal is not None:
            client.respond(refusal)
        elif path == "/":
            self._locked(partial(self._backend.call, http), client.respond, takes_long=endpoint.may_take_long(http))
        elif path in endpoint.HEALTH_CHECKS:
            client.respond(endpoint.health(http.method))
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
            self._store.waiters.remove(wait.waiter)

    def _locked(self, function: Callable[[], T], then: Callable[[T], None], *, takes_long: bool = False) -> None:
        """Call a function that needs the store's lock: in a thread if that is held or the function takes long."""
        if takes_long or not self._store.lock.acquire(blocking=False):
            self._in_thread(function, then)
            return
        try:
            result = function()
        finally:
            self._store.lock.release()
        then(result)

    def _in_thread(self, function: Callable[[], T], then: Callable[[T], None]) -> None:
        future = self._loop.run_in_executor(self._threads, function)
        future.add_done_callback(lambda done: then(done.result()))

    @cached_property
    def _application(self) -> WSGIApplication:
        # Imported late, because Flask takes longer to load than everything else together.
        from alimock.app import flask_app

        return flask_app(self._backend)

    def _run_view(self, client: Client, environment: Callable[[], WSGIEnvironment], waiter: Waiter[object] | None = None) -> None:
        """Run a view; `waiter` is its wait if that is over."""

        def respond_or_wait(result: HttpResponse | Waiter[object]) -> None:
            if isinstance(result, HttpResponse):
                client.respond(result)
            else:
                self._wait(client, result, partial(self._run_view, client, environment, result))

        self._in_thread(partial(self._view, client, environment(), waiter), respond_or_wait)

    def _view(self, client: Client, environ: WSGIEnvironment, waiter: Waiter[object] | None) -> HttpResponse | Waiter[object]:
        """Return the response of a view, or the waiter that it left in place of one."""
        left: list[Waiter[object]] = []

        def park(waiter: Waiter[object]) -> None:
            left.append(waiter)
            self._store.waiters.add(waiter, partial(self._notify, client))

        try:
            with self._loading:
                application = self._application
        except OSError as error:
            message = f"The control API could not be loaded: {error.strerror}"
            return endpoint.refusal(HTTPStatus.SERVICE_UNAVAILABLE, message, "Retry, or raise the limit of open files.")
        environ |= {PARK: park, RESUMED: waiter}
        response = wsgi.respond(application, environ)
        return left[0] if left else response

    def _wait(self, client: Client, waiter: Waiter[object], run_again: Callable[[], None]) -> None:
        if client.is_gone:
            self._store.waiters.remove(waiter)
            client.abort()
            return
        timer = self._loop.call_later(waiter.seconds_left, self._end_wait, client)
        self._waits[client] = _Wait(waiter, timer, run_again)
        # It may be over already.
        self._check([client])

    def _end_wait(self, client: Client) -> None:
        wait = self._waits.get(client)
        if wait is not None:
            self.cancel(client)
            wait.run_again()

    def _notify(self, client: Client) -> None:
        """Check the wait of a client soon; called in any thread."""
        self._woken.append(client)
        if not self._is_check_due:
            self._is_check_due = True
            self._loop.call_soon_threadsafe(self._check_woken)

    def _check_woken(self) -> None:
        self._is_check_due = False
        self._check([self._woken.popleft() for _ in range(len(self._woken))])

    def _check(self, clients: Iterable[Client]) -> None:
        waiting = {self._waits[client].waiter: client for client in clients if client in self._waits}

        def end(over: Iterable[Waiter[object]]) -> None:
            for waiter in over:
                self._end_wait(waiting[waiter])

        self._locked(partial(self._store.waiters.over, waiting), end)


def _path(target: str) -> str:
    """Return the path of a target. Some clients of Mailpit's API send an extra slash before it."""
    path = target.partition("?")[0]
    if not path.startswith("/") and "://" in path:
        path = path.partition("://")[2].partition("/")[2]
    return "/" + path.lstrip("/")
