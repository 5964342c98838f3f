"""The HTTP server: one event loop in a thread of its own."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
import sys
import threading
from asyncio.tasks import sleep
from collections.abc import Collection, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from heapq import nsmallest
from operator import itemgetter
from typing import Any
from weakref import WeakSet

from alimock.backend import Backend
from alimock.dispatch import Dispatcher
from alimock.server.connection import Connection
from alimock.server.listener import Listener, max_connections
from alimock.state import system_clock

logger = logging.getLogger(__name__)

# How long clients may take, once the server stops, for the rest of a request or of a response, and how often that is checked.
STOP_SECONDS = 1
CHECK_SECONDS = 0.001
# How long accepting pauses when the system has no resources.
PAUSE_SECONDS = 0.02
# The errors of a system without resources, and the fraction (1/n) of the connections that is then closed.
_NO_RESOURCES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_FRACTION = 10


# The running servers of this process, for a child process that is forked from it.
_running: set[Server] = set()


class Server:
    """Serves one emulator at the addresses of its listeners, from `start` to `stop`."""

    loop: asyncio.AbstractEventLoop
    dispatcher: Dispatcher

    def __init__(self, backend: Backend, *listeners: Listener) -> None:
        self.listeners = listeners
        self.limits = backend.limits
        self.is_stopping = False
        self._backend = backend
        self._connections: dict[Connection, None] = {}
        self._max_connections = max_connections(backend.limits)
        # New connections, and since when TLS handshakes wait for their client.
        self._connecting: set[asyncio.Task[None]] = set()
        self._handshakes: dict[asyncio.Task[None], float] = {}
        # Those that listen, and those of connections while they are open.
        self._sockets: WeakSet[socket.socket] = WeakSet()
        self._lacks_resources = False
        self._stopping = asyncio.Event()
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The URL of the emulated API at the first listener."""
        return self.listeners[0].url

    def start(self) -> None:
        """Bind and serve. The server is ready when this returns.

        Raises `OSError` if it cannot listen, and `RuntimeError` if gevent or eventlet has replaced the threads.
        """
        _check_threads()
        with ExitStack() as bound:
            sockets = [(listener, bound.enter_context(one)) for listener in self.listeners for one in listener.bind()]
            bound.pop_all()
        self._sockets.update(one for _, one in sockets)
        ready = threading.Event()
        # A program that does not stop its emulator must still be able to exit.
        self._thread = threading.Thread(target=self._run, args=(sockets, ready), name="alimock server", daemon=True)
        self._thread.start()
        ready.wait()
        _running.add(self)

    @property
    def is_running(self) -> bool:
        """Whether it was started in this process, and not stopped since."""
        return self._thread is not None

    def abandon(self) -> None:
        """Leave the server to the process that this one was forked from: its thread does not exist here, but its sockets do."""
        self._thread = None
        for inherited in self._sockets:
            # uvloop defers `close()` until its loop, which does not run here, no longer uses the socket.
            descriptor = inherited.detach()
            if descriptor >= 0:
                os.close(descriptor)

    def stop(self) -> None:
        """Stop. Responses that are under way are finished, but for delayed ones."""
        _running.discard(self)
        thread, self._thread = self._thread, None
        if thread is not None:
            self._backend.service.store.waiters.close()
            self.loop.call_soon_threadsafe(self._stopping.set)
            thread.join()

    def add(self, connection: Connection) -> None:
        """Take a new connection in. Beyond the limit, the one that has waited longest for its client is closed."""
        self._connections[connection] = None
        self._keep_limit()

    def remove(self, connection: Connection) -> None:
        """Forget a closed connection."""
        self._connections.pop(connection, None)

    def _keep_limit(self) -> None:
        if len(self._connections) + len(self._handshakes) > self._max_connections:
            self._close_longest_waiting(1)

    def _close_longest_waiting(self, count: int) -> None:
        waiting = [(connection.since, connection.abort) for connection in self._connections if connection.since is not None]
        waiting += [(since, partial(self._end_handshake, task)) for task, since in self._handshakes.items()]
        for _, close in nsmallest(count, waiting, key=itemgetter(0)):
            close()

    def _end_handshake(self, task: asyncio.Task[None]) -> None:
        del self._handshakes[task]
        task.cancel()

    def _run(self, sockets: Sequence[tuple[Listener, socket.socket]], ready: threading.Event) -> None:
        # In this thread: on Windows the thread that makes a loop in a program's main thread would have to close it.
        self.loop = _new_loop()
        self.loop.set_exception_handler(self._on_error)
        self.dispatcher = Dispatcher(self._backend, self.loop)
        ready.set()
        self.loop.run_until_complete(self._serve(sockets))
        self.loop.close()

    async def _serve(self, sockets: Sequence[tuple[Listener, socket.socket]]) -> None:
        accepting = [self.loop.create_task(self._accept(*one)) for one in sockets]
        await self._stopping.wait()
        for _, bound in sockets:
            # To cancel alone is too late for a client that connects at this moment. Windows' loop has no readers.
            with suppress(NotImplementedError):
                self.loop.remove_reader(bound)
        await _cancel(accepting)
        for _, bound in sockets:
            bound.close()
        # A connection that was just accepted is made in the next round.
        await sleep(0)
        await _cancel(self._connecting)
        await self._end_connections()
        self.dispatcher.close()

    async def _accept(self, listener: Listener, bound: socket.socket) -> None:
        while True:
            try:
                accepted, address = await self.loop.sock_accept(bound)
            except OSError as error:
                self._make_room(error)
                # The client may still be queued; without a pause this would be a busy loop.
                await sleep(PAUSE_SECONDS)
                continue
            self._sockets.add(accepted)
            task = self.loop.create_task(self._connect(listener, accepted, address[0]))
            self._connecting.add(task)
            task.add_done_callback(partial(self._connected, accepted))
            if listener.context is not None:
                self._handshakes[task] = self.loop.time()
                self._keep_limit()

    def _connected(self, accepted: socket.socket, task: asyncio.Task[None]) -> None:
        self._connecting.discard(task)
        self._handshakes.pop(task, None)
        if task.cancelled():
            accepted.close()

    async def _connect(self, listener: Listener, accepted: socket.socket, peer: str) -> None:
        timeout = self.limits.request_seconds if listener.context is not None else None
        try:
            await self.loop.connect_accepted_socket(
                lambda: Connection(self, listener), accepted, ssl=listener.context, ssl_handshake_timeout=timeout
            )
        except OSError as error:
            logger.info("TLS handshake with %s failed: %s", peer, error)

    def _make_room(self, error: OSError) -> None:
        """Close some connections if the system lacks the resources to accept more."""
        if error.errno not in _NO_RESOURCES:
            logger.info("a connection could not be accepted: %s", error)
            return
        if not self._lacks_resources:
            logger.warning("cannot accept more connections (%s); closing idle ones", error.strerror)
        self._lacks_resources = True
        self._close_longest_waiting(max(len(self._connections) // _FRACTION, 1))

    async def _end_connections(self) -> None:
        self.is_stopping = True
        for connection in list(self._connections):
            connection.stop()
        end = self.loop.time() + STOP_SECONDS
        while self._connections:
            await sleep(CHECK_SECONDS)
            if self.loop.time() > end:
                # Only responses that the emulator is still working on are waited for longer.
                self._close_longest_waiting(len(self._connections))
        # The loop closes the last sockets in its next round.
        await sleep(0)

    def _on_error(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        logger.error("Internal error in alimock; please report it with this log: %s", context["message"], exc_info=error)
        if error is not None:
            self._backend.service.failures.append(error)


async def _cancel(tasks: Collection[asyncio.Task[None]]) -> None:
    cancelled = list(tasks)
    for task in cancelled:
        task.cancel()
    await asyncio.gather(*cancelled, return_exceptions=True)


def _new_loop() -> asyncio.AbstractEventLoop:
    """Return an event loop, that of the extra `fast` if it is installed."""
    try:
        import uvloop
    except ImportError:
        standard = asyncio.new_event_loop()
        # Its own method reads a clock that tests can freeze.
        standard.time = system_clock.monotonic  # type: ignore[method-assign]
        return standard
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop


def _check_threads() -> None:
    """Raise `RuntimeError` if threads are greenlets, all of which the event loop would block."""
    gevent, eventlet = sys.modules.get("gevent.monkey"), sys.modules.get("eventlet.patcher")
    if gevent is not None and gevent.is_module_patched("threading"):
        library = "gevent"
    elif eventlet is not None and eventlet.is_monkey_patched("thread"):
        library = "eventlet"
    else:
        return
    raise RuntimeError(
        f"an emulator cannot run in a process whose threads {library} has replaced; "
        "run `alimock serve` and use Emulator.connect(url), or --alimock-url with pytest"
    )


def _abandon_all() -> None:
    for server in _running:
        server.abandon()
    _running.clear()


# Windows has no fork.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_abandon_all)
