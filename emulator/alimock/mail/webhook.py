"""Delivery of a mail by a POST request with its JSON."""

from __future__ import annotations

import json
import socket
import ssl
from base64 import b64encode
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from threading import Timer
from urllib.parse import unquote, urlsplit

from alimock import __version__
from alimock.mail import document
from alimock.mail.forwarder import TIMEOUT_SECONDS, DeliveryError
from alimock.security import bracketed
from alimock.state.outbox import Mail
from alimock.state.store import Store

# The server is overloaded or too slow; so is one with a 5xx status.
_TRANSIENT = (408, 425, 429)
_READ_BYTES = 64 * 1024


class Webhook:
    """An HTTP server that takes mails at a URL.

    Proxies of the environment are not used, since they often lead to alimock itself. Redirects are not followed.
    """

    name = "webhook"

    def __init__(self, url: str, store: Store) -> None:
        self._parts = urlsplit(url)
        self._store = store

    @property
    def address(self) -> str:
        """The origin of the URL; its other parts may be secret."""
        port = "" if self._parts.port is None else f":{self._parts.port}"
        return f"{self._parts.scheme}://{bracketed(self._parts.hostname or '')}{port}"

    @property
    def document(self) -> dict[str, object]:
        """The origin of the URL."""
        return {"url": self.address}

    def send(self, mail: Mail, base_url: str) -> None:
        """Post a mail as `GET /_alimock/outbox/{id}` returns it; raises `DeliveryError`."""
        with self._store.transaction():
            token_state, is_read = self._store.token_state(mail), mail.id in self._store.outbox.read
        content = {**document.summary(mail, token_state, base_url, is_read=is_read), **document.bodies(mail, base_url)}
        try:
            status = self._post(json.dumps(content, ensure_ascii=False).encode())
        except (OSError, HTTPException) as error:
            is_transient = not isinstance(error, ssl.SSLCertVerificationError)
            raise DeliveryError(f"{type(error).__name__}: {error}", is_transient=is_transient) from error
        if not 200 <= status < 300:
            hint = "; redirects are not followed" if 300 <= status < 400 else ""
            raise DeliveryError(f"HTTP {status}{hint}", is_transient=status in _TRANSIENT or status >= 500)

    def _post(self, body: bytes) -> int:
        """Return the status of the response."""
        kind = HTTPSConnection if self._parts.scheme == "https" else HTTPConnection
        connection = kind(self._parts.hostname or "", self._parts.port, timeout=TIMEOUT_SECONDS)
        target = (self._parts.path or "/") + (f"?{self._parts.query}" if self._parts.query else "")
        with closing(connection), _Deadline(connection) as deadline:
            connection.request("POST", target, body, self._headers())
            response = connection.getresponse()
            # A response that is cut off among its headers seems complete.
            deadline.check()
            with suppress(OSError, HTTPException):
                # Unread input would make the system send RST, which some servers report.
                response.read1(_READ_BYTES)
            return response.status

    def _headers(self) -> dict[str, str]:
        headers = {"Content-Type": "application/json", "User-Agent": f"alimock/{__version__}"}
        if self._parts.username is not None or self._parts.password is not None:
            user, password = unquote(self._parts.username or ""), unquote(self._parts.password or "")
            headers["Authorization"] = f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"
        return headers


class _Deadline:
    """Disconnects after the timeout. The timeout of a connection is only that of each piece of a response."""

    def __init__(self, connection: HTTPConnection) -> None:
        self._connection = connection
        self._is_over = False
        self._timer = Timer(TIMEOUT_SECONDS, self._disconnect)
        # It must not delay the exit.
        self._timer.daemon = True

    def check(self) -> None:
        """Raise `TimeoutError` if it is over."""
        if self._is_over:
            raise TimeoutError(f"no response within {TIMEOUT_SECONDS} s")

    def __enter__(self) -> _Deadline:
        self._timer.start()
        return self

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        self._timer.cancel()
        if error is not None:
            self.check()

    def _disconnect(self) -> None:
        self._is_over = True
        with suppress(OSError, AttributeError):
            # Not the method of a TLS socket, which another thread is using.
            socket.socket.shutdown(self._connection.sock, socket.SHUT_RDWR)
