"""A real Valkey or Redis server on a Unix socket in a temporary folder, for tests."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import valkey
from alimock.persistence import location
from alimock.state import system_clock

START_SECONDS = 20


class ValkeyServer:
    """A server that can be stopped, killed and started again; it keeps every command in its file before it answers."""

    def __init__(self, program: str, folder: Path) -> None:
        self.folder = folder
        self.socket = folder / "server.sock"
        self._program = program
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server, and return when it answers."""
        options = ("--port", "0", "--unixsocket", str(self.socket), "--dir", str(self.folder), "--save", "", "--appendonly", "yes")
        self.process = subprocess.Popen([self._program, *options, "--appendfsync", "always"], stdout=subprocess.DEVNULL)
        end = system_clock.monotonic() + START_SECONDS
        while not self.is_ready():
            assert self.process.poll() is None and system_clock.monotonic() < end, "the server does not start"
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(0.01)

    def is_ready(self) -> bool:
        """Return whether the server answers."""
        try:
            return bool(self.client().ping())
        except valkey.ValkeyError:
            return False

    def client(self) -> valkey.Valkey:
        """Return a client."""
        return valkey.Valkey(unix_socket_path=str(self.socket), socket_timeout=5)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, and wait for the end if it is one that ends the server."""
        assert self.process is not None
        self.process.send_signal(number)
        if number in (signal.SIGTERM, signal.SIGKILL):
            self.process.wait(START_SECONDS)

    def location(self, name: str = "default") -> location.ValkeyServer:
        """Return where a state with a name is."""
        return location.ValkeyServer(f"unix://{self.socket}", f"unix://{self.socket}", name)

    def url(self, name: str = "default") -> str:
        """Return the value of `--state`."""
        return f"unix://{self.socket}?name={name}"


@contextmanager
def running_server() -> Iterator[ValkeyServer]:
    """Run a server; without one on this machine, skip the test, or fail it if CI is set."""
    program = shutil.which("valkey-server") or shutil.which("redis-server")
    if program is None:
        reason = "neither valkey-server nor redis-server is installed"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    # Not pytest's folder, whose path may be too long for a socket.
    with tempfile.TemporaryDirectory() as folder:
        server = ValkeyServer(program, Path(folder))
        server.start()
        try:
            yield server
        finally:
            if server.process is not None and server.process.poll() is None:
                server.signal(signal.SIGKILL)
