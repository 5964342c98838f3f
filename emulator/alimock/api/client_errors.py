"""Common errors of clients that sign their requests, each with the signature that it would produce."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, quote_plus, unquote

from alimock.api.parse import ApiRequest, parse
from alimock.api.signature import percent_encode
from alimock.api.signing import Signing
from alimock.scenario.model import AccessKey
from alimock.spec.contract import VERSIONS

# With more parameters or bytes than this, changing each parameter in turn is not tried: the work grows with the square.
CHANGED_IN_TURN = 50
CHANGED_BYTES = 4 * 1024
_EMPTY_HASH = hashlib.sha256(b"").hexdigest()


class ClientError(NamedTuple):
    """A common client error, with the signature that it would produce, and what the client then `signed`, None if unknown."""

    cause: str
    explanation: str
    remedy: str
    candidate: str
    signed: Signing | None


def _header(request: ApiRequest, name: str) -> str:
    return request.http.headers.get(name, "").strip()


def client_errors(request: ApiRequest, right: Signing, keys: Mapping[str, AccessKey]) -> Iterator[ClientError]:
    """Yield the errors to try, the most specific ones first; `keys` are all known keys."""
    yield from _mistaken_secrets(request, right, keys)
    yield from _mistaken_writings(request, right)
    yield from _mistaken_methods(right)
    yield from _mistaken_encodings(right)
    yield from _mistaken_parts(request, right)
    yield from _mistaken_plus(request, right)
    yield from _mistaken_headers(request, right) if right.is_v3 else _mistaken_parameters(request, right)


def _mistaken_secrets(request: ApiRequest, right: Signing, keys: Mapping[str, AccessKey]) -> Iterator[ClientError]:
    tail = "" if right.is_v3 else "&"
    bare = right.secret.removesuffix(tail)
    if right.is_v3:
        words = "the HMAC key is the secret followed by &"
        yield _tried(right, "secret", words, "V3 signs with the bare secret", secret=f"{bare}&")
    else:
        yield _tried(right, "secret", "the HMAC key is the bare secret", "V1 signs with the secret followed by &", secret=bare)
    for key in keys.values():
        if key.id != request.credentials.access_key_id:
            words = f"it is signed with the secret of {key.id}"
            remedy = f"sign with the secret of {request.credentials.access_key_id}"
            yield _tried(right, "secret", words, remedy, secret=f"{key.secret}{tail}")
    for blank in (" ", "\n", "\r\n"):
        for secret in (f"{blank}{bare}", f"{bare}{blank}"):
            words, remedy = "the secret has leading or trailing whitespace", "strip a secret that is read from a file"
            yield _tried(right, "secret", words, remedy, secret=f"{secret}{tail}")


def _mistaken_writings(request: ApiRequest, right: Signing) -> Iterator[ClientError]:
    """Yield the ways to misspell a signature that was computed correctly."""
    correct = right.sign()
    raw = bytes.fromhex(correct) if right.is_v3 else base64.b64decode(correct)
    other = base64.b64encode(raw).decode() if right.is_v3 else raw.hex()
    names = ("base64", "hex") if right.is_v3 else ("hex", "base64")
    yield ClientError("signature", f"the signature is correct but encoded as {names[0]}", f"encode it as {names[1]}", other, right)
    if not right.is_v3:
        words = "a + in the signature arrived as a space"
        yield ClientError("signature", words, "percent-encode the signature in the query", correct.replace("+", " "), right)
        words = "the signature is percent-encoded twice"
        yield ClientError("signature", words, "percent-encode it once", percent_encode(correct), right)
    elif correct == request.credentials.signature.lower():
        sent = request.credentials.signature
        yield ClientError("signature", "the signature is in upper case", "use lower-case hex digits", sent, right)


def _mistaken_methods(right: Signing) -> Iterator[ClientError]:
    for method in {"GET", "POST", "PUT", right.method.lower()} - {right.method}:
        words = f"it is signed for {method} but sent with {right.method}"
        yield _tried(right, "method", words, "sign the HTTP method that is sent", method=method)
    if right.is_v3:
        return
    for digest in {"sha1", "sha256"} - {right.digest}:
        words = f"it is signed with HMAC-{digest.upper()}, but SignatureMethod is HMAC-{right.digest.upper()}"
        yield _tried(right, "signature-method", words, "send the SignatureMethod that the client uses", digest=digest)
    words = "the path / is not percent-encoded in the string to sign"
    yield _tried(right, "encoding", words, "write %2F between the two &", path="/")


def _lower(text: str) -> str:
    return "".join(part if len(part) == 1 else part.lower() for part in (percent_encode(character) for character in text))


def _ascii_only(text: str) -> str:
    return "".join(percent_encode(character) if character.isascii() else character for character in text)


# A symptom in the string that the client signed, its cause as one word, and how such a client encodes.
_ENCODINGS: tuple[tuple[str, str, Callable[[str], str]], ...] = (
    ("the parameters are not percent-encoded", "not-encoded", str),
    ("the parameters are percent-encoded twice", "encoded-twice", lambda text: percent_encode(percent_encode(text))),
    ("a space is written as +", "plus-for-space", quote_plus),
    (
        "the parameters are form-encoded (+ for a space, * unencoded, ~ as %7E)",
        "plus-for-space",
        lambda text: quote_plus(text, safe="*").replace("~", "%7E"),
    ),
    ("~ is written as %7E", "encoding", lambda text: percent_encode(text).replace("~", "%7E")),
    ("* is not encoded", "encoding", lambda text: quote(text, safe="*")),
    ("/ is not encoded", "encoding", lambda text: quote(text, safe="/")),
    ("characters outside of ASCII are not percent-encoded", "not-encoded", _ascii_only),
    ("characters that URLs allow are not encoded", "not-encoded", lambda text: quote(text, safe="!'()*@,/?:;$=+")),
    ("the hex digits of the percent-encoding are in lower case", "encoding", _lower),
)


_ENCODE = "percent-encode each name and value once by RFC 3986: letters, digits and -_.~ stay, a space is %20"


def _mistaken_encodings(right: Signing) -> Iterator[ClientError]:
    for words, cause, encode in _ENCODINGS:
        yield _tried(right, cause, f"{words} in the string to sign", _ENCODE, encode=encode)
    yield _tried(right, "order", "the parameters are not sorted", "sort them by name, byte by byte", is_sorted=False)


def _mistaken_parts(request: ApiRequest, right: Signing) -> Iterator[ClientError]:
    """Yield the errors in the encoding of one parameter, and of what is signed as it is sent."""
    for name, value in _changed_in_turn(right):
        for words, cause, encode in _ENCODINGS:
            if all(encode(text) == percent_encode(text) for text in (name, value)):
                continue
            explanation = f"{words} in the string to sign, only in {name}"
            yield _tried(right, cause, explanation, _ENCODE, encode=encode, encoded=name)
    sent = _sent_pairs(request)
    odd = next((part for part in sent if not _is_encoded(part)), None)
    if odd is not None:
        words = f"the parameters are signed as they are sent, and {odd} is not percent-encoded as the gateway does it"
        yield _tried(right, "not-encoded", words, _ENCODE, sent=sent)


def _changed_in_turn(right: Signing) -> tuple[tuple[str, str], ...]:
    """Return the parameters if they are few and small enough for changing each in turn."""
    is_small = sum(len(name) + len(value) for name, value in right.query) <= CHANGED_BYTES
    return right.query if is_small and len(right.query) <= CHANGED_IN_TURN else ()


def _sent_pairs(request: ApiRequest) -> tuple[str, ...]:
    """Return the pairs that are signed, as they are sent."""
    texts = [request.http.query.encode("latin-1")] + ([request.http.body] if request.form and not request.is_v3 else [])
    parts = [part.decode("utf-8", "replace") for text in texts for part in text.split(b"&") if part]
    return tuple(part for part in parts if not part.startswith("Signature="))


def _is_encoded(part: str) -> bool:
    name, _, value = part.partition("=")
    return all(percent_encode(unquote(text)) == text for text in (name, value))


# Parameters that clients sign and then do not send.
_FORGOTTEN = (
    ("SignatureMethod", "HMAC-SHA1"),
    ("SignatureVersion", "1.0"),
    ("Format", "JSON"),
    ("Format", "XML"),
    ("RegionId", "cn-hangzhou"),
)


def _mistaken_pairs(request: ApiRequest, right: Signing) -> Iterator[ClientError]:
    pairs = tuple(pair for pair in (*request.query, *request.form) if pair[0] != "Signature")
    if len(pairs) > len(right.query):
        for query in (pairs, tuple(dict(pairs).items())):
            words = "a parameter is sent twice; the gateway uses the first"
            yield _tried(right, "parameter", words, "send each parameter once", query=query)
    if request.http.body and not request.form:
        query = (*right.query, *parse_qsl(request.http.body.decode("utf-8", "replace"), keep_blank_values=True))
        words = "the parameters in the body are signed, but the Content-Type is not that of a form"
        yield _tried(right, "body", words, "send the body as application/x-www-form-urlencoded", query=query)


def _mistaken_plus(request: ApiRequest, right: Signing) -> Iterator[ClientError]:
    http = request.http
    literal = http._replace(query=http.query.replace("+", "%2B"), body=http.body.replace(b"+", b"%2B"))
    query = Signing.of(parse(literal), "").query
    words = "a + was sent unencoded, which means a space, but signed as a +"
    yield _tried(right, "plus-for-space", words, "send + as %2B", query=query)


def _mistaken_parameters(request: ApiRequest, right: Signing) -> Iterator[ClientError]:
    remedy = "sign every parameter except Signature, including empty ones and those in the body"
    yield from _mistaken_pairs(request, right)
    form = {name for name, _ in request.form}
    if form:
        kept = tuple(pair for pair in right.query if pair[0] not in form)
        yield _tried(right, "body", "the parameters in the body are not signed", remedy, query=kept)
    filled = tuple(pair for pair in right.query if pair[1])
    if filled != right.query:
        yield _tried(right, "parameter", "the empty parameters are not signed", remedy, query=filled)
    for name, value in _changed_in_turn(right):
        kept = tuple(pair for pair in right.query if pair != (name, value))
        yield _tried(right, "parameter", f"{name} is sent but not signed", remedy, query=kept)
    for name, value in _FORGOTTEN:
        if name not in request.parameters:
            words, query = f"{name}={value} is signed but not sent", (*right.query, (name, value))
            yield _tried(right, "parameter", words, "send what is signed", query=query)


def _mistaken_headers(request: ApiRequest, right: Signing) -> Iterator[ClientError]:
    absent = [name or "an empty name" for name, _ in right.headers if name not in request.http.headers]
    if absent:
        words = f"SignedHeaders names {', '.join(absent)}, which did not arrive"
        remedy = "send every header that is signed; proxies may drop headers"
        yield ClientError("header", words, remedy, request.credentials.signature, None)
    for body_hash in (_header(request, "x-acs-content-sha256"), _EMPTY_HASH, ""):
        words = "the body hash that is signed does not match the body that arrived"
        yield _tried(right, "body", words, "hash exactly the bytes that are sent", body_hash=body_hash)
    came = _header(request, "host")
    for host in (came.partition(":")[0], f"{came}:80", f"http://{came}", *(version.endpoint for version in VERSIONS.values())):
        headers = tuple((name, host if name == "host" else value) for name, value in right.headers)
        words = f"it is signed for the host {host} but sent to {came}"
        yield _tried(right, "host", words, "sign the Host header that is sent", headers=headers)
    for name in sorted(set(request.http.headers) - {name for name, _ in right.headers} - {"authorization"}):
        headers = tuple(sorted((*right.headers, (name, _header(request, name)))))
        words = f"{name} is signed but missing from SignedHeaders"
        yield _tried(right, "header", words, f"add {name} to SignedHeaders", headers=headers)
    yield from _mistaken_content_types(right)
    for one in right.headers:
        headers = tuple(header for header in right.headers if header != one)
        words = f"{one[0]} is in SignedHeaders but not signed"
        yield _tried(right, "header", words, f"sign {one[0]} or remove it from SignedHeaders", headers=headers)
    for pair in _changed_in_turn(right):
        kept = tuple(other for other in right.query if other != pair)
        yield _tried(right, "parameter", f"{pair[0]} is sent but not signed", "sign the whole query", query=kept)
    if request.form:
        words = "the parameters in the body are signed as part of the query"
        yield _tried(right, "body", words, "sign the query only", query=(*right.query, *request.form))


# What HTTP libraries make of the Content-Type of a client.
_CONTENT_TYPES = ("", "application/x-www-form-urlencoded", "application/json", "application/octet-stream", "text/plain")
_CHARSETS = ("", "; charset=utf-8", ";charset=utf-8", "; charset=UTF-8", ";charset=UTF-8")


def _mistaken_content_types(right: Signing) -> Iterator[ClientError]:
    came = dict(right.headers).get("content-type")
    if came is None:
        return
    media_types = dict.fromkeys((came.partition(";")[0].strip(), *_CONTENT_TYPES))
    for content_type in (f"{media_type}{charset}" for media_type in media_types for charset in _CHARSETS):
        headers = tuple((name, content_type if name == "content-type" else value) for name, value in right.headers)
        words = f"it is signed for the content-type {content_type or '(none)'} but sent with {came or '(none)'}"
        yield _tried(right, "header", words, "sign the Content-Type that is sent, with its charset", headers=headers)


def _tried(right: Signing, cause: str, explanation: str, remedy: str, **changes: object) -> ClientError:
    signed = right._replace(**changes)  # type: ignore[arg-type]
    return ClientError(cause, explanation, remedy, signed.sign(), signed)
