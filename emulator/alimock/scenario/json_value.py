"""Any value that JSON has, for the response fields of stubs, with templates in its texts."""

from __future__ import annotations

import json
import re
from typing import Any

from alimock.scenario import template
from alimock.scenario.diagnostics import Diagnostics, quoted
from alimock.scenario.fields import NULLS, Field, JsonSchema, join, pairs
from alimock.scenario.nodes import MappingNode, Node, ScalarNode, SequenceNode

_XML_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_JSON_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,18})(?:\.[0-9]{1,20})?(?:[eE][+-]?[0-9]{1,2})?")


class AnyValue(Field):
    """Any JSON value that XML can express too: keys are names of XML elements, and no list is directly inside a list."""

    expected = "a value"

    def read(self, node: Node, path: str, diagnostics: Diagnostics) -> Any:
        if not diagnostics.accepts(node, path):
            return None
        if isinstance(node, MappingNode):
            return self._read_mapping(node, path, diagnostics)
        if isinstance(node, SequenceNode):
            return self._read_list(node, path, diagnostics)
        assert isinstance(node, ScalarNode)
        for found, expected in template.errors(node.text):
            diagnostics.add(node, path, found, expected)
        return json_value(node.text) if node.plain else node.text

    def _read_mapping(self, node: MappingNode, path: str, diagnostics: Diagnostics) -> dict[str, Any]:
        values = {}
        for key, key_node, value_node in pairs(self, node, path, diagnostics):
            if not _XML_NAME.fullmatch(key):
                expected = "a name of letters, digits, ., - and _, as XML requires"
                diagnostics.add(key_node, path, f"the key {quoted(key)}", expected)
            values[key] = self.read(value_node, join(path, key), diagnostics)
        return values

    def _read_list(self, node: SequenceNode, path: str, diagnostics: Diagnostics) -> list[Any]:
        values = []
        for number, item in enumerate(node.items):
            if isinstance(item, SequenceNode):
                expected = "a value or a mapping (XML has no nested lists)"
                diagnostics.add(item, f"{path}[{number}]", "a list in a list", expected)
            values.append(self.read(item, f"{path}[{number}]", diagnostics))
        return values

    def json_schema(self) -> JsonSchema:
        return {"type": "object"}


def json_value(text: str) -> object:
    """Return the JSON value of an unquoted text; the text itself if JSON has no such value, as for `0123`."""
    if text in NULLS:
        return None
    if text.lower() not in ("true", "false") and not _JSON_NUMBER.fullmatch(text):
        return text
    return json.loads(text.lower())
