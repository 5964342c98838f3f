"""The documentation matches the code: generated parts are current, tables are complete, and every public name is documented."""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
from pathlib import Path

import pytest
from alimock import Address, Call, Fault, Message, Outcome
from alimock.pytest_plugin import OPTIONS
from alimock.scenario import schema
from alimock.scenario.address_rules import AddressOutcome, Status
from alimock.scenario.model import Authentication, Body, Reset, Timestamps, UnknownKeys
from alimock.settings import LIMITS
from alimock.spec.profiles import PROFILES
from alimock.testing import TestSession
from documentation import generate
from documentation.pages import CHINESE_README, PAGES, ROOT, page_name
from interop.run import STEPS

REFERENCE = ROOT / "docs" / "reference"


def targets() -> set[str]:
    (phony,) = re.findall(r"^\.PHONY: (.*)", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    return set(phony.split())


def read(name: str) -> str:
    return (REFERENCE / name).read_text(encoding="utf-8")


def test_generated_parts_are_current() -> None:
    for page in PAGES:
        content = page.read_text(encoding="utf-8")
        assert generate.current(content) == content, f"{page}: run `make reference`"


def test_every_generated_part_is_on_a_page() -> None:
    content = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert set(re.findall(r"^<!-- end of (.*) -->$", content, re.MULTILINE)) == set(generate.PARTS)


def links(page: Path) -> list[str]:
    """Return the relative links of a page, without those in code."""
    content = re.sub(r"^ *```.*?^ *```$|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    found = re.findall(r"""(?:\]\(|(?:src|srcset|href)=")(?!\w+:|#)([^)"#\s]+)""", content)
    return [str(link) for link in found]


@pytest.mark.parametrize("page", [*PAGES, CHINESE_README, ROOT / "CHANGELOG.md"], ids=page_name)
def test_relative_links_exist(page: Path) -> None:
    assert [link for link in links(page) if not (page.parent / link).exists()] == []


def test_relative_links_are_found() -> None:
    assert "docs/how-to/compare.md" in links(ROOT / "CHANGELOG.md")
    assert "docs/images/web-ui-call-dark.png" in links(ROOT / "README.md")


def test_readme_has_at_most_150_lines() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150


def outline(page: Path) -> dict[str, list[str]]:
    """Return what a translation has in common with the original."""
    content = page.read_text(encoding="utf-8")
    block = re.compile(r"(?:^<!-- [^\n]* -->\n)?^```.*?^```$", re.MULTILINE | re.DOTALL)
    prose = block.sub("", content)
    return {
        "blocks": block.findall(content),
        "levels of the headings": re.findall(r"^#+(?= )", prose, re.MULTILINE),
        "rows of tables": re.findall(r"^\|", prose, re.MULTILINE),
        "links": sorted(set(re.findall(r"\]\(([^)]+)\)", prose)) - {"README.md", "README.zh-CN.md"}),
        "code": sorted(re.findall(r"`([^`]+)`", prose)),
    }


def test_chinese_readme_is_in_step_with_the_english_one() -> None:
    assert outline(CHINESE_README) == outline(ROOT / "README.md")


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_named_make_targets_exist(page: Path) -> None:
    assert set(re.findall(r"(?:^|`)make ([a-z][\w-]*)", page.read_text(encoding="utf-8"), re.MULTILINE)) <= targets()


def test_contributing_lists_every_make_target_and_existing_modules() -> None:
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`make.*?`) \|", contributing, re.MULTILINE)
    assert {"all", *re.findall(r"`make ([\w-]+)`", " ".join(rows))} == targets()
    table = contributing.partition("## Where things are")[2].partition("\n## ")[0]
    modules = re.findall(r"`([\w./-]+(?:\.\w+|/))`", table.partition("| subject |")[2].partition("\n\n")[0])
    places = (ROOT / "emulator" / "alimock", ROOT / "emulator" / "alimock" / "web" / "static", ROOT)
    assert [module for module in modules if not any((place / module).exists() for place in places)] == []


def test_limits_table_has_every_limit_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| ([\d,]+) \|", read("limits.md"), re.MULTILINE))
    assert rows == {limit.name: f"{limit.default:,}" for limit in LIMITS.values()}


def test_page_of_the_sdks_has_the_number_of_steps() -> None:
    assert f"the {len(STEPS)} steps of `make interop`" in read("sdks.md")


def test_scenario_reference_explains_every_value() -> None:
    prose = re.sub(r"^```.*?^```$", "", read("scenario.md"), flags=re.DOTALL | re.MULTILINE)
    explained = set(re.findall(r"\w+(?:-\w+)*", " ".join(re.findall(r"`([^`\n]*)`", prose))))
    choices = (Authentication, Timestamps, UnknownKeys, AddressOutcome, Status, Body, Reset)
    assert {choice.value for kind in choices for choice in kind} | set(PROFILES) <= explained


def test_published_json_schema_matches_the_code() -> None:
    published = json.loads((ROOT / "fixtures" / "scenario.schema.json").read_text())
    assert published == schema.json_schema(), "run: alimock schema > fixtures/scenario.schema.json"


def test_page_of_the_plugin_has_its_options_and_marker() -> None:
    page = read("pytest-plugin.md")
    for option in OPTIONS:
        assert f"| `{option.flag}` | `{option.variable}` | `{option.name}` |" in page
    for name in inspect.signature(TestSession).parameters.keys() - {"server", "name"}:
        assert f"`{name}" in page.partition("## Marker")[2].partition("## Options")[0]


@pytest.mark.parametrize("kind", [Message, Call, Outcome, Address, Fault], ids=lambda kind: kind.__name__)
def test_docstring_describes_every_field(kind: type) -> None:
    described = re.findall(r"^ {4}(\w+): ", str(inspect.getdoc(kind)), re.MULTILINE)
    assert described == [field.name for field in dataclasses.fields(kind)]
