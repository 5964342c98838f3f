"""The gateway: what it refuses, in which order, and how its answers look on the wire."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from datetime import datetime, timezone
from urllib.parse import urlencode

import pytest
from alimock.api import auth, parse, serialize, signature
from alimock.api.http import Call, Reply
from alimock.api.serialize import entity_tag
from conftest import START, Api, error_of, make_api, scenario, signed
from lxml import etree

KEYS = "accounts: {default: {access_keys: [{id: testid, secret: testsecret}, {id: old, secret: testsecret, status: inactive}, "
KEYS += "{id: STS.one, secret: testsecret, security_token: tok, expires: 2026-01-01 09:00:00}, {id: any, secret: testsecret}, {id: powerless, secret: testsecret, permissions: []}]}}\n"


def strict(text: str = "") -> Api:
    return make_api(scenario(f"authentication: strict\n{KEYS}{text}"))


NOT_FOUND = "Specified api is not found, please check your url and method."
BAD_TIMESTAMP = "Specified time stamp or date value is not well formatted."
EXPIRED = "Specified time stamp or date value is expired."
MANDATORY = "{} is mandatory for this action."


@pytest.mark.parametrize(
    ("changes", "status", "code", "message"),
    [
        ({"Action": None}, 404, "InvalidAction.NotFound", NOT_FOUND),
        ({"Action": None, "Version": None}, 404, "InvalidAction.NotFound", NOT_FOUND),
        ({"Action": "SubmitEmail"}, 404, "InvalidAction.NotFound", NOT_FOUND),
        ({"Action": "listemailverification"}, 404, "InvalidAction.NotFound", NOT_FOUND),
        ({"Action": "QueryEmailVerification", "Version": "2017-12-18"}, 404, "InvalidAction.NotFound", NOT_FOUND),
        ({"Version": None}, 400, "InvalidVersion", "Specified parameter Version is not valid."),
        ({"Version": "2018-02-08"}, 400, "InvalidVersion", "Specified parameter Version is not valid."),
        ({"Format": "yaml"}, 400, "InvalidParameter.Format", "Specified parameter format is not valid."),
        ({"AccessKeyId": None}, 400, "MissingAccessKeyId", MANDATORY.format("AccessKeyId")),
        ({"AccessKeyId": ""}, 400, "MissingAccessKeyId", MANDATORY.format("AccessKeyId")),
        ({"Signature": "(none)"}, 400, "MissingSignature", MANDATORY.format("Signature")),
        ({"Timestamp": None}, 400, "MissingTimestamp", MANDATORY.format("Timestamp")),
        ({"Timestamp": None, "TimeStamp": "2026-01-01T00:00:00Z"}, 400, "MissingTimestamp", MANDATORY.format("Timestamp")),
        ({"SignatureNonce": None}, 400, "MissingSignatureNonce", MANDATORY.format("SignatureNonce")),
        ({"SignatureMethod": None}, 400, "MissingSignatureMethod", MANDATORY.format("SignatureMethod")),
        ({"SignatureVersion": None}, 400, "MissingSignatureVersion", MANDATORY.format("SignatureVersion")),
        ({"Timestamp": "yesterday"}, 400, "InvalidTimeStamp.Format", BAD_TIMESTAMP),
        ({"Timestamp": "2026-02-30T00:00:00Z"}, 400, "InvalidTimeStamp.Format", BAD_TIMESTAMP),
        ({"Timestamp": "2025-12-31T23:44:59Z"}, 400, "InvalidTimeStamp.Expired", EXPIRED),
        ({"Timestamp": "2026-01-01T00:15:01Z"}, 400, "InvalidTimeStamp.Expired", EXPIRED),
        ({"AccessKeyId": "nobody"}, 404, "InvalidAccessKeyId.NotFound", "Specified access key is not found."),
        ({"AccessKeyId": "old"}, 400, "InvalidAccessKeyId.Inactive", "Specified access key is disabled."),
        ({"AccessKeyId": "STS.one"}, 400, "MissingSecurityToken", MANDATORY.format("SecurityToken")),
        ({"AccessKeyId": "STS.one", "SecurityToken": "other"}, 400, "InvalidSecurityToken.MismatchWithAccessKey",
         "Specified SecurityToken mismatch with the AccessKey."),
        ({"SignatureMethod": "HMAC-MD5"}, 400, "InvalidSignatureMethod", "Specified signature method is not valid."),
        ({"Signature": "wrong"}, 400, "SignatureDoesNotMatch", None),
    ],
)  # fmt: skip
def test_a_refused_call_gets_the_gateways_code_text_and_status(
    changes: dict[str, str | None], status: int, code: str, message: str | None
) -> None:
    found = error_of(strict().send(signed(**changes)))
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
        {"AccessKeyId": "any", "SecurityToken": "whatever"},
        {"SignatureType": "", "RegionId": "cn-hangzhou", "Lang": ""},
        {"SignatureNonce": "hex0.123 456"},
    ],
)
def test_a_call_that_is_signed_well_is_answered(changes: dict[str, str | None]) -> None:
    assert strict().send(signed(**changes)).status == 200


def test_a_security_token_expires() -> None:
    api = strict()
    api.time.now += 3_600
    query = signed(AccessKeyId="STS.one", SecurityToken="tok", Timestamp="2026-01-01T01:00:00Z")
    assert error_of(api.send(query)) == (400, "InvalidSecurityToken.Expired", "Specified SecurityToken is expired.")


def test_a_mismatch_shows_the_string_to_sign_after_the_only_colon_before_it() -> None:
    query = signed(secret="another")
    status, code, message = error_of(strict().send(query))
    expected = signature.string_to_sign_v1(parse.decode(Call("GET", query, {}, b"", "")))
    assert (status, code) == (400, "SignatureDoesNotMatch")
    assert message == f"Specified signature is not matched with our calculation. server string to sign is:{expected}"
    assert message.split(":")[1] == expected


def test_a_nonce_counts_once_for_fifteen_minutes() -> None:
    api = strict()
    assert api.send(signed()).status == 200
    assert error_of(api.send(signed())) == (400, "SignatureNonceUsed", "Specified signature nonce was used already.")
    assert api.send(signed(SignatureNonce="another")).status == 200
    api.time.now += 900
    assert api.send(signed(Timestamp="2026-01-01T00:15:00Z")).status == 200


def test_only_the_newest_nonces_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "NONCES", 2)
    api = strict()
    for nonce, status in (("a", 200), ("b", 200), ("c", 200), ("b", 400), ("a", 200)):
        assert api.send(signed(SignatureNonce=nonce)).status == status


def test_the_nonce_of_a_refused_signature_stays_free() -> None:
    api = strict()
    assert api.send(signed(secret="wrong")).status == 400
    assert api.send(signed()).status == 200


@pytest.mark.parametrize(
    ("mode", "query", "status"),
    [
        ("known-keys", signed(), 200),
        ("known-keys", signed(secret="wrong"), 400),
        ("known-keys", signed(AccessKeyId="nobody", secret="wrong", Timestamp="long ago"), 200),
        ("known-keys", "Action=ListEmailVerification&Version=2018-01-29&AccessKeyId=testid", 200),
        ("known-keys", "Action=ListEmailVerification&Version=2018-01-29", 200),
        ("known-keys", "Action=ListEmailVerification&Version=2018-01-29&Signature=x", 400),
        ("known-keys", signed(Timestamp=None), 400),
        ("strict", signed(AccessKeyId="nobody"), 404),
        ("strict", "Action=ListEmailVerification&Version=2018-01-29", 400),
        ("none", signed(secret="wrong"), 200),
        ("none", "Action=ListEmailVerification&Version=2018-01-29", 200),
    ],
)
def test_the_authentication_decides_what_is_checked(mode: str, query: str, status: int) -> None:
    assert make_api(scenario(f"authentication: {mode}\n{KEYS}")).send(query).status == status


def test_timestamps_can_be_ignored() -> None:
    assert strict("timestamps: ignored").send(signed(Timestamp="long ago")).status == 200


def test_a_refused_key_makes_no_account() -> None:
    api = strict()
    api.send(signed(AccessKeyId="nobody"))
    api.send(signed(secret="wrong"))
    assert [account.name for account in api.store.accounts_for_view()] == ["default"]


# Each check with a request that only it refuses, in the order in which they are made.
ORDER: list[tuple[str, dict[str, str | None]]] = [
    ("RequestParameterMalformed", {"malformed": "yes"}),
    ("InvalidVersion", {"Version": "2000-01-01"}),
    ("InvalidAction.NotFound", {"Action": "NoSuchAction"}),
    ("UnsupportedHTTPMethod", {"method": "PUT"}),
    ("InvalidParameter.Format", {"Format": "yaml"}),
    ("MissingSignatureNonce", {"SignatureNonce": None}),
    ("InvalidTimeStamp.Format", {"Timestamp": "long ago"}),
    ("InvalidAccessKeyId.NotFound", {"AccessKeyId": "nobody"}),
    ("InvalidAccessKeyId.Inactive", {"AccessKeyId": "old"}),
    ("MissingSecurityToken", {"AccessKeyId": "STS.one"}),
    ("UnsupportedSignatureType", {"SignatureType": "BEARERTOKEN"}),
    ("InvalidSignatureMethod", {"SignatureMethod": "HMAC-MD5"}),
    ("SignatureDoesNotMatch", {"Signature": "wrong"}),
    ("SignatureNonceUsed", {"SignatureNonce": "used"}),
    ("Forbidden.RAM", {"AccessKeyId": "powerless"}),
    ("InvalidPageNum", {"PageNum": "x"}),
    ("Throttling", {"Version": "2017-12-18"}),
]


def sent_in_order(changes: dict[str, str | None]) -> Reply:
    api = strict("faults: [{when: {version: 2017-12-18}, error: Throttling}]")
    for key in ("testid", "powerless"):
        api.send(signed(SignatureNonce="used", AccessKeyId=key))
    changes = dict(changes)
    method, malformed = str(changes.pop("method", "GET")), changes.pop("malformed", None)
    return api.send(signed(method=method, **changes) + ("&x=%ZZ" if malformed else ""), method=method)


@pytest.mark.parametrize(
    ("first", "second"),
    [(first, second) for number, first in enumerate(ORDER) for second in ORDER[number:]],
    ids=lambda one: one[0],
)
def test_of_two_mistakes_the_one_checked_first_is_told(
    first: tuple[str, dict[str, str | None]], second: tuple[str, dict[str, str | None]]
) -> None:
    assert error_of(sent_in_order({**second[1], **first[1]}))[1] == first[0]


@pytest.mark.parametrize(
    ("action", "sent", "code"),
    [
        ("SubmitEmailVerification", {}, "MissingEmail"),
        ("SubmitEmailVerification", {"Email": ""}, "MissingEmail"),
        ("SubmitEmailVerification", {"Email": " , ,"}, "MissingEmail"),
        ("SubmitEmailVerification", {"email": "jo@example.com"}, "MissingEmail"),
        ("SubmitEmailVerification", {"Email": "jo@example.com", "SendIfExist": "yes"}, "InvalidSendIfExist"),
        ("ResendEmailVerification", {}, "MissingEmail"),
        ("DeleteEmailVerification", {}, "MissingEmail"),
        ("QueryEmailVerification", {}, "MissingEmail"),
        ("EmailVerified", {}, "MissingEmail"),
        ("VerifyEmail", {}, "MissingToken"),
        ("ListEmailVerification", {"PageNum": "0"}, "InvalidPageNum"),
        ("ListEmailVerification", {"PageNum": "-1"}, "InvalidPageNum"),
        ("ListEmailVerification", {"PageNum": "1.5"}, "InvalidPageNum"),
        ("ListEmailVerification", {"PageNum": "9" * 4_000}, "InvalidPageNum"),
        ("ListEmailVerification", {"PageSize": "5001"}, "InvalidPageSize"),
        ("ListEmailVerification", {"VerificationStatus": "2"}, "InvalidVerificationStatus"),
        ("ListEmailVerification", {"BeginCreateTime": "today"}, "InvalidBeginCreateTime"),
        ("ListEmailVerification", {"EndCreateTime": str(2**63)}, "InvalidEndCreateTime"),
    ],
)
def test_a_missing_or_invalid_parameter_is_named(empty: Api, action: str, sent: dict[str, str], code: str) -> None:
    kind, name = re.match("(Missing|Invalid)(.*)", code).groups()  # type: ignore[union-attr]
    text = MANDATORY.format(name) if kind == "Missing" else f"Specified parameter {name} is not valid."
    assert error_of(empty.call(action, **sent)) == (400, code, text)


@pytest.mark.parametrize(
    ("value", "ends_in"),
    [("true", "SuccessList"), ("True", "SuccessList"), ("TRUE", "SuccessList"), ("false", "ExistList"), ("False", "ExistList")],
)
def test_booleans_are_read_in_any_letter_case(empty: Api, value: str, ends_in: str) -> None:
    empty.lists("SubmitEmailVerification", "jo@example.com")
    assert list(empty.lists("SubmitEmailVerification", "jo@example.com", SendIfExist=value)) == [ends_in]


@pytest.mark.parametrize("query", ["Email=%", "Email=%2", "Email=%GG", "Email=%ff", "Em%ffail=x", "Email=\xff"])
def test_broken_encodings_are_refused_before_anything_else_is_read(empty: Api, query: str) -> None:
    expected = (400, "RequestParameterMalformed", "Request parameters has malformed encoded characters.")
    assert error_of(empty.send(query)) == expected
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert error_of(empty.send("", method="POST", headers=form, body=query.encode("latin-1"))) == expected


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ("Action=SubmitEmailVerification&Version=2018-01-29&Email=jo%40example.com", b""),
        ("", b"Action=SubmitEmailVerification&Version=2018-01-29&Email=jo%40example.com"),
        ("Action=SubmitEmailVerification&Version=2018-01-29", b"Email=jo@example.com"),
        ("Email=jo@example.com", b"Version=2018-01-29&Action=SubmitEmailVerification"),
    ],
)
def test_parameters_come_in_the_query_the_form_or_both(empty: Api, query: str, body: bytes) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded; charset=UTF-8"}
    assert empty.send(query, method="POST", headers=headers, body=body).status == 200
    assert [mail.to for mail in empty.store.outbox.entries()] == ["jo@example.com"]


@pytest.mark.parametrize(("raw", "value"), [("a+b%20c%2Bd", "a b c+d"), ("%E4%B8%AD~*'", "中~*'"), ("a=b", "a=b"), ("", "")])
def test_values_are_decoded_as_forms_are(raw: str, value: str) -> None:
    assert parse.decode(Call("GET", f"X={raw}&Y", {}, b"", "")).parameters == {"X": value, "Y": ""}


def test_of_a_parameter_that_comes_twice_the_first_counts() -> None:
    call = Call("POST", "X=1&X=2", {"content-type": "application/x-www-form-urlencoded"}, b"X=3", "")
    assert parse.decode(call).parameters == {"X": "1"}


V3_FIELDS = "Credential=testid,SignedHeaders=host,Signature=x"


def v3_headers(secret: str = "testsecret", **changes: str | None) -> dict[str, str]:
    headers = {
        "host": "localhost",
        "x-acs-action": "ListEmailVerification",
        "x-acs-version": "2018-01-29",
        "x-acs-date": datetime.fromtimestamp(START, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "x-acs-signature-nonce": "nonce",
        "x-acs-content-sha256": hashlib.sha256(b"").hexdigest(),
    }
    sent = {
        name: value
        for name, value in {**headers, **{k.replace("_", "-"): v for k, v in changes.items()}}.items()
        if value is not None
    }
    names = ";".join(sorted(sent))
    request = parse.decode(Call("POST", "", sent, b"", ""))
    digest = signature.sign_v3(signature.string_to_sign_v3(signature.canonical_request_v3(request, names)), secret)
    return {**sent, "authorization": f"ACS3-HMAC-SHA256 Credential=testid,SignedHeaders={names},Signature={digest}"}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (v3_headers(), None),
        (v3_headers(secret="wrong"), (400, "SignatureDoesNotMatch")),
        (v3_headers(x_acs_action=None), (400, "MissingHeader")),
        (v3_headers(x_acs_version=None), (400, "MissingHeader")),
        (v3_headers(x_acs_date=None), (400, "MissingHeader")),
        (v3_headers(x_acs_signature_nonce=None), (400, "MissingHeader")),
        (v3_headers(x_acs_date="2026-01-01T00:15:01Z"), (400, "InvalidTimeStamp.Expired")),
        (v3_headers() | {"authorization": f"ACS3-HMAC-SM3 {V3_FIELDS}"}, (400, "InvalidSignatureMethod")),
        (v3_headers() | {"authorization": "ACS3-HMAC-SHA256 rubbish"}, (400, "MissingAccessKeyId")),
        (v3_headers() | {"authorization": "ACS3-HMAC-SHA256"}, (400, "MissingAccessKeyId")),
        (v3_headers() | {"host": "elsewhere"}, (400, "SignatureDoesNotMatch")),
    ],
)  # fmt: skip
def test_v3_is_checked_by_its_headers(headers: dict[str, str], expected: tuple[int, str] | None) -> None:
    reply = strict().send("", method="POST", headers=headers)
    assert reply.body.startswith(b"{")
    assert (error_of(reply)[:2] if reply.status != 200 else None) == expected


def test_v3_signs_the_hash_of_the_body_that_came() -> None:
    headers = v3_headers() | {"content-type": "application/x-www-form-urlencoded"}
    assert error_of(strict().send("", method="POST", headers=headers, body=b"PageSize=1"))[1] == "SignatureDoesNotMatch"


def test_v3_names_the_missing_header_and_shows_the_string_to_sign() -> None:
    missing = error_of(strict().send("", method="POST", headers=v3_headers(x_acs_action=None)))
    assert missing[2] == "Specified header x-acs-action is mandatory for this action."
    mismatch = error_of(strict().send("", method="POST", headers=v3_headers(secret="wrong")))
    start = r"Specified signature does not match our calculation\. server StringToSign is "
    assert re.fullmatch(start + r"\[ACS3-HMAC-SHA256\n[0-9a-f]{64}\]", mismatch[2])


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
    ],
)
def test_the_format_is_asked_for_or_follows_the_kind_of_signature(
    empty: Api, query: str, headers: dict[str, str], first: bytes
) -> None:
    assert empty.send(query, headers=headers).body.startswith(first)


def test_an_error_in_xml_is_written_to_the_byte(empty: Api) -> None:
    reply = empty.call("NoSuchAction")
    request_id = dict(reply.headers)["x-acs-request-id"]
    url = f"https://api.aliyun.com/troubleshoot?q=InvalidAction.NotFound&product=Domain&requestId={request_id}"
    assert reply.body.decode() == (
        f"<?xml version='1.0' encoding='UTF-8'?><Error><RequestId>{request_id}</RequestId><HostId>domain.aliyuncs.com</HostId>"
        f"<Code>InvalidAction.NotFound</Code><Message>{NOT_FOUND}</Message><Recommend><![CDATA[{url}]]></Recommend></Error>"
    )


@pytest.mark.parametrize(
    ("sent", "keys", "host"),
    [
        ({"Action": "NoSuchAction"}, ["RequestId", "Message", "Recommend", "HostId", "Code"], "domain.aliyuncs.com"),
        ({"Action": "VerifyEmail", "Token": "x"}, ["RequestId", "HostId", "Code", "Message", "Recommend"], "domain.aliyuncs.com"),
        ({"Action": "QueryEmailVerification", "Version": "2017-12-18"}, ["RequestId", "Message", "Recommend", "HostId", "Code"],
         "domain-intl.aliyuncs.com"),
    ],
)  # fmt: skip
def test_an_error_in_json_has_its_origins_order_and_the_versions_endpoint(
    empty: Api, sent: dict[str, str], keys: list[str], host: str
) -> None:
    reply = empty.send(urlencode({"Version": "2018-01-29", "Format": "JSON", **sent}))
    body = json.loads(reply.body)
    assert list(body) == keys
    assert body["HostId"] == host
    assert b" :" not in reply.body
    assert not reply.body.endswith(b"\n")


def test_a_reply_carries_the_gateways_headers(api: Api) -> None:
    reply = api.call("QueryEmailVerification", Email="abc@aliyun.com")
    headers = dict(reply.headers)
    assert re.fullmatch(r"[0-9A-F]{8}-[0-9A-F]{4}-5[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}", headers.pop("x-acs-request-id"))
    assert re.fullmatch(r"[0-9a-f]{32}", headers.pop("x-acs-trace-id"))
    digest = base64.b64encode(hashlib.md5(reply.body).digest()).decode()[:22]
    length = str(len(reply.body))
    assert headers == {
        "Content-Type": "text/xml;charset=utf-8",
        "Content-Length": length,
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Expose-Headers": "*",
        "ETag": f"{length[0]}{digest}{length[-1]}",
        "X-Alimock-Decided-By": "default.yaml:10",
    }
    assert dict(api.call("QueryEmailVerification", Format="json").headers)["Content-Type"] == "application/json;charset=utf-8"


def test_the_entity_tag_begins_and_ends_with_digits_of_the_length() -> None:
    assert entity_tag(b"x" * 130) == f"1{base64.b64encode(hashlib.md5(b'x' * 130).digest()).decode()[:22]}0"


def test_a_decision_fits_a_header_whatever_the_client_sent(empty: Api) -> None:
    reply = empty.call("ResendEmailVerification", Email=",".join(f"中\n{'x' * 50}{number}@example.com" for number in range(50)))
    decided_by = dict(reply.headers)["X-Alimock-Decided-By"]
    assert decided_by == "rule malformed-address (and 49 more)"
    empty.key = "k\r\nInjected: 中" * 200
    empty.lists("SubmitEmailVerification", "jo@example.com")
    empty.key = "other"
    decided_by = dict(empty.call("QueryEmailVerification", Email="jo@example.com").headers)["X-Alimock-Decided-By"]
    assert decided_by.startswith("rule unknown-address (account key:k  Injected: \\u4e2d")
    assert (len(decided_by), decided_by.isascii(), decided_by.isprintable()) == (1_000, True, True)


def test_json_is_raw_utf8(empty: Api) -> None:
    assert "李雷@例子.中国".encode() in empty.call("SubmitEmailVerification", Email="李雷@例子.中国", Format="JSON").body


@pytest.mark.parametrize("character", ["\x00", "\x0b", "\ufffe", "\x1f"])
@pytest.mark.parametrize("format_name", ["XML", "JSON"])
def test_what_xml_cannot_hold_never_breaks_an_answer(empty: Api, character: str, format_name: str) -> None:
    reply = empty.call("ResendEmailVerification", Email=f"a{character}@example.com", Format=format_name)
    assert reply.status == 200
    if format_name == "XML":
        assert etree.fromstring(reply.body).findtext(".//Email") == "a\ufffd@example.com"
    else:
        assert json.loads(reply.body)["FailList"][0]["Email"] == f"a{character}@example.com"


def test_markup_in_an_address_is_text(empty: Api) -> None:
    reply = empty.call("ResendEmailVerification", Email="<b>&]]>@x")
    assert etree.fromstring(reply.body).findtext(".//Email") == "<b>&]]>@x"


def test_a_mistake_of_alimock_itself_is_an_internal_error_and_logged(
    empty: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(serialize, "success", lambda *_: 1 / 0)
    status, code, _ = error_of(empty.call("ListEmailVerification"))
    assert (status, code) == (500, "InternalError")
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "HEAD", "PATCH", "FOO"])
def test_other_methods_than_get_and_post_are_not_supported(empty: Api, method: str) -> None:
    reply = empty.call("ListEmailVerification", method=method)
    assert error_of(reply) == (405, "UnsupportedHTTPMethod", "This http method is not supported.")


def test_texts_of_the_service_are_chinese_if_asked_for_and_the_gateways_are_not(api: Api) -> None:
    body = api.json("ResendEmailVerification", Email="test1@aliyun.com,test2@aliyun.com", Lang="zh")
    assert [row["Message"] for row in body["FailList"]] == ["邮箱验证链接的发送次数已超过上限。", "参数错误"]  # type: ignore[attr-defined]
    assert api.json("VerifyEmail", Token="x", Lang="zh")["Message"] == "参数错误。"
    assert api.json("VerifyEmail", Lang="zh")["Message"] == "Token is mandatory for this action."
    assert "参数错误。".encode() in api.call("VerifyEmail", Token="x", Lang="zh").body
