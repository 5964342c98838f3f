"""Which hosts and origins may use the emulator, and the control token."""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import urlsplit

from alimock.spec.contract import VERSIONS

ENDPOINTS = frozenset(version.endpoint for version in VERSIONS.values())
ANY_ORIGIN = "*"
_PREFIX = re.compile(r"(/[\w.~%-]+)+", re.ASCII)
_DEFAULT_PORTS = {"http": 80, "https": 443}
# What the control API and Mailpit's API take. `*` includes the other headers that a page may add, but never Authorization.
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, HEAD, POST, PUT, DELETE",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, *",
}


@dataclass(frozen=True)
class HostPolicy:
    """The address the emulator is bound to, the base URL of links if configured, and the control token if there is one.

    `cors_origins` are the other origins whose pages may use the control API and Mailpit's API.
    """

    bound_host: str = "127.0.0.1"
    public_url: str | None = None
    control_token: str | None = field(default=None, repr=False)
    cors_origins: tuple[str, ...] = ()

    def prefix(self, forwarded: str) -> str:
        """Return the path below which a proxy shows the emulator: that of `X-Forwarded-Prefix`, else that of the public URL.

        A header that could lead to another host does not count.
        """
        given = forwarded.rstrip("/")
        if _PREFIX.fullmatch(given):
            return given
        return urlsplit(self.public_url).path.rstrip("/") if self.public_url is not None else ""

    def authorizes(self, token: str | None) -> bool:
        """Compare a token with the control token in constant time."""
        if self.control_token is None:
            return True
        return token is not None and hmac.compare_digest(token.encode(), self.control_token.encode())

    def allows_host(self, host: str) -> bool:
        """Return whether a `Host` header is accepted.

        Bound to loopback, only loopback names and the host of the public URL are: any other name was made to resolve here by
        another site (DNS rebinding). Bound to another address, every name is.
        """
        name = hostname(host)
        return not is_loopback(self.bound_host) or not host or is_loopback(name) or name == self._public_name()

    def allows_origin(self, origin: str, host: str) -> bool:
        """Return whether an `Origin` header is that of the emulator's own pages, or is configured."""
        return (
            origin.partition("://")[2] == host
            or (self.public_url is not None and origin == origin_of(self.public_url))
            or self.allows_cors(origin)
        )

    def allows_cors(self, origin: str | None) -> bool:
        """Return whether an `Origin` header, if there is one, is one of those configured."""
        return origin is not None and (ANY_ORIGIN in self.cors_origins or origin in self.cors_origins)

    def cors_headers(self, origin: str | None, *, is_preflight: bool = False) -> dict[str, str]:
        """Return the CORS headers of a response to a request with this `Origin` header, if it has one."""
        if origin is None or not self.allows_cors(origin):
            return {}
        # Without Access-Control-Allow-Credentials, browsers send the control token only if the page itself does.
        return {"Access-Control-Allow-Origin": origin, **(_PREFLIGHT if is_preflight else {})}

    def allows_absolute_form(self, host: str) -> bool:
        """Return whether a request in absolute form, as clients send it to a proxy, is for the service or for this emulator."""
        name = hostname(host)
        return name in ENDPOINTS or is_loopback(name) or name in (self.bound_host, self._public_name())

    def _public_name(self) -> str | None:
        return urlsplit(self.public_url).hostname if self.public_url is not None else None


def origin_of(url: str) -> str:
    """Return the origin of a URL as browsers send it: in lower case, without a path and without the default port of its scheme."""
    parts = urlsplit(url.lower())
    port = "" if parts.port in (None, _DEFAULT_PORTS.get(parts.scheme)) else f":{parts.port}"
    return f"{parts.scheme}://{bracketed(parts.hostname or '')}{port}"


def hostname(host: str) -> str:
    """Return the name in a `Host` header without its port; empty if it is invalid."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def bracketed(host: str) -> str:
    """Return a host as URLs contain it: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host else host


def reachable(host: str) -> str:
    """Return the host at which clients on this machine reach a server that listens on a host."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)


def is_loopback(host: str) -> bool:
    """Return whether a host name or address can only mean this machine."""
    if f".{host.lower()}".endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
