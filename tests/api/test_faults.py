"""Fault injection: which calls a fault hits, and what the client receives."""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from alimock.api.faults import pieces
from alimock.api.http import HttpResponse
from alimock.scenario.diagnostics import ScenarioError
from alimock.scenario.model import Body, Reset, ResponseFault
from alimock.settings import ServerLimits
from conftest import WIRE_FAULTS, Api, Running, error_of, make_api, scenario, serve, signed
from signing import KEYS, sign_v3, strict_api

LIST, SUBMIT, QUERY = "ListEmailVerification", "SubmitEmailVerification", "QueryEmailVerification"


def hits(api: Api, calls: int, action: str = LIST) -> list[int]:
    """Return the numbers of the calls that are refused."""
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
        ("enabled: true", [1, 2, 3, 4, 5, 6, 7]),
        ("enabled: false", []),
    ],
)
def test_fault_hits_the_calls_that_its_counters_select(fault: str, expected: list[int]) -> None:
    assert hits(make_api(scenario(f"faults: [{{error: Throttling{', ' if fault else ''}{fault}}}]")), 7) == expected


def test_fault_counts_only_matching_calls() -> None:
    api = make_api(scenario("faults: [{when: {action: ListEmailVerification, nth: 2}, error: Throttling}]"))
    assert hits(api, 3, SUBMIT) == [1, 2, 3]  # MissingEmail, which is checked before faults
    assert hits(api, 3) == [2]


@pytest.mark.parametrize(
    "faults",
    [
        "{enabled: false, error: Throttling}, {error: ServiceUnavailable}",
        "{error: ServiceUnavailable}, {enabled: false, error: Throttling}",
    ],
)
def test_disabled_fault_shadows_nothing_and_is_not_reported_as_shadowed(faults: str) -> None:
    assert make_api(scenario(f"faults: [{faults}]")).call(LIST).status == 503


def test_only_the_first_matching_fault_hits_a_call_but_all_count_it() -> None:
    api = make_api(scenario("faults: [{times: 1, error: Throttling}, {when: {nth: 2}, error: ServiceUnavailable}]"))
    assert [api.call(LIST).status for _ in range(3)] == [400, 503, 200]


@pytest.mark.parametrize(
    "fault", ["reset: before", "reset: before, delay: 1ms", "reset: before, when: {action: ListEmailVerification}"]
)
@pytest.mark.parametrize("version", [1, 3])
def test_lost_request_can_be_sent_again_with_the_same_bytes(fault: str, version: int) -> None:
    api = strict_api(f"faults: [{{{fault}, times: 1}}]")
    statuses = [send(api, version).body for _ in range(3)]
    assert b"SignatureNonceUsed" not in statuses[1]
    assert b"SignatureNonceUsed" in statuses[2]


@pytest.mark.parametrize("fault", ["reset: after", "error: ServiceUnavailable", "body: html-502"])
def test_request_that_was_received_cannot_be_sent_again(fault: str) -> None:
    api = strict_api(f"faults: [{{{fault}, times: 1}}]")
    send(api, 1)
    assert error_of(send(api, 1))[1] == "SignatureNonceUsed"


def test_lost_request_of_a_stub_can_be_sent_again() -> None:
    api = strict_api("stubs: {DescribeDomains: {}}\nfaults: [{reset: before, times: 1}]")
    statuses = [api.send(signed(Action="DescribeDomains")).status for _ in range(3)]
    assert statuses == [200, 200, 400]


def test_lost_request_without_a_checked_signature_frees_no_nonce() -> None:
    api = make_api(scenario(f"{KEYS}faults: [{{reset: before, when: {{nth: 2}}}}]"))
    assert api.send(signed(AccessKeyId="testid")).status == 200
    api.send("Action=ListEmailVerification&Version=2018-01-29&AccessKeyId=testid&SignatureNonce=n")
    assert error_of(api.send(signed(AccessKeyId="testid")))[1] == "SignatureNonceUsed"


def send(api: Api, version: int) -> HttpResponse:
    """Send the same signed request each time."""
    return api.send(signed()) if version == 1 else api.send("", method="POST", headers=sign_v3())


@pytest.mark.parametrize(
    ("code", "version", "text"),
    [
        ("SignatureDoesNotMatch", 1, "Specified signature is not matched with our calculation. server string to sign is:GET&%2F&"),
        (
            "SignatureDoesNotMatch",
            3,
            "Specified signature does not match our calculation. server StringToSign is [ACS3-HMAC-SHA256\n",
        ),
        ("IncompleteSignature", 1, "The request signature does not conform to Aliyun standards. server string to sign is:GET&%2F&"),
        ("IncompleteSignature", 3, "The request signature does not conform to Aliyun standards. server string to sign is:ACS3-"),
    ],
)
def test_injected_signature_error_contains_the_string_to_sign(code: str, version: int, text: str) -> None:
    response = send(strict_api(f"faults: [{{error: {code}}}]"), version)
    status, found, message = error_of(response)
    assert (status, found) == (400, code)
    assert message.startswith(text)
    assert dict(response.headers)["X-Alimock-Decided-By"] == "case.yaml:12 (fault 1, hit 1)"


def test_retry_after_is_sent_in_milliseconds() -> None:
    api = make_api(scenario("faults: [{error: Throttling.User, retry_after: 1500ms, times: 1}]"))
    assert dict(api.call(LIST).headers)["x-acs-retry-after"] == "1500"
    assert "x-acs-retry-after" not in dict(api.call(LIST).headers)


@pytest.mark.parametrize(
    ("effect", "response_fault", "is_carried_out"),
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
def test_call_is_carried_out_unless_its_fault_is_an_error_or_a_reset_before(
    effect: str, response_fault: ResponseFault, is_carried_out: bool
) -> None:
    api = make_api(scenario(f"faults: [{{id: f, times: 1, {effect}}}]"))
    response = api.call(SUBMIT, Email="jo@example.com")
    assert response.fault == response_fault
    assert dict(response.headers)["X-Alimock-Decided-By"].startswith(f"case.yaml:2 (fault f, hit 1: {response_fault})")
    assert len(api.store.outbox.entries()) == is_carried_out
    assert api.call(SUBMIT, Email="jo@example.com").fault is None


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
def test_invalid_fault_is_reported(fault: str, expected: str) -> None:
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
def test_faults_that_can_all_be_reached_are_accepted(faults: str) -> None:
    assert len(scenario(f"faults: [{faults}]").faults) == 2


@pytest.mark.parametrize(("size", "count"), [(0, 1), (1, 1), (9, 9), (10, 10), (389, 10)])
def test_slow_body_is_sent_in_at_most_ten_pieces(size: int, count: int) -> None:
    parts = pieces(b"x" * size)
    assert (len(parts), b"".join(parts)) == (count, b"x" * size)


# On the wire.
CASES = f"{WIRE_FAULTS}  - {{when: {{email: never@example.com}}, delay: 1h}}\n"
NEVER = f"GET /?Action={SUBMIT}&Version=2018-01-29&Email=never@example.com&SendIfExist=true HTTP/1.1\r\nHost: x\r\n\r\n".encode()


@pytest.fixture
def faulty() -> Iterator[Running]:
    yield from serve(scenario(CASES))


def submit(running: Running, name: str, connection: http.client.HTTPConnection | None = None) -> http.client.HTTPResponse:
    connection = connection or http.client.HTTPConnection(running.endpoint, timeout=10)
    connection.request("GET", f"/?Action={SUBMIT}&Version=2018-01-29&Email={name}@example.com")
    return connection.getresponse()


def mailed(running: Running) -> list[str]:
    return [mail.to.partition("@")[0] for mail in running.store.outbox.entries()]


@pytest.mark.parametrize(("name", "expected"), [("before", []), ("after", ["after"])])
def test_reset_closes_the_connection_before_or_after_the_call_is_carried_out(
    faulty: Running, name: str, expected: list[str]
) -> None:
    with pytest.raises(ConnectionResetError):
        submit(faulty, name)
    assert mailed(faulty) == expected
    # A retry finds the record if the first call was carried out.
    assert (b"<ExistList/>" in submit(faulty, name).read()) == (not expected)


def test_truncated_body_is_shorter_than_its_content_length(faulty: Running) -> None:
    response = submit(faulty, "truncated")
    with pytest.raises(http.client.IncompleteRead) as caught:
        response.read()
    assert 0 < len(caught.value.partial) < int(response.headers["Content-Length"])
    assert response.headers["Connection"] is None
    assert mailed(faulty) == ["truncated"]


def test_wrong_length_announces_half_of_the_body_and_sends_all_of_it(faulty: Running) -> None:
    host, _, port = faulty.endpoint.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=10) as client:
        client.sendall(
            f"GET /?Action={SUBMIT}&Version=2018-01-29&Email=wrong-length@example.com HTTP/1.1\r\nHost: x\r\n\r\n".encode()
        )
        received = b"".join(iter(lambda: client.recv(65536), b""))
    head, _, body = received.partition(b"\r\n\r\n")
    assert body.endswith(b"</SubmitEmailVerificationResponse>")
    assert f"Content-Length: {len(body) // 2}\r\n".encode() in head


def test_connection_stays_usable_after_an_html_page_and_an_empty_body(faulty: Running) -> None:
    connection = http.client.HTTPConnection(faulty.endpoint, timeout=10)
    page = submit(faulty, "html-502", connection)
    assert (page.status, page.headers["Content-Type"], b"<h1>502 Bad Gateway</h1>" in page.read()) == (502, "text/html", True)
    empty = submit(faulty, "empty", connection)
    assert (empty.status, empty.headers["Content-Length"], empty.read()) == (200, "0", b"")
    assert submit(faulty, "other", connection).status == 200
    assert mailed(faulty) == ["html-502", "empty", "other"]


def test_slow_and_delayed_responses_arrive_complete_and_late(faulty: Running) -> None:
    for name in ("slow", "delayed"):
        started = time.monotonic()
        assert submit(faulty, name).read().endswith(b"</SubmitEmailVerificationResponse>")
        assert time.monotonic() - started >= 0.02


def test_delayed_responses_take_no_thread() -> None:
    for running in serve(scenario(CASES)):
        before = threading.active_count()
        with contextlib.ExitStack() as stack:
            for _ in range(20):
                client = stack.enter_context(socket.create_connection(("127.0.0.1", running.port), timeout=10))
                client.sendall(NEVER)
            while mailed(running).count("never") < 10:
                assert submit(running, "other").status == 200
            assert threading.active_count() - before < 10


def test_delay_ends_when_the_client_disconnects() -> None:
    # The only connection beside that of the delayed response may be idle, until the other one is closed.
    for running in serve(scenario(CASES), ServerLimits(max_connections=2)):
        with socket.create_connection(("127.0.0.1", running.port), timeout=10) as client:
            client.sendall(NEVER)
            while "never" not in mailed(running):
                pass
        for _ in range(1_000):
            idle, busy = (http.client.HTTPConnection(running.endpoint, timeout=10) for _ in range(2))
            idle.connect()
            busy.request("GET", "/livez")
            assert busy.getresponse().read() == b"ok\n"
            with contextlib.suppress(ConnectionError):
                idle.request("GET", "/livez")
                assert idle.getresponse().read() == b"ok\n"
                break
        else:
            pytest.fail("the delayed response still has its connection")


def test_delay_blocks_neither_other_calls_nor_stopping_the_server(faulty: Running) -> None:
    def wait() -> None:
        with pytest.raises(ConnectionError):
            submit(faulty, "never")
        ended.set()

    ended = threading.Event()
    thread = threading.Thread(target=wait)
    thread.start()
    while "never" not in mailed(faulty):
        assert submit(faulty, "other").status == 200
    faulty.server.stop()
    assert ended.wait(10)
    thread.join()
