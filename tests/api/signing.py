"""Requests signed with V3, and an API that demands signatures, for the tests of `auth` and `service`."""

from __future__ import annotations

import hashlib

from alimock.api import parse, signature
from alimock.api.http import HttpRequest
from conftest import Api, make_api, scenario

KEYS = """
accounts:
  default:
    access_keys:
      - {id: testid, secret: testsecret}
      - {id: inactive, secret: testsecret, status: inactive}
      - {id: STS.one, secret: testsecret, security_token: tok, expires: 2026-01-01 09:00:00}
      - {id: STS.open, secret: testsecret}
      - {id: powerless, secret: testsecret, permissions: []}
"""


def strict_api(text: str = "") -> Api:
    """Return an API that demands a signature, with `text` added to its scenario."""
    return make_api(scenario(f"authentication: strict\n{KEYS}{text}"))


def sign_v3(*, key_id: str = "testid", secret: str = "testsecret", unsigned: str = "", **changes: str | None) -> dict[str, str]:
    """Return the headers of a V3 request without a body, all signed but one. A change of None leaves the header out."""
    headers: dict[str, str | None] = {
        "host": "localhost",
        "x-acs-action": "ListEmailVerification",
        "x-acs-version": "2018-01-29",
        "x-acs-date": "2026-01-01T00:00:00Z",
        "x-acs-signature-nonce": "nonce",
        "x-acs-content-sha256": hashlib.sha256(b"").hexdigest(),
        **{name.replace("_", "-"): value for name, value in changes.items()},
    }
    sent = {name: value for name, value in headers.items() if value is not None}
    names = sorted(sent.keys() - {unsigned})
    request = parse.parse(HttpRequest("POST", "", sent, b"", ""))
    digest = signature.sign_v3(signature.string_to_sign_v3(signature.canonical_request_v3(request, names)), secret)
    fields = f"Credential={key_id},SignedHeaders={';'.join(names)},Signature={digest}"
    return {**sent, "authorization": f"ACS3-HMAC-SHA256 {fields}"}
