"""Diagnosis of wrong signatures: requests with one client error each, and the cause that must be found."""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from urllib.parse import quote, quote_plus, urlencode

import pytest
from alimock.api import client_errors
from alimock.api.http import HttpRequest, HttpResponse
from alimock.api.parse import parse
from alimock.app import flask_app
from alimock.backend import Backend
from alimock.cli.main import main
from conftest import Api, make_api, scenario, serve
from werkzeug.test import Client

KEYS = "accounts: {default: {access_keys: [{id: testid, secret: testsecret}, {id: other, secret: othersecret}]}}"
FORM = "application/x-www-form-urlencoded"
SIGNED = "host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version"
COMMON = {
    "Action": "SubmitEmailVerification",
    "Version": "2018-01-29",
    "Format": "JSON",
    "AccessKeyId": "testid",
    "SignatureMethod": "HMAC-SHA1",
    "SignatureVersion": "1.0",
    "SignatureNonce": "n o~n*ce/",
    "Timestamp": "2026-01-01T00:00:00Z",
    "Lang": "",
}


@pytest.fixture(scope="module")
def keyed() -> Api:
    return make_api(scenario(f"authentication: strict\n{KEYS}"))


def rfc3986(text: str) -> str:
    return quote(text, safe="-_.~")


def v1(
    *,
    encode: Callable[[str], str] = rfc3986,
    key: str = "testsecret&",
    method: str = "GET",
    sent_by: str = "GET",
    digest: str = "sha1",
    path: str = "%2F",
    leave_out: Iterable[str] = (),
    add: Iterable[tuple[str, str]] = (),
    order: Callable[[list[tuple[str, str]]], list[tuple[str, str]]] = sorted,
    body: dict[str, str] | None = None,
    write: Callable[[bytes], str] = lambda mac: base64.b64encode(mac).decode(),
    **changes: str,
) -> HttpRequest:
    """Return a V1 request as a client with one error sends it. Written independently of the code under test."""
    sent = {**COMMON, **changes}
    signed = [(name, value) for name, value in {**sent, **(body or {})}.items() if name not in set(leave_out)] + list(add)
    query = "&".join(f"{encode(name)}={encode(value)}" for name, value in order(signed))
    string_to_sign = f"{method}&{path}&{rfc3986(query)}"
    signature = write(hmac.new(key.encode(), string_to_sign.encode(), digest).digest())
    headers = {"content-type": FORM} if body else {}
    return HttpRequest(sent_by, urlencode({**sent, "Signature": signature}), headers, urlencode(body or {}).encode(), "")


def v3(
    *,
    encode: Callable[[str], str] = rfc3986,
    key: str = "testsecret",
    method: str = "POST",
    signed: str = SIGNED,
    named: str | None = None,
    host: str = "localhost:2546",
    body: bytes = b"",
    hashed: bytes | None = None,
    query: tuple[tuple[str, str], ...] = (("Email", "a b@example.com"), ("Lang", "en")),
    signed_query: tuple[tuple[str, str], ...] | None = None,
    write: Callable[[bytes], str] = bytes.hex,
    date: str = "2026-01-01T00:00:00Z",
    content_type: str = FORM,
    sent_content_type: str | None = None,
) -> HttpRequest:
    """Return a V3 request as a client with one error sends it."""
    body_hash = hashlib.sha256(body if hashed is None else hashed).hexdigest()
    headers = {
        "host": "localhost:2546",
        "x-acs-action": "SubmitEmailVerification",
        "x-acs-version": "2018-01-29",
        "x-acs-date": date,
        "x-acs-signature-nonce": "nonce",
        "x-acs-content-sha256": body_hash,
        "content-type": content_type,
    }
    values = {**headers, "host": host}
    joined = "&".join(
        f"{encode(name)}={encode(value)}" for name, value in sorted(signed_query if signed_query is not None else query)
    )
    lines = "".join(f"{name}:{values[name]}\n" for name in signed.split(";"))
    canonical = f"{method}\n/\n{joined}\n{lines}\n{signed}\n{body_hash}"
    string_to_sign = f"ACS3-HMAC-SHA256\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = write(hmac.new(key.encode(), string_to_sign.encode(), "sha256").digest())
    headers["authorization"] = f"ACS3-HMAC-SHA256 Credential=testid,SignedHeaders={named or signed},Signature={signature}"
    headers["content-type"] = content_type if sent_content_type is None else sent_content_type
    return HttpRequest("POST", urlencode(query), headers, body, "")


def unencoded_plus() -> HttpRequest:
    request = v1(Email="a+b c@example.com", SignatureNonce="n")
    return request._replace(query=request.query.replace("a%2Bb+c", "a+b%20c"))


def repeated_parameter() -> HttpRequest:
    request = v1(add=[("Format", "XML")])
    return request._replace(query=f"{request.query}&Format=XML")


def form_without_content_type() -> HttpRequest:
    return v1(sent_by="POST", method="POST", body={"Email": "a@example.com"})._replace(headers={"content-type": "text/plain"})


def one_bare_address() -> HttpRequest:
    """Sign and send the pairs of a query, of which one is not encoded."""
    pairs = [*(f"{name}={rfc3986(value)}" for name, value in COMMON.items()), "Email=jo+tag@example.com"]
    string_to_sign = f"GET&%2F&{rfc3986('&'.join(sorted(pairs)))}"
    signature = base64.b64encode(hmac.digest(b"testsecret&", string_to_sign.encode(), "sha1")).decode()
    return HttpRequest("GET", "&".join([f"Signature={rfc3986(signature)}", *pairs]), {}, b"", "")


def ascii_encoded(text: str) -> str:
    return "".join(rfc3986(character) if character.isascii() else character for character in text)


def only_email(encode: Callable[[str], str]) -> Callable[[str], str]:
    return lambda text: encode(text) if "@" in text else rfc3986(text)


BROKEN: dict[str, tuple[HttpRequest, str, str]] = {
    "V1 wrong secret": (v1(key="guess&"), "secret", "probably a wrong secret for key testid"),
    "V1 secret without &": (v1(key="testsecret"), "secret", "the bare secret"),
    "V1 secret of another key": (v1(key="othersecret&"), "secret", "the secret of other"),
    "V1 secret with a line feed": (v1(key="testsecret\n&"), "secret", "leading or trailing whitespace"),
    "V1 wrong method": (v1(method="POST"), "method", "signed for POST but sent with GET"),
    "V1 wrong digest": (v1(digest="sha256"), "signature-method", "signed with HMAC-SHA256"),
    "V1 parameters not encoded": (v1(encode=str), "not-encoded", "not percent-encoded"),
    "V1 parameters encoded twice": (v1(encode=lambda text: rfc3986(rfc3986(text))), "encoded-twice", "encoded twice"),
    "V1 + for a space": (v1(encode=quote_plus), "plus-for-space", "a space is written as +"),
    "V1 encoded by Java's URLEncoder": (
        v1(encode=lambda text: quote_plus(text, safe="*").replace("~", "%7E")),
        "plus-for-space",
        "form-encoded",
    ),
    "V1 ~ encoded": (v1(encode=lambda text: rfc3986(text).replace("~", "%7E")), "encoding", "%7E"),
    "V1 / not encoded": (v1(encode=quote), "encoding", "/ is not encoded"),
    "V1 path not encoded": (v1(path="/"), "encoding", "the path /"),
    "V1 one address not encoded, sent encoded": (v1(Email="jo@example.com", encode=only_email(str)), "not-encoded", "only in Email"),
    "V1 one address not encoded, sent bare": (one_bare_address(), "not-encoded", "Email=jo+tag@example.com is not percent-encoded"),
    "V1 one address encoded twice": (v1(Email="jo@example.com", encode=only_email(lambda text: rfc3986(rfc3986(text)))), "encoded-twice", "only in Email"),
    "V1 bare UTF-8": (v1(Email="张三@example.com", encode=ascii_encoded), "not-encoded", "outside of ASCII"),
    "V1 not sorted": (v1(order=list), "order", "not sorted"),
    "V1 empty parameter not signed": (v1(leave_out=["Lang"]), "parameter", "the empty parameters"),
    "V1 parameter not signed": (v1(leave_out=["Format"]), "parameter", "Format is sent but not signed"),
    "V1 body not signed": (v1(sent_by="POST", method="POST", body={"Email": "a@example.com", "X": "y"}, leave_out=["Email", "X"]), "body", "in the body"),
    "V1 parameter signed but not sent": (v1(add=[("RegionId", "cn-hangzhou")]), "parameter", "RegionId=cn-hangzhou is signed"),
    "V1 + sent unencoded but signed as +": (unencoded_plus(), "plus-for-space", "a + was sent unencoded"),
    "V1 parameter sent twice": (repeated_parameter(), "parameter", "sent twice"),
    "V1 form without its Content-Type": (form_without_content_type(), "body", "is not that of a form"),
    "V1 signature in hex": (v1(write=bytes.hex), "signature", "encoded as hex"),
    "V1 signature encoded twice": (v1(write=lambda mac: rfc3986(base64.b64encode(mac).decode())), "signature", "encoded twice"),
    "V3 wrong secret": (v3(key="guess"), "secret", "probably a wrong secret for key testid"),
    "V3 secret with &": (v3(key="testsecret&"), "secret", "the secret followed by &"),
    "V3 wrong method": (v3(method="GET"), "method", "signed for GET but sent with POST"),
    "V3 query encoded twice": (v3(encode=lambda text: rfc3986(rfc3986(text))), "encoded-twice", "encoded twice"),
    "V3 + for a space": (v3(encode=quote_plus), "plus-for-space", "a space is written as +"),
    "V3 wrong host": (v3(host="domain.aliyuncs.com"), "host", "signed for the host domain.aliyuncs.com"),
    "V3 host without its port": (v3(host="localhost"), "host", "signed for the host localhost but"),
    "V3 header missing from SignedHeaders": (v3(signed=f"content-type;{SIGNED}", named=SIGNED), "header", "content-type is signed but missing from SignedHeaders"),
    "V3 header in SignedHeaders but not signed": (v3(named=f"content-type;{SIGNED}"), "header", "content-type is in SignedHeaders but not signed"),
    "V3 signed header that did not arrive": (v3(named=f"{SIGNED};x-datum"), "header", "x-datum, which did not arrive"),
    "V3 header of the gateway that is not signed": (v3(signed=SIGNED.replace("x-acs-date;", "")), "header", "SignedHeaders does not name x-acs-date"),
    "V3 header of the gateway that is signed but not named": (v3(named=SIGNED.replace("x-acs-date;", "")), "header", "SignedHeaders does not name x-acs-date"),
    "V3 charset added to the content-type": (
        v3(signed=f"content-type;{SIGNED}", sent_content_type=f"{FORM}; charset=utf-8"),
        "header",
        f"signed for the content-type {FORM} but sent with {FORM}; charset=utf-8",
    ),
    "V3 charset removed from the content-type": (
        v3(signed=f"content-type;{SIGNED}", content_type="application/json; charset=utf-8", sent_content_type="application/json"),
        "header",
        "signed for the content-type application/json; charset=utf-8 but",
    ),
    "V3 content-type that the client did not set": (v3(signed=f"content-type;{SIGNED}", content_type="", sent_content_type="text/plain"), "header", "the content-type (none)"),
    "V3 one address not encoded": (v3(query=(("Email", "jo@example.com"), ("X", "a/b")), encode=only_email(str)), "not-encoded", "only in Email"),
    "V3 bare UTF-8": (v3(query=(("Email", "张三@example.com"),), encode=ascii_encoded), "not-encoded", "outside of ASCII"),
    "V3 wrong body hash": (v3(body=b"Lang=en", hashed=b""), "body", "does not match the body that arrived"),
    "V3 parameter not signed": (v3(signed_query=(("Lang", "en"),)), "parameter", "Email is sent but not signed"),
    "V3 body signed as part of the query": (
        v3(query=(), body=b"Email=a%40example.com", signed_query=(("Email", "a@example.com"),)),
        "body",
        "as part of the query",
    ),
    "V3 signature in base64": (v3(write=lambda mac: base64.b64encode(mac).decode()), "signature", "encoded as base64"),
    "V3 signature in upper case": (v3(write=lambda mac: mac.hex().upper()), "signature", "upper case"),
}  # fmt: skip


@pytest.mark.parametrize(("sent", "cause", "words"), BROKEN.values(), ids=BROKEN)
def test_client_error_is_diagnosed(keyed: Api, sent: HttpRequest, cause: str, words: str) -> None:
    response = keyed.service.handle(sent)
    assert (response.status, b"SignatureDoesNotMatch" in response.body) == (400, True)
    found = keyed.service.diagnose(parse(sent))
    assert found is not None
    assert (found.matches, found.cause) == (False, cause)
    assert words in found.explanation
    assert found.remedy
    decided_by = dict(response.headers)["X-Alimock-Decided-By"]
    assert decided_by.replace("\\n", "\n").startswith("signature of testid (case.yaml:3): ")
    assert words in decided_by
    assert b"testsecret" not in response.body
    assert "testsecret" not in decided_by


@pytest.mark.parametrize(
    ("sent", "string_to_sign", "canonical_request"),
    [
        (v1(method="POST"), "POST&%2F&AccessKeyId", None),
        (v1(path="/"), "GET&/&AccessKeyId", None),
        (v1(write=bytes.hex), "GET&%2F&AccessKeyId", None),
        (v1(key="guess"), None, None),
        (v3(method="GET"), "ACS3-HMAC-SHA256\n", "GET\n/\nEmail=a%20b%40example.com&Lang=en\n"),
        (v3(encode=str), "ACS3-HMAC-SHA256\n", "POST\n/\nEmail=a b@example.com&Lang=en\n"),
        (v3(key="guess"), None, None),
    ],
)
def test_what_the_client_signed_is_returned_if_its_error_is_known(
    keyed: Api, sent: HttpRequest, string_to_sign: str | None, canonical_request: str | None
) -> None:
    found = keyed.service.diagnose(parse(sent))
    assert found is not None
    for text, start in ((found.client_string_to_sign, string_to_sign), (found.client_canonical_request, canonical_request)):
        assert (text or "").startswith(start or "") and (text is None) == (start is None)
    if canonical_request is not None:
        digest = hashlib.sha256(str(found.client_canonical_request).encode()).hexdigest()
        assert found.client_string_to_sign == f"ACS3-HMAC-SHA256\n{digest}"


@pytest.mark.parametrize("sent", [v1(), v3()])
def test_correct_signature_matches(keyed: Api, sent: HttpRequest) -> None:
    found = keyed.service.diagnose(parse(sent))
    assert found is not None
    assert (found.matches, found.cause) == (True, "none")
    assert (found.client_string_to_sign, found.client_canonical_request) == (found.string_to_sign, found.canonical_request)


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (v1(Timestamp="2026-01-01T08:00:00Z"), "+28800 s to the real time"),
        (v3(date="2025-12-31T23:00:00Z"), "-3600 s to the real time"),
        (v1(Timestamp="1767225600"), "timestamp-format"),
        (v1(Timestamp="2026-01-01T00%3A00%3A00Z"), "percent-encoded twice"),
    ],
)
def test_wrong_timestamp_is_the_cause_if_the_signature_matches(keyed: Api, sent: HttpRequest, words: str) -> None:
    found = keyed.service.diagnose(parse(sent))
    assert found is not None
    assert (found.matches, found.cause[:16], words in found.explanation) == (True, "InvalidTimeStamp", True)


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"SignatureType": "BEARERTOKEN"}, "UnsupportedSignatureType"), ({"SignatureNonce": ""}, "MissingSignatureNonce")],
)
def test_other_refusal_is_the_cause_if_the_signature_matches(keyed: Api, changes: dict[str, str], code: str) -> None:
    found = keyed.service.diagnose(parse(v1(**changes)))
    assert found is not None
    assert (found.matches, found.cause) == (True, code)


def test_used_nonce_is_the_cause_until_it_may_be_used_again() -> None:
    api = make_api(scenario(f"authentication: strict\n{KEYS}"))
    asking = Client(flask_app(Backend(api.service)))
    api.service.handle(v1())
    refused = api.service.handle(v1())
    for content in ({"request_id": request_id(refused)}, {"method": "GET", "url": f"/?{v1().query}"}):
        status, found = ask(asking, **content)
        assert (status, found["matches"], found["cause"]) == (200, True, "SignatureNonceUsed")
        assert "needs a new one" in str(found["explanation"])
    api.time.now += 900
    fresh = api.service.diagnose(parse(v1(Timestamp="2026-01-01T00:15:00Z")))
    assert fresh is not None
    assert fresh.cause == "none"


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (v1(key="guess&", BearerToken="x"), "UnsupportedSignatureType"),
        (v1(key="guess&", SignatureMethod="HMAC-MD5"), "InvalidSignatureMethod"),
        (
            HttpRequest(
                "POST", "", {"x-acs-action": "VerifyEmail", "x-acs-version": "2018-01-29", "x-acs-bearer-token": "x"}, b"", ""
            ),
            "UnsupportedSignatureType",
        ),
        (
            v3()._replace(
                headers={**v3().headers, "authorization": "ACS3-HMAC-SM3 Credential=testid,SignedHeaders=host,Signature=x"}
            ),
            "InvalidSignatureMethod",
        ),
    ],
)
def test_what_is_no_signature_with_an_access_key_is_not_blamed_on_the_secret(keyed: Api, sent: HttpRequest, code: str) -> None:
    found = keyed.service.diagnose(parse(sent))
    assert found is not None
    assert (found.matches, found.cause) == (False, code)
    assert found.explanation.startswith(f"the call is refused with {code}: rule ")


def test_large_parameters_are_not_changed_in_turn(keyed: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    encoded = []

    def count(text: str) -> str:
        encoded.append(text)
        return rfc3986(text)

    monkeypatch.setattr(client_errors, "percent_encode", count)
    size = 200_000
    keyed.service.diagnose(parse(v1(key="guess&", sent_by="POST", body={"Email": "a@" * (size // 2), "X": "y"})))
    assert sum(map(len, encoded)) < 100 * size


def test_number_of_tries_does_not_grow_with_the_parameters(keyed: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    digest, digests = hmac.digest, []

    def count_digest(key: bytes, message: bytes, name: str) -> bytes:
        digests.append(name)
        return digest(key, message, name)

    monkeypatch.setattr(hmac, "digest", count_digest)
    counts = []
    for number in (100, 1_000):
        digests.clear()
        keyed.service.diagnose(parse(v1(key="guess&", sent_by="POST", body={f"P{index}": "x" for index in range(number)})))
        counts.append(len(digests))
    assert counts[0] == counts[1] < 100


@pytest.mark.parametrize(("number", "cause"), [(50, "parameter"), (51, "secret")])
def test_unsigned_parameter_is_found_among_at_most_50(keyed: Api, number: int, cause: str) -> None:
    others = {f"P{index}": "x" for index in range(number - len(COMMON))}
    query = tuple((f"P{index:02}", "x") for index in range(number))
    for request in (v1(leave_out=["Format"], **others), v3(query=query, signed_query=query[1:])):
        found = keyed.service.diagnose(parse(request))
        assert found is not None
        assert found.cause == cause


@pytest.fixture(scope="module")
def client(keyed: Api) -> Client:
    return Client(flask_app(Backend(keyed.service)))


def ask(client: Client, **content: object) -> tuple[int, dict[str, object]]:
    """Ask the control API for a diagnosis, and return the status and the body of its response."""
    response = client.post("/_alimock/explain-signature", json=content, headers={"Host": "localhost"})
    return response.status_code, json.loads(response.data)


def request_id(response: HttpResponse) -> str:
    return dict(response.headers)["x-acs-request-id"]


def test_refused_call_is_explained_by_its_request_id(keyed: Api, client: Client) -> None:
    response = keyed.service.handle(v1(method="POST"))
    status, found = ask(client, request_id=request_id(response))
    assert (status, found["cause"]) == (200, "method")
    assert ask(client, request_id="none")[0] == 404


def test_every_call_with_refused_credentials_can_be_explained(keyed: Api, client: Client) -> None:
    keyed.service.handle(v1())
    for request in (v1(), v1(Timestamp="x"), v1(SignatureType="x")):
        response = keyed.service.handle(request)
        assert response.status == 400
        assert ask(client, request_id=request_id(response))[0] == 200


def test_request_is_explained_from_json_and_from_raw_http(client: Client) -> None:
    request = v3(host="domain.aliyuncs.com", body=b"x=1")
    url = f"http://localhost:2546/?{request.query}"
    assert ask(client, method=request.method, url=url, headers=dict(request.headers), body="x=1")[1]["cause"] == "host"
    lines = (
        f"{request.method} /?{request.query} HTTP/1.1",
        *(f"{name}: {value}" for name, value in request.headers.items()),
        "",
        "x=1",
    )
    raw = "\n".join(lines)
    for text in (raw, raw.replace("\n", "\r\n"), raw.replace("\nhost", "\ncontent-length: 3\nhost") + "\n"):
        response = client.post("/_alimock/explain-signature", data=text, content_type="message/http", headers={"Host": "localhost"})
        assert json.loads(response.data)["cause"] == "host"


def test_unknown_key_is_explained_with_a_given_secret(client: Client) -> None:
    request = v1(AccessKeyId="unknown", key="mine")
    content = {"method": "GET", "url": f"/?{request.query}"}
    assert ask(client, **content)[0] == 404
    assert ask(client, **content, secret="mine")[1]["explanation"] == "the HMAC key is the bare secret"


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"method": "GET"},
        {"method": "GET", "url": "//[x"},
        {"method": "GET", "url": "/?a=%"},
        {"method": 1, "url": "/"},
        {"method": "GET", "url": "/", "headers": []},
        {"method": "GET", "url": "/?x=\ud800"},
        {"method": "\ud800", "url": "/"},
        {"method": "GET", "url": "/", "secret": "\ud800"},
        {"method": "GET", "url": "/", "headers": {"x": "\ud800"}},
    ],
)
def test_invalid_json_request_is_rejected_with_a_hint(client: Client, content: dict[str, object]) -> None:
    status, body = ask(client, **content)
    assert status in (400, 404)
    assert body["hint"]


@pytest.mark.parametrize("text", [b"", b"GET", b"\xff", b"GET / HTTP/1.1\n\xff: \xff\n\n\xff"])
def test_invalid_raw_request_is_rejected(client: Client, text: bytes) -> None:
    response = client.post("/_alimock/explain-signature", data=text, content_type="message/http", headers={"Host": "localhost"})
    assert response.status_code in (400, 404)


def test_command_prints_the_explanation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for running in serve(scenario(f"timestamps: ignored\n{KEYS}")):
        command = ["explain-signature", "--url", running.url]
        wrong, right = (f"{request.method} /?{request.query} HTTP/1.1\n\n" for request in (v1(method="POST"), v1()))
        file = tmp_path / "request.http"
        file.write_text(wrong)
        assert main([*command, str(file)]) == 1
        output = capsys.readouterr().out
        assert output.splitlines()[0] == "it is signed for POST but sent with GET (method)"
        assert "The gateway's string to sign:\nGET&%2F&AccessKeyId" in output
        assert "The client's string to sign:\nPOST&%2F&AccessKeyId" in output
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(right.encode())))
        assert main([*command, "-"]) == 0
        assert main([*command, "8C7FF3C5-42F8-55C8-8A44-403A3467F278"]) == 2
        assert capsys.readouterr().err.startswith("alimock: No call with the RequestId ")
        assert main([*command, "--url", "http://127.0.0.1:1", "x"]) == 2
