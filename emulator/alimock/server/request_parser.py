"""Parsing of requests with llhttp, which also rejects ambiguous framing, within the limits of their size."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser

from alimock.api.http import HttpRequest
from alimock.settings import ServerLimits

# The requests of one connection that may wait for their turn.
MAX_QUEUED = 64
_VERSIONS = ("1.0", "1.1")
# Only a request line has a space before any colon.
_REQUEST_LINE = re.compile(rb"[!#-9;-~]+ ")
_REQUEST_LINE_START = 40
_FRAMING = (b"content-length", b"transfer-encoding")
_NOT_ASCII = re.compile(rb"[\x80-\xff]")


class Rejected(Exception):
    """Input that is not a valid request; the connection is closed, since the start of the next request is unknown."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Request(NamedTuple):
    """A complete request: its target, for example `/?Action=...`, and whether its client keeps the connection open."""

    http: HttpRequest
    target: str
    keep_alive: bool
    is_http_1_0: bool


class RequestParser:
    """Parses the input of one connection, and appends each complete request to `requests`.

    `has_begun` tells whether a request is incomplete, `expects_continue` whether its client waits for `100 Continue`, `is_new`
    whether nothing has arrived yet, and `is_finished` whether a request closes the connection.
    """

    def __init__(self, limits: ServerLimits, peer: str) -> None:
        self.requests: deque[Request] = deque()
        self.is_new, self.is_finished = True, False
        self._limits = limits
        self._peer = peer
        self._parser = HttpRequestParser(self)
        # Counts heads and bodies.
        self._part = 0
        self._start_message()

    def _start_message(self) -> None:
        self._part += 1
        self.has_begun = self.expects_continue = False
        self._target = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._body: list[bytes] = []
        self._in_body = self._is_upgrade = self._is_replay = False
        # The start of an incomplete line of the head.
        self._line = b""
        # The length of the body so far, how much is to come if that is known, and the input that belongs to head or body alone.
        self._length = self._left = self._fed = 0

    def feed(self, data: bytes) -> None:
        """Parse more input; raises `Rejected`. Whatever follows a request that closes the connection is ignored."""
        before, self.is_new = self._part, False
        for piece in (data,) if data.isascii() else self._pieces(data):
            if not self.is_finished:
                self._feed(piece)
        if self.has_begun and self._part == before:
            self._fed += len(data)
            self._check(self._fed)
        if self.has_begun and not self._in_body:
            self._line = ((b"" if b"\n" in data else self._line) + data[data.rfind(b"\n") + 1 :])[:_REQUEST_LINE_START]

    def close(self) -> None:
        """Break the reference cycle with llhttp, which would keep both until garbage collection."""
        del self._parser

    @property
    def is_full(self) -> bool:
        """Whether as many requests are queued as may wait for their turn."""
        if not self.requests or len(self.requests) > MAX_QUEUED:
            return bool(self.requests)
        return sum(len(request.http.body) for request in self.requests) > self._limits.max_body_bytes

    def _check(self, size: int) -> None:
        """Check the size of the head or of the body, whichever is being read."""
        limits = self._limits
        if self._in_body and size > limits.max_body_bytes:
            raise Rejected(413, "The body is too long. See --limit max_body_bytes.")
        if not self._in_body and size > limits.max_header_bytes:
            is_line = len(self._target) > limits.max_header_bytes or not (self._headers or self._line)
            status, what = (414, "request line is") if is_line else (431, "headers are")
            raise Rejected(status, f"The {what} too long. See --limit max_header_bytes.")

    def _feed(self, data: bytes) -> None:
        try:
            while data:
                data = self._rest_after_upgrade(data)
        except HttpParserError as error:
            if not self.is_finished:
                reason = error.__context__
                raise reason if isinstance(reason, Rejected) else Rejected(400, f"{error}.") from None

    def _pieces(self, data: bytes) -> Iterator[bytes]:
        """Percent-encode request lines, apart from the rest: clients send raw UTF-8 in a target, which llhttp rejects."""
        start = 0
        while start < len(data):
            is_head_line = not self.has_begun or bool(self._line)
            if self._left:
                end = start + self._left
            elif is_head_line:
                end = data.find(b"\n", start) + 1 or len(data)
            else:
                # Headers and chunked bodies end at an empty line.
                found = data.find(b"\r\n\r\n", max(start - 2, 0))
                end = found + 4 if found >= 0 else len(data)
            piece, start = data[start:end], end
            is_request_line = is_head_line and _REQUEST_LINE.match(self._line + piece)
            self._line = b""
            yield _NOT_ASCII.sub(lambda byte: b"%%%02X" % byte[0][0], piece) if is_request_line else piece

    def _rest_after_upgrade(self, data: bytes) -> bytes:
        """Parse input up to an offer of another protocol, as Java makes one (h2c), and return the rest for a new parser.

        llhttp ends at such an offer. The new parser needs the headers that frame the body once more.
        """
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade as upgrade:
            if self._is_upgrade:
                framing = [b"%b: %b\r\n" % header for header in self._headers if header[0].lower() in _FRAMING]
                self._parser = HttpRequestParser(self)
                self._is_upgrade, self._is_replay = False, True
                self._parser.feed_data(b"POST / HTTP/1.1\r\n%b\r\n" % b"".join(framing))
                return data[upgrade.args[0] :]
        return b""

    # The callbacks of llhttp.

    def on_message_begin(self) -> None:
        self.has_begun = True

    def on_url(self, url: bytes) -> None:
        if not self._is_replay:
            self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_body:
            self._grow(len(name) + len(value))
        elif not self._is_replay:
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        parser = self._parser
        if self._is_replay:
            self._in_body = True
            return
        self._version, self._method = parser.get_http_version(), parser.get_method().decode()
        if self._version not in _VERSIONS:
            raise Rejected(505, "Expected HTTP/1.1 or HTTP/1.0.")
        if b"#" in self._target:
            raise Rejected(400, "Expected a target without a fragment (#).")
        self._check(len(self._target) + sum(len(name) + len(value) for name, value in self._headers))
        self._joined = self._join_headers()
        self._part += 1
        self._in_body, self._fed = True, 0
        self._left = int(self._joined.get("content-length", 0))
        self._check(self._left)
        self._keep_alive = parser.should_keep_alive() and self._method != "CONNECT"
        self._is_upgrade = parser.should_upgrade() and self._method != "CONNECT"
        self.expects_continue = self._version == "1.1" and self._joined.get("expect", "").lower() == "100-continue"

    def _join_headers(self) -> dict[str, str]:
        """Return the headers by name; raise `Rejected` if they are ambiguous."""
        joined: dict[str, str] = {}
        repeated: dict[str, list[str]] = {}
        for raw_name, raw_value in self._headers:
            name, value = raw_name.decode("ascii").lower(), raw_value.decode("utf-8", "replace").strip(" \t")
            if name in joined:
                repeated.setdefault(name, [joined[name]]).append(value)
            # In WSGI a name with an underscore is the same as one with a hyphen.
            elif "_" not in name:
                joined[name] = value
        if len(set(repeated.pop("host", ()))) > 1:
            raise Rejected(400, "Two different Host headers.")
        joined.update({name: ", ".join(values) for name, values in repeated.items()})
        encoding = joined.get("transfer-encoding")
        if encoding is not None and (encoding.lower() != "chunked" or self._version == "1.0"):
            raise Rejected(400, "Expected Transfer-Encoding: chunked, and only in HTTP/1.1.")
        return joined

    def on_body(self, body: bytes) -> None:
        self._body.append(body)
        self._left -= len(body) if self._left else 0
        self._grow(len(body))

    def _grow(self, size: int) -> None:
        self._length += size
        self._check(self._length)

    def on_message_complete(self) -> None:
        if self._is_upgrade:
            return
        target = self._target.decode("latin-1")
        http = HttpRequest(self._method, target.partition("?")[2], self._joined, b"".join(self._body), self._peer)
        self.requests.append(Request(http, target, self._keep_alive, self._version == "1.0"))
        self.is_finished = not self._keep_alive
        self._start_message()
