"""Serialization: bodies of errors, headers of responses, encoding, and the language of messages."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from urllib.parse import urlencode

import pytest
import reference_bodies
from alimock.api import serialize
from alimock.api.serialize import entity_tag
from alimock.spec.contract import DOMAIN, LIST_ITEM_TAGS, TIME_FIELDS, Evidence, Format, Result, snake_case
from alimock.spec.errors import ApiError, ErrorDefinition
from alimock.spec.profiles import PROFILES, Layout
from conftest import Api
from lxml import etree

NASTY_TEXTS = (
    "", " ", "jo@example.com", "李雷@例子.中国", "\U0001f600\U0010ffff", "&<>\"'", "&amp;]]>", "<![CDATA[x]]>", "a\tb", "a\nb", "a\rb", "\r\n",
    "".join(map(chr, range(0x20))), "\x7f\x80\x85\x9f\xa0", "\u2028\ufeff", "\ud7ff\ue000\ufffd", "\ufffe\uffff", "\U0001fffe", "{x}%s\\",
)  # fmt: skip
LAYOUTS = [
    pytest.param(operation, body_format, layout, id=f"{profile.name}-{operation}-{body_format.value}")
    for profile in PROFILES.values()
    for (operation, body_format), layout in profile.layouts.items()
]


def test_xml_error_matches_byte_for_byte(empty: Api) -> None:
    response = empty.call("NoSuchAction")
    request_id = dict(response.headers)["x-acs-request-id"]
    message = "Specified api is not found, please check your url and method."
    url = f"https://api.aliyun.com/troubleshoot?q=InvalidAction.NotFound&product=Domain&requestId={request_id}"
    assert response.body.decode() == (
        f"<?xml version='1.0' encoding='UTF-8'?><Error><RequestId>{request_id}</RequestId><HostId>domain.aliyuncs.com</HostId>"
        f"<Code>InvalidAction.NotFound</Code><Message>{message}</Message><Recommend><![CDATA[{url}]]></Recommend></Error>"
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
def test_json_error_has_the_key_order_of_its_origin_and_the_endpoint_of_its_version(
    empty: Api, sent: dict[str, str], keys: list[str], host: str
) -> None:
    response = empty.send(urlencode({"Version": "2018-01-29", "Format": "JSON", **sent}))
    body = json.loads(response.body)
    assert list(body) == keys
    assert body["HostId"] == host
    assert b" :" not in response.body
    assert not response.body.endswith(b"\n")


def test_response_has_the_headers_of_the_gateway(api: Api) -> None:
    response = api.call("QueryEmailVerification", Email="abc@aliyun.com")
    headers = dict(response.headers)
    assert re.fullmatch(r"[0-9A-F]{8}-[0-9A-F]{4}-5[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}", headers.pop("x-acs-request-id"))
    assert re.fullmatch(r"[0-9a-f]{32}", headers.pop("x-acs-trace-id"))
    digest = base64.b64encode(hashlib.md5(response.body).digest()).decode()[:22]
    length = str(len(response.body))
    assert headers == {
        "Content-Type": "text/xml;charset=utf-8",
        "Content-Length": length,
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Expose-Headers": "*",
        "ETag": f"{length[0]}{digest}{length[-1]}",
        "X-Alimock-Decided-By": "default.yaml:10",
    }
    assert dict(api.call("QueryEmailVerification", Format="json").headers)["Content-Type"] == "application/json;charset=utf-8"


def test_entity_tag_starts_and_ends_with_the_first_and_last_digit_of_the_length() -> None:
    assert entity_tag(b"x" * 130) == f"1{base64.b64encode(hashlib.md5(b'x' * 130).digest()).decode()[:22]}0"


def test_decided_by_header_is_printable_ascii_of_at_most_1000_characters(empty: Api) -> None:
    response = empty.call("ResendEmailVerification", Email=",".join(f"中\n{'x' * 50}{number}@example.com" for number in range(50)))
    decided_by = dict(response.headers)["X-Alimock-Decided-By"]
    assert decided_by == "rule malformed-address (and 49 more)"
    empty.key = "k\r\nInjected: 中" * 200
    empty.lists("SubmitEmailVerification", "jo@example.com")
    empty.key = "other"
    decided_by = dict(empty.call("QueryEmailVerification", Email="jo@example.com").headers)["X-Alimock-Decided-By"]
    assert decided_by.startswith("rule unknown-address (account key:k  Injected: \\u4e2d")
    assert (len(decided_by), decided_by.isascii(), decided_by.isprintable()) == (1_000, True, True)


def test_json_is_unescaped_utf8(empty: Api) -> None:
    assert "李雷@例子.中国".encode() in empty.call("SubmitEmailVerification", Email="李雷@例子.中国", Format="JSON").body


@pytest.mark.parametrize("character", ["\x00", "\x0b", "\ufffe", "\x1f"])
@pytest.mark.parametrize("format_name", ["XML", "JSON"])
def test_characters_that_xml_cannot_hold_are_replaced_in_xml_only(empty: Api, character: str, format_name: str) -> None:
    response = empty.call("ResendEmailVerification", Email=f"a{character}@example.com", Format=format_name)
    assert response.status == 200
    if format_name == "XML":
        assert etree.fromstring(response.body).findtext(".//Email") == "a\ufffd@example.com"
    else:
        assert json.loads(response.body)["FailList"][0]["Email"] == f"a{character}@example.com"


def test_markup_in_an_address_is_escaped(empty: Api) -> None:
    response = empty.call("ResendEmailVerification", Email="<b>&]]>@x")
    assert etree.fromstring(response.body).findtext(".//Email") == "<b>&]]>@x"


def test_lang_zh_translates_the_messages_of_the_service_but_not_of_the_gateway(api: Api) -> None:
    body = api.json("ResendEmailVerification", Email="test1@aliyun.com,test2@aliyun.com", Lang="zh")
    assert [row["Message"] for row in body["FailList"]] == ["邮箱验证链接的发送次数已超过上限。", "参数错误"]  # type: ignore[attr-defined]
    assert api.json("VerifyEmail", Token="x", Lang="zh")["Message"] == "参数错误。"
    assert api.json("VerifyEmail", Lang="zh")["Message"] == "Token is mandatory for this action."
    assert "参数错误。".encode() in api.call("VerifyEmail", Token="x", Lang="zh").body


def result(layout: Layout, text: str, rows: int) -> Result:
    """Return a result with a text in every field of a layout that is no time, number or list."""
    row = {snake_case(name): 1_550_565_487 if name in TIME_FIELDS else text for name in (*layout.fields, *layout.item_fields)}
    row |= {"confirm_ip": None, "verification_status": 1, "next_page": True, "pre_page": False, "total_item_num": 0}
    return {**row, **{snake_case(name): (row,) * rows for name in LIST_ITEM_TAGS}}


@pytest.mark.parametrize(("operation", "body_format", "layout"), LAYOUTS)
def test_body_written_as_text_equals_that_of_a_tree(operation: str, body_format: Format, layout: Layout) -> None:
    for text in NASTY_TEXTS:
        for rows in (0, 1, 2):
            written = serialize.success(operation, result(layout, text, rows), layout, body_format)
            assert written == reference_bodies.success(operation, result(layout, text, rows), layout, body_format)


@pytest.mark.parametrize("text", NASTY_TEXTS)
def test_error_written_as_text_equals_that_of_a_tree(text: str) -> None:
    failure = ApiError(ErrorDefinition(text, 400, text, Evidence.ASSUMED, "a scenario"), "")
    written = serialize.error(failure, DOMAIN, "ID", "en", Format.XML)
    url = str(etree.fromstring(written).findtext("Recommend"))
    assert url.endswith("&product=Domain&requestId=ID")
    values = {"RequestId": "ID", "HostId": DOMAIN.endpoint, "Code": text, "Message": text, "Recommend": url}
    assert written == reference_bodies.error(values)


def test_every_character_of_xml_is_written_as_in_a_tree() -> None:
    for start in range(0, 0x110000, 0x1000):
        text = "".join(map(chr, range(start, start + 0x1000)))
        element = etree.Element("x")
        element.text = reference_bodies.NOT_IN_XML.sub("\ufffd", text)
        assert f"<x>{serialize.escape(text)}</x>".encode() == etree.tostring(element, encoding="UTF-8", xml_declaration=False)
