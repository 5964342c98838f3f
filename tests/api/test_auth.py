"""Authentication: credentials that are refused, nonces, and the authentication modes."""

from __future__ import annotations

import re

import pytest
from alimock.api import auth, parse, signature
from alimock.api.http import HttpRequest
from alimock.spec.contract import V3_HEADERS
from conftest import error_of, make_api, scenario, signed
from signing import KEYS, sign_v3, strict_api

MANDATORY = "{} is mandatory for this action."
MALFORMED_TIMESTAMP = "Specified time stamp or date value is not well formatted."
UNSUPPORTED_TYPE = "This signature type is not supported."
EXPIRED_TIMESTAMP = "Specified time stamp or date value is expired."


@pytest.mark.parametrize(
    ("changes", "status", "code", "message"),
    [
        ({"AccessKeyId": None}, 400, "MissingAccessKeyId", MANDATORY.format("AccessKeyId")),
        ({"AccessKeyId": ""}, 400, "MissingAccessKeyId", MANDATORY.format("AccessKeyId")),
        ({"Signature": "(none)"}, 400, "MissingSignature", MANDATORY.format("Signature")),
        ({"Timestamp": None}, 400, "MissingTimestamp", MANDATORY.format("Timestamp")),
        ({"Timestamp": None, "TimeStamp": "2026-01-01T00:00:00Z"}, 400, "MissingTimestamp", MANDATORY.format("Timestamp")),
        ({"SignatureNonce": None}, 400, "MissingSignatureNonce", MANDATORY.format("SignatureNonce")),
        ({"SignatureMethod": None}, 400, "MissingSignatureMethod", MANDATORY.format("SignatureMethod")),
        ({"SignatureVersion": None}, 400, "MissingSignatureVersion", MANDATORY.format("SignatureVersion")),
        ({"Timestamp": "yesterday"}, 400, "InvalidTimeStamp.Format", MALFORMED_TIMESTAMP),
        ({"Timestamp": "2026-02-30T00:00:00Z"}, 400, "InvalidTimeStamp.Format", MALFORMED_TIMESTAMP),
        ({"Timestamp": "2025-12-31T23:44:59Z"}, 400, "InvalidTimeStamp.Expired", EXPIRED_TIMESTAMP),
        ({"Timestamp": "2026-01-01T00:15:01Z"}, 400, "InvalidTimeStamp.Expired", EXPIRED_TIMESTAMP),
        ({"AccessKeyId": "unknown"}, 404, "InvalidAccessKeyId.NotFound", "Specified access key is not found."),
        ({"AccessKeyId": "inactive"}, 400, "InvalidAccessKeyId.Inactive", "Specified access key is disabled."),
        ({"AccessKeyId": "STS.one"}, 400, "MissingSecurityToken", MANDATORY.format("SecurityToken")),
        ({"AccessKeyId": "STS.one", "SecurityToken": "other"}, 400, "InvalidSecurityToken.MismatchWithAccessKey",
         "Specified SecurityToken mismatch with the AccessKey."),
        ({"SecurityToken": "left over"}, 400, "InvalidSecurityToken.MismatchWithAccessKey",
         "Specified SecurityToken mismatch with the AccessKey."),
        ({"SignatureMethod": "HMAC-MD5"}, 400, "InvalidSignatureMethod", "Specified signature method is not valid."),
        ({"SignatureType": "BEARERTOKEN", "BearerToken": "x"}, 400, "UnsupportedSignatureType", UNSUPPORTED_TYPE),
        ({"BearerToken": "x"}, 400, "UnsupportedSignatureType", UNSUPPORTED_TYPE),
        ({"BearerToken": "x", "AccessKeyId": None, "Signature": "(none)"}, 400, "UnsupportedSignatureType", UNSUPPORTED_TYPE),
        ({"BearerToken": "x", "Signature": "(none)"}, 400, "UnsupportedSignatureType", UNSUPPORTED_TYPE),
        ({"BearerToken": "x", "Timestamp": None}, 400, "UnsupportedSignatureType", UNSUPPORTED_TYPE),
        ({"BearerToken": "x", "AccessKeyId": "unknown"}, 400, "UnsupportedSignatureType", UNSUPPORTED_TYPE),
        ({"SignatureType": "BEARERTOKEN", "AccessKeyId": None}, 400, "UnsupportedSignatureType", UNSUPPORTED_TYPE),
        ({"SignatureType": "PRIVATEKEY"}, 400, "UnsupportedSignatureType", UNSUPPORTED_TYPE),
        ({"Signature": "wrong"}, 400, "SignatureDoesNotMatch", None),
    ],
)  # fmt: skip
def test_wrong_credentials_are_refused_with_status_code_and_message(
    changes: dict[str, str | None], status: int, code: str, message: str | None
) -> None:
    found = error_of(strict_api().send(signed(**changes)))
    assert found[:2] == (status, code)
    assert message is None or found[2] == message


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"SignatureMethod": "HMAC-SHA256"},
        {"Timestamp": "2025-12-31T23:45:00Z"},
        {"Timestamp": "2026-01-01T00:15:00Z"},
        {"Timestamp": "2026-01-01T00:00:00.312Z"},
        {"AccessKeyId": "STS.one", "SecurityToken": "tok"},
        {"AccessKeyId": "STS.open", "SecurityToken": "whatever"},
        {"SecurityToken": "", "BearerToken": ""},
        {"SignatureType": "", "RegionId": "cn-hangzhou", "Lang": ""},
        {"SignatureNonce": "hex0.123 456"},
    ],
)
def test_correctly_signed_request_succeeds(changes: dict[str, str | None]) -> None:
    assert strict_api().send(signed(**changes)).status == 200


def test_security_token_expires() -> None:
    api = strict_api()
    api.time.now += 3_600
    query = signed(AccessKeyId="STS.one", SecurityToken="tok", Timestamp="2026-01-01T01:00:00Z")
    assert error_of(api.send(query)) == (400, "InvalidSecurityToken.Expired", "Specified SecurityToken is expired.")


def test_signature_mismatch_message_ends_with_the_string_to_sign_after_its_only_colon() -> None:
    query = signed(secret="another")
    status, code, message = error_of(strict_api().send(query))
    expected = signature.string_to_sign_v1(parse.parse(HttpRequest("GET", query, {}, b"", "")))
    assert (status, code) == (400, "SignatureDoesNotMatch")
    assert message == f"Specified signature is not matched with our calculation. server string to sign is:{expected}"
    assert message.split(":")[1] == expected


def test_nonce_cannot_be_used_again_for_fifteen_minutes() -> None:
    api = strict_api()
    assert api.send(signed()).status == 200
    assert error_of(api.send(signed())) == (400, "SignatureNonceUsed", "Specified signature nonce was used already.")
    assert api.send(signed(SignatureNonce="another")).status == 200
    api.time.now += 900
    assert api.send(signed(Timestamp="2026-01-01T00:15:00Z")).status == 200


def test_only_the_newest_nonces_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "NONCES", 2)
    api = strict_api()
    for nonce, status in (("a", 200), ("b", 200), ("c", 200), ("b", 400), ("a", 200)):
        assert api.send(signed(SignatureNonce=nonce)).status == status


def test_nonce_of_a_refused_signature_can_be_used_again() -> None:
    api = strict_api()
    assert api.send(signed(secret="wrong")).status == 400
    assert api.send(signed()).status == 200


@pytest.mark.parametrize(
    ("mode", "query", "status"),
    [
        ("known-keys", signed(), 200),
        ("known-keys", signed(secret="wrong"), 400),
        ("known-keys", signed(AccessKeyId="unknown", secret="wrong", Timestamp="long ago"), 200),
        ("known-keys", "Action=ListEmailVerification&Version=2018-01-29&AccessKeyId=testid", 200),
        ("known-keys", "Action=ListEmailVerification&Version=2018-01-29", 200),
        ("known-keys", "Action=ListEmailVerification&Version=2018-01-29&Signature=x", 400),
        ("known-keys", signed(Timestamp=None), 400),
        ("strict", signed(AccessKeyId="unknown"), 404),
        ("strict", "Action=ListEmailVerification&Version=2018-01-29", 400),
        ("known-keys", "Action=ListEmailVerification&Version=2018-01-29&SignatureType=BEARERTOKEN&BearerToken=x", 400),
        ("known-keys", signed(AccessKeyId="unknown", BearerToken="x"), 400),
        ("none", signed(secret="wrong"), 200),
        ("none", signed(BearerToken="x"), 200),
        ("none", "Action=ListEmailVerification&Version=2018-01-29", 200),
    ],
)
def test_authentication_mode_decides_what_is_checked(mode: str, query: str, status: int) -> None:
    assert make_api(scenario(f"authentication: {mode}\n{KEYS}")).send(query).status == status


def test_timestamps_can_be_ignored() -> None:
    assert strict_api("timestamps: ignored").send(signed(Timestamp="long ago")).status == 200


@pytest.mark.parametrize(
    ("emulator", "account", "status"),
    [
        ("checked", "timestamps: ignored", 200),
        ("ignored", "timestamps: checked", 200),
        ("ignored", "", 200),
        ("checked", "timestamps: checked", 400),
        ("checked", "", 400),
    ],
)
def test_timestamps_are_ignored_if_the_scenario_of_the_emulator_or_of_the_account_says_so(
    emulator: str, account: str, status: int
) -> None:
    api = strict_api(f"timestamps: {emulator}")
    api.store.load(scenario(account), "testid")
    assert api.send(signed(Timestamp="2020-01-01T00:00:00Z")).status == status


@pytest.mark.parametrize(
    ("timestamp", "status"),
    [
        ("2026-01-01T00:15:00Z", 200),
        ("2026-01-01T00:15:01Z", 400),
        ("2020-01-01T00:15:00Z", 200),
        ("2019-12-31T23:45:00Z", 200),
        ("2020-01-01T00:15:01Z", 400),
        ("2019-12-31T23:44:59Z", 400),
    ],
)
def test_timestamp_is_compared_with_the_real_time_and_with_that_of_a_test_in_this_process(
    timestamp: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.time", lambda: 1_577_836_800)  # 2020-01-01 00:00:00 UTC
    assert strict_api().send(signed(Timestamp=timestamp)).status == status


def test_refused_key_creates_no_account() -> None:
    api = strict_api()
    api.send(signed(AccessKeyId="unknown"))
    api.send(signed(secret="wrong"))
    assert [account.name for account in api.store.accounts_for_view()] == ["default"]


V3_FIELDS = "Credential=testid,SignedHeaders=host,Signature=x"
UNSIGNED_V3 = {"host": "localhost", "x-acs-action": "ListEmailVerification", "x-acs-version": "2018-01-29"}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (sign_v3(), None),
        (sign_v3(secret="wrong"), (400, "SignatureDoesNotMatch")),
        (sign_v3(x_acs_date="2026-01-01T00:15:01Z"), (400, "InvalidTimeStamp.Expired")),
        (sign_v3(x_acs_security_token="left over"), (400, "InvalidSecurityToken.MismatchWithAccessKey")),
        (sign_v3(x_acs_bearer_token="x"), (400, "UnsupportedSignatureType")),
        (sign_v3(x_acs_signature_type="BEARERTOKEN"), (400, "UnsupportedSignatureType")),
        (sign_v3(x_acs_bearer_token="x", x_acs_date=None), (400, "UnsupportedSignatureType")),
        (sign_v3(key_id="unknown", x_acs_bearer_token="x"), (400, "UnsupportedSignatureType")),
        (
            sign_v3(x_acs_content_sha256=None, x_acs_content_sm3="x") | {"authorization": f"ACS3-HMAC-SM3 {V3_FIELDS}"},
            (400, "InvalidSignatureMethod"),
        ),
        (
            sign_v3() | {"authorization": f"ACS3-RSA-SHA256 {V3_FIELDS.replace('testid', 'unknown')}"},
            (400, "InvalidSignatureMethod"),
        ),
        (sign_v3() | {"authorization": f"ACS3-HMAC-SM3 {V3_FIELDS}"}, (400, "InvalidSignatureMethod")),
        (sign_v3() | {"authorization": "ACS3-HMAC-SHA256 malformed"}, (400, "MissingAccessKeyId")),
        (sign_v3() | {"authorization": "ACS3-HMAC-SHA256"}, (400, "MissingAccessKeyId")),
        (
            sign_v3() | {"authorization": "ACS3-HMAC-SHA256 Credential=testid,SignedHeaders=host,Signature="},
            (400, "SignatureDoesNotMatch"),
        ),
        (
            sign_v3() | {"authorization": "ACS3-HMAC-SHA256 Credential=testid,SignedHeaders=,Signature="},
            (400, "SignatureDoesNotMatch"),
        ),
        (sign_v3() | {"authorization": "ACS3-HMAC-SHA256 Credential=testid"}, (400, "SignatureDoesNotMatch")),
        (sign_v3() | {"host": "other.example.com"}, (400, "SignatureDoesNotMatch")),
    ],
)
def test_v3_credentials_are_read_from_the_headers(headers: dict[str, str], expected: tuple[int, str] | None) -> None:
    response = strict_api().send("", method="POST", headers=headers)
    assert response.body.startswith(b"{")
    assert (error_of(response)[:2] if response.status != 200 else None) == expected


def test_v3_signature_covers_the_body_that_arrived() -> None:
    headers = sign_v3() | {"content-type": "application/x-www-form-urlencoded"}
    assert error_of(strict_api().send("", method="POST", headers=headers, body=b"PageSize=1"))[1] == "SignatureDoesNotMatch"


@pytest.mark.parametrize("change", [{}, {"authorization": "ACS3-HMAC-SHA256 Credential=testid,SignedHeaders=host,Signature="}])
def test_v3_signature_mismatch_message_contains_the_string_to_sign(change: dict[str, str]) -> None:
    _, _, message = error_of(strict_api().send("", method="POST", headers=sign_v3(secret="wrong") | change))
    start = r"Specified signature does not match our calculation\. server StringToSign is "
    assert re.fullmatch(start + r"\[ACS3-HMAC-SHA256\n[0-9a-f]{64}\]", message)


@pytest.mark.parametrize("name", V3_HEADERS)
@pytest.mark.parametrize("value", [None, ""])
def test_v3_request_without_a_mandatory_header_is_refused(name: str, value: str | None) -> None:
    response = strict_api().send("", method="POST", headers=sign_v3(**{name: value}))
    assert error_of(response) == (400, "MissingHeader", f"Specified header {name} is mandatory for this action.")


@pytest.mark.parametrize("name", [*V3_HEADERS, "x-acs-security-token", "x-acs-accesskey-id", "x-acs-anything"])
def test_v3_request_with_an_unsigned_header_of_the_gateway_is_refused(name: str) -> None:
    changes = {} if name in V3_HEADERS else {name: "value"}
    api, key_id = strict_api(), "STS.open" if name == "x-acs-security-token" else "testid"
    complete = sign_v3(key_id=key_id, **changes)
    assert api.send("", method="POST", headers=complete).status == 200
    unsigned = sign_v3(key_id=key_id, unsigned=name, x_acs_signature_nonce="2", **changes)
    assert error_of(api.send("", method="POST", headers=unsigned))[1] == "SignatureDoesNotMatch"
    unnamed = complete | {"authorization": re.sub(rf"\b{name};|;{name}\b", "", complete["authorization"])}
    assert error_of(api.send("", method="POST", headers=unnamed))[1] == "SignatureDoesNotMatch"


@pytest.mark.parametrize("name", ["host", "user-agent", "content-type"])
def test_v3_request_may_leave_other_headers_unsigned(name: str) -> None:
    headers = sign_v3(unsigned=name, **{name: "localhost"})
    assert strict_api().send("", method="POST", headers=headers).status == 200


@pytest.mark.parametrize("mode", ["known-keys", "strict"])
@pytest.mark.parametrize(
    "authorization",
    [
        f"ACS4-HMAC-SHA256 {V3_FIELDS}",
        f"acs3-hmac-sha256 {V3_FIELDS}",
        f"ACS3-RSA-SHA256 {V3_FIELDS}",
        "acs testid:c2lnbmF0dXJl",
        "Basic dGVzdGlkOnRlc3RzZWNyZXQ=",
        "Bearer x",
        "x",
    ],
)
def test_unsupported_authorization_is_refused_as_such_in_json(mode: str, authorization: str) -> None:
    api = make_api(scenario(f"authentication: {mode}\n{KEYS}"))
    response = api.send("", method="POST", headers={**sign_v3(), "authorization": authorization})
    assert response.body.startswith(b"{")
    assert error_of(response) == (400, "InvalidSignatureMethod", "Specified signature method is not valid.")


def test_authorization_counts_more_than_a_signature_in_the_parameters() -> None:
    response = strict_api().send(signed(Format=None), headers={"authorization": "Basic dGVzdGlkOnRlc3RzZWNyZXQ="})
    assert response.body.startswith(b"{")
    assert error_of(response)[:2] == (400, "InvalidSignatureMethod")


@pytest.mark.parametrize("authorization", ["ACS4-HMAC-SHA256 x", "acs testid:x", "ACS3-HMAC-SHA256 x"])
def test_missing_action_header_is_reported_before_an_unsupported_authorization(authorization: str) -> None:
    response = strict_api().send("", method="POST", headers={"authorization": authorization})
    assert error_of(response) == (400, "MissingHeader", "Specified header x-acs-action is mandatory for this action.")


@pytest.mark.parametrize("headers", [UNSIGNED_V3, UNSIGNED_V3 | {"authorization": ""}])
def test_call_that_is_named_in_headers_is_answered_in_json(headers: dict[str, str]) -> None:
    response = make_api(scenario("")).send("", method="POST", headers=headers)
    assert (response.status, response.body[:1]) == (200, b"{")
    refused = strict_api().send("", method="POST", headers=headers)
    assert error_of(refused)[:2] == (400, "MissingAccessKeyId")
    assert refused.body.startswith(b"{")
    assert strict_api().send("Format=XML", method="POST", headers=headers).body.startswith(b"<")


@pytest.mark.parametrize("headers", [{"x-acs-bearer-token": "x"}, {"x-acs-signature-type": "BEARERTOKEN"}])
@pytest.mark.parametrize("mode", ["known-keys", "strict"])
def test_bearer_token_of_an_unsigned_call_is_refused(mode: str, headers: dict[str, str]) -> None:
    api = make_api(scenario(f"authentication: {mode}"))
    response = api.send("", method="POST", headers=UNSIGNED_V3 | headers)
    assert error_of(response) == (400, "UnsupportedSignatureType", UNSUPPORTED_TYPE)
