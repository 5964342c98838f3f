"""What SECURITY.md promises, as far as no other test shows it: the control token, and no connection that nobody configured."""

from __future__ import annotations

import base64
import subprocess
import sys
from pathlib import Path

import pytest
from alimock import Emulator, EmulatorError
from alimock.app import Application
from alimock.client.connection import Connection
from alimock.doors import Doors
from alimock.server import Server
from conftest import Api
from test_cli import ask, serving
from werkzeug.test import Client

LOCAL = {"Host": "localhost"}


@pytest.fixture
def client(empty: Api) -> Client:
    return Client(Application(empty.service, Doors(control_token="s3cret:token")))


def basic(user: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


@pytest.mark.parametrize("path", ["/_alimock/info", "/_alimock/", "/_alimock/outbox", "/api/v1/messages", "/view/latest.txt"])
@pytest.mark.parametrize(
    ("authorization", "opens"),
    [
        (None, False),
        ("Bearer s3cret:token", True),
        (basic("", "s3cret:token"), True),
        (basic("anybody", "s3cret:token"), True),
        ("Bearer s3cret", False),
        ("Bearer ", False),
        ("Bearer s3cret:token\u00e9", False),
        (basic("s3cret:token", ""), False),
        ("Basic nonsense", False),
        ("Digest username=x", False),
        ("s3cret:token", False),
    ],
)
def test_the_control_token_opens_all_but_the_api(client: Client, path: str, authorization: str | None, opens: bool) -> None:
    headers = {**LOCAL, **({"Authorization": authorization} if authorization is not None else {})}
    response = client.get(path, headers=headers)
    assert (response.status_code != 401) == opens
    if not opens:
        assert response.headers["WWW-Authenticate"] == 'Basic realm="alimock"'
        assert b"s3cret" not in response.data


@pytest.mark.parametrize("path", ["/?Action=ListEmailVerification&Version=2018-01-29", "/livez", "/readyz", "/verify?token=x"])
def test_the_api_the_links_and_the_health_checks_need_no_token(client: Client, path: str) -> None:
    assert client.get(path, headers=LOCAL).status_code in (200, 404)


def test_clients_send_the_token_of_their_url_or_of_the_environment(empty: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(Application(empty.service, Doors(control_token="a/b@c")), "127.0.0.1", 0)
    server.start()
    try:
        with pytest.raises(EmulatorError, match="the control token is missing or wrong"):
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


def test_the_token_is_a_setting_of_the_command() -> None:
    with serving("--control-token", "abc") as (_, line):
        assert ask(line, "/_alimock/info")[0] == 401
        assert ask(line, "/livez")[0] == 200


# Every connection of the process is refused that does not lead to loopback, and every name but this machine's.
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
LIFE = """
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
print("lived")
"""


def test_a_whole_life_opens_no_connection_that_leads_elsewhere(tmp_path: Path) -> None:
    code = FENCE + LIFE
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert (done.stdout, done.stderr) == ("lived\n", "")


def test_the_fence_of_the_test_above_holds() -> None:
    code = FENCE + "socket.create_connection(('192.0.2.1', 80), timeout=1)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert "AssertionError" in done.stderr


def test_a_token_is_shown_nowhere(empty: Api) -> None:
    doors = Doors(control_token="s3cret")
    assert "s3cret" not in repr(doors)
    info = Client(Application(empty.service, doors)).get("/_alimock/info", headers={**LOCAL, "Authorization": "Bearer s3cret"})
    assert b"s3cret" not in info.data
