"""The promises of SECURITY.md: the control token, no secrets in responses and logs, and no unconfigured connections."""

from __future__ import annotations

import base64
import json
import logging
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qsl, quote

import pytest
from alimock import Emulator, EmulatorError
from alimock.app import flask_app
from alimock.backend import Backend
from alimock.cli.main import main
from alimock.client.connection import Connection
from alimock.security import HostPolicy
from alimock.server.listener import Listener
from alimock.server.server import Server
from alimock.settings import Settings, resolve
from command import ask, serving
from conftest import Api, make_api, scenario, signed
from werkzeug.test import Client

LOCAL = {"Host": "localhost"}


@pytest.fixture
def client(empty: Api) -> Client:
    return Client(flask_app(Backend(empty.service, HostPolicy(control_token="s3cret:token"))))


def basic(user: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/_alimock/info", "/_alimock/", "/_alimock/outbox", "/api/v1/messages", "/view/latest.txt"])
@pytest.mark.parametrize(
    ("authorization", "authorized"),
    [
        (None, False),
        ("Bearer s3cret:token", True),
        (basic("", "s3cret:token"), True),
        (basic("any-user", "s3cret:token"), True),
        ("Bearer s3cret", False),
        ("Bearer ", False),
        ("Bearer s3cret:token\u00e9", False),
        (basic("s3cret:token", ""), False),
        ("Basic nonsense", False),
        ("Basic \xff", False),
        ("Digest username=x", False),
        ("s3cret:token", False),
    ],
)
def test_control_token_protects_all_but_the_api(client: Client, path: str, authorization: str | None, authorized: bool) -> None:
    headers = {**LOCAL, **({"Authorization": authorization} if authorization is not None else {})}
    response = client.get(path, headers=headers)
    assert (response.status_code != 401) == authorized
    if not authorized:
        assert response.headers["WWW-Authenticate"] == 'Basic realm="alimock"'
        assert b"s3cret" not in response.data


@pytest.mark.parametrize("authorization", ["Basic \xff", "Bearer \xff", "Basic ====", "Digest \xff", "\xff"])
def test_invalid_authorization_is_ignored_without_a_control_token(empty: Api, authorization: str) -> None:
    client = Client(flask_app(Backend(empty.service)))
    assert client.get("/_alimock/info", headers={**LOCAL, "Authorization": authorization}).status_code == 200
    assert not empty.service.failures


@pytest.mark.parametrize("path", ["/?Action=ListEmailVerification&Version=2018-01-29", "/livez", "/readyz", "/verify?token=x"])
def test_api_links_and_health_checks_need_no_token(client: Client, path: str) -> None:
    assert client.get(path, headers=LOCAL).status_code in (200, 404)


def test_client_sends_the_token_from_its_url_or_environment(empty: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(Backend(empty.service, HostPolicy(control_token="a/b@c")), Listener("127.0.0.1", 0))
    server.start()
    try:
        with pytest.raises(EmulatorError, match="The control token is missing or wrong"):
            Emulator.connect(server.url)
        client = Emulator.connect(server.url.replace("//", "//:a%2Fb%40c@"))
        assert (client.url, client.endpoint) == (server.url, server.url.removeprefix("http://"))
        with client.new_account() as account:
            assert account.outbox.messages() == []
        monkeypatch.setenv("ALIMOCK_CONTROL_TOKEN", "a/b@c")
        assert Connection(server.url).send("GET", "info")["accounts"] >= 1
    finally:
        server.stop()
    with pytest.raises(EmulatorError) as error:
        client.outbox.messages()
    assert "a%2Fb" not in str(error.value)


FORWARDED = "jo-2546.app.example.dev"


@pytest.mark.parametrize(
    ("headers", "option"),
    [
        # A forwarded port keeps the name that the browser uses, or replaces it by that of this machine.
        ({"Host": FORWARDED, "X-Forwarded-Proto": "https"}, f"--public-url https://{FORWARDED}"),
        ({"Host": f"{FORWARDED}:8080"}, f"--public-url http://{FORWARDED}:8080"),
        ({"Host": "localhost:2546", "Origin": f"https://{FORWARDED}"}, f"--public-url https://{FORWARDED}"),
        ({"Host": "localhost:2546", "Origin": f"http://{FORWARDED}:8080"}, f"--public-url http://{FORWARDED}:8080"),
    ],
)
@pytest.mark.parametrize("path", ["/_alimock/", "/_alimock/reset", "/api/v1/messages"])
def test_page_behind_a_forwarded_port_is_told_the_option_that_helps(
    empty: Api, path: str, headers: dict[str, str], option: str
) -> None:
    refused = Client(flask_app(Backend(empty.service))).post(path, headers=headers)
    assert refused.status_code == 403
    hint = json.loads(refused.data)["hint"]
    assert option in hint
    policy = HostPolicy(public_url=resolve({"public_url": option.removeprefix("--public-url ")}, {}).public_url)
    assert Client(flask_app(Backend(empty.service, policy))).post(path, headers=headers).status_code != 403


@pytest.mark.parametrize(
    "public_url",
    [
        "https://mocks.example.com",
        "https://mocks.example.com:443/mail",
        "https://Mocks.Example.com/",
        "https://mocks.example.com/a",
    ],
)
def test_own_pages_at_the_public_url_may_use_the_control_api(public_url: str) -> None:
    policy = HostPolicy(public_url=public_url)
    assert policy.allows_origin("https://mocks.example.com", "127.0.0.1:2546")
    assert not policy.allows_origin("http://mocks.example.com", "127.0.0.1:2546")
    assert not policy.allows_origin("https://mocks.example.com:8443", "127.0.0.1:2546")


@pytest.mark.slow
def test_serve_takes_the_control_token_as_an_option() -> None:
    with serving("--control-token", "abc") as (_, line):
        assert ask(line, "/_alimock/info")[0] == 401
        assert ask(line, "/livez")[0] == 200


# Fails every connection to an address but loopback, and the resolution of every name but localhost.
FENCE = """
import socket
connect, resolve = socket.socket.connect, socket.getaddrinfo
def fenced(self, address):
    assert self.family == socket.AF_UNIX or address[0] in ("127.0.0.1", "::1"), address
    return connect(self, address)
def resolved(host, *arguments, **options):
    assert host in ("127.0.0.1", "localhost", "::1", "", None), host
    return resolve(host, *arguments, **options)
socket.socket.connect = socket.socket.connect_ex = fenced
socket.getaddrinfo = resolved
"""
SCRIPT = """
import urllib.request
from alimock import Emulator

def get(path):
    try:
        return urllib.request.urlopen(emulator.url + path).read()
    except urllib.request.HTTPError as error:
        return error.read()

with Emulator() as emulator:
    for action in ("SubmitEmailVerification", "ResendEmailVerification", "QueryEmailVerification", "DeleteEmailVerification"):
        get(f"/?Action={action}&Version=2018-01-29&Email=jo@example.com")
        emulator.outbox.messages()
    for path in ("/_alimock/", "/_alimock/openapi.json", "/_alimock/fidelity", "/api/v1/messages", "/verify?token=x", "/none"):
        get(path)
    emulator.load("throttled")
    emulator.clock.advance("3d")
    emulator.reset()
print("done")
"""


@pytest.mark.slow
def test_emulator_opens_no_connection_to_other_machines(tmp_path: Path) -> None:
    code = FENCE + SCRIPT
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert (done.stdout, done.stderr) == ("done\n", "")


def test_fence_rejects_connections_to_other_machines() -> None:
    code = FENCE + "socket.create_connection(('192.0.2.1', 80), timeout=1)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert "AssertionError" in done.stderr


def test_control_token_is_not_shown(empty: Api) -> None:
    host_policy = HostPolicy(control_token="s3cret")
    assert "s3cret" not in repr(host_policy)
    info = Client(flask_app(Backend(empty.service, host_policy))).get(
        "/_alimock/info", headers={**LOCAL, "Authorization": "Bearer s3cret"}
    )
    assert b"s3cret" not in info.data


KEY, TOKEN, CONTROL = "5ecret-of-the-key", "5ecurity-token", "c0ntrol-token"
KEYED = f"extends: default\naccounts: {{default: {{access_keys: [{{id: testid, secret: {KEY}, security_token: {TOKEN}}}]}}}}"
# Every view that must not contain secrets unless they are requested.
VIEWS = (
    *(f"/_alimock/{name}" for name in ("", "info", "outbox", "accounts", "access-keys", "calls", "changes", "addresses", "faults")),
    *(f"/_alimock/{name}" for name in ("scenario", "scenario?state=current", "clock", "calls/wait?timeout=0&action=None")),
    *("/api/v1/messages", "/api/v1/info", "/view/latest.txt"),
)


def signatures_in(query: str) -> list[str]:
    return [value for name, value in parse_qsl(query) if name == "Signature"]


@pytest.fixture
def guarded(caplog: pytest.LogCaptureFixture) -> tuple[Api, Client]:
    caplog.set_level(logging.DEBUG)
    api = make_api(scenario(KEYED))
    return api, Client(flask_app(Backend(api.service, HostPolicy(control_token=CONTROL))))


def ask_authorized(client: Client, path: str, method: str = "GET", body: str | None = None) -> str:
    """Return headers and body of an authorized request."""
    response = client.open(path, method=method, data=body, headers={**LOCAL, "Authorization": f"Bearer {CONTROL}"})
    return f"{response.headers}{response.get_data(as_text=True)}"


def test_secrets_and_signatures_are_neither_logged_nor_returned(
    guarded: tuple[Api, Client], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    api, client = guarded
    hidden = {KEY, TOKEN, CONTROL, "put-5ecret", "wrong-t0ken", "wrong-5ecret"}
    queries = [
        signed(secret=KEY, SecurityToken=TOKEN, Action="SubmitEmailVerification", Email="jo@example.com"),
        signed(secret=KEY, SecurityToken=TOKEN, Action="SubmitEmailVerification", Email="jo@example.com"),
        signed(secret=KEY, SignatureNonce="2"),
        signed(secret=KEY, SignatureNonce="3", SecurityToken="wrong-t0ken"),
        signed(secret="wrong-5ecret", SignatureNonce="4"),
    ]
    outputs = [str(client.get(f"/?{query}", headers=LOCAL).headers) for query in queries]
    v3 = {
        "Authorization": f"ACS3-HMAC-SHA256 Credential=testid,SignedHeaders=host,Signature={'5' * 64}",
        "x-acs-security-token": TOKEN,
    }
    for headers in (v3, {"Authorization": v3["Authorization"].replace("testid", "other")}):
        outputs.append(
            str(
                client.get(
                    "/", headers={**LOCAL, "x-acs-action": "ListEmailVerification", "x-acs-version": "2018-01-29", **headers}
                ).headers
            )
        )
    hidden.update("5" * 64 for _ in v3)
    for query in queries:
        hidden.update(form for value in signatures_in(query) for form in (value, quote(value, safe="")))
    outputs.append(ask_authorized(client, "/_alimock/access-keys/own", "PUT", "{secret: put-5ecret}"))
    for body in ("{secret: put-5ecret, secrt: put-5ecret}", "{secret: [put-5ecret]}"):
        outputs.append(ask_authorized(client, "/_alimock/access-keys/own", "PUT", body))
    outputs.append(ask_authorized(client, "/_alimock/scenario", "PUT", f"{KEYED.partition('}')[0]}, secrt: x}}]}}}}"))
    outputs += [ask_authorized(client, path) for path in VIEWS]
    outputs.append(str(client.get("/_alimock/info", headers={**LOCAL, "Authorization": "Bearer wrong-t0ken"}).data))
    monkeypatch.setattr("alimock.api.call.authenticate", lambda *_: 1 / 0)
    outputs.append(str(client.get(f"/?{queries[0]}", headers=LOCAL).data))
    outputs += map(
        repr,
        (
            api.store.scenario,
            api.store.keys.registered,
            Settings(control_token=CONTROL),
            Connection(f"http://:{CONTROL}@localhost"),
        ),
    )
    assert "Traceback" in caplog.text
    assert not [(word, text) for word in hidden for text in (*outputs, caplog.text) if word in text]


def test_secrets_are_returned_on_request(guarded: tuple[Api, Client]) -> None:
    _, client = guarded
    for path in ("access-keys?secrets=true", "scenario?secrets=true", "scenario?state=current&secrets=true"):
        assert KEY in ask_authorized(client, f"/_alimock/{path}")
        assert TOKEN in ask_authorized(client, f"/_alimock/{path}")


@pytest.mark.parametrize(
    "url", ["http://:hush@127.0.0.1:1", "http://:hush@x y", "http://:hu/hush@127.0.0.1:1", "ftp://:hush@127.0.0.1:1"]
)
@pytest.mark.parametrize(
    "command",
    [["ready"], ["export"], ["tail", "--once"], ["send", "--to", "a@example.com"], ["env", "--sdk", "python"]],
    ids=lambda command: command[0],
)
def test_commands_do_not_print_the_token_of_their_url(command: list[str], url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command, "--url", url]) in (0, 1, 2)
    output = capsys.readouterr()
    assert output.out + output.err
    assert "hush" not in output.out + output.err


def test_proxy_password_is_neither_logged_nor_returned(empty: Api, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    environ = {"REQUEST_URI": "http://user:hush@other.example.com/"}
    response = Client(flask_app(Backend(empty.service))).get("/", environ_overrides=environ)
    assert (response.status_code, "hush" in response.text + caplog.text) == (501, False)
    assert "501 refused a proxy request for other.example.com" in caplog.text
