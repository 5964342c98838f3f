"""The HTTP server: the request forms that real clients send, and shutdown."""

from __future__ import annotations

import http.client
import json
import resource
import socket
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest
from alimock import wsgi
from alimock.api.service import Service
from alimock.backend import Backend
from alimock.server import server as server_module
from alimock.server.listener import Listener
from alimock.server.server import Server
from alimock.settings import ServerLimits
from alimock.state.store import Store
from conftest import Running, scenario, serve

SUBMIT = urlencode({"Action": "SubmitEmailVerification", "Version": "2018-01-29", "Format": "JSON", "Email": "jo@example.com"})
FORM = "Content-Type: application/x-www-form-urlencoded\r\n"


def exchange(running: Running, request: str) -> tuple[int, dict[str, str], bytes]:
    """Send a raw request and return the response; verify by a second request that the connection is still usable."""
    with socket.create_connection(("127.0.0.1", running.port), timeout=10) as connection:
        connection.sendall(request.encode("latin-1"))
        response = http.client.HTTPResponse(connection, method=request.partition(" ")[0])
        response.begin()
        answer = response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
        if " HTTP/1.1\r\n" in request and answer[0] == 200:
            connection.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
            following = http.client.HTTPResponse(connection)
            following.begin()
            assert following.status == 200
    return answer


def test_response_is_sent_in_one_packet(running: Running) -> None:
    with socket.create_connection(("127.0.0.1", running.port), timeout=10) as connection:
        for _ in range(20):
            connection.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
            assert connection.recv(65_536).endswith(b"ok\n")


def status_of(running: Running, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=20)
    connection.request("GET", path)
    status = connection.getresponse().status
    connection.close()
    return status


@pytest.mark.parametrize(
    "request_text",
    [
        f"GET /?{SUBMIT} HTTP/1.1\r\nHost: localhost\r\n\r\n",
        # The Java SDK sends a POST without length and body.
        f"POST /?{SUBMIT} HTTP/1.1\r\nHost: localhost\r\n{FORM}\r\n",
        f"POST /?{SUBMIT} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n",
        f"POST / HTTP/1.1\r\nHost: localhost\r\n{FORM}Content-Length: {len(SUBMIT)}\r\n\r\n{SUBMIT}",
        f"POST / HTTP/1.1\r\nHost: localhost\r\n{FORM}Transfer-Encoding: chunked\r\n\r\n{len(SUBMIT):x}\r\n{SUBMIT}\r\n0\r\n\r\n",
        f"POST / HTTP/1.1\r\nHost: localhost\r\n{FORM}Transfer-Encoding: chunked\r\n\r\n"
        f"5\r\n{SUBMIT[:5]}\r\n{len(SUBMIT) - 5:x}\r\n{SUBMIT[5:]}\r\n0\r\n\r\n",
        # A client with a proxy setting sends the absolute form.
        f"POST http://domain.aliyuncs.com/?{SUBMIT} HTTP/1.1\r\nHost: domain.aliyuncs.com\r\nContent-Length: 0\r\n\r\n",
        f"GET http://domain-intl.aliyuncs.com?{SUBMIT} HTTP/1.1\r\nHost: domain-intl.aliyuncs.com\r\n\r\n",
        f"GET http://127.0.0.1:1/?{SUBMIT} HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n",
        # The Tea SDKs sign and send such a Host if their endpoint has a scheme.
        f"POST /?{SUBMIT} HTTP/1.1\r\nHost: http://127.0.0.1:2546\r\nContent-Length: 0\r\n\r\n",
        f"GET /?{SUBMIT} HTTP/1.0\r\n\r\n",
        f"POST / HTTP/1.1\r\nHost: localhost\r\n{FORM}Transfer-Encoding: chunked\r\n\r\n{len(SUBMIT):x}\r\n{SUBMIT}\r\n0\r\nX-Trailer: 1\r\n\r\n",
        f"POST / HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n{FORM}Content-Length: {len(SUBMIT)}\r\n\r\n{SUBMIT}",
    ],
)  # fmt: skip
def test_call_is_accepted_in_every_form_that_clients_send(running: Running, request_text: str) -> None:
    status, headers, body = exchange(running, request_text)
    assert status == 200
    assert [row["Email"] for row in json.loads(body)["SuccessList"]] == ["jo@example.com"]
    assert "server" not in headers
    assert headers["content-length"] == str(len(body))


@pytest.mark.parametrize(
    ("request_text", "status"),
    [
        ("GET http://other.example.com/ HTTP/1.1\r\nHost: other.example.com\r\n\r\n", 501),
        ("GET http://ecs.aliyuncs.com/ HTTP/1.1\r\nHost: ecs.aliyuncs.com\r\n\r\n", 501),
        ("GET HTTP://other.example.com HTTP/1.1\r\nHost: other.example.com\r\n\r\n", 501),
        ("GET http://[broken/ HTTP/1.1\r\nHost: x\r\n\r\n", 501),
        ("CONNECT domain.aliyuncs.com:443 HTTP/1.1\r\nHost: domain.aliyuncs.com:443\r\n\r\n", 501),
        (f"HEAD /?{SUBMIT} HTTP/1.1\r\nHost: localhost\r\n\r\n", 405),
        (f"PUT /?{SUBMIT} HTTP/1.1\r\nHost: localhost\r\n\r\n", 405),
        # llhttp knows the registered methods only.
        (f"FOO /?{SUBMIT} HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        ("GET //[x HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        ("GET //x HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        (f"POST / HTTP/1.1\r\nHost: localhost\r\n{FORM}Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (f"POST / HTTP/1.1\r\nHost: localhost\r\n{FORM}Content-Length: 99999999999\r\n\r\n", 413),
        (f"POST / HTTP/1.1\r\nHost: localhost\r\n{FORM}Content-Length: x\r\n\r\n", 400),
        (f"POST / HTTP/1.1\r\nHost: localhost\r\n{FORM}Content-Length: -1\r\n\r\n", 400),
        ("PUT /_alimock/scenario HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        ("rubbish\r\n\r\n", 400),
    ],
)
def test_unsupported_request_gets_a_specific_status(
    running: Running, request_text: str, status: int, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    assert exchange(running, request_text)[0] == status
    assert "Traceback" not in caplog.text + capfd.readouterr().err


@pytest.mark.parametrize(("method", "path"), [("POST", "/"), ("PUT", "/_alimock/scenario")])
def test_truncated_body_is_rejected(running: Running, method: str, path: str) -> None:
    with socket.create_connection(("127.0.0.1", running.port), timeout=10) as connection:
        connection.sendall(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{FORM}Content-Length: 400\r\n\r\n".encode())
        connection.sendall(SUBMIT.encode() if path == "/" else b"alimock: 1\n")
        connection.shutdown(socket.SHUT_WR)
        response = http.client.HTTPResponse(connection)
        response.begin()
        assert response.status == 400
    assert running.store.outbox.entries() == []
    assert running.store.scenario.name == "default"


def test_unexpected_body_leaves_the_connection_usable(running: Running) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=10)
    cases: tuple[tuple[dict[str, str], str, int], ...] = (
        ({}, "/nothing", 404),
        ({"X-Alimock-Profile": "new"}, "/", 400),
        ({}, "/livez", 405),
    )
    for headers, path, status in cases:
        for body in (b"x" * 100_000, iter([b"a", b"b"])):
            connection.request("POST", path, body=body, headers=headers, encode_chunked=True)
            response = connection.getresponse()
            response.read()
            assert response.status == status
    connection.close()


@pytest.mark.parametrize("query", ["Email=\u674e@b.cc", "Email=%E6%9D%8E@b.cc", "%45mail=\u674e@b.cc"])
def test_raw_utf_8_in_the_query_is_accepted(running: Running, query: str) -> None:
    request = f"GET /?Action=SubmitEmailVerification&Version=2018-01-29&Format=JSON&{query} HTTP/1.1\r\nHost: localhost\r\n\r\n"
    _, _, body = exchange(running, request.encode().decode("latin-1"))
    assert [row["Email"] for row in json.loads(body)["SuccessList"]] == ["\u674e@b.cc"]


def test_invalid_utf_8_in_the_query_is_malformed(running: Running) -> None:
    status, _, body = exchange(running, "GET /?Email=\xff&Format=JSON HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert (status, json.loads(body)["Code"]) == (400, "RequestParameterMalformed")


def test_proxy_request_for_another_host_gets_the_hint_to_set_no_proxy(running: Running) -> None:
    body = json.loads(exchange(running, "GET http://other.example.com/ HTTP/1.1\r\nHost: other.example.com\r\n\r\n")[2])
    assert body["message"] == "alimock is not a proxy for other.example.com"
    assert "NO_PROXY=other.example.com" in body["hint"]


def test_signature_of_a_request_in_absolute_form_is_verified() -> None:
    (line,) = (Path(__file__).parent.parent / "vectors" / "proxy-absolute-form.jsonl").read_text().splitlines()
    sent = json.loads(line)
    key = json.dumps({"id": sent["access_key_id"], "secret": sent["access_key_secret"]})
    store = Store(scenario(f"timestamps: ignored\nauthentication: strict\naccounts: {{default: {{access_keys: [{key}]}}}}"))
    server = Server(Backend(Service(store)), Listener("127.0.0.1", 0))
    server.start()
    try:
        headers = "".join(f"{name}: {value}\r\n" for name, value in sent["headers"])
        status, _, body = exchange(Running(server, store), f"{sent['method']} {sent['target']} HTTP/1.1\r\n{headers}\r\n")
    finally:
        server.stop()
    assert (status, json.loads(body)["TotalItemNum"]) == (200, 0)
    assert urlsplit(sent["target"]).netloc == "domain.aliyuncs.com"


def test_connection_is_kept_alive(running: Running) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=10)
    ports = set()
    for _ in range(3):
        connection.request("GET", f"/?{SUBMIT}")
        connection.getresponse().read()
        ports.add(connection.sock.getsockname()[1])
    connection.close()
    assert len(ports) == 1


def test_forty_concurrent_clients_are_all_answered(running: Running) -> None:
    answers: list[int] = []

    def call(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=30)
        for turn in range(5):
            connection.request("GET", f"/?Action=SubmitEmailVerification&Version=2018-01-29&Email=a{number}-{turn}@example.com")
            response = connection.getresponse()
            response.read()
            answers.append(response.status)
        connection.close()

    threads = [threading.Thread(target=call, args=(number,)) for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 200
    assert len(running.store.outbox.entries()) == 200


def test_stopped_server_frees_its_port_and_its_threads() -> None:
    before = threading.active_count()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for _ in range(2):
        server = Server(Backend(Service(Store(scenario()))), Listener("127.0.0.1", port))
        server.start()
        with socket.create_connection(("127.0.0.1", port)):
            server.stop()
        assert threading.active_count() == before


@pytest.mark.slow
def test_client_that_connects_while_the_server_stops_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(20):
        backend = Backend(Service(Store(scenario())))
        server = Server(backend, Listener("127.0.0.1", 0))
        server.start()
        client = socket.socket()
        call_soon, address = server.loop.call_soon_threadsafe, ("127.0.0.1", server.listeners[0].port)

        def call_soon_and_connect(callback: Callable[..., object], *arguments: object) -> object:
            # The event that stops the server has no arguments.
            return call_soon(callback, *arguments) if arguments else call_soon(lambda: (callback(), client.connect(address)))  # noqa: B023

        monkeypatch.setattr(server.loop, "call_soon_threadsafe", call_soon_and_connect)
        server.stop()
        assert not backend.service.failures
        with client:
            assert is_disconnected(client)


def is_disconnected(client: socket.socket) -> bool:
    """Return whether the peer has closed the connection."""
    try:
        return client.recv(1) == b""
    except ConnectionResetError:
        return True


def test_server_stops_while_a_client_does_not_read_its_response(running: Running) -> None:
    with socket.create_connection(("127.0.0.1", running.port)) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        client.settimeout(0.5)
        with pytest.raises(TimeoutError):
            # Fill the buffers of both sides.
            while True:
                client.sendall(b"GET /_alimock/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 100)
        stopping = threading.Thread(target=running.server.stop)
        stopping.start()
        stopping.join(10)
        assert not stopping.is_alive()


def test_two_servers_in_one_process_share_nothing() -> None:
    servers = [Server(Backend(Service(Store(scenario()))), Listener("127.0.0.1", 0)) for _ in range(2)]
    for server in servers:
        server.start()
    try:
        lists = [
            exchange(Running(server, Store(scenario())), f"GET /?{SUBMIT} HTTP/1.1\r\nHost: x\r\n\r\n")[2] for server in servers
        ]
    finally:
        for server in servers:
            server.stop()
    assert all(json.loads(body)["SuccessList"] for body in lists)


@pytest.mark.slow
def test_thousand_idle_connections_do_not_block_other_clients(running: Running) -> None:
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    count = min(1_000, limit // 2 - 100)
    before = threading.active_count()
    silent = [socket.create_connection(("127.0.0.1", running.port)) for _ in range(count)]
    try:
        assert status_of(running, "/livez") == 200
        assert threading.active_count() - before < 20
    finally:
        for connection in silent:
            connection.close()


@pytest.mark.parametrize(
    "headers",
    [
        " Host: localhost\r\n",
        "Host: localhost\r\n folded\r\n",
        "Host: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n",
        "Host: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Host: localhost\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        "Host: localhost\r\nHost: other.example.com\r\n",
        "Host: localhost\r\nContent-Length : 0\r\n",
        "Host: localhost\r\nX-A: a\x00b\r\n",
        "Host: localhost\r\nno colon\r\n",
        "Host: localhost\r\n: empty\r\n",
        "Host: localhost\nX-A: b\r\n",
    ],
)
def test_ambiguous_headers_are_rejected(running: Running, headers: str) -> None:
    status, _, _ = exchange(running, f"POST /?{SUBMIT} HTTP/1.1\r\n{headers}\r\nabcde")
    assert status == 400
    assert not running.store.outbox.entries()


def test_header_values_are_kept_and_underscores_are_not_dashes(running: Running) -> None:
    headers = "Host: localhost\r\nX-Alimock-Profile: \t docs-2021 \r\nX_Alimock_Profile: nonsense\r\nAccept: a\r\nAccept: b\r\nX-Empty:\r\n"
    query = SUBMIT.replace("jo%40example.com", "test2%40aliyun.com")
    status, _, body = exchange(running, f"GET /?{query} HTTP/1.1\r\n{headers}\r\n")
    assert (status, b'"failList"' in body) == (200, True)


def test_header_of_many_spaces_is_parsed_in_linear_time(running: Running) -> None:
    started = time.monotonic()
    assert exchange(running, f"GET /livez HTTP/1.1\r\nHost: localhost\r\nX-A: {' ' * 200_000}\x00\r\n\r\n")[0] == 400
    assert time.monotonic() - started < 5


def test_locked_store_delays_calls_but_not_health_checks(running: Running) -> None:
    call, health = (http.client.HTTPConnection("127.0.0.1", running.port, timeout=10) for _ in range(2))
    with running.store.transaction():
        call.request("GET", f"/?{SUBMIT}")
        for _ in range(20):
            health.request("GET", "/livez")
            assert health.getresponse().read() == b"ok\n"
        assert running.store.cursor == 0
    assert json.loads(call.getresponse().read())["SuccessList"]
    call.close()
    health.close()


@pytest.mark.parametrize("hello", [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"\x16"])
def test_tls_client_at_the_plain_port_gets_a_plain_response_with_a_hint(
    running: Running, hello: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_connection(("127.0.0.1", running.port), timeout=10) as connection:
        connection.sendall(hello)
        response = http.client.HTTPResponse(connection)
        response.begin()
        assert response.status == 400
        assert response.read() == b'This port is plain HTTP: set protocol="http" in the client, or use --tls-port.'
    (record,) = caplog.records
    assert record.getMessage() == ('127.0.0.1 speaks TLS to the plain port: set protocol="http" in the client, or use --tls-port')


def test_tls_client_at_the_plain_port_says_that_the_version_is_wrong(running: Running) -> None:
    connection = http.client.HTTPSConnection("127.0.0.1", running.port, timeout=10)
    with pytest.raises(ssl.SSLError, match="WRONG_VERSION_NUMBER"):
        connection.request("GET", "/")


@pytest.mark.parametrize("body", [SUBMIT, ""])
def test_offer_of_another_protocol_is_ignored(running: Running, body: str) -> None:
    # Java's client sends it with the first request of a connection.
    upgrade = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAAA\r\n"
    target = "/" if body else f"/?{SUBMIT}"
    request = f"POST {target} HTTP/1.1\r\nHost: localhost\r\n{upgrade}{FORM}Content-Length: {len(body)}\r\n\r\n{body}"
    status, headers, answer = exchange(running, request)
    assert (status, [row["Email"] for row in json.loads(answer)["SuccessList"]]) == (200, ["jo@example.com"])
    assert "upgrade" not in headers


@pytest.mark.parametrize("split", [1, 30, 75, 90])
def test_raw_utf_8_is_accepted_in_every_request_of_a_connection(running: Running, split: int) -> None:
    head = "Action=SubmitEmailVerification&Version=2018-01-29&Format=JSON&Email="
    form = f"{head}\u674e2@b.cc".encode()
    requests = (
        f"GET /?{head}\u674e1@b.cc HTTP/1.1\r\nHost: localhost\r\nX-A: \u674e\r\n\r\n".encode(),
        f"POST / HTTP/1.1\r\nHost: localhost\r\n{FORM}Content-Length: {len(form)}\r\n\r\n".encode() + form,
        f"GET /?{head}\u674e3@b.cc HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode(),
    )
    data = b"".join(requests)
    with socket.create_connection(("127.0.0.1", running.port), timeout=10) as connection:
        for part in (data[:split], data[split:]):
            connection.sendall(part)
        answers = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert answers.count(b"HTTP/1.1 200 OK") == 3
    assert [mail.to for mail in running.store.outbox.entries()] == ["\u674e1@b.cc", "\u674e2@b.cc", "\u674e3@b.cc"]


def test_answers_of_a_pipeline_leave_other_connections_their_turn(running: Running) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=10)
    with socket.create_connection(("127.0.0.1", running.port), timeout=10) as greedy:
        greedy.sendall(f"GET /?{SUBMIT} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode() * 1_500)
        connection.request("GET", "/livez")
        assert connection.getresponse().read() == b"ok\n"
        assert len(running.store.calls) < 1_500
    connection.close()


def test_wait_and_the_request_behind_it_are_answered_in_order(running: Running) -> None:
    with socket.create_connection(("127.0.0.1", running.port), timeout=10) as connection:
        wait = "GET /_alimock/outbox/wait?to=jo@example.com HTTP/1.1\r\nHost: localhost\r\n\r\n"
        connection.sendall(f"{wait}GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        while not running.store.waiters.count:
            assert status_of(running, "/livez") == 200
        assert status_of(running, f"/?{SUBMIT}") == 200
        answers = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert answers.index(b'"to":"jo@example.com"') < answers.index(b"\r\n\r\nok\n")


@pytest.mark.parametrize("framing", ["Content-Length: 23\r\n\r\n{}", "Transfer-Encoding: chunked\r\n\r\n17\r\n{}\r\n0\r\n\r\n"])
def test_chunked_body_reaches_the_control_api(running: Running, framing: str) -> None:
    assert status_of(running, f"/?{SUBMIT}") == 200
    head = "DELETE /_alimock/outbox HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    _, _, body = exchange(running, head + framing.format('{"ids":["nonexistent"]}'))
    assert json.loads(body) == {"deleted": 0}


@pytest.mark.parametrize("upgrade", ["h2c", "websocket"])
def test_control_api_ignores_the_offer_of_another_protocol(running: Running, upgrade: str) -> None:
    headers = f"Connection: Upgrade\r\nUpgrade: {upgrade}\r\n"
    assert exchange(running, f"GET /_alimock/info HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n")[0] == 200


def test_thousand_pipelined_offers_of_another_protocol_are_ignored(running: Running) -> None:
    offer = b"GET /livez HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    with socket.create_connection(("127.0.0.1", running.port), timeout=10) as connection:
        connection.sendall(offer * 1_000 + b"GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n")
        answers = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert answers.count(b"\r\n\r\nok\n") == 1_001


def test_refused_connect_closes_the_connection(running: Running) -> None:
    with socket.create_connection(("127.0.0.1", running.port), timeout=10) as connection:
        connection.sendall(b"CONNECT other.example.com:443 HTTP/1.1\r\nHost: other.example.com:443\r\n\r\n\x16\x03\x01")
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert answer.startswith(b"HTTP/1.1 501 ") and b"\r\nConnection: close\r\n" in answer


def test_encoded_slash_before_the_path_is_a_slash(running: Running) -> None:
    for path in ("/%2F", "//", "http://domain.aliyuncs.com//"):
        headers = exchange(running, f"GET {path}?{SUBMIT} HTTP/1.1\r\nHost: localhost\r\n\r\n")[1]
        assert headers["x-alimock-decided-by"] == "rule path (found '//', expected '/')"


def test_failed_accept_does_not_end_the_listener(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    accept, failures = running.server.loop.sock_accept, [ConnectionAbortedError("aborted by the client")]

    async def sock_accept(listening: socket.socket) -> object:
        if failures:
            raise failures.pop()
        return await accept(listening)

    monkeypatch.setattr(running.server.loop, "sock_accept", sock_accept, raising=False)
    for _ in range(3):
        assert status_of(running, "/livez") == 200
    assert not failures


def test_client_is_disconnected_if_its_request_cannot_be_answered(
    running: Running, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(wsgi, "respond", fail)
    with pytest.raises((ConnectionError, http.client.RemoteDisconnected)):
        status_of(running, "/_alimock/info")
    while "a bug" not in caplog.text:
        assert status_of(running, "/livez") == 200


def test_response_that_takes_longer_is_finished_after_a_stop(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "STOP_SECONDS", 0.01)
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=10)
    with running.store.transaction():
        connection.request("GET", f"/?{SUBMIT}")
        assert status_of(running, "/livez") == 200
        stopping = threading.Thread(target=running.server.stop)
    stopping.start()
    assert json.loads(connection.getresponse().read())["SuccessList"]
    connection.close()
    stopping.join(10)


@pytest.mark.slow
def test_client_cannot_fill_the_memory_with_requests_behind_a_wait() -> None:
    for running in serve(scenario(), ServerLimits(max_body_bytes=10_000)):
        with socket.create_connection(("127.0.0.1", running.port), timeout=0.5) as connection:
            connection.sendall(b"GET /_alimock/outbox/wait HTTP/1.1\r\nHost: localhost\r\n\r\n")
            with pytest.raises(TimeoutError):
                for _ in range(10_000):
                    connection.sendall(b"POST /livez HTTP/1.1\r\nContent-Length: 9000\r\n\r\n" + b"a" * 9_000)


def test_wait_ends_although_a_request_is_queued_behind_it(running: Running) -> None:
    with socket.create_connection(("127.0.0.1", running.port), timeout=10) as connection:
        request = b"HTTP/1.1\r\nHost: localhost\r\n\r\n"
        connection.sendall(b"GET /_alimock/outbox/wait " + request + b"GET /livez " + request)
        while not running.store.waiters.count:
            assert status_of(running, "/livez") == 200
    while running.store.waiters.count:
        assert status_of(running, "/livez") == 200
