"""The documentation matches the code: examples run, tables are complete, and every public name is documented."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.util
import inspect
import io
import json
import re
import subprocess
import sys
from pathlib import Path

import alimock
import pytest
import yaml
from alimock import Address, Call, Client, Emulator, Fault, Message
from alimock.client.account import Addresses, Clock, Faults
from alimock.client.calls import Calls
from alimock.client.outbox import Outbox
from alimock.pytest_plugin import OPTIONS
from alimock.scenario import loader, reference_tables, schema, sources
from alimock.scenario.address_rules import AddressOutcome, Status
from alimock.scenario.model import Authentication, Body, Reset, Timestamps, UnknownKeys
from alimock.settings import LIMITS, SETTINGS
from alimock.spec import fidelity
from alimock.spec.profiles import PROFILES
from alimock.testing import TestSession
from conftest import Running

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
FIXTURES = (ROOT / "fixtures" / "README.md").read_text()


# The application that the README's pytest example tests.
MAILER = """
from alibabacloud_domain20180129 import models
from alibabacloud_domain20180129.client import Client
from alibabacloud_tea_openapi.utils_models import Config


class Mailer:
    def __init__(self, endpoint, key_id, secret):
        self.client = Client(Config(endpoint=endpoint, protocol="http", access_key_id=key_id, access_key_secret=secret))

    def invite(self, email):
        body = self.client.submit_email_verification(models.SubmitEmailVerificationRequest(email=email)).body
        return "try again tomorrow" if body.fail_list else "invited"
"""


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def normalize(output: str) -> str:
    """Replace ids and times, which differ from run to run."""
    output = re.sub(r"[0-9A-F]{8}-[0-9A-F]{4}-5[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}", "REQUEST-ID", output)
    output = re.sub(r"\b(?:[0-9a-f]{32}|[0-9a-f]{22})\b", "HEX", output)
    output = re.sub(
        r"\b2026-\d\d-\d\d([ T])\d\d:\d\d:\d\d(\.\d{3}Z)?", r"NOW\1\2", re.sub(r"\b20(2[6-9]|[3-9]\d)-", "2026-", output)
    )
    return re.sub(r"\.\d{3}Z", ".000Z", output).strip()


def test_readme_commands_print_the_documented_output(running: Running) -> None:
    session = "".join(blocks(README, "console"))
    examples = re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", session, re.MULTILINE)
    assert len(examples) == 11
    script = "\n".join(f"{command}\necho '<END>'" for command, _ in examples).replace("127.0.0.1:2546", running.endpoint)
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    outputs = done.stdout.replace(running.endpoint, "127.0.0.1:2546").split("<END>\n")
    for (command, expected), actual in zip(examples, outputs, strict=False):
        assert normalize(actual) == normalize(expected), command


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("code", [code for code in blocks(README, "python") if "print(" in code])
def test_readme_python_examples_print_the_documented_output(running: Running, code: str) -> None:
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(code.replace("127.0.0.1:2546", running.endpoint), {})
    (expected,) = re.findall(r"print\(.*\)  # (.*)", code)
    assert output.getvalue().strip() == expected


@pytest.mark.parametrize("text", [*blocks(README, "yaml"), *blocks(FIXTURES, "yaml")])
def test_documented_scenarios_load(text: str) -> None:
    assert loader.load_text(text.encode(), file="README.md").addresses.exact


def test_readme_names_existing_make_targets_and_every_variable() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"^make (\w+)", "".join(blocks(README, "sh")), re.MULTILINE):
        assert f"\n{target}:" in makefile
    settings = {variable for setting in SETTINGS for variable in setting.variables}
    assert set(re.findall(r"ALIMOCK_\w+", README)) == settings | {option.variable for option in OPTIONS}
    assert (ROOT / "Dockerfile").is_file()


def test_readme_settings_table_matches_the_code() -> None:
    rows = [
        f"| {f'`{setting.flag}`' if setting.flag else ''} | `{setting.variable}` | {f'`{setting.default}`' if setting.default else ''} "
        f"| {setting.expected} | {setting.help} |"
        for setting in SETTINGS
    ]
    assert "\n".join(rows) in README


def test_readme_limits_table_has_every_limit_with_its_default() -> None:
    table = README.partition("## Limits")[2].partition("\n## ")[0]
    rows = dict(re.findall(r"^\| `(\w+)` \| ([\d,]+) \|", table, re.MULTILINE))
    assert rows == {limit.name: f"{limit.default:,}" for limit in LIMITS.values()}


def test_readme_lists_every_endpoint_of_the_control_api() -> None:
    document = yaml.safe_load((Path(alimock.__file__).parent / "control" / "openapi.yaml").read_text())
    expected = {f"{method.upper()} {path}" for path, item in document["paths"].items() for method in item if method != "parameters"}
    table = README.partition("## Control API")[2].partition("```")[0]
    assert {f"{method} {path}" for method, path in re.findall(r"`(\w+) (/[^`?]*)", table)} == {*expected, "GET /verify"}


def test_readme_lists_every_client_of_the_interop_run() -> None:
    spec = importlib.util.spec_from_file_location("interop", ROOT / "tests" / "interop" / "run.py")
    assert spec is not None and spec.loader is not None
    interop = importlib.util.module_from_spec(spec)
    sys.modules["interop"] = interop
    spec.loader.exec_module(interop)
    variants: dict[tuple[str, str, str], tuple[set[str], set[str]]] = {}
    for client in interop.CLIENTS:
        formats, signatures = variants.setdefault((client.name, client.version, client.api_version), (set(), set()))
        formats.add(client.format)
        signatures.add(client.signature)
    rows = [
        f"| {' | '.join(client)} | {', '.join(sorted(formats))} | {', '.join(sorted(signatures))} |"
        for client, (formats, signatures) in variants.items()
    ]
    assert "\n".join(rows) in README
    assert f"the {len(interop.STEPS)} steps of `make interop`" in README


def test_scenario_reference_lists_every_built_in_scenario() -> None:
    rows = [f"| `{name}` | {loader.load(name).description} |" for name in sources.built_in_names()]
    assert "\n".join(rows) in FIXTURES


@pytest.mark.parametrize("name", reference_tables.tables())
def test_scenario_reference_has_every_table_of_the_schema(name: str) -> None:
    assert reference_tables.tables()[name] in FIXTURES, "run: alimock schema --markdown"


def test_scenario_reference_explains_every_value() -> None:
    prose = re.sub(r"^```.*?^```$", "", FIXTURES, flags=re.DOTALL | re.MULTILINE)
    explained = set(re.findall(r"\w+(?:-\w+)*", " ".join(re.findall(r"`([^`\n]*)`", prose))))
    choices = (Authentication, Timestamps, UnknownKeys, AddressOutcome, Status, Body, Reset)
    assert {choice.value for kind in choices for choice in kind} | set(PROFILES) <= explained


def test_published_json_schema_matches_the_code() -> None:
    published = json.loads((ROOT / "fixtures" / "scenario.schema.json").read_text())
    assert published == schema.json_schema(), "run: alimock schema > fixtures/scenario.schema.json"


def test_fidelity_page_matches_the_command() -> None:
    assert (ROOT / "docs" / "fidelity.md").read_text() == fidelity.page(fidelity.ledger()), (
        "run: alimock fidelity --markdown > docs/fidelity.md"
    )


def test_changelog_has_the_current_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text()
    assert "## Unreleased" in changelog or f"## {alimock.__version__}" in changelog


def test_readme_describes_the_options_and_marker_of_the_plugin() -> None:
    for option in OPTIONS:
        assert f"| `{option.flag}` | `{option.variable}` | `{option.name}` |" in README
    for name in inspect.signature(TestSession).parameters.keys() - {"server", "name"}:
        assert f"`{name}" in README[README.index("| marker ") : README.index("| option | variable | ini |")]


def test_readme_pytest_example_passes(pytester: pytest.Pytester) -> None:
    (code,) = [code for code in blocks(README, "python") if "import pytest" in code]
    pytester.makepyfile(test_readme=f"{MAILER}\n\n{code}")
    pytester.runpytest("-p", "no:hypothesispytest", "-p", "no:schemathesis").assert_outcomes(passed=2)


@pytest.mark.parametrize("kind", [Emulator, Client, Outbox, Calls, Addresses, Faults, Clock], ids=lambda kind: kind.__name__)
def test_python_reference_has_every_method_with_its_arguments(kind: type) -> None:
    page = (ROOT / "docs" / "python.md").read_text()
    methods = [name for name in vars(kind) if not name.startswith("_") and callable(getattr(kind, name)) and name != "start_from"]
    for name in methods:
        lines = [line for line in page.splitlines() if re.search(rf"(^|[ .]){name}\(", line)]
        parameters = [one for one in inspect.signature(getattr(kind, name)).parameters if one not in ("self", "filters")]
        assert any(all(parameter in line for parameter in parameters) for line in lines), name


@pytest.mark.parametrize("kind", [Message, Call, alimock.Outcome, Address, Fault], ids=lambda kind: kind.__name__)
def test_python_reference_has_every_field(kind: type) -> None:
    page = (ROOT / "docs" / "python.md").read_text()
    assert all(f"`{field.name}`" in page for field in dataclasses.fields(kind))
