"""A bare WSGI application on an unmodified cheroot server. Arguments: the port, and the file with the response body."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from cheroot.wsgi import Server

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


def application(body: bytes) -> WSGIApplication:
    """Return an application that responds to every request with one body."""

    def respond(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", "text/xml;charset=utf-8"), ("Content-Length", str(len(body)))])
        return [body]

    return respond


def main(port: int, body: bytes) -> None:
    """Serve until SIGTERM or SIGINT."""
    server = Server(("127.0.0.1", port), application(body))
    server.prepare()
    threading.Thread(target=server.serve, daemon=True).start()
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    server.stop()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]).read_bytes())
