"""Waiting for a mail, a call or any change over the control API."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from urllib.parse import quote

import pytest
from conftest import Running

SUBMIT = "/?Action=SubmitEmailVerification&Version=2018-01-29&Email="


def get(running: Running, path: str, method: str = "GET") -> tuple[int, dict[str, object]]:
    connection = http.client.HTTPConnection(running.endpoint, timeout=30)
    connection.request(method, path)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.status, json.loads(body) if body.startswith(b"{") else {}


def in_background(action: Callable[[], tuple[int, dict[str, object]]]) -> Future[tuple[int, dict[str, object]]]:
    return ThreadPoolExecutor(1).submit(action)


def until_waiting(running: Running, count: int = 1) -> None:
    """Return once this many callers wait."""
    deadline = time.monotonic() + 10
    while running.store.waiters.count < count:
        assert time.monotonic() < deadline
        get(running, "/livez")


def test_existing_mail_is_returned_at_once(running: Running) -> None:
    get(running, f"{SUBMIT}a@example.com")
    get(running, f"{SUBMIT}b@example.com")
    status, answer = get(running, "/_alimock/outbox/wait?to=A@EXAMPLE.com")
    message = answer["message"]
    assert isinstance(message, dict)
    assert (status, message["to"], answer["cursor"]) == (200, "a@example.com", 1)
    assert message["token"] in message["link"]


def test_later_mail_is_returned_when_it_arrives(running: Running) -> None:
    get(running, f"{SUBMIT}jo@example.com")
    _, cursor = get(running, "/_alimock/outbox?limit=0")
    found = in_background(lambda: get(running, f"/_alimock/outbox/wait?to=jo@example.com&after={cursor['cursor']}&timeout=30"))
    until_waiting(running)
    get(running, f"{SUBMIT}other@example.com")
    assert not found.done()
    get(running, f"{SUBMIT}jo@example.com&SendIfExist=true")
    status, answer = found.result(10)
    assert (status, answer["message"]["sequence"] > cursor["cursor"]) == (200, True)  # type: ignore[index,operator]


@pytest.mark.slow
def test_wait_without_a_cursor_returns_the_newest_match(running: Running) -> None:
    for _ in range(2):
        get(running, f"{SUBMIT}jo@example.com&SendIfExist=true")
    _, newest = get(running, "/_alimock/outbox?limit=1")
    _, answer = get(running, "/_alimock/outbox/wait?to=jo@example.com")
    assert answer["message"] == newest["messages"][0]  # type: ignore[index]


def test_cursor_of_a_wait_leads_to_the_next_mail(running: Running) -> None:
    for _ in range(2):
        get(running, f"{SUBMIT}jo@example.com&SendIfExist=true")
    _, first = get(running, "/_alimock/outbox/wait?to=jo@example.com&after=0")
    status, second = get(running, f"/_alimock/outbox/wait?to=jo@example.com&after={first['cursor']}")
    assert (status, first["cursor"], second["cursor"]) == (200, 1, 3)


@pytest.mark.slow
def test_timeout_reports_what_is_there_instead(running: Running) -> None:
    get(running, f"{SUBMIT}early@example.com")
    found = in_background(lambda: get(running, "/_alimock/outbox/wait?to=jo@example.com&timeout=0.5"))
    until_waiting(running)
    get(running, f"{SUBMIT}other@example.com")
    status, answer = found.result(10)
    assert status == 408
    assert str(answer["message"]).startswith(
        "Timed out after 0.5 s; no match among: SubmitEmailVerification to other@example.com, "
    )
    assert [one["to"] for one in answer["messages"]] == ["other@example.com", "early@example.com"]  # type: ignore[attr-defined]


def recipients(answer: dict[str, object]) -> list[str]:
    messages = answer["messages"]
    assert isinstance(messages, list)
    return [one["to"] for one in messages]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("count=1", ["c@example.com"]),
        ("count=2", ["b@example.com", "c@example.com"]),
        ("count=3", ["a@example.com", "b@example.com", "c@example.com"]),
        ("count=1&after=0", ["a@example.com"]),
        ("count=2&after=0", ["a@example.com", "b@example.com"]),
        ("count=1&to=b@example.com", ["b@example.com"]),
    ],
)
def test_wait_for_several_returns_existing_mails_oldest_first(running: Running, query: str, found: list[str]) -> None:
    for name in "abc":
        get(running, f"{SUBMIT}{name}@example.com")
    status, answer = get(running, f"/_alimock/outbox/wait?timeout=0&{query}")
    assert (status, recipients(answer)) == (200, found)
    assert answer["cursor"] == answer["messages"][-1]["sequence"]  # type: ignore[index]


@pytest.mark.parametrize("cursor", ["", "&after=0"])
def test_wait_for_several_ends_with_the_last_of_them(running: Running, cursor: str) -> None:
    get(running, f"{SUBMIT}jo@example.com")
    found = in_background(lambda: get(running, f"/_alimock/outbox/wait?count=3&to=jo@example.com&timeout=30{cursor}"))
    until_waiting(running)
    for name in ("jo", "other", "jo", "jo"):
        assert not found.done() or name == "jo"
        get(running, f"{SUBMIT}{name}@example.com&SendIfExist=true")
    status, answer = found.result(10)
    assert (status, recipients(answer)) == (200, ["jo@example.com"] * 3)


def test_several_waits_share_what_arrives_in_one_call(running: Running) -> None:
    waits = [
        in_background(partial(get, running, f"/_alimock/outbox/wait?count={count}&after=0&timeout=30")) for count in (1, 2, 3, 3)
    ]
    until_waiting(running, 4)
    get(running, f"{SUBMIT}a@example.com,b@example.com,c@example.com")
    assert [len(recipients(wait.result(10)[1])) for wait in waits] == [1, 2, 3, 3]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("count=3", "Timed out after 0 s; found 2 of 3 matching mails: SubmitEmailVerification to a@example.com, SubmitEmailVerification to b@example.com"),
        ("count=2&to=a@example.com", "Timed out after 0 s; found 1 of 2 matching mails: SubmitEmailVerification to a@example.com"),
        ("count=2&to=jo@example.com", "Timed out after 0 s; no match among: SubmitEmailVerification to b@example.com, SubmitEmailVerification to a@example.com"),
        ("count=2&after=2", "Timed out after 0 s; no new mail after 2"),
    ],
)  # fmt: skip
def test_timeout_of_a_wait_for_several_lists_what_was_found(running: Running, query: str, message: str) -> None:
    get(running, f"{SUBMIT}a@example.com,b@example.com")
    status, answer = get(running, f"/_alimock/outbox/wait?timeout=0&{query}")
    assert (status, answer["message"]) == (408, message)


@pytest.mark.parametrize(
    ("query", "count"), [("quiet=0.05", 0), ("quiet=0", 0), ("quiet=0.05&to=jo@example.com", 1), ("quiet=0.05&after=2", 1)]
)
def test_quiet_wait_succeeds_if_nothing_arrives(running: Running, query: str, count: int) -> None:
    for _ in range(count):
        get(running, f"{SUBMIT}other@example.com")
    status, answer = get(running, f"/_alimock/outbox/wait?{query}")
    assert (status, answer) == (200, {"messages": [], "cursor": 2 * count})


def test_quiet_wait_fails_at_once_for_an_existing_mail(running: Running) -> None:
    get(running, f"{SUBMIT}jo@example.com")
    status, answer = get(running, "/_alimock/outbox/wait?quiet=30")
    assert (status, answer["message"]) == (409, "Unexpected mail: SubmitEmailVerification to jo@example.com")
    assert answer["hint"] == "Expected no mail for 30 s; pass `after` to ignore earlier ones."
    assert (recipients(answer), answer["cursor"]) == (["jo@example.com"], 1)


def test_quiet_wait_fails_when_a_mail_arrives(running: Running) -> None:
    get(running, f"{SUBMIT}first@example.com")
    found = in_background(lambda: get(running, "/_alimock/outbox/wait?quiet=30&to=jo@example.com&after=1"))
    until_waiting(running)
    get(running, f"{SUBMIT}other@example.com")
    get(running, f"{SUBMIT}jo@example.com")
    status, answer = found.result(10)
    assert (status, recipients(answer)) == (409, ["jo@example.com"])
    assert answer["hint"] == "Expected no mail for 30 s."


def test_quiet_wait_ends_with_a_reset(running: Running) -> None:
    found = in_background(lambda: get(running, "/_alimock/outbox/wait?quiet=30"))
    until_waiting(running)
    get(running, "/_alimock/reset", "POST")
    assert found.result(10)[0] == 410


def test_calls_are_awaited_by_count_and_quietly(running: Running) -> None:
    assert get(running, "/_alimock/calls/wait?quiet=0") == (200, {"calls": [], "cursor": 0})
    get(running, f"{SUBMIT}a@example.com")
    get(running, f"{SUBMIT}b@example.com")
    status, answer = get(running, "/_alimock/calls/wait?count=2&action=SubmitEmailVerification")
    assert (status, [call["parameters"]["Email"] for call in answer["calls"]]) == (200, ["a@example.com", "b@example.com"])  # type: ignore[attr-defined]
    status, answer = get(running, "/_alimock/calls/wait?quiet=30")
    assert (status, answer["message"]) == (409, "Unexpected call: SubmitEmailVerification OK")


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("count=0", '`count`: found "0"'),
        ("count=-1", '`count`: found "-1"'),
        ("count=5001", '`count`: found "5001"'),
        ("count=x", '`count`: found "x"'),
        ("count=", "`count` is empty"),
        ("quiet=61", "`quiet`: found '61'"),
        ("quiet=-1", "`quiet`: found '-1'"),
        ("quiet=x", "`quiet`: found 'x'"),
        ("quiet=1&count=2", "`quiet` and `count` exclude each other"),
        ("quiet=1&timeout=2", "`quiet` and `timeout` exclude each other"),
    ],
)
@pytest.mark.parametrize("log", ["outbox", "calls"])
def test_invalid_argument_of_a_wait_is_rejected(running: Running, log: str, query: str, message: str) -> None:
    status, answer = get(running, f"/_alimock/{log}/wait?{query}")
    assert (status, answer["message"]) == (400, message)


@pytest.mark.parametrize("query", ["timeout=0", "timeout=0.01"])
def test_short_timeout_is_kept(running: Running, query: str) -> None:
    started = time.monotonic()
    assert get(running, f"/_alimock/outbox/wait?{query}")[0] == 408
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("value", ["61", "-1", "nan", "inf", "x", "1e1000", "\uff11", "1e1", "-0"])
def test_invalid_timeout_is_rejected(running: Running, value: str) -> None:
    assert get(running, f"/_alimock/outbox/wait?timeout={quote(value)}")[0] == 400


def test_reset_of_one_account_ends_only_its_waits(running: Running) -> None:
    mine = in_background(lambda: get(running, "/_alimock/outbox/wait?access_key_id=one&timeout=30"))
    other = in_background(lambda: get(running, "/_alimock/outbox/wait?access_key_id=two&timeout=30"))
    until_waiting(running, 2)
    get(running, "/_alimock/reset?access_key_id=one", "POST")
    assert mine.result(10)[0] == 410
    assert not other.done()
    get(running, f"{SUBMIT}jo@example.com&AccessKeyId=two")
    assert other.result(10)[0] == 200


def test_reset_of_one_account_does_not_end_waits_for_all_accounts_or_for_changes(running: Running) -> None:
    any_account = in_background(lambda: get(running, "/_alimock/outbox/wait?to=jo@example.com&timeout=30"))
    changes = in_background(lambda: get(running, "/_alimock/changes?after=0&timeout=30&access_key_id=one"))
    until_waiting(running, 2)
    get(running, "/_alimock/reset?access_key_id=two", "POST")
    assert not any_account.done()
    assert not changes.done()
    get(running, f"{SUBMIT}jo@example.com&AccessKeyId=one")
    assert (any_account.result(10)[0], changes.result(10)[0]) == (200, 200)


def test_wait_ends_when_its_client_disconnects(running: Running) -> None:
    host, _, port = running.endpoint.rpartition(":")
    with socket.create_connection((host, int(port))) as client:
        client.sendall(b"GET /_alimock/outbox/wait?timeout=60 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        until_waiting(running)
    while running.store.waiters.count:
        get(running, "/livez")


def test_cursor_of_another_run_is_rejected(running: Running) -> None:
    assert get(running, "/_alimock/outbox/wait?after=99")[0] == 410


def test_stop_of_the_server_ends_all_waits_at_once(running: Running) -> None:
    found = [in_background(lambda: get(running, "/_alimock/outbox/wait?timeout=60")) for _ in range(3)]
    until_waiting(running, 3)
    started = time.monotonic()
    running.server.stop()
    for one in found:
        with contextlib.suppress(http.client.HTTPException, OSError):
            assert one.result(10)[0] == 503
    assert time.monotonic() - started < 5


@pytest.mark.slow
def test_ninety_waiters_get_their_own_mails_while_other_requests_are_answered(running: Running) -> None:
    before = threading.active_count()
    with ThreadPoolExecutor(90) as pool:
        found = [pool.submit(get, running, f"/_alimock/outbox/wait?to=user{number}@example.com&timeout=30") for number in range(90)]
        until_waiting(running, 90)
        assert threading.active_count() - before - 90 < 10
        assert get(running, "/_alimock/info")[0] == 200
        for number in range(90):
            get(running, f"{SUBMIT}user{number}@example.com")
        for number, one in enumerate(found):
            status, answer = one.result(10)
            assert (status, answer["message"]["to"]) == (200, f"user{number}@example.com")  # type: ignore[index]


def test_changes_list_all_events_in_order(running: Running) -> None:
    get(running, f"{SUBMIT}jo@example.com")
    token = running.store.outbox.entries()[0].token
    get(running, f"/verify?token={token}")
    for method, path, body in (
        ("PUT", "clock", '{"frozen": true}'),
        ("PUT", "addresses/a@example.com", "verified"),
        ("PUT", "faults/a", "{error: Throttling}"),
        ("DELETE", "outbox", None),
        ("POST", "reset", None),
    ):
        connection = http.client.HTTPConnection(running.endpoint, timeout=10)
        connection.request(method, f"/_alimock/{path}", body)
        assert connection.getresponse().status == 200
    _, answer = get(running, "/_alimock/changes?after=0")
    changes = answer["changes"]
    assert isinstance(changes, list)
    kinds = ["mail", "call", "verification", "clock", "address", "fault", "deletion", "reset"]
    assert [change["kind"] for change in changes] == kinds
    assert [change["sequence"] for change in changes] == list(range(1, 9))
    assert [change["subject"] for change in changes][2] == "jo@example.com"
    _, narrowed = get(running, "/_alimock/changes?after=0&access_key_id=one")
    assert [change["kind"] for change in narrowed["changes"]] == ["clock", "address", "fault", "reset"]  # type: ignore[attr-defined]


@pytest.mark.parametrize("arguments", ["timeout=null", "timeout=61&after=0"])
def test_changes_reject_an_invalid_timeout_even_if_they_do_not_wait(running: Running, arguments: str) -> None:
    status, answer = get(running, f"/_alimock/changes?{arguments}")
    assert (status, answer["hint"]) == (400, "Give seconds from 0 to 60.")


def test_changes_wait_for_the_next_event(running: Running) -> None:
    found = in_background(lambda: get(running, "/_alimock/changes?after=0&timeout=30"))
    until_waiting(running)
    get(running, "/?Action=ListEmailVerification&Version=2018-01-29")
    _, answer = found.result(10)
    assert [change["kind"] for change in answer["changes"]] == ["call"]  # type: ignore[attr-defined]
    assert get(running, f"/_alimock/changes?after={answer['cursor']}&timeout=0.01")[1]["changes"] == []


def test_no_waiter_is_left_after_a_timeout(running: Running) -> None:
    get(running, "/_alimock/outbox/wait?timeout=0.01")
    assert running.store.waiters.count == 0


def test_wait_for_a_call_reports_what_came_instead(running: Running) -> None:
    found = in_background(lambda: get(running, "/_alimock/calls/wait?action=DeleteEmailVerification&after=0&timeout=30"))
    until_waiting(running)
    get(running, f"{SUBMIT}jo@example.com")
    assert not found.done()
    get(running, "/?Action=DeleteEmailVerification&Version=2018-01-29&Email=jo@example.com")
    status, answer = found.result(10)
    call = answer["call"]
    assert isinstance(call, dict)
    assert (status, call["action"], answer["cursor"]) == (200, "DeleteEmailVerification", call["sequence"])
    status, answer = get(running, "/_alimock/calls/wait?action=ListEmailVerification&after=0&timeout=0.01")
    message = "Timed out after 0.01 s; no match among: DeleteEmailVerification OK, SubmitEmailVerification OK"
    assert (status, answer["message"]) == (408, message)
    assert [call["action"] for call in answer["calls"]] == ["DeleteEmailVerification", "SubmitEmailVerification"]


def test_wait_for_one_account_reports_the_number_in_others(running: Running) -> None:
    get(running, f"{SUBMIT}jo@example.com&AccessKeyId=other")
    status, answer = get(running, "/_alimock/outbox/wait?access_key_id=mine&after=0&timeout=0")
    assert (status, answer["message"]) == (408, "Timed out after 0 s; no new mail after 0")
    hint = "1 mail in accounts of other access keys. Check the filters, and GET /_alimock/calls for rejected calls."
    assert answer["hint"] == hint
    _, answer = get(running, "/_alimock/outbox/wait?access_key_id=mine&timeout=0")
    assert answer["message"] == "Timed out after 0 s; the outbox is empty"
