"""The golden conversations: the answers that the service's own pages publish, one file each (see golden/README.md)."""

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
    """Takes out of a body the white space that is no part of it."""
    if body.lstrip().startswith("{"):
        return json.dumps(json.loads(body), ensure_ascii=False, separators=(",", ":"))
    return re.sub(r">\s+<", "><", body.strip())


def check(golden: dict[str, str], api: Api) -> None:
    reply = api.send(golden["request"])
    expected = canonical(golden["expected"]).replace("REQUEST_ID", dict(reply.headers)["x-acs-request-id"])
    if golden["compare"] == "values":
        assert json.loads(reply.body) == json.loads(expected)
    else:
        assert reply.body.decode() == expected


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_documented_call_gets_the_published_answer(file: Path) -> None:
    golden = yaml.safe_load(file.read_text())
    check(golden, make_api(loader.load_text(golden["scenario"].encode(), file=file.name), profile=golden["profile"]))


@pytest.mark.parametrize("name", ["resend-2021.xml", "resend-2021.json", "query-2021.xml", "query-2021-without-email.json"])
def test_the_scenario_of_the_documented_samples_answers_so_by_itself(name: str) -> None:
    check(yaml.safe_load((FOLDER / f"{name}.yaml").read_text()), make_api(loader.load("documented-samples")))


def test_every_operation_and_profile_that_was_published_is_there() -> None:
    names = {file.stem.partition(".")[0].replace("-without-email", "") for file in FILES}
    operations, profiles = ("submit", "resend", "delete", "verify", "list", "query"), ("2018", "2021", "current")
    missing = {f"{operation}-{profile}" for operation in operations for profile in profiles} - names
    assert missing == {"submit-current", "query-2018"}
