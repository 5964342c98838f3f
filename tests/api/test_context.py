"""The call context: the format of the response, and what decided the call."""

from __future__ import annotations

import pytest
from conftest import Api, make_api, scenario


@pytest.mark.parametrize(
    ("query", "headers", "first"),
    [
        ("", {}, b"<?xml"),
        ("Format=", {}, b"<?xml"),
        ("Format=xml", {}, b"<?xml"),
        ("Format=json", {}, b"{"),
        ("Format=Json", {}, b"{"),
        ("Format=other", {}, b"<?xml"),
        ("", {"authorization": "ACS3-HMAC-SHA256 x"}, b"{"),
        ("Format=XML", {"authorization": "ACS3-HMAC-SHA256 x"}, b"<?xml"),
        ("Format=other", {"authorization": "ACS3-HMAC-SHA256 x"}, b"{"),
    ],
)
def test_format_defaults_to_that_of_the_signature_version(empty: Api, query: str, headers: dict[str, str], first: bytes) -> None:
    assert empty.send(query, headers=headers).body.startswith(first)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("{id: f, error: Throttling}", "case.yaml:2 (fault f, hit 1)"),
        ("{id: f, reset: before}", "case.yaml:2 (fault f, hit 1: reset before)"),
        ("{id: f, body: empty}", "case.yaml:2 (fault f, hit 1: body empty); rule new-address"),
        ("{id: f, body: empty, hits: 2}", "case.yaml:2 (fault f, hit 3: body empty); rule new-address"),
    ],
)
def test_decided_by_names_the_fault_before_the_rule(fault: str, expected: str) -> None:
    response = make_api(scenario(f"faults: [{fault}]")).call("SubmitEmailVerification", Email="jo@example.com")
    assert dict(response.headers)["X-Alimock-Decided-By"] == expected
