"""Limits and hostile clients: each gets the documented response, other clients are served meanwhile, and no resource is leaked."""

from __future__ import annotations

import gc
import http.client
import json
import logging
import re
import socket
import sys
import threading
import time
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from unittest.mock import Mock

import pytest
from alimock.settings import ServerLimits
from alimock.state.limits import StateLimits
from command import COMMAND, ask, serving
from conftest import Running, scenario, serve
from test_server import FORM, SUBMIT, exchange, status_of

SMALL = ServerLimits(max_header_bytes=4_000, max_body_bytes=4_000)
MUCH = 8_000_000
CHUNKS = "Transfer-Encoding: chunked\r\n"


@contextmanager
def connected(running: Running, sent: bytes = b"") -> Iterator[socket.socket]:
    """Open a connection and send bytes."""
    with socket.create_connection(("127.0.0.1", running.port), timeout=20) as client:
        client.sendall(sent)
        yield client


def received(client: socket.socket) -> bytes:
    """Read until the peer closes the connection; a reset raises."""
    return b"".join(iter(lambda: client.recv(65_536), b""))


def post(headers: str, body: str = "", path: str = "/") -> bytes:
    return f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{FORM}{headers}\r\n{body}".encode("latin-1")


def get(path: str, headers: str = "") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n".encode("latin-1")


@pytest.fixture
def small() -> Iterator[Running]:
    """A server with small limits."""
    yield from serve(scenario(), SMALL)


@pytest.mark.parametrize(
    ("request_bytes", "status", "setting"),
    [
        (get("/?" + "a" * MUCH), "414", "--limit max_header_bytes"),
        (get("/livez", f"X-A: {'a' * MUCH}\r\n"), "431", "--limit max_header_bytes"),
        (get("/livez", "X-A: b\r\n" * 1_000), "431", "--limit max_header_bytes"),
        (post(f"Content-Length: {MUCH}\r\n", "a" * MUCH), "413", "--limit max_body_bytes"),
        (post(CHUNKS, f"{MUCH:x}\r\n" + "a" * MUCH), "413", "--limit max_body_bytes"),
        (post(CHUNKS, f"3e8\r\n{'a' * 1_000}\r\n" * 1_000), "413", "--limit max_body_bytes"),
        (post(CHUNKS, "1;" + "a" * MUCH), "413", "--limit max_body_bytes"),
        (post(CHUNKS, "0\r\n" + "X-A: b\r\n" * 100_000), "413", "--limit max_body_bytes"),
    ],
    ids=["request line", "header", "headers", "length", "chunk", "chunks", "chunk extension", "trailers"],
)
def test_oversized_request_is_read_to_its_end_and_rejected(small: Running, request_bytes: bytes, status: str, setting: str) -> None:
    with connected(small, request_bytes) as client:
        client.shutdown(socket.SHUT_WR)
        head, _, body = received(client).partition(b"\r\n\r\n")
    # The reason is that of Python, which renamed some in version 3.13.
    assert head.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"\r\nConnection: close" in head
    assert body.endswith(f"See {setting}.".encode())


@pytest.mark.parametrize(("size", "status"), [(2_000, 200), (2_001, 413)])
def test_calls_to_the_emulated_api_have_a_limit_of_their_own(size: int, status: int) -> None:
    for running in serve(scenario(), ServerLimits(max_call_bytes=2_000)):
        content = f"{SUBMIT}&Padding=".ljust(size, "a")
        answer = exchange(running, post(f"Content-Length: {size}\r\n", content).decode())
        assert answer[0] == status
        if status == 413:
            expected = "The body of an API call has 2,001 bytes, expected at most 2,000"
            assert json.loads(answer[2]) == {"message": expected, "hint": "Raise --limit max_call_bytes=N."}
        assert status_of(running, "/livez") == 200


@pytest.mark.parametrize(
    "request_bytes",
    [
        get("/livez", f"X-A: {'a' * 3_900}\r\n"),
        get("/livez", "X-A: b\r\n" * 480),
        post("Content-Length: 4000\r\n", "a" * 4_000, "/nothing"),
        post(CHUNKS, f"f90\r\n{'a' * 0xF90}\r\n0\r\n\r\n", "/nothing"),
    ],
    ids=["header", "headers", "length", "chunk"],
)
def test_request_just_within_the_limits_is_accepted(small: Running, request_bytes: bytes) -> None:
    with connected(small, request_bytes + get("/livez", "Connection: close\r\n")) as client:
        assert received(client).endswith(b"ok\n")


@pytest.mark.parametrize(
    "framing",
    [
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        *(f"Content-Length: {length}\r\n" for length in ("+5", "-5", "0x5", "5, 5", "5_0", "", "\xb2", "9" * 5_000)),
        *(f"Transfer-Encoding: {name}\r\n" for name in ("gzip, chunked", "chunked, chunked", "identity", "xchunked", ",", "")),
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Content-Length : 5\r\n",
        "X-A: b\r\n Content-Length: 5\r\n",
        "X-A: b\nContent-Length: 5\r\n",
        "X-A: b\rContent-Length: 5\r\n",
    ],
)
def test_ambiguous_framing_is_rejected_and_closes_the_connection(running: Running, framing: str) -> None:
    with connected(running, post(framing, "0\r\n\r\n") + get(f"/?{SUBMIT}")) as client:
        answer = received(client)
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert answer.count(b"HTTP/1.1 ") == 1
    assert not running.store.outbox.entries()


@pytest.mark.parametrize(
    "chunks",
    [
        *(f"{size}\r\na=bcd\r\n0\r\n\r\n" for size in ("-5", "+5", "0x5", "0_5", " 5", "", "g", "5 5", "\xb2")),
        "5\na=bcd\r\n0\r\n\r\n",
        "5;a\nb\r\na=bcd\r\n0\r\n\r\n",
        "5\r\na=bcdX\r\n0\r\n\r\n",
        "5\r\na=bcd\n0\r\n\r\n",
        "0\r\nX-A: b\n\r\n",
        "5 ;a\r\na=bcd\r\n0\r\n\r\n",
        "f" * 1_000 + "\r\n",
    ],
)
def test_malformed_chunks_are_rejected_and_close_the_connection(running: Running, chunks: str) -> None:
    with connected(running, post(CHUNKS, chunks) + get(f"/?{SUBMIT}")) as client:
        answer = received(client)
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert answer.count(b"HTTP/1.1 ") == 1
    assert not running.store.outbox.entries()


@pytest.mark.parametrize("line", ["GET /a\rb HTTP/1.1", "GET /livez\x00 HTTP/1.1", "\x01GET /livez HTTP/1.1", "GET /livez HTTP/1.1\x0b",
    "GET /livez HTTP/1.-1", "GET /livez HTTP/01.1", "GET\t/livez HTTP/1.1", "GET /livez#top HTTP/1.1"])  # fmt: skip
def test_ambiguous_request_line_is_rejected(running: Running, line: str) -> None:
    with connected(running, f"{line}\r\nHost: localhost\r\n\r\n".encode()) as client:
        assert received(client).startswith(b"HTTP/1.1 400 Bad Request\r\n")


def test_chunked_http_1_0_request_is_rejected(running: Running) -> None:
    request = post(f"Connection: Keep-Alive\r\n{CHUNKS}", "0\r\n\r\n").replace(b"HTTP/1.1", b"HTTP/1.0")
    with connected(running, request + get("/livez")) as client:
        assert re.findall(rb"HTTP/1.1 \d+", received(client)) == [b"HTTP/1.1 400"]


def test_chunk_extensions_and_trailers_are_accepted(running: Running) -> None:
    size = f"{len(SUBMIT):X}"
    status, _, body = exchange(running, post(CHUNKS, f"{size};a=b\r\n{SUBMIT}\r\n000;c\r\nX-A: b\r\n\r\n").decode("latin-1"))
    assert (status, b"jo@example.com" in body) == (200, True)


def test_pipelined_requests_are_answered_in_order(running: Running) -> None:
    calls = [
        get(f"/?{SUBMIT}"),
        post(f"Content-Length: {len(SUBMIT)}\r\n", SUBMIT),
        post(CHUNKS, f"{len(SUBMIT):x}\r\n{SUBMIT}\r\n0\r\n\r\n"),
    ]
    packet = b"".join([get("/livez"), *calls, get("/nothing")] * 20) + get("/livez", "Connection: close\r\n")
    with connected(running, packet) as client:
        answers = re.findall(rb"HTTP/1.1 (\d+)|(SuccessList\":\[{|ExistList\":\[{)", received(client))
    words = [(status or name.partition(b'"')[0]).decode() for status, name in answers]
    once = ["200", "200", "ExistList", "200", "ExistList", "200", "ExistList", "404"]
    assert words == ["200", "200", "SuccessList", *once[3:], *once * 19, "200"]


def test_limit_of_headers_counts_each_request_of_a_pipeline_alone(small: Running) -> None:
    packet = get("/livez", f"X-A: {'a' * 1_500}\r\n") * 30 + get("/livez", "Connection: close\r\n")
    with connected(small) as client:
        for start in range(0, len(packet), 1_000):
            client.sendall(packet[start : start + 1_000])
        assert received(client).count(b"\r\n\r\nok\n") == 31


@pytest.mark.parametrize("request_bytes", [get(f"/?{SUBMIT}"), post(f"Content-Length: {len(SUBMIT)}\r\n", SUBMIT)])
def test_half_closed_client_gets_its_response(running: Running, request_bytes: bytes) -> None:
    with connected(running, request_bytes) as client:
        client.shutdown(socket.SHUT_WR)
        assert b'"SuccessList":[{' in received(client)


@pytest.mark.parametrize("word", ["100-continue", "100-Continue"])
def test_expect_continue_is_answered_before_the_body(running: Running, word: str) -> None:
    with connected(running, post(f"Expect: {word}\r\nConnection: close\r\nContent-Length: {len(SUBMIT)}\r\n")) as client:
        assert client.recv(1_000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(SUBMIT.encode())
        assert received(client).startswith(b"HTTP/1.1 200 OK\r\n")


def test_expect_continue_with_an_oversized_body_is_rejected(small: Running) -> None:
    with connected(small, post("Expect: 100-continue\r\nContent-Length: 4001\r\n")) as client:
        assert client.recv(1_000).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    ("request_bytes", "status", "code"),
    [
        (get("/?Action=\xff"), 400, "RequestParameterMalformed"),
        (get("/?Action=%FF"), 400, "RequestParameterMalformed"),
        (post("Content-Length: 8\r\n", "Action=\xff"), 400, "RequestParameterMalformed"),
        (get(f"/?{SUBMIT}", "User-Agent: \xff\r\nX-A: \xfe\r\n"), 200, "jo@example.com"),
        (get("/_alimock/\xff"), 404, "404 Not Found"),
        (get("/_alimock/outbox?to=\xff"), 200, '"messages":[]'),
        (b"PUT /_alimock/scenario HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n\xff", 400, "UTF-8"),
    ],
)
def test_invalid_utf_8_gets_a_specific_response(running: Running, request_bytes: bytes, status: int, code: str) -> None:
    found, _, body = exchange(running, request_bytes.decode("latin-1"))
    assert (found, code in body.decode()) == (status, True), body


@pytest.mark.parametrize(
    "sent", [b"GET / HT", b"GET / HTTP/1.1\r\nX-A: b\r\n", post("Content-Length: 9\r\n", "abc"), post(CHUNKS, "5\r\nab")]
)
@pytest.mark.parametrize(
    "limits", [ServerLimits(request_seconds=0.2), ServerLimits(idle_seconds=0.2)], ids=["whole request", "idle"]
)
def test_incomplete_request_times_out_with_408(sent: bytes, limits: ServerLimits) -> None:
    for running in serve(scenario(), limits):
        with connected(running, sent) as client:
            assert received(client).startswith(b"HTTP/1.1 408 Request Timeout\r\n")


@pytest.mark.slow
def test_client_that_does_not_read_its_response_is_disconnected(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    for running in serve(scenario("addresses: {'*': verified}"), ServerLimits(request_seconds=0.2)):
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_048)
            client.connect(("127.0.0.1", running.port))
            client.settimeout(20)
            client.sendall(get("/_alimock/fidelity") * 200)
            for _ in range(10_000):
                assert status_of(running, "/livez") == 200
                if "read no response for 0.2 s" in caplog.text:
                    break
            else:
                pytest.fail("the client that does not read its response is still connected")


@pytest.mark.slow
def test_thousand_idle_connections_are_closed_after_the_idle_timeout() -> None:
    for running in serve(scenario(), ServerLimits(idle_seconds=0.5)):
        silent = [socket.create_connection(("127.0.0.1", running.port), timeout=20) for _ in range(1_000)]
        assert status_of(running, "/livez") == 200
        assert {client.recv(1) for client in silent} == {b""}
        for client in silent:
            client.close()


def test_idle_connections_are_closed_although_the_clock_is_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    for running in serve(scenario(), ServerLimits(idle_seconds=0.2)):
        monkeypatch.setattr(time, "time", Mock(return_value=time.time() - 3_600))
        with connected(running) as silent:
            assert silent.recv(1) == b""


def test_server_stops_while_requests_are_incomplete() -> None:
    for running in serve(scenario()):
        with ExitStack() as stack:
            for _ in range(20):
                stack.enter_context(connected(running, b"GET / HT"))
            stopping = threading.Thread(target=running.server.stop)
            stopping.start()
            stopping.join(10)
            assert not stopping.is_alive()


def test_longest_idle_connections_are_closed_beyond_the_limit() -> None:
    for running in serve(scenario(), ServerLimits(max_connections=5)):
        silent = [socket.create_connection(("127.0.0.1", running.port), timeout=20) for _ in range(50)]
        assert {client.recv(1) for client in silent[:45]} == {b""}
        silent[-1].sendall(get("/livez", "Connection: close\r\n"))
        assert received(silent[-1]).endswith(b"ok\n")
        for client in silent:
            client.close()


@pytest.mark.slow
def test_idle_connections_are_closed_when_file_descriptors_run_out() -> None:
    # Of its 64 files, the process has 36 open for something else.
    crowd = "import os, sys; [os.dup2(0, number) for number in range(20, 56)]; os.execv(sys.argv[1], sys.argv[1:])"
    few = ["sh", "-c", 'ulimit -n 64 && exec "$@"', "sh", sys.executable, "-c", crowd, *COMMAND]
    with serving(command=few) as (process, line):
        found = re.search(r"127\.0\.0\.1:(\d+)", line)
        assert found
        silent = [socket.create_connection(("127.0.0.1", int(found[1])), timeout=20) for _ in range(200)]
        assert silent[0].recv(1) == b""
        assert ask(line, "/livez")[0] == 200
        for client in silent:
            client.close()
        process.terminate()
        _, log = process.communicate(timeout=20)
    assert "the limit of open files (64) allows 32 connections, not the 5,000 of --limit max_connections" in log
    assert "cannot accept more connections (Too many open files); closing idle ones" in log
    assert "Traceback" not in log
    assert len(log.splitlines()) < 200


@pytest.mark.slow
def test_command_raises_the_limit_of_file_descriptors_for_its_connections() -> None:
    soft = ["sh", "-c", 'ulimit -S -n 64 && exec "$@"', "sh", *COMMAND]
    with serving("--limit", "max_connections=110", command=soft) as (_, line):
        found = re.search(r"127\.0\.0\.1:(\d+)", line)
        assert found
        silent = [socket.create_connection(("127.0.0.1", int(found[1])), timeout=20) for _ in range(100)]
        assert ask(line, "/livez")[0] == 200
        for client in silent:
            client.sendall(get("/livez", "Connection: close\r\n"))
            assert received(client).endswith(b"ok\n")
            client.close()


@pytest.mark.slow
def test_bodies_and_connections_are_not_leaked() -> None:
    for running in serve(scenario()):
        body = "a=" + "b" * 2_000_000

        def calls(number: int, running: Running = running, body: str = body) -> None:
            for path in ("/", "/nothing"):
                exchange(running, post(f"Content-Length: {len(body)}\r\n", body, path).decode())
            for _ in range(number):
                with connected(running, b"GET / HT"):
                    pass

        calls(1)
        gc.collect()
        gc.disable()
        tracemalloc.start()
        try:
            before = tracemalloc.get_traced_memory()[0]
            with ThreadPoolExecutor(4) as pool:
                for done in [pool.submit(calls, 25) for _ in range(20)]:
                    done.result(60)
            assert status_of(running, "/livez") == 200
            assert tracemalloc.get_traced_memory()[0] - before < len(body)
        finally:
            tracemalloc.stop()
            gc.enable()


def test_full_log_reports_the_number_of_evicted_entries() -> None:
    for running in serve(scenario(), state_limits=StateLimits(max_entries_per_account=3)):
        for number in range(5):
            assert status_of(running, f"/?Action=SubmitEmailVerification&Version=2018-01-29&Email={number}@example.com") == 200
        connection = http.client.HTTPConnection(running.endpoint, timeout=20)
        for path, kept in (("outbox", "messages"), ("calls", "calls")):
            connection.request("GET", f"/_alimock/{path}?after=1")
            answer = json.loads(connection.getresponse().read())
            assert (len(answer[kept]), answer["evicted"], answer["gap"]) == (3, 2, True)
        connection.close()
