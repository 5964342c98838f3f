"""Parsing: an HTTP message becomes one `ApiRequest`, and an operation's parameters become typed values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from alimock.api.http import HttpRequest
from alimock.spec.address import fold
from alimock.spec.contract import (
    OPERATIONS,
    PARAMETER_NAMES,
    V1_DIGESTS,
    VERSIONS,
    Format,
    Operation,
    Parameter,
    ParameterType,
    snake_case,
)
from alimock.spec.error_catalog import INVALID_PARAMETERS, MISSING_PARAMETERS, REQUEST_PARAMETER_MALFORMED
from alimock.spec.errors import ApiError
from alimock.spec.profiles import Profile

Pairs = tuple[tuple[str, str], ...]
Value = str | bool | int | tuple[str, ...] | None

_FORM_TYPE = "application/x-www-form-urlencoded"
_BROKEN_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_INTEGER = re.compile(r"-?[0-9]{1,19}")
# The ASCII characters by the hex digits of their escapes.
_ASCII = {f"{code:02X}": chr(code) for code in range(128)}
_FORMATS = {body_format.value: body_format for body_format in Format}
# What most calls share is kept once, because the call log keeps it for thousands of calls.
_COMMON_NAMES = {name: name for name in PARAMETER_NAMES}
_COMMON_VALUES = {
    "Action": tuple(OPERATIONS),
    "Version": tuple(VERSIONS),
    "Format": tuple(_FORMATS),
    "SignatureMethod": tuple(V1_DIGESTS),
    "SignatureVersion": ("1.0",),
}
_COMMON_PAIRS = {f"{name}={value}": (name, value) for name, values in _COMMON_VALUES.items() for value in values}


class Credentials(NamedTuple):
    """What a request says about its sender, from V1's parameters or V3's headers. An absent part is empty."""

    access_key_id: str = ""
    signature: str = ""
    method: str = ""
    timestamp: str = ""
    nonce: str = ""
    security_token: str = ""
    version: str = ""
    signed_headers: str = ""


class ApiRequest(NamedTuple):
    """A request with everything decoded once.

    `is_v3` is set if the credentials are in the header Authorization, as V3 has them, and `is_header_style` if that header or the
    action or the version is. `query` and `form` are the pairs in the order sent. `parameters` joins them: of a repeated name the
    first pair counts, and the query comes before the form (assumed). `format` is None if the client asks for an unknown one.
    `signature_type` and `bearer_token` are those of credentials without a signature. `malformed` is the error of a request
    that cannot be decoded; the pairs are then those that can be.
    """

    http: HttpRequest
    is_v3: bool
    is_header_style: bool
    query: Pairs
    form: Pairs
    parameters: Mapping[str, str]
    credentials: Credentials
    action: str
    version: str
    format: Format | None
    lang: str
    profile: str | None
    signature_type: str
    bearer_token: str
    malformed: ApiError | None = None


def parse(http: HttpRequest) -> ApiRequest:
    """Parse a request. Never raises: a request that cannot be decoded says so in `malformed`."""
    headers = http.headers
    authorization = headers.get("authorization", "").strip()
    is_header_style = "x-acs-action" in headers or "x-acs-version" in headers or "authorization" in headers
    malformed = None
    try:
        query, form = decode(http)
    except ApiError as error:
        malformed = error
        query, form = _decodable(http.query.encode("latin-1")), _decodable(http.body) if _is_form(http) else ()
    parameters = dict(reversed(query + form))
    get = parameters.get
    return ApiRequest(
        http,
        bool(authorization),
        is_header_style,
        query,
        form,
        parameters,
        _v3_credentials(authorization, headers) if authorization else _v1_credentials(parameters),
        get("Action") or headers.get("x-acs-action", ""),
        get("Version") or headers.get("x-acs-version", ""),
        _format(get("Format", ""), is_header_style),
        # Any other language is answered in English (assumed).
        "zh" if get("Lang", "").lower() == "zh" else "en",
        headers.get("x-alimock-profile"),
        get("SignatureType") or headers.get("x-acs-signature-type", ""),
        get("BearerToken") or headers.get("x-acs-bearer-token", ""),
        malformed,
    )


def names_action(http: HttpRequest) -> bool:
    """Return whether a request seems to name an action, without decoding it."""
    return "Action" in http.query or "x-acs-action" in http.headers


def is_like_a_call(http: HttpRequest) -> bool:
    """Return whether a request has what only a call has: an action, a version in a header, or a signature of the gateway."""
    request = parse(http)
    is_signed = "Signature" in request.parameters or http.headers.get("authorization", "")[:3].lower() == "acs"
    return is_signed or bool(request.action) or "x-acs-version" in http.headers


def may_name(http: HttpRequest, action: str) -> bool:
    """Return whether a request seems to name this action, without decoding it."""
    return action in http.query or action == http.headers.get("x-acs-action") or action.encode() in http.body


def decode(http: HttpRequest) -> tuple[Pairs, Pairs]:
    """Return the pairs of the query and of the form body; raise `ApiError` for broken percent-encoding and invalid UTF-8."""
    query = _pairs(http.query if http.query.isascii() else http.query.encode("latin-1"))
    return query, _pairs(http.body) if http.body and _is_form(http) else ()


def _decodable(content: bytes) -> Pairs:
    """Return the pairs that can be decoded."""
    pairs: list[tuple[str, str]] = []
    for part in content.split(b"&"):
        with suppress(ApiError):
            pairs += _pairs(part)
    return tuple(pairs)


def _is_form(http: HttpRequest) -> bool:
    return http.headers.get("content-type", "").partition(";")[0].strip().lower() == _FORM_TYPE


def bind(operation: Operation, profile: Profile, parameters: Mapping[str, str]) -> dict[str, Value]:
    """Convert an operation's own parameters into typed values by their snake-case names.

    Raise `ApiError` for the first missing or invalid one; the contract lists required ones first. An empty one is missing.
    """
    values: dict[str, Value] = {}
    for parameter in operation.own_parameters:
        value = _value(parameter, parameters.get(parameter.name, ""), profile)
        if parameter.required and not value and (operation.name, parameter.name) not in profile.optional:
            raise ApiError(MISSING_PARAMETERS[parameter.name], f"rule missing {parameter.name}")
        values[snake_case(parameter.name)] = value
    return values


def default_format(is_header_style: bool) -> Format:
    """Return the format of a response if the client names none: XML (documented), or JSON, as SDKs that send headers expect."""
    return Format.JSON if is_header_style else Format.XML


def _format(name: str, is_header_style: bool) -> Format | None:
    return _FORMATS.get(name.upper()) if name else default_format(is_header_style)


def _v1_credentials(parameters: Mapping[str, str]) -> Credentials:
    get = parameters.get
    return Credentials(
        get("AccessKeyId", ""),
        get("Signature", ""),
        get("SignatureMethod", ""),
        get("Timestamp", ""),
        get("SignatureNonce", ""),
        get("SecurityToken", ""),
        get("SignatureVersion", ""),
    )


def _v3_credentials(authorization: str, headers: Mapping[str, str]) -> Credentials:
    method, _, rest = authorization.partition(" ")
    if not method.startswith("ACS3-"):
        # How another scheme names its key is not known.
        return Credentials(method=method, signature=rest)
    # Java sends the three fields in another order than the other SDKs.
    fields = dict(part.strip().partition("=")[::2] for part in rest.split(","))
    return Credentials(
        fields.get("Credential", ""),
        fields.get("Signature", ""),
        method,
        headers.get("x-acs-date", ""),
        headers.get("x-acs-signature-nonce", ""),
        headers.get("x-acs-security-token", ""),
        signed_headers=fields.get("SignedHeaders", ""),
    )


def _pairs(content: str | bytes) -> Pairs:
    if not content:
        return ()
    try:
        text = content if isinstance(content, str) else content.decode("utf-8")
        if _BROKEN_PERCENT.search(text):
            raise ApiError(REQUEST_PARAMETER_MALFORMED, "rule percent-encoding")
        return tuple([_COMMON_PAIRS.get(part) or _pair(part) for part in text.replace("+", " ").split("&") if part])
    except UnicodeDecodeError:
        raise ApiError(REQUEST_PARAMETER_MALFORMED, "rule utf-8") from None


def _pair(part: str) -> tuple[str, str]:
    name, _, value = part.partition("=")
    return _COMMON_NAMES.get(name) or _unquoted(name), _unquoted(value)


def _unquoted(text: str) -> str:
    if "%" not in text:
        return text
    start, *escaped = text.split("%")
    try:
        return start + "".join([_ASCII[part[:2]] + part[2:] for part in escaped])
    except KeyError:
        # Bytes of UTF-8, or hex digits in lower case.
        return unquote_to_bytes(text).decode()


def _value(parameter: Parameter, text: str, profile: Profile) -> Value:
    kind = parameter.kind
    if kind is ParameterType.ADDRESSES:
        return _addresses(text)
    if not text:
        return parameter.default
    if kind is ParameterType.TEXT:
        return text
    return _boolean(parameter, text) if kind is ParameterType.BOOLEAN else _integer(parameter, text, profile)


def _addresses(text: str) -> tuple[str, ...]:
    """Split a comma-separated list. Addresses that differ in letter case only are one, spelled and placed as the first."""
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
    is_too_small = parameter.minimum is not None and value < parameter.minimum
    if is_too_small or (parameter.maximum is not None and value > parameter.maximum):
        raise _invalid(parameter)
    return value


def _invalid(parameter: Parameter) -> ApiError:
    return ApiError(INVALID_PARAMETERS[parameter.name], f"rule invalid {parameter.name}")
