"""Single addresses and faults added and deleted at run time, and an account exported as a scenario."""

from __future__ import annotations

import http.client
import json
from urllib.parse import quote

import pytest
from alimock.app import flask_app
from alimock.backend import Backend
from alimock.state import commands
from conftest import Api, make_api, scenario, serve
from werkzeug.test import Client

JO = "jo@example.com"
SUBMIT, RESEND, QUERY, LIST = (
    "SubmitEmailVerification",
    "ResendEmailVerification",
    "QueryEmailVerification",
    "ListEmailVerification",
)
SHOP = (
    "accounts: {default: {access_keys: [{id: known, secret: hidden}]}}\n"
    'addresses: {jo@example.com: pending, "*@late.example.com": expired}\n'
    "faults: [{id: nth, when: {action: ListEmailVerification, nth: 2}, error: Throttling}]"
)


@pytest.fixture
def api() -> Api:
    return make_api(scenario(SHOP))


def ask(
    api: Api, method: str, path: str, body: str | None = None, status: int = 200, content_type: str = "text/yaml"
) -> dict[str, object]:
    client = Client(flask_app(Backend(api.service)))
    response = client.open(f"/_alimock/{path}", method=method, data=body, content_type=content_type, headers={"Host": "localhost"})
    assert response.status_code == status, response.data
    answer: dict[str, object] = json.loads(response.data)
    return answer


@pytest.mark.parametrize(
    ("entry", "content_type"),
    [
        ("verified", "text/yaml"),
        ('"verified"', "application/json"),
        ("{status: verified}", "text/yaml"),
        ('{"status": "verified"}', "application/json"),
    ],
)
def test_put_address_replaces_its_record(api: Api, entry: str, content_type: str) -> None:
    api.lists(RESEND, JO)
    answer = ask(api, "PUT", f"addresses/{JO}", entry, content_type=content_type)
    assert answer == {"put": JO, "entry": "verified", "access_key_id": None}
    for key in (None, "known", "to-come"):
        api.key = key
        reply = api.call(QUERY, Email=JO)
        assert b"<VerificationStatus>1<" in reply.body
        assert dict(reply.headers)["X-Alimock-Decided-By"] == f"PUT /_alimock/addresses/{JO}"


def test_put_address_is_dated_at_the_time_of_the_request(api: Api) -> None:
    api.lists(QUERY, JO)
    api.time.now += 10 * 86_400
    ask(api, "PUT", "addresses/new@example.com", "{status: pending, token: abc, sends_today: 9}")
    assert api.json(QUERY, Email="new@example.com")["GmtCreate"] == "2026-01-11 08:00:00"
    assert api.lists(RESEND, "new@example.com") == {"SuccessList": ["new@example.com"]}
    assert api.lists(RESEND, "new@example.com") == {"FailList": ["new@example.com SendTokenQuotaExceeded"]}
    assert api.code("VerifyEmail", Token="abc") == "ParameterIllegal"


def test_put_address_again_restarts_its_outcomes_and_keeps_its_position(api: Api) -> None:
    for _ in range(2):
        ask(api, "PUT", f"addresses/{JO}", "{outcome: quota-exceeded, then: success}")
        assert api.lists(RESEND, JO) == {"FailList": [f"{JO} SendTokenQuotaExceeded"]}
        assert api.lists(RESEND, JO) == {"SuccessList": [JO]}
    assert [one["Email"] for one in api.json(LIST)["Data"]] == [JO]  # type: ignore[attr-defined]


def test_put_pattern_takes_precedence(api: Api) -> None:
    ask(api, "PUT", "addresses/*@*.example.com", "illegal")
    assert api.lists(SUBMIT, "a@late.example.com") == {"FailList": ["a@late.example.com ParameterIllegall"]}
    ask(api, "PUT", "addresses/*@*.example.com", "verified")
    assert api.lists(SUBMIT, "a@late.example.com") == {"ExistList": ["a@late.example.com"]}
    ask(api, "DELETE", "addresses/*@*.example.com")
    assert api.lists(RESEND, "b@late.example.com") == {"SuccessList": ["b@late.example.com"]}


def test_put_address_with_a_key_applies_to_its_account_only(api: Api) -> None:
    ask(api, "PUT", "addresses/a@example.com?access_key_id=one", "verified")
    for key, found in (("one", True), ("two", False), (None, False)):
        api.key = key
        assert ("Code" not in api.json(QUERY, Email="a@example.com")) == found


def test_deleted_address_is_unknown(api: Api) -> None:
    api.lists(RESEND, JO)
    token = api.store.outbox.entries()[0].token
    assert ask(api, "DELETE", f"addresses/{JO.upper()}") == {"deleted": JO.upper(), "access_key_id": None}
    assert api.code(QUERY, Email=JO) == "ParameterIllegal"
    assert api.code("VerifyEmail", Token=token) == "ParameterIllegal"
    assert api.lists(SUBMIT, JO) == {"SuccessList": [JO]}
    api.lists(SUBMIT, "own@example.com")
    ask(api, "DELETE", "addresses/own@example.com")
    assert api.code(QUERY, Email="own@example.com") == "ParameterIllegal"


def test_reset_reverts_added_and_deleted_entries(api: Api) -> None:
    ask(api, "PUT", "addresses/a@example.com", "verified")
    ask(api, "DELETE", f"addresses/{JO}")
    ask(api, "PUT", "faults/all", "{error: InternalError}")
    ask(api, "DELETE", "faults/nth")
    assert api.call(LIST).status == 500
    ask(api, "POST", "reset")
    for key in (None, "to-come"):
        api.key = key
        assert api.code(QUERY, Email="a@example.com") == "ParameterIllegal"
        assert "Code" not in api.json(QUERY, Email=JO)
        assert [api.call(LIST).status for _ in range(2)] == [200, 400]


def test_fault_counts_are_summed_over_accounts(api: Api) -> None:
    ask(api, "PUT", "faults/slow", "{when: {action: QueryEmailVerification}, delay: 1s}")
    for key in (None, "one"):
        api.key = key
        assert [api.call(LIST).status for _ in range(3)] == [200, 400, 200]
    slow, nth = ask(api, "GET", "faults")["faults"]  # type: ignore[misc]
    when = {"action": "QueryEmailVerification"}
    assert slow == {
        "id": "slow",
        "when": when,
        "delay": "1s",
        "enabled": True,
        "seen": 0,
        "hits": 0,
        "decided_by": "PUT /_alimock/faults/slow",
    }
    assert (nth["id"], nth["seen"], nth["hits"], nth["decided_by"]) == ("nth", 6, 2, "case.yaml:4")
    assert [one["id"] for one in ask(api, "GET", "faults?unused=true")["faults"]] == ["slow"]  # type: ignore[attr-defined]
    assert [one["hits"] for one in ask(api, "GET", "faults?access_key_id=one")["faults"]] == [0, 1]  # type: ignore[attr-defined]
    # An unknown key has no account yet.
    assert [one["hits"] for one in ask(api, "GET", "faults?access_key_id=unknown")["faults"]] == [0, 0]  # type: ignore[attr-defined]


def test_disabled_fault_matches_nothing_and_keeps_its_counts(api: Api) -> None:
    ask(api, "PUT", "faults/all", "{error: Throttling.User}")
    assert api.code(LIST) == "Throttling.User"
    disabled = ask(api, "POST", "faults/all/disable")
    assert disabled["access_key_id"] is None
    assert disabled["fault"] == {
        "id": "all",
        "enabled": False,
        "error": "Throttling.User",
        "seen": 1,
        "hits": 1,
        "decided_by": "PUT /_alimock/faults/all",
    }
    assert api.call(LIST).status == 400  # The next fault, which has counted the first call.
    assert [one["seen"] for one in ask(api, "GET", "faults")["faults"]] == [1, 2]  # type: ignore[attr-defined]
    assert ask(api, "POST", "faults/all/enable")["fault"] == {**disabled["fault"], "enabled": True}  # type: ignore[dict-item]
    assert api.code(LIST) == "Throttling.User"
    ask(api, "POST", "faults/none/enable", status=404)


def test_fault_is_disabled_for_one_account_or_for_all_until_the_reset(api: Api) -> None:
    ask(api, "PUT", "faults/nth", "{error: Throttling.User}")
    assert ask(api, "POST", "faults/nth/disable?access_key_id=one")["access_key_id"] == "one"
    for api.key, status in (("one", 200), ("two", 400)):
        assert api.call(LIST).status == status
    (listed,) = ask(api, "GET", "faults")["faults"]  # type: ignore[misc]
    assert (listed["enabled"], listed["seen"]) == (False, 1)
    ask(api, "POST", "faults/nth/disable")
    for api.key in ("two", "new"):
        assert api.call(LIST).status == 200
    ask(api, "POST", "reset")
    assert [api.call(LIST).status for _ in range(2)] == [200, 400]


def test_unknown_fault_to_enable_adds_no_event(api: Api) -> None:
    before = api.store.cursor
    for path in ("faults/none/enable", "faults/none/disable?access_key_id=one"):
        ask(api, "POST", path, status=404)
    assert api.store.cursor == before


def test_disabled_fault_is_not_unused_and_is_exported(api: Api) -> None:
    ask(api, "POST", "faults/nth/disable")
    assert ask(api, "GET", "faults?unused=true")["faults"] == []
    exported = ask(api, "GET", "scenario?state=current")
    assert exported["faults"][0]["enabled"] is False  # type: ignore[index]
    ask(api, "PUT", "scenario", json.dumps(exported), content_type="application/json")
    assert [api.call(LIST).status for _ in range(2)] == [200, 200]


def test_put_fault_again_resets_its_counts_and_keeps_its_position(api: Api) -> None:
    ask(api, "PUT", "faults/nth", "{when: {nth: 1}, error: InternalError}")
    assert [api.call(LIST).status for _ in range(2)] == [500, 200]
    ask(api, "PUT", "faults/nth", "{when: {nth: 1}, error: InternalError}")
    assert api.call(LIST).status == 500


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "path", "body", "status", "message"),
    [
        ("PUT", f"addresses/{JO}", "verifed", 400, "1 error: the request body:1:1: addresses.jo@example.com: found `verifed`, "
         "expected one of verified, pending, expired, quota-exceeded, illegal, unknown, or a mapping"),
        ("PUT", "addresses/none", "verified", 400, "1 error: the request body:1:1: addresses: found `none`, expected an "
         "address, or a pattern with *"),
        ("PUT", f"addresses/{JO}", "{status: pending, times: 2}", 400, "1 error: the request body:1:19: addresses.jo@example.com.times: "
         "found `times` without `then`, expected `then:` with the response to the calls after those"),
        ("PUT", f"addresses/{JO}", "", 400, "1 error: the request body:1:1: found no content, expected an outcome, or a "
         "mapping"),
        ("PUT", "faults/a b", "{error: Throttling}", 400, "1 error: the request body:1:1: id: found `a b`, expected a name of "
         "letters, digits, - and _"),
        ("PUT", "faults/a", "{when: {action: X}, error: Throttling}", 400, None),
        ("PUT", "faults/a", "[]", 400, "1 error: the request body:1:1: fault: found a list, expected a mapping"),
        ("DELETE", "addresses/none@example.com", None, 404, "Address 'none@example.com' not found"),
        ("DELETE", "faults/none", None, 404, "Fault 'none' not found"),
        ("GET", "faults?unused=yes", None, 400, '`unused`: found "yes"'),
        ("GET", "scenario?state=past", None, 400, "`state`: found 'past'"),
        ("GET", "scenario?state=current&access_key_id=unknown", None, 404, "Access key 'unknown' has no account"),
    ],
)  # fmt: skip
def test_invalid_request_is_rejected_and_changes_nothing(
    api: Api, method: str, path: str, body: str | None, status: int, message: str | None
) -> None:
    before = ask(api, "GET", "scenario")
    answer = ask(api, method, path, body, status=status)
    assert message is None or answer["message"] == message
    assert ask(api, "GET", "scenario") == before
    assert "Code" not in api.json(QUERY, Email=JO)


@pytest.mark.parametrize("path", ["a/b@example.com", "/a@example.com", "a%2Fb@example.com", "a//b@example.com"])
def test_address_may_contain_slashes_and_percent_signs(path: str) -> None:
    for running in serve(scenario()):
        connection = http.client.HTTPConnection(running.endpoint, timeout=10)
        for method, body in (("PUT", "verified"), ("DELETE", None)):
            connection.request(method, f"/_alimock/addresses/{quote(path, safe='')}", body)
            response = connection.getresponse()
            assert (response.status, json.loads(response.read())["put" if body else "deleted"]) == (200, path)


def test_delete_of_an_unknown_pattern_is_not_found(api: Api) -> None:
    ask(api, "DELETE", "addresses/x*@late.example.com", status=404)
    assert api.lists(RESEND, "x1@late.example.com") == {"SuccessList": ["x1@late.example.com"]}


def test_put_pattern_restarts_the_outcomes_of_its_addresses(api: Api) -> None:
    for _ in range(2):
        ask(api, "PUT", "addresses/*@flaky.example.com", "{outcome: quota-exceeded, times: 1, then: illegal}")
        results = [api.lists(RESEND, "a@flaky.example.com")["FailList"] for _ in range(2)]
        assert results == [["a@flaky.example.com SendTokenQuotaExceeded"], ["a@flaky.example.com ParameterIllegall"]]


def test_number_of_faults_and_patterns_is_limited(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "MAXIMUM_FAULTS", 1)
    monkeypatch.setattr(commands, "MAXIMUM_PATTERNS", 1)
    ask(api, "PUT", "faults/nth", "{error: Throttling}")
    ask(api, "PUT", "addresses/*@late.example.com", "verified")
    assert ask(api, "PUT", "faults/more", "{error: Throttling}", status=409)["message"] == "The limit of 1 faults is reached"
    assert ask(api, "PUT", "addresses/*@more.com", "verified", status=409)["message"] == "The limit of 1 patterns is reached"


def test_token_of_another_address_is_rejected(api: Api) -> None:
    ask(api, "PUT", f"addresses/{JO}", "{status: pending, token: abc}")
    ask(api, "PUT", f"addresses/{JO}", "{status: pending, token: abc}")
    answer = ask(api, "PUT", "addresses/other@example.com", "{status: pending, token: abc}", status=409)
    assert answer["message"] == f"`token`: 'abc' already belongs to {JO}"


def test_fault_can_match_a_stubbed_action(api: Api) -> None:
    api.store.load(scenario("stubs: {SaveTask: {No: 1}}"))
    ask(api, "PUT", "faults/task", "{when: {action: SaveTask}, error: Throttling}")
    assert api.code("SaveTask") == "Throttling"


def test_current_state_of_an_account_without_calls_is_its_own(api: Api) -> None:
    api.key = "one"
    number = api.json("QueryEmailVerification", Email=JO)["EmailVerificationNo"]
    assert str(number) in json.dumps(ask(api, "GET", "scenario?state=current&access_key_id=one"))


def test_scenario_is_exported_as_loaded_or_current(api: Api) -> None:
    ask(api, "PUT", "addresses/a@example.com", "verified")
    api.lists(SUBMIT, "own@example.com")
    assert list(ask(api, "GET", "scenario")["addresses"]) == ["*@late.example.com", JO]  # type: ignore[call-overload]
    current = ask(api, "GET", "scenario?state=current")
    assert list(current["addresses"]) == ["*@late.example.com", "own@example.com", JO, "a@example.com"]  # type: ignore[call-overload]
    assert current["description"] == "The account default as it was at 2026-01-01 08:00:00."
    api.key = "one"
    api.lists(SUBMIT, "one@example.com")
    assert "one@example.com" in json.dumps(ask(api, "GET", "scenario?state=current&access_key_id=one"))


def test_scenario_includes_secrets_on_request(api: Api) -> None:
    for state in ("loaded", "current"):
        assert "hidden" not in json.dumps(ask(api, "GET", f"scenario?state={state}"))
        assert "hidden" in json.dumps(ask(api, "GET", f"scenario?state={state}&secrets=true"))


def test_exported_scenario_can_be_loaded(api: Api) -> None:
    api.lists(SUBMIT, "own@example.com")
    token = api.store.outbox.entries()[0].token
    current = ask(api, "GET", "scenario?state=current")
    ask(api, "PUT", "scenario", json.dumps(current), content_type="application/json")
    assert api.store.scenario.access_keys["known"].secret == "hidden"
    assert "Code" not in api.json("VerifyEmail", Token=token)
