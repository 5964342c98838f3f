"""The load generator: many calls over keep-alive connections. Each response is checked."""

from __future__ import annotations

import contextlib
import re
import selectors
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

LOOPBACK = "127.0.0.1"
RESPONSE_SECONDS = 10
# The time for the server to register the waiters.
SETTLING_SECONDS = 0.5
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)")
_RECEIVED_BYTES = 256 * 1024


class WrongResponse(Exception):
    """The response of a server is wrong or missing."""


@dataclass(frozen=True)
class Figures:
    """The result of a load: calls per second, and the latency percentiles in milliseconds."""

    calls: int
    per_second: float
    p50: float
    p99: float


class Connection:
    """A connection for one call at a time. It is reopened after the server has closed it."""

    def __init__(self, port: int, selector: selectors.BaseSelector) -> None:
        self._port = port
        self._selector = selector
        self._socket: socket.socket | None = None
        self._request = self._response = b""
        self._is_retry = False
        self.sent = 0.0

    def send(self, request: bytes) -> None:
        """Send a request and start its timer."""
        self.sent = time.perf_counter()
        self._request, self._response, self._is_retry = request, b"", False
        if self._socket is None:
            self._open()
        self._write()

    def receive(self) -> bytes | None:
        """Read what is available; return the response once it is complete, until then None."""
        assert self._socket is not None
        try:
            received = self._socket.recv(_RECEIVED_BYTES)
        except ConnectionError:
            received = b""
        if not received and not self._response:
            self._retry()
            return None
        self._response += received
        head, separator, body = self._response.partition(b"\r\n\r\n")
        fields = head.lower()
        if not received or (separator and _is_whole(fields, body)):
            if not received or b"\r\nconnection: close" in fields or fields.startswith(b"http/1.0"):
                self.close()
            return self._response
        return None

    def close(self) -> None:
        if self._socket is not None:
            self._selector.unregister(self._socket)
            self._socket.close()
            self._socket = None

    def _retry(self) -> None:
        """Resend the request on a new connection: the server may just have closed this one because it was idle."""
        if self._is_retry:
            raise WrongResponse("the connection was closed without a response")
        self._is_retry = True
        self.close()
        self._open()
        self._write()

    def _open(self) -> None:
        self._socket = socket.create_connection((LOOPBACK, self._port), RESPONSE_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._selector.register(self._socket, selectors.EVENT_READ, self)

    def _write(self) -> None:
        assert self._socket is not None
        # A failed write shows when the response is read.
        with contextlib.suppress(ConnectionError):
            self._socket.sendall(self._request)


def _is_whole(fields: bytes, body: bytes) -> bool:
    if b"\r\ntransfer-encoding: chunked" in fields:
        return body.endswith(b"0\r\n\r\n")
    length = _LENGTH.search(fields)
    return length is not None and len(body) >= int(length[1])


def drive(port: int, requests: Sequence[bytes], expected: bytes, *, connections: int, seconds: float) -> Figures:
    """Send the requests until all are sent or the time is up, and check that each response contains `expected`.

    Raises `WrongResponse` if one does not, and `OSError` if the server cannot be reached.
    """
    remaining = iter(requests)
    latencies: list[float] = []
    started = time.perf_counter()
    with selectors.DefaultSelector() as selector, contextlib.ExitStack() as stack:
        for _, request in zip(range(connections), remaining, strict=False):
            connection = Connection(port, selector)
            stack.callback(connection.close)
            connection.send(request)
        while selector.get_map():
            for connection, response in _responses(selector):
                latencies.append(time.perf_counter() - connection.sent)
                _check(response, expected)
                following = next(remaining, None) if time.perf_counter() - started < seconds else None
                connection.close() if following is None else connection.send(following)
    per_second = len(latencies) / (time.perf_counter() - started)
    latencies.sort()
    return Figures(len(latencies), per_second, *(latencies[len(latencies) * percent // 100] * 1e3 for percent in (50, 99)))


def ask(port: int, request: bytes, expected: bytes) -> None:
    """Make one call; raise `WrongResponse` if its response lacks `expected`, `OSError` if the server cannot be reached."""
    drive(port, [request], expected, connections=1, seconds=0)


def _responses(selector: selectors.BaseSelector) -> Iterator[tuple[Connection, bytes]]:
    ready = selector.select(RESPONSE_SECONDS)
    if not ready:
        raise WrongResponse(f"no response within {RESPONSE_SECONDS} seconds")
    for key, _ in ready:
        connection: Connection = key.data
        response = connection.receive()
        if response is not None:
            yield connection, response


def _check(response: bytes, expected: bytes) -> None:
    if expected not in response or b" 200 " not in response[:20]:
        found = response.partition(b"\r\n")[0].decode("latin-1")
        raise WrongResponse(
            f"found the response `{found}`, expected 200 with `{expected.decode()}`\n{response.decode(errors='replace')}"
        )


@contextlib.contextmanager
def parked(port: int, waiters: int) -> Iterator[None]:
    """Keep the given number of clients waiting for a mail that never arrives."""
    request = b"GET /_alimock/outbox/wait?to=absent@example.com&timeout=60 HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with contextlib.ExitStack() as stack:
        for _ in range(waiters):
            stack.enter_context(socket.create_connection((LOOPBACK, port))).sendall(request)
        if waiters:
            time.sleep(SETTLING_SECONDS)
        yield
