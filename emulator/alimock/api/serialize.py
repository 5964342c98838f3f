"""Serialization: bodies and headers of responses, laid out by the tables of `spec.contract`.

Every body is compact UTF-8 without a final newline.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from urllib.parse import quote

from lxml import etree

from alimock.api.http import HttpResponse
from alimock.scenario.model import Fault
from alimock.spec.contract import LIST_ITEM_TAGS, TIME_FIELDS, Format, Result, Row, Version, snake_case
from alimock.spec.errors import ApiError, Origin
from alimock.spec.profiles import Layout
from alimock.spec.times import format_time

_DECLARATION = b"<?xml version='1.0' encoding='UTF-8'?>"
# The Tea SDKs read an XML error under exactly this type only; Java rejects a capitalized one.
_CONTENT_TYPES = {Format.XML: "text/xml;charset=utf-8", Format.JSON: "application/json;charset=utf-8"}
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# In JSON the gateway's errors have the order of a Java HashMap, the backend's that of their declaration, as in XML (both captured
# on Alidns).
_GATEWAY_ERROR_ORDER = ("RequestId", "Message", "Recommend", "HostId", "Code")


def success(action: str, result: Result, layout: Layout, body_format: Format) -> bytes:
    """Return the body of a successful call. Values that are None are left out."""
    wrapped = layout.wrapped_lists and body_format is Format.XML
    values = _fields(result, layout.fields, layout, wrapped=wrapped)
    if body_format is Format.JSON:
        return _json(values)
    return _xml(_add_children(etree.Element(f"{action}Response"), values), declaration=layout.declaration)


def stub(action: str, fields: Mapping[str, object], request_id: str, body_format: Format) -> bytes:
    """Return the body of a canned response. In XML a list is repeated elements, as in Domain's other operations.

    The request id comes first unless the fields name one.
    """
    values = {"RequestId": request_id, **fields}
    if body_format is Format.JSON:
        return _json(values)
    return _xml(_add_children(etree.Element(f"{action}Response"), values))


def error(
    failure: ApiError, version: Version, request_id: str, lang: str, body_format: Format, message: str | None = None
) -> bytes:
    """Return the body of a refused call, with `message` in place of the error's own if given. Profiles never change it."""
    values = {
        "RequestId": request_id,
        "HostId": version.endpoint,
        "Code": failure.code,
        "Message": failure.message(lang) if message is None else message,
        "Recommend": f"https://api.aliyun.com/troubleshoot?q={quote(failure.code)}&product={version.product}&requestId={request_id}",
    }
    if body_format is Format.JSON and failure.definition.origin is Origin.GATEWAY:
        return _json({name: values[name] for name in _GATEWAY_ERROR_ORDER})
    if body_format is Format.JSON:
        return _json(values)
    root = _add_children(etree.Element("Error"), values)
    root[-1].text = etree.CDATA(values["Recommend"])
    return _xml(root)


def response(
    status: int, body: bytes, request_id: str, decided_by: str, body_format: Format, fault: Fault | None = None
) -> HttpResponse:
    """Return the response with the gateway's headers, and with what the `fault` that hit the call adds."""
    headers: tuple[tuple[str, str], ...] = (
        ("Content-Type", _CONTENT_TYPES[body_format]),
        ("Content-Length", str(len(body))),
        ("Access-Control-Allow-Origin", "*"),
        ("Access-Control-Expose-Headers", "*"),
        ("x-acs-request-id", request_id),
        ("x-acs-trace-id", hashlib.md5(request_id.encode(), usedforsecurity=False).hexdigest()),
        ("ETag", entity_tag(body)),
        ("X-Alimock-Decided-By", _header_value(decided_by)),
    )
    if fault is not None and fault.retry_after is not None:
        # In milliseconds (implied by the Tea SDKs).
        headers = (*headers, ("x-acs-retry-after", str(round(fault.retry_after * 1000))))
    return HttpResponse(status, headers, body, fault.response_fault if fault is not None else None)


def entity_tag(body: bytes) -> str:
    """Return the ETag: base64 of the MD5 between the first and last digit of the length (derived from two captured bodies)."""
    digest = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode().rstrip("=")
    length = str(len(body))
    return f"{length[0]}{digest}{length[-1]}"


def _fields(values: Result | Row, names: tuple[str, ...], layout: Layout, *, wrapped: bool = False) -> dict[str, object]:
    """Return the values that are not None in the layout's order: a time as text, a list as rows, which `wrapped` puts in a tag."""
    fields: dict[str, object] = {}
    for name in names:
        value = values.get(snake_case(name))
        if value is None:
            continue
        if isinstance(value, tuple):
            constants = {snake_case(field): text for field, text in layout.constants.get(name, {}).items()}
            rows = [_fields({**row, **constants}, layout.item_fields, layout) for row in value]
            fields[layout.wire_name(name)] = {LIST_ITEM_TAGS[name]: rows} if wrapped else rows
        else:
            fields[layout.wire_name(name)] = format_time(int(value), layout.dates) if name in TIME_FIELDS else value
    return fields


def _json(values: object) -> bytes:
    # Raw UTF-8, because the Java SDK's JSON reader does not decode \uXXXX.
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode()


def _xml(root: etree._Element, *, declaration: bool = True) -> bytes:
    return (_DECLARATION if declaration else b"") + etree.tostring(root, encoding="UTF-8", xml_declaration=False)


def _add_children(parent: etree._Element, values: Mapping[str, object]) -> etree._Element:
    """Add a child element for each value, and repeated ones for a list; return the parent."""
    for name, value in values.items():
        if isinstance(value, list):
            for one in value:
                _add(parent, name, one)
        else:
            _add(parent, name, value)
    return parent


def _add(parent: etree._Element, name: str, value: object) -> None:
    """Add a child element with any value: a mapping as its children, null as no element."""
    if value is None:
        return
    element = etree.SubElement(parent, name)
    if isinstance(value, dict):
        _add_children(element, value)
        return
    text = str(value).lower() if isinstance(value, bool) else str(value)
    try:
        # The service writes an empty text as an empty element: <Code/>.
        element.text = text or None
    except ValueError:
        element.text = _NOT_IN_XML.sub("\ufffd", text)


def _header_value(text: str) -> str:
    """Return a text as a header value: printable ASCII, at most 1,000 characters."""
    ascii_text = text.encode("ascii", "backslashreplace").decode()
    return "".join(character if character.isprintable() else " " for character in ascii_text)[:1000]
