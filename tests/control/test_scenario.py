"""Scenarios over HTTP: the built-in ones, the loaded one as a file, and checks without a load."""

from __future__ import annotations

import json
from pathlib import Path

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


def test_checked_files_have_their_names_in_errors(api: Api) -> None:
    files = {"case.yaml": "alimock: 1\nextends: ./base.yaml\nprofil: docs-2021\n", "base.yaml": "alimock: 1\nsed: 1\n"}
    body = json.dumps({"names": ["case.yaml"], "files": files})
    answer = json.loads(send(api, "POST", "scenario/check?files=true", body, "application/json").data)
    assert [(one["file"], one["line"]) for one in answer["mistakes"]] == [("case.yaml", 3), ("base.yaml", 2)]


def test_check_for_a_key_lists_what_a_single_account_ignores(api: Api) -> None:
    answer = json.loads(send(api, "POST", "scenario/check?access_key_id=known", "alimock: 1\nauthentication: none\n").data)
    assert answer["ignored"] == ["authentication"]


def files(api: Api, query: str = "") -> dict[str, str]:
    listed = json.loads(send(api, "GET", f"scenario/files{query}").data)["files"]
    return {one["name"]: one["text"] for one in listed}


def test_files_are_listed_as_they_were_loaded(api: Api, tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    text = "# A comment.\nalimock: 1\nextends: empty\n"
    file.write_text(text)
    api.store.load(loader.load(f"default,{file}"))
    file.unlink()
    shown = files(api)
    assert list(shown) == ["default.yaml", "empty.yaml", str(file)]
    assert shown[str(file)] == text
    assert shown["empty.yaml"].endswith("access_keys: [{id: testid}]\n")


def test_files_of_a_key_are_those_of_its_account(api: Api) -> None:
    send(api, "PUT", "scenario?access_key_id=one", "alimock: 1 # One.\n")
    assert files(api, "?access_key_id=one") == {"the request body": "alimock: 1 # One.\n"}
    assert list(files(api)) == ["case.yaml"]


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (f"alimock: 1\n{KEYS}", "application/x-yaml"),
        (
            json.dumps({"alimock": 1, "accounts": {"default": {"access_keys": [{"id": "new", "secret": "hidden"}]}}}),
            "application/json",
        ),
    ],
)
def test_files_can_be_loaded_again_and_keep_the_known_secrets(api: Api, body: str, content_type: str) -> None:
    send(api, "PUT", "scenario", body, content_type)
    keys = api.store.scenario.access_keys
    (text,) = files(api).values()
    assert "hidden" not in text
    assert send(api, "PUT", "scenario", text).status_code == 200
    assert api.store.scenario.access_keys == keys


def test_files_of_a_bundle_can_be_loaded_again(api: Api) -> None:
    bundle = {"names": ["b.yaml"], "files": {"a.yaml": f"alimock: 1\n{KEYS}", "b.yaml": "alimock: 1\nextends: a.yaml\nseed: one\n"}}
    send(api, "PUT", "scenario?files=true", json.dumps(bundle))
    shown = files(api)
    assert list(shown) == ["a.yaml", "b.yaml"]
    send(api, "PUT", "scenario?files=true", json.dumps({"names": ["b.yaml"], "files": shown}))
    assert api.store.scenario.access_keys["known"].secret == "hidden"


@pytest.mark.parametrize(
    ("body", "name"),
    [("alimock: 1\nseed: two\n", "the request body"), (f"alimock: 1\n# {'x' * loader.MAXIMUM_KEPT_TEXT}\n", "the request body")],
    ids=["another text of the same name", "large"],
)
def test_text_that_is_ambiguous_or_large_is_omitted(api: Api, body: str, name: str) -> None:
    send(api, "PUT", "scenario?over=true", "alimock: 1\nseed: one\n")
    assert name in files(api)
    assert send(api, "PUT", "scenario?over=true", body).status_code == 200
    assert list(files(api)) == ["case.yaml"]
