"""The latest requests and responses of the emulated API, as this process received and sent them."""

from __future__ import annotations

from collections import deque
from threading import Lock
from typing import NamedTuple

from alimock.api.http import HttpRequest, HttpResponse

DEFAULT_MAX_EXCHANGE_BYTES = 16 * 1024 * 1024
# About what the objects of an exchange take, and those of a header besides its characters.
_OVERHEAD = 1024
_HEADER_OVERHEAD = 150


class Exchange(NamedTuple):
    """A request with its response, to which the server applies its fault."""

    request: HttpRequest
    response: HttpResponse


class Exchanges:
    """The latest exchanges, within a number of bytes. Any thread may use it.

    Every call adds one, and few are read, so they are not indexed.
    """

    def __init__(self, max_bytes: int = DEFAULT_MAX_EXCHANGE_BYTES) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._lock = Lock()
        self._kept: deque[tuple[str, HttpRequest, HttpResponse, int]] = deque()

    def add(self, request_id: str, request: HttpRequest, response: HttpResponse) -> None:
        """Keep an exchange, and evict the oldest beyond the limit."""
        size = _size(request, response)
        with self._lock:
            self._kept.append((request_id, request, response, size))
            self._bytes += size
            while self._bytes > self._max_bytes:
                self._bytes -= self._kept.popleft()[-1]

    def get(self, request_id: str) -> Exchange | None:
        """Return the latest exchange with a request id, or None. With a seed, ids repeat after a reset."""
        with self._lock:
            found = next((kept for kept in reversed(self._kept) if kept[0] == request_id), None)
        return Exchange(found[1], found[2]) if found is not None else None


def _size(request: HttpRequest, response: HttpResponse) -> int:
    headers = request.headers
    sent = len(request.path) + len(request.query) + len(request.body) + len("".join(headers)) + len("".join(headers.values()))
    received = len(response.body) + sum([len(name) + len(value) for name, value in response.headers])
    return _OVERHEAD + sent + received + _HEADER_OVERHEAD * (len(headers) + len(response.headers))
