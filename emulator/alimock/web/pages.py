"""The page behind a mail's link, which verifies on GET as the real one does, and the web UI."""

from __future__ import annotations

from flask import Blueprint, Response, abort, render_template_string, request

from alimock import package_data
from alimock.control.current import backend
from alimock.state.record import TokenState
from alimock.web import static_files

blueprint = Blueprint("pages", __name__)

_RESULTS: dict[TokenState | None, tuple[int, dict[str, str]]] = {
    TokenState.OPEN: (200, {"en": "The address is verified.", "zh": "邮箱验证成功。"}),
    TokenState.USED: (410, {"en": "This link has already been used.", "zh": "该链接已被使用。"}),
    TokenState.VOID: (410, {"en": "This link has been superseded by a newer one.", "zh": "该链接已失效，请使用最新邮件中的链接。"}),
    TokenState.EXPIRED: (410, {"en": "This link has expired.", "zh": "该链接已过期。"}),
    None: (404, {"en": "This link does not exist.", "zh": "该链接不存在。"}),
}
_HTML = "text/html; charset=utf-8"
_UI_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; frame-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@blueprint.get("/_alimock/")
def web_ui() -> Response:
    """Return the web UI, a client of the control API; it loads nothing from other sites and cannot be framed."""
    headers = {"Content-Security-Policy": _UI_POLICY, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    # A browser loads all modules at once, and not each after the one that imports it.
    modules = "\n".join(f'<link rel="modulepreload" href="static/{name}">' for name in static_files.MODULES)
    return Response(package_data.text("web/page.html").replace("{modules}", modules), headers=headers, content_type=_HTML)


@blueprint.get(f"{static_files.PREFIX}<path:name>")
def static_file(name: str) -> Response:
    """Return a file of the web UI."""
    response = static_files.respond(name, {name.lower(): value for name, value in request.headers.items()})
    if response is None:
        abort(404)
    return Response(response.body, response.status, list(response.headers))


@blueprint.get("/verify")
def verify() -> Response:
    """Follow the link of a mail; HEAD changes nothing."""
    if request.method == "HEAD":
        return Response(content_type=_HTML)
    link = backend().service.follow_link(request.args.get("token", ""), request.remote_addr or "")
    status, texts = _RESULTS[link.state]
    template = package_data.text("web/verify.html")
    page = render_template_string(template, lang=link.lang, text=texts[link.lang], email=link.email)
    headers = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'", "Cache-Control": "no-store"}
    return Response(page, status, headers, content_type=_HTML)
