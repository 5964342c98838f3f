"""The fidelity ledger: it covers every response, and the scenario lines of its overrides load."""

from __future__ import annotations

import json
import re

import pytest
from alimock.cli.main import main
from alimock.spec import fidelity
from alimock.spec.contract import OPERATIONS, Evidence, Format
from alimock.spec.error_catalog import CATALOG
from alimock.spec.profiles import PROFILES
from conftest import scenario

LEDGER = fidelity.ledger()


def test_assumed_lines_come_first() -> None:
    order = [evidence.value for evidence in reversed(Evidence)]
    assert [entry.evidence for entry in LEDGER] == sorted((entry.evidence for entry in LEDGER), key=order.index)


def test_every_operation_parameter_field_and_code_has_a_line() -> None:
    subjects = {(entry.kind, entry.subject) for entry in LEDGER}
    for operation in OPERATIONS.values():
        assert ("operation", operation.name) in subjects
        assert {("parameter", f"{operation.name} {parameter.name}") for parameter in operation.parameters} <= subjects
    assert {("code", row.code) for row in CATALOG} <= subjects
    fields = {(entry.subject, entry.statement) for entry in LEDGER if entry.kind == "field"}
    for profile in PROFILES.values():
        for body_format in Format:
            assert ("ListEmailVerification Data[].Email", f"profile {profile.name}, {body_format.value}") in fields or (
                "ListEmailVerification data[].email",
                f"profile {profile.name}, {body_format.value}",
            ) in fields


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
def test_profile_has_every_operation_in_both_formats(profile: object) -> None:
    assert set(profile.layouts) == {(operation, body_format) for operation in OPERATIONS for body_format in Format}  # type: ignore[attr-defined]


def test_ids_are_unique_and_free_of_spaces() -> None:
    ids = [entry.id for entry in LEDGER]
    assert len(set(ids)) == len(ids)
    assert not [name for name in ids if not re.fullmatch(r"(behavior|operation|parameter|field|code)(/[^/\s]+)+", name)]


@pytest.mark.parametrize(
    "row_id",
    [
        "behavior/Submit/new-address",
        "operation/VerifyEmail",
        "parameter/ListEmailVerification/PageSize",
        "field/current/JSON/ListEmailVerification/Data[].Email",
        "code/SignatureDoesNotMatch",
        "code/SignatureDoesNotMatch/V3",
    ],
)
def test_line_of_each_kind_has_its_id(row_id: str) -> None:
    assert row_id in {entry.id for entry in LEDGER}


def test_every_line_has_a_statement_and_a_source() -> None:
    assert all(entry.source and entry.statement for entry in LEDGER)


@pytest.mark.parametrize("lines", sorted({entry.override for entry in LEDGER if entry.override}))
def test_scenario_lines_of_an_override_load(lines: str) -> None:
    assert scenario(lines).name == "case.yaml"


def test_command_prints_the_page_and_the_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fidelity", "--markdown"]) == 0
    assert capsys.readouterr().out == fidelity.page(LEDGER)
    assert main(["fidelity", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert sum(data["counts"].values()) == len(data["entries"]) == len(LEDGER)
