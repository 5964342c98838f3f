"""Frozen values as JSON and back, by the annotations of their classes. Nothing but JSON is read: an engine may not be trusted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, NamedTuple, Union, get_args, get_origin, get_type_hints

from alimock.scenario.address_rules import AddressBook, AddressRule

Convert = Callable[[Any], Any]
_PLAIN = (str, int, float, bool, object, Any)


class Codec(NamedTuple):
    """How the values of one type are written and read."""

    to_json: Convert
    from_json: Convert


@cache
def codec(kind: Any) -> Codec:
    """Return the codec of a type: a plain one, an enumeration, a named tuple, a dataclass, or a collection of such.

    A named tuple is written as a list, a dataclass as an object without the fields that have their defaults.
    """
    if kind in _PLAIN:
        return Codec(_same, _same)
    if kind is AddressBook:
        rules = codec(tuple[AddressRule, ...])
        return Codec(lambda book: rules.to_json(rules_of(book)), lambda value: AddressBook.of(rules.from_json(value)))
    if kind is Path:
        return Codec(str, Path)
    origin = get_origin(kind)
    if origin in (Union, UnionType):
        return _optional(kind)
    if origin is not None:
        return _collection(origin, get_args(kind))
    if issubclass(kind, Enum):
        return Codec(lambda member: member.value, kind)
    return _dataclass(kind) if is_dataclass(kind) else _named_tuple(kind)


def rules_of(book: AddressBook) -> tuple[AddressRule, ...]:
    """Return the rules from which a book can be built again."""
    return (*book.exact.values(), *book.patterns.values())


def _same(value: Any) -> Any:
    return value


def _optional(kind: Any) -> Codec:
    (one,) = (codec(part) for part in get_args(kind) if part is not NoneType)
    if one.to_json is _same:
        return one
    return Codec(
        lambda value: None if value is None else one.to_json(value), lambda value: None if value is None else one.from_json(value)
    )


def _collection(origin: Any, parts: tuple[Any, ...]) -> Codec:
    if issubclass(origin, Mapping):
        key, one = map(codec, parts)
        if parts[0] is str:
            return Codec(
                lambda value: {name: one.to_json(each) for name, each in value.items()},
                lambda value: {name: one.from_json(each) for name, each in value.items()},
            )
        return Codec(
            lambda value: [[key.to_json(name), one.to_json(each)] for name, each in value.items()],
            lambda value: {key.from_json(name): one.from_json(each) for name, each in value},
        )
    one, in_order = codec(parts[0]), sorted if origin is frozenset else list
    return Codec(lambda value: in_order(map(one.to_json, value)), lambda value: origin(map(one.from_json, value)))


def _named_tuple(kind: Any) -> Codec:
    codecs = [codec(part) for part in get_type_hints(kind).values()]
    if all(one.to_json is _same for one in codecs):
        return Codec(list, kind._make)
    to_json, from_json = [one.to_json for one in codecs], [one.from_json for one in codecs]
    return Codec(
        lambda value: [convert(each) for convert, each in zip(to_json, value, strict=True)],
        lambda value: kind(*[convert(each) for convert, each in zip(from_json, value, strict=True)]),
    )


def _dataclass(kind: Any) -> Codec:
    hints = get_type_hints(kind)
    codecs = {field.name: codec(hints[field.name]) for field in fields(kind)}
    # A default that is made for each value is empty.
    defaults = {field.name: field.default_factory() if callable(field.default_factory) else field.default for field in fields(kind)}
    required = {name for name, default in defaults.items() if default is MISSING}

    def to_json(value: Any) -> Any:
        written = {}
        for name, one in codecs.items():
            each = getattr(value, name)
            if name in required or each != defaults[name]:
                written[name] = one.to_json(each)
        return written

    def from_json(value: Any) -> Any:
        return kind(**{name: codecs[name].from_json(each) for name, each in value.items()})

    return Codec(to_json, from_json)
