"""Why a signature does not match: deliberately broken requests, each with the cause that has to be named."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote, quote_plus, urlencode

import pytest
from alimock.api import diagnosis
from alimock.api.http import Call
from alimock.security import HostPolicy
from alimock.server.dispatch import Application
from conftest import Api, Running, make_api, scenario, serve
from werkzeug.test import Client

KEYS = "accounts: {default: {access_keys: [{id: testid, secret: testsecret}, {id: other, secret: othersecret}]}}"
FORM = "application/x-www-form-urlencoded"
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


@pytest.fixture
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
) -> Call:
    """Makes a V1 call as a client with one mistake would: written apart from the code under test."""
    sent = {**COMMON, **changes}
    signed = [(name, value) for name, value in {**sent, **(body or {})}.items() if name not in set(leave_out)] + list(add)
    query = "&".join(f"{encode(name)}={encode(value)}" for name, value in order(signed))
    string_to_sign = f"{method}&{path}&{rfc3986(query)}"
    signature = write(hmac.new(key.encode(), string_to_sign.encode(), digest).digest())
    headers = {"content-type": FORM} if body else {}
    return Call(sent_by, urlencode({**sent, "Signature": signature}), headers, urlencode(body or {}).encode(), "")


def v3(
    *,
    encode: Callable[[str], str] = rfc3986,
    key: str = "testsecret",
    method: str = "POST",
    signed: str = "host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version",
    named: str | None = None,
    host: str = "localhost:2546",
    body: bytes = b"",
    hashed: bytes | None = None,
    query: tuple[tuple[str, str], ...] = (("Email", "a b@example.com"), ("Lang", "en")),
    signed_query: tuple[tuple[str, str], ...] | None = None,
    write: Callable[[bytes], str] = bytes.hex,
    date: str = "2026-01-01T00:00:00Z",
) -> Call:
    """Makes a V3 call as a client with one mistake would."""
    body_hash = hashlib.sha256(body if hashed is None else hashed).hexdigest()
    headers = {
        "host": "localhost:2546",
        "x-acs-action": "SubmitEmailVerification",
        "x-acs-version": "2018-01-29",
        "x-acs-date": date,
        "x-acs-signature-nonce": "nonce",
        "x-acs-content-sha256": body_hash,
        "content-type": FORM,
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
    return Call("POST", urlencode(query), headers, body, "")


def raw_plus() -> Call:
    call = v1(Email="a+b c@example.com", SignatureNonce="n")
    return replace(call, query=call.query.replace("a%2Bb+c", "a+b%20c"))


def twice() -> Call:
    call = v1(add=[("Format", "XML")])
    return replace(call, query=f"{call.query}&Format=XML")


def untyped_form() -> Call:
    return replace(v1(sent_by="POST", method="POST", body={"Email": "a@example.com"}), headers={"content-type": "text/plain"})


def without_header() -> Call:
    call = v3(
        signed="host;x-acs-action;x-acs-content-sha256;x-acs-signature-nonce;x-acs-version", named="host;x-acs-date;x-missing"
    )
    return replace(
        call, headers={**call.headers, "authorization": call.headers["authorization"].replace("x-missing", "x-acs-datum")}
    )


BROKEN: dict[str, tuple[Call, str, str]] = {
    "V1 a wrong secret": (v1(key="guess&"), "secret", "no common mistake"),
    "V1 the secret without &": (v1(key="testsecret"), "secret", "the bare secret"),
    "V1 the secret of another key": (v1(key="othersecret&"), "secret", "the secret of other"),
    "V1 the secret with a line feed": (v1(key="testsecret\n&"), "secret", "white space"),
    "V1 another method": (v1(method="POST"), "method", "signed for POST, but sent by GET"),
    "V1 another digest": (v1(digest="sha256"), "signature-method", "signed with HMAC-SHA256"),
    "V1 nothing encoded": (v1(encode=str), "not-encoded", "not percent-encoded"),
    "V1 encoded twice": (v1(encode=lambda text: rfc3986(rfc3986(text))), "encoded-twice", "encoded twice"),
    "V1 + for a space": (v1(encode=quote_plus), "plus-for-space", "a space is written as +"),
    "V1 encoded as Java's URLEncoder does": (
        v1(encode=lambda text: quote_plus(text, safe="*").replace("~", "%7E")),
        "plus-for-space",
        "as forms are",
    ),
    "V1 ~ encoded": (v1(encode=lambda text: rfc3986(text).replace("~", "%7E")), "encoding", "%7E"),
    "V1 / bare": (v1(encode=quote), "encoding", "/ is left bare"),
    "V1 the path not encoded": (v1(path="/"), "encoding", "the path /"),
    "V1 not sorted": (v1(order=list), "order", "not sorted"),
    "V1 the empty parameter left out": (v1(leave_out=["Lang"]), "parameter", "the empty parameters"),
    "V1 a parameter left out": (v1(leave_out=["Format"]), "parameter", "Format is sent but left out"),
    "V1 the body left out": (v1(sent_by="POST", method="POST", body={"Email": "a@example.com", "X": "y"}, leave_out=["Email", "X"]), "body", "in the body"),
    "V1 a parameter signed but not sent": (v1(add=[("RegionId", "cn-hangzhou")]), "parameter", "RegionId=cn-hangzhou is signed"),
    "V1 a raw + signed as +": (raw_plus(), "plus-for-space", "a + was sent raw"),
    "V1 a parameter sent twice": (twice(), "parameter", "sent twice"),
    "V1 a form without its type": (untyped_form(), "body", "is not that of a form"),
    "V1 written in hex": (v1(write=bytes.hex), "signature", "written in hex"),
    "V1 the signature encoded twice": (v1(write=lambda mac: rfc3986(base64.b64encode(mac).decode())), "signature", "encoded twice"),
    "V3 a wrong secret": (v3(key="guess"), "secret", "no common mistake"),
    "V3 the secret with &": (v3(key="testsecret&"), "secret", "with an &"),
    "V3 another method": (v3(method="GET"), "method", "signed for GET, but sent by POST"),
    "V3 encoded twice": (v3(encode=lambda text: rfc3986(rfc3986(text))), "encoded-twice", "encoded twice"),
    "V3 + for a space": (v3(encode=quote_plus), "plus-for-space", "a space is written as +"),
    "V3 signed for another host": (v3(host="domain.aliyuncs.com"), "host", "signed for the host domain.aliyuncs.com"),
    "V3 signed for the host without its port": (v3(host="localhost"), "host", "signed for the host localhost,"),
    "V3 a header left out of SignedHeaders": (
        v3(signed="content-type;host;x-acs-action;x-acs-date", named="host;x-acs-action;x-acs-date"),
        "header",
        "content-type is signed but left out of SignedHeaders",
    ),
    "V3 a header named but not signed": (
        v3(signed="host;x-acs-action", named="host;x-acs-action;x-acs-date"),
        "header",
        "x-acs-date is named in SignedHeaders but not signed",
    ),
    "V3 a signed header that did not come": (without_header(), "header", "x-acs-datum, which did not come"),
    "V3 another body": (v3(body=b"Lang=en", hashed=b""), "body", "not that of the body that came"),
    "V3 the query left out": (v3(signed_query=(("Lang", "en"),)), "parameter", "Email is sent but left out"),
    "V3 the body signed as query": (
        v3(query=(), body=b"Email=a%40example.com", signed_query=(("Email", "a@example.com"),)),
        "body",
        "as if they were in the query",
    ),
    "V3 written in base64": (v3(write=lambda mac: base64.b64encode(mac).decode()), "signature", "written in base64"),
    "V3 written in upper case": (v3(write=lambda mac: mac.hex().upper()), "signature", "upper case"),
}  # fmt: skip


@pytest.mark.parametrize(("call", "cause", "words"), BROKEN.values(), ids=BROKEN)
def test_a_broken_request_is_told_its_cause(keyed: Api, call: Call, cause: str, words: str) -> None:
    reply = keyed.service.answer(call)
    assert (reply.status, b"SignatureDoesNotMatch" in reply.body) == (400, True)
    found = keyed.service.explain(call)
    assert found is not None
    assert (found.matches, found.cause) == (False, cause)
    assert words in found.explanation
    assert found.remedy
    decided_by = dict(reply.headers)["X-Alimock-Decided-By"]
    assert decided_by.replace("\\n", "\n").startswith("signature of testid (case.yaml:3): ")
    assert words in decided_by
    assert b"testsecret" not in reply.body
    assert "testsecret" not in decided_by


@pytest.mark.parametrize("call", [v1(), v3()])
def test_a_good_request_is_told_that_it_matches(keyed: Api, call: Call) -> None:
    found = keyed.service.explain(call)
    assert found is not None
    assert (found.matches, found.cause) == (True, "none")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (v1(Timestamp="2026-01-01T08:00:00Z"), "+28800 s to the real time"),
        (v3(date="2025-12-31T23:00:00Z"), "-3600 s to the real time"),
        (v1(Timestamp="1767225600"), "timestamp-format"),
        (v1(Timestamp="2026-01-01T00%3A00%3A00Z"), "percent-encoded twice"),
    ],
)
def test_a_wrong_clock_is_told_apart_from_a_wrong_signature(keyed: Api, call: Call, words: str) -> None:
    found = keyed.service.explain(call)
    assert found is not None
    assert (found.matches, found.cause[:16], words in found.explanation) == (True, "InvalidTimeStamp", True)


def test_what_else_refuses_a_call_is_told_when_its_signature_matches(keyed: Api) -> None:
    for changes, code in (
        ({"SignatureType": "BEARERTOKEN"}, "UnsupportedSignatureType"),
        ({"SignatureNonce": ""}, "MissingSignatureNonce"),
    ):
        found = keyed.service.explain(v1(**changes))
        assert found is not None
        assert (found.matches, found.cause) == (True, code)


def test_every_call_refused_for_its_signature_is_kept_for_a_while(keyed: Api, client: Client) -> None:
    keyed.service.answer(v1())
    for call in (v1(), v1(Timestamp="x"), v1(SignatureType="x")):
        reply = keyed.service.answer(call)
        assert reply.status == 400
        assert ask(client, request_id=dict(reply.headers)["x-acs-request-id"])[0] == 200


def test_what_is_tried_does_not_grow_with_the_parameters(keyed: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []
    monkeypatch.setattr(diagnosis._Signing, "sign", lambda self: tried.append("one") or "")
    for number in (3_000, 6_000):
        keyed.service.explain(v1(sent_by="POST", body={f"P{index}": "x" for index in range(number)}))
        assert len(tried) < 100
        tried.clear()


@pytest.fixture
def client(keyed: Api) -> Client:
    return Client(Application(keyed.service, HostPolicy()))


def ask(client: Client, **content: object) -> tuple[int, dict[str, object]]:
    response = client.post("/_alimock/explain-signature", json=content, headers={"Host": "localhost"})
    return response.status_code, json.loads(response.data)


def test_a_refused_call_is_explained_by_its_request_id(keyed: Api, client: Client) -> None:
    reply = keyed.service.answer(v1(method="POST"))
    status, found = ask(client, request_id=dict(reply.headers)["x-acs-request-id"])
    assert (status, found["cause"]) == (200, "method")
    assert ask(client, request_id="none")[0] == 404


def test_a_request_is_explained_as_the_client_sent_it(client: Client) -> None:
    call = v3(host="domain.aliyuncs.com", body=b"x=1")
    sent = {"method": call.method, "url": f"http://localhost:2546/?{call.query}", "headers": dict(call.headers), "body": "x=1"}
    assert ask(client, **sent)[1]["cause"] == "host"
    raw = (
        f"{call.method} /?{call.query} HTTP/1.1\n" + "".join(f"{name}: {value}\n" for name, value in call.headers.items()) + "\nx=1"
    )
    for text in (raw, raw.replace("\n", "\r\n"), raw.replace("\nhost", "\ncontent-length: 3\nhost") + "\n"):
        response = client.post("/_alimock/explain-signature", data=text, content_type="message/http", headers={"Host": "localhost"})
        assert json.loads(response.data)["cause"] == "host"


def test_a_secret_can_be_given_for_a_key_that_nobody_named(client: Client) -> None:
    call = v1(AccessKeyId="nobody", key="mine")
    sent = {"method": "GET", "url": f"/?{call.query}"}
    assert ask(client, **sent)[0] == 404
    assert ask(client, **sent, secret="mine")[1]["explanation"] == "the key of the HMAC is the bare secret"


@pytest.mark.parametrize(
    "content", [{}, {"method": "GET"}, {"method": "GET", "url": "//[x"}, {"method": "GET", "url": "/?a=%"}, {"method": 1, "url": "/"},
                {"method": "GET", "url": "/", "headers": []}, {"method": "GET", "url": "/?x=\ud800"}, {"method": "\ud800", "url": "/"}, {"method": "GET", "url": "/", "secret": "\ud800"},
                {"method": "GET", "url": "/", "headers": {"x": "\ud800"}}]
)  # fmt: skip
def test_what_is_no_request_is_told_so(client: Client, content: dict[str, object]) -> None:
    status, body = ask(client, **content)
    assert status in (400, 404)
    assert body["hint"]


@pytest.mark.parametrize("text", [b"", b"GET", b"\xff", b"GET / HTTP/1.1\n\xff: \xff\n\n\xff"])
def test_what_is_no_raw_request_is_told_so(client: Client, text: bytes) -> None:
    response = client.post("/_alimock/explain-signature", data=text, content_type="message/http", headers={"Host": "localhost"})
    assert response.status_code in (400, 404)


def command(running: Running, *arguments: str, text: str = "") -> tuple[int, str, str]:
    words = [sys.executable, "-m", "alimock", "explain-signature", "--url", running.url, *arguments]
    done = subprocess.run(words, input=text, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def test_the_command_says_it_in_a_terminal(tmp_path: Path) -> None:
    for running in serve(scenario(f"timestamps: ignored\n{KEYS}")):
        wrong, right = (f"{call.method} /?{call.query} HTTP/1.1\n\n" for call in (v1(method="POST"), v1()))
        file = tmp_path / "request.http"
        file.write_text(wrong)
        status, output, _ = command(running, str(file))
        assert (status, output.splitlines()[0]) == (1, "it is signed for POST, but sent by GET (method)")
        assert "string to sign:\nGET&%2F&AccessKeyId" in output
        assert command(running, "-", text=right)[0] == 0
        status, _, log = command(running, "8C7FF3C5-42F8-55C8-8A44-403A3467F278")
        assert (status, log.startswith("alimock: No refused call")) == (2, True)
        assert command(running, "--url", "http://127.0.0.1:1", "x")[0] == 2
