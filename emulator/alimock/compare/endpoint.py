"""The endpoint: the server that is compared, reached over HTTPS or HTTP, directly or through a proxy."""

from __future__ import annotations

import http.client
import re
import socket
import ssl
from base64 import b64encode
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from threading import Timer
from typing import NamedTuple
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from alimock.api.http import HttpRequest, HttpResponse

# For a whole exchange, from the connection to the last byte.
TIMEOUT_SECONDS = 20.0
MAXIMUM_BYTES = 1024 * 1024
_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*")
_CHUNK = 64 * 1024


class NoAnswer(Exception):
    """A call without a usable response; the text says why."""


class Exchange(NamedTuple):
    """A response, and the server's time in epoch seconds if its header `Date` has one."""

    response: HttpResponse
    server_time: float | None


@dataclass(frozen=True)
class Endpoint:
    """A server: `domain.aliyuncs.com` (HTTPS), `host:port` (HTTPS), or a URL without a path."""

    scheme: str
    host: str
    port: int | None
    seconds: float = TIMEOUT_SECONDS

    @classmethod
    def of(cls, text: str, seconds: float = TIMEOUT_SECONDS) -> Endpoint:
        """Parse the text of an option; raise `ValueError` for one that is no endpoint."""
        try:
            parts = urlsplit(text if "://" in text else f"https://{text}")
            host, port = parts.hostname or "", parts.port
        except ValueError:
            host, port, parts = "", None, urlsplit("")
        extra = parts.path not in ("", "/") or parts.query or parts.fragment or "@" in parts.netloc
        if parts.scheme not in ("http", "https") or extra or port == 0 or not _HOST.fullmatch(host):
            raise ValueError("expected a host like domain.aliyuncs.com, or a URL like http://127.0.0.1:2546 without a path")
        return cls(parts.scheme, host, port, seconds)

    @property
    def authority(self) -> str:
        """The host and the port, as the header Host has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port is None else f"{host}:{self.port}"

    def send(self, request: HttpRequest) -> Exchange:
        """Send a request on a connection of its own; raise `NoAnswer`. Redirects are not followed."""
        path = f"/?{request.query}" if request.query else "/"
        connection, target, headers = self._connection(path)
        watchdog = _Watchdog(connection, self.seconds)
        try:
            watchdog.start()
            connection.connect()
            watchdog.hold()
            connection.request(request.method, target, request.body or None, {**request.headers, **headers})
            exchange = _exchange(connection.getresponse())
            if not watchdog.expired:
                return exchange
            raise TimeoutError
        # The codec of host names raises ValueError.
        except (OSError, ValueError, http.client.HTTPException, NoAnswer) as error:
            raise NoAnswer(_reason(TimeoutError() if watchdog.expired else error, self.seconds)) from None
        finally:
            watchdog.cancel()
            connection.close()

    def _connection(self, path: str) -> tuple[http.client.HTTPConnection, str, Mapping[str, str]]:
        """Return a connection, the request target and headers: to the server, or to the proxy that the environment names for it."""
        proxies = getproxies()
        proxy = proxies.get(self.scheme) or proxies.get("all")
        if not proxy or proxy_bypass(self.authority):
            return self._open(self.host, self.port), path, {}
        host, port, authorization = _proxy(proxy)
        connection = self._open(host, port)
        if self.scheme == "http":
            return connection, f"http://{self.authority}{path}", authorization
        connection.set_tunnel(self.host, self.port or http.client.HTTPS_PORT, authorization)
        return connection, path, {}

    def _open(self, host: str, port: int | None) -> http.client.HTTPConnection:
        if self.scheme == "http":
            return http.client.HTTPConnection(host, port, timeout=self.seconds)
        try:
            context = ssl.create_default_context()
        except OSError as error:
            # It reads and writes the files that SSL_CERT_FILE and SSLKEYLOGFILE name.
            raise NoAnswer(f"TLS cannot be set up: {error}") from None
        return http.client.HTTPSConnection(host, port, timeout=self.seconds, context=context)


class _Watchdog:
    """Ends the exchange on a connection after some seconds, because a timeout of the socket ends only a single read."""

    def __init__(self, connection: http.client.HTTPConnection, seconds: float) -> None:
        self.expired = False
        self._connection = connection
        self._socket: socket.socket | None = None
        self._timer = Timer(seconds, self._expire)
        self._timer.daemon = True

    def start(self) -> None:
        """Start the time."""
        self._timer.start()

    def hold(self) -> None:
        """Keep the socket of an open connection, because a response can take it over; raise `TimeoutError` if the time is over.

        A socket in the TLS handshake cannot be shut down.
        """
        self._socket = self._connection.sock
        if self.expired:
            raise TimeoutError

    def cancel(self) -> None:
        """Stop the timer."""
        self._timer.cancel()

    def _expire(self) -> None:
        self.expired = True
        held = self._socket or self._connection.sock
        if held is not None:
            with suppress(OSError):
                held.shutdown(socket.SHUT_RDWR)


def _proxy(url: str) -> tuple[str, int, Mapping[str, str]]:
    """Return the host, the port and the headers for a proxy."""
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        host, port = parts.hostname, parts.port or http.client.HTTP_PORT
    except ValueError:
        host, parts = None, urlsplit("")
    if not host or parts.scheme != "http":
        raise NoAnswer("the environment names a proxy that is not a URL like http://proxy.example.com:3128")
    if parts.username is None:
        return host, port, {}
    credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return host, port, {"Proxy-Authorization": f"Basic {b64encode(credentials.encode()).decode()}"}


def _exchange(response: http.client.HTTPResponse) -> Exchange:
    content = b""
    while len(content) <= MAXIMUM_BYTES and (chunk := response.read(_CHUNK)):
        content += chunk
    if len(content) > MAXIMUM_BYTES:
        raise NoAnswer(f"a response of more than {MAXIMUM_BYTES} bytes")
    if response.length:
        raise NoAnswer(f"half a response ({len(content)} of {len(content) + response.length} bytes)")
    if 300 <= response.status < 400:
        raise NoAnswer(f"a redirect (status {response.status}), which is not followed")
    headers = tuple((name.lower(), value) for name, value in response.getheaders())
    server_time = None
    with suppress(TypeError, ValueError, OverflowError):
        server_time = parsedate_to_datetime(response.headers["Date"]).timestamp()
    return Exchange(HttpResponse(response.status, headers, content), server_time)


def _reason(error: Exception, seconds: float) -> str:
    if isinstance(error, NoAnswer):
        return str(error)
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not accepted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"a TLS error: {error.reason or error}"
    if isinstance(error, (socket.gaierror, UnicodeError)):
        return "the host name cannot be resolved"
    if isinstance(error, TimeoutError):
        return f"timed out after {seconds:g} s"
    if isinstance(error, http.client.IncompleteRead):
        return "half a response (a chunk is missing)"
    if isinstance(error, http.client.RemoteDisconnected):
        return "the connection was closed without a response"
    if isinstance(error, http.client.HTTPException):
        return f"not an HTTP response ({type(error).__name__})"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
