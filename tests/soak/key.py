"""The access keys of the soak, and calls signed with them by a reading of the gateway's rules of its own."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from urllib.parse import quote, urlencode

VERSION = "2018-01-29"
# Each account has the next of these: how it signs, and whether the emulator knows its secret.
KINDS = (("none", False), ("V1", True), ("V3", True), ("V1", False))
_NONCES = itertools.count()


def encoded(text: str) -> str:
    """Percent-encodes as the gateway's rules say."""
    return quote(text, safe="-_.~")


def moment() -> str:
    """Writes the real time as signed requests have it."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True)
class Key:
    """An access key and how its calls are signed: not at all, by V1 or by V3; one without a secret is unknown to the emulator."""

    id: str
    signature: str
    secret: str | None

    def request(self, host: str, action: str, given: Mapping[str, str]) -> tuple[str, dict[str, str]]:
        """Makes the query and the headers of a call."""
        if self.signature == "V3":
            return self._v3(host, action, given)
        values = {"Action": action, "Version": VERSION, "Format": "JSON", "AccessKeyId": self.id, **given}
        if self.signature == "V1":
            nonce = f"{self.id}-{next(_NONCES)}-{time.monotonic_ns()}"
            values |= {"SignatureMethod": "HMAC-SHA1", "SignatureVersion": "1.0", "SignatureNonce": nonce, "Timestamp": moment()}
            text = f"GET&%2F&{encoded(_canonical(values))}"
            digest = hmac.new(f"{self.secret or 'wrong'}&".encode(), text.encode(), hashlib.sha1).digest()
            values["Signature"] = base64.b64encode(digest).decode()
        return urlencode(values), {}

    def _v3(self, host: str, action: str, given: Mapping[str, str]) -> tuple[str, dict[str, str]]:
        headers = {
            "host": host,
            "x-acs-action": action,
            "x-acs-content-sha256": hashlib.sha256(b"").hexdigest(),
            "x-acs-date": moment(),
            "x-acs-signature-nonce": f"{self.id}-{next(_NONCES)}-{time.monotonic_ns()}",
            "x-acs-version": VERSION,
        }
        names = ";".join(headers)
        lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
        query = _canonical({**given, "Format": "JSON"})
        request = f"GET\n/\n{query}\n{lines}\n{names}\n{headers['x-acs-content-sha256']}"
        text = f"ACS3-HMAC-SHA256\n{hashlib.sha256(request.encode()).hexdigest()}"
        signed = hmac.new((self.secret or "wrong").encode(), text.encode(), hashlib.sha256).hexdigest()
        authorization = f"ACS3-HMAC-SHA256 Credential={self.id},SignedHeaders={names},Signature={signed}"
        return query, {**headers, "Authorization": authorization}


def _canonical(values: Mapping[str, str]) -> str:
    return "&".join(f"{encoded(name)}={encoded(values[name])}" for name in sorted(values))
