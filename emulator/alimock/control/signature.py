"""What is wrong with a signature, over HTTP: for a call that was refused lately, or for a request as a client sent it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from urllib.parse import urlsplit

from flask import request

from alimock.api.http import HttpRequest
from alimock.api.parse import ApiRequest, parse
from alimock.api.service import Service
from alimock.control import arguments
from alimock.control.problem import Problem
from alimock.scenario.text import is_unicode
from alimock.spec.errors import ApiError

RAW_REQUEST = "message/http"
_SHAPE = 'send {"request_id": ...} of a refused call, or {"method", "url", "headers", "body"}, or a raw request as message/http'


class SignatureResource:
    """Explains signatures."""

    def __init__(self, service: Service) -> None:
        self.service = service

    def explain(self) -> dict[str, object]:
        """Says in words what differs and the likely cause; a `secret` of the body takes the place of the scenario's."""
        arguments.query()
        secret: str | None = None
        if request.mimetype == RAW_REQUEST:
            call = parse(_raw_call(request.get_data()))
        else:
            content = arguments.body("request_id", "method", "url", "headers", "body", "secret")
            secret = arguments.text(content, "secret", "testsecret") if "secret" in content else None
            call = self._refused(content) if "request_id" in content else parse(_call(content))
        try:
            explanation = self.service.diagnose(call, secret)
        except ApiError as error:
            raise Problem(400, f"the request cannot be read: {error}", _SHAPE) from None
        if explanation is None:
            raise Problem(
                404, "the request names no access key that alimock knows", "add its `secret`, or name the key in the scenario"
            )
        return asdict(explanation)

    def _refused(self, content: Mapping[str, object]) -> ApiRequest:
        request_id = arguments.text(content, "request_id", "8C7FF3C5-42F8-55C8-8A44-403A3467F278")
        call = self.service.refused_request(request_id)
        if call is None:
            raise Problem(
                404, f"no refused call {json.dumps(request_id)}", "only the newest calls whose signature was refused are kept"
            )
        return call


def _call(content: Mapping[str, object]) -> HttpRequest:
    headers = content.get("headers", {})
    if not isinstance(headers, dict) or not all(isinstance(value, str) for value in headers.values()):
        raise Problem(400, "`headers`: found no object of texts", _SHAPE)
    method, url = arguments.text(content, "method", "GET"), arguments.text(content, "url", "/?Action=...")
    body = arguments.text(content, "body", "Email=...") if "body" in content else ""
    if not is_unicode("".join((*headers, *headers.values()))):
        raise Problem(400, "`headers`: found a lone surrogate", _SHAPE)
    return _made(method, url.encode(), {name.lower(): value for name, value in headers.items()}, body.encode())


def _raw_call(content: bytes) -> HttpRequest:
    """Reads a request as it went over the wire; bare line feeds in its head are taken too, since editors leave them."""
    head, _, body = min((content.partition(blank) for blank in (b"\r\n\r\n", b"\n\n")), key=lambda parts: len(parts[0]))
    line, *lines = head.splitlines() or [b""]
    words = line.split()
    if len(words) != 3:
        raise Problem(400, "the first line is no request line", "begin like `GET /?Action=... HTTP/1.1`")
    pairs = (header.decode("utf-8", "replace").partition(":") for header in lines)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    length = headers.get("content-length", "")
    return _made(words[0].decode("utf-8", "replace"), words[1], headers, body[: int(length)] if length.isdecimal() else body)


def _made(method: str, url: bytes, headers: Mapping[str, str], body: bytes) -> HttpRequest:
    try:
        query = urlsplit(url).query
    except ValueError:
        query = url.partition(b"?")[2]
    return HttpRequest(method, query.decode("latin-1"), headers, body, "")
