"""Who calls: the credentials in a request, and the gateway's checks of them in one visible order.

Callers hold the world's lock, so that no scenario is loaded between two checks.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from enum import Enum

from alimock.api import signature
from alimock.api.parse import Request
from alimock.scenario.model import AccessKey, Authentication, Timestamps
from alimock.spec.error_catalog import (
    INVALID_ACCESS_KEY_ID_INACTIVE,
    INVALID_ACCESS_KEY_ID_NOT_FOUND,
    INVALID_SECURITY_TOKEN_EXPIRED,
    INVALID_SECURITY_TOKEN_MISMATCH,
    INVALID_SIGNATURE_METHOD,
    INVALID_TIMESTAMP_EXPIRED,
    INVALID_TIMESTAMP_FORMAT,
    MISSING_HEADER,
    MISSING_PARAMETERS,
    SIGNATURE_DOES_NOT_MATCH_V1,
    SIGNATURE_DOES_NOT_MATCH_V3,
    SIGNATURE_NONCE_USED,
    UNSUPPORTED_SIGNATURE_TYPE,
)
from alimock.spec.errors import ApiError
from alimock.state.store import Store

# The pages say 15 minutes for V3 and both 15 and 31 for V1; that it holds for the future too is assumed.
SKEW_SECONDS = 900
NONCE_SECONDS = 900
NONCES = 10_000
_TIMESTAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?Z")


class Check(Enum):
    """What was done about the signature of a call."""

    CHECKED = "checked"
    UNKNOWN_KEY = "unknown key"
    UNSIGNED = "unsigned"
    UNCHECKED = "not checked"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request says of its sender, from V1's parameters or V3's headers; what is absent is empty."""

    request: Request
    access_key_id: str
    signature: str
    method: str
    timestamp: str
    nonce: str
    security_token: str
    signed_headers: str


@dataclass(frozen=True, slots=True)
class Identity:
    """The key that a call is answered for, None for a call without one, and whether its signature was checked."""

    access_key_id: str | None
    check: Check


NOBODY = Identity(None, Check.UNSIGNED)


def credentials(request: Request) -> Credentials:
    """Reads the credentials of a request."""
    get = request.parameters.get
    if not request.is_v3:
        return Credentials(
            request,
            get("AccessKeyId", ""),
            get("Signature", ""),
            get("SignatureMethod", ""),
            get("Timestamp", ""),
            get("SignatureNonce", ""),
            get("SecurityToken", ""),
            "",
        )
    headers = request.call.headers
    method, _, rest = headers["authorization"].partition(" ")
    # Java sends the three fields in another order than the other SDKs.
    fields = dict(part.strip().partition("=")[::2] for part in rest.split(","))
    return Credentials(
        request,
        fields.get("Credential", ""),
        fields.get("Signature", ""),
        method,
        headers.get("x-acs-date", ""),
        headers.get("x-acs-signature-nonce", ""),
        headers.get("x-acs-security-token", ""),
        fields.get("SignedHeaders", ""),
    )


def authenticate(sent: Credentials, store: Store) -> Identity:
    """Decides whether a call's signature is checked, and checks it.

    Raises the `ApiError` of the first check that fails. A signature without a key is checked like that of a known one,
    since it cannot be right.
    """
    key_id = sent.access_key_id or None
    if store.authentication is Authentication.NONE:
        return Identity(key_id, Check.UNCHECKED if sent.signature else Check.UNSIGNED)
    if store.authentication is Authentication.KNOWN_KEYS:
        if not sent.signature and not sent.request.is_v3:
            return Identity(key_id, Check.UNSIGNED)
        if key_id is not None and key_id not in store.access_keys:
            return Identity(key_id, Check.UNKNOWN_KEY)
    for check in CHECKS:
        check(sent, store)
    return Identity(key_id, Check.CHECKED)


def _required_parts(sent: Credentials, store: Store) -> None:
    parts = {"AccessKeyId": sent.access_key_id, "Signature": sent.signature}
    if sent.request.is_v3:
        _require(parts)
        _require_headers({"x-acs-date": sent.timestamp, "x-acs-signature-nonce": sent.nonce})
    else:
        version = sent.request.parameters.get("SignatureVersion", "")
        parts |= {"Timestamp": sent.timestamp, "SignatureNonce": sent.nonce}
        _require({**parts, "SignatureMethod": sent.method, "SignatureVersion": version})


def _require(parts: dict[str, str]) -> None:
    for name, value in parts.items():
        if not value:
            raise ApiError(MISSING_PARAMETERS[name], f"rule missing {name}")


def _require_headers(headers: dict[str, str]) -> None:
    for name, value in headers.items():
        if not value:
            raise ApiError(MISSING_HEADER, f"rule missing {name}", header=name)


def _skew(timestamp: str, now: float) -> float | None:
    """Gives how many seconds a timestamp is ahead of `now` (negative: behind), None for a malformed one."""
    match = _TIMESTAMP.fullmatch(timestamp)
    try:
        moment = datetime.fromisoformat(match[1]) if match else None
    except ValueError:
        moment = None
    return moment.replace(tzinfo=timezone.utc).timestamp() - now if moment is not None else None


def _timestamp(sent: Credentials, store: Store) -> None:
    if store.scenario.timestamps is Timestamps.IGNORED:
        return
    skew = _skew(sent.timestamp, store.real_time())
    if skew is None:
        twice = " (it was percent-encoded twice)" if "%3a" in sent.timestamp.lower() else ""
        raise ApiError(INVALID_TIMESTAMP_FORMAT, f"rule timestamp-format{twice}")
    if abs(skew) > SKEW_SECONDS:
        raise ApiError(INVALID_TIMESTAMP_EXPIRED, f"rule timestamp-skew ({skew:+.0f} s to the real time, {SKEW_SECONDS} allowed)")


def _key(sent: Credentials, store: Store) -> None:
    if sent.access_key_id not in store.access_keys:
        raise ApiError(INVALID_ACCESS_KEY_ID_NOT_FOUND, "rule unknown-access-key")


def _key_status(sent: Credentials, store: Store) -> None:
    key = _known(sent, store)
    if not key.active:
        raise ApiError(INVALID_ACCESS_KEY_ID_INACTIVE, key.place)


def _security_token(sent: Credentials, store: Store) -> None:
    key = _known(sent, store)
    if not sent.security_token and (key.security_token is not None or key.id.startswith("STS.")):
        raise ApiError(MISSING_PARAMETERS["SecurityToken"], key.place)
    if key.security_token is not None and not _same(sent.security_token, key.security_token):
        raise ApiError(INVALID_SECURITY_TOKEN_MISMATCH, key.place)
    if key.expires is not None and store.real_time() >= key.expires:
        raise ApiError(INVALID_SECURITY_TOKEN_EXPIRED, key.place)


def _signature_type(sent: Credentials, store: Store) -> None:
    kind = sent.request.parameters.get("SignatureType")
    if kind:
        raise ApiError(UNSUPPORTED_SIGNATURE_TYPE, "rule signature-type (none is known)")


def _method(sent: Credentials, store: Store) -> None:
    known = (signature.V3_ALGORITHM,) if sent.request.is_v3 else signature.V1_DIGESTS
    if sent.method not in known:
        raise ApiError(INVALID_SIGNATURE_METHOD, f"rule signature-method (known: {', '.join(known)})")


def _signature(sent: Credentials, store: Store) -> None:
    key = _known(sent, store)
    if sent.request.is_v3:
        string_to_sign = signature.string_to_sign_v3(signature.canonical_request_v3(sent.request, sent.signed_headers))
        expected, definition = signature.sign_v3(string_to_sign, key.secret), SIGNATURE_DOES_NOT_MATCH_V3
    else:
        string_to_sign = signature.string_to_sign_v1(sent.request)
        expected, definition = signature.sign_v1(string_to_sign, key.secret, sent.method), SIGNATURE_DOES_NOT_MATCH_V1
    if not _same(sent.signature, expected):
        raise ApiError(definition, f"signature of {key.id} ({key.place})", string_to_sign=string_to_sign)


def _nonce(sent: Credentials, store: Store) -> None:
    """Remembers the nonce of a verified signature: the newest 10,000 of an account, for 15 minutes."""
    now = store.real_time()
    nonces = store.account(sent.access_key_id).nonces
    used = nonces.pop(sent.nonce, None)
    nonces[sent.nonce] = now
    if len(nonces) > NONCES:
        nonces.popitem(last=False)
    if used is not None and now - used < NONCE_SECONDS:
        raise ApiError(SIGNATURE_NONCE_USED, "rule nonce-used")


def _known(sent: Credentials, store: Store) -> AccessKey:
    return store.access_keys[sent.access_key_id]


def _same(left: str, right: str) -> bool:
    return hmac.compare_digest(left.encode(), right.encode())


def refusal_beside_signature(sent: Credentials, store: Store) -> ApiError | None:
    """Gives the first refusal of a call whose signature is right, the nonce aside, which a second look would find used."""
    try:
        for check in CHECKS:
            if check not in (_signature, _nonce):
                check(sent, store)
    except ApiError as error:
        return error
    return None


# The order in which the gateway refuses. That keys come before signatures is captured; the rest of the order is assumed.
CHECKS: tuple[Callable[[Credentials, Store], None], ...] = (
    _required_parts,
    _timestamp,
    _key,
    _key_status,
    _security_token,
    _signature_type,
    _method,
    _signature,
    _nonce,
)
