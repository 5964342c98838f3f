"""Access keys, and requests signed by an implementation independent of alimock's."""

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
# The kinds of keys, in rotation: signature version, and whether the emulator knows the secret.
KINDS = (("none", False), ("V1", True), ("V3", True), ("V1", False))
_NONCES = itertools.count()


def percent_encode(text: str) -> str:
    """Percent-encode by the rules of the gateway."""
    return quote(text, safe="-_.~")


def timestamp() -> str:
    """Return the real time in the format of signed requests."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True)
class Key:
    """An access key whose calls are unsigned or signed with V1 or V3; without a secret it is unknown to the emulator."""

    id: str
    signature: str
    secret: str | None

    def request(self, host: str, action: str, parameters: Mapping[str, str]) -> tuple[str, dict[str, str]]:
        """Return the query and the headers of a call."""
        if self.signature == "V3":
            return self._v3(host, action, parameters)
        values = {"Action": action, "Version": VERSION, "Format": "JSON", "AccessKeyId": self.id, **parameters}
        if self.signature == "V1":
            nonce = f"{self.id}-{next(_NONCES)}-{time.monotonic_ns()}"
            values |= {"SignatureMethod": "HMAC-SHA1", "SignatureVersion": "1.0", "SignatureNonce": nonce, "Timestamp": timestamp()}
            text = f"GET&%2F&{percent_encode(_canonical(values))}"
            digest = hmac.new(f"{self.secret or 'wrong'}&".encode(), text.encode(), hashlib.sha1).digest()
            values["Signature"] = base64.b64encode(digest).decode()
        return urlencode(values), {}

    def _v3(self, host: str, action: str, parameters: Mapping[str, str]) -> tuple[str, dict[str, str]]:
        headers = {
            "host": host,
            "x-acs-action": action,
            "x-acs-content-sha256": hashlib.sha256(b"").hexdigest(),
            "x-acs-date": timestamp(),
            "x-acs-signature-nonce": f"{self.id}-{next(_NONCES)}-{time.monotonic_ns()}",
            "x-acs-version": VERSION,
        }
        names = ";".join(headers)
        lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
        query = _canonical({**parameters, "Format": "JSON"})
        request = f"GET\n/\n{query}\n{lines}\n{names}\n{headers['x-acs-content-sha256']}"
        text = f"ACS3-HMAC-SHA256\n{hashlib.sha256(request.encode()).hexdigest()}"
        signed = hmac.new((self.secret or "wrong").encode(), text.encode(), hashlib.sha256).hexdigest()
        authorization = f"ACS3-HMAC-SHA256 Credential={self.id},SignedHeaders={names},Signature={signed}"
        return query, {**headers, "Authorization": authorization}


def _canonical(values: Mapping[str, str]) -> str:
    return "&".join(f"{percent_encode(name)}={percent_encode(values[name])}" for name in sorted(values))
