"""Properties for any input: responses are well-formed, and signatures agree with an independent implementation of the rules."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode

import pytest
from alimock.api import parse, signature
from alimock.api.http import HttpRequest
from alimock.scenario import loader
from alimock.spec.contract import COMMON_PARAMETERS, OPERATIONS
from alimock.spec.profiles import PROFILES
from conftest import Api, make_api
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

# Queries cannot contain lone surrogates: UTF-8 cannot encode them.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40) | st.sampled_from(
    [
        "",
        ",",
        "jo@example.com",
        "*@sim.example.com",
        "a@b@c.com",
        "\x00",
        "]]>",
        "&lt;",
        "\ufffe",
        "true",
        "-1",
        "0",
        "9" * 30,
        "<a/>",
    ]
)
NAMES = sorted({parameter.name for operation in OPERATIONS.values() for parameter in operation.parameters} | set(COMMON_PARAMETERS))
UNRESERVED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~"
pytestmark = pytest.mark.slow
PROPERTIES = settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def api() -> Api:
    return make_api(loader.load("default"))


def is_well_formed(body: bytes) -> bool:
    """Return whether a body is one JSON object or one XML element."""
    if body.startswith(b"{"):
        return isinstance(json.loads(body.decode("utf-8")), dict)
    return etree.fromstring(body).tag is not None


@PROPERTIES
@given(
    action=st.sampled_from(sorted(OPERATIONS)) | TEXTS,
    version=st.sampled_from(["2018-01-29", "2017-12-18"]) | TEXTS,
    body_format=st.sampled_from(["XML", "JSON", "xml", ""]) | TEXTS,
    profile=st.sampled_from(sorted(PROFILES)),
    others=st.dictionaries(st.sampled_from(NAMES) | TEXTS, TEXTS, max_size=6),
    as_form=st.booleans(),
)
def test_any_text_in_any_parameter_gets_a_well_formed_response(
    api: Api, action: str, version: str, body_format: str, profile: str, others: Mapping[str, str], as_form: bool
) -> None:
    query = urlencode({**others, "Action": action, "Version": version, "Format": body_format})
    headers = {"x-alimock-profile": profile, **({"content-type": "application/x-www-form-urlencoded"} if as_form else {})}
    method, sent_query, body = ("POST", "", query.encode()) if as_form else ("GET", query, b"")
    response = api.service.handle(HttpRequest(method, sent_query, headers, body, "192.0.2.1"))
    assert not api.service.failures
    assert response.status == 200 or 400 <= response.status < 500
    assert is_well_formed(response.body)
    assert all(value.isascii() and value.isprintable() and len(value) <= 1_100 for _, value in response.headers)


@PROPERTIES
@given(query=st.binary(max_size=60), body=st.binary(max_size=60), method=st.sampled_from(["GET", "POST", "PUT"]))
def test_any_bytes_get_a_well_formed_response(api: Api, query: bytes, body: bytes, method: str) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    response = api.service.handle(HttpRequest(method, query.decode("latin-1"), headers, body, "192.0.2.1"))
    assert not api.service.failures
    assert 400 <= response.status < 500
    assert is_well_formed(response.body)


@PROPERTIES
@given(headers=st.dictionaries(st.sampled_from(["x-acs-action", "x-acs-version", "x-acs-date", "x-acs-signature-nonce",
    "x-acs-content-sha256", "host", "accept"]), TEXTS), authorization=TEXTS, algorithm=st.sampled_from(["ACS3-HMAC-SHA256 ", "ACS3-"]))  # fmt: skip
def test_any_headers_of_a_v3_request_get_a_well_formed_response(
    api: Api, headers: dict[str, str], authorization: str, algorithm: str
) -> None:
    response = api.service.handle(
        HttpRequest("POST", "", {**headers, "authorization": algorithm + authorization}, b"", "192.0.2.1")
    )
    assert not api.service.failures
    assert 200 <= response.status < 500
    assert is_well_formed(response.body)


@PROPERTIES
@given(text=st.text(st.sampled_from("ab=&+;%4eE#é "), max_size=30))
def test_parameters_are_decoded_as_by_the_standard_library(text: str) -> None:
    request = HttpRequest("GET", text.encode().decode("latin-1"), {}, b"", "192.0.2.1")
    try:
        expected = parse_qsl(text, keep_blank_values=True, errors="strict")
    except UnicodeDecodeError:
        expected = None
    if expected is None or re.search("%(?![0-9A-Fa-f]{2})", text):
        malformed = parse.parse(request).malformed
        assert malformed is not None and malformed.code == "RequestParameterMalformed"
    else:
        assert parse.parse(request).query == tuple(expected)


def encoded(text: str) -> str:
    """Percent-encode byte by byte by RFC 3986, independently of the code under test."""
    return "".join(chr(byte) if chr(byte) in UNRESERVED else f"%{byte:02X}" for byte in text.encode())


def reference_signature(method: str, pairs: Mapping[str, str], secret: str) -> str:
    """Sign by the published rules of V1, independently of the code under test."""
    canonical = "&".join(f"{encoded(name)}={encoded(pairs[name])}" for name in sorted(pairs))
    string_to_sign = "&".join((method, encoded("/"), encoded(canonical)))
    return base64.b64encode(hmac.new(f"{secret}&".encode(), string_to_sign.encode(), hashlib.sha1).digest()).decode()


@PROPERTIES
@given(pairs=st.dictionaries(TEXTS.filter(lambda name: name != "Signature"), TEXTS, max_size=8), split=st.integers(0, 8))
def test_v1_signature_follows_the_rules_for_parameters_in_query_and_form(pairs: dict[str, str], split: int) -> None:
    names = list(pairs)
    query = urlencode({name: pairs[name] for name in names[:split]})
    form = urlencode({name: pairs[name] for name in names[split:]})
    headers = {"content-type": "application/x-www-form-urlencoded"}
    request = parse.parse(HttpRequest("POST", query, headers, form.encode(), ""))
    signed = signature.sign_v1(signature.string_to_sign_v1(request), "secret", "HMAC-SHA1")
    assert signed == reference_signature("POST", pairs, "secret")


@PROPERTIES
@given(pairs=st.dictionaries(TEXTS, TEXTS, max_size=6), body=st.binary(max_size=40), value=TEXTS)
def test_v3_canonical_request_follows_the_rules(pairs: dict[str, str], body: bytes, value: str) -> None:
    header = re.sub(r"\s+", " ", value).strip()
    headers = {"host": "127.0.0.1:2546", "x-acs-action": header, "authorization": "ACS3-HMAC-SHA256 x"}
    request = parse.parse(HttpRequest("POST", urlencode(pairs), headers, body, ""))
    canonical = signature.canonical_request_v3(request, ["host", "x-acs-action"])
    query = "&".join(f"{encoded(name)}={encoded(pairs[name])}" for name in sorted(pairs))
    expected = [
        "POST",
        "/",
        query,
        "host:127.0.0.1:2546",
        f"x-acs-action:{header}",
        "",
        "host;x-acs-action",
        hashlib.sha256(body).hexdigest(),
    ]
    assert canonical == "\n".join(expected)
