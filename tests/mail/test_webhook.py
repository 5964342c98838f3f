"""The webhook: each mail is posted as JSON, and a failed delivery affects nothing else."""

from __future__ import annotations

import base64
import json
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import trustme
from alimock.app import flask_app
from alimock.backend import Backend, create_backend
from alimock.mail import forwarder, webhook
from alimock.settings import SettingError, Settings, resolve
from command import ask, serving
from conftest import scenario
from flask.testing import FlaskClient

BASE_URL = "http://mail-check.example.com"
LIMITS = "max_relay_mails=1"


@dataclass
class Hook:
    """A server that records requests, and answers each with the next status, then with the last one."""

    statuses: list[int] = field(default_factory=lambda: [200])
    requests: list[tuple[str, dict[str, str], dict[str, Any]]] = field(default_factory=list)
    port: int = 0

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        body = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        self.requests.append((f"{handler.command} {handler.path}", dict(handler.headers.items()), body))
        handler.send_response(self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0])
        handler.send_header("Location", "/elsewhere")
        handler.end_headers()
        handler.wfile.write(b"any body")


@pytest.fixture
def hook() -> Iterator[Hook]:
    yield from serve_hook(Hook())


def serve_hook(hook: Hook, context: ssl.SSLContext | None = None) -> Iterator[Hook]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            hook.answer(self)

        do_GET = do_POST

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    hook.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield hook
    server.shutdown()
    thread.join()
    server.server_close()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        # Leave the interpreter to the thread that delivers, which a busy loop would keep waiting.
        threading.Event().wait(0.001)


@dataclass
class Emulated:
    """An emulator with a webhook."""

    backend: Backend
    client: FlaskClient

    def submit(self, email: str = "jo@example.com") -> int:
        return self.client.get(f"/?Action=SubmitEmailVerification&Version=2018-01-29&Email={email}").status_code

    def get(self, path: str) -> dict[str, Any]:
        found: dict[str, Any] = self.client.get(f"/_alimock/{path}").get_json()
        return found

    def done(self, count: int = 1) -> dict[str, Any]:
        """Return what info shows of the webhook once this many mails are delivered or failed."""

        def found() -> dict[str, Any]:
            shown: dict[str, Any] = self.get("info")["webhook"]
            return shown

        until(lambda: found()["delivered"] + found()["failed"] >= count)
        return found()

    def deliveries(self) -> list[object]:
        return [mail["deliveries"] for mail in self.get("outbox")["messages"]]


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Emulated]]:
    monkeypatch.setattr(forwarder, "RETRY_SECONDS", 0.01)
    made: list[forwarder.Forwarder] = []

    def start(url: str, **options: str) -> Emulated:
        backend = create_backend(scenario(), resolve({"webhook": url, **options}, {}))
        for one in backend.forwarders:
            one.start(BASE_URL)
            made.append(one)
        return Emulated(backend, flask_app(backend).test_client())

    yield start
    for one in made:
        one.stop()


def test_mail_is_posted_as_the_control_api_returns_it(hook: Hook, start: Callable[..., Emulated]) -> None:
    emulated = start(f"http://127.0.0.1:{hook.port}/hooks/mail?team=a%20b")
    assert emulated.submit("%E6%9D%8E@example.com") == 200
    info = emulated.done()
    ((line, headers, body),) = hook.requests
    assert (line, headers["Content-Type"]) == ("POST /hooks/mail?team=a%20b", "application/json")
    assert "Authorization" not in headers
    mail = emulated.client.get(f"/_alimock/outbox/{body['id']}", headers={"Host": "localhost"}).get_json()
    assert mail.pop("deliveries") == {"webhook": {"state": "delivered", "error": None}}
    assert json.dumps(body).replace(BASE_URL, "http://localhost") == json.dumps(mail)
    assert body["to"] == "李@example.com"
    expected = {"url": f"http://127.0.0.1:{hook.port}", "waiting": 0, "delivered": 1, "failed": 0, "last_error": None}
    assert info == expected


@pytest.mark.parametrize(
    ("statuses", "attempts", "error"),
    [
        ([200], 1, None),
        ([204], 1, None),
        ([503, 200], 2, None),
        ([408, 429, 202], 3, None),
        ([500], 3, "HTTP 500"),
        ([400], 1, "HTTP 400"),
        ([404], 1, "HTTP 404"),
        ([307], 1, "HTTP 307; redirects are not followed"),
        ([302], 1, "HTTP 302; redirects are not followed"),
    ],
)
def test_transient_failure_is_retried(
    hook: Hook, start: Callable[..., Emulated], statuses: list[int], attempts: int, error: str | None
) -> None:
    hook.statuses = list(statuses)
    emulated = start(f"http://127.0.0.1:{hook.port}/")
    emulated.submit()
    info = emulated.done()
    assert (info["delivered"], info["failed"], info["last_error"]) == (int(error is None), int(error is not None), error)
    assert [line for line, _, _ in hook.requests] == ["POST /"] * attempts
    state = "failed" if error else "delivered"
    assert emulated.deliveries() == [{"webhook": {"state": state, "error": error}}]
    assert [change["kind"] for change in emulated.get("changes?after=0")["changes"]].count("delivery") == 1


def test_user_and_password_of_the_url_are_sent_but_not_shown(
    hook: Hook, start: Callable[..., Emulated], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    hook.statuses = [401]
    emulated = start(f"http://us%40er:p%C3%A4ss@127.0.0.1:{hook.port}/t0ken?key=s3cret")
    emulated.submit()
    emulated.done()
    authorization = hook.requests[0][1]["Authorization"]
    assert base64.b64decode(authorization.removeprefix("Basic ")).decode() == "us@er:päss"
    shown = caplog.text + json.dumps(emulated.get("info")) + json.dumps(emulated.get("outbox"))
    assert f"not delivered to http://127.0.0.1:{hook.port}: mail" in shown
    assert not [word for word in ("t0ken", "s3cret", "us%40er", "us@er", "ss@", "/t0ken") if word in shown]
    assert "s3cret" not in repr(Settings(webhook="http://a/s3cret"))


@pytest.mark.slow
@pytest.mark.parametrize("is_trusted", [True, False])
def test_certificate_is_verified(
    start: Callable[..., Emulated], monkeypatch: pytest.MonkeyPatch, tmp_path: Any, is_trusted: bool
) -> None:
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    if is_trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    for hook in serve_hook(Hook(), context):
        emulated = start(f"https://localhost:{hook.port}/")
        emulated.submit()
        info = emulated.done()
        assert (info["delivered"], len(hook.requests)) == ((1, 1) if is_trusted else (0, 0))
        assert is_trusted or "CERTIFICATE_VERIFY_FAILED" in info["last_error"]


def test_proxies_of_the_environment_are_not_used(
    hook: Hook, start: Callable[..., Emulated], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    emulated = start(f"http://127.0.0.1:{hook.port}/")
    emulated.submit()
    assert emulated.done()["delivered"] == 1


def test_unreachable_webhook_fails_no_call(start: Callable[..., Emulated], caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    emulated = start(f"http://127.0.0.1:{port}")
    assert emulated.submit() == 200
    assert "refused" in emulated.done()["last_error"]
    assert "refused" in caplog.text


@pytest.mark.parametrize("answer", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"])
def test_webhook_that_does_not_answer_properly_delays_no_call(
    start: Callable[..., Emulated], monkeypatch: pytest.MonkeyPatch, answer: bytes
) -> None:
    monkeypatch.setattr(webhook, "TIMEOUT_SECONDS", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        emulated = start(f"http://127.0.0.1:{silent.getsockname()[1]}", limits=LIMITS)
        assert [emulated.submit(f"user{number}@example.com") for number in range(5)] == [200] * 5
        if answer:
            connection, _ = silent.accept()
            with connection:
                connection.recv(100_000)
                connection.sendall(answer)
                # The queue holds one mail, so at least three of five fail.
                emulated.done(3)
        assert emulated.get("info")["webhook"]["failed"] >= 3
        reasons = [one["webhook"]["error"] for one in emulated.deliveries()]  # type: ignore[index]
        assert "the queue is full (1 mails)" in reasons


def test_response_that_never_ends_is_given_up(start: Callable[..., Emulated], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "TIMEOUT_SECONDS", 0.1)
    monkeypatch.setattr(forwarder, "ATTEMPTS", 1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        emulated = start(f"http://127.0.0.1:{server.getsockname()[1]}")
        emulated.submit()
        connection, _ = server.accept()
        with connection, suppress(OSError):
            connection.sendall(b"HTTP/1.1 200 OK\r\n")
            while not emulated.get("info")["webhook"]["failed"]:
                connection.sendall(b"X")
        assert emulated.done()["last_error"] == "TimeoutError: no response within 0.1 s"


def test_deleted_mail_is_not_recorded_as_delivered(hook: Hook, start: Callable[..., Emulated]) -> None:
    emulated = start(f"http://127.0.0.1:{hook.port}/")
    with emulated.backend.service.store.transaction():
        # The webhook waits for the lock before it sends the mail.
        emulated.submit()
        emulated.client.delete("/_alimock/outbox")
    emulated.done()
    assert emulated.get("outbox")["messages"] == []
    assert "delivery" not in [change["kind"] for change in emulated.get("changes?after=0")["changes"]]


def test_messages_have_no_deliveries_without_a_target(empty_client: FlaskClient) -> None:
    empty_client.get("/?Action=SubmitEmailVerification&Version=2018-01-29&Email=jo@example.com")
    (mail,) = empty_client.get("/_alimock/outbox").get_json()["messages"]
    assert "deliveries" not in mail
    info = empty_client.get("/_alimock/info").get_json()
    assert info["relay"] is None and info["webhook"] is None


@pytest.fixture
def empty_client() -> FlaskClient:
    return flask_app(create_backend(scenario(), Settings())).test_client()


@pytest.mark.slow
def test_serve_posts_mails_to_the_webhook(hook: Hook) -> None:
    url = f"http://127.0.0.1:{hook.port}/s3cret"
    with serving("--public-url", BASE_URL, ALIMOCK_WEBHOOK=url) as (process, line):
        ask(line, "/?Action=SubmitEmailVerification&Version=2018-01-29&Email=jo@example.com")
        until(lambda: b'"delivered"' in ask(line, "/_alimock/outbox")[1])
        process.terminate()
        _, log = process.communicate(timeout=10)
        assert process.returncode == 0
    assert hook.requests[0][2]["link"].startswith(f"{BASE_URL}/verify?token=")
    assert "s3cret" not in line + log


@pytest.mark.parametrize(
    "text",
    ["", "example.com/s3cret", "ftp://example.com/s3cret", "http://", "http:///s3cret", "http://u:s3cret@", "http://a:0/s3cret",
     "http://a:99999/s3cret", "http://a:x/s3cret", "http://[s3cret", "http://a/s3cret b", "http://a/s3cret#x", "http://a/s3cret\u00e9",
     "http://a..b/s3cret", f"http://{'a' * 64}/s3cret", "http://a/s3cret\n"],
)  # fmt: skip
def test_invalid_url_is_rejected_and_not_shown(text: str) -> None:
    with pytest.raises(SettingError) as caught:
        resolve({"webhook": text}, {})
    assert str(caught.value) == "--webhook: found a value that is not shown, expected a URL like https://example.com/hook"
