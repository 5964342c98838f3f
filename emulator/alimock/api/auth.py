"""Authentication: the gateway's checks of a request's credentials, in one visible order (`CHECKS`).

Callers hold the store's lock, so that no scenario is loaded between two checks.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable
from datetime import datetime
from enum import Enum
from functools import lru_cache

from alimock.api import signature
from alimock.api.parse import ApiRequest
from alimock.scenario.model import Authentication, Timestamps
from alimock.spec import error_catalog as errors
from alimock.spec.contract import V1_DIGESTS
from alimock.spec.errors import ApiError
from alimock.state.store import Store

# The pages say 15 minutes for V3, and both 15 and 31 for V1. That the limit holds for the future too is assumed.
SKEW_SECONDS = 900
NONCE_SECONDS = 900
NONCES = 10_000
_TIMESTAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?Z")


class Check(Enum):
    """How far the signature of a call was checked."""

    CHECKED = "checked"
    UNKNOWN_KEY = "unknown key"
    UNSIGNED = "unsigned"
    UNCHECKED = "not checked"
    REFUSED = "refused"


def authenticate(request: ApiRequest, store: Store) -> Check:
    """Check the signature of a request if the authentication mode demands it, and return how far it was checked.

    Raise the `ApiError` of the first check that fails. A signature without a key is checked as that of a known key would be: it
    cannot be right.
    """
    credentials = request.credentials
    if store.authentication is Authentication.NONE:
        return Check.UNCHECKED if credentials.signature else Check.UNSIGNED
    if store.authentication is Authentication.KNOWN_KEYS:
        if not credentials.signature and not request.is_v3:
            return Check.UNSIGNED
        if credentials.access_key_id and credentials.access_key_id not in store.keys.by_id:
            return Check.UNKNOWN_KEY
    for check in CHECKS:
        check(request, store)
    return Check.CHECKED


# What a signature needs: the names on the wire, and the parts of the credentials.
_V1_PARTS = (
    ("AccessKeyId", "access_key_id"),
    ("Signature", "signature"),
    ("Timestamp", "timestamp"),
    ("SignatureNonce", "nonce"),
    ("SignatureMethod", "method"),
    ("SignatureVersion", "version"),
)
_V3_PARTS = (*_V1_PARTS[:2], ("x-acs-date", "timestamp"), ("x-acs-signature-nonce", "nonce"))


def _required_parts(request: ApiRequest, store: Store) -> None:
    for name, part in _V3_PARTS if request.is_v3 else _V1_PARTS:
        if not getattr(request.credentials, part):
            missing = errors.MISSING_PARAMETERS.get(name)
            if missing is None:
                raise ApiError(errors.MISSING_HEADER, f"rule missing {name}", header=name)
            raise ApiError(missing, f"rule missing {name}")


def _skew(timestamp: str, now: float) -> float | None:
    """Return by how many seconds a timestamp is ahead of `now` (negative: behind), or None if it is malformed."""
    match = _TIMESTAMP.fullmatch(timestamp)
    seconds = _epoch_seconds(match[1]) if match else None
    return seconds - now if seconds is not None else None


# Many calls are signed in the same second.
@lru_cache(maxsize=64)
def _epoch_seconds(second: str) -> float | None:
    try:
        return datetime.fromisoformat(f"{second}+00:00").timestamp()
    except ValueError:
        return None


def _timestamp(request: ApiRequest, store: Store) -> None:
    if store.scenario.timestamps is Timestamps.IGNORED:
        return
    timestamp = request.credentials.timestamp
    skew = _skew(timestamp, store.real_time())
    if skew is None:
        twice = " (it was percent-encoded twice)" if "%3a" in timestamp.lower() else ""
        raise ApiError(errors.INVALID_TIMESTAMP_FORMAT, f"rule timestamp-format{twice}")
    if abs(skew) > SKEW_SECONDS:
        raise ApiError(
            errors.INVALID_TIMESTAMP_EXPIRED, f"rule timestamp-skew ({skew:+.0f} s to the real time, {SKEW_SECONDS} allowed)"
        )


def _key(request: ApiRequest, store: Store) -> None:
    key = store.keys.by_id.get(request.credentials.access_key_id)
    if key is None:
        raise ApiError(errors.INVALID_ACCESS_KEY_ID_NOT_FOUND, "rule unknown-access-key")
    if not key.active:
        raise ApiError(errors.INVALID_ACCESS_KEY_ID_INACTIVE, key.location)


def _security_token(request: ApiRequest, store: Store) -> None:
    key, token = store.keys.by_id[request.credentials.access_key_id], request.credentials.security_token
    if not token and (key.security_token is not None or key.id.startswith("STS.")):
        raise ApiError(errors.MISSING_PARAMETERS["SecurityToken"], key.location)
    if key.security_token is not None and not _same(token, key.security_token):
        raise ApiError(errors.INVALID_SECURITY_TOKEN_MISMATCH, key.location)
    if key.expires is not None and store.real_time() >= key.expires:
        raise ApiError(errors.INVALID_SECURITY_TOKEN_EXPIRED, key.location)


def _signature_method(request: ApiRequest, store: Store) -> None:
    if request.parameters.get("SignatureType"):
        raise ApiError(errors.UNSUPPORTED_SIGNATURE_TYPE, "rule signature-type (none is known)")
    known = (signature.V3_ALGORITHM,) if request.is_v3 else V1_DIGESTS
    if request.credentials.method not in known:
        raise ApiError(errors.INVALID_SIGNATURE_METHOD, f"rule signature-method (known: {', '.join(known)})")


def _signature(request: ApiRequest, store: Store) -> None:
    key = store.keys.by_id[request.credentials.access_key_id]
    if request.is_v3:
        definition = errors.SIGNATURE_DOES_NOT_MATCH_V3
        string_to_sign = signature.string_to_sign_v3(signature.canonical_request_v3(request, request.credentials.signed_headers))
        expected = signature.sign_v3(string_to_sign, key.secret)
    else:
        definition = errors.SIGNATURE_DOES_NOT_MATCH_V1
        string_to_sign = signature.string_to_sign_v1(request)
        expected = signature.sign_v1(string_to_sign, key.secret, request.credentials.method)
    if not _same(request.credentials.signature, expected):
        raise ApiError(definition, f"signature of {key.id} ({key.location})", string_to_sign=string_to_sign)


def _nonce(request: ApiRequest, store: Store) -> None:
    """Remember the nonce of a verified signature: the newest 10,000 of an account, for 15 minutes."""
    now, nonce = store.real_time(), request.credentials.nonce
    nonces = store.account(request.credentials.access_key_id).nonces
    used = nonces.pop(nonce, None)
    nonces[nonce] = now
    if len(nonces) > NONCES:
        nonces.popitem(last=False)
    if used is not None and now - used < NONCE_SECONDS:
        raise ApiError(errors.SIGNATURE_NONCE_USED, "rule nonce-used")


def _same(left: str, right: str) -> bool:
    return hmac.compare_digest(left.encode(), right.encode())


def refusal_besides_signature(request: ApiRequest, store: Store) -> ApiError | None:
    """Return the first refusal that is not about the signature, or None.

    The nonce is left out: it counts as used once the call was refused or carried out.
    """
    try:
        for check in CHECKS:
            if check not in (_signature, _nonce):
                check(request, store)
    except ApiError as error:
        return error
    return None


# The order in which the gateway checks. That keys come before signatures is captured; the rest of the order is assumed.
CHECKS: tuple[Callable[[ApiRequest, Store], None], ...] = (
    _required_parts,
    _timestamp,
    _key,
    _security_token,
    _signature_method,
    _signature,
    _nonce,
)
