"""The Flask application: the same emulator behind any WSGI server as behind alimock's own."""

from __future__ import annotations

import base64
import http.client
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import alimock
import pytest
import yaml
from alimock import ScenarioError, create_app
from alimock.api.http import HttpRequest
from alimock.api.parse import ApiRequest, parse
from alimock.api.service import Service
from alimock.app import flask_app
from alimock.backend import Backend
from alimock.scenario import loader
from alimock.scenario.model import Scenario
from alimock.server.listener import Listener
from alimock.server.server import Server
from alimock.state.store import Store
from conftest import WIRE_FAULTS, Time, scenario
from flask import Flask
from flask.cli import ScriptInfo
from flask.testing import FlaskClient
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.serving import make_server
from werkzeug.test import Client, run_wsgi_app

TESTS = Path(__file__).parent
GOLDEN = sorted((TESTS / "golden").glob("*.yaml"))
VECTORS = sorted((TESTS / "vectors").glob("*.jsonl"))
FORM = "application/x-www-form-urlencoded"
SUBMIT = "/?Action=SubmitEmailVerification&Version=2018-01-29&Email="
Sent = tuple[str, str, Mapping[str, str], bytes]
Answer = tuple[int, list[tuple[str, str]], bytes]


def backend(loaded: Scenario) -> Backend:
    return Backend(Service(Store(loaded, real_time=Time(), seed=b"tests")))


@contextmanager
def both_ways(loaded: Scenario) -> Iterator[tuple[Callable[[Sent], Answer], Callable[[Sent], Answer]]]:
    """Yield a function that sends a request to alimock's own server, and one that calls the application of another emulator."""
    server, application = Server(backend(loaded), Listener("127.0.0.1", 0)), flask_app(backend(loaded))
    server.start()
    connection = http.client.HTTPConnection("127.0.0.1", server.listeners[0].port, timeout=10)

    def over_socket(sent: Sent) -> Answer:
        method, target, headers, body = sent
        connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value.encode())
        connection.endheaders(body, encode_chunked=headers.get("Transfer-Encoding") == "chunked")
        response = connection.getresponse()
        return response.status, [header for header in response.getheaders() if header[0] != "Date"], response.read()

    def over_wsgi(sent: Sent) -> Answer:
        parts, status, headers = run_wsgi_app(application, environment(*sent))
        return int(status[:3]), list(headers), b"".join(parts)

    try:
        yield over_socket, over_wsgi
    finally:
        connection.close()
        server.stop()


def environment(method: str, target: str, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    path, _, query = target.partition("?")
    named = {name.upper().replace("-", "_"): value.encode().decode("latin-1") for name, value in headers.items()}
    return {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote(path, "latin-1"),
        "QUERY_STRING": query,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(body),
        "wsgi.input_terminated": True,
        **{f"HTTP_{name}": value for name, value in named.items() if name not in ("CONTENT_TYPE", "CONTENT_LENGTH")},
        **{name: value for name, value in named.items() if name in ("CONTENT_TYPE", "CONTENT_LENGTH")},
    }


@pytest.mark.parametrize("file", GOLDEN, ids=lambda file: file.stem)
def test_documented_calls_have_equal_responses_both_ways(file: Path) -> None:
    golden = yaml.safe_load(file.read_text())
    headers = {"Host": "localhost", "X-Alimock-Profile": golden["profile"]}
    with both_ways(loader.load_text(golden["scenario"].encode(), file=file.name)) as (over_socket, over_wsgi):
        sent = ("GET", f"/?{golden['request']}", headers, b"")
        assert over_socket(sent) == over_wsgi(sent)


def parsed(vector: Mapping[str, Any]) -> ApiRequest:
    headers = {name.lower(): value for name, value in vector["headers"]}
    body = base64.b64decode(vector["body_b64"])
    return parse(HttpRequest(vector["method"], vector["target"].partition("?")[2], headers, body, ""))


@pytest.mark.parametrize("file", VECTORS, ids=lambda file: file.stem)
def test_requests_of_genuine_clients_have_equal_responses_both_ways(file: Path) -> None:
    vectors = list(map(json.loads, file.read_text().splitlines()))
    tokens = [request.credentials.security_token for request in map(parsed, vectors)]
    token = {"security_token": tokens[0]} if tokens[0] else {}
    key = json.dumps({"id": vectors[0]["access_key_id"], "secret": vectors[0]["access_key_secret"], **token})
    loaded = scenario(f"timestamps: ignored\nauthentication: strict\naccounts: {{default: {{access_keys: [{key}]}}}}")
    with both_ways(loaded) as (over_socket, over_wsgi):
        for vector in vectors:
            target = "/" + vector["target"].partition("/?")[2].join(("?", "")) if "://" in vector["target"] else vector["target"]
            sent = (vector["method"], target, dict(vector["headers"]), base64.b64decode(vector["body_b64"]))
            assert over_socket(sent) == over_wsgi(sent)


@pytest.mark.parametrize(
    ("method", "target", "headers", "body"),
    [
        ("FOO", SUBMIT, {}, b""),
        ("PUT", f"{SUBMIT}jo@example.com", {}, b""),
        ("HEAD", f"{SUBMIT}jo@example.com", {}, b""),
        ("OPTIONS", "/", {}, b""),
        ("GET", "/?Action=%FF", {}, b""),
        ("GET", "/", {"X-Alimock-Profile": "new"}, b""),
        ("GET", "/", {"Sec-Fetch-Mode": "navigate"}, b""),
        ("GET", f"{SUBMIT}jo@example.com", {"User-Agent": "\u674e"}, b""),
        ("POST", "/", {"Content-Length": "300000"}, b"a" * 300_000),
        ("GET", "/livez", {}, b""),
        ("DELETE", "/readyz", {}, b""),
        ("GET", "//livez", {}, b""),
        ("GET", f"/{SUBMIT}jo@example.com", {}, b""),
        ("OPTIONS", "/", {"Origin": "https://app.example.com", "Access-Control-Request-Method": "POST"}, b""),
        ("POST", "/index.html", {"Content-Type": FORM, "Content-Length": "20"}, b"Action=EmailVerified"),
        ("POST", "/index.html", {"Content-Type": "text/plain", "Content-Length": "8"}, b"Action=x"),
        ("GET", "/%E4?Action=EmailVerified", {}, b""),
    ],
)  # fmt: skip
def test_unusual_requests_have_equal_responses_both_ways(method: str, target: str, headers: dict[str, str], body: bytes) -> None:
    with both_ways(scenario()) as (over_socket, over_wsgi):
        sent = (method, target, {"Host": "localhost", **headers}, body)
        if method == "FOO":
            # llhttp rejects it, other servers may not.
            assert over_wsgi(sent)[0] == 405
        else:
            assert over_socket(sent) == over_wsgi(sent)


QUERY = "Action=ListEmailVerification&Version=2017-12-18&Format=JSON&AccessKeyId=testid"


@pytest.mark.parametrize(
    ("target", "path"),
    [
        (f"//?{QUERY}", "//"),
        (f"///?{QUERY}", "///"),
        (f"/index.html?{QUERY}", "/index.html"),
        (f"/a/b/?{QUERY}", "/a/b/"),
        (f"/livez/x?{QUERY}", "/livez/x"),
        (f"/a?{QUERY.replace('Action', '%41ction')}", "/a"),
        (f"/%3F{QUERY}&Signature=secret", "/..."),
        (f"/%2526Signature%253Dsecret?{QUERY}", "/..."),
        (f"/%2F?{QUERY}", "//"),
        (f"/&{QUERY}&Signature=secret", "/..."),
        (f"/&Signature=secret?{QUERY}", "/..."),
        (f"/{QUERY}", "/Action..."),
        (f"/index.html&{QUERY}", "/index.html..."),
    ],
)
def test_call_to_another_path_is_logged_and_refused_as_by_the_gateway(target: str, path: str) -> None:
    with both_ways(scenario()) as both:
        for send in both:
            status, headers, body = send(("GET", target, {"Host": "localhost"}, b""))
            assert (status, json.loads(body)["Code"]) == (404, "InvalidAction.NotFound")
            assert json.loads(body)["HostId"] == "domain-intl.aliyuncs.com"
            assert dict(headers)["X-Alimock-Decided-By"] == f"rule path (found {path!r}, expected '/')"
            calls = send(("GET", "/_alimock/calls", {"Host": "localhost"}, b""))[2]
            assert b"secret" not in calls
            (call,) = json.loads(calls)["calls"]
            assert (call["action"], call["access_key_id"], call["code"]) == (
                "ListEmailVerification",
                "testid",
                "InvalidAction.NotFound",
            )


@pytest.mark.parametrize(
    "target",
    [
        "/index.html",
        "/index.html?a=b",
        "/favicon.ico",
        "/robots.txt?x=ActionMovie",
        "/a?X-Amz-Signature=1",
        "/_alimock/none?Action=x",
        "/api/v1/none?Action=x",
    ],
)
def test_other_request_to_another_path_is_no_call(target: str) -> None:
    with both_ways(scenario()) as both:
        for send in both:
            status, _, body = send(("GET", target, {"Host": "localhost"}, b""))
            assert (status, json.loads(body)["message"]) == (404, "404 Not Found")
            assert json.loads(send(("GET", "/_alimock/calls", {"Host": "localhost"}, b""))[2])["calls"] == []


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"x-acs-version": "2018-01-29", "Authorization": "acs testid:x"}, b""),
        ({"Authorization": "ACS3-HMAC-SHA256 x"}, b""),
        ({"x-acs-action": "ListEmailVerification"}, b""),
        ({"Content-Type": FORM, "Content-Length": "11"}, b"Signature=x"),
        ({"Content-Type": FORM, "Content-Length": "20"}, b"%41ction=VerifyEmail"),
    ],
)
def test_call_to_another_path_is_recognized_by_its_headers_and_its_form(headers: dict[str, str], body: bytes) -> None:
    with both_ways(scenario()) as both:
        for send in both:
            status, found, _ = send(("POST", "/clusters", {"Host": "localhost", **headers}, body))
            assert (status, dict(found)["X-Alimock-Decided-By"]) == (404, "rule path (found '/clusters', expected '/')")


V3_HEADERS = "authorization,content-type,x-acs-action,x-acs-content-sha256,x-acs-date,x-acs-signature-nonce,x-acs-version"


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "asked", [None, "content-type", V3_HEADERS, f"{V3_HEADERS},x-acs-accesskey-id,x-acs-security-token", "x-sdk-client,user-agent"]
)
def test_browser_may_call_from_a_page_of_any_origin(method: str, asked: str | None) -> None:
    headers = {"Host": "localhost", "Origin": "https://app.example.com", "Access-Control-Request-Method": method}
    headers |= {"Access-Control-Request-Headers": asked} if asked is not None else {}
    with both_ways(scenario()) as both:
        for send in both:
            status, found, body = send(("OPTIONS", "/", headers, b""))
            sent = dict(found)
            assert (status, body, sent["Access-Control-Allow-Origin"]) == (200, b"", "*")
            assert method in sent["Access-Control-Allow-Methods"].split(", ")
            allowed = sent["Access-Control-Allow-Headers"].lower().split(", ")
            assert set(asked.split(",") if asked else ()) <= set(allowed)
            assert json.loads(send(("GET", "/_alimock/calls", {"Host": "localhost"}, b""))[2])["calls"] == []


@pytest.fixture
def client() -> FlaskClient:
    return create_app(auth="strict").test_client()


def test_application_answers_everything_that_the_emulator_does(client: FlaskClient) -> None:
    assert b"MissingAccessKeyId" in client.get(f"{SUBMIT}jo@example.com").data
    assert client.get("/_alimock/info").get_json()["authentication"] == "strict"
    assert client.get("/api/v1/messages").get_json()["total"] == 0
    assert b"<title>alimock</title>" in client.get("/_alimock/").data
    assert client.get("/verify?token=x").status_code == 404


def test_scenario_may_be_a_name_a_path_or_a_mapping(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text("alimock: 1")
    for given, name in (
        ("throttled", "throttled"),
        (path, str(path)),
        ({"addresses": {"jo@example.com": "verified"}}, "the scenario given"),
    ):
        assert create_app(given).test_client().get("/_alimock/info").get_json()["scenario"]["name"] == name
    with pytest.raises(ScenarioError, match="no such scenario"):
        create_app("no-such")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"port": "80"},
            "create_app: found the setting `port`, expected one of auth, profile, host, public_url, control_token, cors_origin, limits",
        ),
        ({"auth": True}, "create_app: found auth=True, expected a string as for `alimock serve`"),
        ({"auth": "maybe"}, "auth: found `maybe`, expected one of known-keys, strict, none"),
    ],
)
def test_invalid_setting_is_rejected(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as caught:
        create_app(**settings)
    assert str(caught.value) == message


def test_flask_command_finds_the_application() -> None:
    assert isinstance(ScriptInfo(app_import_path=alimock.__name__).load_app(), Flask)


def test_links_and_redirects_include_the_prefix_of_a_mounted_application() -> None:
    client = Client(DispatcherMiddleware(Flask("other"), {"/mock": create_app()}))
    assert client.get(f"/mock{SUBMIT}jo@example.com").status_code == 200
    (mail,) = json.loads(client.get("/mock/_alimock/outbox").data)["messages"]
    assert mail["link"] == f"http://localhost/mock/verify?token={mail['token']}"
    assert client.get(mail["link"].removeprefix("http://localhost")).status_code == 200
    assert client.get("/mock?Action=ListEmailVerification&Version=2018-01-29").status_code == 200
    assert client.get("/mock/", headers={"Sec-Fetch-Mode": "navigate"}).headers["Location"] == "/mock/_alimock/"
    assert client.get("/mock/_alimock").headers["Location"] == "http://localhost/mock/_alimock/"
    assert client.get("/livez").status_code == 404


@pytest.mark.parametrize(
    ("headers", "target", "status"),
    [
        ({"Sec-Fetch-Mode": "navigate"}, "/", 303),
        ({"Sec-Fetch-Mode": "navigate"}, "/?x=1", 303),
        ({"Sec-Fetch-Mode": "navigate"}, "/?Action=ListEmailVerification&Version=2018-01-29", 200),
        ({"Sec-Fetch-Mode": "cors"}, "/", 404),
        ({}, "/", 404),
    ],
)
def test_browser_that_opens_the_url_of_the_api_is_redirected_to_the_ui(headers: dict[str, str], target: str, status: int) -> None:
    assert create_app().test_client().get(target, headers=headers).status_code == status


@contextmanager
def served(application: Flask) -> Iterator[http.client.HTTPConnection]:
    """Serve an application with another HTTP server."""
    server = make_server("127.0.0.1", 0, application, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        yield connection
    finally:
        connection.close()
        server.shutdown()
        thread.join()
        server.server_close()


def test_another_server_says_which_faults_it_cannot_apply_as_written() -> None:
    with served(flask_app(backend(scenario(WIRE_FAULTS)))) as connection:
        for name, status, is_applied in (
            ("before", 502, False),
            ("after", 502, False),
            ("truncated", 200, False),
            ("wrong-length", 200, False),
            ("html-502", 502, True),
            ("empty", 200, True),
            ("slow", 200, True),
            ("delayed", 200, True),
        ):
            connection.request("GET", f"{SUBMIT}{name}@example.com")
            response = connection.getresponse()
            body, decided_by = response.read(), response.headers["X-Alimock-Decided-By"]
            assert (response.status, response.headers["Content-Length"]) == (status, str(len(body)))
            assert ("not applied as written" not in decided_by) == is_applied, decided_by
            is_whole = body.endswith(b"</SubmitEmailVerificationResponse>")
            assert is_whole == (name in ("slow", "delayed"))
        connection.request("GET", "/_alimock/outbox")
        mails = [mail["to"].partition("@")[0] for mail in json.loads(connection.getresponse().read())["messages"]]
        assert mails == ["delayed", "slow", "empty", "html-502", "wrong-length", "truncated", "after"]


def test_wait_behind_another_server_blocks_until_its_event() -> None:
    made = backend(scenario())
    application, answers = flask_app(made), []

    def wait() -> None:
        answers.append(application.test_client().get("/_alimock/outbox/wait?timeout=30").get_json()["message"]["to"])

    waiting = threading.Thread(target=wait)
    waiting.start()
    while not made.service.store.waiters.count:
        assert waiting.is_alive()
    application.test_client().get(f"{SUBMIT}jo@example.com")
    waiting.join(10)
    assert answers == ["jo@example.com"]
    assert made.service.store.waiters.count == 0


def test_proxy_request_for_another_host_is_refused_behind_another_server() -> None:
    with served(create_app()) as connection:
        connection.request("GET", "http://other.example.com/")
        response = connection.getresponse()
        assert (response.status, json.loads(response.read())["message"]) == (501, "alimock is not a proxy for other.example.com")
