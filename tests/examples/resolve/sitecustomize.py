"""Resolve the service's host name to a local port, as a network alias and port 443 would. Python imports this module at startup."""

from __future__ import annotations

import os
import socket
from typing import Any

_resolve = socket.getaddrinfo


def _getaddrinfo(host: Any, port: Any, *arguments: Any, **options: Any) -> list[Any]:
    if host == "domain.aliyuncs.com":
        return _resolve("127.0.0.1", int(os.environ["RESOLVED_PORT"]), *arguments, **options)
    return _resolve(host, port, *arguments, **options)


socket.getaddrinfo = _getaddrinfo
