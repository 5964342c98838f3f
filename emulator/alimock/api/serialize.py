"""Serialization: bodies and headers of responses, laid out by the tables of `spec.contract`.

Every body is compact UTF-8 without a final newline.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
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
_XML_ERROR_ORDER = ("RequestId", "HostId", "Code", "Message", "Recommend")
# The gateway's errors have the order of a Java HashMap, the backend's that of their declaration (both captured on Alidns).
_JSON_ERROR_ORDERS = {
    Origin.GATEWAY: ("RequestId", "Message", "Recommend", "HostId", "Code"),
    Origin.BACKEND: _XML_ERROR_ORDER,
}
_key = lru_cache(maxsize=None)(snake_case)


def success(action: str, result: Result, layout: Layout, body_format: Format) -> bytes:
    """Return the body of a successful call. Values that are None are left out."""
    if body_format is Format.JSON:
        return _json({_name(name, layout): value for name, value in _fields(result, layout.fields, layout)})
    root = etree.Element(f"{action}Response")
    for name, value in _fields(result, layout.fields, layout):
        if isinstance(value, list):
            _add_list(root, name, value, layout)
        else:
            _add_text(root, _name(name, layout), value)
    return (_DECLARATION if layout.declaration else b"") + _xml(root)


def stub(action: str, fields: Mapping[str, object], request_id: str, body_format: Format) -> bytes:
    """Return the body of a canned response. In XML a list is repeated elements, as in Domain's other operations.

    The request id comes first unless the fields name one.
    """
    values = {"RequestId": request_id, **fields}
    if body_format is Format.JSON:
        return _json(values)
    root = etree.Element(f"{action}Response")
    _add_value(root, values)
    return _DECLARATION + _xml(root)


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
    if body_format is Format.JSON:
        return _json({name: values[name] for name in _JSON_ERROR_ORDERS[failure.definition.origin]})
    root = etree.Element("Error")
    for name in _XML_ERROR_ORDER:
        _add_text(root, name, values[name])
    root[-1].text = etree.CDATA(values["Recommend"])
    return _DECLARATION + _xml(root)


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
    if fault is None:
        return HttpResponse(status, headers, body)
    if fault.retry_after is not None:
        # In milliseconds (implied by the Tea SDKs).
        headers = (*headers, ("x-acs-retry-after", str(round(fault.retry_after * 1000))))
    return HttpResponse(status, headers, body, fault.response_fault)


def entity_tag(body: bytes) -> str:
    """Return the ETag: base64 of the MD5 between the first and last digit of the length (derived from two captured bodies)."""
    digest = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode().rstrip("=")
    length = str(len(body))
    return f"{length[0]}{digest}{length[-1]}"


def _fields(values: Result | Row, names: tuple[str, ...], layout: Layout) -> Iterator[tuple[str, object]]:
    """Yield the values that are not None in the layout's order: a time as text, a list as a list of rows."""
    for name in names:
        value = values.get(_key(name))
        if value is None:
            continue
        if isinstance(value, tuple):
            constants = layout.constants.get(name, {})
            yield name, [_row(row, constants, layout) for row in value]
        elif name in TIME_FIELDS:
            yield name, format_time(int(value), layout.dates)
        else:
            yield name, value


def _row(row: Row, constants: Mapping[str, str], layout: Layout) -> dict[str, object]:
    full = {**row, **{_key(name): value for name, value in constants.items()}}
    return {_name(name, layout): value for name, value in _fields(full, layout.item_fields, layout)}


def _name(name: str, layout: Layout) -> str:
    return name[0].lower() + name[1:] if layout.camel else name


def _json(values: object) -> bytes:
    # Raw UTF-8, because the Java SDK's JSON reader does not decode \uXXXX.
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode()


def _xml(root: etree._Element) -> bytes:
    return etree.tostring(root, encoding="UTF-8", xml_declaration=False)


def _add_list(parent: etree._Element, name: str, rows: list[dict[str, object]], layout: Layout) -> None:
    """Add a list as one element with a child for each row, or as repeated elements."""
    if layout.wrapped_lists:
        parent = etree.SubElement(parent, _name(name, layout))
    tag = LIST_ITEM_TAGS[name] if layout.wrapped_lists else _name(name, layout)
    for row in rows:
        element = etree.SubElement(parent, tag)
        for key, value in row.items():
            _add_text(element, key, value)


def _add_value(parent: etree._Element, value: object) -> None:
    """Add any value to an element: a mapping as child elements, a list in it as repeated ones, null as nothing."""
    if not isinstance(value, Mapping):
        _write(parent, value)
        return
    for name, inner in value.items():
        for one in inner if isinstance(inner, list) else [inner]:
            if one is not None:
                _add_value(etree.SubElement(parent, name), one)


def _add_text(parent: etree._Element, tag: str, value: object) -> None:
    _write(etree.SubElement(parent, tag), value)


def _write(element: etree._Element, value: object) -> None:
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
