"""The files of the web UI, as HTTP responses. They need no Flask, so that a page with many modules loads at once.

The files are public, so the host policy does not apply to them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from http import HTTPStatus

from alimock import package_data
from alimock.api.http import HttpResponse

PREFIX = "/_alimock/static/"
MODULES = (
    "vendor/preact.js", "api.js", "components.js", "curl.js", "diff.js", "editor.js", "icons.js", "live.js", "main.js",
    "operations.js", "route.js", "texts.en.js", "texts.js", "texts.zh.js", "toasts.js", "wire.js", "yaml.js",
    "views/addresses.js", "views/calls.js", "views/clock.js", "views/faults.js", "views/keys.js", "views/outbox.js",
    "views/scenario.js", "views/start.js",
)  # fmt: skip
# Programs that make a first call. The page replaces their placeholders.
_SNIPPETS = ("Main.java", "aliyun.sh", "curl.sh", "main.go", "node.mjs", "python.py", "test_signup.py")
_CONTENT_TYPES = {
    **dict.fromkeys(MODULES, "text/javascript"),
    **dict.fromkeys(("tokens.css", "page.css"), "text/css"),
    **dict.fromkeys((f"snippets/{name}" for name in _SNIPPETS), "text/plain"),
    **dict.fromkeys(("vendor/LICENSE-htm.txt", "vendor/LICENSE-preact.txt"), "text/plain"),
}


def respond(name: str, headers: Mapping[str, str]) -> HttpResponse | None:
    """Return the response to a request with these headers (names in lower case) for a file, or None for an unknown name.

    A browser checks for changes whenever it uses a file.
    """
    if name not in _CONTENT_TYPES:
        return None
    response = _file(name)
    tag = dict(response.headers)["ETag"]
    if headers.get("if-none-match") != tag:
        return response
    return HttpResponse(HTTPStatus.NOT_MODIFIED, (("Cache-Control", "no-cache"), ("ETag", tag)), b"")


@cache
def _file(name: str) -> HttpResponse:
    content = package_data.read(f"web/static/{name}")
    headers = (
        ("Content-Type", f"{_CONTENT_TYPES[name]}; charset=utf-8"),
        ("Content-Length", str(len(content))),
        ("Cache-Control", "no-cache"),
        ("ETag", f'"{hashlib.sha256(content).hexdigest()[:32]}"'),
    )
    return HttpResponse(HTTPStatus.OK, headers, content)
