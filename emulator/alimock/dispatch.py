"""Which part of the emulator answers a request, and where: in the event loop, or in one of a few threads."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, partial
from http import HTTPStatus
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

from alimock import wsgi
from alimock.api import endpoint
from alimock.api.http import PARK, RESUMED, HttpRequest, HttpResponse
from alimock.backend import Backend
from alimock.state.waiters import Waiter

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

T = TypeVar("T")
THREADS = 8


class Dispatcher:
    """Answers calls of the emulated API and health checks in the event loop, and everything else by Flask in threads.

    A request gets its response by a function, in the loop. If its view has to wait, the function gets the waiter instead: pass it
    to `park`, which keeps the request without a thread, and answer the request once more when the wait is over.
    """

    def __init__(self, backend: Backend, loop: asyncio.AbstractEventLoop) -> None:
        self._backend = backend
        self._store = backend.service.store
        self._loop = loop
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="alimock")
        self._parked: dict[Waiter[object], Callable[[], None]] = {}
        self._woken: deque[Waiter[object]] = deque()
        self._is_check_due = False
        self._lock = Lock()

    def close(self) -> None:
        """Wait until all threads have ended."""
        self._threads.shutdown()

    def answer(
        self,
        http: HttpRequest,
        target: str,
        server: tuple[str, str, int],
        respond: Callable[[HttpResponse | Waiter[object]], None],
        waiter: Waiter[object] | None = None,
    ) -> None:
        """Respond to a request for a target; `waiter` is its wait if that is over."""
        path, refusal = _path(target), None
        if not target.startswith("/"):
            refusal = endpoint.proxy_refusal(http.method, target, self._backend.host_policy)
        if refusal is not None:
            respond(refusal)
        elif path == "/":
            self._locked(partial(self._backend.call, http), respond, takes_long=endpoint.may_take_long(http))
        elif path in endpoint.HEALTH_CHECKS:
            respond(endpoint.health(http.method))
        else:
            environ = wsgi.environment(http, target, path, server)
            self._in_thread(partial(self._view, environ, waiter), respond)

    def park(self, waiter: Waiter[object], resume: Callable[[], None]) -> None:
        """Call `resume` when the wait is over, except for its timeout."""
        self._parked[waiter] = resume
        # It may be over already.
        self._check([waiter])

    def unpark(self, waiter: Waiter[object]) -> None:
        """Forget a wait."""
        self._parked.pop(waiter, None)
        self._store.waiters.remove(waiter)

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

    def _view(self, environ: WSGIEnvironment, waiter: Waiter[object] | None) -> HttpResponse | Waiter[object]:
        parked: list[Waiter[object]] = []

        def park(waiter: Waiter[object]) -> None:
            parked.append(waiter)
            self._store.waiters.add(waiter, partial(self._notify, waiter))

        try:
            with self._lock:
                application = self._application
        except OSError as error:
            message = f"The control API could not be loaded: {error.strerror}"
            return endpoint.refusal(HTTPStatus.SERVICE_UNAVAILABLE, message, "Retry, or raise the limit of open files.")
        environ |= {PARK: park, RESUMED: waiter}
        response = wsgi.respond(application, environ)
        return parked[0] if parked else response

    def _notify(self, waiter: Waiter[object]) -> None:
        """Check a wait soon; called in any thread."""
        self._woken.append(waiter)
        if not self._is_check_due:
            self._is_check_due = True
            self._loop.call_soon_threadsafe(self._check_woken)

    def _check_woken(self) -> None:
        self._is_check_due = False
        self._check(list(dict.fromkeys(self._woken.popleft() for _ in range(len(self._woken)))))

    def _check(self, waiters: Sequence[Waiter[object]]) -> None:
        self._locked(partial(self._store.waiters.over, waiters), self._resume)

    def _resume(self, waiters: Sequence[Waiter[object]]) -> None:
        for resume in filter(None, map(self._parked.get, waiters)):
            resume()


def _path(target: str) -> str:
    """Return the path of a target. Some clients of Mailpit's API send an extra slash before it."""
    path = target.partition("?")[0]
    if not path.startswith("/") and "://" in path:
        path = path.partition("://")[2].partition("/")[2]
    return "/" + path.lstrip("/")
