"""A bare responder on alimock's server: the cost of the server alone. Arguments: the port, and the file with the response body."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from alimock.api.http import HttpRequest, HttpResponse
from alimock.api.service import Service
from alimock.backend import Backend
from alimock.scenario import loader
from alimock.server.listener import Listener
from alimock.server.server import Server
from alimock.state.store import Store


class Bare(Backend):
    """A backend that responds to every call with one body."""

    def __init__(self, body: bytes) -> None:
        super().__init__(Service(Store(loader.load("empty"))))
        self._response = HttpResponse(200, (("Content-Type", "text/xml;charset=utf-8"), ("Content-Length", str(len(body)))), body)

    def call(self, http: HttpRequest, root: str = "") -> HttpResponse:
        return self._response


def main(port: int, body: bytes) -> None:
    """Serve until SIGTERM or SIGINT."""
    server = Server(Bare(body), Listener("127.0.0.1", port))
    server.start()
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    server.stop()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]).read_bytes())
