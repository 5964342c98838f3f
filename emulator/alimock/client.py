"""An HTTP client of the control API. Proxy variables are not looked at."""

from __future__ import annotations

import http.client
import json
import os
from urllib.parse import quote, urlencode, urlsplit

from alimock.settings import DEFAULT_PORT

TIMEOUT_SECONDS = 10


class ClientError(Exception):
    """A request to an emulator that failed: it could not be reached, or it refused with a `status`."""

    def __init__(self, message: str, status: int | None = None) -> None:
        self.status = status
        super().__init__(message)


class Client:
    """Talks to the emulator at a URL such as http://127.0.0.1:2546; raises `ClientError` for one that cannot be used."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._host, self._port = _split(url)

    def send(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        content_type: str = "application/json",
        arguments: dict[str, str] | None = None,
    ) -> dict[str, object]:
        """Sends a request to a path under `/_alimock/` and gives the JSON object that comes back; raises `ClientError`."""
        target = f"/_alimock/{quote(path)}" + (f"?{urlencode(arguments)}" if arguments else "")
        connection = http.client.HTTPConnection(self._host, self._port, timeout=TIMEOUT_SECONDS)
        try:
            connection.request(method, target, body, {"Content-Type": content_type} if body is not None else {})
            response = connection.getresponse()
            answer = json.loads(response.read())
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise ClientError(f"{self.url} does not answer as alimock does: {error or type(error).__name__}") from None
        finally:
            connection.close()
        if response.status != 200 or not isinstance(answer, dict):
            message, hint = (answer.get("message"), answer.get("hint")) if isinstance(answer, dict) else (response.status, "")
            raise ClientError(f"{message}: {hint}", response.status)
        return answer


def default_url() -> str:
    """Gives the URL of an emulator on this machine, at the port that the environment sets."""
    return f"http://127.0.0.1:{os.environ.get('ALIMOCK_PORT') or DEFAULT_PORT}"


def _split(url: str) -> tuple[str, int | None]:
    try:
        parts = urlsplit(url)
        if parts.scheme == "http" and parts.hostname:
            return parts.hostname, parts.port
    except ValueError:
        pass
    raise ClientError(f"found the URL `{url}`, expected one like http://127.0.0.1:{DEFAULT_PORT}")
