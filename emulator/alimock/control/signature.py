"""Diagnosis of signatures: of a recently refused call, or of a request as a client sent it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from urllib.parse import urlsplit

from flask import Blueprint, request

from alimock.api.http import HttpRequest
from alimock.api.parse import ApiRequest, parse
from alimock.control import arguments
from alimock.control.current import backend
from alimock.control.errors import ControlError
from alimock.spec.errors import ApiError

blueprint = Blueprint("signature", __name__)

RAW_REQUEST = "message/http"
_FORMATS = 'Send {"request_id": ...} of a refused call, or {"method", "url", "headers", "body"}, or a raw request as message/http.'


@blueprint.post("/explain-signature")
def explain_signature() -> dict[str, object]:
    """Explain what is wrong with a signature and the likely cause; `secret` overrides the scenario's."""
    arguments.query()
    secret: str | None = None
    if request.mimetype == RAW_REQUEST:
        refused = parse(_raw_request(request.get_data()))
    else:
        content = arguments.json_body("request_id", "method", "url", "headers", "body", "secret")
        secret = arguments.string(content, "secret", "testsecret") if "secret" in content else None
        refused = _refused_request(content) if "request_id" in content else parse(_described_request(content))
    try:
        diagnosis = backend().service.diagnose(refused, secret)
    except ApiError as error:
        raise ControlError(400, f"The request cannot be parsed: {error}", _FORMATS) from None
    if diagnosis is None:
        hint = "Add `secret` to the body, or the key to the scenario."
        raise ControlError(404, "The request has no access key that alimock knows", hint)
    return asdict(diagnosis)


def _refused_request(content: Mapping[str, object]) -> ApiRequest:
    request_id = arguments.string(content, "request_id", "8C7FF3C5-42F8-55C8-8A44-403A3467F278")
    refused = backend().service.refused_request(request_id)
    if refused is None:
        hint = "Check the URL of the emulator and the RequestId; only the most recent calls with a refused signature are kept."
        raise ControlError(404, f"No call with the RequestId {json.dumps(request_id)} was refused for its signature", hint)
    return refused


def _described_request(content: Mapping[str, object]) -> HttpRequest:
    headers = arguments.string_map(content, "headers", _FORMATS)
    method, url = arguments.string(content, "method", "GET"), arguments.string(content, "url", "/?Action=...")
    body = arguments.string(content, "body", "Email=...") if "body" in content else ""
    return _request(method, url.encode(), {name.lower(): value for name, value in headers.items()}, body.encode())


def _raw_request(content: bytes) -> HttpRequest:
    """Parse a raw HTTP request; bare line feeds are accepted, since editors save them."""
    head, _, body = min((content.partition(blank) for blank in (b"\r\n\r\n", b"\n\n")), key=lambda parts: len(parts[0]))
    line, *lines = head.splitlines() or [b""]
    words = line.split()
    if len(words) != 3:
        raise ControlError(400, "The first line is not an HTTP request line", "Start with a line like `GET /?Action=... HTTP/1.1`.")
    pairs = (header.decode("utf-8", "replace").partition(":") for header in lines)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    length = headers.get("content-length", "")
    return _request(
        words[0].decode("utf-8", "replace"),
        words[1],
        headers,
        body[: int(length)] if length.isdecimal() and len(length) < 19 else body,
    )


def _request(method: str, url: bytes, headers: Mapping[str, str], body: bytes) -> HttpRequest:
    try:
        query = urlsplit(url).query
    except ValueError:
        query = url.partition(b"?")[2]
    return HttpRequest(method, query.decode("latin-1"), headers, body, "")
