"""The profiles: names, nesting and order of fields. Complete published responses are in `golden/`."""

from __future__ import annotations

import re

import pytest
from conftest import Api
from lxml import etree


def names(element: etree._Element) -> object:
    children = [names(child) for child in element]
    return (element.tag, children) if children else element.tag


ROW = ["Email", "Message", "Code"]
RECORD = ["VerificationStatus", "GmtCreate", "ConfirmIp", "Email", "EmailVerificationNo", "UserId", "GmtModified", "SendIp"]
RECORD += ["VerificationTime", "TokenSendTime"]
RECORD_2021 = ["ConfirmIp", "TokenSendTime", "Email", "VerificationStatus", "SendIp", "VerificationTime", "EmailVerificationNo"]
RECORD_2021 += ["UserId", "GmtCreate", "GmtModified"]


@pytest.mark.parametrize(
    ("profile", "query", "expected"),
    [
        ("current", "Action=SubmitEmailVerification&Email=jo@example.com,abc@aliyun.com",
         ["RequestId", ("ExistList", [("SendResult", ["Email"])]), ("SuccessList", [("SendResult", ROW)]), "FailList"]),
        ("docs-2021", "Action=SubmitEmailVerification&Email=jo@example.com,al@example.com,abc@aliyun.com",
         [("existList", ["email"]), "requestId", ("successList", ["email"]), ("successList", ["email"])]),
        ("current", "Action=DeleteEmailVerification&Email=abc@aliyun.com,jo@example.com",
         ["RequestId", ("SuccessList", [("SendResult", ROW)]), ("FailList", [("SendResult", ROW)])]),
        ("docs-2021", "Action=DeleteEmailVerification&Email=abc@aliyun.com,jo@example.com",
         [("failList", ["code", "email", "message"]), "requestId", ("successList", ["email"])]),
        ("current", "Action=ListEmailVerification&Email=abc@aliyun.com",
         ["PrePage", "CurrentPageNum", "PageSize", "RequestId", "TotalPageNum", ("Data", [("EmailVerification", RECORD)]),
          "TotalItemNum", "NextPage"]),
        ("docs-2021", "Action=ListEmailVerification&Email=abc@aliyun.com",
         [("Data", [("EmailVerification", RECORD_2021)]), "TotalItemNum", "PageSize", "CurrentPageNum", "RequestId", "PrePage",
          "TotalPageNum", "NextPage"]),
        ("docs-2021", "Action=ListEmailVerification&Email=unknown@example.com",
         ["Data", "TotalItemNum", "PageSize", "CurrentPageNum", "RequestId", "PrePage", "TotalPageNum", "NextPage"]),
        ("current", "Action=EmailVerified&Email=abc@aliyun.com", ["RequestId"]),
    ],
)  # fmt: skip
def test_xml_has_the_names_nesting_and_order_of_the_profile(api: Api, profile: str, query: str, expected: list[object]) -> None:
    api.profile = profile
    response = api.send(f"{query}&Version=2018-01-29")
    assert names(etree.fromstring(response.body))[1] == expected  # type: ignore[index]
    assert response.body.startswith(b"<?xml version='1.0' encoding='UTF-8'?><") == (profile == "current")


@pytest.mark.parametrize(
    ("profile", "query", "expected"),
    [
        ("current", "Action=SubmitEmailVerification&Email=jo@example.com",
         '"ExistList":[],"SuccessList":[{"Email":"jo@example.com","Message":"Success","Code":"Success"}],"FailList":[]}'),
        ("docs-2021", "Action=SubmitEmailVerification&Email=jo@example.com", '"successList":[{"email":"jo@example.com"}]}'),
        ("docs-2021", "Action=DeleteEmailVerification&Email=abc@aliyun.com", '"successList":[{"email":"abc@aliyun.com"}]}'),
        ("docs-2021", "Action=ListEmailVerification&Email=unknown@example.com&PageNum=0&PageSize=0",
         '"TotalPageNum":0,"Data":[],"TotalItemNum":0,"NextPage":false}'),
    ],
)  # fmt: skip
def test_json_has_the_names_nesting_and_order_of_the_profile(api: Api, profile: str, query: str, expected: str) -> None:
    api.profile = profile
    assert api.send(f"{query}&Version=2018-01-29&Format=JSON").body.decode().endswith(expected)


def test_docs_2021_lists_dates_with_the_name_of_the_month_in_xml(api: Api) -> None:
    api.profile = "docs-2021"
    query = "Action=ListEmailVerification&Email=abc@aliyun.com&Version=2018-01-29"
    assert b"<GmtCreate>Feb 19,2019 16:38:07</GmtCreate>" in api.send(query).body
    assert b'"GmtCreate":"2019-02-19 16:38:07"' in api.send(f"{query}&Format=JSON").body


def test_docs_2021_spells_verify_email_differently_in_xml_and_json(api: Api) -> None:
    api.profile = "docs-2021"
    api.send("Action=SubmitEmailVerification&Email=jo@example.com,al@example.com&Version=2018-01-29")
    first, second = (mail.token for mail in api.store.outbox.entries())
    xml = api.send(f"Action=VerifyEmail&Token={first}&Version=2018-01-29").body
    assert re.fullmatch(rb"<VerifyEmailResponse><RequestId>[0-9A-F-]{36}</RequestId></VerifyEmailResponse>", xml)
    assert re.fullmatch(
        rb'{"requestId":"[0-9A-F-]{36}"}', api.send(f"Action=VerifyEmail&Token={second}&Version=2018-01-29&Format=JSON").body
    )


@pytest.mark.parametrize("version", ["2018-01-29", "2017-12-18"])
def test_both_versions_return_the_same_result(api: Api, version: str) -> None:
    api.version = version
    assert api.lists("ResendEmailVerification", "test1@aliyun.com") == {"FailList": ["test1@aliyun.com SendTokenQuotaExceeded"]}
