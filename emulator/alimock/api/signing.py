"""The signing of a request, with parts that can be changed to simulate the errors of clients."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from typing import NamedTuple

from alimock.api import signature
from alimock.api.parse import ApiRequest
from alimock.api.signature import percent_encode
from alimock.spec.contract import V1_DIGESTS


class Signing(NamedTuple):
    """Everything that goes into a signature. Changing one part of it simulates an error.

    `encode` is used for the parameter `encoded`, or for all if that is None. `sent` are the encoded pairs to sign as they are.
    """

    secret: str
    method: str
    query: tuple[tuple[str, str], ...]
    encode: Callable[[str], str] = percent_encode
    encoded: str | None = None
    sent: tuple[str, ...] = ()
    is_sorted: bool = True
    digest: str = "sha1"
    path: str = "%2F"
    headers: tuple[tuple[str, str], ...] = ()
    body_hash: str = ""
    is_v3: bool = False

    @classmethod
    def of(cls, request: ApiRequest, secret: str) -> Signing:
        """Return what the gateway signs."""
        if not request.is_v3:
            names = dict.fromkeys(name for name, _ in (*request.query, *request.form) if name != "Signature")
            pairs = tuple((name, request.parameters[name]) for name in names)
            digest = V1_DIGESTS.get(request.credentials.method, "sha1")
            return cls(f"{secret}&", request.http.method, pairs, digest=digest)
        headers = signature.pick_headers(request, signature.headers_to_sign(request, signature.forgotten_headers(request)))
        body_hash = hashlib.sha256(request.http.body).hexdigest()
        return cls(secret, request.http.method, request.query, digest="sha256", headers=headers, body_hash=body_hash, is_v3=True)

    def string_to_sign(self) -> str:
        """Return the string to sign."""
        if self.is_v3:
            return signature.string_to_sign_v3(self.canonical_request())
        return f"{self.method}&{self.path}&{percent_encode(self._canonical_query())}"

    def canonical_request(self) -> str:
        """Return V3's canonical request."""
        return signature.join_canonical_request(self.method, self._canonical_query(), self.headers, self.body_hash)

    def _canonical_query(self) -> str:
        if self.sent:
            return "&".join(sorted(self.sent, key=lambda pair: pair.partition("=")[0]))
        pairs = sorted(self.query) if self.is_sorted else self.query
        return "&".join(self._encoded_pair(name, value) for name, value in pairs)

    def _encoded_pair(self, name: str, value: str) -> str:
        encode = self.encode if self.encoded in (None, name) else percent_encode
        return f"{encode(name)}={encode(value)}"

    def sign(self) -> str:
        """Return the signature."""
        mac = hmac.digest(self.secret.encode(), self.string_to_sign().encode(), self.digest)
        return mac.hex() if self.is_v3 else base64.b64encode(mac).decode()
