"""Parsing of query arguments and request bodies; whatever is invalid raises `ControlError`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping
from typing import TypeGuard, TypeVar
from urllib.parse import parse_qsl

from flask import request

from alimock.control.errors import ControlError, suggestion
from alimock.scenario.text_parsers import is_unicode
from alimock.spec.times import parse_time

DEFAULT_SECONDS = 10
MAX_SECONDS = 60
T = TypeVar("T")
_SECONDS = re.compile(r"[0-9]{1,5}(\.[0-9]{1,6})?")


def query(*names: str) -> dict[str, str]:
    """Return the query arguments; an unknown, repeated or empty one is an error, since it is most likely a script's bug."""
    _reject_unknown(request.args, names, "argument")
    for name, values in request.args.lists():
        if len(values) > 1:
            raise ControlError(400, f"`{name}` is given {len(values)} times", "Give it once.")
        if not values[0]:
            raise ControlError(400, f"`{name}` is empty", "Give it a value or omit it.")
    return request.args.to_dict()


def access_key_id() -> str | None:
    """Return the argument `access_key_id` of a request that takes no other argument."""
    return query("access_key_id").get("access_key_id")


def plus_readings(name: str) -> frozenset[str]:
    """Return both readings of a query argument: a `+` is a space, or a plus sign that was not encoded. Empty if it is omitted.

    Clients often forget to encode the + in an address such as jo+tag@example.com.
    """
    literal = request.query_string.decode("utf-8", "replace").replace("+", "%2B")
    values = (*request.args.getlist(name), *(value for key, value in parse_qsl(literal) if key == name))
    return frozenset(values)


def address(name: str) -> str | None:
    """Return a query argument that is one address, or None if it is omitted."""
    readings = plus_readings(name)
    if not readings:
        return None
    # An address has no space.
    found = next((reading for reading in readings if not any(map(str.isspace, reading))), None)
    if found is None:
        raise ControlError(400, f"`{name}`: found {min(readings)[:100]!a}", "An address has no space; encode + as %2B.")
    return found


def integer(given: Mapping[str, str], name: str, default: int, maximum: int, minimum: int = 0) -> int:
    """Parse an integer from `minimum` to `maximum`."""
    value = given.get(name)
    if value is None:
        return default
    if not (value.isascii() and value.isdigit() and len(value) < 19 and minimum <= int(value) <= maximum):
        raise ControlError(400, f"`{name}`: found {json.dumps(value)}", f"Give an integer from {minimum} to {maximum}.")
    return int(value)


def flag(given: Mapping[str, str], name: str) -> bool:
    """Parse `true` or `false`, the default."""
    value = given.get(name, "false")
    if value not in ("true", "false"):
        raise ControlError(400, f"`{name}`: found {json.dumps(value)[:60]}", "Give true or false.")
    return value == "true"


def scenario_body(load: Callable[..., T], *args: object, **options: object) -> T:
    """Load the body, a scenario or a part of one: JSON if the content type says so, else YAML."""
    is_json = request.mimetype == "application/json"
    return load(request.get_data(), *args, file="the request body", json=is_json, **options)


def json_body(*names: str) -> dict[str, object]:
    """Return the JSON object in the body; unknown keys are an error."""
    try:
        content = json.loads(request.get_data())
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise ControlError(400, "The body is not a JSON object", f"Send a JSON object with: {', '.join(names)}.")
    _reject_unknown(content, names, "key")
    return content


def string(content: Mapping[str, object], name: str, example: str) -> str:
    """Return a string of a JSON body."""
    value = content.get(name)
    if not _is_string(value):
        raise ControlError(400, f"`{name}`: found {json.dumps(value)[:60]}", f'Give a string, such as {{"{name}": "{example}"}}.')
    return value


def strings(content: Mapping[str, object], name: str, hint: str) -> list[str]:
    """Return a list of strings of a JSON body."""
    value = content.get(name)
    if not isinstance(value, list) or not all(map(_is_string, value)):
        raise ControlError(400, f"`{name}` is not a list of strings", hint)
    return value


def string_map(content: Mapping[str, object], name: str, hint: str) -> dict[str, str]:
    """Return an object of strings of a JSON body, empty by default."""
    value = content.get(name, {})
    if not isinstance(value, dict) or not all(map(_is_string, (*value, *value.values()))):
        raise ControlError(400, f"`{name}` is not an object of strings", hint)
    return value


def time(given: Mapping[str, object], name: str) -> int | None:
    """Parse a time in UTC+8 into epoch seconds, or return None if there is none."""
    if name not in given:
        return None
    try:
        return parse_time(str(given[name]))
    except ValueError:
        hint = "Give a time in UTC+8, such as 2019-02-19 16:38:07."
        raise ControlError(400, f"`{name}`: found {json.dumps(given[name])[:60]}", hint) from None


def seconds(given: Mapping[str, str], name: str = "timeout") -> float:
    """Parse an argument that is a wait: seconds from 0 to 60, optionally with a fraction."""
    text = given.get(name, str(DEFAULT_SECONDS))
    if not _SECONDS.fullmatch(text) or float(text) > MAX_SECONDS:
        raise ControlError(400, f"`{name}`: found {text[:60]!a}", f"Give seconds from 0 to {MAX_SECONDS}.")
    return float(text)


def _is_string(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and is_unicode(value)


def _reject_unknown(given: Collection[str], names: Collection[str], kind: str) -> None:
    for name in given:
        if name not in names:
            raise ControlError(400, f"Unknown {kind} {json.dumps(name)}", suggestion(name, names))
