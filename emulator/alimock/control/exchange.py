"""The request and the response of a call as they were on the wire, without secrets."""

from __future__ import annotations

import json
import re
from urllib.parse import unquote, unquote_plus

from flask import request

from alimock.api.call_log import is_secret, mentions_secret
from alimock.api.exchanges import Exchange
from alimock.api.faults import apply_fault, apply_without_wire
from alimock.api.http import PARK, HttpRequest, HttpResponse
from alimock.scenario.masking import MASK

# A parameter in a target, a header or the body of a form. A name that begins anywhere would take time by the square of a long text.
_PARAMETER = re.compile(r"(?<![^?&=/\s])([^?&=/\s]+)=([^&\r\n]*)")
# The body of a form.
_FORM = re.compile(r"[^\s\"'{}<>&=]+=[^\s&]*(?:&[^\s\"'{}<>&=]+=[^\s&]*)*&?")
# Masking a shorter value would also mask parts of other words.
_SHORTEST_SECRET = 4
# The total length of the secrets that are looked for.
_MAX_SECRETS = 4 * 1024


def document(exchange: Exchange) -> dict[str, object]:
    """Return an exchange as JSON."""
    sent, response = exchange
    content = {
        "method": sent.method,
        "target": _target(sent),
        "headers": [[name, MASK if is_secret(name) else _masked(value)] for name, value in sent.headers.items()],
        "body": _body(_utf8(sent.body)),
    }
    return {"request": content, "response": _response(response, sent)}


def without_secrets(text: str, sent: HttpRequest) -> str:
    """Mask the secrets of a request in a text, where a client may have encoded them in any way and more than once."""
    secrets = _secrets(sent)
    if sum(map(len, secrets)) > _MAX_SECRETS:
        return MASK
    longest_first = sorted(secrets, key=len, reverse=True)
    return re.sub("|".join(map(_in_any_encoding, longest_first)), MASK, text) if secrets else text


def _in_any_encoding(secret: str) -> str:
    """Return a pattern for a text of which any character may be percent-encoded, once or more often."""
    return "".join(map(_character, secret))


def _character(character: str) -> str:
    escapes = "".join(f"%(?:25)*{byte:02x}" for byte in character.encode("utf-8", "replace"))
    plus = r"|\+|%(?:25)*2b" if character == " " else ""
    return f"(?:{re.escape(character)}|(?i:{escapes}){plus})"


def _target(sent: HttpRequest) -> str:
    """Return the target as it was sent: of a call with its parameters in the path, the query has them, too."""
    in_path = sent.path.lstrip("/?&") if "=" in sent.path else ""
    query = sent.query.removeprefix(in_path).removeprefix("&") if in_path else sent.query
    return _masked(sent.path) + (f"?{_masked(_utf8(query.encode('latin-1')))}" if query else "")


def _body(text: str) -> str:
    """Return the body of a request: JSON or a form without the values of secrets, another body only if it mentions none."""
    if _FORM.fullmatch(text.strip()):
        return _masked(text)
    try:
        return _json(text)
    except (ValueError, RecursionError):
        return MASK if mentions_secret(unquote(text)) else text


def _json(text: str) -> str:
    """Return a JSON text, which is written again only if it has secrets."""
    masked: set[str] = set()

    def without_values(pairs: list[tuple[str, object]]) -> dict[str, object]:
        hidden = {name for name, value in pairs if is_secret(name) or (isinstance(value, str) and mentions_secret(value))}
        masked.update(hidden)
        return {name: MASK if name in hidden else value for name, value in pairs}

    content = json.loads(text, object_pairs_hook=without_values)
    if not isinstance(content, (dict, list)):
        raise ValueError(text)
    return json.dumps(content, ensure_ascii=False) if masked else text


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
        "body": without_secrets(body, sent),
        "fault": str(fault) if fault is not None else None,
    }


def _masked(text: str) -> str:
    return _PARAMETER.sub(lambda found: f"{found[1]}={MASK}" if is_secret(unquote_plus(found[1])) else found[0], text)


def _secrets(sent: HttpRequest) -> set[str]:
    """Return the values that are masked in a request."""
    pairs = _PARAMETER.findall(f"{_utf8(sent.query.encode('latin-1'))}&{_utf8(sent.body)}")
    values = {unquote_plus(value) for name, value in pairs if is_secret(unquote_plus(name))}
    values |= {value.strip() for name, value in sent.headers.items() if is_secret(name)}
    return {value for value in values if len(value) >= _SHORTEST_SECRET}


def _utf8(content: bytes) -> str:
    return content.decode("utf-8", "replace")
