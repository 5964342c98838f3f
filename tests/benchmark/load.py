"""The load client: many calls over keep-alive connections. Each response is checked.

It does as little as possible per call, so that the server is the bottleneck.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice

if sys.platform != "win32":
    import resource

LOOPBACK = "127.0.0.1"
RESPONSE_SECONDS = 10
# For a larger buffer, malloc maps and unmaps memory in each call, which takes longer than the call itself.
_RECEIVED_BYTES = 64 * 1024
# The files that the client opens, except for the connections of waiters, with a wide margin.
_OTHER_FILES = 256
_LENGTH = b"\r\ncontent-length:"
_SUCCESS = (b"HTTP/1.1 200 ", b"HTTP/1.0 200 ")
_WAIT = b"GET /_alimock/outbox/wait?to=absent@example.com&timeout=60 HTTP/1.1\r\nHost: localhost\r\n\r\n"
_INFO = b"GET /_alimock/info HTTP/1.1\r\nHost: localhost\r\n\r\n"


class WrongResponse(Exception):
    """The response of a server is wrong or missing."""


@dataclass(frozen=True)
class Figures:
    """The result of a load: calls per second, and the latency percentiles in milliseconds.

    `cpu` is the CPU time of the server in microseconds per call, or None if it was not measured. `state_cpu` is that of the server that
    keeps the state.
    """

    calls: int
    per_second: float
    p50: float
    p99: float
    cpu: float | None = None
    state_cpu: float | None = None


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
        self._request, self._is_retry = request, False
        self._write()

    def receive(self) -> bytes | None:
        """Read what is available; return the response once it is complete, until then None."""
        assert self._socket is not None
        try:
            received = self._socket.recv(_RECEIVED_BYTES)
        except BlockingIOError:
            return None
        except ConnectionError:
            received = b""
        if not received and not self._response:
            self._retry()
            return None
        response = self._response + received if self._response else received
        end = response.find(b"\r\n\r\n")
        fields = response[:end].lower() if end >= 0 else b""
        if received and not (fields and _is_whole(response, fields)):
            self._response = response
            return None
        self._response = b""
        if not received or b"\r\nconnection: close" in fields or fields.startswith(b"http/1.0"):
            self.close()
        return response

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
        self._write()

    def _write(self) -> None:
        if self._socket is None:
            self._socket = socket.create_connection((LOOPBACK, self._port), RESPONSE_SECONDS)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # With a timeout, Python would poll before each read and write.
            self._socket.setblocking(False)
            self._selector.register(self._socket, selectors.EVENT_READ, self)
        # A failed write shows when the response is read.
        with contextlib.suppress(ConnectionError):
            self._socket.sendall(self._request)


def _is_whole(response: bytes, fields: bytes) -> bool:
    """Return whether a response is complete; `fields` is its head in lower case."""
    start = fields.find(_LENGTH) + len(_LENGTH)
    if start < len(_LENGTH):
        return b"\r\ntransfer-encoding: chunked" in fields and response.endswith(b"0\r\n\r\n")
    end = fields.find(b"\r", start)
    length = int(fields[start:] if end < 0 else fields[start:end])
    return len(response) >= len(fields) + len(b"\r\n\r\n") + length


def drive(ports: Sequence[int], requests: Sequence[bytes], expected: bytes, *, connections: int, seconds: float) -> Figures:
    """Send the requests until all are sent or the time is up, and check that each response contains `expected`.

    The connections are spread evenly over the ports.

    Raises `WrongResponse` if one does not, and `OSError` if the server cannot be reached.
    """
    remaining = iter(requests)
    latencies: list[float] = []
    started = time.perf_counter()
    with selectors.DefaultSelector() as selector, contextlib.ExitStack() as stack:
        for port, request in zip(islice(cycle(ports), connections), remaining, strict=False):
            connection = Connection(port, selector)
            stack.callback(connection.close)
            connection.send(request)
        while selector.get_map():
            for connection, response in _responses(selector):
                now = time.perf_counter()
                latencies.append(now - connection.sent)
                _check(response, expected)
                following = next(remaining, None) if now - started < seconds else None
                connection.close() if following is None else connection.send(following)
    per_second = len(latencies) / (time.perf_counter() - started)
    latencies.sort()
    return Figures(len(latencies), per_second, *(latencies[len(latencies) * percent // 100] * 1e3 for percent in (50, 99)))


def ask(port: int, request: bytes, expected: bytes) -> None:
    """Make one call; raise `WrongResponse` if its response lacks `expected`, `OSError` if the server cannot be reached."""
    drive([port], [request], expected, connections=1, seconds=0)


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
    if expected not in response or not response.startswith(_SUCCESS):
        found = response.partition(b"\r\n")[0].decode("latin-1")
        raise WrongResponse(
            f"found the response `{found}`, expected 200 with `{expected.decode()}`\n{response.decode(errors='replace')}"
        )


def wake_up(waiting: int, wait: bytes, calling: int, call: bytes, expected: bytes) -> float:
    """Return the seconds from the response to a call at one port to the end of a wait at another one that began before the call.

    They are negative if the wait ends first. Raises `WrongResponse` unless both responses contain `expected`.
    """
    with selectors.DefaultSelector() as selector, contextlib.ExitStack() as stack:
        waiter, caller = Connection(waiting, selector), Connection(calling, selector)
        stack.callback(waiter.close)
        stack.callback(caller.close)
        waiter.send(wait)
        # As in `parked`, the wait has begun when this is answered.
        ask(waiting, _INFO, b'"cursor"')
        caller.send(call)
        received: dict[Connection, float] = {}
        while len(received) < 2:
            for connection, response in _responses(selector):
                received[connection] = time.perf_counter()
                _check(response, expected)
    return received[waiter] - received[caller]


@contextlib.contextmanager
def parked(port: int, waiters: int) -> Iterator[None]:
    """Keep the given number of clients waiting for a mail that never arrives.

    Raises `WrongResponse` if one of them gets a response or is disconnected.
    """
    if not waiters:
        yield
        return
    _raise_file_limit(waiters + _OTHER_FILES)
    with contextlib.ExitStack() as stack:
        selector = stack.enter_context(selectors.DefaultSelector())
        for _ in range(waiters):
            connection = stack.enter_context(socket.create_connection((LOOPBACK, port), RESPONSE_SECONDS))
            connection.sendall(_WAIT)
            selector.register(connection, selectors.EVENT_READ)
        # The server handles the requests of its control API in their order, so that it has begun all waits when it answers this one.
        ask(port, _INFO, b'"cursor"')
        yield
        ended = len(selector.select(0))
        if ended:
            raise WrongResponse(f"{ended} of {waiters} waits have ended, expected none")


def _raise_file_limit(needed: int) -> None:
    """Raise the soft limit of open files if it is lower."""
    if sys.platform != "win32":
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft != resource.RLIM_INFINITY and soft < needed:
            resource.setrlimit(resource.RLIMIT_NOFILE, (needed if hard == resource.RLIM_INFINITY else min(needed, hard), hard))
