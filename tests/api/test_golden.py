"""The golden conversations: the responses that the service's documentation publishes, one file each (see golden/README.md)."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from alimock.scenario import loader
from conftest import Api, make_api

FOLDER = Path(__file__).parent.parent / "golden"
FILES = sorted(FOLDER.glob("*.yaml"))


def canonical(body: str) -> str:
    """Return a body without insignificant whitespace."""
    if body.lstrip().startswith("{"):
        return json.dumps(json.loads(body), ensure_ascii=False, separators=(",", ":"))
    return re.sub(r">\s+<", "><", body.strip())


def check(golden: dict[str, str], api: Api) -> None:
    response = api.send(golden["request"])
    expected = canonical(golden["expected"]).replace("REQUEST_ID", dict(response.headers)["x-acs-request-id"])
    if golden["compare"] == "values":
        assert json.loads(response.body) == json.loads(expected)
    else:
        assert response.body.decode() == expected


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_documented_call_returns_the_published_response(file: Path) -> None:
    golden = yaml.safe_load(file.read_text())
    check(golden, make_api(loader.load_text(golden["scenario"].encode(), file=file.name), profile=golden["profile"]))


@pytest.mark.parametrize("name", ["resend-2021.xml", "resend-2021.json", "query-2021.xml", "query-2021-without-email.json"])
def test_documented_samples_scenario_returns_the_published_responses(name: str) -> None:
    check(yaml.safe_load((FOLDER / f"{name}.yaml").read_text()), make_api(loader.load("documented-samples")))


def test_every_published_operation_and_profile_has_a_golden_file() -> None:
    names = {file.stem.partition(".")[0].replace("-without-email", "") for file in FILES}
    operations, profiles = ("submit", "resend", "delete", "verify", "list", "query"), ("2018", "2021", "current")
    missing = {f"{operation}-{profile}" for operation in operations for profile in profiles} - names
    assert missing == {"submit-current", "query-2018"}
