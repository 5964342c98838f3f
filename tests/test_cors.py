"""Cross-origin requests: the configured origins may use the control API and Mailpit's API, behind any HTTP server."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import NamedTuple

import pytest
from alimock.app import flask_app
from alimock.backend import create_backend
from alimock.server.listener import Listener
from alimock.server.server import Server
from alimock.settings import SettingError, resolve
from conftest import scenario
from werkzeug.test import Client

PAGE = "http://localhost:3000"
OTHER = "https://other.example.com"
PREFLIGHT = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "authorization,content-type,x-trace"}


class Answer(NamedTuple):
    """The status and the headers of a response."""

    status: int
    headers: dict[str, str]


Ask = Callable[..., Answer]


@pytest.fixture(params=["own server", "application"])
def start(request: pytest.FixtureRequest) -> Iterator[Callable[..., Ask]]:
    """A function that starts an emulator with settings, and returns the function that sends requests to it."""
    with ExitStack() as cleanup:

        def start(**options: str) -> Ask:
            backend = create_backend(scenario(), resolve(options, {}))
            if request.param == "application":
                client = Client(flask_app(backend))

                def ask(method: str, path: str, **headers: str) -> Answer:
                    response = client.open(path, method=method, headers={"Host": "localhost", **headers})
                    return Answer(response.status_code, dict(response.headers))

                return ask
            server = Server(backend, Listener("127.0.0.1", 0))
            server.start()
            cleanup.callback(server.stop)
            connection = http.client.HTTPConnection("127.0.0.1", server.listeners[0].port, timeout=10)
            cleanup.callback(connection.close)

            def ask_server(method: str, path: str, **headers: str) -> Answer:
                connection.request(method, path, headers=headers)
                response = connection.getresponse()
                response.read()
                return Answer(response.status, dict(response.getheaders()))

            return ask_server

        yield start


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/_alimock/info", 200),
        ("HEAD", "/_alimock/info", 200),
        ("POST", "/_alimock/reset", 200),
        ("DELETE", "/_alimock/outbox", 200),
        ("GET", "/api/v1/messages", 200),
        ("GET", "/_alimock/accounts/testid/api/v1/tags", 200),
        ("GET", "/view/latest.txt", 404),
        ("GET", "/_alimock/outbox?limit=x", 400),
        ("PUT", "/_alimock/scenario", 400),
        ("GET", "/_alimock/none", 404),
        ("PUT", "/_alimock/info", 405),
        ("GET", "/_alimock/outbox/wait?timeout=0.01", 408),
        ("GET", "/_alimock/calls/wait?timeout=0", 408),
        ("GET", "/_alimock/outbox?after=9", 410),
    ],
)
def test_page_of_a_configured_origin_can_read_every_response(
    start: Callable[..., Ask], method: str, path: str, status: int
) -> None:
    ask = start(cors_origin=f"{OTHER},{PAGE}")
    answer = ask(method, path, Origin=PAGE)
    assert (answer.status, answer.headers["Access-Control-Allow-Origin"], answer.headers["Vary"]) == (status, PAGE, "Origin")
    assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize("path", ["/_alimock/addresses/a@example.com", "/api/v1/messages", "/_alimock/none"])
def test_preflight_request_of_a_configured_origin_needs_no_token(start: Callable[..., Ask], path: str) -> None:
    ask = start(cors_origin=PAGE, control_token="s3cret")
    status, headers = ask("OPTIONS", path, Origin=PAGE, **PREFLIGHT)
    assert (status, headers["Access-Control-Allow-Origin"], headers["Vary"]) == (204, PAGE, "Origin")
    assert headers["Access-Control-Allow-Methods"] == "GET, HEAD, POST, PUT, DELETE"
    assert headers["Access-Control-Allow-Headers"] == "Authorization, Content-Type, *"


def test_control_token_is_required_as_before(start: Callable[..., Ask]) -> None:
    ask = start(cors_origin=PAGE, control_token="s3cret")
    refused = ask("GET", "/_alimock/info", Origin=PAGE)
    assert (refused.status, refused.headers["Access-Control-Allow-Origin"]) == (401, PAGE)
    assert ask("OPTIONS", "/_alimock/info", Origin=PAGE).status == 401
    assert ask("GET", "/_alimock/info", Origin=PAGE, Authorization="Bearer s3cret").status == 200


@pytest.mark.parametrize(
    ("configured", "origin"),
    [
        (None, PAGE),
        (PAGE, OTHER),
        (PAGE, "https://localhost:3000"),
        (PAGE, "http://localhost:3001"),
        (PAGE, "http://LOCALHOST:3000"),
        (PAGE, "http://localhost:3000.evil.example.com"),
        (PAGE, "null"),
        (PAGE, ""),
    ],
)
@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
def test_other_origin_is_rejected(start: Callable[..., Ask], configured: str | None, origin: str, method: str) -> None:
    ask = start(**({"cors_origin": configured} if configured else {}))
    status, headers = ask(method, "/_alimock/info", Origin=origin, **PREFLIGHT)
    assert status == 403
    assert not [name for name in headers if name.startswith("Access-Control-")]
    assert headers.get("Vary") == ("Origin" if configured else None)


@pytest.mark.parametrize("origin", [PAGE, "null", "chrome-extension://abcdef"])
def test_star_means_every_origin(start: Callable[..., Ask], origin: str) -> None:
    ask = start(cors_origin="*")
    assert ask("GET", "/_alimock/info", Origin=origin).headers["Access-Control-Allow-Origin"] == origin
    assert ask("OPTIONS", "/_alimock/info", Origin=origin, **PREFLIGHT).status == 204


def test_request_without_an_origin_is_answered_as_before(start: Callable[..., Ask]) -> None:
    status, headers = start(cors_origin=PAGE)("GET", "/_alimock/info")
    assert (status, headers["Vary"], "Access-Control-Allow-Origin" in headers) == (200, "Origin", False)
    assert "Vary" not in start()("GET", "/_alimock/info").headers


def test_unknown_host_is_rejected_even_from_a_configured_origin(start: Callable[..., Ask]) -> None:
    assert start(cors_origin="*")("GET", "/_alimock/info", Origin=PAGE, Host="evil.example.com").status == 403


@pytest.mark.parametrize(
    ("text", "origins"),
    [
        ("*", ("*",)),
        (PAGE, (PAGE,)),
        ("http://a.example.com , https://b.example.com", ("http://a.example.com", "https://b.example.com")),
        ("HTTP://Localhost:3000/", (PAGE,)),
        ("http://localhost:80,https://localhost:443", ("http://localhost", "https://localhost")),
        ("http://localhost:443", ("http://localhost:443",)),
        ("http://[::1]:3000", ("http://[::1]:3000",)),
        ("chrome-extension://abcdef", ("chrome-extension://abcdef",)),
    ],
)
def test_origins_are_those_that_browsers_send(text: str, origins: tuple[str, ...]) -> None:
    assert resolve({"cors_origin": text}, {}).cors_origin == resolve({}, {"ALIMOCK_CORS_ORIGIN": text}).cors_origin == origins


@pytest.mark.parametrize(
    "text",
    ["", "localhost:3000", "http://", "http://a/b", "http://a?b", "http://a#b", "http://u@a", "http://*.example.com", "http://a b",
     "http://a:0", "http://a:99999", "http://a:x", "http://[x", "http://\u674e.example.com", f"{PAGE},", "null", "//a", "http://a//"],
)  # fmt: skip
def test_invalid_origin_is_rejected(text: str) -> None:
    expected = "expected origins like http://localhost:3000, comma-separated, or *"
    with pytest.raises(SettingError) as caught:
        resolve({"cors_origin": text}, {})
    assert str(caught.value) == f"--cors-origin: found `{text}`, {expected}"
