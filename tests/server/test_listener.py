"""The addresses that a server listens on."""

from __future__ import annotations

import errno
import http.client
import re
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from alimock.api.service import Service
from alimock.backend import Backend
from alimock.cli import certificates
from alimock.cli.main import main
from alimock.client.connection import Connection
from alimock.security import HostPolicy
from alimock.server import listener
from alimock.server.listener import Listener
from alimock.server.server import Server
from alimock.state.store import Store
from command import serving
from conftest import scenario

BOTH = ("127.0.0.1", "::1")


def has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="no IPv6")


@pytest.fixture
def started() -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def start(*listeners: Listener) -> Server:
        server = Server(Backend(Service(Store(scenario()))), *listeners)
        server.start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.stop()


def status(host: str, port: int, context: ssl.SSLContext | None = None) -> int:
    connection = http.client.HTTPConnection(host, port, timeout=10)
    if context is not None:
        connection = http.client.HTTPSConnection(host, port, timeout=10, context=context)
    connection.request("GET", "/readyz")
    found = connection.getresponse().status
    connection.close()
    return found


@needs_ipv6
@pytest.mark.parametrize("host", ["localhost", "LocalHost"])
def test_localhost_is_both_loopback_addresses_on_the_same_port(started: Callable[..., Server], host: str, tmp_path: Path) -> None:
    plain, secure = Listener(host, 0), Listener(host, 0, certificates.tls_context(tmp_path, []))
    server = started(plain, secure)
    assert server.url == f"http://{host}:{plain.port}"
    assert plain.port != secure.port
    trusting = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
    for address in BOTH:
        assert status(address, plain.port) == 200
        assert status(address, secure.port, trusting) == 200
    assert Connection(server.url).send("GET", "info")["accounts"] >= 0


@needs_ipv6
def test_localhost_takes_another_free_port_if_that_of_ipv6_is_used(
    started: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    create_server, used = socket.create_server, []

    def create(address: tuple[str, int], **options: Any) -> socket.socket:
        if address[0] == "::1" and len(used) < 3:
            used.append(address[1])
            raise OSError(errno.EADDRINUSE, "in use")
        return create_server(address, **options)

    monkeypatch.setattr(socket, "create_server", create)
    port = started(Listener("localhost", 0)).listeners[0].port
    assert len(used) == 3
    assert [status(address, port) for address in BOTH] == [200, 200]


@pytest.mark.parametrize(
    ("port", "reason"),
    [
        (443, "permission denied; a port below 1024 needs root or CAP_NET_BIND_SERVICE"),
        # Of a port that another process uses exclusively, on Windows.
        (50_000, r"\[Errno 13\] Permission denied"),
    ],
)
def test_permission_denied_is_reported(monkeypatch: pytest.MonkeyPatch, port: int, reason: str) -> None:
    def refuse(*_: object, **__: object) -> socket.socket:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(socket, "create_server", refuse)
    with pytest.raises(OSError, match=rf"^cannot listen on 127\.0\.0\.1 port {port}: {reason}$"):
        Listener("127.0.0.1", port).bind()


@needs_ipv6
@pytest.mark.parametrize("address", BOTH)
def test_used_port_of_either_loopback_address_is_reported(address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, 0), family=family) as used:
        port = used.getsockname()[1]
        with pytest.raises(OSError, match=f"^cannot listen on {address} port {port}: address already in use$"):
            Listener("localhost", port).bind()
    for one in Listener("localhost", port).bind():
        one.close()


@pytest.mark.parametrize("reason", [errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT])
def test_localhost_without_ipv6_is_one_address(
    started: Callable[..., Server], monkeypatch: pytest.MonkeyPatch, reason: int
) -> None:
    create_server = socket.create_server

    def create(address: tuple[str, int], **options: Any) -> socket.socket:
        if address[0] == "::1":
            raise OSError(reason, "no IPv6")
        return create_server(address, **options)

    monkeypatch.setattr(listener.socket, "create_server", create)
    server = started(Listener("localhost", 0))
    assert status("127.0.0.1", server.listeners[0].port) == 200
    assert server.url == f"http://localhost:{server.listeners[0].port}"


@needs_ipv6
@pytest.mark.slow
def test_serve_on_localhost_prints_a_url_that_every_client_can_use() -> None:
    with serving("--host", "localhost") as (_, line):
        found = re.search(r"ready on http://localhost:(\d+) .*; web UI: http://localhost:\1/_alimock/$", line.strip())
        assert found, line
        assert [status(address, int(found[1])) for address in BOTH] == [200, 200]
        for host in ("localhost", "127.0.0.1", "[::1]"):
            assert main(["ready", "--url", f"http://{host}:{found[1]}"]) == 0


def test_localhost_in_capital_letters_is_protected_as_loopback() -> None:
    assert not HostPolicy("LocalHost").allows_host("rebound.example.com")
