"""One connection: its requests are answered in order, with response faults and within timeouts."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import struct
import sys
import time
from collections.abc import Callable
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING

from alimock.api.faults import apply_fault, pieces
from alimock.api.http import HttpResponse
from alimock.scenario.model import ResponseFault
from alimock.server.listener import Listener
from alimock.server.request_parser import Rejected, Request, RequestParser
from alimock.state.waiters import Waiter

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


class Connection(asyncio.Protocol):
    """The connection of one client, run by the event loop of its server.

    The server keeps it in `group`, by what it waits for, since the time `since` of the loop. `heard` is when the client last sent
    something. `waiter` is the wait of the current request, if it is parked.
    """

    _transport: asyncio.Transport
    _parser: RequestParser

    def __init__(self, server: Server, listener: Listener) -> None:
        self.listener = listener
        self.group: dict[Connection, None] | None = None
        self.since = self.heard = server.loop.time()
        self.peer = ""
        self.waiter: Waiter[object] | None = None
        self._server = server
        self._request: Request | None = None
        self._rejection: Rejected | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._is_new = True
        # Whether the client reads no response, the input is dropped, the client has closed its write side, reading is paused.
        self._is_blocked = self._is_draining = self._is_ended = self._is_paused = False

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.peer = (transport.get_extra_info("peername") or ("",))[0]
        self._parser = RequestParser(self._server.limits, self.peer)
        self._server.add(self)

    def data_received(self, data: bytes) -> None:
        if self._is_draining:
            self._later(DRAIN_SECONDS, self.abort)
            return
        if self._is_new and data[0] == _TLS_HANDSHAKE and self.listener.context is None:
            logger.warning('%s speaks TLS to the plain port: set protocol="http" in the client, or use --tls-port', self.peer)
            self.abort()
            return
        self._is_new = False
        self.heard = self._server.loop.time()
        try:
            self._parser.feed(data)
        except Rejected as rejection:
            self._rejection = rejection
        self._advance()

    def eof_received(self) -> bool:
        """Return whether to keep the connection: a client that has closed its write side gets its responses, but waits for none."""
        self._is_ended = True
        if self._parser.has_begun and self._rejection is None:
            self._rejection = Rejected(400, "The connection was closed before the request was complete.")
        if self._timer is not None:
            return False
        self._advance()
        return not self._transport.is_closing()

    def connection_lost(self, error: Exception | None) -> None:
        if isinstance(error, ssl.SSLError):
            logger.info("TLS connection of %s failed: %s", self.peer, error)
        self._cancel_timer()
        self._server.remove(self)

    def pause_writing(self) -> None:
        self._is_blocked = True
        self._server.move(self, self._server.blocked)

    def resume_writing(self) -> None:
        self._is_blocked = False
        self._server.move(self, None)
        self._advance()

    # What the server calls.

    def respond(self, response: HttpResponse) -> None:
        """Send the response to the current request, and apply its fault."""
        fault = response.fault
        if self._transport.is_closing():
            return
        if fault is None:
            head = self._head(response, closes=self._closes())
            has_body = self._request is not None and self._request.http.method != "HEAD" and response.status not in _WITHOUT_BODY
            self._transport.write(head + response.body if has_body else head)
            self._finish()
        elif fault.delay:
            self._later(fault.delay, lambda: self._respond_with(fault, response))
        else:
            self._respond_with(fault, response)

    def park(self, waiter: Waiter[object]) -> bool:
        """Keep the current request without a thread until its wait is over; return False if the client has disconnected."""
        if self._is_ended:
            self._transport.close()
        if self._transport.is_closing():
            return False
        self.waiter = waiter
        self._later(waiter.seconds_left, self.resume)
        return True

    def resume(self) -> None:
        """Answer the request whose wait is over."""
        waiter, self.waiter = self.waiter, None
        if waiter is not None and self._request is not None:
            self._cancel_timer()
            self._server.unpark(waiter)
            self._server.answer(self, self._request, waiter)

    def time_out(self, reason: str) -> None:
        """Close the connection: after a response if its request is incomplete, else silently."""
        if self._is_draining:
            self.abort()
        elif self._parser.has_begun:
            logger.info("request of %s timed out: %s", self.peer, reason)
            self._rejection = Rejected(408, reason)
            self._advance()
        else:
            self._transport.close()

    def stop(self) -> None:
        """Close the connection, after the response that is under way, but not after a delay."""
        if self._timer is not None and self.waiter is None:
            self.abort()
        elif self._request is None and not self._parser.has_begun:
            self._transport.close()

    def abort(self) -> None:
        """Close the connection at once."""
        self._transport.abort()

    # Requests, in order.

    def _advance(self) -> None:
        """Answer the next request, unless one is being answered or the client reads no response."""
        if self._request is not None or self._is_blocked or self._is_draining or self._transport.is_closing():
            return
        if self._parser.requests:
            self._request = self._parser.requests.pop(0)
            self._server.move(self, None)
            self._read_on(not self._parser.requests)
            self._server.answer(self, self._request)
        elif self._rejection is not None:
            self._reject(self._rejection)
        elif self._is_ended:
            self._transport.close()
        else:
            self._read_on(True)
            self._continue()
            self._server.move(self, self._server.reading if self._parser.has_begun else self._server.idle)

    def _read_on(self, reads: bool) -> None:
        """Read nothing while further requests are queued, so that a client cannot fill the memory."""
        if reads == self._is_paused:
            self._is_paused = not reads
            (self._transport.resume_reading if reads else self._transport.pause_reading)()

    def _continue(self) -> None:
        if self._parser.expects_continue:
            self._parser.expects_continue = False
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _finish(self, *, closes: bool = False) -> None:
        """Close the connection, or answer the next request after other connections had their turn."""
        closes = closes or self._closes()
        self._request = None
        if closes:
            self._transport.close()
        elif self._parser.requests:
            self._server.loop.call_soon(self._advance)
        else:
            self._advance()

    def _closes(self) -> bool:
        return self._request is None or not self._request.keep_alive or self._server.is_stopping

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
        self._read_on(True)
        self._server.move(self, self._server.reading)
        self._later(DRAIN_SECONDS, self.abort)

    # Responses.

    def _respond_with(self, fault: ResponseFault, response: HttpResponse) -> None:
        if fault.reset is not None:
            self._reset()
            return
        sent = apply_fault(response)
        parts = list(pieces(sent.response.body)) if fault.slow else [sent.response.body]
        pause = fault.slow / max(len(parts), 1)
        # No header reveals that the connection will be closed.
        parts[:1] = [self._head(sent.response, closes=self._closes()) + b"".join(parts[:1])]
        parts[-1] += sent.surplus
        closes = bool(sent.surplus) or not sent.complete
        if fault.slow:
            self._later(pause, lambda: self._send_parts(parts, pause, closes=closes))
        else:
            self._send_parts(parts, pause, closes=closes)

    def _send_parts(self, parts: list[bytes], pause: float, *, closes: bool) -> None:
        """Send the parts of a response with pauses between them."""
        self._transport.write(parts.pop(0))
        if parts:
            self._later(pause, lambda: self._send_parts(parts, pause, closes=closes))
        else:
            self._finish(closes=closes)

    def _reset(self) -> None:
        self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self._transport.abort()

    def _head(self, response: HttpResponse, *, closes: bool) -> bytes:
        status = f"HTTP/1.1 {response.status} {_REASONS.get(response.status, '')}\r\n"
        headers = "".join([f"{name}: {value}\r\n" for name, value in response.headers])
        # HTTP/1.1 keeps connections open by default, HTTP/1.0 closes them.
        stays = self._request is not None and self._request.is_http_1_0
        connection = "Connection: close\r\n" if closes else "Connection: Keep-Alive\r\n" if stays else ""
        return f"{status}{headers}Date: {_date(int(time.time()))}\r\n{connection}\r\n".encode("latin-1")

    def _later(self, seconds: float, action: Callable[[], None]) -> None:
        """Run an action later, in place of the one that was to run."""
        self._cancel_timer()
        self._timer = self._server.loop.call_later(seconds, action)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


@lru_cache(maxsize=1)
def _date(now: int) -> str:
    return formatdate(now, usegmt=True)
