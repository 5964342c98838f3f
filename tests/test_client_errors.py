"""A client whose URL leads to something else than a running emulator: every error names the URL, what happened and what to do."""

from __future__ import annotations

import asyncio
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme
from alimock import Client, EmulatorError
from alimock.client import connection

HTML = "HTTP/1.1 {status}\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>"


def json(content: str, status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n{content}".encode()


CHECK = r"Check the URL and the port\.$"
NOT_ALIMOCK = r"^The server at URL is not alimock: "
LOST = r"^URL closed the connection without a complete response\. Is alimock still running there, and are the scheme and the port right\?$"
# What a server sends before it closes the connection; None keeps it open and silent.
ANSWERS: dict[str, tuple[bytes | None, str]] = {
    "silent": (None, rf"^No response from alimock at URL within 0\.2 s\. {CHECK}"),
    "closed": (b"", LOST),
    "closed in the body": (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", LOST),
    "TLS alert": (b"\x15\x03\x01\x00\x02\x02\x46", rf"{NOT_ALIMOCK}it speaks TLS; use https or the HTTP port\. {CHECK}"),
    "another protocol": (b"220 mail.example.com ESMTP\r\n", rf"{NOT_ALIMOCK}BadStatusLine\('220 mail.*\. {CHECK}"),
    "nothing but a line feed": (b"\r\n\r\n", rf"{NOT_ALIMOCK}BadStatusLine\(.*\. {CHECK}"),
    "long header": (b"HTTP/1.1 200 OK\r\nA: " + b"a" * 70_000, rf"{NOT_ALIMOCK}LineTooLong\(.*\. {CHECK}"),
    "a page": (HTML.format(status="200 OK").encode(), rf"{NOT_ALIMOCK}the response, with status 200, is not a JSON object\. {CHECK}"),
    "a missing page": (HTML.format(status="404 Not Found").encode(), rf"{NOT_ALIMOCK}the response, with status 404, is not a JSON object\. {CHECK}"),
    "a redirect": (HTML.format(status="301 Moved").encode(), rf"{NOT_ALIMOCK}the response, with status 301, is not a JSON object\. {CHECK}"),
    "a timeout of a proxy": (HTML.format(status="408 Request Timeout").encode(), rf"{NOT_ALIMOCK}the response, with status 408, is not a JSON object\. {CHECK}"),
    "another JSON object": (json('{"ok": true}'), rf"{NOT_ALIMOCK}the response has no `messages?`\. {CHECK}"),
    "another error": (json('{"message": "no Route"}', "404 Not Found"), rf"{NOT_ALIMOCK}the response, with status 404, is not an error of alimock\. {CHECK}"),
    "a list": (json("[]"), rf"{NOT_ALIMOCK}the response, with status 200, is not a JSON object\. {CHECK}"),
    "deep JSON": (json("[" * 100_000), rf"{NOT_ALIMOCK}the response, with status 200, is not a JSON object\. {CHECK}"),
    "bytes": (json("\0"), rf"{NOT_ALIMOCK}the response, with status 200, is not a JSON object\. {CHECK}"),
}  # fmt: skip


@contextmanager
def server(answer: bytes | None) -> Iterator[str]:
    """Run a server that sends one answer to everything, and yield its URL."""
    ended = threading.Event()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(65_536)
            if answer is None:
                ended.wait(20)
            else:
                self.request.sendall(answer)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as tcp:
        threading.Thread(target=tcp.serve_forever, args=(0.01,)).start()
        try:
            yield f"http://127.0.0.1:{tcp.server_address[1]}"
        finally:
            ended.set()
            tcp.shutdown()


@pytest.fixture(autouse=True)
def short_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "TIMEOUT_SECONDS", 0.1)


ACTIONS: dict[str, Callable[[Client], object]] = {
    "wait": lambda client: client.outbox.wait(timeout=0.1),
    "wait_async": lambda client: asyncio.run(client.outbox.wait_async(timeout=0.1)),
    "list": lambda client: client.connection.send("GET", "outbox", seconds=0.2)["messages"],
}


@pytest.mark.parametrize("action", list(ACTIONS))
@pytest.mark.parametrize("answer", list(ANSWERS))
def test_error_names_the_url_what_happened_and_what_to_do(answer: str, action: str) -> None:
    sent, message = ANSWERS[answer]
    with server(sent) as url:
        expected = message.replace("URL", url.replace(".", r"\."), 1)
        with pytest.raises(EmulatorError, match=expected):
            ACTIONS[action](Client(url, "", ""))


@pytest.mark.parametrize("action", list(ACTIONS))
def test_tls_port_is_named(action: str, tmp_path: Path) -> None:
    certificate = trustme.CA().issue_cert("localhost")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(context)
    with socket.create_server(("127.0.0.1", 0)) as bound:

        def answer() -> None:
            accepted, _ = bound.accept()
            with accepted, pytest.raises(ssl.SSLError):
                context.wrap_socket(accepted, server_side=True)

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(
            EmulatorError,
            match=r"^The server at http://\S+ is not alimock: it speaks TLS; use https|^http://\S+ closed the connection",
        ):
            ACTIONS[action](Client(f"http://127.0.0.1:{bound.getsockname()[1]}", "", ""))
        thread.join()


@pytest.mark.parametrize("action", list(ACTIONS))
@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://127.0.0.1:1", r"^Cannot reach alimock at http://127\.0\.0\.1:1\. Is `alimock serve` running\? \(.+\)$"),
        (f"http://{'a' * 64}:1", r"^Cannot reach alimock at http://a+:1\. Is `alimock serve` running\? \(.+\)$"),
        ("http://:t\u00f6ken\u20ac@127.0.0.1:1", r"^the password in the URL: found a value that is not shown, expected visible ASCII characters$"),
    ],
)  # fmt: skip
def test_unreachable_url_is_named(url: str, message: str, action: str) -> None:
    with pytest.raises(EmulatorError, match=message):
        ACTIONS[action](Client(url, "", ""))
