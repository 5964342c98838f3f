"""Bodies of responses built as trees with lxml and json: the reference for those that `api.serialize` writes as text."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from alimock.spec.contract import LIST_ITEM_TAGS, TIME_FIELDS, Format, Result, Row, snake_case
from alimock.spec.profiles import Layout
from alimock.spec.times import DateStyle, format_month_name, format_time
from lxml import etree

DECLARATION = b"<?xml version='1.0' encoding='UTF-8'?>"
NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def success(action: str, result: Result, layout: Layout, body_format: Format) -> bytes:
    """Return the body of a successful call."""
    wrapped = layout.wrapped_lists and body_format is Format.XML
    values = _fields(result, layout.fields, layout, wrapped=wrapped)
    if body_format is Format.JSON:
        return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode()
    body = etree.tostring(_tree(f"{action}Response", values), encoding="UTF-8", xml_declaration=False)
    return (DECLARATION if layout.declaration else b"") + body


def error(values: Mapping[str, str]) -> bytes:
    """Return the XML of an error, whose last value is a CDATA section."""
    root = _tree("Error", values)
    root[-1].text = etree.CDATA(list(values.values())[-1])
    return DECLARATION + etree.tostring(root, encoding="UTF-8", xml_declaration=False)


def _fields(values: Result | Row, names: tuple[str, ...], layout: Layout, *, wrapped: bool = False) -> dict[str, object]:
    fields: dict[str, object] = {}
    for name in names:
        value = values.get(snake_case(name))
        if value is None:
            continue
        if isinstance(value, tuple):
            constants = {snake_case(field): text for field, text in layout.constants.get(name, {}).items()}
            rows = [_fields({**row, **constants}, layout.item_fields, layout) for row in value]
            fields[layout.wire_name(name)] = {LIST_ITEM_TAGS[name]: rows} if wrapped else rows
        elif name in TIME_FIELDS:
            style = format_month_name if layout.dates is DateStyle.MONTH_NAME else format_time
            fields[layout.wire_name(name)] = style(int(value))
        else:
            fields[layout.wire_name(name)] = value
    return fields


def _tree(tag: str, values: Mapping[str, object]) -> etree._Element:
    root = etree.Element(tag)
    for name, value in values.items():
        for one in value if isinstance(value, list) else [value]:
            root.append(_tree(name, one) if isinstance(one, dict) else _leaf(name, one))
    return root


def _leaf(tag: str, value: object) -> etree._Element:
    element = etree.Element(tag)
    text = str(value).lower() if isinstance(value, bool) else str(value)
    element.text = NOT_IN_XML.sub("\ufffd", text) or None
    return element
