"""A canned answer behind pytest-httpserver, run by the interpreter of its environment. Takes the port and the answer's file."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from pytest_httpserver import HTTPServer


def main(port: int, body: bytes) -> None:
    """Serves until it is told to stop."""
    server = HTTPServer("127.0.0.1", port)
    server.expect_request("/").respond_with_data(body, content_type="text/xml")
    server.start()
    signal.pause()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]).read_bytes())
