"""Signatures: the published examples, and every recorded request of a genuine SDK."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest
from alimock.api import parse, signature
from alimock.api.auth import Check, ReceivedRequest, authenticate
from alimock.api.http import HttpRequest
from alimock.api.signature import percent_encode
from alimock.scenario.model import Authentication
from alimock.spec.errors import ApiError
from alimock.state.store import Store
from conftest import scenario

FILES = sorted((Path(__file__).parent.parent / "vectors").glob("*.jsonl"))


@dataclass(frozen=True)
class Vector:
    name: str
    key_id: str
    secret: str
    request: HttpRequest

    @property
    def is_signed_without_empty_parameters(self) -> bool:
        """PHP client 1.5.32 sends empty optional parameters in a GET but does not sign them."""
        return self.name.startswith("php-client") and self.request.method == "GET" and "=&" in f"{self.request.query}&"


def vectors(file: Path) -> Iterator[Vector]:
    for number, line in enumerate(file.read_text().splitlines(), 1):
        sent = json.loads(line)
        headers = {name.lower(): value for name, value in sent["headers"]}
        body = base64.b64decode(sent["body_b64"])
        request = HttpRequest(sent["method"], urlsplit(sent["target"]).query, headers, body, "192.0.2.1")
        yield Vector(f"{file.stem}:{number}", sent["access_key_id"], sent["access_key_secret"], request)


def refusal(vector: Vector, secret: str) -> str | None:
    """Return the code of the refusal if the key of a vector has this secret, or None."""
    sent = parse.parse(vector.request)
    token = {"security_token": sent.credentials.security_token} if sent.credentials.security_token else {}
    key = json.dumps({"id": vector.key_id, "secret": secret, **token})
    store = Store(scenario(f"timestamps: ignored\nauthentication: strict\naccounts: {{default: {{access_keys: [{key}]}}}}"))
    try:
        assert authenticate(ReceivedRequest(sent), Authentication.STRICT, store) is Check.CHECKED
    except ApiError as error:
        return error.code
    return None


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_requests_of_genuine_clients_match_with_their_own_secret_only(file: Path) -> None:
    for vector in vectors(file):
        expected = "SignatureDoesNotMatch" if vector.is_signed_without_empty_parameters else None
        assert refusal(vector, vector.secret) == expected, vector.name
        assert refusal(vector, "another secret") == "SignatureDoesNotMatch", vector.name


def test_vectors_contain_494_requests_of_which_8_have_the_bug_of_the_php_client() -> None:
    everything = [vector for file in FILES for vector in vectors(file)]
    assert len(everything) == 494
    assert sum(vector.is_signed_without_empty_parameters for vector in everything) == 8


V1_COMMON = {"AccessKeyId": "testid", "SignatureMethod": "HMAC-SHA1", "SignatureVersion": "1.0"}


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (
            {
                "Action": "DescribeRegions",
                "Format": "XML",
                "Version": "2014-05-26",
                "SignatureNonce": "3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf",
                "Timestamp": "2016-02-23T12:46:24Z",
            },
            "OLeaidS1JvxuMvnyHOwuJ+uX5qY=",
        ),
        (
            {
                "Action": "DescribeDedicatedHosts",
                "Format": "JSON",
                "RegionId": "cn-beijing",
                "Version": "2014-05-26",
                "SignatureNonce": "edb2b34af0af9a6d14deaf7c1a5315eb",
                "Timestamp": "2023-03-13T08:34:30Z",
            },
            "9NaGiOspFP5UPcwX8Iwt2YJXXuk=",
        ),
    ],
)
def test_v1_signature_matches_the_published_examples(sent: dict[str, str], expected: str) -> None:
    request = parse.parse(HttpRequest("GET", urlencode({**sent, **V1_COMMON}), {}, b"", ""))
    assert signature.sign_v1(signature.string_to_sign_v1(request), "testsecret", "HMAC-SHA1") == expected


def test_v1_string_to_sign_matches_the_published_example() -> None:
    query = (
        "Action=DescribeRegions&Format=XML&Version=2014-05-26&SignatureNonce=3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf"
        "&Timestamp=2016-02-23T12%3A46%3A24Z&AccessKeyId=testid&SignatureMethod=HMAC-SHA1&SignatureVersion=1.0&Signature=ignored"
    )
    assert signature.string_to_sign_v1(parse.parse(HttpRequest("GET", query, {}, b"", ""))) == (
        "GET&%2F&AccessKeyId%3Dtestid%26Action%3DDescribeRegions%26Format%3DXML%26SignatureMethod%3DHMAC-SHA1"
        "%26SignatureNonce%3D3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf%26SignatureVersion%3D1.0"
        "%26Timestamp%3D2016-02-23T12%253A46%253A24Z%26Version%3D2014-05-26"
    )


def test_v3_signature_matches_the_published_example() -> None:
    headers = {
        "host": "ecs.cn-shanghai.aliyuncs.com",
        "x-acs-action": "RunInstances",
        "x-acs-content-sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "x-acs-date": "2023-10-26T10:22:32Z",
        "x-acs-signature-nonce": "3156853299f313e23d1673dc12e1703d",
        "x-acs-version": "2014-05-26",
    }
    query = "ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd&RegionId=cn-shanghai"
    request = parse.parse(HttpRequest("POST", query, headers, b"", ""))
    string_to_sign = signature.string_to_sign_v3(signature.canonical_request_v3(request, sorted(headers)))
    assert string_to_sign == "ACS3-HMAC-SHA256\n7ea06492da5221eba5297e897ce16e55f964061054b7695beedaac1145b1e259"
    expected = "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
    assert signature.sign_v3(string_to_sign, "YourAccessKeySecret") == expected


@pytest.mark.parametrize(
    "query",
    [
        "A=a%20b&B=%40~-._%2F%C3%A9&C=",
        "B=%40~-._%2F%C3%A9&A=a%20b&C=",
        "A=a+b&B=@~-._/%C3%A9&C",
        "&A=a b&&B=%40%7E%2D%2E%5F%2f%c3%a9&C=&",
        "A=%61%20%62&B=%40~-._/\xc3\xa9&C=",
        "A=a%20b&Signature=x%2By%3D&B=%40~-._%2F%C3%A9&C=",
        "A=a%20b&B=%40~-._%2F%C3%A9&C=&B=again",
    ],
)  # fmt: skip
def test_string_to_sign_does_not_depend_on_how_the_client_encodes(query: str) -> None:
    expected = "%2F&A%3Da%2520b%26B%3D%2540~-._%252F%25C3%25A9%26C%3D"
    assert signature.string_to_sign_v1(parse.parse(HttpRequest("GET", query, {}, b"", ""))) == f"GET&{expected}"
    form = {"content-type": "application/x-www-form-urlencoded"}
    for size in range(len(query) + 1):
        if query[size : size + 1] == "&":
            sent, body = query[:size], query[size + 1 :].encode("latin-1")
            assert signature.string_to_sign_v1(parse.parse(HttpRequest("POST", sent, form, body, ""))) == f"POST&{expected}"


def test_names_are_sorted_before_they_are_encoded() -> None:
    query = "A-=1&A=2&A.=3&%C3%A9=4&z=5&A%20=6"
    assert signature.string_to_sign_v1(parse.parse(HttpRequest("GET", query, {}, b"", ""))) == (
        "GET&%2F&A%3D2%26A%2520%3D6%26A-%3D1%26A.%3D3%26z%3D5%26%25C3%25A9%3D4"
    )


@pytest.mark.parametrize("encode", [str.upper, str.lower])
@pytest.mark.parametrize("byte", [byte for byte in range(0x80) if chr(byte) not in "+%&="])
def test_each_character_is_signed_in_its_canonical_encoding(byte: int, encode: Callable[[str], str]) -> None:
    expected = percent_encode(percent_encode(chr(byte)))
    for sent in (encode(f"%{byte:02x}"), chr(byte)):
        request = parse.parse(HttpRequest("GET", f"X={sent}", {}, b"", ""))
        assert signature.string_to_sign_v1(request) == f"GET&%2F&X%3D{expected}"
