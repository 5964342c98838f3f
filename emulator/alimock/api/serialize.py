"""Bodies and headers of the gateway's replies, written by the tables of `contract`.

Every body is compact, UTF-8, and has no newline at its end.
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

from alimock.api.http import Reply
from alimock.spec.contract import LIST_ITEM_TAGS, TIME_FIELDS, Format, Result, Row, Version, snake_case
from alimock.spec.errors import ApiError, Origin
from alimock.spec.profiles import Layout
from alimock.spec.times import format_time

_DECLARATION = b"<?xml version='1.0' encoding='UTF-8'?>"
# The Tea SDKs read an XML error only under exactly this type, and Java refuses a capitalised one.
_CONTENT_TYPES = {Format.XML: "text/xml;charset=utf-8", Format.JSON: "application/json;charset=utf-8"}
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_XML_ERROR_ORDER = ("RequestId", "HostId", "Code", "Message", "Recommend")
# The order of a Java HashMap for the gateway's errors, of the declaration for the backend's (both captured on Alidns).
_JSON_ERROR_ORDERS = {
    Origin.GATEWAY: ("RequestId", "Message", "Recommend", "HostId", "Code"),
    Origin.BACKEND: _XML_ERROR_ORDER,
}
_key = lru_cache(maxsize=None)(snake_case)


def success(action: str, result: Result, layout: Layout, body_format: Format) -> bytes:
    """Writes the body of a call that succeeded; values that are None are left out."""
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
    """Writes a canned answer: in XML a list is repeated elements, as in the answers of Domain's other operations.

    The id of the request comes first unless the fields name one.
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
    """Writes the body of a call that was refused, with another message if one is given; profiles never change it."""
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


def reply(status: int, body: bytes, request_id: str, decided_by: str, body_format: Format) -> Reply:
    """Puts the gateway's headers on a body."""
    return Reply(
        status,
        (
            ("Content-Type", _CONTENT_TYPES[body_format]),
            ("Content-Length", str(len(body))),
            ("Access-Control-Allow-Origin", "*"),
            ("Access-Control-Expose-Headers", "*"),
            ("x-acs-request-id", request_id),
            ("x-acs-trace-id", hashlib.md5(request_id.encode(), usedforsecurity=False).hexdigest()),
            ("ETag", entity_tag(body)),
            ("X-Alimock-Decided-By", _header_value(decided_by)),
        ),
        body,
    )


def retry_after(seconds: float) -> tuple[str, str]:
    """Gives the header that tells clients when to try again, in milliseconds (implied by the Tea SDKs)."""
    return "x-acs-retry-after", str(round(seconds * 1000))


def entity_tag(body: bytes) -> str:
    """Gives the ETag: the MD5 in base64 between the first and the last digit of the length (derived from two captured bodies)."""
    digest = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode().rstrip("=")
    length = str(len(body))
    return f"{length[0]}{digest}{length[-1]}"


def _fields(values: Result | Row, names: tuple[str, ...], layout: Layout) -> Iterator[tuple[str, object]]:
    """Goes through the values that are there in the layout's order, times as text, each list as a list of rows."""
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
    # Raw UTF-8: Java's reader does not decode \uXXXX.
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode()


def _xml(root: etree._Element) -> bytes:
    return etree.tostring(root, encoding="UTF-8", xml_declaration=False)


def _add_list(parent: etree._Element, name: str, rows: list[dict[str, object]], layout: Layout) -> None:
    """Adds a list as one element with an element for each row, or as repeated elements, of which no row leaves none."""
    if layout.wrapped_lists:
        parent = etree.SubElement(parent, _name(name, layout))
    tag = LIST_ITEM_TAGS[name] if layout.wrapped_lists else _name(name, layout)
    for row in rows:
        element = etree.SubElement(parent, tag)
        for key, value in row.items():
            _add_text(element, key, value)


def _add_value(parent: etree._Element, value: object) -> None:
    """Writes any value into an element: a mapping as its elements, each list of it as repeated ones, null as nothing."""
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
        # None makes an empty element, as the service writes an empty text: <Code/>.
        element.text = text or None
    except ValueError:
        element.text = _NOT_IN_XML.sub("\ufffd", text)


def _header_value(text: str) -> str:
    """Makes a text fit for a header: printable ASCII, 1,000 characters at most."""
    ascii_text = text.encode("ascii", "backslashreplace").decode()
    return "".join(character if character.isprintable() else " " for character in ascii_text)[:1000]
