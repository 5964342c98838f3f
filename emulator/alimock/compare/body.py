"""Bodies in JSON or XML as one list of fields in the order of the body, so that both formats are compared in the same way."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from lxml import etree

from alimock.spec.contract import LIST_ITEM_TAGS, Format

_ITEM_TAGS = frozenset(LIST_ITEM_TAGS.values())
MAXIMUM_FIELDS = 2_000
# Of a path, which grows with each level of nesting.
MAXIMUM_PATH = 500
_BYTE_ORDER_MARK, _GZIP = "\ufeff", b"\x1f\x8b"
_DECLARATION = re.compile(r"<\?xml .*?\?>")


class Field(NamedTuple):
    """One value of a body with its path, such as `Data[0].Email`, or `Data.EmailVerification[0].Email` in XML.

    The type is `string`, `number`, `boolean` or `null`, in XML `text` or `attribute`. A list and an empty object have a field of
    their own, whose text says how many items it has. The second value of a name in JSON is `Data#2`. An XML attribute is
    `Data@name`, and text between elements is `Data#text`.
    """

    path: str
    type: str
    text: str


class Body(NamedTuple):
    """A body: its format, and for XML the declaration and the name of the root element."""

    format: Format
    declaration: str
    root: str
    fields: tuple[Field, ...]


def read(content: bytes) -> Body:
    """Read a body; raise `ValueError` with what it is if it is no JSON object or XML document of an API, or too large."""
    text = content.decode("utf-8", "replace").strip()
    if not text.startswith(_BYTE_ORDER_MARK):
        return _read(content, text)
    found = _read(content, text[1:])
    return found._replace(declaration=f"a byte order mark {found.declaration}".rstrip())


def _read(content: bytes, text: str) -> Body:
    if not text:
        raise ValueError("an empty body")
    if text.startswith("{"):
        return _json(text)
    if text[:200].lower().startswith(("<!doctype", "<html")):
        raise ValueError("an HTML page")
    if text.startswith("<"):
        return _xml(content.strip(), text)
    raise ValueError("a body in gzip" if content.startswith(_GZIP) else "a body that is neither JSON nor XML")


def _json(text: str) -> Body:
    try:
        values = json.loads(text, object_pairs_hook=_object)
    except (ValueError, RecursionError):
        raise ValueError("a body that is not valid JSON") from None
    return Body(Format.JSON, "", "", _bounded(_json_fields("", values)))


def _bounded(fields: Iterator[Field]) -> tuple[Field, ...]:
    found = tuple(islice(fields, MAXIMUM_FIELDS + 1))
    if len(found) > MAXIMUM_FIELDS:
        raise ValueError(f"a body of more than {MAXIMUM_FIELDS} values")
    return found


def _checked(path: str) -> str:
    if len(path) > MAXIMUM_PATH:
        raise ValueError(f"a body with a path of more than {MAXIMUM_PATH} characters")
    return path


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return an object that also has the values of a repeated name."""
    seen: Counter[str] = Counter()
    values: dict[str, object] = {}
    for name, value in pairs:
        seen[name] += 1
        values[name if seen[name] == 1 else f"{name}#{seen[name]}"] = value
    return values


def _json_fields(path: str, value: object) -> Iterator[Field]:
    if isinstance(value, dict):
        if not value:
            yield Field(path, "object", "empty")
        for name, child in value.items():
            # An empty name makes the path longer, too.
            yield from _json_fields(_checked(f"{path}.{name}" if path else name or "."), child)
    elif isinstance(value, list):
        yield Field(path, "list", _count(len(value)))
        for number, child in enumerate(value):
            yield from _json_fields(_checked(f"{path}[{number}]"), child)
    else:
        yield Field(path, _json_type(value), value if isinstance(value, str) else json.dumps(value))


def _json_type(value: object) -> str:
    if value is None:
        return "null"
    return "boolean" if isinstance(value, bool) else "string" if isinstance(value, str) else "number"


def _xml(content: bytes, text: str) -> Body:
    if "<!doctype" in text.lower():
        raise ValueError("an XML document with a document type")
    # Nothing outside of the document is read, and entities are not expanded.
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError:
        raise ValueError("a body that is not valid XML") from None
    if str(root.tag).lower().endswith("html"):
        raise ValueError("an HTML page")
    declaration = _DECLARATION.match(text)
    return Body(Format.XML, declaration[0] if declaration else "", str(root.tag), _bounded(_xml_fields("", root)))


def _xml_fields(path: str, parent: etree._Element) -> Iterator[Field]:
    for attribute, value in parent.attrib.items():
        yield Field(_checked(f"{path}@{attribute!s}"), "attribute", str(value))
    mixed = "".join((parent.text or "", *(child.tail or "" for child in parent))).strip()
    if len(parent) and mixed:
        yield Field(f"{path}#text", "text", mixed)
    children = [child for child in parent if isinstance(child.tag, str)]
    seen: Counter[str] = Counter()
    for child in children:
        name = str(child.tag)
        # An item has a number even if it is the only one, because the list could have more.
        number = f"[{seen[name]}]" if seen[name] or name in _ITEM_TAGS else ""
        seen[name] += 1
        own = _checked(f"{path}.{name}{number}" if path else f"{name}{number}")
        if name in LIST_ITEM_TAGS:
            yield Field(own, "list", _count(len(child)))
        yield from _xml_fields(own, child)
        if not len(child) and name not in LIST_ITEM_TAGS:
            yield Field(own, "text", child.text or "")


def _count(number: int) -> str:
    return "1 item" if number == 1 else f"{number} items"
