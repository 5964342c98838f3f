"""The request and the response of a call as they were on the wire, without secrets."""

from __future__ import annotations

import re
from collections.abc import Collection
from urllib.parse import quote, unquote_plus

from flask import request

from alimock.api.call_log import is_secret
from alimock.api.exchanges import Exchange
from alimock.api.faults import apply_fault, apply_without_wire
from alimock.api.http import PARK, HttpRequest, HttpResponse
from alimock.scenario.masking import MASK

# A parameter in a target or in the body of a form. A name that begins anywhere would take time by the square of a long text.
_PARAMETER = re.compile(r"(?<![^?&=/\s])([^?&=/\s]+)=([^&\r\n]*)")
# What is shorter is no secret, and may be a part of any word.
_SHORTEST_SECRET = 4
_MAX_SECRETS = 100


def document(exchange: Exchange) -> dict[str, object]:
    """Return an exchange as JSON."""
    sent, response = exchange
    content = {
        "method": sent.method,
        "target": _target(sent),
        "headers": [[name, MASK if is_secret(name) else value] for name, value in sent.headers.items()],
        "body": _masked(_utf8(sent.body)),
    }
    return {"request": content, "response": _response(response, sent)}


def _target(sent: HttpRequest) -> str:
    """Return the target as it was sent: of a call with its parameters in the path, the query has them, too."""
    in_path = sent.path.lstrip("/?&") if "=" in sent.path else ""
    query = sent.query.removeprefix(in_path).removeprefix("&") if in_path else sent.query
    return _masked(sent.path) + (f"?{_masked(_utf8(query.encode('latin-1')))}" if query else "")


def _response(response: HttpResponse, sent: HttpRequest) -> dict[str, object]:
    """Return what the client got. Only alimock's own server, which parks requests, applies every fault as written."""
    fault, is_own = response.fault, PARK in request.environ
    if fault is not None and fault.reset is not None and is_own:
        return {"status": None, "headers": [], "body": None, "fault": str(fault)}
    applied = (apply_fault if is_own else apply_without_wire)(response)
    body = "" if sent.method == "HEAD" else _utf8(b"".join(applied.parts))
    return {
        "status": applied.response.status,
        "headers": list(map(list, applied.response.headers)),
        "body": _without(body, _secrets(sent)),
        "fault": str(fault) if fault is not None else None,
    }


def _without(body: str, secrets: Collection[str]) -> str:
    """Mask secrets in the body of a response. The string to sign in a message has parameters encoded twice."""
    if len(secrets) > _MAX_SECRETS:
        return MASK
    for secret in secrets:
        for text in (secret, quote(secret, safe=""), quote(quote(secret, safe=""), safe="")):
            body = body.replace(text, MASK)
    return body


def _masked(text: str) -> str:
    return _PARAMETER.sub(lambda found: f"{found[1]}={MASK}" if is_secret(unquote_plus(found[1])) else found[0], text)


def _secrets(sent: HttpRequest) -> set[str]:
    """Return the values that are masked in a request."""
    pairs = _PARAMETER.findall(f"{sent.query}&{_utf8(sent.body)}")
    values = {unquote_plus(value) for name, value in pairs if is_secret(unquote_plus(name))}
    values |= {value for name, value in sent.headers.items() if is_secret(name)}
    return {value for value in values if len(value) >= _SHORTEST_SECRET}


def _utf8(content: bytes) -> str:
    return content.decode("utf-8", "replace")
