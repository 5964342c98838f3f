"""Reading what a request to the control API brings: query arguments and JSON bodies. Every mistake is a `Problem`."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict
from typing import TypeVar

from flask import request

from alimock.control.problem import Problem
from alimock.scenario.diagnostics import ScenarioError
from alimock.scenario.text import is_unicode

Loaded = TypeVar("Loaded")


def query(*names: str) -> dict[str, str]:
    """Gives the query arguments; refuses those that are not among `names`, and empty ones, which could be a script's mistake."""
    _refuse_unknown(request.args, names, "argument")
    for name, values in request.args.lists():
        if len(values) > 1:
            raise Problem(400, f"`{name}` stands there {len(values)} times", "give it once")
        if not values[0]:
            raise Problem(400, f"`{name}` is empty", "give it a value or leave it out")
    return dict(request.args.items())


def number(arguments: Mapping[str, str], name: str, default: int, maximum: int) -> int:
    """Reads a whole number from 0 to `maximum`."""
    text = arguments.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 19 and int(text) <= maximum):
        raise Problem(400, f"`{name}`: found {json.dumps(text)}", f"give a whole number from 0 to {maximum}")
    return int(text)


def flag(arguments: Mapping[str, str], name: str) -> bool:
    """Reads `true` or `false`, which is what an absent one means."""
    text = arguments.get(name, "false")
    if text not in ("true", "false"):
        raise Problem(400, f"`{name}`: found {json.dumps(text)[:60]}", "give true or false")
    return text == "true"


def scenario(load: Callable[..., Loaded], *parts: object, **options: object) -> Loaded:
    """Reads the body as a scenario or a part of one, in YAML, or in JSON if the content type says so; tells all mistakes."""
    is_json = request.mimetype == "application/json"
    return checked(lambda: load(request.get_data(), *parts, file="the request body", json=is_json, **options))


def checked(load: Callable[[], Loaded]) -> Loaded:
    """Loads a scenario or a part of one; tells all mistakes."""
    try:
        return load()
    except ScenarioError as error:
        message = f"{len(error.mistakes)} mistake(s): {error}"
        hint = "mend the mistakes and send it again; nothing was changed"
        raise Problem(400, message, hint, mistakes=[asdict(mistake) for mistake in error.mistakes]) from None


def body(*names: str) -> dict[str, object]:
    """Gives the JSON object in the body; refuses keys that are not among `names`."""
    try:
        content = json.loads(request.get_data())
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise Problem(400, "the body is no JSON object", f"send a JSON object with {_listed(names)}")
    _refuse_unknown(content, names, "key")
    return content


def text(content: Mapping[str, object], name: str, example: str) -> str:
    """Gives a text of a JSON body."""
    value = content.get(name)
    if not isinstance(value, str) or not is_unicode(value):
        raise Problem(400, f"`{name}`: found {json.dumps(value)[:60]}", f'give a text, such as {{"{name}": "{example}"}}')
    return value


def _refuse_unknown(given: Collection[str], names: Collection[str], kind: str) -> None:
    for name in given:
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            hint = f"did you mean `{near[0]}`?" if near else f"known here: {_listed(names)}"
            raise Problem(400, f"unknown {kind} {json.dumps(name)}", hint)


def _listed(names: Collection[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "nothing"
