"""The routes of Mailpit's API, at the root and for single accounts. Every success is exactly 200, errors are plain text."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from flask import Blueprint, Response, request

from alimock import __version__
from alimock.api.service import Service
from alimock.control.guard import base_url
from alimock.mailpit.mailbox import Mailbox
from alimock.scenario.text import is_unicode
from alimock.security import HostPolicy
from alimock.state.outbox import Mail

# Clients read a version of Mailpit's and warn of old ones.
VERSION = "v1.30.5"
ACCOUNT_PREFIX = "/_alimock/accounts/<access_key_id>"
DEFAULT_LIMIT = 50
_TEXT = "text/plain; charset=utf-8"

# What a mail says must not act on this site.
_SANDBOX = {
    "Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:",
    "X-Content-Type-Options": "nosniff",
}

View = Callable[..., Response]


class Refusal(Exception):
    """An answer in plain text with this status."""

    def __init__(self, status: int, text: str) -> None:
        self.status = status
        super().__init__(text)


def mailpit(service: Service, host_policy: HostPolicy) -> Blueprint:
    """Makes the API of one emulator, of all accounts and of each."""
    blueprint = Blueprint("mailpit", __name__)

    def add(method: str, path: str, answer: Callable[..., Response]) -> None:
        def view(access_key_id: str | None = None, **parts: str) -> Response:
            return answer(Mailbox(service.store, base_url(host_policy), access_key_id), **parts)

        for prefix in ("", ACCOUNT_PREFIX):
            name = f"{method} {prefix}{path}".replace(".", "-")
            blueprint.add_url_rule(f"{prefix}{path}", name, view, methods=[method])

    for (method, path), answer in ROUTES.items():
        add(method, path, answer)
    blueprint.register_error_handler(Refusal, lambda refusal: Response(str(refusal), refusal.status, content_type=_TEXT))
    return blueprint


def _messages(mailbox: Mailbox) -> Response:
    # A limit of 0 is none here, and an empty page in a search.
    return _json(mailbox.page(mailbox.mails(), _number("start", 0), _number("limit", DEFAULT_LIMIT) or None))


def _mark(mailbox: Mailbox) -> Response:
    given = _body()
    if not given and request.get_data().strip() not in (b"", b"{}"):
        raise Refusal(400, "The body is neither JSON nor a form")
    ids, query = given.get("ids"), given.get("search")
    if ids and query:
        raise Refusal(400, "You may specify either IDs or a search query, not both")
    chosen = mailbox.found(str(query)) if query else _chosen(mailbox, ids)
    mailbox.mark(chosen, read=str(given.get("read", "false")).lower() == "true")
    return _ok()


def _delete(mailbox: Mailbox) -> Response:
    mailbox.delete(_chosen(mailbox, _body().get("ids")))
    return _ok()


def _search(mailbox: Mailbox) -> Response:
    return _json(mailbox.page(mailbox.found(_query()), _number("start", 0), _number("limit", DEFAULT_LIMIT)))


def _delete_found(mailbox: Mailbox) -> Response:
    mailbox.delete(mailbox.found(_query()))
    return _ok()


def _message(mailbox: Mailbox, mail_id: str) -> Response:
    one = _get(mailbox, mail_id)
    mailbox.mark([one], read=True)
    return _json(mailbox.full(one))


def _headers(mailbox: Mailbox, mail_id: str) -> Response:
    headers: dict[str, list[str]] = {}
    for name, value in mailbox.message(_get(mailbox, mail_id)).items():
        headers.setdefault("-".join(part.capitalize() for part in name.split("-")), []).append(str(value))
    return _json(headers)


def _raw(mailbox: Mailbox, mail_id: str) -> Response:
    one = _get(mailbox, mail_id)
    response = Response(mailbox.message(one).as_bytes(), content_type=_TEXT)
    if request.args.get("dl") == "1":
        response.headers["Content-Disposition"] = f'attachment; filename="{one.id}.eml"'
    return response


def _part(mailbox: Mailbox, mail_id: str, part_id: str) -> Response:
    part = mailbox.part(_get(mailbox, mail_id), part_id)
    if part is None:
        raise Refusal(404, "404 page not found")
    return Response(part[0], headers=_SANDBOX, content_type=part[1])


def _html_check(mailbox: Mailbox, mail_id: str) -> Response:
    _get(mailbox, mail_id)
    total = {"Tests": 0, "Nodes": 0, "Supported": 100, "Partial": 0, "Unsupported": 0}
    return _json({"Total": total, "Warnings": [], "Platforms": {}})


def _link_check(mailbox: Mailbox, mail_id: str) -> Response:
    """Names the link and does not follow it, since following verifies."""
    link = mailbox.full(_get(mailbox, mail_id))["Link"]
    return _json({"Errors": 0, "Links": [{"URL": link, "StatusCode": 200, "Status": "OK"}]})


def _tags(mailbox: Mailbox) -> Response:
    return _json(sorted({tag for one in mailbox.mails() for tag in mailbox.tags(one)}))


def _set_tags(mailbox: Mailbox) -> Response:
    given = _body()
    tags, ids = given.get("tags"), given.get("ids")
    if not isinstance(tags, list) or not isinstance(ids, list) or not is_unicode("".join(map(str, tags))):
        raise Refusal(400, "Tags and IDs are lists of texts")
    chosen = [one for one in mailbox.mails() if one.id in ids]
    mailbox.set_tags(chosen, [str(tag) for tag in tags])
    return _ok()


def _info(mailbox: Mailbox) -> Response:
    mails = mailbox.mails()
    tags = [tag for one in mails for tag in mailbox.tags(one)]
    with mailbox.store.lock:
        uptime = int(mailbox.store.real_time() - mailbox.store.started)
        deleted = mailbox.store.outbox.deleted
    statistics = {"Uptime": uptime, "Memory": 0, "MessagesDeleted": deleted, "SMTPAccepted": 0, "SMTPAcceptedSize": 0}
    return _json(
        {
            "Version": f"{VERSION}+alimock-{__version__}",
            "LatestVersion": "",
            "Database": "memory",
            "DatabaseSize": 0,
            "Messages": len(mails),
            "Unread": sum(not mailbox.is_read(one) for one in mails),
            "Tags": {tag: tags.count(tag) for tag in sorted(set(tags))},
            "RuntimeStats": {**statistics, "SMTPRejected": 0, "SMTPIgnored": 0},
        }
    )


def _webui(mailbox: Mailbox) -> Response:
    relay = {
        "Enabled": False,
        "SMTPServer": "",
        "ReturnPath": "",
        "AllowedRecipients": "",
        "BlockedRecipients": "",
        "OverrideFrom": "",
        "PreserveMessageIDs": False,
        "RecipientAllowlist": "",
    }
    switches = {"SpamAssassin": False, "ChaosEnabled": False, "DuplicatesIgnored": False, "HideDeleteAllButton": False}
    return _json({"Label": "alimock", "MessageRelay": relay, **switches})


def _view_html(mailbox: Mailbox, mail_id: str) -> Response:
    part = mailbox.part(_get(mailbox, mail_id), "2")
    return Response(part[0] if part else b"", headers=_SANDBOX, content_type="text/html; charset=utf-8")


def _view_text(mailbox: Mailbox, mail_id: str) -> Response:
    part = mailbox.part(_get(mailbox, mail_id), "1")
    return Response(part[0] if part else b"", content_type=_TEXT)


def _refused(status: int, text: str) -> View:
    def answer(mailbox: Mailbox, **parts: str) -> Response:
        raise Refusal(status, text)

    return answer


def _not_sent(mailbox: Mailbox) -> Response:
    return Response(
        json.dumps({"Error": "alimock takes no mails; those of the emulated API are here"}), 400, content_type="application/json"
    )


_CHAOS = _refused(400, "Chaos is not enabled")
ROUTES: Mapping[tuple[str, str], View] = {
    ("GET", "/api/v1/messages"): _messages,
    ("PUT", "/api/v1/messages"): _mark,
    ("DELETE", "/api/v1/messages"): _delete,
    ("GET", "/api/v1/search"): _search,
    ("DELETE", "/api/v1/search"): _delete_found,
    ("GET", "/api/v1/message/<mail_id>"): _message,
    ("GET", "/api/v1/message/<mail_id>/headers"): _headers,
    ("GET", "/api/v1/message/<mail_id>/raw"): _raw,
    ("GET", "/api/v1/message/<mail_id>/part/<part_id>"): _part,
    ("GET", "/api/v1/message/<mail_id>/html-check"): _html_check,
    ("GET", "/api/v1/message/<mail_id>/link-check"): _link_check,
    ("GET", "/api/v1/message/<mail_id>/sa-check"): _refused(400, "SpamAssassin is not enabled"),
    ("POST", "/api/v1/message/<mail_id>/release"): _refused(400, "SMTP relay is not enabled"),
    ("POST", "/api/v1/send"): _not_sent,
    ("GET", "/api/v1/tags"): _tags,
    ("PUT", "/api/v1/tags"): _set_tags,
    ("GET", "/api/v1/info"): _info,
    ("GET", "/api/v1/webui"): _webui,
    ("GET", "/api/v1/chaos"): _CHAOS,
    ("PUT", "/api/v1/chaos"): _CHAOS,
    ("GET", "/view/<mail_id>.html"): _view_html,
    ("GET", "/view/<mail_id>.txt"): _view_text,
}


def _json(content: object) -> Response:
    return Response(json.dumps(content, ensure_ascii=False), content_type="application/json")


def _ok() -> Response:
    return Response("ok", content_type=_TEXT)


def _number(name: str, default: int) -> int:
    text = request.args.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else default


def _query() -> str:
    query = request.args.get("query", "").strip()
    if not query:
        raise Refusal(400, "Error: no search query")
    return query


def _get(mailbox: Mailbox, mail_id: str) -> Mail:
    one = mailbox.get(mail_id, request.args.get("query", ""))
    if one is None:
        raise Refusal(404, "Message not found")
    return one


def _body() -> dict[str, Any]:
    """Reads the body as Mailpit does, keys in any letter case: JSON whatever it is called, else the form that old clients send.

    What is neither is empty.
    """
    data = request.get_data()
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        pairs = parse_qsl(data.decode("utf-8", "replace"), keep_blank_values=True) if b"=" in data else []
        form = {name.lower(): value for name, value in pairs}
        return {**form, "ids": [value for name, value in pairs if name.lower() == "ids"]} if form else {}
    return {name.lower(): value for name, value in content.items()} if isinstance(content, dict) else {}


def _chosen(mailbox: Mailbox, ids: object) -> list[Mail]:
    """Gives the mails of a list of ids; without one, or with an empty one, all of them, as Mailpit does."""
    mails = mailbox.mails()
    return [one for one in mails if one.id in ids] if isinstance(ids, list) and ids else mails
