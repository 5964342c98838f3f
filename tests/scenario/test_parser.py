"""Parsing YAML and JSON: syntax errors with their location, and scalars as text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from alimock.scenario import loader
from alimock.scenario.address_rules import Status
from alimock.scenario.diagnostics import ScenarioError
from alimock.scenario.json_value import json_value
from alimock.scenario.nodes import MappingNode, Node, ScalarNode, SequenceNode
from alimock.scenario.parser import compose, yaml_of_json
from conftest import scenario
from hypothesis import given, settings
from hypothesis import strategies as st
from scenario_errors import error, errors


@pytest.mark.parametrize(
    ("content", "start"),
    [
        ("", "case.yaml:1:1: found no content, expected a mapping that begins with `alimock: 1`"),
        ("just text", "case.yaml:1:1: found `just text`, expected a mapping that begins with `alimock: 1`"),
        ("alimock: 2", "case.yaml:1:10: alimock: found `2`, expected 1 (the version of this format)"),
        ("description: x", "case.yaml:1:1: found no `alimock`, expected `alimock:` with 1 (the version of this format)"),
        (
            "alimock: 1\n  profile: current",
            "case.yaml:2:10: found mapping values are not allowed in this context, expected valid YAML",
        ),
        ("alimock: [1", "case.yaml:"),
        ("alimock: 1\n---\nalimock: 1", "case.yaml:2:1: found a second document, expected one document"),
        ("alimock: 1\n\x07", "case.yaml:2:1: found "),
        ("[" * 100_000, "case.yaml:1:"),
        ("a: " * 5_000, "case.yaml:1:"),
    ],
)
def test_text_that_is_no_scenario_is_rejected(content: str, start: str) -> None:
    assert errors(content)[0].startswith(start)


@pytest.mark.parametrize("entry", ["*@late.example.com: expired", "*: expired", "*late: expired"])
def test_pattern_without_quotes_is_rejected_with_a_hint(entry: str) -> None:
    (found,) = errors(f"alimock: 1\naddresses:\n  {entry}\n")
    assert found.startswith("case.yaml:3:")
    assert found.endswith("(put quotes around a pattern that begins with *)")


def test_invalid_utf8_is_reported_with_its_location() -> None:
    assert errors(b"alimock: 1\n# \xff") == ["case.yaml:2:3: found the byte 0xff, expected UTF-8 text"]


def test_scalars_stay_text() -> None:
    loaded = scenario("accounts: {off: {user_id: 0123, access_keys: [{id: yes, secret: 1e3}]}}")
    assert loaded.user_ids["off"] == "0123"
    assert loaded.access_keys["yes"].secret == "1e3"


def test_json_scenario_loads_like_yaml() -> None:
    text = {
        "alimock": 1,
        "clock": None,
        "limits": {"link_valid_days": None},
        "addresses": {"a@example.com": {"status": "verified"}},
    }
    loaded = loader.load_text(json.dumps(text).encode(), file="x", json=True)
    assert loaded.limits.link_valid_days is None
    assert loaded.addresses.exact["a@example.com"].status is Status.VERIFIED


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"alimock": 1,\n', "case.yaml:2:1: found no node content, expected valid YAML"),
        ('{"alimock": 1, "description": "\\ud800"}', None),
        ('{"alimock": 1, "description": "\\ud8zz\\udc00"}', None),
        ("[" * 100_000, None),
        ('{"alimock": 1, "limits": {"link_valid_days": ' + "9" * 5_000 + "}}", None),
        ('{"alimock": 1,\n "clock": null,\n "clock": null}', "case.yaml:3:2: found `clock` again, expected each key once (line 2 has it)"),
    ],
)  # fmt: skip
def test_an_error_in_json_is_reported_with_its_location(text: str, expected: str | None) -> None:
    (found,) = errors(text, json=True)
    assert expected is None or found == expected


TEXTS = ["\U0001f600", "\\ud83d\\ude00", "/", "\x7f", "\x85", "\u2028", "\ufffe", "\x00", "a\tb\n", "李", " x  y ", "#", "\\"]


@pytest.mark.parametrize("escaped", [True, False])
@pytest.mark.parametrize("indent", [None, "\t"])
def test_every_json_value_is_read_like_json_loads(escaped: bool, indent: str | None) -> None:
    fields = {"Texts": TEXTS, "Numbers": [0, -1, 1.5, 1e22], "Others": [True, False, None, {}], "Item": {"_": [{"a": []}]}}
    text = json.dumps({"alimock": 1, "stubs": {"QueryX": fields}}, ensure_ascii=escaped, indent=indent)
    loaded = loader.load_text(("\t" + text.replace("/", "\\/")).encode(), file="x", json=True)
    assert loaded.stubs["QueryX"].fields == fields


def test_escape_beyond_unicode_is_rejected() -> None:
    assert error('description: "\\U00110000"')


json_texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(10**15), 10**15), json_texts),
    lambda values: st.one_of(st.lists(values, max_size=4), st.dictionaries(json_texts, values, max_size=4)),
    max_leaves=12,
)


def value_of(node: Node) -> object:
    if isinstance(node, MappingNode):
        return {value_of(key): value_of(value) for key, value in zip(node.items[::2], node.items[1::2], strict=True)}
    if isinstance(node, SequenceNode):
        return [value_of(item) for item in node.items]
    assert isinstance(node, ScalarNode)
    return json_value(node.text) if node.plain else node.text


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(value=json_values, escaped=st.booleans(), indent=st.sampled_from([None, 1, "\t"]), colon=st.sampled_from([":", ": "]))
def test_any_json_document_parses_like_json_loads(value: object, escaped: bool, indent: int | str | None, colon: str) -> None:
    text = json.dumps({"a": value}, ensure_ascii=escaped, indent=indent, separators=(",", colon))
    assert value_of(compose(yaml_of_json(text), "case.yaml")) == {"a": value}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"alimock": 1,}', None),
        ("alimock: 1", "1:1: found `alimock`, expected a value"),
        ('{"alimock": 1,\n // x\n}', "2:2: found `/`, expected a property name enclosed in double quotes"),
        ("{'alimock': 1}", "1:2: found `'`, expected a property name enclosed in double quotes"),
        ('{"alimock": 1\n "seed": "x"}', '2:2: found `"`, expected a \',\' delimiter'),
        ('{"alimock": 1} {}', "1:16: found extra data, expected valid JSON"),
        ('{"alimock": 1, "description": "a\nb"}', "1:33: found invalid control character, expected valid JSON"),
        ('{"description": "NaN", "seed": -Infinity}', "1:32: found `-Infinity`, expected a value"),
        ("[", "1:2: found the end of the file, expected a value"),
        ("", "1:1: found the end of the file, expected a value"),
        ("[" * 200_000, "1:1: found very deep nesting, expected a mapping that begins with `alimock: 1`"),
        ('{"alimock": 1,\n\t"profil": 2}', "2:2: found the unknown key `profil`, expected `profile`"),
        ('{"alimock": 1,\n "alimock": 1}', "2:2: found `alimock` again, expected each key once (line 1 has it)"),
    ],
)  # fmt: skip
def test_error_in_a_json_file_has_its_location(text: str, expected: str | None, tmp_path: Path) -> None:
    path = tmp_path / "case.json"
    path.write_text(text)
    with pytest.raises(ScenarioError) as raised:
        loader.load(str(path))
    assert expected is None or str(raised.value) == f"{path}:{expected}"


def test_json_file_is_read_as_json(tmp_path: Path) -> None:
    path = tmp_path / "case.json"
    path.write_text('{"alimock": 1, "description": "\\ud83d\\ude00\\/\u2028", "seed":\t"x"}')
    loaded = loader.load(str(path))
    assert (loaded.description, loaded.seed) == ("\U0001f600/\u2028", "x")
