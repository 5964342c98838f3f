"""Dispatch of requests: the emulated API at `/`, the health checks, and the Flask application at all other paths."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from functools import cached_property
from http import HTTPStatus
from threading import Lock
from typing import TYPE_CHECKING

from alimock.api.http import HttpRequest, HttpResponse
from alimock.api.service import Service
from alimock.security import HostPolicy
from alimock.server.limits import ServerLimits
from alimock.spec.profiles import PROFILES

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from alimock.mail.relay import Relay

logger = logging.getLogger(__name__)

# The key in the WSGI environment of the server's function that sends a response with its fault.
DELIVER = "alimock.deliver"
HEALTH_CHECKS = ("/livez", "/readyz")
_ALIVE = HttpResponse(HTTPStatus.OK, (("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", "3")), b"ok\n")
# WSGI has no HTTP_ prefix on these two headers.
_BODY_HEADERS = {"CONTENT_TYPE": "content-type", "CONTENT_LENGTH": "content-length"}


class Application:
    """Passes each request to the emulated API, to the health checks, or to the Flask application.

    The API does not go through Flask: it has one path and accepts any method and any `Host`. The Flask application is created by
    its first request, because Flask takes longer to load than everything else together.
    """

    def __init__(
        self,
        service: Service,
        host_policy: HostPolicy,
        relay: Relay | None = None,
        limits: ServerLimits | None = None,
    ) -> None:
        self.service = service
        self.host_policy = host_policy
        self.limits = limits or ServerLimits()
        self._relay = relay
        self._lock = Lock()

    @property
    def app(self) -> WSGIApplication:
        """The Flask application: the control API, Mailpit's API, and the pages."""
        with self._lock:
            return self._app

    @cached_property
    def _app(self) -> WSGIApplication:
        # Imported late, see above.
        from alimock.app import create_app

        return create_app(self.service, self.host_policy, self._relay)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one WSGI request."""
        other = _other_host(environ, self.host_policy)
        if other is not None:
            logger.info("501 refused a proxy request for %s", other.encode("unicode_escape").decode())
            hint = f"Set NO_PROXY={other} for requests to other hosts, or unset HTTP_PROXY and HTTPS_PROXY."
            return _send(_refusal(HTTPStatus.NOT_IMPLEMENTED, f"alimock is not a proxy for {other}", hint), environ, start_response)
        if environ["PATH_INFO"] not in ("", "/"):
            if environ["PATH_INFO"] in HEALTH_CHECKS:
                return _send(_health(environ["REQUEST_METHOD"]), environ, start_response)
            # Some clients of Mailpit's API send an extra slash before the path.
            environ["PATH_INFO"] = "/" + environ["PATH_INFO"].lstrip("/")
            try:
                app = self.app
            except OSError as error:
                message = f"The control API could not be loaded: {error.strerror}"
                refusal = _refusal(HTTPStatus.SERVICE_UNAVAILABLE, message, "Retry, or raise the limit of open files.")
                return _send(refusal, environ, start_response)
            return app(environ, start_response)
        profile = environ.get("HTTP_X_ALIMOCK_PROFILE")
        if profile is not None and profile not in PROFILES:
            message = f"X-Alimock-Profile: found `{profile}`, expected one of {', '.join(PROFILES)}"
            hint = "Omit the header to use the configured profile."
            return _send(_refusal(HTTPStatus.BAD_REQUEST, message, hint), environ, start_response)
        request = _request(environ)
        limit = self.limits.max_call_bytes
        if len(request.body) > limit:
            message = f"The body of an API call has {len(request.body):,} bytes, expected at most {limit:,}"
            refusal = _refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, message, "Raise --limit max_call_bytes=N.")
            return _send(refusal, environ, start_response)
        return _send(self.service.handle(request), environ, start_response)


def _health(method: str) -> HttpResponse:
    if method in ("GET", "HEAD"):
        return _ALIVE
    return _refusal(HTTPStatus.METHOD_NOT_ALLOWED, "405 Method Not Allowed", "Use GET.", ("Allow", "GET, HEAD"))


def _request(environ: WSGIEnvironment) -> HttpRequest:
    headers = {name[5:].replace("_", "-").lower(): _utf8(value) for name, value in environ.items() if name.startswith("HTTP_")}
    headers.update({name: environ[key] for key, name in _BODY_HEADERS.items() if key in environ})
    query, peer = environ.get("QUERY_STRING", ""), environ.get("REMOTE_ADDR", "")
    return HttpRequest(environ["REQUEST_METHOD"], query, headers, _body(environ), peer)


def _utf8(value: str) -> str:
    """Undo the Latin-1 decoding of WSGI: clients send and sign UTF-8."""
    return value if value.isascii() else value.encode("latin-1").decode("utf-8", "replace")


def _body(environ: WSGIEnvironment) -> bytes:
    """Read the body. A POST without a Content-Length has none (the Java SDK sends such requests)."""
    length = environ.get("CONTENT_LENGTH") or "0"
    return bytes(environ["wsgi.input"].read(int(length))) if length.isdigit() and length != "0" else b""


def _send(response: HttpResponse, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Send a response. Only the server can apply a fault to it: delay, truncate, reset."""
    if response.fault is not None and DELIVER in environ:
        pieces: Iterable[bytes] = environ[DELIVER](response, start_response)
        return pieces
    start_response(status_line(response.status), list(response.headers))
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [response.body]


def status_line(status: int) -> str:
    """Return a status with its reason phrase, empty for a status that only a scenario uses."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"{status} "


def _other_host(environ: WSGIEnvironment, host_policy: HostPolicy) -> str | None:
    """Return the host of a proxy request that is for another host than the service, or None.

    With HTTP_PROXY set, SDKs send the absolute form. It is accepted for the service, so that unmodified programs reach alimock.
    """
    target = environ.get("REQUEST_URI", "")
    if environ["REQUEST_METHOD"] == "CONNECT":
        return target.rpartition(":")[0] or "this host"
    scheme, separator, rest = target.partition("://")
    if not separator or scheme.lower() not in ("http", "https"):
        return None
    # User name and password may precede the host.
    host = rest.partition("/")[0].partition("?")[0].rpartition("@")[2]
    return None if host_policy.allows_absolute_form(host) else host or "this host"


def _refusal(status: HTTPStatus, message: str, hint: str, *headers: tuple[str, str]) -> HttpResponse:
    body = json.dumps({"message": message, "hint": hint}).encode()
    return HttpResponse(status, (("Content-Type", "application/json"), ("Content-Length", str(len(body))), *headers), body)
