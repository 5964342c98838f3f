"""Faults: which calls they hit, and what a client sees of each on the wire."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from alimock.api.response_faults import pieces
from alimock.scenario.diagnostics import ScenarioError
from alimock.scenario.model import Body, Reset, ResponseFault
from alimock.server import server
from conftest import Api, Running, make_api, scenario, serve

LIST, SUBMIT, QUERY = "ListEmailVerification", "SubmitEmailVerification", "QueryEmailVerification"


def hits(api: Api, calls: int, action: str = LIST) -> list[int]:
    """Gives the numbers of the calls that are refused."""
    return [number for number in range(1, calls + 1) if api.call(action).status != 200]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("", [1, 2, 3, 4, 5, 6, 7]),
        ("times: 2", [1, 2]),
        ("after: 2", [3, 4, 5, 6, 7]),
        ("after: 2, times: 1", [3]),
        ("when: {nth: 3}", [3]),
        ("when: {every: 3}", [3, 6]),
        ("when: {every: 3}, times: 1", [3]),
        ("when: {every: 2}, after: 3", [5, 7]),
        ("when: {nth: 2}, after: 3", [5]),
        ("times: 0", []),
        ("when: {every: 3}, seen: 2", [1, 4, 7]),
        ("times: 2, hits: 1", [1]),
    ],
)
def test_a_fault_hits_the_calls_whose_turn_it_is(fault: str, expected: list[int]) -> None:
    assert hits(make_api(scenario(f"faults: [{{error: Throttling{', ' if fault else ''}{fault}}}]")), 7) == expected


def test_a_fault_counts_the_calls_that_match_it_alone() -> None:
    api = make_api(scenario("faults: [{when: {action: ListEmailVerification, nth: 2}, error: Throttling}]"))
    assert hits(api, 3, SUBMIT) == [1, 2, 3]  # MissingEmail, which comes before all faults
    assert hits(api, 3) == [2]


def test_a_call_meets_one_fault_and_counts_in_all_that_match() -> None:
    api = make_api(scenario("faults: [{times: 1, error: Throttling}, {when: {nth: 2}, error: ServiceUnavailable}]"))
    assert [api.call(LIST).status for _ in range(3)] == [400, 503, 200]


def test_a_fault_says_when_to_try_again_in_milliseconds() -> None:
    api = make_api(scenario("faults: [{error: Throttling.User, retry_after: 1500ms, times: 1}]"))
    assert dict(api.call(LIST).headers)["x-acs-retry-after"] == "1500"
    assert "x-acs-retry-after" not in dict(api.call(LIST).headers)


@pytest.mark.parametrize(
    ("effect", "delivery", "work_is_done"),
    [
        ("delay: 2s", ResponseFault(delay=2), True),
        ("slow: 1m30s", ResponseFault(slow=90), True),
        ("reset: before", ResponseFault(reset=Reset.BEFORE), False),
        ("reset: after", ResponseFault(reset=Reset.AFTER), True),
        ("reset: after, delay: 20ms", ResponseFault(reset=Reset.AFTER, delay=0.02), True),
        ("body: truncated", ResponseFault(body=Body.TRUNCATED), True),
        ("body: wrong-length", ResponseFault(body=Body.WRONG_LENGTH), True),
        ("body: html-502", ResponseFault(body=Body.HTML_502), True),
        ("body: empty, slow: 1s", ResponseFault(body=Body.EMPTY, slow=1), True),
        ("error: Throttling, delay: 1h", ResponseFault(delay=3600), False),
        ("error: Throttling, body: html-502", ResponseFault(body=Body.HTML_502), False),
    ],
)
def test_a_fault_of_the_delivery_leaves_the_work_done_but_for_an_error_and_a_reset_before(
    effect: str, delivery: ResponseFault, work_is_done: bool
) -> None:
    api = make_api(scenario(f"faults: [{{id: harm, times: 1, {effect}}}]"))
    reply = api.call(SUBMIT, Email="jo@example.com")
    assert reply.response_fault == delivery
    assert dict(reply.headers)["X-Alimock-Decided-By"].startswith(f"case.yaml:2 (fault harm, hit 1: {delivery})")
    assert len(api.store.outbox.entries()) == work_is_done
    assert api.call(SUBMIT, Email="jo@example.com").response_fault is None


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("{times: 1}", "found a fault that does nothing, expected one or more of `error`, `delay`, `slow`, `reset`, `body`"),
        ("{reset: after, error: Throttling}", "found `error` together with `reset`, expected one of the two, since a connection that is "
         "reset carries no response"),
        ("{delay: 1s, retry_after: 1s}", "found `retry_after` without `error`, expected `error:` with the code that it belongs to"),
        ("{error: Throttling, when: {nth: 1, every: 2}}", "found both `nth` and `every`, expected one of the two"),
        ("{error: Throttling, when: {action: ListEmailVerificatoin}}", "found the action `ListEmailVerificatoin`, expected "
         "`ListEmailVerification`"),
        ("{delay: 2h}", "found `2h`, expected a duration like 500ms or 2s, up to 1h"),
        ("{delay: 0s}", "found `0s`, expected a duration like 500ms or 2s, up to 1h"),
        ("{delay: 2}", "found `2`, expected a duration like 500ms or 2s, up to 1h"),
        ("{error: Throttling, when: {nth: 0}}", "found `0`, expected a whole number from 1 to 999999999"),
        ("{error: Throttling, times: -1}", "found `-1`, expected a whole number up to 999999999"),
        ("{error: Throttling, id: a b}", "found `a b`, expected a name of letters, digits, - and _"),
        ("{body: gone}", "found `gone`, expected one of truncated, wrong-length, html-502, empty"),
        ("{error: Throttling, times: 2, when: {nth: 1}}", "found `times` together with `nth`, expected one of the two, since the nth call is one "
         "call"),
        ("{error: Throttling, when: {action: VerifyEmail, email: a@b.com}}", "found an `email` for VerifyEmail, which has no parameter "
         "Email, expected it with another action, or none"),
        ("{error: Throttling, when: {action: QueryEmailVerification, version: 2017-12-18}}", "found the version 2017-12-18, which has no "
         "QueryEmailVerification, expected one of 2018-01-29"),
        ("Throttling.User", "found `Throttling.User`, expected a mapping"),
        ("{error: Throttling, delay: x}, {error: Throttling}", "found `x`, expected a duration like 500ms or 2s, up to 1h"),
        ("{error: Throttling}, {error: InternalError}", "found a fault that is never reached, since the one in line 2 takes all its "
         "calls, expected it before that one, or `times:` there"),
        ("{error: Throttling, when: {email: '*@a.com'}}, {delay: 1s, when: {email: 'x*@a.com', action: EmailVerified}}",
         "found a fault that is never reached, since the one in line 2 takes all its calls, expected it before that one, or `times:` "
         "there"),
        ("{error: Throttling, id: a, times: 1}, {error: InternalError, id: a}", "found the id `a` again, expected each id once (line 2 "
         "has it)"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_fault_is_told(fault: str, expected: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        scenario(f"faults: [{fault}]")
    (mistake,) = caught.value.mistakes
    assert f"found {mistake.found}, expected {mistake.expected}" == expected


@pytest.mark.parametrize(
    "faults",
    [
        "{error: Throttling, times: 1}, {error: InternalError}",
        "{error: Throttling, when: {nth: 2}}, {error: InternalError}",
        "{error: Throttling, after: 2}, {error: InternalError}",
        "{error: Throttling, when: {email: 'x*@a.com'}}, {error: InternalError, when: {email: '*@a.com'}}",
        "{error: Throttling, when: {version: 2018-01-29}}, {error: InternalError}",
    ],
)
def test_faults_that_can_both_be_reached_are_fine(faults: str) -> None:
    assert len(scenario(f"faults: [{faults}]").faults) == 2


@pytest.mark.parametrize(("size", "count"), [(0, 0), (1, 1), (9, 9), (10, 10), (389, 10)])
def test_a_slow_body_comes_in_ten_pieces_at_most(size: int, count: int) -> None:
    parts = list(pieces(b"x" * size))
    assert (len(parts), b"".join(parts)) == (count, b"x" * size)


# On the wire.
CASES = """
faults:
  - {when: {email: before@example.com}, times: 1, reset: before}
  - {when: {email: after@example.com}, times: 1, reset: after}
  - {when: {email: truncated@example.com}, body: truncated}
  - {when: {email: wrong-length@example.com}, body: wrong-length}
  - {when: {email: html-502@example.com}, body: html-502}
  - {when: {email: empty@example.com}, body: empty}
  - {when: {email: slow@example.com}, slow: 20ms}
  - {when: {email: late@example.com}, delay: 20ms}
  - {when: {email: never@example.com}, delay: 1h}
"""


@pytest.fixture
def harmful() -> Iterator[Running]:
    yield from serve(scenario(CASES))


def submit(running: Running, name: str, connection: http.client.HTTPConnection | None = None) -> http.client.HTTPResponse:
    connection = connection or http.client.HTTPConnection(running.endpoint, timeout=10)
    connection.request("GET", f"/?Action={SUBMIT}&Version=2018-01-29&Email={name}@example.com")
    return connection.getresponse()


def mailed(running: Running) -> list[str]:
    return [mail.to.partition("@")[0] for mail in running.store.outbox.entries()]


@pytest.mark.parametrize(("name", "expected"), [("before", []), ("after", ["after"])])
def test_a_reset_ends_the_connection_before_or_after_the_work(harmful: Running, name: str, expected: list[str]) -> None:
    with pytest.raises(ConnectionResetError):
        submit(harmful, name)
    assert mailed(harmful) == expected
    # The client that tries again finds what the first call left behind.
    assert (b"<ExistList/>" in submit(harmful, name).read()) == (not expected)


def test_a_truncated_body_ends_before_its_length(harmful: Running) -> None:
    response = submit(harmful, "truncated")
    with pytest.raises(http.client.IncompleteRead) as caught:
        response.read()
    assert 0 < len(caught.value.partial) < int(response.headers["Content-Length"])
    assert response.headers["Connection"] is None
    assert mailed(harmful) == ["truncated"]


def test_a_wrong_length_announces_half_of_the_body_and_all_of_it_comes(harmful: Running) -> None:
    host, _, port = harmful.endpoint.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=10) as client:
        client.sendall(
            f"GET /?Action={SUBMIT}&Version=2018-01-29&Email=wrong-length@example.com HTTP/1.1\r\nHost: x\r\n\r\n".encode()
        )
        received = b"".join(iter(lambda: client.recv(65536), b""))
    head, _, body = received.partition(b"\r\n\r\n")
    assert body.endswith(b"</SubmitEmailVerificationResponse>")
    assert f"Content-Length: {len(body) // 2}\r\n".encode() in head


def test_a_page_of_a_proxy_and_an_empty_body_leave_the_connection_usable(harmful: Running) -> None:
    connection = http.client.HTTPConnection(harmful.endpoint, timeout=10)
    page = submit(harmful, "html-502", connection)
    assert (page.status, page.headers["Content-Type"], b"<h1>502 Bad Gateway</h1>" in page.read()) == (502, "text/html", True)
    empty = submit(harmful, "empty", connection)
    assert (empty.status, empty.headers["Content-Length"], empty.read()) == (200, "0", b"")
    assert submit(harmful, "other", connection).status == 200
    assert mailed(harmful) == ["html-502", "empty", "other"]


def test_a_slow_body_and_a_late_answer_arrive_whole_and_not_too_soon(harmful: Running) -> None:
    for name in ("slow", "late"):
        started = time.monotonic()
        assert submit(harmful, name).read().endswith(b"</SubmitEmailVerificationResponse>")
        assert time.monotonic() - started >= 0.02


def test_when_too_many_answers_wait_the_next_does_not() -> None:
    for running in serve(scenario(CASES)):
        while running.store.waiters.slots._value > 1:
            running.store.waiters.slots.acquire()
        host, _, port = running.endpoint.rpartition(":")
        with socket.create_connection((host, int(port)), timeout=10) as client:
            client.sendall(f"GET /?Action={SUBMIT}&Version=2018-01-29&Email=never@example.com HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            while running.store.waiters.slots._value:
                assert submit(running, "other").status == 200
            assert b"<ExistList><SendResult><Email>never@" in submit(running, "never").read()


def test_an_answer_does_not_wait_for_a_client_that_has_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "LOOK_SECONDS", 0.01)
    for running in serve(scenario(CASES)):
        host, _, port = running.endpoint.rpartition(":")
        with socket.create_connection((host, int(port)), timeout=10) as client:
            client.sendall(f"GET /?Action={SUBMIT}&Version=2018-01-29&Email=never@example.com HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            room = running.store.waiters.slots
            while room._value == running.store.waiters.limit:
                assert submit(running, "other").status == 200
        while room._value < running.store.waiters.limit:
            assert submit(running, "other").status == 200


def test_a_delay_holds_up_neither_other_calls_nor_the_end_of_the_server(harmful: Running) -> None:
    def wait() -> None:
        with pytest.raises(ConnectionError):
            submit(harmful, "never")
        ended.set()

    ended = threading.Event()
    waiting = threading.Thread(target=wait)
    waiting.start()
    while "never" not in mailed(harmful):
        assert submit(harmful, "other").status == 200
    harmful.server.stop()
    assert ended.wait(10)
    waiting.join()
