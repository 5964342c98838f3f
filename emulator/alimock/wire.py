"""Requests as they come over the wire: cheroot's reading, strict where two readers could differ, generous where SDKs need it."""

from __future__ import annotations

import re
import socket
import time
from email.utils import formatdate
from functools import lru_cache
from io import BytesIO
from urllib.parse import unquote_to_bytes

from cheroot.errors import MaxSizeExceeded
from cheroot.makefile import StreamReader, StreamWriter
from cheroot.server import ChunkedRFile, HTTPConnection, HTTPRequest, HTTPServer, SizeCheckWrapper, comma_separated_headers

_HEADER_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
# What says where a request ends and whom it is for.
_FRAMING = (b"Content-Length", b"Transfer-Encoding", b"Host")
_NOT_ASCII = re.compile(rb"[\x80-\xff]")


class _ResponseHeaders(list[tuple[bytes, bytes]]):
    """Response headers without the `Server` that cheroot appends: the real gateway sends none."""

    def append(self, header: tuple[bytes, bytes]) -> None:
        if header[0] != b"Server":
            super().append(header)


class _RequestLines:
    """The lines of a request with bytes outside ASCII percent-encoded: cheroot refuses them raw, but clients send raw UTF-8."""

    def __init__(self, lines: SizeCheckWrapper) -> None:
        self._lines = lines

    def readline(self) -> bytes:
        line: bytes = self._lines.readline()
        return line if line.isascii() else _NOT_ASCII.sub(lambda byte: b"%%%02X" % byte[0][0], line)


class _Headers:
    """Reads the headers of a request, and refuses what two readers could take differently: cheroot's own is generous.

    Raises `ValueError`, which is answered with 400.
    """

    def __call__(self, lines: SizeCheckWrapper, headers: dict[bytes, bytes]) -> None:
        while (line := lines.readline()) != b"\r\n":
            name, value = self._parted(line)
            before = headers.get(name)
            if name in _FRAMING and before not in (None, value):
                raise ValueError(f"The header {name.decode()} came twice.")
            joined = before is not None and name in comma_separated_headers
            # A name with an underscore would be taken for the one with a hyphen.
            if b"_" not in name:
                headers[name] = b", ".join((before or b"", value)) if joined else value
        if b"Transfer-Encoding" in headers and b"Content-Length" in headers:
            raise ValueError("Transfer-Encoding and Content-Length came together.")

    @staticmethod
    def _parted(line: bytes) -> tuple[bytes, bytes]:
        if not line.endswith(b"\r\n"):
            raise ValueError("The headers end too early, or in a line without CRLF.")
        name, colon, value = line[:-2].partition(b":")
        if not colon or not _HEADER_NAME.fullmatch(name) or _CONTROL.search(value):
            raise ValueError("Illegal header line.")
        return name.title(), value.strip()


class Request(HTTPRequest):
    """A request that may come in the absolute form, as clients with HTTP_PROXY send it, or with a path that begins with `//`.

    Its body is read before anything answers it, so that no answer is given to half a body and the connection stays in step.
    """

    rfile: SizeCheckWrapper | _RequestLines | BytesIO
    header_reader = _Headers()

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
            # urlsplit refuses what looks like a broken IPv6 address.
            self.simple_response("400 Bad Request", "Malformed Request-URI")
            return False
        finally:
            self.rfile = lines
        if self.uri.startswith(b"/"):
            # cheroot takes what follows two slashes for a host, and leaves encoded slashes, which may stand in an address.
            path, _, self.qs = self.uri.partition(b"?")
            self.path = unquote_to_bytes(path)
        return True

    def send_headers(self) -> None:
        """Sends the headers with the beginning of the body."""
        self.outheaders.append((b"Date", _date(int(time.time()))))
        self.conn.wfile.holds_back = True
        super().send_headers()
        self.conn.wfile.holds_back = False

    def respond(self) -> None:
        try:
            body = self._read_body()
            self.conn.reading_since = None
        except (MaxSizeExceeded, OSError) as error:
            # cheroot says the same in two ways; any other OSError is the connection's.
            if isinstance(error, OSError) and error.args != ("Request Entity Too Large",):
                raise
            self._refuse("413 Request Entity Too Large", "The body exceeds the maximum allowed bytes.")
        except ValueError:
            self._refuse("400 Bad Request", "The body ends before its length or is chunked wrongly.")
        else:
            self.rfile, self.chunked_read = BytesIO(body), False
            self.inheaders[b"Content-Length"] = str(len(body)).encode()
            self.server.gateway(self).respond()
            self.ensure_headers_sent()
            self.conn.wfile.flush()

    def _read_body(self) -> bytes:
        """Reads the whole body; raises `ValueError` for one that is cut short or chunked wrongly."""
        if self.chunked_read:
            chunks = ChunkedRFile(self.conn.rfile, self.server.max_request_body_size)
            body: bytes = chunks.read()
            for _ in chunks.read_trailer_lines():
                pass
            return body
        length = int(self.inheaders.get(b"Content-Length", 0))
        body = self.conn.rfile.read(max(length, 0))
        if len(body) != length:
            raise ValueError(length)
        return body

    def _refuse(self, status: str, message: str) -> None:
        self.simple_response(status, message)
        self.close_connection = True


class _Reader(StreamReader):
    """A reader that takes a line which is there already at once; cheroot's looks for its end in several steps of Python."""

    _read_pos: int
    _read_buf: bytes

    def readline(self, size: int = -1) -> bytes:
        start = self._read_pos
        end = self._read_buf.find(b"\n", start) + 1
        if not end or 0 <= size < end - start:
            return bytes(super().readline(size))
        self._read_pos = end
        return bytes(self._read_buf[start:end])


class _Writer(StreamWriter):
    """A writer that can hold something back until more is written, so that both go in one packet."""

    _write_buf: bytearray
    holds_back = False

    def _flush_unlocked(self) -> None:
        if not self.holds_back:
            super()._flush_unlocked()


def make_file(sock: socket.socket, mode: str, size: int) -> _Reader | _Writer:
    """Makes the file by which cheroot reads from a socket, or writes to it."""
    return (_Reader if "r" in mode else _Writer)(sock, mode, size)


@lru_cache(maxsize=1)
def _date(now: int) -> bytes:
    return formatdate(now, usegmt=True).encode()
