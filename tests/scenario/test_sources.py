"""Bundles: scenarios that are sent with all their files, and merged over the loaded one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from alimock.app import flask_app
from alimock.backend import Backend
from alimock.scenario import loader
from alimock.scenario.diagnostics import ScenarioError
from alimock.scenario.sources import Bundle
from conftest import Api, make_api, scenario
from werkzeug.test import Client

QUERY, RESEND = "QueryEmailVerification", "ResendEmailVerification"
BASE = "alimock: 1\naddresses: {base@example.com: verified, jo@example.com: pending}\n"
LATE = "alimock: 1\nextends: [default, ../base.yaml]\naddresses:\n  jo@example.com: quota-exceeded\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory: base.yaml, and cases/late.yaml over it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cases").mkdir()
    (tmp_path / "base.yaml").write_text(BASE)
    (tmp_path / "cases" / "late.yaml").write_text(LATE)
    return tmp_path


def put(api: Api, body: object, arguments: str = "files=true", status: int = 200) -> dict[str, object]:
    client = Client(flask_app(Backend(api.service)))
    response = client.put(f"/_alimock/scenario?{arguments}", json=body, headers={"Host": "localhost"})
    assert response.status_code == status, response.data
    answer: dict[str, object] = json.loads(response.data)
    return answer


def sent(bundle: Bundle) -> dict[str, object]:
    return {"names": list(bundle.names), "files": dict(bundle.files), "variables": dict(bundle.variables)}


def decided_by(api: Api, email: str) -> str:
    return dict(api.call(RESEND, Email=email).headers)["X-Alimock-Decided-By"]


def test_bundle_has_the_files_by_path(folder: Path) -> None:
    bundle = loader.bundle(["cases/late.yaml", "quota-exceeded"])
    assert bundle == Bundle(("cases/late.yaml", "quota-exceeded"), {"cases/late.yaml": LATE, "cases/../base.yaml": BASE})


def test_bundle_loads_without_its_files(folder: Path) -> None:
    names = ["cases/late.yaml", "quota-exceeded"]
    bundle, direct = loader.bundle(names), loader.load_files(names)
    (folder / "base.yaml").unlink()
    (folder / "cases" / "late.yaml").unlink()
    loaded = loader.load_bundle(bundle)
    assert (loaded.name, list(loaded.addresses.exact.values())) == (direct.name, list(direct.addresses.exact.values()))


def test_decisions_have_the_location_in_a_sent_scenario(folder: Path, empty: Api) -> None:
    put(empty, sent(loader.bundle(["cases/late.yaml"])))
    assert decided_by(empty, "jo@example.com") == "cases/late.yaml:4"
    assert decided_by(empty, "base@example.com") == "rule already-verified (cases/../base.yaml:2)"
    assert decided_by(empty, "test2@aliyun.com") == "default.yaml:20"


def test_bundle_has_only_the_environment_variables_of_its_secrets(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_SECRET", "hush")
    monkeypatch.setenv("OTHER", "not asked for")
    Path("keys.yaml").write_text("alimock: 1\naccounts: {default: {access_keys: [{id: app, secret: '${APP_SECRET}'}]}}")
    bundle = loader.bundle(["./keys.yaml"])
    assert bundle.variables == {"APP_SECRET": "hush"}
    monkeypatch.delenv("APP_SECRET")
    assert loader.load_bundle(bundle).access_keys["app"].secret == "hush"


def test_texts_replace_files_and_may_have_any_name(folder: Path) -> None:
    name = "the marker of test_it[a,b]"
    loaded = loader.load_files([name], {name: "alimock: 1\nextends: base.yaml\n"})
    assert loaded.addresses.exact["base@example.com"].location == "base.yaml:2"
    assert loader.bundle([name], {name: "alimock: 1\nextends: base.yaml\n"}).files["base.yaml"] == BASE


def test_unreadable_file_is_reported_before_sending(folder: Path) -> None:
    (folder / "base.yaml").unlink()
    expected = r"cases/late\.yaml:2:20: extends: found `cases/\.\./base\.yaml` \(No such file or directory\)"
    with pytest.raises(ScenarioError, match=expected):
        loader.bundle(["cases/late.yaml"])


def test_other_errors_are_reported_by_the_receiver(folder: Path) -> None:
    (folder / "base.yaml").write_text("alimock: 1\nprofil: x\n")
    bundle = loader.bundle(["cases/late.yaml"])
    with pytest.raises(ScenarioError, match=r"cases/\.\./base\.yaml:2:1: found the unknown key `profil`"):
        loader.load_bundle(bundle)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"names": ["/etc/passwd"]}, "found a path, expected a built-in scenario"),
        ({"names": ["a.yaml"], "files": {"b.yaml": BASE}}, "or a file sent along"),
        ({"names": ["a.yaml"], "files": {"a.yaml": "alimock: 1\nextends: ./a.yaml"}}, "a file that extends itself"),
        ({"names": ["a.yaml"], "files": {"a.yaml": "alimock: 1\nextends: ./b/../a.yaml"}}, "found `./b/../a.yaml` (a file that extends itself)"),
        ({"names": ["k.yaml"], "files": {"k.yaml": "alimock: 1\naccounts: {default: {access_keys: [{id: a, secret: '${HOME}'}]}}"}},
         "the environment variable HOME to be set"),
        ({"names": []}, "`names` is empty"),
        ({"files": {}}, "`names` is not a list of strings"),
        ({"names": ["default"], "files": {"a": 1}}, "`files` is not an object of strings"),
        ({"names": ["default"], "variables": ["a"]}, "`variables` is not an object of strings"),
        ({"names": ["default"], "nmes": 1}, 'Unknown key "nmes"'),
    ],
)  # fmt: skip
def test_wrong_bundle_is_rejected_and_reads_no_other_file(empty: Api, body: object, message: str) -> None:
    assert message in str(put(empty, body, status=400)["message"])


def test_scenario_is_merged_over_the_loaded_one() -> None:
    api = make_api(
        scenario(
            "addresses: {base@example.com: verified, jo@example.com: pending, '*@late.com': expired}\nclock: 2020-01-01 00:00:00"
        )
    )
    put(api, {"alimock": 1, "addresses": {"jo@example.com": "verified"}}, "access_key_id=mine&over=true")
    api.key = "mine"
    for email in ("base@example.com", "jo@example.com"):
        assert api.json(QUERY, Email=email)["VerificationStatus"] == 1
    assert api.json(QUERY, Email="a@late.com")["TokenSendTime"] == "2019-12-28 00:00:00"
    api.key = "other"
    assert api.json(QUERY, Email="jo@example.com")["VerificationStatus"] == 0


def test_reset_returns_to_the_merged_scenario(empty: Api) -> None:
    body = {"names": ["mine"], "files": {"mine": "alimock: 1\naddresses: {jo@example.com: verified}"}}
    put(empty, body, "files=true&access_key_id=mine&over=true")
    empty.key = "mine"
    empty.call("DeleteEmailVerification", Email="jo@example.com")
    empty.store.reset("mine")
    assert empty.json(QUERY, Email="jo@example.com")["VerificationStatus"] == 1


@pytest.mark.parametrize(
    ("text", "ignored"),
    [
        ("", []),
        ("authentication: strict", ["authentication"]),
        ("authentication: known-keys", []),
        ("timestamps: ignored\nunknown_keys: default-account", ["unknown_keys"]),
        ("accounts: {default: {access_keys: [{id: app, secret: s}]}}", ["accounts"]),
        ("extends: default", []),
        ("codes: {ParameterIllegal: {status: 409}}", ["codes"]),
    ],
)
def test_emulator_wide_settings_are_reported_as_ignored_for_one_account(empty: Api, text: str, ignored: list[str]) -> None:
    body = {"names": ["s"], "files": {"s": f"alimock: 1\n{text}"}}
    assert put(empty, body, "files=true&access_key_id=mine")["ignored"] == ignored
    assert put(empty, body)["ignored"] == []


@pytest.mark.parametrize("name", ["case.yml", "case.json", "./case.yml", "./case", "cases/deep", "cases/../case"])
def test_file_in_the_current_folder_is_found_by_its_suffix_or_by_its_path(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cases").mkdir()
    for file in ("case.yml", "case.json", "cases/deep.json"):
        (tmp_path / file).write_text('{"alimock": 1, "addresses": {"a@example.com": "verified"}}')
    assert list(loader.load(name).addresses.exact) == ["a@example.com"]
    # The file is sent by the name that is looked for elsewhere.
    assert list(loader.load_bundle(loader.bundle([name])).addresses.exact) == ["a@example.com"]


def test_path_without_a_suffix_is_the_file_itself_before_the_files_with_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    files = ("case.json", "case.yml", "case.yaml", "case")
    for file in files:
        (tmp_path / file).write_text(f'{{"alimock": 1, "description": "{file}"}}')
        assert loader.load("./case").description == file
    (tmp_path / "case").unlink()
    (tmp_path / "case").mkdir()
    assert loader.load("./case").description == "case.yaml"


def test_extended_path_without_a_suffix_is_relative_to_the_extending_file(tmp_path: Path) -> None:
    (tmp_path / "base.yml").write_text("alimock: 1\naddresses: {a@example.com: verified}\n")
    (tmp_path / "case.json").write_text('{"alimock": 1, "extends": ["./base"]}')
    assert list(loader.load(f"{tmp_path}/case").addresses.exact) == ["a@example.com"]


@pytest.mark.parametrize("file", ["case.yaml", "case.yml", "case.json", "case"])
def test_name_of_a_file_without_its_suffix_is_an_error_that_suggests_its_path(
    file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ScenarioError, match=r"^case: found no such scenario, .* or a path with a slash, .yaml, .yml or .json$"):
        loader.load("case")
    (tmp_path / file).write_text("alimock: 1\n")
    with pytest.raises(ScenarioError, match=rf"; did you mean `\./{file}`\?$"):
        loader.load("case")


def test_misspelled_built_in_name_is_an_error_that_suggests_the_name() -> None:
    with pytest.raises(ScenarioError, match=r"; did you mean `throttled`\?$"):
        loader.load("throtled")


def test_decision_in_a_file_without_a_suffix_has_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "case").write_text("alimock: 1\naddresses: {a@example.com: quota-exceeded}\n")
    assert decided_by(make_api(loader.load("./case")), "a@example.com") == "case:2"
