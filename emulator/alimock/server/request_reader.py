"""Reading of requests: cheroot's parser, stricter where framing is ambiguous, more tolerant where SDKs need it."""

from __future__ import annotations

import re
import socket
import ssl
import time
from contextlib import suppress
from email.utils import formatdate
from functools import lru_cache
from io import BytesIO
from urllib.parse import unquote_to_bytes

from cheroot.errors import MaxSizeExceeded
from cheroot.makefile import StreamReader, StreamWriter
from cheroot.server import HTTPConnection, HTTPRequest, HTTPServer, SizeCheckWrapper, comma_separated_headers

_HEADER_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# All control characters except the tab.
_CONTROLS = rb"\x00-\x08\x0a-\x1f\x7f"
_CONTROL = re.compile(rb"[" + _CONTROLS + rb"]")
# The headers that determine the end of a request and its host.
_FRAMING = (b"Content-Length", b"Transfer-Encoding", b"Host")
_LENGTH = re.compile(rb"[0-9]+")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]+)(?:[ \t]*;[^" + _CONTROLS + rb"]*)?\r\n")
# The setting that limits each of these.
_SETTINGS = {"413": "--limit max_body_bytes", "414": "--limit max_header_bytes", "431": "--limit max_header_bytes"}
_VERSION = re.compile(rb"HTTP/[0-9]\.[0-9]")
_NOT_ASCII = re.compile(rb"[\x80-\xff]")


class _ResponseHeaders(list[tuple[bytes, bytes]]):
    """Response headers without the `Server` that cheroot appends: the real gateway sends none."""

    def append(self, header: tuple[bytes, bytes]) -> None:
        if header[0] != b"Server":
            super().append(header)


class _RequestLines:
    """The lines of a request with non-ASCII bytes percent-encoded: cheroot rejects them, but clients send raw UTF-8."""

    def __init__(self, lines: SizeCheckWrapper) -> None:
        self._lines = lines

    def readline(self) -> bytes:
        line: bytes = self._lines.readline()
        if _CONTROL.search(line.rstrip(b"\r\n")) or b"\t" in line:
            raise ValueError("A request line with control characters.")
        return line if line.isascii() else _NOT_ASCII.sub(lambda byte: b"%%%02X" % byte[0][0], line)


class _Headers:
    """Parses the headers of a request and rejects ambiguous framing, which cheroot accepts.

    Raise `ValueError`, which becomes a 400 response.
    """

    def __call__(self, lines: SizeCheckWrapper, headers: dict[bytes, bytes]) -> None:
        while (line := lines.readline()) != b"\r\n":
            name, value = self._parted(line)
            before = headers.get(name)
            if name in _FRAMING and before not in (None, value):
                raise ValueError(f"The header {name.decode()} came twice.")
            joined = before is not None and name in comma_separated_headers
            # In WSGI a name with an underscore is the same as one with a hyphen.
            if b"_" not in name:
                headers[name] = b", ".join((before or b"", value)) if joined else value
        self._check_framing(headers.get(b"Content-Length"), headers.get(b"Transfer-Encoding"))
        if b"Expect" in headers:
            headers[b"Expect"] = headers[b"Expect"].lower()

    @staticmethod
    def _check_framing(length: bytes | None, encoding: bytes | None) -> None:
        if length is not None and encoding is not None:
            raise ValueError("Transfer-Encoding and Content-Length came together.")
        if length is not None and not _LENGTH.fullmatch(length):
            raise ValueError("Content-Length is no number.")
        if encoding is not None and encoding.lower() != b"chunked":
            raise ValueError("Transfer-Encoding is not chunked.")

    @staticmethod
    def _parted(line: bytes) -> tuple[bytes, bytes]:
        if not line.endswith(b"\r\n"):
            raise ValueError("The headers end too early, or in a line without CRLF.")
        name, colon, value = line[:-2].partition(b":")
        if not colon or not _HEADER_NAME.fullmatch(name) or _CONTROL.search(value):
            raise ValueError("Illegal header line.")
        return name.title(), value.strip()


class Request(HTTPRequest):
    """A request, possibly in absolute form (clients with HTTP_PROXY) or with a path that starts with `//`.

    The body is read completely before the response, so that an incomplete one is rejected and the next request is found.
    """

    rfile: SizeCheckWrapper | _RequestLines | BytesIO
    header_reader = _Headers()
    chunked_read: bool

    def __init__(self, server: HTTPServer, conn: HTTPConnection) -> None:
        super().__init__(server, conn, proxy_mode=True, strict_mode=False)
        self.outheaders = _ResponseHeaders()

    def read_request_line(self) -> bool:
        self.conn.reading_since = time.monotonic()
        lines = self.rfile
        self.rfile = _RequestLines(lines)
        try:
            if not super().read_request_line():
                return False
        except ValueError:
            # Control characters, or what urlsplit reads as an invalid IPv6 address.
            self.simple_response("400 Bad Request", "Malformed Request-URI")
            return False
        finally:
            self.rfile = lines
        if not _VERSION.fullmatch(self.request_protocol):
            self.simple_response("400 Bad Request", "Malformed Request-Line: bad version")
            return False
        if self.uri.startswith(b"/"):
            # cheroot reads the part after `//` as a host, and keeps encoded slashes, which an address may contain.
            path, _, self.qs = self.uri.partition(b"?")
            self.path = unquote_to_bytes(path)
        return True

    def read_request_headers(self) -> bool:
        try:
            if not super().read_request_headers():
                return False
        except MaxSizeExceeded:
            self.simple_response("431 Request Header Fields Too Large", "The headers are too long.")
            return False
        if b"Transfer-Encoding" in self.inheaders and not self.chunked_read:
            # HTTP/1.0 has no chunked bodies; the body would be read as the next request.
            self.simple_response("400 Bad Request", "Transfer-Encoding came with HTTP/1.0.")
            return False
        return True

    def send_headers(self) -> None:
        """Send the headers together with the start of the body."""
        self.outheaders.append((b"Date", _date(int(time.time()))))
        self.conn.wfile.holds_back = True
        super().send_headers()
        self.conn.wfile.holds_back = False

    def respond(self) -> None:
        try:
            body = self._body()
            self.conn.reading_since = None
        except MaxSizeExceeded:
            self.simple_response("413 Request Entity Too Large", "The body is too long.")
        except ValueError:
            self.simple_response("400 Bad Request", "The body ends before its length or is chunked wrongly.")
        else:
            self.rfile = body
            # Closing frees the body even if an error's traceback keeps the request alive.
            with body:
                self.server.gateway(self).respond()
                self.ensure_headers_sent()
                self.conn.wfile.flush()

    def simple_response(self, status: str, msg: str = "") -> None:
        """Reject the request and close the connection, because the start of the next request is unknown."""
        self.close_connection = self.conn.refused = True
        if self.conn.is_cut:
            status, msg = "408 Request Timeout", "Request timeout; see --limit request_seconds."
        elif status.startswith("408"):
            msg = "No data of the request was received for too long; see --limit idle_seconds."
        setting = _SETTINGS.get(status[:3])
        text = f"{msg} See {setting}." if setting is not None else msg
        head = f"{self.server.protocol} {status}\r\nContent-Type: text/plain\r\nConnection: close\r\n"
        with suppress(OSError):
            self.conn.wfile.write(f"{head}Content-Length: {len(text)}\r\n\r\n{text}".encode("ascii", "replace"))

    def _body(self) -> BytesIO:
        """Read the whole body and set its length; raise `ValueError` or `MaxSizeExceeded`."""
        body = self._read_chunks() if self.chunked_read else self._read(int(self.inheaders.get(b"Content-Length", 0)))
        self.chunked_read = False
        self.inheaders[b"Content-Length"] = str(len(body)).encode()
        return BytesIO(body)

    def _read_chunks(self) -> bytes:
        """Read a chunked body. The limit includes the framing of the chunks."""
        limit = self.server.max_request_body_size
        source = SizeCheckWrapper(self.conn.rfile, limit)
        chunks = []
        while size := self._chunk_size(source.readline()):
            if source.bytes_read + size > limit:
                raise MaxSizeExceeded
            chunks.append(self._read(size))
            source.bytes_read += size
            if source.read(2) != b"\r\n":
                raise ValueError(size)
        while (trailer := source.readline()) != b"\r\n":
            if not trailer.endswith(b"\r\n"):
                raise ValueError(trailer)
        return b"".join(chunks)

    @staticmethod
    def _chunk_size(line: bytes) -> int:
        found = _CHUNK_SIZE.fullmatch(line)
        if found is None:
            raise ValueError(line)
        return int(found[1], 16)

    def _read(self, length: int) -> bytes:
        """Read exactly `length` bytes; raise `ValueError` if fewer arrive."""
        read: bytes = self.conn.rfile.read(length)
        if len(read) != length:
            raise ValueError(length)
        return read


class _Reader(StreamReader):
    """A reader with a fast path for lines that are already buffered."""

    _read_pos: int
    _read_buf: bytes

    def readline(self, size: int = -1) -> bytes:
        start = self._read_pos
        end = self._read_buf.find(b"\n", start) + 1
        if not end or 0 <= size < end - start:
            return bytes(super().readline(size))
        self._read_pos = end
        return bytes(self._read_buf[start:end])

    def has_data(self) -> bool:
        """Return whether more input is buffered, in the reader or in the TLS layer."""
        connection = self.raw._sock
        return bool(super().has_data()) or (isinstance(connection, ssl.SSLSocket) and connection.pending() > 0)


class _Writer(StreamWriter):
    """A writer that can hold data back until more is written, so that both leave in one packet.

    `since` is when the current write began to wait for the client.
    """

    _write_buf: bytearray
    holds_back = False
    since: float | None = None

    def _flush_unlocked(self) -> None:
        if self.holds_back:
            return
        self.since = time.monotonic()
        try:
            super()._flush_unlocked()
        finally:
            self.since = None


def make_file(sock: socket.socket, mode: str, size: int) -> _Reader | _Writer:
    """Return the file object with which cheroot reads from or writes to a socket."""
    return (_Reader if "r" in mode else _Writer)(sock, mode, size)


@lru_cache(maxsize=1)
def _date(now: int) -> bytes:
    return formatdate(now, usegmt=True).encode()
