"""The other load: waiters, a client that resets all accounts, and silent connections."""

from __future__ import annotations

import itertools
import random
import socket
import threading
from collections.abc import Iterable
from contextlib import ExitStack, suppress

from soak.client import Client, Disagreement
from soak.emulator import Connection


class Waiter:
    """Wait for mails that never arrive."""

    def __init__(self, endpoint: str, stopped: threading.Event) -> None:
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.connection = Connection(endpoint)
        self.stopped = stopped
        self.disagreement: str | None = None

    def run(self) -> None:
        """Wait until stopped; each wait ends with a timeout or a reset."""
        try:
            while not self.stopped.is_set():
                status, answer = self.connection.control("GET", "outbox/wait", to="absent@example.com", timeout=1)
                if status not in (408, 410):
                    raise Disagreement(f"the waiter got {status} {answer}, expected 408 or 410")
        except Exception as error:
            self.disagreement = f"{type(error).__name__}: {error}"
            self.stopped.set()
        finally:
            self.connection.close()


class Resetter:
    """Reset all accounts at intervals."""

    def __init__(self, endpoint: str, clients: Iterable[Client], pause: float, stopped: threading.Event) -> None:
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.endpoint = endpoint
        self.clients = list(clients)
        self.pause = pause
        self.stopped = stopped
        self.disagreement: str | None = None

    def run(self) -> None:
        """Reset until stopped, each time on a new connection because the emulator closes idle ones."""
        try:
            while not self.stopped.wait(self.pause):
                self._reset()
        except Exception as error:
            self.disagreement = f"{type(error).__name__}: {error}"
            self.stopped.set()

    def _reset(self) -> None:
        """Reset all accounts and ledgers while every client is between two steps."""
        for client in self.clients:
            client.free.clear()
        with ExitStack() as held:
            for client in self.clients:
                held.enter_context(client.busy)
                held.callback(client.free.set)
            connection = Connection(self.endpoint)
            connection.control("POST", "reset")
            connection.close()
            self.clients[0].done["all reset"] += 1
            for ledger in itertools.chain.from_iterable(client.ledgers for client in self.clients):
                ledger.clear()


class Silent:
    """Connect and send nothing, or an incomplete request."""

    def __init__(self, endpoint: str, source: random.Random, stopped: threading.Event) -> None:
        self.thread = threading.Thread(target=self.run, daemon=True)
        host, port = endpoint.split(":")
        self.address = (host, int(port))
        self.source = source
        self.stopped = stopped
        self.disagreement: str | None = None

    def run(self) -> None:
        """Connect until stopped, and disconnect after a while."""
        while not self.stopped.is_set():
            with suppress(OSError), socket.create_connection(self.address, timeout=30) as connection:
                connection.sendall(self.source.choice((b"", b"GET /?Acti", b"POST / HTTP/1.1\r\nContent-Length: 99\r\n\r\nActi")))
                self.stopped.wait(self.source.uniform(0.1, 2))
