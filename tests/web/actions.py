"""What the tests of the web UI do besides clicking: calls of the emulated API, and moving between views."""

from __future__ import annotations

import json
import urllib.request
from typing import Any
from urllib.parse import urlencode

from conftest import Running
from playwright.sync_api import Page, expect


class _AnyStatus(urllib.request.HTTPErrorProcessor):
    def http_response(self, request: urllib.request.Request, response: object) -> object:  # type: ignore[override]
        return response


_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), _AnyStatus())


def send(running: Running, query: str) -> dict[str, Any]:
    """Send a query to the emulated API and return the answer in JSON, whatever its status."""
    with _OPENER.open(f"{running.url}/?{query}") as response:
        answer: dict[str, Any] = json.loads(response.read())
    return answer


def call(running: Running, action: str, **parameters: str) -> dict[str, Any]:
    """Make an unsigned call."""
    return send(running, urlencode({"Action": action, "Version": "2018-01-29", "Format": "JSON", **parameters}))


def submit(running: Running, email: str, **parameters: str) -> None:
    """Let an address get an email."""
    call(running, "SubmitEmailVerification", Email=email, **parameters)


def control(running: Running, path: str, **query: str) -> dict[str, Any]:
    """Read the control API."""
    return send_to(running, "GET", f"{path}?{urlencode(query)}")


def send_to(running: Running, method: str, path: str, content: object = None) -> dict[str, Any]:
    """Send a request to the control API."""
    body = None if content is None else json.dumps(content).encode()
    request = urllib.request.Request(f"{running.url}/_alimock/{path}", body, {"Content-Type": "application/json"}, method=method)
    with _OPENER.open(request) as response:
        answer: dict[str, Any] = json.loads(response.read())
    return answer


def show(page: Page, name: str) -> None:
    """Open a view by the navigation."""
    page.locator(f"#nav-{name}").click()
    expect(page.locator(f"#nav-{name}")).to_have_attribute("aria-current", "page")
