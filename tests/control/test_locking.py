"""Views hold the store's lock only while they use the state, and every application has a store of its own."""

from __future__ import annotations

import http.client
import threading

import pytest
from alimock.app import flask_app
from alimock.backend import Backend
from alimock.scenario import loader
from conftest import Api, make_api, scenario, serve

LOCAL = {"Host": "localhost"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/_alimock/scenario"),
        ("PUT", "/_alimock/scenario?over=true"),
        ("PUT", "/_alimock/clock"),
        ("POST", "/_alimock/clock/advance"),
        ("PUT", "/_alimock/addresses/jo@example.com"),
        ("PUT", "/_alimock/faults/slow"),
        ("PUT", "/_alimock/access-keys/mine"),
        ("DELETE", "/_alimock/outbox"),
        ("POST", "/_alimock/explain-signature"),
        ("PUT", "/api/v1/messages"),
        ("PUT", "/api/v1/tags"),
        ("DELETE", "/api/v1/messages"),
    ],
)
def test_slow_request_body_does_not_block_other_clients(method: str, path: str) -> None:
    for running in serve(scenario()):
        slow, other = (http.client.HTTPConnection(running.endpoint, timeout=10) for _ in range(2))
        slow.putrequest(method, path)
        slow.putheader("Content-Length", "100")
        slow.endheaders(b"{")
        for _ in range(3):
            other.request("GET", "/_alimock/accounts")
            response = other.getresponse()
            assert (response.status, bool(response.read())) == (200, True)
        slow.close()
        other.close()


def test_parsing_a_scenario_does_not_hold_the_lock(empty: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    store, load = empty.store, loader.load_text
    changed: list[bool] = []

    def load_text(*args: object, **options: object) -> object:
        thread = threading.Thread(target=lambda: store.reset())
        thread.start()
        thread.join(10)
        changed.append(not thread.is_alive())
        return load(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(loader, "load_text", load_text)
    client = flask_app(Backend(empty.service)).test_client()
    response = client.put("/_alimock/scenario", data="alimock: 1", headers=LOCAL)
    assert (response.status_code, changed) == (200, [True])


def test_scenario_loaded_meanwhile_is_the_new_base_of_a_merge(empty: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    store, load = empty.store, loader.load_text
    others = [scenario("addresses: {other@example.com: verified}")]

    def load_text(*args: object, **options: object) -> object:
        merged = load(*args, **options)  # type: ignore[arg-type]
        if others:
            store.load(others.pop())
        return merged

    monkeypatch.setattr(loader, "load_text", load_text)
    client = flask_app(Backend(empty.service)).test_client()
    client.put("/_alimock/scenario?over=true", data="alimock: 1\naddresses: {jo@example.com: verified}", headers=LOCAL)
    for email in ("jo@example.com", "other@example.com"):
        assert empty.json("QueryEmailVerification", Email=email)["VerificationStatus"] == 1


@pytest.mark.parametrize(
    ("path", "key"), [("/_alimock/outbox", "messages"), ("/api/v1/messages", "messages"), ("/_alimock/calls", "calls")]
)
def test_applications_share_no_state(path: str, key: str) -> None:
    apis = [make_api(scenario()) for _ in range(2)]
    apps = [flask_app(Backend(api.service)) for api in apis]
    apis[0].lists("SubmitEmailVerification", "jo@example.com")
    assert [len(app.test_client().get(path, headers=LOCAL).get_json()[key]) for app in apps] == [1, 0]
