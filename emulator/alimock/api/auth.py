"""Authentication: the gateway's checks of a request's credentials, in one visible order (`CHECKS`).

Callers hold the store's lock, so that no scenario is loaded between two checks.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import Enum
from functools import lru_cache

from alimock.api import signature
from alimock.api.parse import ApiRequest
from alimock.scenario.model import Authentication, Timestamps
from alimock.spec import error_catalog as errors
from alimock.spec.contract import V1_DIGESTS, V3_HEADERS
from alimock.spec.errors import ApiError
from alimock.state import system_clock
from alimock.state.account import Account
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
    if store.authentication is Authentication.NONE:
        return Check.UNCHECKED if request.credentials.signature else Check.UNSIGNED
    if store.authentication is Authentication.KNOWN_KEYS:
        unchecked = _unchecked(request, store)
        if unchecked is not None:
            _credential_type(request, store)
            _signature_type(request, store)
            return unchecked
    for check in CHECKS:
        check(request, store)
    _remember_nonce(request, store)
    return Check.CHECKED


def _unchecked(request: ApiRequest, store: Store) -> Check | None:
    """Return why the signature of a request is not checked if only those of known keys are."""
    credentials = request.credentials
    if not credentials.signature and not request.is_v3:
        return Check.UNSIGNED
    if credentials.access_key_id and credentials.access_key_id not in store.keys.by_id:
        return Check.UNKNOWN_KEY
    return None


# What a V1 signature needs: the names on the wire, and the parts of the credentials.
_V1_PARTS = (
    ("Signature", "signature"),
    ("Timestamp", "timestamp"),
    ("SignatureNonce", "nonce"),
    ("SignatureMethod", "method"),
    ("SignatureVersion", "version"),
)


def _credential_type(request: ApiRequest, store: Store) -> None:
    """Refuse credentials that are not those of an access key, whatever else they lack (assumed)."""
    if request.bearer_token:
        raise ApiError(errors.UNSUPPORTED_SIGNATURE_TYPE, "rule bearer-token (access keys are supported)")
    if request.is_v3 and request.credentials.method != signature.V3_ALGORITHM:
        raise ApiError(errors.INVALID_SIGNATURE_METHOD, f"rule signature-method (Authorization: {signature.V3_ALGORITHM} is known)")


def _required_parts(request: ApiRequest, store: Store) -> None:
    if not request.credentials.access_key_id:
        # Other credentials do not name an access key.
        _signature_type(request, store)
        raise ApiError(errors.MISSING_PARAMETERS["AccessKeyId"], "rule missing AccessKeyId")
    if request.is_v3:
        # An empty signature is a wrong one (captured).
        _required_headers(request.http.headers)
        return
    for name, part in _V1_PARTS:
        if not getattr(request.credentials, part):
            raise ApiError(errors.MISSING_PARAMETERS[name], f"rule missing {name}")


def _required_headers(headers: Mapping[str, str]) -> None:
    for name in V3_HEADERS:
        if not headers.get(name):
            raise ApiError(errors.MISSING_HEADER, f"rule missing {name}", header=name)


def _skew(timestamp: str, now: float) -> float | None:
    """Return by how many seconds a timestamp is ahead of `now` (negative: behind), or None if it is malformed."""
    match = _TIMESTAMP.fullmatch(timestamp)
    seconds = _epoch_seconds(match[1]) if match else None
    return seconds - now if seconds is not None else None


def _is_now(timestamp: str, now: float | None) -> bool:
    """Return whether a timestamp is valid for the clock of a test in this process, whose client signs with a frozen time."""
    skew = _skew(timestamp, now) if now is not None else None
    return skew is not None and abs(skew) <= SKEW_SECONDS


# Many calls are signed in the same second.
@lru_cache(maxsize=64)
def _epoch_seconds(second: str) -> float | None:
    try:
        return datetime.fromisoformat(f"{second}+00:00").timestamp()
    except ValueError:
        return None


def _timestamp(request: ApiRequest, store: Store) -> None:
    scenarios = store.scenario, store.scenario_of(request.credentials.access_key_id)
    if any(scenario.timestamps is Timestamps.IGNORED for scenario in scenarios):
        return
    timestamp = request.credentials.timestamp
    skew = _skew(timestamp, store.real_time())
    if skew is None:
        twice = " (it was percent-encoded twice)" if "%3a" in timestamp.lower() else ""
        raise ApiError(errors.INVALID_TIMESTAMP_FORMAT, f"rule timestamp-format{twice}")
    if abs(skew) > SKEW_SECONDS and not _is_now(timestamp, system_clock.replaced_time()):
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
    # A plain key has no token; that the service refuses one is assumed. A scenario may leave the token of a temporary key open.
    expected = key.security_token if key.security_token is not None or key.id.startswith("STS.") else ""
    if expected is not None and not _same(token, expected):
        raise ApiError(errors.INVALID_SECURITY_TOKEN_MISMATCH, key.location)
    if key.expires is not None and store.real_time() >= key.expires:
        raise ApiError(errors.INVALID_SECURITY_TOKEN_EXPIRED, key.location)


def _signature_type(request: ApiRequest, store: Store) -> None:
    if request.signature_type:
        raise ApiError(errors.UNSUPPORTED_SIGNATURE_TYPE, "rule signature-type (none is known)")


def _signature_method(request: ApiRequest, store: Store) -> None:
    if not request.is_v3 and request.credentials.method not in V1_DIGESTS:
        raise ApiError(errors.INVALID_SIGNATURE_METHOD, f"rule signature-method (known: {', '.join(V1_DIGESTS)})")


def _signature(request: ApiRequest, store: Store) -> None:
    key = store.keys.by_id[request.credentials.access_key_id]
    # The vendor's page demands that V3 signs every x-acs-* header; the code of a missing one is assumed.
    forgotten = signature.forgotten_headers(request) if request.is_v3 else []
    to_sign = string_to_sign(request, forgotten)
    if request.is_v3:
        definition = errors.SIGNATURE_DOES_NOT_MATCH_V3
        expected = signature.sign_v3(to_sign, key.secret)
    else:
        definition = errors.SIGNATURE_DOES_NOT_MATCH_V1
        expected = signature.sign_v1(to_sign, key.secret, request.credentials.method)
    if forgotten or not _same(request.credentials.signature, expected):
        raise ApiError(definition, f"signature of {key.id} ({key.location})", string_to_sign=to_sign)


def string_to_sign(request: ApiRequest, forgotten: Sequence[str] = ()) -> str:
    """Return the string that the gateway signs. For V3, `forgotten` are headers to sign besides those in SignedHeaders."""
    if request.is_v3:
        names = signature.headers_to_sign(request, forgotten)
        return signature.string_to_sign_v3(signature.canonical_request_v3(request, names))
    return signature.string_to_sign_v1(request)


def _nonce(request: ApiRequest, store: Store) -> None:
    account = store.account_for_view(request.credentials.access_key_id)
    used = account.nonces.get(request.credentials.nonce) if account is not None else None
    if used is not None and store.real_time() - used < NONCE_SECONDS:
        raise ApiError(errors.SIGNATURE_NONCE_USED, "rule nonce-used (every call and every retry needs a new one)")


def _remember_nonce(request: ApiRequest, store: Store) -> None:
    """Remember the nonce of a verified signature: the newest 10,000 of an account, for 15 minutes."""
    nonces = store.account(request.credentials.access_key_id).nonces
    nonces.pop(request.credentials.nonce, None)
    nonces[request.credentials.nonce] = store.real_time()
    if len(nonces) > NONCES:
        nonces.popitem(last=False)


def forget_nonce(request: ApiRequest, account: Account) -> None:
    """Let the nonce of a call be used again, because the service never received the call."""
    account.nonces.pop(request.credentials.nonce, None)


def _same(left: str, right: str) -> bool:
    return hmac.compare_digest(left.encode(), right.encode())


def refusal_besides_signature(request: ApiRequest, store: Store) -> ApiError | None:
    """Return the first refusal that is not about the signature, or None."""
    try:
        for check in CHECKS:
            if check is not _signature:
                check(request, store)
    except ApiError as error:
        return error
    return None


# Refusals of what is no signature with an access key, so that no secret can be wrong.
NO_SIGNATURE = (errors.UNSUPPORTED_SIGNATURE_TYPE, errors.INVALID_SIGNATURE_METHOD)
# The order in which the gateway checks. That keys come before signatures is captured; the rest of the order is assumed.
CHECKS: tuple[Callable[[ApiRequest, Store], None], ...] = (
    _credential_type,
    _required_parts,
    _timestamp,
    _key,
    _security_token,
    _signature_type,
    _signature_method,
    _signature,
    _nonce,
)
