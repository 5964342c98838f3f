"""Helpers and fixtures of all tests: a settable clock, calls to the service without a socket, and a running server."""

from __future__ import annotations

import json
import os
import shutil
import weakref
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from alimock.api import parse, signature
from alimock.api.http import HttpRequest, HttpResponse
from alimock.api.service import Service
from alimock.backend import Backend
from alimock.persistence.command_log import CommandLog
from alimock.persistence.replica import Replica
from alimock.persistence.sqlite import SqliteLog
from alimock.persistence.valkey import ValkeyLog
from alimock.scenario import loader
from alimock.scenario.model import Scenario
from alimock.server.listener import Listener
from alimock.server.server import Server
from alimock.settings import ServerLimits
from alimock.spec.contract import V1_DIGESTS
from alimock.state.executor import Executor
from alimock.state.limits import StateLimits
from alimock.state.store import Store
from alimock.testing.env import proxies
from hypothesis import settings
from lxml import etree
from persistence.valkey_server import ValkeyServer, running_server

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

# The tests use loopback only, but several of the clients in them send even that to the proxy of the shell.
for _name in proxies(os.environ):
    del os.environ[_name]

# How long an example takes depends on the machine, so no test has a deadline.
settings.register_profile("alimock", parent=settings(), deadline=None)
settings.load_profile("alimock")

# What `make compatibility` runs in environments of its own.
collect_ignore = ["compatibility/suites"]

# 2026-01-01 00:00:00 UTC, which is 08:00 in UTC+8.
START = 1_767_225_600

# Faults that the HTTP server applies.
WIRE_FAULTS = """
faults:
  - {when: {email: before@example.com}, times: 1, reset: before}
  - {when: {email: after@example.com}, times: 1, reset: after}
  - {when: {email: truncated@example.com}, body: truncated}
  - {when: {email: wrong-length@example.com}, body: wrong-length}
  - {when: {email: html-502@example.com}, body: html-502}
  - {when: {email: empty@example.com}, body: empty}
  - {when: {email: slow@example.com}, slow: 20ms}
  - {when: {email: delayed@example.com}, delay: 20ms}
"""


@dataclass
class Time:
    """The real time, settable by the test."""

    now: float = START

    def __call__(self) -> float:
        return self.now


@dataclass
class Api:
    """A service that is called without a socket."""

    service: Service
    time: Time
    key: str | None = None
    profile: str | None = None
    version: str = "2018-01-29"

    @property
    def store(self) -> Store:
        return self.service.store

    def call(
        self, action: str, *, method: str = "GET", headers: Mapping[str, str] | None = None, **parameters: object
    ) -> HttpResponse:
        texts = {name: str(value) for name, value in parameters.items()}
        common = {"Action": action, "Version": self.version, **({"AccessKeyId": self.key} if self.key else {})}
        return self.send(urlencode({**common, **texts}), method=method, headers=headers)

    def send(self, query: str, *, method: str = "GET", headers: Mapping[str, str] | None = None, body: bytes = b"") -> HttpResponse:
        sent = {**({"x-alimock-profile": self.profile} if self.profile is not None else {}), **(headers or {})}
        return self.service.handle(HttpRequest(method, query, sent, body, "192.0.2.1"))

    def json(self, action: str, **parameters: object) -> dict[str, object]:
        body: dict[str, object] = json.loads(self.call(action, Format="JSON", **parameters).body)
        return body

    def code(self, action: str, **parameters: object) -> str:
        return str(self.json(action, **parameters)["Code"])

    def lists(self, action: str, email: str, **parameters: object) -> dict[str, list[str]]:
        """Return the lists of a batch response as addresses; those of FailList are followed by their codes."""
        body = self.json(action, Email=email, **parameters)
        lists = {name: value for name, value in body.items() if isinstance(value, list)}
        return {name: [_format_row(name, row) for row in rows] for name, rows in lists.items() if rows}


def _format_row(name: str, row: Mapping[str, str]) -> str:
    return f"{row['Email']} {row['Code']}" if name == "FailList" else row["Email"]


def scenario(text: str = "") -> Scenario:
    """Load a scenario from the lines after its first."""
    return loader.load_text(f"alimock: 1\n{text}".encode(), file="case.yaml")


def make_api(loaded: Scenario, *, limits: StateLimits | None = None, in_memory: bool = False, **options: object) -> Api:
    """Return a service; `in_memory` whatever the other tests use, for one that watches the objects of its scenario."""
    time = Time()
    store = Store(loaded, limits=limits, real_time=time, seed=b"tests")
    return Api(Service(store, executor=Executor(store) if in_memory else make_executor(store)), time, **options)  # type: ignore[arg-type]


def make_executor(store: Store) -> Executor:
    """Return the executor that all tests use: in memory, or with `TEST_STATE=sqlite` with a file."""
    if os.environ.get("TEST_STATE") != "sqlite":
        return Executor(store)
    folder = TemporaryDirectory()
    executor = Replica(store, SqliteLog(Path(folder.name) / "alimock.db", store.system_time))
    weakref.finalize(executor, folder.cleanup)
    executor.start()
    return executor


def signed(*, secret: str = "testsecret", method: str = "GET", **changes: str | None) -> str:
    """Return a signed query; None removes a parameter, and the signature `(none)` sends none."""
    parameters: dict[str, str | None] = {
        "Action": "ListEmailVerification",
        "Version": "2018-01-29",
        "Format": "JSON",
        "AccessKeyId": "testid",
        "SignatureMethod": "HMAC-SHA1",
        "SignatureVersion": "1.0",
        "SignatureNonce": "nonce",
        "Timestamp": "2026-01-01T00:00:00Z",
        **changes,
    }
    values = {name: value for name, value in parameters.items() if value is not None}
    request = parse.parse(HttpRequest(method, urlencode(values), {}, b"", ""))
    digest = values.get("SignatureMethod") if values.get("SignatureMethod") in V1_DIGESTS else "HMAC-SHA1"
    values.setdefault("Signature", signature.sign_v1(signature.string_to_sign_v1(request), secret, str(digest)))
    return urlencode({name: value for name, value in values.items() if value != "(none)"})


def error_of(reply: HttpResponse) -> tuple[int, str, str]:
    """Return status, code and message of an error response in either format."""
    if reply.body.startswith(b"{"):
        body = json.loads(reply.body)
        return reply.status, body["Code"], body["Message"]
    root = etree.fromstring(reply.body)
    return reply.status, str(root.findtext("Code")), str(root.findtext("Message"))


@pytest.fixture
def api() -> Api:
    """The default scenario."""
    return make_api(loader.load("default"))


@pytest.fixture
def empty() -> Api:
    """A scenario without addresses."""
    return make_api(scenario())


@dataclass
class Running:
    """A running server and its store."""

    server: Server
    store: Store
    url: str = field(init=False)
    endpoint: str = field(init=False)
    port: int = field(init=False)

    def __post_init__(self) -> None:
        self.url = self.server.url
        self.port = self.server.listeners[0].port
        self.endpoint = self.url.removeprefix("http://")


@pytest.fixture
def running() -> Iterator[Running]:
    """A server on a free port, with the default scenario."""
    yield from serve(loader.load("default"))


def serve(loaded: Scenario, limits: ServerLimits | None = None, *, state_limits: StateLimits | None = None) -> Iterator[Running]:
    limits = limits or ServerLimits()
    store = Store(loaded, limits=state_limits)
    server = Server(Backend(Service(store, executor=make_executor(store)), limits=limits), Listener("127.0.0.1", 0))
    server.start()
    try:
        yield Running(server, store)
    finally:
        server.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium; without it, a test is skipped, or fails if CI is set."""
    # Only the tests of the web UI and of pages need it, and it loads slowly.
    from playwright.sync_api import sync_playwright

    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if path is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no Chromium on this machine (set CHROMIUM to its path)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser, running: Running) -> Iterator[Callable[..., Page]]:
    """A function that opens the web UI of the server at a hash, with options of the browser's context.

    The page must cause no errors, and no requests to other hosts.
    """
    pages: list[Page] = []
    errors: list[str] = []
    requests: list[str] = []

    def open_page(hash_: str = "", **options: object) -> Page:
        page = browser.new_context(**{"locale": "en-US", **options}).new_page()  # type: ignore[arg-type]
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(f"{running.url}/_alimock/{hash_}")
        page.locator("nav").wait_for()
        pages.append(page)
        return page

    yield open_page
    for page in pages:
        page.context.close()
    # The browser also reports error responses and a stopped server.
    assert not [error for error in errors if not error.startswith("Failed to load resource")]
    assert {"/".join(url.split("/")[:3]) for url in requests if not url.startswith(("data:", "blob:"))} <= {running.url}


@pytest.fixture
def page(open_page: Callable[..., Page]) -> Page:
    """The web UI as it opens."""
    return open_page()


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[ValkeyServer]:
    """One server for all tests that leave it running."""
    with running_server() as server:
        yield server


@pytest.fixture
def own_valkey_server() -> Iterator[ValkeyServer]:
    """A server of one test, which may stop it."""
    with running_server() as server:
        yield server


@pytest.fixture(params=["sqlite", "valkey"])
def open_log(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], CommandLog]]:
    """A function that opens a log, always the same one, which is empty at first. SQLite's must be closed before."""
    logs: list[CommandLog] = []
    name = f"state-{uuid4()}"
    server = request.getfixturevalue("valkey_server") if request.param == "valkey" else None

    def open_log() -> CommandLog:
        log: CommandLog = SqliteLog(tmp_path / "alimock.db") if server is None else ValkeyLog(server.location(name))
        logs.append(log)
        return log

    yield open_log
    for log in logs:
        log.close()
