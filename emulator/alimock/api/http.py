"""HTTP messages as frozen values, independent of any server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from alimock.scenario.model import ResponseFault

# Keys in the WSGI environment. With a server that parks requests, a view that has to wait passes its waiter to the function PARK
# in place of a response, and runs again with the waiter under RESUMED when the wait is over.
PARK = "alimock.park"
RESUMED = "alimock.resumed"


class HttpRequest(NamedTuple):
    """One request. A call of the emulated API has the path `/`.

    `query` is the raw query string, its bytes decoded as Latin-1 as WSGI does. Header names are in lower case. `peer` is the
    client's IP address.
    """

    method: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    peer: str
    path: str = "/"


class HttpResponse(NamedTuple):
    """One response: the status, the headers in order, the body, and the fault that the server applies while it sends them."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    fault: ResponseFault | None = None
