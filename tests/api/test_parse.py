"""Parsing: percent-encoding, query and form, and the types of parameters."""

from __future__ import annotations

import re

import pytest
from alimock.api.http import HttpRequest
from alimock.api.parse import parse
from conftest import Api, error_of

FORM = "application/x-www-form-urlencoded"


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
def test_missing_or_invalid_parameter_is_named(empty: Api, action: str, sent: dict[str, str], code: str) -> None:
    kind, name = re.match("(Missing|Invalid)(.*)", code).groups()  # type: ignore[union-attr]
    message = f"{name} is mandatory for this action." if kind == "Missing" else f"Specified parameter {name} is not valid."
    assert error_of(empty.call(action, **sent)) == (400, code, message)


@pytest.mark.parametrize(
    ("value", "expected"),
    [("true", "SuccessList"), ("True", "SuccessList"), ("TRUE", "SuccessList"), ("false", "ExistList"), ("False", "ExistList")],
)
def test_booleans_are_case_insensitive(empty: Api, value: str, expected: str) -> None:
    empty.lists("SubmitEmailVerification", "jo@example.com")
    assert list(empty.lists("SubmitEmailVerification", "jo@example.com", SendIfExist=value)) == [expected]


def test_time_bounds_are_signed_64_bit_integers(empty: Api) -> None:
    assert empty.json("ListEmailVerification", EndCreateTime=2**63 - 1)["TotalItemNum"] == 0


@pytest.mark.parametrize("query", ["Email=%", "Email=%2", "Email=%GG", "Email=%ff", "Em%ffail=x", "Email=\xff"])
def test_malformed_encoding_is_refused_before_any_other_check(empty: Api, query: str) -> None:
    expected = (400, "RequestParameterMalformed", "Request parameters has malformed encoded characters.")
    assert error_of(empty.send(query)) == expected
    response = empty.send("", method="POST", headers={"content-type": FORM}, body=query.encode("latin-1"))
    assert error_of(response) == expected


READABLE = "Action=EmailVerified&Format=JSON&Version=2017-12-18&Lang=zh&AccessKeyId=testid"


@pytest.mark.parametrize("broken", ["SignatureNonce=15%N", "x=%", "%GG", "Email=%ff", "%c3%28=x", "Email=\xff"])
@pytest.mark.parametrize("pattern", ["{readable}&{broken}", "{broken}&{readable}", "{broken}&{readable}&{broken}"])
@pytest.mark.parametrize("place", ["query", "form", "query, readable form", "form, readable query"])
def test_what_can_be_decoded_of_a_malformed_request_counts(empty: Api, broken: str, pattern: str, place: str) -> None:
    together = pattern.format(readable=READABLE, broken=broken)
    query, form = {
        "query": (together, ""),
        "form": ("", together),
        "query, readable form": (broken, READABLE),
        "form, readable query": (READABLE, broken),
    }[place]
    response = empty.send(query, method="POST", headers={"content-type": FORM}, body=form.encode("latin-1"))
    assert response.body.startswith(b"{")
    assert b'"HostId":"domain-intl.aliyuncs.com"' in response.body
    assert error_of(response)[1] == "RequestParameterMalformed"
    (call,) = empty.store.calls.entries()
    assert (call.action, call.version, call.format, call.access_key_id) == ("EmailVerified", "2017-12-18", "JSON", "testid")


def test_headers_of_a_malformed_request_count(empty: Api) -> None:
    headers = {"x-acs-action": "EmailVerified", "x-acs-version": "2017-12-18"}
    response = empty.send("Email=%", headers=headers)
    assert b'"HostId":"domain-intl.aliyuncs.com"' in response.body


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ("Action=SubmitEmailVerification&Version=2018-01-29&Email=jo%40example.com", b""),
        ("", b"Action=SubmitEmailVerification&Version=2018-01-29&Email=jo%40example.com"),
        ("Action=SubmitEmailVerification&Version=2018-01-29", b"Email=jo@example.com"),
        ("Email=jo@example.com", b"Version=2018-01-29&Action=SubmitEmailVerification"),
    ],
)
def test_parameters_are_read_from_the_query_and_the_form(empty: Api, query: str, body: bytes) -> None:
    headers = {"content-type": f"{FORM}; charset=UTF-8"}
    assert empty.send(query, method="POST", headers=headers, body=body).status == 200
    assert [mail.to for mail in empty.store.outbox.entries()] == ["jo@example.com"]


@pytest.mark.parametrize(("raw", "value"), [("a+b%20c%2Bd", "a b c+d"), ("%E4%B8%AD~*'", "中~*'"), ("a=b", "a=b"), ("", "")])
def test_values_are_form_decoded(raw: str, value: str) -> None:
    assert parse(HttpRequest("GET", f"X={raw}&Y", {}, b"", "")).parameters == {"X": value, "Y": ""}


def test_first_value_of_a_repeated_parameter_is_used() -> None:
    request = HttpRequest("POST", "X=1&X=2", {"content-type": FORM}, b"X=3", "")
    assert parse(request).parameters == {"X": "1"}
