"""HTTP requests to the control API of an emulator, from threads and from asyncio. Proxy variables are ignored."""

from __future__ import annotations

import asyncio
import json
import math
import os
import re
import socket
import ssl
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from http import HTTPStatus
from threading import Event, Thread
from typing import Any
from urllib.parse import SplitResult, quote, unquote, urlencode, urlsplit

from alimock import environment
from alimock.client import http_client
from alimock.client.errors import EmulatorError, WaitTimeout, failure, not_alimock
from alimock.security import bracketed, reachable
from alimock.settings import DEFAULT_PORT, SettingError, control_token

# pytest omits the frames of this module from the traceback of a failed test.
__tracebackhide__ = True
TIMEOUT_SECONDS = 10
# The largest page, and by default the number of entries that an emulator keeps of an account.
PAGE = 5_000
_USER = re.compile("//.*@", re.DOTALL)
_HOST = re.compile(r"[^\x00-\x20\x7f]+")
_SCHEMES = ("http", "https")
_REDIRECTS = (301, 302, 303, 307, 308)
# The URL of the web UI is accepted, too.
_WEB_UI = re.compile(r"/_alimock(/|$)")


@dataclass(frozen=True)
class Connection:
    """The control API at a URL such as http://127.0.0.1:2546, for one account or, without an `access_key_id`, for all.

    A proxy may add TLS and a prefix (https://mocks.example.com/mail). Certificates are verified with the authorities of the system,
    or with those in the file that SSL_CERT_FILE names.
    The control token is part of the URL (http://:token@127.0.0.1:2546), in ALIMOCK_CONTROL_TOKEN, or in the file that
    ALIMOCK_CONTROL_TOKEN_FILE names. Raises `EmulatorError` for an invalid URL.
    """

    url: str = field(repr=False)
    access_key_id: str | None = None

    def __post_init__(self) -> None:
        # Raises an error for an invalid URL.
        _ = self._parts

    @property
    def endpoint(self) -> str:
        """The host:port."""
        return self._parts.netloc.rpartition("@")[2]

    @property
    def prefix(self) -> str:
        """The path below which the emulator is, empty for none."""
        return quote(_WEB_UI.split(self._parts.path)[0].rstrip("/"), safe="/%:@!$&'()*+,;=~")

    @property
    def base_url(self) -> str:
        """The URL of the emulated API, without the control token."""
        return f"{self._parts.scheme}://{self.endpoint}{self.prefix}"

    @property
    def wide(self) -> Connection:
        """The same connection for all accounts."""
        return replace(self, access_key_id=None)

    def send(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        content_type: str = "application/json",
        arguments: Mapping[str, object] | None = None,
        seconds: float = TIMEOUT_SECONDS,
        connection: http_client.HTTPConnection | None = None,
    ) -> dict[str, Any]:
        """Send a request to a path under `/_alimock/` and return the JSON object of the response; raises `EmulatorError`.

        A body other than bytes is sent as JSON. Arguments that are None are left out. `seconds` is the timeout.
        """
        content = body if body is None or isinstance(body, bytes) else json.dumps(body, default=str).encode()
        headers = {"Content-Type": content_type} if content is not None else {}
        connection = connection or self._open(seconds)
        return self._object(*self._sent(connection, method, self._target(path, arguments or {}), content, headers))

    def status(self, path: str, seconds: float) -> int:
        """Return the status of a response to GET for a path below the URL, such as that of a health check."""
        return self._sent(self._open(seconds), "GET", f"{self.prefix}/{path}", None, {})[0]

    def fetch(self, path: str, *, seconds: float = TIMEOUT_SECONDS) -> bytes:
        """Return a response that is not JSON; raises `EmulatorError`. `seconds` is the timeout."""
        status, content = self._sent(self._open(seconds), "GET", self._target(path, {}), None, {})
        if status != HTTPStatus.OK:
            self._object(status, content)
        return content

    def call(self, query: str) -> tuple[http_client.HTTPResponse, bytes]:
        """Call the emulated API with a signed query, and return the response with its body; raises `EmulatorError`."""
        return self._exchanged(self._open(TIMEOUT_SECONDS), "POST", f"{self.prefix}/?{query}", None, {})

    def entries(self, path: str, name: str, after: int) -> tuple[list[dict[str, Any]], bool]:
        """Return all entries of a list after a cursor, oldest first, and whether some were evicted."""
        found: list[dict[str, Any]] = []
        gap = False
        while True:
            answer = self.send("GET", path, arguments={"after": str(after), "limit": str(PAGE)})
            found += answer[name]
            gap = gap or bool(answer.get("gap"))
            if len(answer[name]) < PAGE:
                return found, gap
            after = answer["cursor"]

    def wait(self, path: str, timeout: float, filters: Mapping[str, object]) -> dict[str, Any]:
        """Return the response of a path that waits for a match; raises `WaitTimeout` after `timeout` seconds."""
        return self._wait(self._open(_checked("timeout", timeout) + TIMEOUT_SECONDS), path, {**filters, "timeout": timeout})

    async def wait_async(self, path: str, timeout: float, filters: Mapping[str, object]) -> dict[str, Any]:
        """Wait as `wait` does, without blocking the event loop."""
        return await self._wait_async(path, _checked("timeout", timeout), {**filters, "timeout": timeout})

    def wait_quiet(self, path: str, seconds: float, filters: Mapping[str, object]) -> None:
        """Return after `seconds` without a match at a path that waits; raises `EmulatorError` at once if there is one."""
        self._wait(self._open(_checked("seconds", seconds) + TIMEOUT_SECONDS), path, {**filters, "quiet": seconds})

    async def wait_quiet_async(self, path: str, seconds: float, filters: Mapping[str, object]) -> None:
        """Wait as `wait_quiet` does, without blocking the event loop."""
        await self._wait_async(path, _checked("seconds", seconds), {**filters, "quiet": seconds})

    async def _wait_async(self, path: str, seconds: float, arguments: Mapping[str, object]) -> dict[str, Any]:
        """Send a request that waits `seconds`, without blocking the event loop.

        A canceled call also ends the wait in the emulator. `asyncio.to_thread` would not do: `asyncio.run` would wait for that
        thread, and many waits would exhaust the thread pool.
        """
        connection, canceled = self._open(seconds + TIMEOUT_SECONDS), Event()
        result: Future[dict[str, Any]] = Future()
        # A running future cannot be canceled, so that the thread can always set its result.
        result.set_running_or_notify_cancel()

        def work() -> None:
            try:
                self._connect(connection)
                if canceled.is_set():
                    connection.close()
                else:
                    result.set_result(self._wait(connection, path, arguments))
            except Exception as error:
                result.set_exception(error)

        Thread(target=work, daemon=True).start()
        try:
            return await asyncio.wrap_future(result)
        except asyncio.CancelledError:
            canceled.set()
            # Wakes the thread; the emulator sees a client that has disconnected. Without a socket, the thread still connects.
            with suppress(OSError, AttributeError):
                connection.sock.shutdown(socket.SHUT_RDWR)
            raise

    def _connect(self, connection: http_client.HTTPConnection) -> None:
        """Connect before a request, which reports an invalid token first."""
        self._authorization()
        try:
            connection.connect()
        except (OSError, UnicodeError, http_client.HTTPException) as error:
            raise failure(self.base_url, error, connection.timeout) from None

    def _wait(self, connection: http_client.HTTPConnection, path: str, arguments: Mapping[str, object]) -> dict[str, Any]:
        return self.send("GET", path, arguments=arguments, connection=connection)

    def _open(self, seconds: float) -> http_client.HTTPConnection:
        host, port = str(self._parts.hostname), self._parts.port
        if self._parts.scheme == "https":
            file = os.environ.get("SSL_CERT_FILE")
            if file and not os.access(file, os.R_OK):
                # OpenSSL ignores it.
                raise EmulatorError(f"SSL_CERT_FILE: cannot read `{file}`, expected a file with certificates in PEM")
            # Reading the certificates takes longer than a request.
            context = _tls_context(file, os.environ.get("SSL_CERT_DIR"))
            return http_client.HTTPSConnection(host, port, timeout=seconds, context=context)
        return http_client.HTTPConnection(host, port, timeout=seconds)

    def _sent(
        self, connection: http_client.HTTPConnection, method: str, target: str, body: bytes | None, headers: dict[str, str]
    ) -> tuple[int, bytes]:
        response, content = self._exchanged(connection, method, target, body, {**self._authorization(), **headers})
        return response.status, content

    def _exchanged(
        self, connection: http_client.HTTPConnection, method: str, target: str, body: bytes | None, headers: dict[str, str]
    ) -> tuple[http_client.HTTPResponse, bytes]:
        try:
            connection.request(method, target, body, headers)
            response = connection.getresponse()
            location = response.headers.get("Location")
            if location is not None and response.status in _REDIRECTS:
                raise EmulatorError(f"The server at {self.base_url} redirects to {location}. Use that URL.", response.status)
            return response, response.read()
        except (OSError, UnicodeError, http_client.HTTPException) as error:
            raise failure(self.base_url, error, connection.timeout) from None
        finally:
            connection.close()

    def _authorization(self) -> dict[str, str]:
        password = self._parts.password
        try:
            token = control_token(os.environ, unquote(password) if password else None)
        except SettingError as error:
            raise EmulatorError(str(error)) from None
        return {"Authorization": f"Bearer {token}"} if token is not None else {}

    def _target(self, path: str, arguments: Mapping[str, object]) -> str:
        narrowed = {"access_key_id": self.access_key_id, **arguments}
        # Spaces as %20: in a filter, a + may stand for itself.
        query = urlencode({name: value for name, value in narrowed.items() if value is not None}, quote_via=quote)
        return f"{self.prefix}/_alimock/{quote(path)}" + (f"?{query}" if query else "")

    def _object(self, status: int, content: bytes) -> dict[str, Any]:
        try:
            answer = json.loads(content)
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            raise not_alimock(self.base_url, f"the response, with status {status}, is not a JSON object")
        if status == HTTPStatus.OK:
            return _Answer(answer, self)
        if not {"message", "hint"} <= answer.keys():
            raise not_alimock(self.base_url, f"the response, with status {status}, is not an error of alimock")
        kind = WaitTimeout if status == HTTPStatus.REQUEST_TIMEOUT else EmulatorError
        message = str(answer["message"]).rstrip(".")
        raise kind(f"{message}. {answer['hint']}" if answer["hint"] else message, status, answer)

    @cached_property
    def _parts(self) -> SplitResult:
        try:
            parts = urlsplit(self.url)
            is_plain = not (parts.query or parts.fragment) or _WEB_UI.search(parts.path)
            if parts.scheme in _SCHEMES and _HOST.fullmatch(parts.hostname or "") and parts.port != 0 and is_plain:
                return parts
        except (ValueError, AttributeError, TypeError):
            pass
        raise EmulatorError(
            f"found the URL `{without_token(str(self.url))}`, expected one like http://127.0.0.1:{DEFAULT_PORT} or "
            "https://mocks.example.com/mail"
        )


class _Answer(dict[str, Any]):
    """The JSON object of a response; a missing key shows that another server sent it."""

    def __init__(self, content: dict[str, Any], connection: Connection) -> None:
        super().__init__(content)
        self._connection = connection

    def __missing__(self, key: str) -> object:
        raise not_alimock(self._connection.base_url, f"the response has no `{key}`")


class Resource:
    """A part of an account that the control API shows and changes."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection


def _checked(name: str, seconds: object) -> float:
    """Return a number of seconds; raises `ValueError` for anything else."""
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not math.isfinite(seconds):
        raise ValueError(f"{name}: found {seconds!r}, expected a number of seconds from 0 to 60")
    return seconds


def without_token(url: str) -> str:
    """Return a URL without its control token, for output."""
    return _USER.sub("//", url)


@lru_cache(maxsize=1)
def _tls_context(*_: str | None) -> ssl.SSLContext:
    """Return a context that verifies certificates; OpenSSL reads the variables that are its arguments."""
    return ssl.create_default_context()


def default_url() -> str:
    """Return ALIMOCK_URL, or the URL of an `alimock serve` that has the same ALIMOCK_HOST and ALIMOCK_PORT."""
    url, host, port = (environment.value(os.environ, f"ALIMOCK_{name}") for name in ("URL", "HOST", "PORT"))
    return url or f"http://{bracketed(reachable(host or '127.0.0.1').strip('[]'))}:{port or DEFAULT_PORT}"
