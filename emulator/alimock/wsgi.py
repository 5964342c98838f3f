"""HTTP messages to WSGI and back."""

from __future__ import annotations

import sys
from io import BytesIO
from typing import TYPE_CHECKING, Any

from alimock.api.http import HttpRequest, HttpResponse

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

# WSGI has no HTTP_ prefix on these two headers.
_BODY_HEADERS = {"CONTENT_TYPE": "content-type", "CONTENT_LENGTH": "content-length"}
_KEYS = {name: key for key, name in _BODY_HEADERS.items()}
# What they say is done: a chunked body has been joined, and no other protocol is offered.
_DONE = ("transfer-encoding", "upgrade")


def environment(http: HttpRequest, target: str, path: str, server: tuple[str, str, int]) -> WSGIEnvironment:
    """Return the environment of a request for a target, with its decoded path, to a server of this scheme, host and port."""
    scheme, host, port = server
    environ: dict[str, Any] = {
        "REQUEST_METHOD": http.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": http.query,
        "REQUEST_URI": target,
        "SERVER_NAME": host,
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": http.peer,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scheme,
        "wsgi.input": BytesIO(http.body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in http.headers.items():
        # WSGI decodes as Latin-1.
        if name not in _DONE:
            environ[_KEYS.get(name) or f"HTTP_{name.upper().replace('-', '_')}"] = value.encode().decode("latin-1")
    environ["CONTENT_LENGTH"] = str(len(http.body))
    return environ


def http_request(environ: WSGIEnvironment, body: bytes) -> HttpRequest:
    """Return the request of an environment, whose body has been read."""
    headers = {name[5:].replace("_", "-").lower(): _utf8(value) for name, value in environ.items() if name.startswith("HTTP_")}
    headers.update({name: environ[key] for key, name in _BODY_HEADERS.items() if key in environ})
    method, query, peer = environ["REQUEST_METHOD"], environ.get("QUERY_STRING", ""), environ.get("REMOTE_ADDR", "")
    return HttpRequest(method, query, headers, body, peer, environ.get("PATH_INFO") or "/")


def _utf8(value: str) -> str:
    """Undo the Latin-1 decoding of WSGI: clients send and sign UTF-8."""
    return value if value.isascii() else value.encode("latin-1").decode("utf-8", "replace")


def respond(application: WSGIApplication, environ: WSGIEnvironment) -> HttpResponse:
    """Return the response of an application."""
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], _: object = None) -> Any:
        started[:] = [(status, headers)]

    parts = application(environ, start_response)
    try:
        body = b"".join(parts)
    finally:
        getattr(parts, "close", bool)()
        # Werkzeug keeps the request in it, a reference cycle that would keep the body until garbage collection.
        environ.clear()
    ((status, headers),) = started
    # The server adds its own date.
    return HttpResponse(int(status[:3]), tuple(header for header in headers if header[0].lower() != "date"), body)
