"""The pages: the one behind a mail's link, which verifies at once as the real link does, and the one that shows everything."""

from __future__ import annotations

from flask import Blueprint, Response, render_template, request

from alimock.api.service import Service
from alimock.state.record import TokenState

_RESULTS: dict[TokenState | None, tuple[int, dict[str, str]]] = {
    TokenState.OPEN: (200, {"en": "The address is verified.", "zh": "邮箱验证成功。"}),
    TokenState.USED: (410, {"en": "This link was used before.", "zh": "该链接已被使用。"}),
    TokenState.VOID: (410, {"en": "A newer link has replaced this one.", "zh": "该链接已被更新的链接替代。"}),
    TokenState.EXPIRED: (410, {"en": "This link has expired.", "zh": "该链接已过期。"}),
    None: (404, {"en": "There is no such link.", "zh": "该链接不存在。"}),
}


_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; frame-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def pages(service: Service) -> Blueprint:
    """Makes the pages of one emulator."""
    blueprint = Blueprint(
        "pages", __name__, template_folder="templates", static_folder="static", static_url_path="/_alimock/static"
    )
    blueprint.add_url_rule("/_alimock/", "page", _page, methods=["GET"])
    blueprint.add_url_rule("/verify", "verify", lambda: _verify(service), methods=["GET"])
    return blueprint


def _page() -> Response:
    """Gives the page, which draws itself from the control API; it may load nothing from elsewhere, nor be framed."""
    headers = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return Response(render_template("page.html"), headers=headers, content_type="text/html; charset=utf-8")


def _verify(service: Service) -> Response:
    if request.method == "HEAD":
        return Response(content_type="text/html; charset=utf-8")
    link = service.follow_link(request.args.get("token", ""), request.remote_addr or "")
    status, texts = _RESULTS[link.state]
    page = render_template("verify.html", lang=link.lang, text=texts[link.lang], email=link.email)
    headers = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'", "Cache-Control": "no-store"}
    return Response(page, status, headers, content_type="text/html; charset=utf-8")
