"""The requests of the benchmark, signed by an implementation independent of alimock's, so that a bug there shows here."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime, timezone
from urllib.parse import quote
from uuid import uuid4

KEY_ID, SECRET = "testid", "testsecret"
VERSION = "2018-01-29"
HOST = "domain.aliyuncs.com"
QUERY, LIST = "QueryEmailVerification", "ListEmailVerification"
SUBMIT, RESEND = "SubmitEmailVerification", "ResendEmailVerification"
_NO_BODY = hashlib.sha256(b"").hexdigest()
# Amazon's services are selected by the credential scope.
_AMAZON = "AWS4-HMAC-SHA256 Credential=testid/20240101/us-east-1/ses/aws4_request, SignedHeaders=host, Signature=none"


def signed_v1(action: str, **parameters: str) -> bytes:
    """Return a GET request for XML with a new nonce, signed with V1 and HMAC-SHA1."""
    sent = {
        "Action": action,
        "Version": VERSION,
        "Format": "XML",
        "AccessKeyId": KEY_ID,
        "SignatureMethod": "HMAC-SHA1",
        "SignatureVersion": "1.0",
        "SignatureNonce": uuid4().hex,
        "Timestamp": _now(),
        **parameters,
    }
    query = _encode(sent)
    digest = hmac.digest(f"{SECRET}&".encode(), f"GET&%2F&{quote(query, safe='')}".encode(), "sha1")
    return _request("GET", f"/?{query}&Signature={quote(base64.b64encode(digest), safe='')}", {"host": HOST})


def signed_v3(action: str, **parameters: str) -> bytes:
    """Return a POST request for JSON with a new nonce, signed with V3."""
    headers = {
        "host": HOST,
        "x-acs-action": action,
        "x-acs-content-sha256": _NO_BODY,
        "x-acs-date": _now(),
        "x-acs-signature-nonce": uuid4().hex,
        "x-acs-version": VERSION,
    }
    query, names = _encode(parameters), ";".join(headers)
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    canonical = f"POST\n/\n{query}\n{lines}\n{names}\n{_NO_BODY}"
    text = f"ACS3-HMAC-SHA256\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac.digest(SECRET.encode(), text.encode(), "sha256").hex()
    authorization = f"ACS3-HMAC-SHA256 Credential={KEY_ID},SignedHeaders={names},Signature={signature}"
    return _request("POST", f"/?{query}", {**headers, "accept": "application/json", "authorization": authorization})


def form_for_amazon(**parameters: str) -> bytes:
    """Return a form POST as sent by clients of the Amazon SES API version 1."""
    headers = {"host": "localhost", "authorization": _AMAZON, "content-type": "application/x-www-form-urlencoded"}
    return _request("POST", "/", headers, _encode(parameters).encode())


def json_for_amazon(path: str, content: Mapping[str, object]) -> bytes:
    """Return a JSON POST as sent by clients of the Amazon SES API version 2."""
    headers = {"host": "localhost", "authorization": _AMAZON, "content-type": "application/json"}
    return _request("POST", path, headers, json.dumps(content).encode())


def _now() -> str:
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _encode(parameters: Mapping[str, str]) -> str:
    return "&".join(f"{name}={quote(value, safe='')}" for name, value in sorted(parameters.items()))


def _request(method: str, target: str, headers: Mapping[str, str], body: bytes = b"") -> bytes:
    length = {"content-length": str(len(body))} if method == "POST" else {}
    lines = "".join(f"{name}: {value}\r\n" for name, value in {**headers, **length}.items())
    return f"{method} {target} HTTP/1.1\r\n{lines}\r\n".encode() + body
