"""Calls: the steps of a conversation as signed HTTP requests."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone

from alimock import __version__
from alimock.api import signature
from alimock.api.http import HttpRequest
from alimock.api.parse import parse
from alimock.compare.conversation import Step
from alimock.spec.contract import V1_DIGESTS
from alimock.spec.times import parse_duration

# An address that no account has a record of, for calls that only need some address.
NOBODY = "nobody@alimock-compare.example.com"
_FORM_TYPE = "application/x-www-form-urlencoded"
_V1_METHOD = "HMAC-SHA1"
# The parts of the credentials as `Step.change` names them, with their parameters in V1 and their headers in V3. What has no header
# is part of the header Authorization.
_V1_NAMES = {
    "access_key_id": "AccessKeyId",
    "timestamp": "Timestamp",
    "nonce": "SignatureNonce",
    "method": "SignatureMethod",
    "version": "SignatureVersion",
    "security_token": "SecurityToken",
}
_V3_NAMES = {"timestamp": "x-acs-date", "nonce": "x-acs-signature-nonce", "security_token": "x-acs-security-token"}
_SHIFTED = re.compile(r"(\w+) (ago|ahead)")
Pairs = list[tuple[str, str]]


@dataclass(frozen=True)
class Caller:
    """The credentials, and how calls are made with them: the API version, and the signature version `v1` or `v3`."""

    access_key_id: str
    secret: str = field(repr=False)
    security_token: str | None = field(repr=False)
    version: str
    sign: str


@dataclass(frozen=True)
class Stamp:
    """What makes a call unique: its time in epoch seconds, its nonce, and the nonce of the call before."""

    now: float
    nonce: str
    previous_nonce: str = ""


class MissingValue(Exception):
    """A step refers to a value that no response had."""


def build(step: Step, caller: Caller, host: str, values: Mapping[str, str], stamp: Stamp) -> HttpRequest:
    """Return the signed request of a step to a host. `values` replace the placeholders; raises `MissingValue`."""
    parameters = _parameters(step, caller, values)
    credentials = _credentials(step, caller, stamp)
    secret = step.change.get("secret") or caller.secret
    headers = {"host": host, "user-agent": f"alimock-compare/{__version__}"}
    make = _signed_v3 if caller.sign == "v3" else _signed_v1
    request = make(step, parameters, credentials, headers, secret)
    return request._replace(query=request.query + step.tail)


def _parameters(step: Step, caller: Caller, values: Mapping[str, str]) -> Pairs:
    merged = {"Version": caller.version, "Format": "JSON", **step.send}
    texts = ((name, text) for name, value in merged.items() for text in (value if isinstance(value, list) else [value]))
    return [(name, fill(text, values)) for name, text in texts if text is not None]


def fill(text: str, values: Mapping[str, str]) -> str:
    """Replace the placeholders of a text, such as `{email}`; raise `MissingValue`."""

    def value(match: re.Match[str]) -> str:
        if match[1] not in values:
            raise MissingValue(match[1])
        return values[match[1]]

    return re.sub(r"\{([\w-]+)\}", value, text)


def _credentials(step: Step, caller: Caller, stamp: Stamp) -> dict[str, str]:
    """Return the parts of the credentials with the changes of the step; a removed part is left out."""
    parts: dict[str, str | None] = {
        "access_key_id": caller.access_key_id,
        "timestamp": "0s ago",
        "nonce": stamp.nonce,
        "method": _V1_METHOD,
        "version": "1.0",
        "security_token": caller.security_token,
        "signature": "computed",
        **{name: value for name, value in step.change.items() if name != "secret"},
    }
    if parts["nonce"] == "previous":
        parts["nonce"] = stamp.previous_nonce
    if parts["timestamp"] is not None:
        parts["timestamp"] = _timestamp(parts["timestamp"], stamp.now)
    return {name: value for name, value in parts.items() if value is not None}


def _timestamp(text: str, now: float) -> str:
    """Return the timestamp that a step describes: `2h ago`, `2h ahead`, `milliseconds`, or the text itself."""
    if text == "milliseconds":
        return _format(now).replace("Z", ".123Z")
    shifted = _SHIFTED.fullmatch(text)
    if shifted is None:
        return text
    seconds = parse_duration(shifted[1])
    return _format(now - seconds if shifted[2] == "ago" else now + seconds)


def _format(seconds: float) -> str:
    return datetime.fromtimestamp(int(seconds), timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _encoded(pairs: Pairs) -> str:
    return "&".join(f"{signature.percent_encode(name)}={signature.percent_encode(value)}" for name, value in pairs)


def _request(step: Step, pairs: Pairs, headers: Mapping[str, str]) -> HttpRequest:
    text = _encoded(pairs)
    if step.place == "form":
        return HttpRequest(step.method, "", {**headers, "content-type": _FORM_TYPE}, text.encode(), "127.0.0.1")
    return HttpRequest(step.method, text, headers, b"", "127.0.0.1")


def _signed_v1(
    step: Step, parameters: Pairs, credentials: Mapping[str, str], headers: Mapping[str, str], secret: str
) -> HttpRequest:
    pairs = parameters + [(_V1_NAMES[name], value) for name, value in credentials.items() if name in _V1_NAMES]
    if "signature" not in credentials:
        return _request(step, pairs, headers)
    method = credentials.get("method", _V1_METHOD)
    string_to_sign = signature.string_to_sign_v1(parse(_request(step, pairs, headers)))
    signed = signature.sign_v1(string_to_sign, secret, method if method in V1_DIGESTS else _V1_METHOD)
    return _request(step, [*pairs, ("Signature", signed)], headers)


def _signed_v3(
    step: Step, parameters: Pairs, credentials: Mapping[str, str], headers: Mapping[str, str], secret: str
) -> HttpRequest:
    named = {"Action": "x-acs-action", "Version": "x-acs-version"}
    moved = {named[name]: value for name, value in parameters if name in named}
    own = {_V3_NAMES[name]: value for name, value in credentials.items() if name in _V3_NAMES}
    request = _request(step, [pair for pair in parameters if pair[0] not in named], {**headers, **moved, **own})
    # The user agent stays out of the signature, because a proxy may change it.
    sent = {**request.headers, "x-acs-content-sha256": hashlib.sha256(request.body).hexdigest()}
    names = sorted(name for name in sent if name not in ("user-agent", step.unsigned))
    request = request._replace(headers=sent)
    canonical = signature.canonical_request_v3(parse(request), names)
    fields = {
        "Credential": credentials.get("access_key_id", ""),
        "SignedHeaders": ";".join(names),
        "Signature": signature.sign_v3(signature.string_to_sign_v3(canonical), secret),
    }
    if "signature" not in credentials:
        del fields["Signature"]
    authorization = ",".join(f"{name}={value}" for name, value in fields.items())
    return request._replace(headers={**sent, "authorization": f"{signature.V3_ALGORITHM} {authorization}"})
