"""The JSON Schema of scenario files: editors accept and reject the same files as the loader."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml
from alimock.scenario import loader, schema, sources
from alimock.scenario.diagnostics import ScenarioError

SCHEMA = schema.json_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
FIXTURES = Path(sources.BUILT_IN_FOLDER)


class EditorLoader(yaml.SafeLoader):
    """Reads YAML 1.2 as editors do, without timestamps and without `off`."""


EditorLoader.yaml_implicit_resolvers = {}
for tag, pattern, first in (
    ("tag:yaml.org,2002:bool", r"true|false", "tf"),
    ("tag:yaml.org,2002:null", r"null|~|", ["n", "~", ""]),
    ("tag:yaml.org,2002:int", r"-?[0-9]+", "-0123456789"),
):
    EditorLoader.add_implicit_resolver(tag, re.compile(f"^(?:{pattern})$"), list(first))  # type: ignore[no-untyped-call]


def editor_accepts(text: str) -> bool:
    return bool(VALIDATOR.is_valid(yaml.load(text, EditorLoader)))


def loader_accepts(text: str) -> bool:
    try:
        loader.load_text(text.encode(), file="case.yaml")
    except ScenarioError:
        return False
    return True


def test_json_schema_is_valid() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert json.dumps(SCHEMA).count('"description"') > 60


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("*.yaml")), ids=lambda path: path.stem)
def test_built_in_scenario_refers_to_the_schema_and_conforms_to_it(path: Path) -> None:
    text = path.read_text()
    first = text.splitlines()[0]
    assert (path.parent / first.removeprefix("# yaml-language-server: $schema=")).is_file()
    assert editor_accepts(text)


ACCEPTED = [
    "clock: null",
    "clock: 2019-02-19 16:38:07",
    "clock: {now: 2019-02-19 16:38:07, frozen: false}",
    "limits: {sends_per_address_per_day: null, addresses_per_day: 0}",
    "extends: [default, empty]",
    "accounts: {default: {user_id: 0123, access_keys: [{id: yes, secret: 1}]}}",
    "addresses: {a@example.com: {outcome: quota-exceeded, times: 2, then: {code: A, message: b, then: success}}}",
    "addresses: {a@example.com: {status: pending, answers: {query: Throttling, verify: {answer: illegal, then: success}}}}",
    "faults: [{when: {action: ListEmailVerification, nth: 3}, delay: 1m30s, body: empty}]",
    "faults: [{error: Throttling.User, retry_after: 500ms, times: 3}]",
    "stubs: {QueryDomainList: {Data: {Domain: [{Ok: true}]}}}",
    "codes: {Throttling: {status: 429}}",
]
REJECTED = [
    "nonsense: 1",
    "clock: soon",
    "clock: {frozen: false}",
    "profile: newest",
    "limits: {link_valid_days: -1}",
    "limits: {link_valid_days: 36501}",
    "limits: 3",
    "accounts: {default: {access_keys: [{secret: a}]}}",
    "accounts: {default: {access_keys: testid}}",
    "accounts: {default: {addresses: {a@example.com: verifed}}}",
    "addresses: {a@example.com: verifed}",
    "addresses: {a@example.com: {outcome: verifed}}",
    "addresses: {a@example.com: {status: pending, answers: {resnd: illegal}}}",
    "addresses: {a@example.com: {status: pending, then: Throtling}}",
    "faults: [{error: Nothing}]",
    "faults: [{when: {nth: 0}, error: Throttling}]",
    "faults: [{delay: 2}]",
    "faults: {}",
    "stubs: {lower: {}}",
    "codes: {Throtling: {status: 429}}",
    "codes: {Throttling: {status: 200}}",
]


@pytest.mark.parametrize("line", ACCEPTED)
def test_editor_accepts_what_the_loader_accepts(line: str) -> None:
    text = f"alimock: 1\n{line}\n"
    assert (loader_accepts(text), editor_accepts(text)) == (True, True)


@pytest.mark.parametrize("line", REJECTED)
def test_editor_rejects_what_the_loader_rejects(line: str) -> None:
    text = f"alimock: 1\n{line}\n"
    assert (loader_accepts(text), editor_accepts(text)) == (False, False)


def test_editor_rejects_a_file_without_version() -> None:
    assert not editor_accepts("addresses: {}")
    assert not editor_accepts("alimock: 2")
