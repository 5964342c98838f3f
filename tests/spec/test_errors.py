"""The error catalog: every code is returned, for a request that triggers it or by a fault of the scenario."""

from __future__ import annotations

import json

import pytest
from alimock.api.http import HttpRequest
from alimock.spec.contract import Evidence
from alimock.spec.error_catalog import CATALOG, FAULT_CODES
from alimock.spec.errors import ErrorDefinition
from alimock.state.commands import Command
from alimock.state.executor import Executor, T, Unavailable
from conftest import Api, error_of, make_api, scenario, signed

KEYS = """
authentication: strict
accounts:
  default:
    access_keys:
      - {id: testid, secret: testsecret}
      - {id: old, secret: testsecret, status: inactive}
      - {id: STS.one, secret: testsecret, security_token: tok, expires: 2026-01-01 09:00:00}
      - {id: reader, secret: testsecret, permissions: ["domain:QueryEmailVerification"]}
addresses:
  quota@example.com: quota-exceeded
  pending@example.com: pending
"""
LIST, QUERY = "ListEmailVerification", "QueryEmailVerification"
V3 = {"authorization": "ACS3-HMAC-SHA256 Credential=testid,SignedHeaders=host,Signature=x"}
V3_HEADERS = {
    "x-acs-action": LIST,
    "x-acs-version": "2018-01-29",
    "x-acs-date": "2026-01-01T00:00:00Z",
    "x-acs-signature-nonce": "n",
    "x-acs-content-sha256": "x",
}

# The request that triggers each code, as changes to a signed query.
REQUESTS: dict[str, dict[str, str | None]] = {
    "InvalidAction.NotFound": {"Action": "NoSuchAction"},
    "InvalidVersion": {"Version": "2000-01-01"},
    "InvalidParameter.Format": {"Format": "yaml"},
    "MissingAccessKeyId": {"AccessKeyId": None},
    "MissingSignature": {"Signature": "(none)"},
    "MissingTimestamp": {"Timestamp": None},
    "MissingSignatureNonce": {"SignatureNonce": None},
    "MissingSignatureMethod": {"SignatureMethod": None},
    "MissingSignatureVersion": {"SignatureVersion": None},
    "MissingSecurityToken": {"AccessKeyId": "STS.one"},
    "MissingEmail": {"Action": QUERY},
    "MissingToken": {"Action": "VerifyEmail"},
    "InvalidSendIfExist": {"Action": "SubmitEmailVerification", "Email": "a@example.com", "SendIfExist": "x"},
    "InvalidVerificationStatus": {"VerificationStatus": "2"},
    "InvalidBeginCreateTime": {"BeginCreateTime": "x"},
    "InvalidEndCreateTime": {"EndCreateTime": "x"},
    "InvalidPageNum": {"PageNum": "x"},
    "InvalidPageSize": {"PageSize": "5001"},
    "InvalidTimeStamp.Format": {"Timestamp": "x"},
    "InvalidTimeStamp.Expired": {"Timestamp": "2020-01-01T00:00:00Z"},
    "InvalidAccessKeyId.NotFound": {"AccessKeyId": "absent"},
    "InvalidAccessKeyId.Inactive": {"AccessKeyId": "old"},
    "InvalidSecurityToken.MismatchWithAccessKey": {"AccessKeyId": "STS.one", "SecurityToken": "x"},
    "InvalidSignatureMethod": {"SignatureMethod": "HMAC-MD5"},
    "UnsupportedSignatureType": {"SignatureType": "BEARERTOKEN"},
    "SignatureDoesNotMatch": {"Signature": "x"},
    "Forbidden.RAM": {"Action": "SubmitEmailVerification", "Email": "a@example.com", "AccessKeyId": "reader"},
    "ParameterIllegal": {"Action": "VerifyEmail", "Token": "x"},
    "RegContactEmailNotVerified": {"Action": "EmailVerified", "Email": "pending@example.com"},
    "SendTokenQuotaExceeded": {"Action": "ResendEmailVerification", "Email": "quota@example.com"},
    "ParameterIllegall": {"Action": "ResendEmailVerification", "Email": "absent@example.com"},
}


class Away(Executor):
    """An executor whose state is away."""

    def execute(self, command: Command[T]) -> T:
        """Fail."""
        raise Unavailable("no answer")


def trigger(api: Api, row: ErrorDefinition) -> str:
    """Send the request that triggers a code, and return the body of the response."""
    if row.code == "RequestParameterMalformed":
        return api.send("x=%").body.decode()
    if row.code == "UnsupportedHTTPMethod":
        return api.send(signed(method="PUT"), method="PUT").body.decode()
    if row.code == "ServiceUnavailable":
        api.service.executor = Away(api.store)
    if row.code == "SignatureNonceUsed":
        api.send(signed())
    if row.code == "InvalidSecurityToken.Expired":
        api.time.now += 3_600
        query = signed(AccessKeyId="STS.one", SecurityToken="tok", Timestamp="2026-01-01T01:00:00Z")
        return api.send(query).body.decode()
    if row.code == "MissingHeader":
        return api.send("", method="POST", headers={**V3, **V3_HEADERS, "x-acs-date": ""}).body.decode()
    if "[" in row.text:
        return api.service.handle(HttpRequest("POST", "", {**V3, **V3_HEADERS}, b"", "")).body.decode()
    return api.send(signed(**REQUESTS.get(row.code, {}))).body.decode()


BY_REQUEST = [row for row in CATALOG if row.trigger]
BY_FAULT = [row for row in CATALOG if not row.trigger]


@pytest.mark.parametrize("row", BY_REQUEST, ids=lambda row: row.code)
def test_request_triggers_its_code(row: ErrorDefinition) -> None:
    body = trigger(make_api(scenario(KEYS)), row)
    assert f'"Code":"{row.code}"' in body or f"<Code>{row.code}</Code>" in body
    assert row.text.partition("{")[0] in body


@pytest.mark.parametrize("row", BY_FAULT, ids=lambda row: row.code)
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_code_without_trigger_is_returned_by_a_fault_in_both_languages(row: ErrorDefinition, lang: str) -> None:
    api = make_api(scenario(f"faults: [{{error: '{row.code}'}}]"))
    found = error_of(api.call(LIST, Lang=lang))
    text = row.chinese if lang == "zh" and row.chinese else row.text
    signed_by_gateway = f"GET&%2F&Action%3D{LIST}%26Lang%3D{lang}%26Version%3D2018-01-29"
    assert found == (row.status, row.code, text.replace("{string_to_sign}", signed_by_gateway))


@pytest.mark.parametrize("row", FAULT_CODES.values(), ids=lambda row: row.code)
def test_fault_returns_every_code_it_can_name(row: ErrorDefinition) -> None:
    assert error_of(make_api(scenario(f"faults: [{{error: '{row.code}'}}]")).call(LIST))[:2] == (row.status, row.code)


def test_codes_of_the_catalog_are_unique_except_for_the_two_signature_versions() -> None:
    codes = [row.code for row in CATALOG]
    assert sorted({code for code in codes if codes.count(code) > 1}) == ["SignatureDoesNotMatch"]
    assert len(codes) == 69


def test_every_row_has_evidence_and_a_source() -> None:
    for row in CATALOG:
        assert row.source
        assert row.evidence is not Evidence.ASSUMED or row.source.startswith("the template"), row.code


def test_scenario_overrides_status_and_text_of_a_code() -> None:
    text = "faults: [{error: Throttling.User}]\ncodes: {Throttling.User: {status: 429}, MissingToken: {message: No token.}}"
    api = make_api(scenario(text))
    assert error_of(api.call(LIST)) == (429, "Throttling.User", "Request was denied due to user flow control.")
    assert error_of(api.call("VerifyEmail")) == (400, "MissingToken", "No token.")


FAULTS = """
faults:
  - when: {action: ResendEmailVerification, email: "flaky@*"}
    times: 2
    error: Throttling.User
  - {when: {version: 2017-12-18}, error: ServiceUnavailable}
  - {when: {access_key_id: one}, error: Throttling, times: 1}
addresses: {"*": pending}
"""


def test_fault_fires_for_matching_calls_as_often_as_configured() -> None:
    api = make_api(scenario(FAULTS))
    results = [api.json("ResendEmailVerification", Email="a@example.com,FLAKY@example.com").get("Code") for _ in range(3)]
    assert results == ["Throttling.User", "Throttling.User", None]
    assert "Code" not in api.json("SubmitEmailVerification", Email="flaky@example.com")
    api.version = "2017-12-18"
    assert api.call(LIST).status == 503
    api.version, api.key = "2018-01-29", "one"
    assert [api.json(LIST).get("Code") for _ in range(2)] == ["Throttling", None]


def test_fault_changes_no_state_and_is_named_as_the_decider() -> None:
    api = make_api(scenario("faults: [{error: InternalError, times: 1}]"))
    reply = api.call("SubmitEmailVerification", Email="jo@example.com")
    assert dict(reply.headers)["X-Alimock-Decided-By"] == "case.yaml:2 (fault 1, hit 1)"
    assert api.store.outbox.entries() == []
    assert api.lists("SubmitEmailVerification", "jo@example.com") == {"SuccessList": ["jo@example.com"]}
    api.store.reset()
    assert api.call(LIST).status == 500


def test_fault_counts_per_account() -> None:
    api = make_api(scenario("faults: [{error: InternalError, times: 1}]"))
    for key in ("one", "two"):
        api.key = key
        assert [api.call(LIST).status for _ in range(2)] == [500, 200]


def test_json_key_order_of_an_error_depends_on_its_origin() -> None:
    for code, first in (("Throttling", "Message"), ("NoPermission", "HostId"), ("NetworkIOError", "HostId")):
        api = make_api(scenario(f"faults: [{{error: {code}}}]"))
        assert list(json.loads(api.call(LIST, Format="JSON").body))[1] == first


@pytest.mark.parametrize(
    ("action", "allowed"),
    [
        ("SubmitEmailVerification", "domain:EmailVerificationOperation"),
        ("ResendEmailVerification", "domain:EmailVerificationOperation"),
        ("DeleteEmailVerification", "domain:EmailVerificationOperation"),
        ("VerifyEmail", "domain:VerifyEmail"),
        ("QueryEmailVerification", "domain:QueryEmailVerification"),
        ("ListEmailVerification", "domain:QueryEmailVerification"),
        ("EmailVerified", "domain:QueryEmailVerification"),
    ],
)
def test_operation_requires_its_permission(action: str, allowed: str) -> None:
    for permission in ("domain:EmailVerificationOperation", "domain:QueryEmailVerification", "domain:VerifyEmail"):
        key = f"access_keys: [{{id: k, secret: s, permissions: ['{permission}']}}]"
        api = make_api(scenario(f"authentication: none\naccounts: {{default: {{{key}}}}}"), key="k")
        assert (api.json(action).get("Code") == "Forbidden.RAM") == (permission != allowed)
