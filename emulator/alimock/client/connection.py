"""HTTP to the control API of an emulator, from threads and from asyncio. Proxy variables are not looked at."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import re
from dataclasses import dataclass, field, replace
from io import BytesIO
from typing import Any
from urllib.parse import quote, unquote, urlencode, urlsplit

from alimock.settings import DEFAULT_PORT

TIMEOUT_SECONDS = 10
# As many entries as the emulator gives at a time, and keeps of an account.
PAGE = 5_000
# How the control API says that what was waited for did not come.
_NOT_ARRIVED = 408
_USER = re.compile("//.*@", re.DOTALL)
_HOST = re.compile(r"[^\x00-\x20\x7f]+")


class EmulatorError(Exception):
    """A request to an emulator that failed: it could not be reached, or it refused with a `status`.

    `answer` is what it said: `message`, `hint`, and what else belongs to that refusal.
    """

    def __init__(self, message: str, status: int | None = None, answer: dict[str, Any] | None = None) -> None:
        self.status = status
        self.answer = answer or {}
        super().__init__(message)


class WaitTimeout(EmulatorError, TimeoutError):
    """What was waited for did not come in time; the message says what came instead."""


@dataclass(frozen=True)
class Connection:
    """The way to the emulator at a URL such as http://127.0.0.1:2546.

    A control token stands in the URL (http://:token@127.0.0.1:2546) or in the environment. With an `access_key_id` all views and
    changes are of that key's account. Raises `EmulatorError` for a URL that cannot be used.
    """

    url: str = field(repr=False)
    access_key_id: str | None = None

    def __post_init__(self) -> None:
        self._address()

    @property
    def endpoint(self) -> str:
        """The host and port."""
        return urlsplit(self.url).netloc.rpartition("@")[2]

    @property
    def wide(self) -> Connection:
        """The way to all accounts."""
        return replace(self, access_key_id=None)

    def send(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        content_type: str = "application/json",
        arguments: dict[str, str] | None = None,
        seconds: float = TIMEOUT_SECONDS,
    ) -> dict[str, Any]:
        """Sends a request to a path under `/_alimock/` and gives the JSON object that comes back; raises `EmulatorError`.

        `seconds` is how long the answer may take.
        """
        return self._object(*self._sent(method, path, body, content_type, arguments, seconds))

    def fetch(self, path: str) -> bytes:
        """Gives what is no JSON; raises `EmulatorError`."""
        status, content = self._sent("GET", path, None, "", None, TIMEOUT_SECONDS)
        if status != http.client.OK:
            self._object(status, content)
        return content

    def entries(self, path: str, name: str, after: int) -> tuple[list[dict[str, Any]], bool]:
        """Gives all entries of a list behind a cursor, oldest first, and whether some of them were thrown away."""
        found: list[dict[str, Any]] = []
        gap = False
        while True:
            answer = self.send("GET", path, arguments={"after": str(after), "limit": str(PAGE)})
            found += answer[name]
            gap = gap or bool(answer.get("gap"))
            if len(answer[name]) < PAGE:
                return found, gap
            after = answer["cursor"]

    async def send_async(self, path: str, arguments: dict[str, str], seconds: float) -> dict[str, Any]:
        """Gets a path as `send` does, while the event loop goes on; what waits for it can be cancelled."""
        host, port = self._address()
        headers = {"Host": self.endpoint, "Connection": "close", **self._authorization()}
        lines = (f"GET {self._target(path, arguments)} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()))
        request = "".join(f"{line}\r\n" for line in (*lines, ""))
        try:
            status, content = await asyncio.wait_for(_exchanged(host, port, request.encode()), seconds)
        except (OSError, http.client.HTTPException, asyncio.TimeoutError) as error:
            raise self._unusable(error) from None
        return self._object(status, content)

    def _sent(
        self, method: str, path: str, body: bytes | None, content_type: str, arguments: dict[str, str] | None, seconds: float
    ) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(*self._address(), timeout=seconds)
        try:
            connection.request(
                method,
                self._target(path, arguments),
                body,
                {**self._authorization(), **({"Content-Type": content_type} if body is not None else {})},
            )
            response = connection.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException) as error:
            raise self._unusable(error) from None
        finally:
            connection.close()

    def _authorization(self) -> dict[str, str]:
        password = urlsplit(self.url).password
        token = unquote(password) if password else os.environ.get("ALIMOCK_CONTROL_TOKEN")
        return {"Authorization": f"Bearer {token}"} if token else {}

    def _target(self, path: str, arguments: dict[str, str] | None) -> str:
        narrowing = {"access_key_id": self.access_key_id} if self.access_key_id is not None else {}
        query = urlencode({**narrowing, **(arguments or {})})
        return f"/_alimock/{quote(path)}" + (f"?{query}" if query else "")

    def _object(self, status: int, content: bytes) -> dict[str, Any]:
        try:
            answer = json.loads(content)
        except ValueError as error:
            raise self._unusable(error) from None
        if status == http.client.OK and isinstance(answer, dict):
            return answer
        told = answer if isinstance(answer, dict) else {}
        kind = WaitTimeout if status == _NOT_ARRIVED else EmulatorError
        raise kind(f"{told.get('message', status)}: {told.get('hint', '')}", status, told)

    def _unusable(self, error: Exception) -> EmulatorError:
        return EmulatorError(f"http://{self.endpoint} does not answer as alimock does: {error or type(error).__name__}")

    def _address(self) -> tuple[str, int]:
        try:
            parts = urlsplit(self.url)
            if parts.scheme == "http" and _HOST.fullmatch(parts.hostname or ""):
                return str(parts.hostname), parts.port or http.client.HTTP_PORT
        except ValueError:
            pass
        raise EmulatorError(f"found the URL `{without_token(str(self.url))}`, expected one like http://127.0.0.1:{DEFAULT_PORT}")


class _Received:
    """What came over a connection that is closed already, for `HTTPResponse` to read."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def makefile(self, mode: str) -> BytesIO:
        return BytesIO(self._content)


async def _exchanged(host: str, port: int, request: bytes) -> tuple[int, bytes]:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(request)
        received = await reader.read()
    finally:
        writer.close()
    response = http.client.HTTPResponse(_Received(received))  # type: ignore[arg-type]
    response.begin()
    return response.status, response.read()


def without_token(url: str) -> str:
    """Gives a URL as it may be shown: without the control token in it."""
    return _USER.sub("//", url)


def default_url() -> str:
    """Gives the URL of an emulator on this machine, at the port that the environment sets."""
    return f"http://127.0.0.1:{os.environ.get('ALIMOCK_PORT') or DEFAULT_PORT}"
