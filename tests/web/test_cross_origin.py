"""Calls to the emulated API with `fetch` from a page of another origin, in a real browser."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from alimock.scenario import loader
from api.signing import sign_v3
from conftest import Running, serve, signed
from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

FETCH = """([url, options]) => fetch(url, options).then(async (response) => ({
    status: response.status, body: await response.text(), type: response.headers.get("content-type") }))"""
STRICT = b"alimock: 1\nextends: default\nauthentication: strict\n"
OF_VERIFIED = {"Action": "QueryEmailVerification", "Email": "abc@aliyun.com"}


class Application(BaseHTTPRequestHandler):
    """The page of a web application."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>an application</title>")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def strict() -> Iterator[Running]:
    yield from serve(loader.load_text(STRICT, file="strict"))


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    server = HTTPServer(("127.0.0.1", 0), Application)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"http://localhost:{server.server_port}/")
    yield page
    context.close()
    server.shutdown()
    thread.join()
    server.server_close()


def now() -> str:
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def v1(method: str, **changes: str) -> str:
    return signed(method=method, Timestamp=now(), SignatureNonce=uuid.uuid4().hex, **OF_VERIFIED, **changes)


def v3(endpoint: str, **changes: str) -> dict[str, str]:
    return sign_v3(
        host=endpoint, x_acs_action="ListEmailVerification", x_acs_date=now(), x_acs_signature_nonce=uuid.uuid4().hex, **changes
    )


def fetched(page: Page, url: str, **options: object) -> dict[str, Any]:
    answer: dict[str, Any] = page.evaluate(FETCH, [url, options])
    return answer


def test_page_reads_an_unsigned_call(page: Page, running: Running) -> None:
    answer = fetched(page, f"{running.url}/?Action=QueryEmailVerification&Version=2018-01-29&Email=abc@aliyun.com")
    assert (answer["status"], answer["type"]) == (200, "text/xml;charset=utf-8")
    assert "<VerificationStatus>1<" in answer["body"]


def test_page_signs_with_v1(page: Page, strict: Running) -> None:
    for answer in (
        fetched(page, f"{strict.url}/?{v1('GET')}"),
        fetched(page, f"{strict.url}/?{v1('POST')}", method="POST"),
        fetched(page, strict.url, method="POST", body=v1("POST"), headers={"Content-Type": "application/x-www-form-urlencoded"}),
    ):
        assert '"VerificationStatus":1' in answer["body"]


def test_page_signs_with_v3_after_a_preflight(page: Page, strict: Running) -> None:
    # A page may not set the header Host; the browser does.
    headers = {name: value for name, value in v3(strict.endpoint).items() if name != "host"}
    answer = fetched(page, strict.url, method="POST", headers=headers)
    assert (answer["status"], '"CurrentPageNum":1' in answer["body"]) == (200, True), answer


def test_page_reads_an_error(page: Page, strict: Running) -> None:
    answer = fetched(page, f"{strict.url}/?{v1('GET', Signature='wrong')}")
    assert (answer["status"], '"Code":"SignatureDoesNotMatch"' in answer["body"]) == (400, True)
    headers = {name: value for name, value in v3(strict.endpoint, secret="wrong").items() if name != "host"}
    answer = fetched(page, strict.url, method="POST", headers=headers)
    assert (answer["status"], '"Code":"SignatureDoesNotMatch"' in answer["body"]) == (400, True)
