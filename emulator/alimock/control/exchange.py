"""The request and the response of a call as they were on the wire, without secrets."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote_plus

from flask import request

from alimock.api.call_log import is_secret
from alimock.api.exchanges import Exchange
from alimock.api.faults import apply_fault, apply_without_wire
from alimock.api.http import PARK, HttpRequest, HttpResponse
from alimock.scenario.masking import MASK

# A parameter in a target or in the body of a form.
_PARAMETER = re.compile(r"([^?&=/\s]+)=([^&\r\n]*)")


def document(exchange: Exchange) -> dict[str, object]:
    """Return an exchange as JSON."""
    sent, response = exchange
    target = sent.path + (f"?{_utf8(sent.query.encode('latin-1'))}" if sent.query else "")
    content = {
        "method": sent.method,
        "target": _masked(target),
        "headers": [[name, MASK if is_secret(name) else value] for name, value in sent.headers.items()],
        "body": _masked(_utf8(sent.body)),
    }
    return {"request": content, "response": _response(response, sent)}


def _response(response: HttpResponse, sent: HttpRequest) -> dict[str, object]:
    """Return what the client got. Only alimock's own server, which parks requests, applies every fault as written."""
    fault, is_own = response.fault, PARK in request.environ
    if fault is not None and fault.reset is not None and is_own:
        return {"status": None, "headers": [], "body": None, "fault": str(fault)}
    applied = (apply_fault if is_own else apply_without_wire)(response)
    body = "" if sent.method == "HEAD" else _utf8(b"".join(applied.parts))
    for secret in _secrets(sent):
        # The string to sign in a message has parameters encoded twice.
        for text in (secret, quote(secret, safe=""), quote(quote(secret, safe=""), safe="")):
            body = body.replace(text, MASK)
    return {
        "status": applied.response.status,
        "headers": list(map(list, applied.response.headers)),
        "body": body,
        "fault": str(fault) if fault is not None else None,
    }


def _masked(text: str) -> str:
    return _PARAMETER.sub(lambda found: f"{found[1]}={MASK}" if is_secret(unquote_plus(found[1])) else found[0], text)


def _secrets(sent: HttpRequest) -> set[str]:
    """Return the values that are masked in a request."""
    pairs = _PARAMETER.findall(f"{sent.query}&{_utf8(sent.body)}")
    values = {unquote_plus(value) for name, value in pairs if is_secret(unquote_plus(name))}
    return (values | {value for name, value in sent.headers.items() if is_secret(name)}) - {""}


def _utf8(content: bytes) -> str:
    return content.decode("utf-8", "replace")
