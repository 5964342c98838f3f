"""HTTP messages as frozen values, independent of any server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from alimock.scenario.model import ResponseFault

# The key in the WSGI environment of a function that returns whether the client has disconnected.
IS_GONE = "alimock.is_gone"


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request to the emulated API. Its path is always `/`.

    `query` is the raw query string, its bytes decoded as Latin-1 as WSGI does. Header names are in lower case. `peer` is the
    client's IP address.
    """

    method: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    peer: str


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """One response: the status, the headers in order, the body, and the fault that the server applies while it sends them."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    fault: ResponseFault | None = None
