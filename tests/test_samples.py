"""The samples that the service's own pages publish, from the default scenario in the profile that speaks as they do."""

from __future__ import annotations

import json
import re

import pytest
from alimock.scenario import loader
from conftest import Api, make_api
from lxml import etree

# From the pages of ResendEmailVerification and QueryEmailVerification (2020 to 2023), but for the RequestId and the white space.
RESEND_XML = """
<ResendEmailVerificationResponse>
  <failList>
        <code>SendTokenQuotaExceeded</code>
        <email>test1@aliyun.com</email>
        <message>The maximum number of attempts allowed to send the email verification link is exceeded.</message>
  </failList>
  <failList>
        <code>ParameterIllegall</code>
        <email>test2@aliyun.com</email>
        <message>Parameter error</message>
  </failList>
  <requestId>REQUEST_ID</requestId>
</ResendEmailVerificationResponse>
"""
RESEND_JSON = """
{
  "failList": [
    {
      "code": "SendTokenQuotaExceeded",
      "email": "test1@aliyun.com",
      "message": "The maximum number of attempts allowed to send the email verification link is exceeded."
    },
    {
      "code": "ParameterIllegall",
      "email": "test2@aliyun.com",
      "message": "Parameter error"
    }
  ],
  "requestId": "REQUEST_ID",
  "successList": []
}
"""
QUERY_XML = """
<QueryEmailVerificationResponse>
  <ConfirmIp>42.*.*.31</ConfirmIp>
  <TokenSendTime>2019-02-19 16:38:07</TokenSendTime>
  <Email>abc@aliyun.com</Email>
  <RequestId>REQUEST_ID</RequestId>
  <VerificationStatus>1</VerificationStatus>
  <SendIp>42.*.*.115</SendIp>
  <VerificationTime>2019-02-19 16:40:38</VerificationTime>
  <EmailVerificationNo>72b36ba0572e423bbb3f19640896****</EmailVerificationNo>
  <UserId>140692647406****</UserId>
  <GmtCreate>2019-02-19 16:38:07</GmtCreate>
  <GmtModified>2019-02-19 16:40:38</GmtModified>
</QueryEmailVerificationResponse>
"""
QUERY_JSON = """
{
    "ConfirmIp": "42.*.*.31",
    "TokenSendTime": "2019-02-19 16:38:07",
    "Email": "abc@aliyun.com",
    "RequestId": "REQUEST_ID",
    "VerificationStatus": 1,
    "SendIp": "42.*.*.115",
    "VerificationTime": "2019-02-19 16:40:38",
    "EmailVerificationNo": "72b36ba0572e423bbb3f19640896****",
    "UserId": "140692647406****",
    "GmtCreate": "2019-02-19 16:38:07",
    "GmtModified": "2019-02-19 16:40:38"
}
"""
RESEND = "Action=ResendEmailVerification&Email=test1@aliyun.com,test2@aliyun.com"
QUERY = "Action=QueryEmailVerification&Email=abc@aliyun.com"
QUERY_WITHOUT_EMAIL = "Action=QueryEmailVerification"


def compact_xml(text: str) -> bytes:
    return re.sub(r">\s+<", "><", text.strip()).encode()


def compact_json(text: str) -> bytes:
    return json.dumps(json.loads(text), separators=(",", ":")).encode()


@pytest.fixture(params=["default", "documented-samples"])
def documented(request: pytest.FixtureRequest) -> Api:
    """The default scenario asked in the profile, and the scenario that has it built in."""
    return make_api(loader.load(request.param), profile="docs-2021" if request.param == "default" else None)


@pytest.mark.parametrize(
    ("query", "format_name", "expected"),
    [
        (RESEND, "XML", compact_xml(RESEND_XML)),
        (RESEND, "JSON", compact_json(RESEND_JSON)),
        (QUERY, "XML", compact_xml(QUERY_XML)),
        (QUERY, "JSON", compact_json(QUERY_JSON)),
        (QUERY_WITHOUT_EMAIL, "XML", compact_xml(QUERY_XML)),
        (QUERY_WITHOUT_EMAIL, "JSON", compact_json(QUERY_JSON)),
    ],
)
def test_a_documented_request_gives_the_published_sample(documented: Api, query: str, format_name: str, expected: bytes) -> None:
    reply = documented.send(f"{query}&Version=2018-01-29&Format={format_name}")
    request_id = dict(reply.headers)["x-acs-request-id"]
    assert reply.body == expected.replace(b"REQUEST_ID", request_id.encode())


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
        ("docs-2021", "Action=ListEmailVerification&Email=nobody@example.com",
         ["Data", "TotalItemNum", "PageSize", "CurrentPageNum", "RequestId", "PrePage", "TotalPageNum", "NextPage"]),
        ("current", "Action=EmailVerified&Email=abc@aliyun.com", ["RequestId"]),
    ],
)  # fmt: skip
def test_xml_has_the_names_nesting_and_order_of_its_profile(api: Api, profile: str, query: str, expected: list[object]) -> None:
    api.profile = profile
    reply = api.send(f"{query}&Version=2018-01-29")
    assert names(etree.fromstring(reply.body))[1] == expected  # type: ignore[index]
    assert reply.body.startswith(b"<?xml version='1.0' encoding='UTF-8'?><") == (profile == "current")


@pytest.mark.parametrize(
    ("profile", "query", "expected"),
    [
        ("current", "Action=SubmitEmailVerification&Email=jo@example.com",
         '"ExistList":[],"SuccessList":[{"Email":"jo@example.com","Message":"Success","Code":"Success"}],"FailList":[]}'),
        ("docs-2021", "Action=SubmitEmailVerification&Email=jo@example.com", '"successList":[{"email":"jo@example.com"}]}'),
        ("docs-2021", "Action=DeleteEmailVerification&Email=abc@aliyun.com", '"successList":[{"email":"abc@aliyun.com"}]}'),
        ("docs-2021", "Action=ListEmailVerification&Email=nobody@example.com&PageNum=0&PageSize=0",
         '"TotalPageNum":0,"Data":[],"TotalItemNum":0,"NextPage":false}'),
    ],
)  # fmt: skip
def test_json_has_the_names_nesting_and_order_of_its_profile(api: Api, profile: str, query: str, expected: str) -> None:
    api.profile = profile
    assert api.send(f"{query}&Version=2018-01-29&Format=JSON").body.decode().endswith(expected)


def test_the_pages_of_2021_write_a_lists_dates_with_the_months_name(api: Api) -> None:
    api.profile = "docs-2021"
    query = "Action=ListEmailVerification&Email=abc@aliyun.com&Version=2018-01-29"
    assert b"<GmtCreate>Feb 19,2019 16:38:07</GmtCreate>" in api.send(query).body
    assert b'"GmtCreate":"2019-02-19 16:38:07"' in api.send(f"{query}&Format=JSON").body


def test_verify_email_has_two_spellings_in_the_pages_of_2021(api: Api) -> None:
    api.profile = "docs-2021"
    api.send("Action=SubmitEmailVerification&Email=jo@example.com,al@example.com&Version=2018-01-29")
    first, second = (mail.token for mail in api.world.outbox.mails())
    xml = api.send(f"Action=VerifyEmail&Token={first}&Version=2018-01-29").body
    assert re.fullmatch(rb"<VerifyEmailResponse><RequestId>[0-9A-F-]{36}</RequestId></VerifyEmailResponse>", xml)
    assert re.fullmatch(
        rb'{"requestId":"[0-9A-F-]{36}"}', api.send(f"Action=VerifyEmail&Token={second}&Version=2018-01-29&Format=JSON").body
    )


@pytest.mark.parametrize("version", ["2018-01-29", "2017-12-18"])
def test_both_versions_answer_alike(api: Api, version: str) -> None:
    api.version = version
    assert api.lists("ResendEmailVerification", "test1@aliyun.com") == {"FailList": ["test1@aliyun.com SendTokenQuotaExceeded"]}
