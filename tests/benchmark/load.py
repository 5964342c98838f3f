"""The load: many calls over connections that are kept open, from a process other than that of the server, each answer looked at."""

from __future__ import annotations

import contextlib
import re
import selectors
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

LOOPBACK = "127.0.0.1"
ANSWER_SECONDS = 10
# How long the server is left to take note of those who wait.
SETTLING_SECONDS = 0.5
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)")
_RECEIVED_BYTES = 256 * 1024


class WrongAnswer(Exception):
    """A server gave another answer than it should, or none."""


@dataclass(frozen=True)
class Figures:
    """What a load showed: calls a second, and how many milliseconds half of the calls took at most, and 99 of 100."""

    calls: int
    per_second: float
    p50: float
    p99: float


class Connection:
    """One connection, with one call at a time; it is opened anew when the server has closed it."""

    def __init__(self, port: int, selector: selectors.BaseSelector) -> None:
        self._port = port
        self._selector = selector
        self._socket: socket.socket | None = None
        self._request = self._answer = b""
        self._is_second_try = False
        self.sent = 0.0

    def send(self, request: bytes) -> None:
        """Sends a request, from when on its time counts."""
        self.sent = time.perf_counter()
        self._request, self._answer, self._is_second_try = request, b"", False
        if self._socket is None:
            self._open()
        self._write()

    def receive(self) -> bytes | None:
        """Reads what is there, and gives the answer once it is whole."""
        assert self._socket is not None
        try:
            received = self._socket.recv(_RECEIVED_BYTES)
        except ConnectionError:
            received = b""
        if not received and not self._answer:
            self._try_again()
            return None
        self._answer += received
        head, separator, body = self._answer.partition(b"\r\n\r\n")
        fields = head.lower()
        if not received or (separator and _is_whole(fields, body)):
            if not received or b"\r\nconnection: close" in fields or fields.startswith(b"http/1.0"):
                self.close()
            return self._answer
        return None

    def close(self) -> None:
        """Closes the connection."""
        if self._socket is not None:
            self._selector.unregister(self._socket)
            self._socket.close()
            self._socket = None

    def _try_again(self) -> None:
        """Sends the request on another connection, since this one may have been closed for being idle just then."""
        if self._is_second_try:
            raise WrongAnswer("closed the connection without an answer")
        self._is_second_try = True
        self.close()
        self._open()
        self._write()

    def _open(self) -> None:
        self._socket = socket.create_connection((LOOPBACK, self._port), ANSWER_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._selector.register(self._socket, selectors.EVENT_READ, self)

    def _write(self) -> None:
        assert self._socket is not None
        # What cannot be written shows when the answer is read.
        with contextlib.suppress(ConnectionError):
            self._socket.sendall(self._request)


def _is_whole(fields: bytes, body: bytes) -> bool:
    if b"\r\ntransfer-encoding: chunked" in fields:
        return body.endswith(b"0\r\n\r\n")
    length = _LENGTH.search(fields)
    return length is not None and len(body) >= int(length[1])


def drive(port: int, requests: Sequence[bytes], expected: bytes, *, connections: int, seconds: float) -> Figures:
    """Sends the requests until there are no more or the time is over, and holds each answer against a text that it must have.

    Raises `WrongAnswer` for an answer without it, `OSError` when nobody listens.
    """
    left = iter(requests)
    took: list[float] = []
    started = time.perf_counter()
    with selectors.DefaultSelector() as selector, contextlib.ExitStack() as stack:
        for _, request in zip(range(connections), left, strict=False):
            connection = Connection(port, selector)
            stack.callback(connection.close)
            connection.send(request)
        while selector.get_map():
            for connection, answer in _answers(selector):
                took.append(time.perf_counter() - connection.sent)
                _check(answer, expected)
                following = next(left, None) if time.perf_counter() - started < seconds else None
                connection.close() if following is None else connection.send(following)
    per_second = len(took) / (time.perf_counter() - started)
    took.sort()
    return Figures(len(took), per_second, *(took[len(took) * percent // 100] * 1e3 for percent in (50, 99)))


def ask(port: int, request: bytes, expected: bytes) -> None:
    """Makes one call; raises `WrongAnswer` for an answer without the text expected, `OSError` when nobody listens."""
    drive(port, [request], expected, connections=1, seconds=0)


def _answers(selector: selectors.BaseSelector) -> Iterator[tuple[Connection, bytes]]:
    ready = selector.select(ANSWER_SECONDS)
    if not ready:
        raise WrongAnswer(f"no answer within {ANSWER_SECONDS} seconds")
    for key, _ in ready:
        connection: Connection = key.data
        answer = connection.receive()
        if answer is not None:
            yield connection, answer


def _check(answer: bytes, expected: bytes) -> None:
    if expected not in answer or b" 200 " not in answer[:20]:
        found = answer.partition(b"\r\n")[0].decode("latin-1")
        raise WrongAnswer(f"answered `{found}` without `{expected.decode()}`\n{answer.decode(errors='replace')}")


@contextlib.contextmanager
def parked(port: int, waiters: int) -> Iterator[None]:
    """Has so many clients wait meanwhile for a mail that never comes."""
    request = b"GET /_alimock/outbox/wait?to=nobody@example.com&timeout=60 HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with contextlib.ExitStack() as stack:
        for _ in range(waiters):
            stack.enter_context(socket.create_connection((LOOPBACK, port))).sendall(request)
        if waiters:
            time.sleep(SETTLING_SECONDS)
        yield
