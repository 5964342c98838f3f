"""Diagnosis of a wrong signature: common client errors, tried in turn until one produces the signature that was sent.

Nothing here decides anything. It only explains what `auth` refused.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from alimock.api import signature
from alimock.api.client_errors import client_errors
from alimock.api.parse import ApiRequest
from alimock.api.signing import Signing
from alimock.scenario.model import AccessKey


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What is wrong with a signature: the cause as one word, an explanation, a remedy, and what the gateway signed.

    `client_string_to_sign` and `client_canonical_request` are what the client signed, None if that is unknown.
    """

    matches: bool
    cause: str
    explanation: str
    remedy: str
    string_to_sign: str
    canonical_request: str | None
    expected: str
    client_string_to_sign: str | None
    client_canonical_request: str | None


def diagnose(request: ApiRequest, key: AccessKey, keys: Mapping[str, AccessKey]) -> Diagnosis:
    """Find out why the signature of a request does not match. `keys` are all known keys."""
    sent, right = request.credentials, Signing.of(request, key.secret)
    forgotten = signature.forgotten_headers(request) if request.is_v3 else []
    if forgotten:
        words = f"SignedHeaders does not name {', '.join(forgotten)}"
        return _result(right, "header", words, "sign every x-acs-* header that is sent, and name it in SignedHeaders")
    if hmac.compare_digest(sent.signature.encode(), right.sign().encode()):
        return _result(right, "none", "the signature matches", "nothing to do", right, matches=True)
    if not sent.signature:
        return _result(right, "signature", "the request has no signature", "send the signature that the client computes")
    for mistake in client_errors(request, right, keys):
        if mistake.candidate == sent.signature:
            return _result(right, mistake.cause, mistake.explanation, mistake.remedy, mistake.signed)
    explanation = f"probably a wrong secret for key {key.id}; no common error produces this signature"
    remedy = "compare the client's secret with the scenario's, then its string to sign with the one below, character by character"
    return _result(right, "secret", explanation, remedy)


def _result(
    right: Signing, cause: str, explanation: str, remedy: str, signed: Signing | None = None, *, matches: bool = False
) -> Diagnosis:
    client = _texts(signed) if signed is not None else (None, None)
    return Diagnosis(matches, cause, explanation, remedy, *_texts(right), right.sign(), *client)


def _texts(signing: Signing) -> tuple[str, str | None]:
    """Return the string to sign, and of V3 the canonical request."""
    return signing.string_to_sign(), signing.canonical_request() if signing.is_v3 else None
