"""Which hosts lead to this emulator, so that links go somewhere, browsers are not tricked, and it is no proxy for others."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import urlsplit

from alimock.spec.contract import VERSIONS

ENDPOINTS = frozenset(version.endpoint for version in VERSIONS.values())


@dataclass(frozen=True)
class HostPolicy:
    """The host the emulator is bound to, the URL that the links of mails begin with, and what opens all but the emulated API."""

    bound_host: str = "127.0.0.1"
    public_url: str | None = None
    control_token: str | None = field(default=None, repr=False)

    def opens(self, token: str | None) -> bool:
        """Says whether a request with this token may see and change the emulator; a comparison takes the same time for any."""
        if self.control_token is None:
            return True
        return token is not None and hmac.compare_digest(token.encode(), self.control_token.encode())

    def knows(self, host: str) -> bool:
        """Says whether a `Host` header may come from somebody who means this emulator.

        Bound to loopback, only loopback names and the public URL's host do: any other is a page of another site whose name was
        made to resolve here. Bound on purpose to more, every name does.
        """
        name = hostname(host)
        return not is_loopback(self.bound_host) or not host or is_loopback(name) or name == self._public_name()

    def is_own_origin(self, origin: str) -> bool:
        """Says whether a page of this origin is the emulator's own, seen through the public URL."""
        parts = urlsplit(self.public_url) if self.public_url is not None else None
        return parts is not None and origin == f"{parts.scheme}://{parts.netloc}"

    def serves_proxied(self, host: str) -> bool:
        """Says whether a request in the absolute form, as clients send it to a proxy, is for the service or for this emulator."""
        name = hostname(host)
        return name in ENDPOINTS or is_loopback(name) or name in (self.bound_host, self._public_name())

    def base_url(self, scheme: str, host: str, port: str) -> str:
        """Gives what links begin with for a reader who asked for this host: never a host of the service itself."""
        if self.public_url is not None:
            return self.public_url
        name = hostname(host)
        if name and name != "aliyuncs.com" and not name.endswith(".aliyuncs.com"):
            return f"{scheme}://{host}"
        return f"{scheme}://{self._bound()}:{port}"

    def relayed_url(self, port: int) -> str:
        """Gives what the links of mails begin with that are read elsewhere."""
        return self.public_url or f"http://{self._bound()}:{port}"

    def _bound(self) -> str:
        return bracketed("127.0.0.1" if self.bound_host in ("0.0.0.0", "::") else self.bound_host)

    def _public_name(self) -> str | None:
        return urlsplit(self.public_url).hostname if self.public_url is not None else None


def hostname(host: str) -> str:
    """Gives the name in a `Host` header without its port; empty if there is none."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def bracketed(host: str) -> str:
    """Writes a host as URLs do: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host else host


def is_loopback(host: str) -> bool:
    """Says whether a host name or address can only mean this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
