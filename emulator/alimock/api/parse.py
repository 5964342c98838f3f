"""Parameters on the wire: decoding a call, and reading an operation's parameters into typed values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote

from alimock.api.http import Call
from alimock.spec.address import fold
from alimock.spec.contract import Format, Operation, Parameter, ParameterType, snake_case
from alimock.spec.error_catalog import INVALID_PARAMETERS, MISSING_PARAMETERS, REQUEST_PARAMETER_MALFORMED
from alimock.spec.errors import ApiError
from alimock.spec.profiles import Profile

Value = str | bool | int | tuple[str, ...] | None

_FORM_TYPE = "application/x-www-form-urlencoded"
_BROKEN_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_INTEGER = re.compile(r"-?[0-9]{1,19}")
_wire_key = lru_cache(maxsize=None)(snake_case)


@dataclass(frozen=True, slots=True)
class Request:
    """A call with its parameters decoded.

    `query` and `form` are the pairs in the order sent; `parameters` joins them. Of a name that comes twice the first counts, the
    query's before the form's (assumed).
    """

    call: Call
    query: tuple[tuple[str, str], ...]
    form: tuple[tuple[str, str], ...]
    parameters: Mapping[str, str]

    @property
    def is_v3(self) -> bool:
        """Whether the call is signed in the way of V3."""
        return self.call.is_v3

    @property
    def action(self) -> str:
        """The name of the operation asked for, from the parameter or V3's header; empty if there is none."""
        return self.parameters.get("Action") or self.call.headers.get("x-acs-action", "")

    @property
    def version(self) -> str:
        """The version asked for, from the parameter or V3's header; empty if there is none."""
        return self.parameters.get("Version") or self.call.headers.get("x-acs-version", "")


def decode(call: Call) -> Request:
    """Decodes query and form body; raises `ApiError` for broken percent-encoding and for bytes that are not UTF-8."""
    query = _pairs(call.query.encode("latin-1"))
    is_form = call.headers.get("content-type", "").partition(";")[0].strip().lower() == _FORM_TYPE
    form = _pairs(call.body) if is_form else ()
    return Request(call, query, form, dict(reversed(query + form)))


def response_format(call: Call, parameters: Mapping[str, str]) -> Format | None:
    """Gives the format that a call asks for, None if it asks for one that does not exist.

    Without `Format`, V1 and unsigned calls get XML (documented) and V3 calls JSON (implied by SDKs that never name it).
    """
    name = parameters.get("Format")
    if not name:
        return Format.JSON if call.is_v3 else Format.XML
    return Format.__members__.get(name.upper())


def bind(operation: Operation, profile: Profile, parameters: Mapping[str, str]) -> dict[str, Value]:
    """Reads an operation's parameters into typed values by their snake-case names.

    Raises `ApiError` first for what is missing, then for what is invalid. An empty parameter is a missing one.
    """
    texts = {parameter: parameters.get(parameter.name, "") for parameter in operation.parameters}
    for parameter, text in texts.items():
        if parameter.required and (operation.name, parameter.name) not in profile.optional and not _has_content(parameter, text):
            raise ApiError(MISSING_PARAMETERS[parameter.name], f"rule missing {parameter.name}")
    return {_wire_key(parameter.name): _value(parameter, text, profile) for parameter, text in texts.items()}


def _pairs(content: bytes) -> tuple[tuple[str, str], ...]:
    if not content:
        return ()
    try:
        text = content.decode("utf-8")
        if _BROKEN_PERCENT.search(text):
            raise ApiError(REQUEST_PARAMETER_MALFORMED, "rule percent-encoding")
        parts = (part.partition("=") for part in text.split("&") if part)
        return tuple([(_decoded(name), _decoded(value)) for name, _, value in parts])
    except UnicodeDecodeError:
        raise ApiError(REQUEST_PARAMETER_MALFORMED, "rule utf-8") from None


def _decoded(text: str) -> str:
    if "+" in text:
        text = text.replace("+", " ")
    return unquote(text, errors="strict") if "%" in text else text


def _has_content(parameter: Parameter, text: str) -> bool:
    return bool(_addresses(text)) if parameter.kind is ParameterType.ADDRESSES else bool(text)


def _value(parameter: Parameter, text: str, profile: Profile) -> Value:
    if parameter.kind is ParameterType.ADDRESSES:
        return _addresses(text)
    if not text:
        return parameter.default
    if parameter.kind is ParameterType.BOOLEAN:
        return _boolean(parameter, text)
    if parameter.kind is ParameterType.INTEGER:
        return _integer(parameter, text, profile)
    return text


def _addresses(text: str) -> tuple[str, ...]:
    """Splits a comma list; addresses that differ only in letter case are one, in the place and the spelling of the first."""
    first: dict[str, str] = {}
    for part in text.split(","):
        if address := part.strip():
            first.setdefault(fold(address), address)
    return tuple(first.values())


def _boolean(parameter: Parameter, text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise _invalid(parameter)
    return text.lower() == "true"


def _integer(parameter: Parameter, text: str, profile: Profile) -> Value:
    if not _INTEGER.fullmatch(text):
        raise _invalid(parameter)
    value = int(text)
    if value == 0 and parameter.name in profile.zero_is_default:
        return parameter.default
    if parameter.minimum is not None and value < parameter.minimum:
        raise _invalid(parameter)
    if parameter.maximum is not None and value > parameter.maximum:
        raise _invalid(parameter)
    return value


def _invalid(parameter: Parameter) -> ApiError:
    return ApiError(INVALID_PARAMETERS[parameter.name], f"rule invalid {parameter.name}")
