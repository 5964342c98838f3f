"""A bare WSGI application on alimock's server: the cost of the server alone. Arguments: the port, and the file with the response body."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from alimock.api.service import Service
from alimock.scenario import loader
from alimock.security import HostPolicy
from alimock.server.dispatch import Application
from alimock.server.server import Server
from alimock.state.store import Store

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


class Bare(Application):
    """An application that responds to every request with one body."""

    def __init__(self, body: bytes) -> None:
        super().__init__(Service(Store(loader.load("empty"))), HostPolicy())
        self._body = body

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", "text/xml;charset=utf-8"), ("Content-Length", str(len(self._body)))])
        return [self._body]


def main(port: int, body: bytes) -> None:
    """Serve until SIGTERM or SIGINT."""
    server = Server(Bare(body), "127.0.0.1", port)
    server.start()
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    server.stop()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]).read_bytes())
