"""The endpoint: what it connects to, and that every response that is not the API's has a reason in words."""

from __future__ import annotations

import contextlib
import errno
import gzip
import os
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme
from alimock import Emulator
from alimock.api.http import HttpRequest
from alimock.compare import endpoint
from alimock.compare.answer import Reader
from alimock.compare.endpoint import Endpoint, NoAnswer
from alimock.compare.results import Outcome
from service import KEY_ID, SECRET, comparison, content

CALL = HttpRequest("GET", "Action=ListEmailVerification", {"host": "service.example.com"}, b"", "")
OK = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{"RequestId":""}'


@contextmanager
def peer(*parts: bytes, hold: bool = False) -> Iterator[tuple[int, list[bytes]]]:
    """Run a server that sends each connection some bytes, part by part; with `hold` it then keeps the connection open."""
    received: list[bytes] = []
    ended = threading.Event()

    def handle(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            received.append(connection.recv(65536))
            for part in parts:
                connection.sendall(part)
                # A slow server sends a byte from time to time.
                ended.wait(0.02 if len(parts) > 1 else 0)
            if hold:
                ended.wait(10)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=handle, args=[listener.accept()[0]], daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1], received
        finally:
            ended.set()
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
    thread.join(5)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def reason(url: str, seconds: float = 5) -> str:
    """Return why a call has no answer."""
    with pytest.raises(NoAnswer) as caught:
        Reader([]).read(Endpoint.of(url, seconds).send(CALL).response)
    return str(caught.value)


def response(body: bytes, head: bytes = b"HTTP/1.1 200 OK", headers: bytes = b"") -> bytes:
    return head + b"\r\nContent-Length: %d\r\n%s\r\n" % (len(body), headers) + body


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (b"", "the connection was closed without a response"),
        (b"\x00\xff\x00 rubbish\r\n\r\n", "not an HTTP response (BadStatusLine)"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "not an HTTP response (BadStatusLine)"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n", "not an HTTP response (LineTooLong)"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n", "not an HTTP response (HTTPException)"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", "half a response (1 of 100 bytes)"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{", "half a response (a chunk is missing)"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n{}", "half a response (a chunk is missing)"),
        (response(b""), "an empty body (status 200)"),
        (response(b"  \r\n"), "an empty body (status 200)"),
        (response(b"<html><body>sign in</body></html>"), "an HTML page (status 200)"),
        (response(b"<!DOCTYPE html><p>Bad gateway", b"HTTP/1.1 502 Bad Gateway"), "an HTML page (status 502)"),
        (response(b"<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'/>"), "an HTML page (status 200)"),
        (response(b"hello"), "a body that is neither JSON nor XML (status 200)"),
        (response(gzip.compress(b"{}", mtime=0)), "a body in gzip (status 200)"),
        (response(b"[]"), "a body that is neither JSON nor XML (status 200)"),
        (response(b"\xff\xfe\x00"), "a body that is neither JSON nor XML (status 200)"),
        (response(b'{"RequestId": '), "a body that is not valid JSON (status 200)"),
        (response(b'{"a":' * 100_000), "a body that is not valid JSON (status 200)"),
        (response(b'{"a":' + b"9" * 10_000 + b"}"), "a body that is not valid JSON (status 200)"),
        (response(b'{"a":[' + b"1," * 2000 + b"1]}"), "a body of more than 2000 values (status 200)"),
        (response(b'{"' + b"k" * 300_000 + b'":[' + b"1," * 40_000 + b"1]}"), "a body with a path of more than 500 characters (status 200)"),
        (response(b'{"aaaa":' * 200 + b"1" + b"}" * 200), "a body with a path of more than 500 characters (status 200)"),
        (response(b'{"":' * 600 + b"1" + b"}" * 600), "a body with a path of more than 500 characters (status 200)"),
        (response(b'{"a":' + b"[" * 600 + b"]" * 600 + b"}"), "a body with a path of more than 500 characters (status 200)"),
        (response(b"<a>" + b"<b/>" * 2001 + b"</a>"), "a body of more than 2000 values (status 200)"),
        (response(b"<a>" + b"<bbbb>" * 200 + b"</bbbb>" * 200 + b"</a>"), "a body with a path of more than 500 characters (status 200)"),
        (response(b"<a><" + b"b" * 501 + b"/></a>"), "a body with a path of more than 500 characters (status 200)"),
        (response(b"<Error><Code>x</Error>"), "a body that is not valid XML (status 200)"),
        (response(b"<a>" * 100_000), "a body that is not valid XML (status 200)"),
        (response(b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"), "an XML document with a document type (status 200)"),
        (response(b"", b"HTTP/1.1 302 Found", b"Location: http://127.0.0.1:1/\r\n"), "a redirect (status 302), which is not followed"),
        (response(b"{}", b"HTTP/1.1 308 Moved", b"Location: https://elsewhere.example.com/\r\n"), "a redirect (status 308), which is not followed"),
    ],
)  # fmt: skip
def test_response_that_is_not_that_of_the_api_has_a_reason(sent: bytes, expected: str) -> None:
    with peer(sent) as (port, _):
        assert reason(f"http://127.0.0.1:{port}") == expected


def test_body_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "MAXIMUM_BYTES", 1000)
    with peer(response(b"{" + b" " * 2000)) as (port, _):
        assert reason(f"http://127.0.0.1:{port}") == "a response of more than 1000 bytes"


@pytest.mark.parametrize(
    "parts",
    [
        (),
        (b"HTTP/1.1 200 OK\r\n",),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{",),
        (b"HTTP/1.1 200 OK\r\n", *[b"x"] * 1000),
        (b"HTTP/1.1 200 OK\r\n\r\n", *[b" "] * 1000),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", *[b" "] * 1000),
        tuple([b"HTTP/1.1 100 Continue\r\n\r\n"] * 1000),
    ],
    ids=["silent", "half a head", "half a body", "slow head", "slow body", "slow body that ends with the connection", "only 100"],
)
def test_server_that_hangs_is_given_up(parts: tuple[bytes, ...]) -> None:
    with peer(*parts, hold=True) as (port, _):
        started = time.monotonic()
        assert reason(f"http://127.0.0.1:{port}", 0.2) == "timed out after 0.2 s"
        assert time.monotonic() - started < 2


def test_server_that_hangs_in_the_handshake_is_given_up() -> None:
    with peer(hold=True) as (port, _):
        assert reason(f"127.0.0.1:{port}", 0.2) == "timed out after 0.2 s"


def test_proxy_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    with peer(*[b"H"] * 1000, hold=True) as (port, _):
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{port}")
        assert reason("service.example.com", 0.2) == "timed out after 0.2 s"


def test_time_that_is_over_after_the_handshake_is_noticed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    authority.issue_cert("service.example.com").configure_cert(context)
    requests: list[bytes] = []
    slow = threading.Event()

    def tunnel() -> None:
        with contextlib.suppress(OSError), listener.accept()[0] as connection:
            connection.recv(65536)
            slow.wait(0.15)
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            slow.wait(0.15)
            with context.wrap_socket(connection, server_side=True) as secured:
                requests.append(secured.recv(65536))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=tunnel)
        thread.start()
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{listener.getsockname()[1]}")
        assert reason("service.example.com", 0.2) == "timed out after 0.2 s"
        thread.join(5)
    assert not any(requests)


def test_plain_server_under_https_is_a_tls_error() -> None:
    with peer(OK) as (port, _):
        assert reason(f"127.0.0.1:{port}").startswith("a TLS error: ")


def test_certificate_of_an_unknown_authority_is_refused() -> None:

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(context)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def handle() -> None:
            with contextlib.suppress(OSError), listener.accept()[0] as connection:
                context.wrap_socket(connection, server_side=True).close()

        thread = threading.Thread(target=handle)
        thread.start()
        assert reason(f"localhost:{listener.getsockname()[1]}").startswith("the certificate is not accepted: ")
        thread.join(5)


def test_tls_that_cannot_be_set_up_is_a_reason(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "none" / "keys"))
    assert reason("127.0.0.1:1").startswith("TLS cannot be set up: ")


def test_closed_port_and_unknown_host_have_a_reason() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert reason(f"http://127.0.0.1:{port}") == os.strerror(errno.ECONNREFUSED)
    assert reason("http://no..such.host") == "the host name cannot be resolved"


@pytest.mark.parametrize(
    ("text", "authority", "scheme"),
    [
        ("domain.aliyuncs.com", "domain.aliyuncs.com", "https"),
        ("DOMAIN.aliyuncs.com", "domain.aliyuncs.com", "https"),
        ("domain.aliyuncs.com:8443", "domain.aliyuncs.com:8443", "https"),
        ("https://domain.aliyuncs.com/", "domain.aliyuncs.com", "https"),
        ("http://127.0.0.1:2546", "127.0.0.1:2546", "http"),
        ("http://[::1]:2546", "[::1]:2546", "http"),
        ("[::1]:2546", "[::1]:2546", "https"),
    ],
)
def test_endpoint_is_https_unless_the_url_says_http(text: str, authority: str, scheme: str) -> None:
    found = Endpoint.of(text)
    assert (found.authority, found.scheme) == (authority, scheme)


@pytest.mark.parametrize("variable", ["http_proxy", "all_proxy"])
def test_proxy_of_the_environment_is_used(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with peer(OK) as (port, received):
        monkeypatch.setenv(variable, f"http://user:p%40ss@127.0.0.1:{port}")
        Endpoint.of("http://service.example.com").send(CALL)
    (request,) = received
    assert request.startswith(b"GET http://service.example.com/?Action=ListEmailVerification HTTP/1.1\r\n")
    assert b"Proxy-Authorization: Basic dXNlcjpwQHNz\r\n" in request


def test_proxy_only_tunnels_https(monkeypatch: pytest.MonkeyPatch) -> None:
    with peer(b"HTTP/1.1 403 Forbidden\r\n\r\n") as (port, received):
        monkeypatch.setenv("https_proxy", f"127.0.0.1:{port}")
        assert reason("service.example.com") == "Tunnel connection failed: 403 Forbidden"
    assert received[0].startswith(b"CONNECT service.example.com:443 HTTP/1.")
    assert b"Action" not in received[0]


def test_proxy_is_not_used_for_the_hosts_of_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with peer(OK) as (port, received):
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        Endpoint.of(f"http://127.0.0.1:{port}").send(CALL)
    assert received[0].startswith(b"GET /?Action=ListEmailVerification HTTP/1.1\r\n")


@pytest.mark.parametrize("value", ["socks5://127.0.0.1:1080", "http://", "http://host:port", "http://[::1"])
def test_proxy_that_cannot_be_used_is_a_reason(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", value)
    assert (
        reason("http://service.example.com") == "the environment names a proxy that is not a URL like http://proxy.example.com:3128"
    )


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"body": "html-502"}, "an HTML page (status 502)"),
        ({"body": "empty"}, "an empty body (status 200)"),
        ({"body": "truncated"}, "half a response ("),
        ({"body": "wrong-length"}, "a body that is not valid JSON (status 200)"),
        ({"reset": "before"}, os.strerror(errno.ECONNRESET)),
        ({"reset": "after"}, os.strerror(errno.ECONNRESET)),
        pytest.param({"delay": "30s"}, "timed out after 1 s", marks=pytest.mark.slow),
    ],
    ids=lambda value: "-".join(value.values()) if isinstance(value, dict) else None,
)
def test_damaged_response_is_no_answer_and_the_rest_is_the_same(fault: dict[str, str], expected: str) -> None:
    scenario = content(faults=[{"when": {"action": "QueryEmailVerification", "nth": 2}, **fault}])
    with Emulator(scenario) as emulator:
        service = Endpoint.of(emulator.url, 1)
        results = list(comparison(service, "lifecycle", sleep=lambda seconds: None).results())
    unanswered = [(one.name, one.reason) for one in results if one.outcome is not Outcome.SAME]
    assert [name for name, _ in unanswered] == ["lifecycle/query-waiting-address"]
    assert unanswered[0][1].startswith(expected)


def test_credentials_are_sent_nowhere_else() -> None:
    with peer(response(b"{}", b"HTTP/1.1 302 Found", b"Location: http://127.0.0.1:%d/\r\n" % 1)) as (port, received):
        results = list(comparison(Endpoint.of(f"http://127.0.0.1:{port}", 1), sleep=lambda seconds: None).results())
    assert [one.outcome for one in results] == [Outcome.NO_ANSWER] * 3
    assert len(received) == 3
    assert all(KEY_ID.encode() in request and SECRET.encode() not in request for request in received)
