"""Those of the soak that make no calls: who waits, who resets, and who says nothing."""

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
    """Waits for mails that never come."""

    def __init__(self, endpoint: str, stopped: threading.Event) -> None:
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.connection = Connection(endpoint)
        self.stopped = stopped
        self.disagreement: str | None = None

    def run(self) -> None:
        """Waits again and again; a reset sends it away."""
        try:
            while not self.stopped.is_set():
                status, answer = self.connection.control("GET", "outbox/wait", to="nobody@example.com", timeout=1)
                if status not in (408, 410):
                    raise Disagreement(f"who waited for nobody's mail got {status} {answer}")
        except Exception as error:
            self.disagreement = f"{type(error).__name__}: {error}"
            self.stopped.set()
        finally:
            self.connection.close()


class Resetter:
    """Resets all accounts now and then."""

    def __init__(self, endpoint: str, clients: Iterable[Client], pause: float, stopped: threading.Event) -> None:
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.endpoint = endpoint
        self.clients = list(clients)
        self.pause = pause
        self.stopped = stopped
        self.disagreement: str | None = None

    def run(self) -> None:
        """Does so again and again, with a connection of its own each time, since the emulator closes those that are idle."""
        try:
            while not self.stopped.wait(self.pause):
                self._reset()
        except Exception as error:
            self.disagreement = f"{type(error).__name__}: {error}"
            self.stopped.set()

    def _reset(self) -> None:
        """Does so while no client is in the middle of something."""
        for client in self.clients:
            client.free.clear()
        with ExitStack() as held:
            for client in self.clients:
                held.enter_context(client.busy)
                held.callback(client.free.set)
            connection = Connection(self.endpoint)
            connection.control("POST", "reset")
            connection.close()
            self.clients[0].done["reset of all"] += 1
            for ledger in itertools.chain.from_iterable(client.ledgers for client in self.clients):
                ledger.clear()


class Silent:
    """Connects and says nothing, or not all."""

    def __init__(self, endpoint: str, source: random.Random, stopped: threading.Event) -> None:
        self.thread = threading.Thread(target=self.run, daemon=True)
        host, port = endpoint.split(":")
        self.address = (host, int(port))
        self.source = source
        self.stopped = stopped
        self.disagreement: str | None = None

    def run(self) -> None:
        """Does so again and again, and goes after a while."""
        while not self.stopped.is_set():
            with suppress(OSError), socket.create_connection(self.address, timeout=30) as connection:
                connection.sendall(self.source.choice((b"", b"GET /?Acti", b"POST / HTTP/1.1\r\nContent-Length: 99\r\n\r\nActi")))
                self.stopped.wait(self.source.uniform(0.1, 2))
