"""The single values of a scenario: the texts each accepts, and its JSON Schema."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from enum import Enum

from alimock.scenario.fields import JsonSchema, Scalar
from alimock.scenario.text import non_empty, one_of
from alimock.spec import address
from alimock.spec.times import parse_delay, parse_time

MAXIMUM_DELAY_SECONDS = 3_600
_MAXIMUM = 999_999_999
# As in YAML 1.2.
_FLAGS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_TIME_JSON: JsonSchema = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$"}


def word(values: Collection[str], expected: str = "") -> Scalar:
    """Return a field that accepts one of some words; `expected` describes those that are too many to list."""
    return Scalar(expected or f"one of {', '.join(values)}", one_of(values), json={"enum": list(values)})


def choice(choices: type[Enum]) -> Scalar:
    """Return a field that accepts the values of an enumeration."""
    values = [one.value for one in choices]
    return Scalar(f"one of {', '.join(values)}", choices, json={"enum": values})


def _number(expected: str, minimum: int, maximum: int, *, nullable: bool = False) -> Scalar:
    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) < 10 and minimum <= int(text) <= maximum):
            raise ValueError(text)
        return int(text)

    return Scalar(expected, parse, nullable=nullable, json={"type": "integer", "minimum": minimum, "maximum": maximum})


def _matching(pattern: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(text)
        return text

    return parse


def _flag(text: str) -> bool:
    return _FLAGS[one_of(_FLAGS)(text)]


def _delay(text: str) -> float:
    seconds = parse_delay(text)
    if not 0 < seconds <= MAXIMUM_DELAY_SECONDS:
        raise ValueError(text)
    return seconds


def _address(text: str) -> str:
    if not (address.is_pattern(text) if "*" in text else address.is_valid(text)):
        raise ValueError(text)
    return text


TEXT = Scalar("a text", non_empty)
FLAG = Scalar("true or false", _flag, json={"type": "boolean"})
COUNT = _number("a whole number up to 999999999", 0, _MAXIMUM)
POSITIVE = _number("a whole number from 1 to 999999999", 1, _MAXIMUM)
DAYS = _number("a whole number of days up to 36500, or null for no limit", 0, 36_500, nullable=True)
LIMIT = _number("a whole number up to 999999999, or null for no limit", 0, _MAXIMUM, nullable=True)
TIME = Scalar("a time like 2019-02-19 16:38:07 (UTC+8)", parse_time, json=_TIME_JSON)
DELAY = Scalar("a duration like 500ms or 2s, up to 1h", _delay, json={"type": "string", "pattern": r"^(\d+(ms|[hms]))+$"})
STATUS = _number("an HTTP status from 400 to 599", 400, 599)
ACTION = Scalar("an operation", _matching("[A-Z][A-Za-z0-9]{0,99}"), json={"type": "string", "pattern": "^[A-Z][A-Za-z0-9]*$"})
NAME = Scalar(
    "a name of letters, digits, - and _",
    _matching("[A-Za-z0-9_-]+"),
    json={"type": ["string", "integer"], "pattern": "^[A-Za-z0-9_-]+$"},
)
ADDRESS = Scalar("an address, or a pattern with *", _address, json={"type": "string"})
CLOCK_TIME = Scalar("a time like 2019-02-19 16:38:07 (UTC+8), or null for real time", parse_time, nullable=True, json=_TIME_JSON)
FILE = Scalar("a built-in name, or a path", non_empty, json={"type": "string"})
