"""Signatures as the gateway computes them: pure functions of a decoded request and a secret.

V1 and V3 sign a canonical encoding of the decoded values, because clients encode the same value in different ways. A query that is
sent in the canonical encoding is not encoded again.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from binascii import b2a_base64
from collections.abc import Sequence
from functools import lru_cache
from string import ascii_letters, digits
from urllib.parse import quote

from alimock.api.parse import ApiRequest, Pairs
from alimock.spec.contract import V1_DIGESTS

V3_ALGORITHM = "ACS3-HMAC-SHA256"
_UNRESERVED = re.compile(r"[A-Za-z0-9_.~-]*")
# What an encoded text consists of.
_ENCODED = f"{ascii_letters}{digits}_.~-%".encode()
# An escape of a character that needs none, or one in lower-case hex digits.
_NOT_CANONICAL = re.compile("%(?![0189A-F][0-9A-F]|2[0-9A-CF]|3[A-F]|40|5[B-E]|60|7[B-DF])")


def percent_encode(text: str) -> str:
    """Percent-encode a text by RFC 3986: letters, digits and `-_.~` stay, a space is %20."""
    # Most texts need no encoding, and this test takes a quarter of the time of `quote`.
    return text if _UNRESERVED.fullmatch(text) else quote(text, safe="")


def string_to_sign_v1(request: ApiRequest) -> str:
    """Return V1's string to sign. It covers every parameter of the query and the form body, empty ones too, except Signature."""
    pairs, sent = request.query + request.form, _text_of_parameters(request)
    if len(pairs) != len(request.parameters):
        # Of a repeated name the first pair counts.
        pairs, sent = tuple(request.parameters.items()), ""
    query = "&".join([part for (name, _), part in _sorted_parts(pairs, sent) if name != "Signature"])
    # An encoded query has only these three characters left to encode a second time.
    encoded = query.replace("%", "%25").replace("=", "%3D").replace("&", "%26")
    return f"{request.http.method}&%2F&{encoded}"


def _text_of_parameters(request: ApiRequest) -> str:
    """Return the query and the form body as one text."""
    if not request.form:
        return request.http.query
    form = request.http.body.decode()
    return f"{request.http.query}&{form}" if request.http.query else form


def _sorted_parts(pairs: Pairs, sent: str) -> list[tuple[tuple[str, str], str]]:
    """Return the pairs sorted by name, each with its canonical encoding; `sent` is the text that they were decoded from."""
    if pairs and _is_canonical(sent, len(pairs)):
        return sorted(zip(pairs, sent.split("&"), strict=True))
    return [((name, value), f"{percent_encode(name)}={percent_encode(value)}") for name, value in sorted(pairs)]


def _is_canonical(sent: str, count: int) -> bool:
    """Return whether a text consists of `count` pairs in the canonical encoding."""
    separators = sent.encode().translate(None, _ENCODED)
    return separators == b"&".join([b"="] * count) and not _NOT_CANONICAL.search(sent)


def sign_v1(string_to_sign: str, secret: str, signature_method: str) -> str:
    """Sign with the secret followed by `&`. `signature_method` is a key of `V1_DIGESTS`."""
    mac = _keyed(f"{secret}&", V1_DIGESTS[signature_method]).copy()
    mac.update(string_to_sign.encode())
    return b2a_base64(mac.digest(), newline=False).decode()


def forgotten_headers(request: ApiRequest) -> list[str]:
    """Return the names of the x-acs-* headers that a V3 request has but its SignedHeaders does not name."""
    named = request.credentials.signed_headers.lower().split(";")
    return [name for name in request.http.headers if name.startswith("x-acs-") and name not in named]


def headers_to_sign(request: ApiRequest, forgotten: Sequence[str]) -> list[str]:
    """Return the names of the headers that V3 signs: those of SignedHeaders, and the `forgotten` ones."""
    named = request.credentials.signed_headers.lower().split(";")
    return sorted(filter(None, [*named, *forgotten])) if forgotten else named


def canonical_request_v3(request: ApiRequest, signed_headers: Sequence[str]) -> str:
    """Return V3's canonical request over the headers with these names."""
    query = "&".join([part for _, part in _sorted_parts(request.query, request.http.query)])
    body_hash = hashlib.sha256(request.http.body).hexdigest()
    return join_canonical_request(request.http.method, query, pick_headers(request, signed_headers), body_hash)


def pick_headers(request: ApiRequest, names: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Return the headers with these names and their values, empty for a header that did not arrive."""
    return tuple([(name, request.http.headers.get(name, "").strip()) for name in names])


def join_canonical_request(method: str, query: str, headers: Sequence[tuple[str, str]], body_hash: str) -> str:
    """Join the parts of V3's canonical request. The path is always `/`."""
    lines = [f"{name}:{value}" for name, value in headers]
    return "\n".join((method, "/", query, *lines, "", ";".join([name for name, _ in headers]), body_hash))


def string_to_sign_v3(canonical_request: str) -> str:
    """Return V3's string to sign."""
    return f"{V3_ALGORITHM}\n{hashlib.sha256(canonical_request.encode()).hexdigest()}"


def sign_v3(string_to_sign: str, secret: str) -> str:
    """Sign with the bare secret."""
    mac = _keyed(secret, "sha256").copy()
    mac.update(string_to_sign.encode())
    return mac.hexdigest()


@lru_cache(maxsize=256)
def _keyed(secret: str, digest: str) -> hmac.HMAC:
    """Return the start of a signature, to be copied: to start again from the secret takes twice as long."""
    return hmac.new(secret.encode(), digestmod=digest)
