"""Differences between two answers to the same call."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

from alimock.compare.answer import Answer, Value, name_of
from alimock.spec.times import format_time

# The reference answers after the service did. A record can be made some seconds before the server's time in its response.
TOLERANCE_SECONDS = 3
ABSENT = "(absent)"


class Kind(Enum):
    """The part of an answer in which two of them differ."""

    STATUS = "status"
    CODE = "code"
    MESSAGE = "message"
    HEADER = "header"
    FORMAT = "format"
    DECLARATION = "declaration"
    ROOT = "root"
    NAME = "name"
    FIELD = "field"
    TYPE = "type"
    VALUE = "value"
    DATE_STYLE = "date style"
    TIME = "time"
    ORDER = "order"


# The fields of a body by their paths in lower case, with the paths as they are spelled.
_Fields = dict[str, tuple[str, Value]]
# The fields of an error, and of a row in FailList, that have a kind of their own.
_KINDS = {"code": Kind.CODE, "message": Kind.MESSAGE}


class Difference(NamedTuple):
    """One difference: where it is (a header, or the path of a field), what the service sent, and what alimock sent."""

    kind: Kind
    where: str
    service: str
    alimock: str


def differences(service: Answer, alimock: Answer) -> tuple[Difference, ...]:
    """Return all differences between the answers of the service and of alimock."""
    return (*_heads(service, alimock), *_bodies(service, alimock))


def have_common_fields(service: Answer, alimock: Answer) -> bool:
    """Return whether the fields of two answers are compared: a success and an error have none in common, nor have two formats."""
    return bool(service.code) is bool(alimock.code) and service.format is alimock.format


def _heads(service: Answer, alimock: Answer) -> Iterator[Difference]:
    if service.status != alimock.status:
        yield Difference(Kind.STATUS, "", str(service.status), str(alimock.status))
    for name in dict.fromkeys((*service.headers, *alimock.headers)):
        left, right = service.headers.get(name, ABSENT), alimock.headers.get(name, ABSENT)
        if left != right:
            yield Difference(Kind.HEADER, name, left, right)


def _bodies(service: Answer, alimock: Answer) -> Iterator[Difference]:
    if service.format is not alimock.format:
        yield Difference(Kind.FORMAT, "", service.format.value, alimock.format.value)
    if service.code != alimock.code:
        yield Difference(Kind.CODE, "Code", service.code or "(success)", alimock.code or "(success)")
    if not have_common_fields(service, alimock):
        return
    if service.declaration != alimock.declaration:
        yield Difference(Kind.DECLARATION, "", service.declaration or ABSENT, alimock.declaration or ABSENT)
    if service.root != alimock.root:
        yield Difference(Kind.ROOT, "", service.root, alimock.root)
    # Names that differ in letter case only are one difference, and their values are compared.
    left, right = _by_folded_path(service), _by_folded_path(alimock)
    yield from _names(left, right)
    yield from _fields(left, right)
    if service.code == alimock.code:
        yield from _orders(left, right)


def _by_folded_path(answer: Answer) -> _Fields:
    return {path.lower(): (path, value) for path, value in answer.fields.items()}


def _names(left: _Fields, right: _Fields) -> Iterator[Difference]:
    pairs = {name_of(left[path][0]): name_of(right[path][0]) for path in left if path in right}
    for service, alimock in pairs.items():
        if service != alimock:
            yield Difference(Kind.NAME, alimock, service, alimock)


def _fields(left: _Fields, right: _Fields) -> Iterator[Difference]:
    for folded in dict.fromkeys((*left, *right)):
        path = (right.get(folded) or left[folded])[0]
        service, alimock = (fields[folded][1] if folded in fields else None for fields in (left, right))
        if service is None or alimock is None:
            texts = (ABSENT if value is None else value.text for value in (service, alimock))
            yield Difference(Kind.FIELD, path, *texts)
        elif service.type != alimock.type:
            yield Difference(Kind.TYPE, path, f"{service.type} {service.text}", f"{alimock.type} {alimock.text}")
        elif folded != "code":
            yield from _values(path, service, alimock)


def _values(path: str, left: Value, right: Value) -> Iterator[Difference]:
    if left.time is not None and right.time is not None and abs(left.time - right.time) > TOLERANCE_SECONDS:
        yield Difference(Kind.TIME, path, f"{format_time(left.time)} (UTC+8)", f"{format_time(right.time)} (UTC+8)")
    if left.text == right.text:
        return
    kind = _KINDS.get(name_of(path).lower(), Kind.VALUE)
    if left.time is not None and right.time is not None:
        kind = Kind.DATE_STYLE
    yield Difference(kind, path, left.text, right.text)


def _orders(left: _Fields, right: _Fields) -> Iterator[Difference]:
    """Compare the order of the names that both have, in each object of the body."""
    common = left.keys() & right.keys()
    service, alimock = _names_by_parent(left, common), _names_by_parent(right, common)
    for parent, names in service.items():
        if list(map(str.lower, names)) != list(map(str.lower, alimock[parent])):
            yield Difference(Kind.ORDER, parent, ", ".join(names), ", ".join(alimock[parent]))


def _names_by_parent(fields: _Fields, common: set[str]) -> dict[str, list[str]]:
    names: dict[str, list[str]] = {}
    for folded, (path, _) in fields.items():
        if folded in common:
            names.setdefault(folded.rpartition(".")[0], []).append(path.rpartition(".")[2])
    return names
