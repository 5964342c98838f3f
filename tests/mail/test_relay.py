"""The relay: each mail is delivered by SMTP, and a failed delivery affects nothing else."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from email import message_from_bytes, policy

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from alimock.api.service import Service
from alimock.backend import Backend
from alimock.mail import forwarder
from alimock.mail import relay as relay_module
from alimock.mail.forwarder import Forwarder
from alimock.mail.relay import Relay
from alimock.scenario import loader
from alimock.server.listener import Listener
from alimock.server.server import Server
from alimock.state.store import Store
from command import ask, serving


class Catcher:
    """Accepts mails, and rejects those to `later` and `never`."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []
        self.attempts = 0
        self.rejects_quit = False
        self.received = threading.Event()

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]) -> str:
        self.attempts += 1
        if "later" in address and self.attempts < 3:
            return "451 try again"
        if "never" in address:
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_QUIT(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        return "421 in a hurry" if self.rejects_quit else "221 Bye"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.envelopes.append(envelope)
        self.received.set()
        return "250 OK"


class LoopbackController(Controller):
    """A controller on a free port, which aiosmtpd does not choose itself."""

    def _trigger_server(self) -> None:
        assert self.server is not None
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@pytest.fixture
def catcher() -> Iterator[tuple[Catcher, int]]:
    handler = Catcher()
    controller = LoopbackController(handler, hostname="127.0.0.1", port=0, enable_SMTPUTF8=True)
    controller.start()
    yield handler, controller.port
    controller.stop()


@pytest.fixture
def relayed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., tuple[Server, Forwarder]]]:
    monkeypatch.setattr(forwarder, "RETRY_SECONDS", 0.01)
    made: list[tuple[Server, Forwarder]] = []

    def make(port: int, max_waiting: int = 1_000) -> tuple[Server, Forwarder]:
        service = Service(Store(loader.load("empty")))
        relay = Forwarder(Relay("127.0.0.1", port), service.executor, max_waiting)
        server = Server(Backend(service, forwarders=[relay]), Listener("127.0.0.1", 0))
        server.start()
        relay.start(server.url)
        made.append((server, relay))
        return server, relay

    yield make
    for server, relay in made:
        server.stop()
        relay.stop()


def get(server: Server, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.listeners[0].port, timeout=10)
    connection.request("GET", path)
    response = connection.getresponse()
    return response.status, response.read()


def submit(server: Server, email: str) -> int:
    return get(server, f"/?Action=SubmitEmailVerification&Version=2018-01-29&Email={email}")[0]


def counts(server: Server, done: int) -> dict[str, object]:
    """Return what info shows of the relay once this many mails are delivered or failed."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        found: dict[str, object] = json.loads(get(server, "/_alimock/info")[1])["relay"]
        if int(str(found["delivered"])) + int(str(found["failed"])) == done:
            return found
    raise AssertionError(found)


def test_mail_is_delivered_as_it_is_in_the_outbox(
    catcher: tuple[Catcher, int], relayed: Callable[[int], tuple[Server, Forwarder]]
) -> None:
    handler, port = catcher
    server, _ = relayed(port)
    assert submit(server, "jo@example.com") == 200
    assert handler.received.wait(10)
    (envelope,) = handler.envelopes
    assert (envelope.mail_from, envelope.rcpt_tos) == ("noreply@example.com", ["jo@example.com"])
    message = message_from_bytes(envelope.content or b"", policy=policy.default)  # type: ignore[arg-type]
    text = message.get_body(("plain",))
    assert text is not None
    assert f"{server.url}/verify?token=" in text.get_content()
    assert counts(server, 1) == {"host": "127.0.0.1", "port": port, "waiting": 0, "delivered": 1, "failed": 0, "last_error": None}


def test_mail_to_a_non_ascii_address_is_delivered(
    catcher: tuple[Catcher, int], relayed: Callable[[int], tuple[Server, Forwarder]]
) -> None:
    handler, port = catcher
    server, _ = relayed(port)
    submit(server, "%E6%9D%8E@example.com")
    assert handler.received.wait(10)
    assert handler.envelopes[0].rcpt_tos == ["李@example.com"]


@pytest.mark.slow
def test_4xx_reply_is_retried_and_5xx_is_not(
    catcher: tuple[Catcher, int], relayed: Callable[[int], tuple[Server, Forwarder]]
) -> None:
    handler, port = catcher
    server, _ = relayed(port)
    submit(server, "later@example.com")
    assert counts(server, 1)["delivered"] == 1
    assert handler.attempts == 3
    submit(server, "never@example.com")
    found = counts(server, 2)
    assert (found["failed"], handler.attempts) == (1, 4)
    assert "no such user" in str(found["last_error"])


def test_error_reply_to_quit_does_not_fail_the_delivery(
    catcher: tuple[Catcher, int], relayed: Callable[[int], tuple[Server, Forwarder]]
) -> None:
    handler, port = catcher
    handler.rejects_quit = True
    server, _ = relayed(port)
    submit(server, "jo@example.com")
    assert counts(server, 1)["delivered"] == 1
    assert len(handler.envelopes) == 1


def test_mail_that_cannot_be_rendered_does_not_stop_the_relay(
    catcher: tuple[Catcher, int], relayed: Callable[[int], tuple[Server, Forwarder]], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, port = catcher
    server, _ = relayed(port)
    with monkeypatch.context() as broken:
        broken.setattr(relay_module.message, "build", lambda *_: [][0])
        submit(server, "one@example.com")
        assert counts(server, 1)["failed"] == 1
    submit(server, "two@example.com")
    assert counts(server, 2)["delivered"] == 1


def test_unreachable_relay_fails_no_call_and_is_reported(
    relayed: Callable[[int], tuple[Server, Forwarder]], caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server, _ = relayed(port)
    assert submit(server, "jo@example.com") == 200
    found = counts(server, 1)
    assert (found["delivered"], found["failed"]) == (0, 1)
    assert "refused" in str(found["last_error"])
    assert f"not delivered to 127.0.0.1:{port}" in caplog.text
    assert b"jo@example.com" in get(server, "/_alimock/outbox")[1]


def test_silent_relay_delays_neither_calls_nor_the_stop(
    relayed: Callable[[int], tuple[Server, Forwarder]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_module, "TIMEOUT_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        server, relay = relayed(silent.getsockname()[1])
        for number in range(5):
            assert submit(server, f"user{number}@example.com") == 200
        relay.stop()


def test_mails_beyond_the_queue_limit_fail(
    relayed: Callable[..., tuple[Server, Forwarder]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_module, "TIMEOUT_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        server, relay = relayed(silent.getsockname()[1], max_waiting=1)
        for number in range(5):
            assert submit(server, f"user{number}@example.com") == 200
        assert relay.counts.failed >= 3


def test_serve_relays_mails_with_the_public_url(catcher: tuple[Catcher, int]) -> None:
    handler, port = catcher
    with serving("--smtp-relay", f"127.0.0.1:{port}", "--public-url", "http://mail-check.example.com") as (process, line):
        ask(line, "/?Action=SubmitEmailVerification&Version=2018-01-29&Email=jo@example.com")
        assert handler.received.wait(10)
        process.terminate()
        assert process.wait(10) == 0
    assert b"http://mail-check.example.com/verify?token=" in bytes(handler.envelopes[0].content or b"").replace(
        b"=\r\n", b""
    ).replace(b"=3D", b"=")
