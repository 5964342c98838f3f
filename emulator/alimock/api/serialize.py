"""Serialization: bodies and headers of responses, laid out by the tables of `spec.contract` and `spec.profiles`.

Every body is compact UTF-8 without a final newline. XML is written as text, which takes a fraction of the time of a tree.
"""

from __future__ import annotations

import hashlib
import json
import re
from binascii import b2a_base64
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from alimock.api.http import HttpResponse
from alimock.scenario.model import Fault
from alimock.spec.contract import LIST_ITEM_TAGS, TIME_FIELDS, Format, Result, Row, Version, snake_case
from alimock.spec.errors import ApiError, Origin
from alimock.spec.profiles import Layout
from alimock.spec.times import TIME_FORMATS

if TYPE_CHECKING:
    from lxml import etree

_DECLARATION = "<?xml version='1.0' encoding='UTF-8'?>"
# The Tea SDKs read an XML error under exactly this type only; Java rejects a capitalized one.
_XML_TYPE = ("Content-Type", "text/xml;charset=utf-8")
_JSON_TYPE = ("Content-Type", "application/json;charset=utf-8")
_CROSS_ORIGIN = (("Access-Control-Allow-Origin", "*"), ("Access-Control-Expose-Headers", "*"))
# What browsers ask before a call from a page. The list is captured up to Content-Type; what SDKs send besides is assumed.
_ALLOWED_HEADERS = (
    "X-Requested-With", "X-Sequence", "_aop_secret", "_aop_signature", "x-acs-action", "x-acs-version", "x-acs-date",
    "Content-Type", "Authorization", "x-acs-signature-nonce", "x-acs-content-sha256", "x-acs-security-token", "x-acs-accesskey-id",
    "x-acs-credentials-provider", "x-sdk-client", "x-sdk-invoke-type", "User-Agent",
)  # fmt: skip
PREFLIGHT = HttpResponse(
    200,
    (
        _CROSS_ORIGIN[0],
        ("Access-Control-Allow-Methods", "POST, GET, OPTIONS, PUT, DELETE"),
        ("Access-Control-Allow-Headers", ", ".join(_ALLOWED_HEADERS)),
        ("Access-Control-Max-Age", "172800"),
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Length", "0"),
    ),
    b"",
)
# Listed are the characters that match: a set of those that do not takes ten times as long to compile.
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_NOT_PLAIN = re.compile("[\x00-\x08\x0b-\x1f&<>\ud800-\udfff\ufffe\uffff]")
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})
# In JSON the gateway's errors have the order of a Java HashMap, the backend's that of their declaration, as in XML (both captured
# on Alidns).
_GATEWAY_ERROR_ORDER = ("RequestId", "Message", "Recommend", "HostId", "Code")
# Raw UTF-8, because the Java SDK's JSON reader does not decode \uXXXX.
_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


class _XmlField(NamedTuple):
    """A field of a body in XML: its name in a result, the texts around its value, the text of an empty value, the conversion."""

    name: str
    start: str
    end: str
    empty: str
    to_text: Callable[[Any], str] | None


class _JsonField(NamedTuple):
    """A field of a body in JSON: its name in a result, its key in the body, and the conversion of its value."""

    name: str
    key: str
    convert: Callable[[Any], object] | None


def success(action: str, result: Result, layout: Layout, body_format: Format) -> bytes:
    """Return the body of a successful call. Values that are None are left out."""
    if body_format is Format.JSON:
        return _json(_json_object(result, _json_fields(layout)))
    declaration = _DECLARATION if layout.declaration else ""
    return f"{declaration}<{action}Response>{_xml_elements(result, _xml_fields(layout))}</{action}Response>".encode()


def stub(action: str, fields: Mapping[str, object], request_id: str, body_format: Format) -> bytes:
    """Return the body of a canned response. In XML a list is repeated elements, as in Domain's other operations.

    The request id comes first unless the fields name one.
    """
    values = {"RequestId": request_id, **fields}
    return _json(values) if body_format is Format.JSON else _xml_tree(f"{action}Response", values)


def error(
    failure: ApiError, version: Version, request_id: str, lang: str, body_format: Format, message: str | None = None
) -> bytes:
    """Return the body of a refused call, with `message` in place of the error's own if given. Profiles never change it."""
    values = {
        "RequestId": request_id,
        "HostId": version.endpoint,
        "Code": failure.code,
        "Message": failure.message(lang) if message is None else message,
    }
    url = f"https://api.aliyun.com/troubleshoot?q={quote(failure.code)}&product={version.product}&requestId={request_id}"
    if body_format is Format.XML:
        elements = "".join([_element(name, escape(value)) for name, value in values.items()])
        return f"{_DECLARATION}<Error>{elements}<Recommend><![CDATA[{url}]]></Recommend></Error>".encode()
    values["Recommend"] = url
    if failure.definition.origin is Origin.GATEWAY:
        return _json({name: values[name] for name in _GATEWAY_ERROR_ORDER})
    return _json(values)


def response(
    status: int, body: bytes, request_id: str, decided_by: str, body_format: Format, fault: Fault | None = None
) -> HttpResponse:
    """Return the response with the gateway's headers, and with what the `fault` that hit the call adds."""
    headers: tuple[tuple[str, str], ...] = (
        _XML_TYPE if body_format is Format.XML else _JSON_TYPE,
        ("Content-Length", str(len(body))),
        *_CROSS_ORIGIN,
        ("x-acs-request-id", request_id),
        ("x-acs-trace-id", hashlib.md5(request_id.encode(), usedforsecurity=False).hexdigest()),
        ("ETag", entity_tag(body)),
        ("X-Alimock-Decided-By", _header_value(decided_by)),
    )
    if fault is None:
        return HttpResponse(status, headers, body)
    if fault.retry_after is not None:
        # In milliseconds (implied by the Tea SDKs).
        headers = (*headers, ("x-acs-retry-after", str(round(fault.retry_after * 1000))))
    return HttpResponse(status, headers, body, fault.response_fault)


def entity_tag(body: bytes) -> str:
    """Return the ETag: base64 of the MD5 between the first and last digit of the length (derived from two captured bodies)."""
    digest = b2a_base64(hashlib.md5(body, usedforsecurity=False).digest(), newline=False).decode().rstrip("=")
    length = str(len(body))
    return f"{length[0]}{digest}{length[-1]}"


def escape(text: str) -> str:
    """Return a text as the content of an XML element, with U+FFFD for each character that XML cannot hold."""
    # Most texts need no escaping.
    return _NOT_IN_XML.sub("\ufffd", text).translate(_ESCAPES) if _NOT_PLAIN.search(text) else text


def _header_value(text: str) -> str:
    """Return a text as a header value: printable ASCII, at most 1,000 characters."""
    if not text.isascii():
        text = text.encode("ascii", "backslashreplace").decode()
    if not text.isprintable():
        text = "".join(character if character.isprintable() else " " for character in text)
    return text[:1000]


def _element(tag: str, content: str) -> str:
    # The service writes an empty text as an empty element: <Code/>.
    return f"<{tag}>{content}</{tag}>" if content else f"<{tag}/>"


def _xml_elements(values: Result | Row, fields: Iterable[_XmlField]) -> str:
    parts = []
    for name, start, end, empty, to_text in fields:
        value: Any = values.get(name)
        if value is None:
            continue
        if to_text is not None:
            value = to_text(value)
        elif not isinstance(value, str):
            value = _plain(value)
        elif _NOT_PLAIN.search(value):
            value = escape(value)
        parts.append(f"{start}{value}{end}" if value else empty)
    return "".join(parts)


@cache
def _xml_fields(layout: Layout) -> tuple[_XmlField, ...]:
    """Return the fields of a layout's body."""
    return tuple([_xml_list(layout, name) if name in LIST_ITEM_TAGS else _xml_value(layout, name) for name in layout.fields])


def _xml_value(layout: Layout, name: str) -> _XmlField:
    tag = layout.wire_name(name)
    to_text = TIME_FORMATS[layout.dates] if name in TIME_FIELDS else None
    return _XmlField(snake_case(name), f"<{tag}>", f"</{tag}>", f"<{tag}/>", to_text)


def _xml_list(layout: Layout, name: str) -> _XmlField:
    """Return the field of a list: its rows inside one element, or each in an element with the name of the list."""
    tag = layout.wire_name(name)
    item_tag = LIST_ITEM_TAGS[name] if layout.wrapped_lists else tag
    fields = [_xml_value(layout, item) for item in layout.item_fields]

    def to_text(rows: tuple[Row, ...]) -> str:
        return "".join([_element(item_tag, _xml_elements(row, fields)) for row in _with_constants(rows, layout, name)])

    around = (f"<{tag}>", f"</{tag}>", f"<{tag}/>") if layout.wrapped_lists else ("", "", "")
    return _XmlField(snake_case(name), *around, to_text)


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _json_object(values: Result | Row, fields: Iterable[_JsonField]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, key, convert in fields:
        value = values.get(name)
        if value is not None:
            found[key] = value if convert is None else convert(value)
    return found


@cache
def _json_fields(layout: Layout) -> tuple[_JsonField, ...]:
    """Return the fields of a layout's body."""
    return tuple([_json_list(layout, name) if name in LIST_ITEM_TAGS else _json_value(layout, name) for name in layout.fields])


def _json_value(layout: Layout, name: str) -> _JsonField:
    return _JsonField(snake_case(name), layout.wire_name(name), TIME_FORMATS[layout.dates] if name in TIME_FIELDS else None)


def _json_list(layout: Layout, name: str) -> _JsonField:
    fields = [_json_value(layout, item) for item in layout.item_fields]

    def convert(rows: tuple[Row, ...]) -> object:
        return [_json_object(row, fields) for row in _with_constants(rows, layout, name)]

    return _JsonField(snake_case(name), layout.wire_name(name), convert)


def _with_constants(rows: tuple[Row, ...], layout: Layout, name: str) -> Iterable[Row]:
    """Add the fields that every row of a list has."""
    constants = {snake_case(field): text for field, text in layout.constants.get(name, {}).items()}
    return [{**row, **constants} for row in rows] if constants else rows


def _json(values: object) -> bytes:
    return _JSON.encode(values).encode()


def _xml_tree(tag: str, values: Mapping[str, object]) -> bytes:
    """Return a document with any nesting."""
    # Imported late, because it takes 10 ms and 4 MB to load and only canned responses in XML need it.
    from lxml import etree

    root = etree.Element(tag)
    _add_children(root, values)
    return _DECLARATION.encode() + etree.tostring(root, encoding="UTF-8", xml_declaration=False)


def _add_children(parent: etree._Element, values: Mapping[str, object]) -> None:
    """Add a child element for each value: repeated ones for a list, none for null, and one with children for a mapping."""
    for name, value in values.items():
        for one in value if isinstance(value, list) else [value]:
            if one is not None:
                child = parent.makeelement(name)
                parent.append(child)
                if isinstance(one, dict):
                    _add_children(child, one)
                else:
                    child.text = _NOT_IN_XML.sub("\ufffd", _plain(one)) or None
