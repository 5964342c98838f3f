"""A canned response on pytest-httpserver, run in its own environment. Arguments: the port, and the file with the response body."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from pytest_httpserver import HTTPServer


def main(port: int, body: bytes) -> None:
    """Serve until a signal ends the process."""
    server = HTTPServer("127.0.0.1", port)
    server.expect_request("/").respond_with_data(body, content_type="text/xml")
    server.start()
    signal.pause()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]).read_bytes())
