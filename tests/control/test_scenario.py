"""Scenarios over HTTP: the built-in ones, the loaded one as a file, and checks without a load."""

from __future__ import annotations

import json

import pytest
from alimock.app import flask_app
from alimock.backend import Backend
from alimock.scenario import loader, sources
from alimock.scenario.export import to_yaml
from conftest import Api, make_api, scenario
from werkzeug.test import Client, TestResponse

KEYS = "accounts: {default: {access_keys: [{id: known, secret: hidden}]}}\n"


@pytest.fixture
def api() -> Api:
    return make_api(scenario(f"{KEYS}description: Before.\naddresses: {{jo@example.com: pending}}"))


def send(api: Api, method: str, path: str, body: str | None = None, content_type: str = "application/x-yaml") -> TestResponse:
    client = Client(flask_app(Backend(api.service)))
    return client.open(f"/_alimock/{path}", method=method, data=body, content_type=content_type, headers={"Host": "localhost"})


def test_built_in_scenarios_are_listed_with_texts_that_can_be_loaded(api: Api) -> None:
    listed = json.loads(send(api, "GET", "scenarios").data)["scenarios"]
    assert [one["name"] for one in listed] == sources.built_in_names()
    for one in listed:
        assert loader.load_text(one["text"].encode(), file=one["name"]).description == one["description"]


@pytest.mark.parametrize("query", ["", "?state=current", "?secrets=true", "?access_key_id=known&state=current"])
def test_scenario_file_is_the_scenario_as_yaml(api: Api, query: str) -> None:
    file = send(api, "GET", f"scenario.yaml{query}")
    assert file.text == to_yaml(json.loads(send(api, "GET", f"scenario{query}").data))
    assert (file.content_type, file.headers["Content-Disposition"]) == (
        "application/x-yaml",
        'attachment; filename="scenario.yaml"',
    )
    assert ("hidden" in file.text) == ("secrets" in query)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("alimock: 1\ndescription: After.\naddresses: {a@example.com: verified}\n", "application/x-yaml"),
        ('{"alimock": 1, "description": "After.", "addresses": {"a@example.com": "verified"}}', "application/json"),
    ],
)
def test_checked_scenario_is_returned_as_its_file_but_not_loaded(api: Api, body: str, content_type: str) -> None:
    answer = json.loads(send(api, "POST", "scenario/check", body, content_type).data)
    assert (answer["ok"], answer["mistakes"], answer["description"], answer["ignored"]) == (True, [], "After.", [])
    assert api.store.scenario.description == "Before."
    send(api, "PUT", "scenario", body, content_type)
    assert send(api, "GET", "scenario.yaml").text == answer["yaml"]


def test_checked_scenario_may_omit_secrets_of_known_keys_and_returns_none(api: Api) -> None:
    kept = json.loads(send(api, "POST", "scenario/check", f"alimock: 1\n{KEYS.replace(', secret: hidden', '')}").data)
    assert kept["ok"] and "hidden" not in kept["yaml"]
    (mistake,) = json.loads(
        send(api, "POST", "scenario/check", f"alimock: 1\n{KEYS}".replace("known, secret: hidden", "new")).data
    )["mistakes"]
    assert mistake["found"] == "no `secret`"


def test_errors_of_a_checked_scenario_are_listed_with_their_positions(api: Api) -> None:
    response = send(api, "POST", "scenario/check", "alimock: 1\nprofil: docs-2021\nseed: [1]\n")
    answer = json.loads(response.data)
    assert (response.status_code, answer["ok"], answer["description"], answer["yaml"]) == (200, False, None, None)
    assert [(one["file"], one["line"], one["column"]) for one in answer["mistakes"]] == [
        ("the request body", 2, 1),
        ("the request body", 3, 7),
    ]


def test_check_for_a_key_lists_what_a_single_account_ignores(api: Api) -> None:
    answer = json.loads(send(api, "POST", "scenario/check?access_key_id=known", "alimock: 1\nauthentication: none\n").data)
    assert answer["ignored"] == ["authentication"]
