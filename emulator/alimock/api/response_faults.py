"""What a fault makes of a reply before it is sent: another body, fewer bytes than announced, or more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from alimock.api.http import Reply
from alimock.scenario.model import Body

PIECES = 10
# What a proxy in front of the gateway would say; no page of the service's own is known.
_PAGE = b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<h1>502 Bad Gateway</h1>\r\n</body>\r\n</html>\r\n"
_OURS = "X-Alimock-Decided-By"


@dataclass(frozen=True)
class WireResponse:
    """A reply as it is sent: its body, and the bytes that follow although no header announces them.

    An incomplete one has a body that is shorter than its Content-Length says.
    """

    reply: Reply
    surplus: bytes = b""
    complete: bool = True


def wire_response(reply: Reply) -> WireResponse:
    """Makes of a reply what its fault says of its body."""
    body, half = reply.response_fault.body if reply.response_fault is not None else None, len(reply.body) // 2
    if body is Body.EMPTY:
        return WireResponse(replace(reply, body=b"", headers=_announcing(reply, 0)))
    if body is Body.HTML_502:
        ours = [(name, value) for name, value in reply.headers if name == _OURS]
        headers = (("Content-Type", "text/html"), ("Content-Length", str(len(_PAGE))), *ours)
        return WireResponse(replace(reply, status=502, headers=headers, body=_PAGE))
    if body is Body.TRUNCATED:
        return WireResponse(replace(reply, body=reply.body[:half]), complete=False)
    if body is Body.WRONG_LENGTH:
        return WireResponse(replace(reply, body=reply.body[:half], headers=_announcing(reply, half)), surplus=reply.body[half:])
    return WireResponse(reply)


def pieces(body: bytes) -> Iterator[bytes]:
    """Goes through a body in `PIECES` pieces, fewer if it is that short."""
    size = max(-(-len(body) // PIECES), 1)
    return (body[start : start + size] for start in range(0, len(body), size))


def _announcing(reply: Reply, length: int) -> tuple[tuple[str, str], ...]:
    return tuple((name, str(length) if name == "Content-Length" else value) for name, value in reply.headers)
