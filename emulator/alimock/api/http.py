"""A call as it came in and the reply that goes out: frozen values, the same for every server and every test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from alimock.scenario.model import ResponseFault


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request to the emulated API, whose path is always `/`.

    `query` is the raw query string as bytes read as Latin-1, the way WSGI hands it over; header names are in lower case.
    """

    method: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    peer: str

    @property
    def is_v3(self) -> bool:
        """Whether the call is signed in the way of V3, which sends action, version and signature in headers."""
        return self.headers.get("authorization", "").startswith("ACS3-")


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back: status, headers in order, body, and how it goes wrong on its way, if it does."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    response_fault: ResponseFault | None = None
