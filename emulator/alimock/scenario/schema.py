"""What a scenario file may say, as one table of keys, and the reading of nodes by it.

A reading goes on after a mistake, so that all mistakes of a file are found together.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from alimock import address
from alimock.contract import PROFILES
from alimock.scenario.document import MappingNode, Mistake, Node, ScalarNode, SequenceNode
from alimock.scenario.model import Authentication, Outcome, Status, Timestamps, UnknownKeys
from alimock.timeformat import parse_time

_NULLS = ("null", "~", "")


@dataclass
class Reading:
    """One file being read, and the mistakes found so far."""

    file: str
    mistakes: list[Mistake] = field(default_factory=list)

    def mistake(self, node: Node, path: str, found: str, expected: str) -> None:
        """Notes a mistake at the place where a node begins."""
        self.mistakes.append(Mistake(self.file, node.line, node.column, path, found, expected))

    def place(self, node: Node) -> str:
        """Gives the file and line where a node begins, as answers and logs show it."""
        return f"{self.file}:{node.line}"

    def accepts(self, node: Node, path: str) -> bool:
        """Refuses what no part of a scenario may have: aliases, tags, and text that cannot be written as UTF-8."""
        if type(node) is Node:
            self.mistake(node, path, "an alias", "the value itself (`extends` is the way to share)")
        elif node.tag is not None:
            self.mistake(node, path, f"the tag {node.tag}", "a value without a tag")
        elif isinstance(node, ScalarNode) and not _is_unicode(node.text):
            self.mistake(node, path, f"{ascii(node.text)[:60]}", "text without lone surrogates")
        else:
            return True
        return False


class Schema:
    """One kind of value; `expected` says in words what it takes."""

    expected: str

    def read(self, node: Node, path: str, reading: Reading) -> Any:
        """Gives the value that a node stands for, or notes a mistake and gives None."""
        raise NotImplementedError


@dataclass(frozen=True)
class Scalar(Schema):
    """A single value; `parse` takes its text and raises `ValueError`."""

    expected: str
    parse: Callable[[str], object]
    nullable: bool = False

    def read(self, node: Node, path: str, reading: Reading) -> Any:
        if not reading.accepts(node, path):
            return None
        if isinstance(node, ScalarNode):
            if self.nullable and node.plain and node.text in _NULLS:
                return None
            try:
                return self.parse(node.text)
            except ValueError:
                pass
        reading.mistake(node, path, describe(node), self.expected)
        return None


@dataclass(frozen=True)
class Keys(Schema):
    """A mapping with the keys of a table."""

    table: Mapping[str, Schema]
    required: tuple[str, ...] = ()
    expected: str = "a mapping"

    def read(self, node: Node, path: str, reading: Reading) -> Any:
        values: dict[str, Any] = {}
        for key, key_node, value_node in _pairs(self, node, path, reading):
            schema = self.table.get(key)
            if schema is None:
                reading.mistake(key_node, path, f"the unknown key `{key}`", _nearest(key, self.table))
            else:
                values[key] = schema.read(value_node, _join(path, key), reading)
        for key in self.required:
            if key not in values:
                reading.mistake(node, path, f"no `{key}`", f"`{key}:` with {self.table[key].expected}")
        return values


@dataclass(frozen=True)
class Entry:
    """One entry of a list, or of a mapping whose keys are the user's own; `place` is its file and line."""

    key: str
    value: Any
    place: str
    node: Node


@dataclass(frozen=True)
class Entries(Schema):
    """A mapping whose keys are the user's own; `folded` compares them without regard to letter case."""

    key: Scalar
    value: Schema
    folded: bool = False
    expected: str = "a mapping"

    def read(self, node: Node, path: str, reading: Reading) -> Any:
        entries: list[Entry] = []
        for key, key_node, value_node in _pairs(self, node, path, reading, folded=self.folded):
            here = _join(path, key)
            try:
                self.key.parse(key)
            except ValueError:
                reading.mistake(key_node, path, f"`{key}`", self.key.expected)
            value = self.value.read(value_node, here, reading)
            entries.append(Entry(key, value, reading.place(key_node), key_node))
        return entries


@dataclass(frozen=True)
class Items(Schema):
    """A list."""

    item: Schema
    expected: str = "a list"

    def read(self, node: Node, path: str, reading: Reading) -> Any:
        if not reading.accepts(node, path):
            return []
        if not isinstance(node, SequenceNode):
            reading.mistake(node, path, describe(node), self.expected)
            return []
        entries = []
        for number, item in enumerate(node.items):
            value = self.item.read(item, f"{path}[{number}]", reading)
            entries.append(Entry(str(number), value, reading.place(item), item))
        return entries


@dataclass(frozen=True)
class Either(Schema):
    """A single value or a mapping."""

    scalar: Scalar
    mapping: Keys

    @property
    def expected(self) -> str:  # type: ignore[override]
        return f"{self.scalar.expected}, or a mapping"

    def read(self, node: Node, path: str, reading: Reading) -> Any:
        if isinstance(node, MappingNode):
            return self.mapping.read(node, path, reading)
        return Scalar(self.expected, self.scalar.parse).read(node, path, reading)


def describe(node: Node) -> str:
    """Says in words what a node is, with the beginning of its text."""
    if isinstance(node, MappingNode):
        return "a mapping"
    if isinstance(node, SequenceNode):
        return "a list"
    text = node.text if isinstance(node, ScalarNode) else ""
    return f"`{text[:60]}{'...' if len(text) > 60 else ''}`" if text else "nothing"


def _pairs(schema: Schema, node: Node, path: str, reading: Reading, *, folded: bool = False) -> Iterable[tuple[str, Node, Node]]:
    """Goes through a mapping's pairs, noting keys that are no text or stand there twice."""
    if not reading.accepts(node, path):
        return
    if not isinstance(node, MappingNode):
        reading.mistake(node, path, describe(node), schema.expected)
        return
    lines: dict[str, int] = {}
    for key_node, value_node in zip(node.items[::2], node.items[1::2], strict=True):
        if not isinstance(key_node, ScalarNode) or not reading.accepts(key_node, path):
            reading.mistake(key_node, path, f"{describe(key_node)} as a key", "a plain text")
            continue
        key = key_node.text
        same = key.casefold() if folded else key
        if same in lines:
            reading.mistake(key_node, path, f"`{key}` again", f"each key once (line {lines[same]} has it)")
            continue
        lines[same] = key_node.line
        yield key, key_node, value_node


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _nearest(key: str, table: Mapping[str, Schema]) -> str:
    near = difflib.get_close_matches(key, table, n=1)
    return f"`{near[0]}`" if near else f"one of {', '.join(table)}"


def _one_of(values: Iterable[str], parse: Callable[[str], object]) -> Scalar:
    return Scalar("one of " + ", ".join(values), parse)


def _choice(choices: type[Enum]) -> Scalar:
    return _one_of((choice.value for choice in choices), choices)


def _non_empty(text: str) -> str:
    if not text.strip():
        raise ValueError(text)
    return text


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ValueError(text)
    return int(text)


def _format_version(text: str) -> str:
    if text != "1":
        raise ValueError(text)
    return text


def _profile(text: str) -> str:
    if text not in PROFILES:
        raise ValueError(text)
    return text


def _key_status(text: str) -> str:
    if text not in ("active", "inactive"):
        raise ValueError(text)
    return text


def _address(text: str) -> str:
    if "*" not in text and not address.is_valid(text):
        raise ValueError(text)
    return text


TEXT = Scalar("a text", _non_empty)
COUNT = Scalar("a whole number from 0", _count)
LIMIT = Scalar("a whole number from 0, or null for no limit", _count, nullable=True)
TIME = Scalar("a time like 2019-02-19 16:38:07 (UTC+8)", parse_time)

RECORD = Keys(
    {
        "outcome": _choice(Outcome),
        "status": _choice(Status),
        "email_verification_no": TEXT,
        "user_id": TEXT,
        "send_ip": TEXT,
        "confirm_ip": TEXT,
        "gmt_create": TIME,
        "gmt_modified": TIME,
        "token_send_time": TIME,
        "verification_time": TIME,
        "token": TEXT,
        "sends_today": COUNT,
    }
)

ACCESS_KEY = Keys(
    {
        "id": TEXT,
        "secret": TEXT,
        "status": _one_of(("active", "inactive"), _key_status),
        "security_token": TEXT,
        "expires": TIME,
    },
    required=("id",),
)

SCENARIO = Keys(
    {
        "alimock": Scalar("1 (the version of this format)", _format_version),
        "extends": TEXT,
        "description": TEXT,
        "profile": _one_of(PROFILES, _profile),
        "authentication": _choice(Authentication),
        "timestamps": _choice(Timestamps),
        "unknown_keys": _choice(UnknownKeys),
        "clock": Scalar("a time like 2019-02-19 16:38:07 (UTC+8), or null for real time", parse_time, nullable=True),
        "limits": Keys({"sends_per_address_per_day": LIMIT, "addresses_per_day": LIMIT, "link_valid_days": LIMIT}),
        "accounts": Entries(TEXT, Keys({"user_id": TEXT, "access_keys": Items(ACCESS_KEY)})),
        "addresses": Entries(Scalar("an address, or a pattern with *", _address), Either(_choice(Outcome), RECORD), folded=True),
    },
    required=("alimock",),
    expected="a mapping that begins with `alimock: 1`",
)
