"""The single values of a scenario: the texts each accepts, and its JSON Schema."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from enum import Enum

from alimock.scenario.fields import JsonSchema, Scalar
from alimock.scenario.text import non_empty, one_of
from alimock.spec import address
from alimock.spec.times import parse_delay, parse_time

MAXIMUM_DELAY_SECONDS = 3_600


def word(values: Collection[str]) -> Scalar:
    """Return a field that accepts one of some words."""
    return Scalar(_listed(values), one_of(values), json={"enum": list(values)})


def choice(choices: type[Enum]) -> Scalar:
    """Return a field that accepts the values of an enumeration."""
    values = [one.value for one in choices]
    return Scalar(_listed(values), choices, json={"enum": values})


def _listed(values: Iterable[str]) -> str:
    return "one of " + ", ".join(values)


def _between(minimum: int, maximum: int) -> JsonSchema:
    return {"type": "integer", "minimum": minimum, "maximum": maximum}


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ValueError(text)
    return int(text)


def _positive(text: str) -> int:
    if not (number := _count(text)):
        raise ValueError(text)
    return number


def _days(text: str) -> int:
    days = _count(text)
    if days > 36_500:
        raise ValueError(text)
    return days


def _flag(text: str) -> bool:
    if text not in _FLAGS:
        raise ValueError(text)
    return _FLAGS[text]


def _delay(text: str) -> float:
    seconds = parse_delay(text)
    if not 0 < seconds <= MAXIMUM_DELAY_SECONDS:
        raise ValueError(text)
    return seconds


def _name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]+", text):
        raise ValueError(text)
    return text


def _action(text: str) -> str:
    if not re.fullmatch(r"[A-Z][A-Za-z0-9]{0,99}", text):
        raise ValueError(text)
    return text


def _address(text: str) -> str:
    if not (address.is_pattern(text) if "*" in text else address.is_valid(text)):
        raise ValueError(text)
    return text


def _error_status(text: str) -> int:
    status = _count(text)
    if not 400 <= status <= 599:
        raise ValueError(text)
    return status


# As in YAML 1.2.
_FLAGS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_TIME_JSON: JsonSchema = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$"}

TEXT = Scalar("a text", non_empty)
FLAG = Scalar("true or false", _flag, json={"type": "boolean"})
COUNT = Scalar("a whole number up to 999999999", _count, json=_between(0, 999_999_999))
POSITIVE = Scalar("a whole number from 1 to 999999999", _positive, json=_between(1, 999_999_999))
DAYS = Scalar("a whole number of days up to 36500, or null for no limit", _days, nullable=True, json=_between(0, 36_500))
LIMIT = Scalar("a whole number up to 999999999, or null for no limit", _count, nullable=True, json=_between(0, 999_999_999))
TIME = Scalar("a time like 2019-02-19 16:38:07 (UTC+8)", parse_time, json=_TIME_JSON)
DELAY = Scalar("a duration like 500ms or 2s, up to 1h", _delay, json={"type": "string", "pattern": r"^(\d+(ms|[hms]))+$"})
STATUS = Scalar("an HTTP status from 400 to 599", _error_status, json=_between(400, 599))
ACTION = Scalar("an operation", _action, json={"type": "string", "pattern": "^[A-Z][A-Za-z0-9]*$"})
NAME = Scalar("a name of letters, digits, - and _", _name, json={"type": ["string", "integer"], "pattern": "^[A-Za-z0-9_-]+$"})
ADDRESS = Scalar("an address, or a pattern with *", _address, json={"type": "string"})

CLOCK_TIME = Scalar("a time like 2019-02-19 16:38:07 (UTC+8), or null for real time", parse_time, nullable=True, json=_TIME_JSON)
FILE = Scalar("a built-in name, or a path", non_empty, json={"type": "string"})
