"""Resolves the service's name to a port of this machine, as a network alias and port 443 would; Python imports it at its start."""

from __future__ import annotations

import os
import socket
from typing import Any

_resolve = socket.getaddrinfo


def _resolved(host: Any, port: Any, *arguments: Any, **options: Any) -> list[Any]:
    if host == "domain.aliyuncs.com":
        return _resolve("127.0.0.1", int(os.environ["RESOLVED_PORT"]), *arguments, **options)
    return _resolve(host, port, *arguments, **options)


socket.getaddrinfo = _resolved
