"""One connection: its requests are answered in order, with response faults and within timeouts."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import struct
import sys
from collections.abc import Callable
from email.utils import formatdate
from enum import Enum
from functools import lru_cache, partial
from http import HTTPStatus
from typing import TYPE_CHECKING, cast

from alimock.api.faults import apply_fault
from alimock.api.http import HttpResponse
from alimock.server.listener import Listener
from alimock.server.request_parser import Rejected, Request, RequestParser
from alimock.state import system_clock

if TYPE_CHECKING:
    from alimock.server.server import Server

logger = logging.getLogger(__name__)

# How long a rejected client may pause before the connection is closed.
DRAIN_SECONDS = 1
_TLS_HANDSHAKE = 0x16
_REASONS = {status.value: status.phrase for status in HTTPStatus}
_WITHOUT_BODY = (204, 304)
# With a linger time of 0, closing sends RST instead of FIN. Windows has shorter fields.
_NO_LINGER = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)


class _Wait(Enum):
    """What a connection waits for: a request, the rest of one, or that the client reads a response."""

    REQUEST = 1
    INPUT = 2
    READING = 3


class Connection(asyncio.Protocol):
    """The connection of one client, run by the event loop of its server.

    `since` is the time of the loop when it began to wait for its client, or None while the server works.
    """

    _transport: asyncio.Transport
    _parser: RequestParser

    def __init__(self, server: Server, listener: Listener) -> None:
        self.since: float | None = None
        self._server = server
        self._listener = listener
        self._peer = ""
        self._wait = _Wait.REQUEST
        # When the client last sent something.
        self._heard = 0.0
        self._request: Request | None = None
        self._rejection: Rejected | None = None
        # What is to happen after a delay, and what ends the connection if the client is too slow.
        self._timer: asyncio.TimerHandle | None = None
        self._watchdog: asyncio.TimerHandle | None = None
        # Whether the client reads no response, has closed its write side, sends input that is dropped, or is not read.
        self._is_blocked = self._is_ended = self._is_draining = self._is_paused = False

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # That of uvloop is no subclass.
        self._transport = cast(asyncio.Transport, transport)
        self._peer = (transport.get_extra_info("peername") or ("",))[0]
        self._parser = RequestParser(self._server.limits, self._peer)
        self._wait_for(_Wait.REQUEST)
        self._watch()
        self._server.add(self)

    def data_received(self, data: bytes) -> None:
        if self._is_draining:
            self._later(DRAIN_SECONDS, self.abort)
            return
        if self._parser.is_new and data[0] == _TLS_HANDSHAKE and self._listener.context is None:
            logger.warning('%s speaks TLS to the plain port: set protocol="http" in the client, or use --tls-port', self._peer)
            # TLS clients report a plain response more clearly than a closed connection: OpenSSL says "wrong version number", Go
            # "server gave HTTP response to HTTPS client".
            self._reject(Rejected(400, 'This port is plain HTTP: set protocol="http" in the client, or use --tls-port.'))
            return
        self._heard = self._server.loop.time()
        try:
            self._parser.feed(data)
        except Rejected as rejection:
            self._rejection = rejection
        self._advance()
        self._pause_if_full()

    def eof_received(self) -> bool:
        """Return whether to keep the connection: a client that has closed its write side gets its responses, but waits for none."""
        self._is_ended = True
        if self._timer is not None or self._server.dispatcher.is_waiting(self):
            return False
        if self._parser.has_begun and self._rejection is None:
            self._rejection = Rejected(400, "The connection was closed before the request was complete.")
        self._advance()
        # TLS cannot close one side.
        return self._listener.context is None and not self._transport.is_closing()

    def connection_lost(self, error: Exception | None) -> None:
        if isinstance(error, ssl.SSLError):
            logger.info("TLS connection of %s failed: %s", self._peer, error)
        self._cancel_timer()
        if self._watchdog is not None:
            self._watchdog.cancel()
        self._server.dispatcher.cancel(self)
        self._server.remove(self)
        self._parser.close()

    def pause_writing(self) -> None:
        self._is_blocked = True
        self._wait_for(_Wait.READING)

    def resume_writing(self) -> None:
        self._is_blocked = False
        # A connection that is being closed still waits for its client to read the rest.
        if not (self._transport.is_closing() or self._is_draining):
            self.since = None
        self._advance()

    # What the server and its dispatcher call.

    @property
    def is_gone(self) -> bool:
        """Whether the client has disconnected or closed its write side."""
        return self._is_ended or self._transport.is_closing()

    def respond(self, response: HttpResponse) -> None:
        """Send the response to the current request, and apply its fault."""
        if response.fault is not None and response.fault.delay and self.is_gone:
            self.abort()
        elif response.fault is not None and response.fault.delay:
            self._later(response.fault.delay, partial(self._send, response))
        else:
            self._send(response)

    def abort(self) -> None:
        """Disconnect."""
        self.since = None
        self._transport.abort()

    def stop(self) -> None:
        """Disconnect, unless a request or a response is under way; a delayed one is not."""
        is_idle = self._request is None and not self._parser.has_begun and not self._is_blocked
        if self._timer is not None or (is_idle and not self._transport.is_closing()):
            self.abort()

    # Requests, in order.

    def _advance(self) -> None:
        """Answer the next request, unless one is being answered or the client reads no response."""
        if self._request is not None or self._is_blocked or self._is_draining or self._transport.is_closing():
            return
        if self._parser.requests:
            self._request, self.since = self._parser.requests.popleft(), None
            self._pause_if_full()
            self._server.dispatcher.answer(self, self._request.http, self._request.target, self._listener.address)
        elif self._rejection is not None:
            self._reject(self._rejection)
        elif self._is_ended:
            self._transport.close()
        else:
            self._wait_for(_Wait.INPUT if self._parser.has_begun else _Wait.REQUEST)
            if self._parser.expects_continue:
                self._parser.expects_continue = False
                self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _pause_if_full(self) -> None:
        """Read nothing while many requests are queued, so that a client cannot fill the memory."""
        if not self._transport.is_closing() and self._parser.is_full != self._is_paused:
            self._is_paused = not self._is_paused
            (self._transport.pause_reading if self._is_paused else self._transport.resume_reading)()

    def _finish(self, *, closes: bool) -> None:
        """Close the connection, or answer the next request after other connections had their turn."""
        self._request = None
        if closes:
            self._wait_for(_Wait.READING)
            self._transport.close()
        elif self._parser.requests:
            self._server.loop.call_soon(self._advance)
        else:
            self._advance()

    def _reject(self, rejection: Rejected) -> None:
        """Answer invalid input, and drain what follows; otherwise the system sends RST and the client loses the response."""
        body = str(rejection).encode("ascii", "replace")
        headers = (("Content-Type", "text/plain"), ("Content-Length", str(len(body))))
        self._transport.write(self._head(HttpResponse(rejection.status, headers, body), closes=True) + body)
        if self._is_ended:
            self._transport.close()
            return
        # TLS cannot close one side.
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self._is_draining = True
        self._wait_for(_Wait.READING)
        self._later(DRAIN_SECONDS, self.abort)

    # Timeouts.

    def _wait_for(self, wait: _Wait) -> None:
        """Begin to wait for something from the client, unless it is awaited already."""
        before = self._wait
        if before is not wait or self.since is None:
            self._wait, self.since = wait, self._server.loop.time()
            # The watch of a connection that is idle again goes on.
            if _Wait.READING in (before, wait) or wait is _Wait.INPUT:
                self._watch()

    def _watch(self) -> None:
        """Time out if the client is too slow, else look again when it can be."""
        if self._watchdog is not None:
            self._watchdog.cancel()
        now, deadline = self._server.loop.time(), self._deadline()
        if now < deadline:
            self._watchdog = self._server.loop.call_at(deadline, self._watch)
        elif self._wait is _Wait.INPUT:
            is_pause = now - self._heard >= self._server.limits.idle_seconds
            reason = "No data of the request was received for too long; see --limit idle_seconds."
            self._rejection = Rejected(408, reason if is_pause else "Request timeout; see --limit request_seconds.")
            logger.info("request of %s timed out: %s", self._peer, self._rejection)
            self._advance()
        else:
            if self._wait is _Wait.READING and not self._is_draining:
                logger.info("%s read no response for %g s", self._peer, self._server.limits.request_seconds)
            self.abort()

    def _deadline(self) -> float:
        idle, request = self._server.limits.idle_seconds, self._server.limits.request_seconds
        if self.since is None:
            return self._server.loop.time() + idle
        if self._wait is _Wait.REQUEST:
            return self.since + idle
        end = self.since + request
        return min(end, self._heard + idle) if self._wait is _Wait.INPUT else end

    # Responses.

    def _send(self, response: HttpResponse) -> None:
        if self._request is None or self._transport.is_closing():
            return
        if response.fault is not None and response.fault.reset is not None:
            self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
            self.abort()
            return
        sent = apply_fault(response)
        closes = not self._request.keep_alive or self._server.is_stopping
        # No header reveals that a fault closes the connection.
        head = self._head(sent.response, closes=closes)
        has_body = self._request.http.method != "HEAD" and response.status not in _WITHOUT_BODY
        parts = [head + sent.parts[0], *sent.parts[1:]] if has_body else [head]
        if sent.pause:
            self._later(sent.pause, partial(self._send_parts, parts, sent.pause, closes=closes or sent.closes))
        else:
            self._send_parts(parts, 0, closes=closes or sent.closes)

    def _send_parts(self, parts: list[bytes], pause: float, *, closes: bool) -> None:
        self._transport.write(parts.pop(0))
        if parts:
            self._later(pause, partial(self._send_parts, parts, pause, closes=closes))
        else:
            self._finish(closes=closes)

    def _head(self, response: HttpResponse, *, closes: bool) -> bytes:
        status = f"HTTP/1.1 {response.status} {_REASONS.get(response.status, '')}\r\n"
        headers = "".join([f"{name}: {value}\r\n" for name, value in response.headers])
        # HTTP/1.1 keeps connections open by default, HTTP/1.0 closes them.
        stays = self._request is not None and self._request.is_http_1_0
        connection = "Connection: close\r\n" if closes else "Connection: Keep-Alive\r\n" if stays else ""
        return f"{status}{headers}Date: {_date(int(system_clock.time()))}\r\n{connection}\r\n".encode("latin-1")

    def _later(self, seconds: float, action: Callable[[], object]) -> None:
        """Run an action after a delay, in place of the one that was to run."""

        def run() -> None:
            self._timer = None
            action()

        self._cancel_timer()
        self._timer = self._server.loop.call_later(seconds, run)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


@lru_cache(maxsize=1)
def _date(now: int) -> str:
    return formatdate(now, usegmt=True)
