"""Why a signature does not match: the common mistakes of clients, each tried until one gives the signature that was sent.

Nothing here decides anything; it only puts into words what `authentication` has refused.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, quote, quote_plus

from alimock.api import signature
from alimock.api.auth import Credentials
from alimock.api.parse import decode
from alimock.scenario.model import AccessKey
from alimock.spec.contract import VERSIONS

Pairs = Iterable[tuple[str, str]]
# Beyond so many parameters it is not tried which one was left out: the work grows with the square.
LEFT_OUT_TRIES = 50
_EMPTY_HASH = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What is wrong with a signature: the cause in one word, what it means and what to do, and what the gateway has signed."""

    matches: bool
    cause: str
    explanation: str
    remedy: str
    string_to_sign: str
    canonical_request: str | None
    expected: str


@dataclass(frozen=True, slots=True)
class _Mistake:
    """A mistake that clients make, with the signature that it would give."""

    cause: str
    explanation: str
    remedy: str
    candidate: str


@dataclass(frozen=True, slots=True)
class _Signing:
    """Everything that goes into a signature, so that a mistake can be tried by changing one part of it."""

    secret: str
    method: str
    query: tuple[tuple[str, str], ...]
    join: Callable[[Pairs], str] = signature.canonical_query
    digest: str = "sha1"
    path: str = "%2F"
    headers: tuple[tuple[str, str], ...] = ()
    body_hash: str = ""
    is_v3: bool = False

    def string_to_sign(self) -> str:
        if self.is_v3:
            return signature.string_to_sign_v3(self.canonical_request())
        return f"{self.method}&{self.path}&{_full(self.join(self.query))}"

    def canonical_request(self) -> str:
        return signature.joined_canonical_request(self.method, self.join(self.query), self.headers, self.body_hash)

    def sign(self) -> str:
        mac = hmac.digest(self.secret.encode(), self.string_to_sign().encode(), self.digest)
        return mac.hex() if self.is_v3 else base64.b64encode(mac).decode()


def explain(sent: Credentials, key: AccessKey, keys: Mapping[str, AccessKey]) -> Diagnosis:
    """Says why the signature of a call does not match; `keys` are all known ones."""
    right = _right(sent, key.secret)
    expected = right.sign()
    if hmac.compare_digest(sent.signature.encode(), expected.encode()):
        return _result(right, _Mistake("none", "the signature matches", "nothing is to be done", expected), matches=True)
    if not sent.signature:
        words = "the request has no signature"
        return _result(right, _Mistake("signature", words, "send the signature that the client computes", ""), matches=False)
    for mistake in _mistakes(sent, right, keys):
        if mistake.candidate == sent.signature:
            return _result(right, mistake, matches=False)
    explanation = f"no common mistake gives this signature, so the secret is most likely not that of {key.id} ({key.location})"
    remedy = "compare the secret with the scenario's, then the string to sign with the client's, character by character"
    return _result(right, _Mistake("secret", explanation, remedy, ""), matches=False)


def _result(right: _Signing, mistake: _Mistake, *, matches: bool) -> Diagnosis:
    canonical = right.canonical_request() if right.is_v3 else None
    words = (mistake.cause, mistake.explanation, mistake.remedy)
    return Diagnosis(matches, *words, right.string_to_sign(), canonical, right.sign())


def _right(sent: Credentials, secret: str) -> _Signing:
    """Gives what the gateway signs."""
    request = sent.request
    if not request.is_v3:
        names = dict.fromkeys(name for name, _ in (*request.query, *request.form) if name != "Signature")
        pairs = tuple((name, request.parameters[name]) for name in names)
        return _Signing(f"{secret}&", request.call.method, pairs, digest=signature.V1_DIGESTS.get(sent.method, "sha1"))
    headers = tuple((name, _header(sent, name)) for name in sent.signed_headers.lower().split(";"))
    body_hash = hashlib.sha256(request.call.body).hexdigest()
    return _Signing(secret, request.call.method, request.query, digest="sha256", headers=headers, body_hash=body_hash, is_v3=True)


def _header(sent: Credentials, name: str) -> str:
    return sent.request.call.headers.get(name, "").strip()


def _mistakes(sent: Credentials, right: _Signing, keys: Mapping[str, AccessKey]) -> Iterator[_Mistake]:
    """Goes through the mistakes, those first that are told from the rest most surely."""
    yield from _mistaken_secrets(sent, right, keys)
    yield from _mistaken_writings(sent, right)
    yield from _mistaken_methods(right)
    yield from _mistaken_encodings(right)
    yield from _mistaken_plus(sent, right)
    yield from _mistaken_headers(sent, right) if right.is_v3 else _mistaken_parameters(sent, right)


def _mistaken_secrets(sent: Credentials, right: _Signing, keys: Mapping[str, AccessKey]) -> Iterator[_Mistake]:
    tail = "" if right.is_v3 else "&"
    bare = right.secret.removesuffix("&") if tail else right.secret
    if right.is_v3:
        words, remedy = "the key of the HMAC is the secret with an &", "V3 signs with the bare secret"
    else:
        words, remedy = "the key of the HMAC is the bare secret", "V1 signs with the secret and an & behind it"
    yield _tried(right, "secret", words, remedy, secret=f"{bare}&" if right.is_v3 else bare)
    for key in keys.values():
        if key.id != sent.access_key_id:
            words, remedy = f"it is signed with the secret of {key.id}", f"sign with that of {sent.access_key_id}"
            yield _tried(right, "secret", words, remedy, secret=f"{key.secret}{tail}")
    for blank in (" ", "\n", "\r\n"):
        for secret in (f"{blank}{bare}", f"{bare}{blank}"):
            words, remedy = "the secret has white space around it", "strip what is read from a file"
            yield _tried(right, "secret", words, remedy, secret=f"{secret}{tail}")


def _mistaken_writings(sent: Credentials, right: _Signing) -> Iterator[_Mistake]:
    """Mistakes in writing down a signature that was computed well."""
    raw = bytes.fromhex(right.sign()) if right.is_v3 else base64.b64decode(right.sign())
    other = base64.b64encode(raw).decode() if right.is_v3 else raw.hex()
    names = ("base64", "hex") if right.is_v3 else ("hex", "base64")
    yield _Mistake("signature", f"the signature is right but written in {names[0]}", f"write it in {names[1]}", other)
    if not right.is_v3:
        words = "the + of the signature came as a space"
        yield _Mistake("signature", words, "percent-encode the signature in the query", right.sign().replace("+", " "))
        yield _Mistake("signature", "the signature is encoded twice", "percent-encode it once", _full(right.sign()))
    elif right.sign() == sent.signature.lower():
        yield _Mistake("signature", "the signature is in upper case", "write it in lower-case hex", sent.signature)


def _mistaken_methods(right: _Signing) -> Iterator[_Mistake]:
    for method in {"GET", "POST", "PUT", right.method.lower()} - {right.method}:
        words = f"it is signed for {method}, but sent by {right.method}"
        yield _tried(right, "method", words, "sign the method that is sent", method=method)
    if right.is_v3:
        return
    for digest in {"sha1", "sha256"} - {right.digest}:
        words = f"it is signed with HMAC-{digest.upper()}, but SignatureMethod says HMAC-{right.digest.upper()}"
        yield _tried(right, "signature-method", words, "send the SignatureMethod that is used", digest=digest)
    yield _tried(right, "encoding", "the path / stands there unencoded", "write %2F between the two &", path="/")


def _full(text: str) -> str:
    return quote(text, safe="")


def _lower(text: str) -> str:
    return "".join(part if len(part) == 1 else part.lower() for part in (_full(character) for character in text))


# What is seen in what the client signed, its cause in one word, and how such a client encodes.
_ENCODINGS: tuple[tuple[str, str, Callable[[str], str]], ...] = (
    ("the parameters are not percent-encoded", "not-encoded", str),
    ("the parameters are encoded twice", "encoded-twice", lambda text: _full(_full(text))),
    ("a space is written as +", "plus-for-space", quote_plus),
    (
        "the parameters are encoded as forms are (+ for a space, * bare, ~ as %7E)",
        "plus-for-space",
        lambda text: quote_plus(text, safe="*").replace("~", "%7E"),
    ),
    ("~ is written as %7E", "encoding", lambda text: _full(text).replace("~", "%7E")),
    ("* is left bare", "encoding", lambda text: quote(text, safe="*")),
    ("/ is left bare", "encoding", lambda text: quote(text, safe="/")),
    ("characters that URLs allow are left bare", "not-encoded", lambda text: quote(text, safe="!'()*@,/?:;$=+")),
    ("the hex digits of the encoding are in lower case", "encoding", _lower),
)


def _joiner(encode: Callable[[str], str]) -> Callable[[Pairs], str]:
    return lambda pairs: "&".join(f"{encode(name)}={encode(value)}" for name, value in sorted(pairs))


def _unsorted(pairs: Pairs) -> str:
    return "&".join(f"{_full(name)}={_full(value)}" for name, value in pairs)


def _mistaken_encodings(right: _Signing) -> Iterator[_Mistake]:
    for words, cause, encode in _ENCODINGS:
        remedy = "encode each name and value once as RFC 3986 says: only letters, digits and -_.~ bare, a space as %20"
        yield _tried(right, cause, f"{words} in what is signed", remedy, join=_joiner(encode))
    yield _tried(right, "order", "the parameters are not sorted", "sort by name, byte by byte", join=_unsorted)


# Parameters that clients sign and then forget to send.
_FORGOTTEN = (
    ("SignatureMethod", "HMAC-SHA1"),
    ("SignatureVersion", "1.0"),
    ("Format", "JSON"),
    ("Format", "XML"),
    ("RegionId", "cn-hangzhou"),
)


def _mistaken_pairs(sent: Credentials, right: _Signing) -> Iterator[_Mistake]:
    pairs = tuple(pair for pair in (*sent.request.query, *sent.request.form) if pair[0] != "Signature")
    if len(pairs) > len(right.query):
        for query in (pairs, tuple(dict(pairs).items())):
            words = "a parameter is sent twice, of which the gateway takes the first"
            yield _tried(right, "parameter", words, "send each parameter once", query=query)
    if sent.request.call.body and not sent.request.form:
        query = (*right.query, *parse_qsl(sent.request.call.body.decode("utf-8", "replace"), keep_blank_values=True))
        words = "the parameters in the body are signed, but its Content-Type is not that of a form"
        yield _tried(right, "body", words, "send the body as application/x-www-form-urlencoded", query=query)


def _mistaken_plus(sent: Credentials, right: _Signing) -> Iterator[_Mistake]:
    call = sent.request.call
    literal = replace(call, query=call.query.replace("+", "%2B"), body=call.body.replace(b"+", b"%2B"))
    query = _right(replace(sent, request=decode(literal)), "").query
    words = "a + was sent raw, which means a space, but signed as a +"
    yield _tried(right, "plus-for-space", words, "send a + as %2B", query=query)


def _mistaken_parameters(sent: Credentials, right: _Signing) -> Iterator[_Mistake]:
    remedy = "sign every parameter that is sent but Signature, those in the body and the empty ones too"
    yield from _mistaken_pairs(sent, right)
    form = {name for name, _ in sent.request.form}
    if form:
        kept = tuple(pair for pair in right.query if pair[0] not in form)
        yield _tried(right, "body", "the parameters in the body are left out of what is signed", remedy, query=kept)
    filled = tuple(pair for pair in right.query if pair[1])
    if filled != right.query:
        yield _tried(right, "parameter", "the empty parameters are left out of what is signed", remedy, query=filled)
    for name, value in right.query if len(right.query) <= LEFT_OUT_TRIES else ():
        kept = tuple(pair for pair in right.query if pair != (name, value))
        yield _tried(right, "parameter", f"{name} is sent but left out of what is signed", remedy, query=kept)
    for name, value in _FORGOTTEN:
        if name not in sent.request.parameters:
            words, query = f"{name}={value} is signed but not sent", (*right.query, (name, value))
            yield _tried(right, "parameter", words, "send what is signed", query=query)


def _mistaken_headers(sent: Credentials, right: _Signing) -> Iterator[_Mistake]:
    absent = [name for name, _ in right.headers if name not in sent.request.call.headers]
    if absent:
        words = f"SignedHeaders names {', '.join(absent)}, which did not come"
        yield _Mistake("header", words, "send every header that is signed; proxies drop some", sent.signature)
    for body_hash in (_header(sent, "x-acs-content-sha256"), _EMPTY_HASH, ""):
        words = "the hash in what is signed is not that of the body that came"
        yield _tried(right, "body", words, "hash the very bytes that are sent", body_hash=body_hash)
    came = _header(sent, "host")
    for host in (came.partition(":")[0], f"{came}:80", f"http://{came}", *(version.endpoint for version in VERSIONS.values())):
        headers = tuple((name, host if name == "host" else value) for name, value in right.headers)
        words = f"it is signed for the host {host}, but sent to {came}"
        yield _tried(right, "host", words, "sign the Host that is sent", headers=headers)
    for name in sorted(set(sent.request.call.headers) - {name for name, _ in right.headers} - {"authorization"}):
        headers = tuple(sorted((*right.headers, (name, _header(sent, name)))))
        words = f"{name} is signed but left out of SignedHeaders"
        yield _tried(right, "header", words, f"add {name} to SignedHeaders", headers=headers)
    for one in right.headers:
        headers = tuple(header for header in right.headers if header != one)
        words = f"{one[0]} is named in SignedHeaders but not signed"
        yield _tried(right, "header", words, f"sign {one[0]} or leave it out of SignedHeaders", headers=headers)
    for pair in right.query if len(right.query) <= LEFT_OUT_TRIES else ():
        kept = tuple(other for other in right.query if other != pair)
        yield _tried(right, "parameter", f"{pair[0]} is sent but left out of what is signed", "sign the whole query", query=kept)
    if sent.request.form:
        words = "the parameters in the body are signed as if they were in the query"
        yield _tried(right, "body", words, "sign the query alone", query=(*right.query, *sent.request.form))


def _tried(right: _Signing, cause: str, explanation: str, remedy: str, **changes: object) -> _Mistake:
    return _Mistake(cause, explanation, remedy, replace(right, **changes).sign())  # type: ignore[arg-type]
