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
from hashlib import blake2b
from typing import NamedTuple

from alimock.api import signature
from alimock.api.parse import ApiRequest
from alimock.scenario.model import AccessKey, Authentication, Timestamps
from alimock.spec import error_catalog as errors
from alimock.spec.contract import V1_DIGESTS, V3_HEADERS
from alimock.spec.errors import ApiError
from alimock.state.account import Account
from alimock.state.store import Store

# The pages say 15 minutes for V3, and both 15 and 31 for V1. That the limit holds for the future too is assumed.
SKEW_SECONDS = 900
NONCE_SECONDS = 900
NONCES = 10_000
_TIMESTAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?Z")


AuthCheck = Callable[["ReceivedRequest", Store], None]


class Check(Enum):
    """How far the signature of a call was checked."""

    CHECKED = "checked"
    UNKNOWN_KEY = "unknown key"
    UNSIGNED = "unsigned"
    UNCHECKED = "not checked"
    REFUSED = "refused"


class Verdict(NamedTuple):
    """Whether a signature is right by the secret with this digest, and what is wrong with it, as far as that is known.

    It is found without the store's lock, and only once for all replicas.
    """

    secret_digest: str
    is_right: bool
    explanation: str = ""


class ReceivedRequest(NamedTuple):
    """A request with what only the process that received it can know.

    `process_time` is the time that the code of a test in that process sees, in epoch seconds, if that is not the real time.
    """

    request: ApiRequest
    verdict: Verdict | None = None
    process_time: float | None = None


def authenticate(received: ReceivedRequest, mode: Authentication, store: Store) -> Check:
    """Check the signature of a request if the authentication mode demands it, and return how far it was checked.

    Raise the `ApiError` of the first check that fails. A signature without a key is checked as that of a known key would be: it
    cannot be right.
    """
    request = received.request
    if mode is Authentication.NONE:
        return Check.UNCHECKED if request.credentials.signature else Check.UNSIGNED
    if mode is Authentication.KNOWN_KEYS:
        unchecked = _unchecked(request, store)
        if unchecked is not None:
            _credential_type(received, store)
            _signature_type(received, store)
            return unchecked
    for check in CHECKS:
        check(received, store)
    _remember_nonce(request, store)
    return Check.CHECKED


def has_right_signature(request: ApiRequest, key: AccessKey) -> bool:
    """Return whether a request is signed with the secret of a key as the gateway signs it."""
    # The vendor's page demands that V3 signs every x-acs-* header; the code of a missing one is assumed.
    if request.is_v3 and signature.forgotten_headers(request):
        return False
    to_sign = string_to_sign(request)
    if request.is_v3:
        return _same(request.credentials.signature, signature.sign_v3(to_sign, key.secret))
    return _same(request.credentials.signature, signature.sign_v1(to_sign, key.secret, request.credentials.method))


@lru_cache(maxsize=256)
def secret_digest(secret: str) -> str:
    """Return a digest by which replicas recognize the secret that a signature was checked with."""
    return blake2b(secret.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


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


def _credential_type(received: ReceivedRequest, store: Store) -> None:
    """Refuse credentials that are not those of an access key, whatever else they lack (assumed)."""
    request = received.request
    if request.bearer_token:
        raise ApiError(errors.UNSUPPORTED_SIGNATURE_TYPE, "rule bearer-token (access keys are supported)")
    if request.is_v3 and request.credentials.method != signature.V3_ALGORITHM:
        raise ApiError(errors.INVALID_SIGNATURE_METHOD, f"rule signature-method (Authorization: {signature.V3_ALGORITHM} is known)")


def _required_parts(received: ReceivedRequest, store: Store) -> None:
    request = received.request
    if not request.credentials.access_key_id:
        # Other credentials do not name an access key.
        _signature_type(received, store)
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


def _timestamp(received: ReceivedRequest, store: Store) -> None:
    scenarios = store.scenario, store.scenario_of(received.request.credentials.access_key_id)
    if any(scenario.timestamps is Timestamps.IGNORED for scenario in scenarios):
        return
    timestamp = received.request.credentials.timestamp
    skew = _skew(timestamp, store.real_time())
    if skew is None:
        twice = " (it was percent-encoded twice)" if "%3a" in timestamp.lower() else ""
        raise ApiError(errors.INVALID_TIMESTAMP_FORMAT, f"rule timestamp-format{twice}")
    if abs(skew) > SKEW_SECONDS and not _is_now(timestamp, received.process_time):
        raise ApiError(
            errors.INVALID_TIMESTAMP_EXPIRED, f"rule timestamp-skew ({skew:+.0f} s to the real time, {SKEW_SECONDS} allowed)"
        )


def _key(received: ReceivedRequest, store: Store) -> None:
    key = store.keys.by_id.get(received.request.credentials.access_key_id)
    if key is None:
        raise ApiError(errors.INVALID_ACCESS_KEY_ID_NOT_FOUND, "rule unknown-access-key")
    if not key.active:
        raise ApiError(errors.INVALID_ACCESS_KEY_ID_INACTIVE, key.location)


def _security_token(received: ReceivedRequest, store: Store) -> None:
    credentials = received.request.credentials
    key, token = store.keys.by_id[credentials.access_key_id], credentials.security_token
    if not token and (key.security_token is not None or key.id.startswith("STS.")):
        raise ApiError(errors.MISSING_PARAMETERS["SecurityToken"], key.location)
    # A plain key has no token; that the service refuses one is assumed. A scenario may leave the token of a temporary key open.
    expected = key.security_token if key.security_token is not None or key.id.startswith("STS.") else ""
    if expected is not None and not _same(token, expected):
        raise ApiError(errors.INVALID_SECURITY_TOKEN_MISMATCH, key.location)
    if key.expires is not None and store.real_time() >= key.expires:
        raise ApiError(errors.INVALID_SECURITY_TOKEN_EXPIRED, key.location)


def _signature_type(received: ReceivedRequest, store: Store) -> None:
    if received.request.signature_type:
        raise ApiError(errors.UNSUPPORTED_SIGNATURE_TYPE, "rule signature-type (none is known)")


def _signature_method(received: ReceivedRequest, store: Store) -> None:
    request = received.request
    if not request.is_v3 and request.credentials.method not in V1_DIGESTS:
        raise ApiError(errors.INVALID_SIGNATURE_METHOD, f"rule signature-method (known: {', '.join(V1_DIGESTS)})")


def _signature(received: ReceivedRequest, store: Store) -> None:
    request, verdict = received.request, received.verdict
    key = store.keys.by_id[request.credentials.access_key_id]
    if verdict is None or verdict.secret_digest != secret_digest(key.secret):
        # The key was registered or replaced after the request was received.
        verdict = Verdict("", has_right_signature(request, key))
    if verdict.is_right:
        return
    definition = errors.SIGNATURE_DOES_NOT_MATCH_V3 if request.is_v3 else errors.SIGNATURE_DOES_NOT_MATCH_V1
    explanation = f": {verdict.explanation}" if verdict.explanation else ""
    to_sign = string_to_sign(request, signature.forgotten_headers(request) if request.is_v3 else ())
    raise ApiError(definition, f"signature of {key.id} ({key.location}){explanation}", string_to_sign=to_sign)


def string_to_sign(request: ApiRequest, forgotten: Sequence[str] = ()) -> str:
    """Return the string that the gateway signs. For V3, `forgotten` are headers to sign besides those in SignedHeaders."""
    if request.is_v3:
        names = signature.headers_to_sign(request, forgotten)
        return signature.string_to_sign_v3(signature.canonical_request_v3(request, names))
    return signature.string_to_sign_v1(request)


def _nonce(received: ReceivedRequest, store: Store) -> None:
    credentials = received.request.credentials
    account = store.account_for_view(credentials.access_key_id)
    used = account.nonces.get(credentials.nonce) if account is not None else None
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


def refusal_besides_signature(received: ReceivedRequest, store: Store) -> ApiError | None:
    """Return the first refusal that is not about the signature, or None."""
    return _refusal([check for check in CHECKS if check is not _signature], received, store)


def refusal_before_signature(received: ReceivedRequest, store: Store) -> ApiError | None:
    """Return the first refusal of a request whose signature does not matter then, or None."""
    return _refusal(CHECKS[: CHECKS.index(_signature)], received, store)


def _refusal(checks: Sequence[AuthCheck], received: ReceivedRequest, store: Store) -> ApiError | None:
    try:
        for check in checks:
            check(received, store)
    except ApiError as error:
        return error
    return None


# Refusals of what is no signature with an access key, so that no secret can be wrong.
NO_SIGNATURE = (errors.UNSUPPORTED_SIGNATURE_TYPE, errors.INVALID_SIGNATURE_METHOD)
# The order in which the gateway checks. That keys come before signatures is captured; the rest of the order is assumed.
CHECKS: tuple[AuthCheck, ...] = (
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
