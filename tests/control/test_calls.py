"""The call log over HTTP."""

from __future__ import annotations

import json

import pytest
from alimock.app import flask_app
from alimock.backend import Backend
from alimock.scenario import loader
from alimock.scenario.model import Fault
from conftest import Api, make_api, scenario, signed
from werkzeug.test import Client

SUBMIT, LIST, QUERY = "SubmitEmailVerification", "ListEmailVerification", "QueryEmailVerification"


def calls(api: Api, query: str = "") -> list[dict[str, object]]:
    response = Client(flask_app(Backend(api.service))).get(f"/_alimock/calls{query}", headers={"Host": "localhost"})
    found: list[dict[str, object]] = json.loads(response.data)["calls"]
    return found


def test_call_is_recorded_with_its_outcomes_and_mails(api: Api) -> None:
    api.key = "one"
    reply = api.call(SUBMIT, Email="jo@example.com,test2@aliyun.com", Format="JSON")
    (call,) = calls(api)
    mail = api.store.outbox.entries()[0]
    assert {name: call[name] for name in ("request_id", "account", "access_key_id", "action", "version", "profile", "format")} == {
        "request_id": dict(reply.headers)["x-acs-request-id"],
        "account": "key:one",
        "access_key_id": "one",
        "action": SUBMIT,
        "version": "2018-01-29",
        "profile": "current",
        "format": "JSON",
    }
    assert (call["status"], call["code"], call["authentication"], call["messages"]) == (200, "OK", "unsigned", [mail.id])
    assert call["outcomes"] == [
        {"email": "jo@example.com", "outcome": "success", "decided_by": "rule new-address"},
        {"email": "test2@aliyun.com", "outcome": "ParameterIllegall", "decided_by": "default.yaml:20"},
    ]
    assert (call["method"], call["peer"], call["fault"], call["hints"]) == ("GET", "192.0.2.1", None, [])


def test_refused_call_is_recorded_without_secrets() -> None:
    keys = "[{id: STS.one, secret: testsecret, security_token: token-of-today}]"
    api = make_api(scenario(f"accounts: {{default: {{access_keys: {keys}}}}}"))
    api.send(signed(secret="wrong", AccessKeyId="STS.one", SecurityToken="token-of-today"))
    (call,) = calls(api)
    assert (call["code"], call["status"], call["authentication"]) == ("SignatureDoesNotMatch", 400, "refused")
    parameters = call["parameters"]
    assert isinstance(parameters, dict)
    assert parameters["SignatureNonce"] == "nonce"
    assert not {"Signature", "SecurityToken"} & set(parameters)
    assert "token-of-today" not in json.dumps(call)


@pytest.mark.parametrize(
    ("query", "hint"),
    [
        (
            "Action=SubmitEmailVerificaton&Version=2018-01-29",
            "unknown operation SubmitEmailVerificaton; did you mean SubmitEmailVerification?",
        ),
        ("Action=SubmitEmailVerification&Version=2018-01-29&Emial=a@b.com", "unknown parameter Emial; did you mean Email?"),
        ("Action=ListEmailVerification&Version=2018-01-29&xyz=1", "unknown parameter xyz"),
    ],
)
def test_unknown_operation_or_parameter_is_recorded_with_a_suggestion(api: Api, query: str, hint: str) -> None:
    api.send(query)
    assert calls(api)[0]["hints"] == [hint]


def test_malformed_call_is_recorded(api: Api) -> None:
    api.send("Action=%zz")
    (call,) = calls(api)
    assert (call["code"], call["parameters"], call["action"]) == ("RequestParameterMalformed", {}, "")


def test_calls_are_filtered_and_paged(api: Api) -> None:
    api.call(LIST)
    api.call("NoSuchAction")
    api.key = "one"
    api.call(LIST)
    assert [call["action"] for call in calls(api)] == [LIST, "NoSuchAction", LIST]
    assert [call["sequence"] for call in calls(api, f"?action={LIST}")] == [3, 1]
    assert [call["sequence"] for call in calls(api, "?code=InvalidAction.NotFound")] == [2]
    assert [call["sequence"] for call in calls(api, "?access_key_id=one")] == [3]
    assert [call["sequence"] for call in calls(api, "?after=1")] == [2, 3]
    assert [call["sequence"] for call in calls(api, f"?request_id={calls(api)[0]['request_id']}")] == [3]


def test_reset_clears_the_calls_of_its_account(api: Api) -> None:
    for key in ("one", "two"):
        api.key = key
        api.call(LIST)
    api.store.reset("one")
    assert [call["access_key_id"] for call in calls(api)] == ["two"]


def test_fault_of_a_call_is_recorded() -> None:
    api = make_api(scenario("faults: [{id: lost, reset: before}]"))
    api.call(SUBMIT, Email="jo@example.com")
    (call,) = calls(api)
    assert (call["fault"], call["messages"], call["outcomes"]) == (
        "lost",
        [],
        [{"email": "", "outcome": "not carried out", "decided_by": ""}],
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["AccessKeySecret", "securityToken", "signature", "Authorization", "x-acs-security-token", "BearerToken"]
)
def test_secret_parameters_are_not_recorded_in_any_spelling(api: Api, name: str) -> None:
    api.call(LIST, **{name: "hidden-value", "PageNum": 1})
    assert "hidden-value" not in json.dumps(calls(api))
    assert calls(api)[0]["parameters"]["PageNum"] == "1"  # type: ignore[index]


def test_large_call_is_truncated(api: Api) -> None:
    api.call("x" * 5_000, **{f"{number}{'n' * 5_000}": "v" for number in range(500)})
    call = calls(api)[0]
    assert len(json.dumps(call)) < 30_000
    assert len(call["parameters"]) == 100  # type: ignore[arg-type]


def test_reset_of_all_clears_the_calls_of_keys_without_account() -> None:
    api = make_api(scenario("authentication: strict"))
    api.key = "unknown"
    api.call(LIST)
    assert len(calls(api)) == 1
    api.store.reset()
    assert calls(api) == []


def test_long_parameter_is_truncated(api: Api) -> None:
    api.call(LIST, Email="x" * 5_000)
    parameters = calls(api)[0]["parameters"]
    assert isinstance(parameters, dict)
    assert parameters["Email"] == "x" * 1_000


@pytest.mark.parametrize("email", ["jo+tag@example.com", "jo%2Btag@example.com", "JO%2BTag%40example.com", "+@example.com"])
@pytest.mark.parametrize(
    "path",
    ["calls?email=", "calls/wait?timeout=0&email=", "outbox?to=", "outbox?text=", "outbox/wait?timeout=0&to=", "addresses?email="],
)
def test_plus_in_an_address_need_not_be_encoded(path: str, email: str) -> None:
    api = make_api(scenario())
    for called in ("jo+tag@example.com", "+@example.com", "tag@example.com"):
        api.call(SUBMIT, Email=called)
    response = Client(flask_app(Backend(api.service))).get(f"/_alimock/{path}{email}", headers={"Host": "localhost"})
    content = json.loads(response.data)
    found = next(content[name] for name in ("calls", "call", "messages", "message", "addresses") if name in content)
    (one,) = found if isinstance(found, list) else [found]
    address = {"calls": lambda: one["parameters"]["Email"], "outbox": lambda: one["to"], "addresses": lambda: one["email"]}
    assert address[path.partition("?")[0].partition("/")[0]]() == ("+@example.com" if email[0] == "+" else "jo+tag@example.com")


def test_calls_of_an_address_with_a_space_are_found(api: Api) -> None:
    api.call(SUBMIT, Email="jo tag@example.com")
    for email in ("jo%20tag@example.com", "jo+tag@example.com"):
        assert count(api, f"?email={email}") == 1
    assert count(api, "?email=jo%2Btag@example.com") == 0


@pytest.mark.parametrize("path", ["outbox?to=", "outbox/wait?to=", "addresses?email="])
def test_address_with_a_space_is_rejected(path: str, api: Api) -> None:
    response = Client(flask_app(Backend(api.service))).get(f"/_alimock/{path}jo%20tag@example.com", headers={"Host": "localhost"})
    assert response.status_code == 400
    assert json.loads(response.data)["hint"] == "An address has no space; encode + as %2B."


def test_mails_are_deleted_by_an_address_with_an_unencoded_plus(api: Api) -> None:
    for email in ("jo+tag@example.com", "tag@example.com"):
        api.call(SUBMIT, Email=email)
    client = Client(flask_app(Backend(api.service)))
    response = client.delete("/_alimock/outbox?to=jo+tag@example.com", headers={"Host": "localhost"})
    assert json.loads(response.data) == {"deleted": 1}
    assert [mail.to for mail in api.store.outbox.entries()] == ["tag@example.com"]
    assert client.delete("/_alimock/addresses/jo+tag@example.com", headers={"Host": "localhost"}).status_code == 200


def count(api: Api, query: str) -> object:
    response = Client(flask_app(Backend(api.service))).get(f"/_alimock/calls/count{query}", headers={"Host": "localhost"})
    return json.loads(response.data)["count"]


@pytest.mark.parametrize(
    ("query", "actions"),
    [
        ("?status=404", ["NoSuchAction"]),
        ("?email=TEST2@aliyun.com", [SUBMIT]),
        ("?email=lost@example.com", [QUERY]),
        ("?outcome=ParameterIllegall", [SUBMIT]),
        ("?outcome=success", [SUBMIT]),
        ("?authentication=checked", [LIST]),
        ("?authentication=unsigned&code=OK", [SUBMIT]),
        ("?fault=f", [QUERY]),
        ("?after=99", None),
        ("?authentication=maybe", None),
        ("?status=many", None),
        ("?limit=1", None),
    ],
)
def test_count_uses_the_filters_of_the_list(query: str, actions: list[str] | None) -> None:
    api = make_api(loader.load("default"))
    api.store.put_fault(Fault("f", "case", action=QUERY, error="Throttling.User"))
    api.call("NoSuchAction")
    api.call(SUBMIT, Email="jo@example.com,test2@aliyun.com")
    api.call(QUERY, Email="lost@example.com")
    api.send(signed())
    if actions is None:
        with pytest.raises(KeyError):
            count(api, query)
        return
    assert [call["action"] for call in calls(api, query)] == actions
    assert count(api, query) == len(actions)
    assert count(api, "") == 4


def test_call_is_recorded_with_signature_method_and_user_agent(api: Api) -> None:
    api.send(signed(SignatureMethod="HMAC-SHA256"), headers={"user-agent": "AlibabaCloud (test)"})
    api.call(LIST)
    unsigned, call = calls(api)
    assert (call["signature"], call["authentication"], call["user_agent"]) == ("HMAC-SHA256", "checked", "AlibabaCloud (test)")
    assert (unsigned["signature"], unsigned["authentication"], unsigned["user_agent"]) == (None, "unsigned", "")


@pytest.mark.parametrize(
    ("query", "authentication"),
    [
        (signed(AccessKeyId="mine", Action="NoSuchAction"), "not checked"),
        ("Action=NoSuchAction&AccessKeyId=mine", "unsigned"),
        (signed(AccessKeyId="mine", Version="2000-01-01"), "not checked"),
    ],
)
def test_call_refused_before_authentication_is_logged_for_its_key(api: Api, query: str, authentication: str) -> None:
    api.send(query)
    (call,) = calls(api, "?access_key_id=mine")
    assert (call["access_key_id"], call["authentication"]) == ("mine", authentication)
    assert "key:mine" not in [account.name for account in api.store.accounts_for_view()]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("noSUCHaction", [2]),
        ("invalidaction", [2]),
        ("KEY-one", [3]),
        ("Jo%2Btag@", [1]),
        ("Jo+tag@", [1]),
        ("parameterillegall", [1]),
        ("default.yaml", [1]),
        ("agent/2", [3]),
        ("2018-01-29", [3, 2, 1]),
        ("no such text", []),
    ],
)
def test_calls_are_filtered_by_text(api: Api, text: str, found: list[int]) -> None:
    api.call(SUBMIT, Email="jo+tag@example.com,test2@aliyun.com")
    api.call("NoSuchAction")
    api.key = "key-One"
    api.call(SUBMIT, Email="al@example.com", headers={"user-agent": "Agent/2"})
    listed = calls(api, f"?text={text}")
    numbers = {call["id"]: number for number, call in enumerate(reversed(calls(api)), 1)}
    assert [numbers[call["id"]] for call in listed] == found
    assert [call["id"] for call in calls(api, f"?text={calls(api)[0]['request_id']}")] == [calls(api)[0]["id"]]
