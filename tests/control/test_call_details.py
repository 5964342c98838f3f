"""A single call over HTTP: what was on the wire, what decided it, its mails, and why its signature was refused."""

from __future__ import annotations

import hashlib
import json
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import urlopen

import pytest
from alimock.api.exchanges import Exchanges
from alimock.api.http import HttpRequest, HttpResponse
from alimock.api.parse import parse
from alimock.api.service import Service
from alimock.api.signing import Signing
from alimock.app import flask_app
from alimock.backend import Backend
from alimock.scenario import loader
from alimock.state.commands import LoadScenario
from alimock.state.store import Store
from conftest import WIRE_FAULTS, Api, Time, make_api, scenario, serve, signed
from werkzeug.test import Client

SUBMIT, LIST = "SubmitEmailVerification", "ListEmailVerification"
TOKEN = "hid+den/token="
KEYS = f"""accounts:
  default:
    access_keys:
      - id: STS.one
        secret: hidden-secret
        security_token: {TOKEN}
        permissions: [domain:VerifyEmail]
"""


def get(api: Api, path: str, status: int = 200) -> dict[str, Any]:
    response = Client(flask_app(Backend(api.service))).get(f"/_alimock/{path}", headers={"Host": "localhost"})
    assert response.status_code == status
    answer: dict[str, Any] = json.loads(response.data)
    return answer


def newest(api: Api) -> dict[str, Any]:
    return get(api, f"calls/{api.store.calls.entries()[-1].id}")


def test_call_has_what_the_list_has(api: Api) -> None:
    api.lists(SUBMIT, "jo@example.com")
    (listed,) = get(api, "calls")["calls"]
    details = newest(api)
    assert {name: details.pop(name) for name in listed} == listed
    assert list(details) == ["exchange", "sources", "mails", "diagnosis"]


@pytest.mark.parametrize("call_id", ["0", "999", "x", "-1", "1" * 30])
def test_unknown_call_is_not_found(api: Api, call_id: str) -> None:
    assert get(api, f"calls/{call_id}", 404)["message"] == f"Call '{call_id}' not found"


def test_exchange_is_what_was_on_the_wire(api: Api) -> None:
    body = b"Email=jo@example.com"
    headers = {"content-type": "application/x-www-form-urlencoded", "x-other": "\xe9"}
    response = api.send(f"Action={SUBMIT}&Version=2018-01-29", method="POST", headers=headers, body=body)
    assert newest(api)["exchange"] == {
        "request": {
            "method": "POST",
            "target": f"/?Action={SUBMIT}&Version=2018-01-29",
            "headers": [["content-type", "application/x-www-form-urlencoded"], ["x-other", "\xe9"]],
            "body": "Email=jo@example.com",
        },
        "response": {
            "status": 200,
            "headers": [list(header) for header in response.headers],
            "body": response.body.decode(),
            "fault": None,
        },
    }


ENCODED = quote(TOKEN, safe="")


@pytest.mark.parametrize(
    ("query", "headers", "body"),
    [
        (f"Action={LIST}&SecurityToken={ENCODED}", {}, b""),
        (f"Action={LIST}&security%54oken={ENCODED}&AccessKeySecret=hidden-secret", {}, b""),
        ("Version=2018-01-29", {"content-type": "application/x-www-form-urlencoded"}, f"Action={LIST}&SecurityToken={ENCODED}".encode()),
        ("Version=2018-01-29", {}, f"Action={LIST}&SecurityToken={ENCODED}".encode()),
        ("", {"x-acs-action": LIST, "x-acs-security-token": TOKEN, "authorization": f"Signature={TOKEN}"}, b""),
        ("", {"x-acs-action": LIST, "x-acs-bearer-token": TOKEN}, b""),
        (f"Action={LIST}&security_token={ENCODED}", {}, b""),
        (f"Action={LIST}", {"cookie": f"session={TOKEN}"}, b""),
        (f"Action={LIST}", {"x-api-key": TOKEN}, b""),
        (f"Action={LIST}", {"referer": f"https://example.com/?x=1&security-token={ENCODED}"}, b""),
        (f"Action={LIST}", {}, f"SecurityToken=x\n{ENCODED}".encode()),
        (f"Action={LIST}", {}, json.dumps({"a": [{"AccessKeySecret": TOKEN}], "b": f"secret={TOKEN}"}).encode()),
        (f"Action={LIST}", {}, f'{{"AccessKey\\u0053ecret": {{"a": "{TOKEN}"}}, "AccessKeySecret": 1}}'.encode()),
        (f"Action={LIST}", {}, json.dumps(f"AccessKeySecret={TOKEN}").encode()),
        (f"Action={LIST}", {}, f'{{"AccessKeySecret": "{TOKEN}"'.encode()),
        (f"Action={LIST}", {}, f'--x\r\nContent-Disposition: form-data; name="SecurityToken"\r\n\r\n{TOKEN}\r\n--x--'.encode()),
        (f"Action={LIST}&SecurityToken={ENCODED}&Signature={ENCODED}&SignatureMethod=HMAC-SHA1&AccessKeyId=STS.one&Version=2018-01-29"
         "&SignatureVersion=1.0&SignatureNonce=n&Timestamp=2026-01-01T00:00:00Z", {}, b""),
    ],
    ids=["query", "spelling", "form", "body", "headers", "bearer", "underscore", "cookie", "key", "referer", "line break", "JSON",
         "escaped JSON", "JSON string", "broken JSON", "multipart", "string to sign in the response"],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_secrets_in_an_exchange_are_masked(query: str, headers: dict[str, str], body: bytes, method: str) -> None:
    api = make_api(scenario(KEYS))
    api.send(query, method=method, headers=headers, body=body)
    shown = json.dumps(newest(api)["exchange"])
    assert "***" in shown
    for hidden in (TOKEN, ENCODED, quote(ENCODED, safe=""), "hidden-secret"):
        assert hidden not in shown


def test_secrets_of_a_call_with_its_parameters_in_the_path_are_masked(api: Api) -> None:
    client = Client(flask_app(Backend(api.service)))
    client.get(f"/Action={LIST}&Signature={ENCODED}?Format=JSON", headers={"Host": "localhost"})
    exchange = newest(api)["exchange"]
    assert exchange["request"]["target"] == f"/Action={LIST}&Signature=***?Format=JSON"
    assert ENCODED not in json.dumps(exchange) and TOKEN not in json.dumps(exchange)


def test_response_stays_readable_with_a_short_secret_and_is_masked_with_a_long_one(api: Api) -> None:
    response = api.call(LIST, SecurityToken="a")
    assert newest(api)["exchange"]["response"]["body"] == response.body.decode()
    api.call(LIST, Password="long" * 2000)
    assert newest(api)["exchange"]["response"]["body"] == "***"


def test_large_body_without_parameters_is_shown_as_it_is(api: Api) -> None:
    body = b"a" * 256 * 1024
    api.send(f"Action={LIST}", method="POST", body=body)
    assert newest(api)["exchange"]["request"]["body"] == body.decode()


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ('{ "Email": "jo@example.com" }', None),
        ("a=1&b=two words", None),
        ("AccessKeyId=testid&Secret=hidden&SignatureNonce=n\n", "AccessKeyId=testid&Secret=***&SignatureNonce=n\n"),
        ('{"Email": "\u4f60", "secret": "hidden"}', '{"Email": "\u4f60", "secret": "***"}'),
        ("<a><Secret>hidden</Secret></a>", "***"),
        ("[" * 100_000, None),
    ],
    ids=["JSON", "text", "form", "JSON with a secret", "XML", "deep"],
)
def test_body_stays_readable_without_its_secrets(api: Api, body: str, shown: str | None) -> None:
    api.send(f"Action={LIST}", method="POST", body=body.encode())
    assert newest(api)["exchange"]["request"]["body"] == (body if shown is None else shown)


def test_response_of_the_server_is_what_the_client_got() -> None:
    for running in serve(scenario(WIRE_FAULTS)):
        found = {}
        for name in ("before", "truncated", "wrong-length", "html-502", "empty", "slow", "delayed", "other"):
            url = f"{running.url}/?Action={SUBMIT}&Version=2018-01-29&Email={name}@example.com"
            try:
                urlopen(url).read()
            except HTTPError as error:
                error.close()
            except (OSError, HTTPException):
                pass
            call = running.store.calls.entries()[-1]
            with urlopen(f"{running.url}/_alimock/calls/{call.id}") as response:
                found[name] = json.load(response)["exchange"]["response"]
    assert {name: (one["status"], one["fault"]) for name, one in found.items()} == {
        "before": (None, "reset before"),
        "truncated": (200, "body truncated"),
        "wrong-length": (200, "body wrong-length"),
        "html-502": (502, "body html-502"),
        "empty": (200, "body empty"),
        "slow": (200, "slow 20ms"),
        "delayed": (200, "delay 20ms"),
        "other": (200, None),
    }


def test_response_of_another_server_is_what_it_can_send() -> None:
    api = make_api(scenario("faults: [{reset: after}]"))
    api.call(LIST)
    response = newest(api)["exchange"]["response"]
    assert (response["status"], response["fault"]) == (502, "reset after")


def test_oldest_exchanges_are_evicted_beyond_the_limit() -> None:
    kept = Exchanges(100_000)
    request, response = HttpRequest("GET", "", {}, b"", ""), HttpResponse(200, (), b"x" * 30_000)
    for request_id in "abcd":
        kept.add(request_id, request, response)
    assert [request_id for request_id in "abcd" if kept.get(request_id)] == ["b", "c", "d"]
    kept.add("large", request, HttpResponse(200, (), b"x" * 100_000))
    assert [request_id for request_id in ("d", "large") if kept.get(request_id)] == []


@pytest.mark.parametrize(
    ("request_", "response"),
    [
        (HttpRequest("GET", "", {f"x-{number}": "" for number in range(30_000)}, b"", ""), HttpResponse(200, (), b"")),
        (HttpRequest("GET", "", {"x" * 3_000_000: ""}, b"", ""), HttpResponse(200, (), b"")),
        (HttpRequest("GET", "", {}, b"", "", path="/" * 3_000_000), HttpResponse(200, (), b"")),
        (HttpRequest("GET", "", {}, b"", ""), HttpResponse(200, (("x", "y" * 3_000_000),), b"")),
    ],
    ids=["many headers", "name of a header", "path", "header of the response"],
)
def test_size_of_an_exchange_has_all_its_parts(request_: HttpRequest, response: HttpResponse) -> None:
    kept = Exchanges(3_000_000)
    kept.add("a", request_, response)
    assert kept.get("a") is None


def test_call_without_its_exchange_is_shown_without_one() -> None:
    api = Api(Service(Store(loader.load("default"), real_time=Time()), exchanges=Exchanges(1)), Time())
    api.call(LIST)
    assert newest(api)["exchange"] is None


def test_sources_are_the_lines_around_each_location_without_secrets() -> None:
    api = make_api(scenario(f"{KEYS}addresses:\n  a@example.com: illegal\n  b@example.com: verified\n"))
    api.lists(SUBMIT, "a@example.com,new@example.com,a@example.com,b@example.com")
    first, second = newest(api)["sources"]
    assert (first["location"], first["file"], first["line"], first["first_line"]) == ("case.yaml:10", "case.yaml", 10, 7)
    assert first["lines"] == [
        "        # security_token: ***",
        "        permissions: [domain:VerifyEmail]",
        "addresses:",
        "  a@example.com: illegal",
        "  b@example.com: verified",
        "",
    ]
    assert second["location"] == "case.yaml:11"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("faults: [{delay: 1ms}]", 2),
        ("faults: [{error: Throttling.User}]", 2),
        ("accounts: {default: {access_keys: [{id: one, secret: s, permissions: []}]}}\nauthentication: none", 2),
        ("seed: 1\nstubs: {ListEmailVerification2: {}}\n", None),
    ],
    ids=["fault of the response", "fault", "key", "none"],
)
def test_sources_include_faults_and_keys(text: str, line: int | None) -> None:
    api = make_api(scenario(text), key="one")
    api.call(LIST)
    assert [source["line"] for source in newest(api)["sources"]] == [line] * (line is not None)


def test_sources_are_as_the_account_was_loaded() -> None:
    api = make_api(scenario("addresses: {a@example.com: illegal}"), key="one")
    own = loader.load_text(b"# Own.\nalimock: 1\naddresses: {a@example.com: illegal}", file="case.yaml")
    api.service.executor.execute(LoadScenario(own, "one"))
    api.lists(SUBMIT, "a@example.com")
    (source,) = newest(api)["sources"]
    assert (source["location"], source["lines"][0]) == ("case.yaml:3", "# Own.")


def test_location_without_its_text_has_no_source() -> None:
    text = f"alimock: 1\naddresses: {{a@example.com: illegal}}\n# {'x' * loader.MAXIMUM_KEPT_TEXT}"
    api = make_api(loader.load_text(text.encode(), file="case.yaml"))
    api.lists(SUBMIT, "a@example.com")
    details = newest(api)
    assert (details["outcomes"][0]["decided_by"], details["sources"]) == ("case.yaml:2", [])


def test_mails_are_those_in_the_outbox(api: Api) -> None:
    api.lists(SUBMIT, "a@example.com,b@example.com")
    first, second = get(api, "outbox")["messages"]
    assert newest(api)["mails"] == [second, first]
    Client(flask_app(Backend(api.service))).delete(f"/_alimock/outbox/{first['id']}", headers={"Host": "localhost"})
    assert newest(api)["mails"] == [second]


@pytest.mark.parametrize(
    ("query", "cause"),
    [
        (signed(secret="testsecret "), "secret"),
        (signed(Timestamp="2000-01-01T00:00:00Z"), None),
        (signed(), None),
    ],
    ids=["wrong signature", "refused for another reason", "accepted"],
)
def test_wrong_signature_is_explained(api: Api, query: str, cause: str | None) -> None:
    api.send(query)
    details = newest(api)
    assert (details["diagnosis"] or {}).get("cause") == cause
    if cause is not None:
        body = json.dumps({"request_id": details["request_id"]})
        explained = Client(flask_app(Backend(api.service))).post(
            "/_alimock/explain-signature", data=body, headers={"Host": "localhost"}
        )
        assert details["diagnosis"] == json.loads(explained.data)


@pytest.mark.parametrize(
    "token", [ENCODED, quote(TOKEN, safe="/="), ENCODED.lower()], ids=["encoded", "partly encoded", "lower case"]
)
@pytest.mark.parametrize(
    "changed", [{"secret": "other&"}, {"encode": str}, {"method": "PUT"}], ids=["secret", "encoding", "method"]
)
def test_security_token_in_a_diagnosis_is_masked(token: str, changed: dict[str, Any]) -> None:
    api = make_api(scenario(KEYS))
    sent = (
        f"Action={LIST}&AccessKeyId=STS.one&SecurityToken={token}&SignatureMethod=HMAC-SHA1&SignatureNonce=n&SignatureVersion=1.0"
        "&Timestamp=2026-01-01T00%3A00%3A00Z&Version=2018-01-29"
    )
    signing = Signing.of(parse(HttpRequest("GET", sent, {}, b"", "")), "hidden-secret")
    api.send(f"{sent}&Signature={quote(signing._replace(**changed).sign(), safe='')}")
    diagnosis = newest(api)["diagnosis"]
    assert "SecurityToken%3D***%26" in diagnosis["string_to_sign"]
    assert (diagnosis["client_string_to_sign"] is None) == ("secret" in changed)
    assert "hid" not in json.dumps(diagnosis)


def test_security_token_in_a_canonical_request_is_masked() -> None:
    api = make_api(scenario(KEYS))
    names = "x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-security-token;x-acs-signature-nonce;x-acs-version"
    headers = {
        **{"x-acs-action": LIST, "x-acs-version": "2018-01-29", "x-acs-date": "2026-01-01T00:00:00Z", "x-acs-signature-nonce": "n"},
        "x-acs-content-sha256": hashlib.sha256(b"").hexdigest(),
        "x-acs-security-token": TOKEN,
        "authorization": f"ACS3-HMAC-SHA256 Credential=STS.one,SignedHeaders={names},Signature={'0' * 64}",
    }
    api.send("", headers=headers)
    diagnosis = newest(api)["diagnosis"]
    assert "x-acs-security-token:***\n" in diagnosis["canonical_request"]
    assert TOKEN not in json.dumps(diagnosis)
