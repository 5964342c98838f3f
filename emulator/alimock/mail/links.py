"""The links of mails, and the base URL that they begin with."""

from __future__ import annotations

from alimock.security import HostPolicy, bracketed, hostname
from alimock.state.outbox import Mail


def base_url(policy: HostPolicy, scheme: str, host: str, port: str, root: str = "") -> str:
    """Return the base URL of links for a client that sent this `Host` header. It is never a host of the service itself.

    `root` is the path of an application that is mounted below another one.
    """
    if policy.public_url is not None:
        return policy.public_url
    name = hostname(host)
    if name and name != "aliyuncs.com" and not name.endswith(".aliyuncs.com"):
        return f"{scheme}://{host}{root}"
    bound = "127.0.0.1" if policy.bound_host in ("0.0.0.0", "::") else policy.bound_host
    return f"{scheme}://{bracketed(bound)}:{port}{root}"


def link(mail: Mail, base_url: str) -> str:
    """Return the link of a mail."""
    return f"{base_url}/verify?token={mail.token}"
