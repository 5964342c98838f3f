"""Requests to the Flask application by WSGI, each in a thread."""

from __future__ import annotations

import sys
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from alimock.api.http import HttpResponse
from alimock.server.listener import Listener
from alimock.server.request_parser import Request

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

# WSGI has no HTTP_ prefix on these two headers.
_BODY_HEADERS = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}


def environment(request: Request, path: str, listener: Listener) -> WSGIEnvironment:
    """Return the environment of a request."""
    http = request.http
    environ: dict[str, Any] = {
        "REQUEST_METHOD": http.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path.encode("latin-1")).decode("latin-1"),
        "QUERY_STRING": http.query,
        "REQUEST_URI": request.target,
        "SERVER_NAME": listener.host,
        "SERVER_PORT": str(listener.port),
        "SERVER_PROTOCOL": "HTTP/1.0" if request.is_http_1_0 else "HTTP/1.1",
        "REMOTE_ADDR": http.peer,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": listener.scheme,
        "wsgi.input": BytesIO(http.body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in http.headers.items():
        key = _BODY_HEADERS.get(name) or f"HTTP_{name.upper().replace('-', '_')}"
        environ[key] = value if value.isascii() else value.encode().decode("latin-1")
    # A chunked body has been joined.
    return {**environ, "CONTENT_LENGTH": str(len(http.body))}


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
    kept = tuple(header for header in headers if header[0].lower() != "date")
    return HttpResponse(int(status[:3]), kept, body)
