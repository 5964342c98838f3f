"""The edge: one WSGI application whose path `/` is the emulated API and whose other paths are alimock's own."""

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

# Under this name the server gives a function that sends a reply with the harm that its fault does to it.
DELIVER = "alimock.deliver"
# For whoever looks whether the emulator answers.
HEALTH_CHECKS = ("/livez", "/readyz")
_ALIVE = HttpResponse(HTTPStatus.OK, (("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", "3")), b"ok\n")
# WSGI keeps these two apart from the other headers.
_BODY_HEADERS = {"CONTENT_TYPE": "content-type", "CONTENT_LENGTH": "content-length"}


class Application:
    """Hands each request to the emulated API, to the health checks, or to the site with all else.

    The API does not go through Flask: it has one path, takes any method and any `Host`, and is most of what is called. The site is
    made at its first request, since Flask takes longer to load than all the rest.
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
    def site(self) -> WSGIApplication:
        """The control API, the outbox in Mailpit's API, and the pages."""
        with self._lock:
            return self._site

    @cached_property
    def _site(self) -> WSGIApplication:
        # Imported late: Flask takes longer to load than everything else together.
        from alimock.app import create_app

        return create_app(self.service, self.host_policy, self._relay)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answers one request, as WSGI says."""
        other = _other_host(environ, self.host_policy)
        if other is not None:
            logger.info("501 refused to be a proxy for %s", other.encode("unicode_escape").decode())
            hint = f"set NO_PROXY={other} for requests that are not the service's, or unset HTTP_PROXY and HTTPS_PROXY"
            return _send(_refusal(HTTPStatus.NOT_IMPLEMENTED, f"alimock is no proxy for {other}", hint), environ, start_response)
        if environ["PATH_INFO"] not in ("", "/"):
            if environ["PATH_INFO"] in HEALTH_CHECKS:
                return _send(_health(environ["REQUEST_METHOD"]), environ, start_response)
            # Some clients of Mailpit's API put a slash too many between the address and the path.
            environ["PATH_INFO"] = "/" + environ["PATH_INFO"].lstrip("/")
            try:
                site = self.site
            except OSError as error:
                message = f"the control API could not be loaded: {error.strerror}"
                refusal = _refusal(HTTPStatus.SERVICE_UNAVAILABLE, message, "try again, or raise the limit of open files")
                return _send(refusal, environ, start_response)
            return site(environ, start_response)
        profile = environ.get("HTTP_X_ALIMOCK_PROFILE")
        if profile is not None and profile not in PROFILES:
            message = f"X-Alimock-Profile: found `{profile}`, expected one of {', '.join(PROFILES)}"
            hint = "leave the header out to get the profile that is configured"
            return _send(_refusal(HTTPStatus.BAD_REQUEST, message, hint), environ, start_response)
        request = _request(environ)
        limit = self.limits.max_call_bytes
        if len(request.body) > limit:
            message = f"the body of a call to the emulated API has {len(request.body):,} bytes, expected at most {limit:,}"
            return _send(
                _refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, message, "see --limit max_call_bytes"), environ, start_response
            )
        return _send(self.service.handle(request), environ, start_response)


def _health(method: str) -> HttpResponse:
    if method in ("GET", "HEAD"):
        return _ALIVE
    return _refusal(HTTPStatus.METHOD_NOT_ALLOWED, "405 Method Not Allowed", "ask by GET", ("Allow", "GET, HEAD"))


def _request(environ: WSGIEnvironment) -> HttpRequest:
    headers = {name[5:].replace("_", "-").lower(): _utf8(value) for name, value in environ.items() if name.startswith("HTTP_")}
    headers.update({name: environ[key] for key, name in _BODY_HEADERS.items() if key in environ})
    query, peer = environ.get("QUERY_STRING", ""), environ.get("REMOTE_ADDR", "")
    return HttpRequest(environ["REQUEST_METHOD"], query, headers, _body(environ), peer)


def _utf8(value: str) -> str:
    """Undoes WSGI's Latin-1, since clients write and sign UTF-8."""
    return value if value.isascii() else value.encode("latin-1").decode("utf-8", "replace")


def _body(environ: WSGIEnvironment) -> bytes:
    """Reads the body; a POST without a length has none (Java sends such)."""
    length = environ.get("CONTENT_LENGTH") or "0"
    return bytes(environ["wsgi.input"].read(int(length))) if length.isdigit() and length != "0" else b""


def _send(response: HttpResponse, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Sends a reply; one that a fault harms is left to the server, which alone can delay, cut and reset."""
    if response.fault is not None and DELIVER in environ:
        harmed: Iterable[bytes] = environ[DELIVER](response, start_response)
        return harmed
    start_response(status_line(response.status), list(response.headers))
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [response.body]


def status_line(status: int) -> str:
    """Writes a status with its reason; one that a scenario made up has none."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"{status} "


def _other_host(environ: WSGIEnvironment, host_policy: HostPolicy) -> str | None:
    """Gives the host of a request that was sent here as to a proxy but is not for the service.

    With HTTP_PROXY set, SDKs ask for the service in the absolute form; so that unchanged programs reach alimock, that is served.
    """
    target = environ.get("REQUEST_URI", "")
    if environ["REQUEST_METHOD"] == "CONNECT":
        return target.rpartition(":")[0] or "this host"
    scheme, separator, rest = target.partition("://")
    if not separator or scheme.lower() not in ("http", "https"):
        return None
    # What may stand before the host is a password.
    host = rest.partition("/")[0].partition("?")[0].rpartition("@")[2]
    return None if host_policy.allows_absolute_form(host) else host or "this host"


def _refusal(status: HTTPStatus, message: str, hint: str, *headers: tuple[str, str]) -> HttpResponse:
    body = json.dumps({"message": message, "hint": hint}).encode()
    return HttpResponse(status, (("Content-Type", "application/json"), ("Content-Length", str(len(body))), *headers), body)
