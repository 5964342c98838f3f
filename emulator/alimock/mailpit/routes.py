"""The routes of Mailpit's API. Every success is exactly 200; errors are plain text."""

from __future__ import annotations

import json
import logging
from typing import Any, NoReturn
from urllib.parse import parse_qsl

from flask import Blueprint, Response, abort, g, request

from alimock import __version__
from alimock.control.current import base_url, store, transaction
from alimock.mail import links, message
from alimock.mailpit.mailbox import Mailbox
from alimock.mailpit.search import PLUS
from alimock.scenario.text_parsers import is_unicode
from alimock.state.outbox import Mail

logger = logging.getLogger(__name__)

# Registered at the root for all mails, and once more below the prefix of an account.
blueprint = Blueprint("mailpit", __name__)

# Clients read Mailpit's version and warn of old ones.
VERSION = "v1.30.5"
DEFAULT_LIMIT = 50
_TEXT = "text/plain; charset=utf-8"

# The content of a mail must not run as part of this site.
_SANDBOX = {
    "Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:",
    "X-Content-Type-Options": "nosniff",
}


@blueprint.url_value_preprocessor
@transaction()
def _select_mailbox(endpoint: str | None, values: dict[str, Any] | None) -> None:
    key_id = (values or {}).pop("access_key_id", None)
    g.mailbox = Mailbox(base_url(), store().account_name(key_id) if key_id is not None else None)


@blueprint.get("/api/v1/messages")
def list_messages() -> Response:
    """List mails; a limit of 0 means no limit."""
    return _json(_mailbox().page(_mailbox().mails(), _integer("start", 0), _integer("limit", DEFAULT_LIMIT) or None))


@blueprint.put("/api/v1/messages")
def mark_messages() -> Response:
    """Mark mails as read or unread: those with the ids, those that match the search, or all."""
    body = _body()
    if not body and request.get_data().strip() not in (b"", b"{}"):
        _refuse(400, "The body is neither JSON nor a form")
    ids, query = body.get("ids"), body.get("search")
    if ids and query:
        _refuse(400, "You may specify either IDs or a search query, not both")
    mails = _searched(str(query)) if query else _mails(ids)
    _mailbox().mark(mails, read=str(body.get("read", "false")).lower() == "true")
    return _ok()


@blueprint.delete("/api/v1/messages")
def delete_messages() -> Response:
    """Delete the mails with the ids, or all."""
    _mailbox().delete(_mails(_body().get("ids")))
    return _ok()


@blueprint.get("/api/v1/search")
def search() -> Response:
    """List the mails that match a query; a limit of 0 gives an empty page."""
    return _json(_mailbox().page(_searched(_query()), _integer("start", 0), _integer("limit", DEFAULT_LIMIT)))


@blueprint.delete("/api/v1/search")
def delete_search() -> Response:
    """Delete the mails that match a query."""
    _mailbox().delete(_searched(_query()))
    return _ok()


@blueprint.get("/api/v1/message/<mail_id>")
def get_message(mail_id: str) -> Response:
    """Return a mail and mark it as read."""
    mail = _mail(mail_id)
    _mailbox().mark([mail], read=True)
    return _json(_mailbox().full(mail))


@blueprint.get("/api/v1/message/<mail_id>/headers")
def get_headers(mail_id: str) -> Response:
    """Return the headers of a mail."""
    headers = message.build(_mail(mail_id), base_url()).items()
    return _json({name.title(): [str(value)] for name, value in headers})


@blueprint.get("/api/v1/message/<mail_id>/raw")
def get_raw(mail_id: str) -> Response:
    """Return the source of a mail."""
    mail = _mail(mail_id)
    response = Response(message.build(mail, base_url()).as_bytes(), content_type=_TEXT)
    if request.args.get("dl") == "1":
        response.headers["Content-Disposition"] = f'attachment; filename="{mail.id}.eml"'
    return response


@blueprint.get("/view/<mail_id>.html", endpoint="view_html", defaults={"part_id": "2"})
@blueprint.get("/api/v1/message/<mail_id>/part/<part_id>")
def get_part(mail_id: str, part_id: str) -> Response:
    """Return a part of a mail: 1 is the text, 2 the HTML."""
    mail = _mail(mail_id)
    if part_id == "1":
        return Response(message.text_body(mail, base_url()), headers=_SANDBOX, content_type=_TEXT)
    if part_id == "2":
        return Response(message.html_body(mail, base_url()), headers=_SANDBOX, content_type="text/html; charset=utf-8")
    _refuse(404, "404 page not found")


@blueprint.get("/view/<mail_id>.txt")
def view_text(mail_id: str) -> Response:
    """Return the text of a mail."""
    return Response(message.text_body(_mail(mail_id), base_url()), content_type=_TEXT)


@blueprint.get("/api/v1/message/<mail_id>/html-check")
def check_html(mail_id: str) -> Response:
    """Report that every client supports the HTML of a mail."""
    _mail(mail_id)
    total = {"Tests": 0, "Nodes": 0, "Supported": 100, "Partial": 0, "Unsupported": 0}
    return _json({"Total": total, "Warnings": [], "Platforms": {}})


@blueprint.get("/api/v1/message/<mail_id>/link-check")
def check_links(mail_id: str) -> Response:
    """Report that the link of a mail works, without following it, since that would verify the address."""
    return _json({"Errors": 0, "Links": [{"URL": links.link(_mail(mail_id), base_url()), "StatusCode": 200, "Status": "OK"}]})


@blueprint.get("/api/v1/message/<mail_id>/sa-check", defaults={"feature": "SpamAssassin"})
@blueprint.post("/api/v1/message/<mail_id>/release", defaults={"feature": "SMTP relay"})
@blueprint.route("/api/v1/chaos", methods=["GET", "PUT"], defaults={"feature": "Chaos"})
def refuse_feature(feature: str, mail_id: str = "") -> Response:
    """Refuse as Mailpit does when a feature is disabled."""
    _refuse(400, f"{feature} is not enabled")


@blueprint.route("/api/events")
def refuse_events() -> Response:
    """Refuse Mailpit's event stream, which is a WebSocket. Its clients retry and hide the reason, so the log has it too."""
    text = "alimock has no event stream (WebSocket); poll GET /api/v1/search, or wait with GET /_alimock/outbox/wait"
    logger.warning("501 GET /api/events: %s", text)
    _refuse(501, text)


@blueprint.post("/api/v1/send")
def send() -> Response:
    """Refuse: only the emulated API sends mail."""
    return _json({"Error": "alimock does not accept mail; its outbox contains the mail of the emulated API"}, 400)


@blueprint.get("/api/v1/tags")
def list_tags() -> Response:
    """List all tags."""
    return _json(list(_mailbox().tags(_mailbox().mails())))


@blueprint.put("/api/v1/tags")
def set_tags() -> Response:
    """Replace the tags of mails."""
    tags, ids = _body().get("tags"), _body().get("ids")
    if not isinstance(tags, list) or not isinstance(ids, list) or not is_unicode("".join(map(str, tags))):
        _refuse(400, "Tags and IDs must be lists of strings")
    _mailbox().set_tags([mail for mail in _mailbox().mails() if mail.id in ids], [str(tag) for tag in tags])
    return _ok()


@blueprint.get("/api/v1/info")
def get_info() -> Response:
    """Return version and statistics."""
    mails = _mailbox().mails()
    uptime, deleted = int(store().real_time() - store().started), store().outbox.deleted
    received = dict.fromkeys(("SMTPAccepted", "SMTPAcceptedSize", "SMTPRejected", "SMTPIgnored"), 0)
    return _json(
        {
            # A semantic version has at most one plus sign.
            "Version": f"{VERSION}+alimock-{__version__.replace('+', '.')}",
            "LatestVersion": "",
            "Database": "memory",
            "DatabaseSize": 0,
            "Messages": len(mails),
            "Unread": _mailbox().unread(mails),
            "Tags": _mailbox().tags(mails),
            "RuntimeStats": {"Uptime": uptime, "Memory": 0, "MessagesDeleted": deleted, **received},
        }
    )


@blueprint.get("/api/v1/webui")
def get_configuration() -> Response:
    """Return the configuration of Mailpit's web UI, with every optional feature disabled."""
    texts = ("SMTPServer", "ReturnPath", "AllowedRecipients", "BlockedRecipients", "OverrideFrom", "RecipientAllowlist")
    relay = {"Enabled": False, "PreserveMessageIDs": False, **dict.fromkeys(texts, "")}
    switches = dict.fromkeys(("SpamAssassin", "ChaosEnabled", "DuplicatesIgnored", "HideDeleteAllButton"), False)
    return _json({"Label": "alimock", "MessageRelay": relay, **switches})


def _mailbox() -> Mailbox:
    mailbox: Mailbox = g.mailbox
    return mailbox


def _json(content: object, status: int = 200) -> Response:
    return Response(json.dumps(content, ensure_ascii=False), status, content_type="application/json")


def _ok() -> Response:
    return Response("ok", content_type=_TEXT)


def _refuse(status: int, text: str) -> NoReturn:
    abort(Response(text, status, content_type=_TEXT))


def _integer(name: str, default: int) -> int:
    text = request.args.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else default


def _query() -> str:
    query = _search_argument()
    if not query.strip(f" {PLUS}"):
        _refuse(400, "Error: no search query")
    return query


def _search_argument() -> str:
    return next((value for name, value in _pairs(request.query_string) if name == "query"), "")


def _pairs(encoded: bytes) -> list[tuple[str, str]]:
    """Decode a query or a form; a `+` becomes `PLUS`."""
    return parse_qsl(encoded.decode("utf-8", "replace").replace("+", "%00"), keep_blank_values=True)


def _searched(query: str) -> list[Mail]:
    try:
        return _mailbox().search(query)
    except ValueError as error:
        _refuse(400, f"Error: {error}")


def _mail(mail_id: str) -> Mail:
    mail = next(iter(_searched(_search_argument())), None) if mail_id == "latest" else _mailbox().get(mail_id)
    if mail is None:
        _refuse(404, "Message not found")
    return mail


def _mails(ids: object) -> list[Mail]:
    """Return the mails with the ids; all of them for an empty list or none, as Mailpit does."""
    mails = _mailbox().mails()
    return [mail for mail in mails if mail.id in ids] if isinstance(ids, list) and ids else mails


def _body() -> dict[str, Any]:
    """Parse the body as Mailpit does: JSON whatever the content type, else the form of old clients, with keys in any case."""
    data = request.get_data()
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        pairs = _pairs(data) if b"=" in data else []
        form = {name.lower(): value for name, value in pairs}
        return {**form, "ids": [value for name, value in pairs if name.lower() == "ids"]} if form else {}
    return {name.lower(): value for name, value in content.items()} if isinstance(content, dict) else {}
