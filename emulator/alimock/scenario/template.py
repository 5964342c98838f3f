"""Templates in the texts of stubs: `{{ name }}` stands for a value of the call.

There are names and nothing else: no expressions, no filters, no access to anything but the values given.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from alimock.scenario.diagnostics import nearest, quoted
from alimock.spec.contract import snake_case

# Of more than two braces, the inner two belong to the template.
_TEMPLATE = re.compile(r"\{\{(?!\{)(.*?)\}\}", re.DOTALL)
_PARAMETER = re.compile(r"parameters\.([A-Za-z0-9_.-]+)")
_NAMES = ("request_id", "now")
_BRACES = ('"{{"', "'{{'")


class CallValues(NamedTuple):
    """What templates can name: the request id, the time of the account's clock, and the parameters of the request."""

    request_id: str
    now: str
    parameters: Mapping[str, str]


def fill(value: object, call: CallValues) -> object:
    """Return a JSON value with the templates in its texts replaced. What replaces one is text, even if it looks like a template."""
    if isinstance(value, str):
        return _TEMPLATE.sub(lambda found: _value(found[1].strip(), call), value) if "{{" in value else value
    if isinstance(value, Mapping):
        return {key: fill(one, call) for key, one in value.items()}
    return [fill(one, call) for one in value] if isinstance(value, list) else value


def errors(text: str) -> Iterator[tuple[str, str]]:
    """Yield what was found and what was expected, for each error in the templates of a text."""
    for found in _TEMPLATE.finditer(text):
        name = found[1].strip()
        if name not in _NAMES + _BRACES and not _PARAMETER.fullmatch(name):
            yield quoted(found[0]), _expected(name)
    rest = _TEMPLATE.sub("\0", text)
    if "{{" in rest:
        yield f"{quoted(rest[rest.index('{{') :])} without `}}}}`", '`{{ NAME }}`, or `{{ "{{" }}` for the braces themselves'


def _value(name: str, call: CallValues) -> str:
    if name in _BRACES:
        return "{{"
    parameter = _PARAMETER.fullmatch(name)
    if parameter is not None:
        return call.parameters.get(parameter[1], "")
    return {"request_id": call.request_id, "now": call.now}[name]


def _expected(name: str) -> str:
    """Return the name that was most likely meant, or all of them."""
    start, _, parameter = name.partition(".")
    if _PARAMETER.fullmatch(f"parameters.{parameter}") and nearest(start, ("parameters",)) == "`parameters`":
        return f"`parameters.{parameter}`"
    return nearest(snake_case(name), (*_NAMES, "parameters.NAME"))
