"""The outbox: the mails that would have been sent, with their tokens and links."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping

from flask import Blueprint, Response, request

from alimock.control import arguments, lists, waiting
from alimock.control.current import base_url, execute, store, transaction
from alimock.control.errors import ControlError, suggestion
from alimock.mail import document, message
from alimock.mail.mbox import mbox
from alimock.spec.address import fold
from alimock.spec.contract import OPERATIONS
from alimock.state.commands import DeleteMails, ExpireLink, MarkMails
from alimock.state.log import EventType
from alimock.state.outbox import Mail

blueprint = Blueprint("outbox", __name__)

FILTERS = ("to", "action", "access_key_id", "text", "since", "until")


@blueprint.get("/outbox")
def list_messages() -> dict[str, object]:
    """List mails, newest first; with `after`, those after that cursor, oldest first."""
    given = arguments.query(*FILTERS, "after", "limit")
    return lists.page(store().outbox, "messages", given, _filter(given), summary)


@blueprint.get("/outbox.mbox")
def get_mbox() -> Response:
    """Return the matching mails as a file in the mbox format, oldest first; with `after`, those after that cursor."""
    given = arguments.query(*FILTERS, "after")
    matches = _filter(given)
    with transaction():
        after, account = lists.selection(given)
        mails = list(filter(matches, store().outbox.after(after or 0, account)))
    headers = {"Content-Disposition": 'attachment; filename="outbox.mbox"'}
    return Response(mbox(mails, base_url()), headers=headers, content_type="application/mbox")


@blueprint.get("/outbox/wait")
def wait_for_message() -> dict[str, object]:
    """Wait for matching mails after the cursor, or with `quiet` for none; without a cursor, existing mails count."""
    given = arguments.query(*FILTERS, "after", *waiting.ARGUMENTS)
    return waiting.wait_for(store().outbox, _MAIL, given, _filter(given))


@blueprint.get("/outbox/<mail_id>")
def get_message(mail_id: str) -> dict[str, object]:
    """Return one mail with its text and HTML."""
    mail = _mail(mail_id)
    return {**summary(mail), **document.bodies(mail, base_url())}


@blueprint.put("/outbox/<mail_id>")
def mark_message(mail_id: str) -> dict[str, object]:
    """Mark one mail as read or unread, and return it."""
    arguments.query()
    mail, read = _mail(mail_id), arguments.json_body("read").get("read")
    if not isinstance(read, bool):
        raise ControlError(400, f"`read`: found {json.dumps(read)[:60]}", 'Send {"read": true} or {"read": false}.')
    execute(MarkMails((mail.sequence,), read))
    return summary(mail)


@blueprint.post("/outbox/<mail_id>/expire")
def expire_link(mail_id: str) -> dict[str, object]:
    """Make the link of one mail expire now, and return the mail."""
    arguments.query()
    mail = _mail(mail_id)
    execute(ExpireLink(mail.token))
    return summary(mail)


@blueprint.get("/outbox/<mail_id>/raw")
def get_raw_message(mail_id: str) -> Response:
    """Return the RFC 5322 message."""
    return Response(message.build(_mail(mail_id), base_url()).as_bytes(), content_type="message/rfc822")


@blueprint.delete("/outbox")
def delete_messages() -> dict[str, object]:
    """Delete the matching mails, or those with the ids in the body; all without either."""
    given, ids = arguments.query(*FILTERS), _ids()
    matches = _filter(given)
    with transaction():
        _, account = lists.selection(given)
        mails = [mail for mail in store().outbox.entries(account) if matches(mail) and (ids is None or mail.id in ids)]
    return {"deleted": execute(DeleteMails(tuple(mail.sequence for mail in mails)))}


@blueprint.delete("/outbox/<mail_id>")
def delete_message(mail_id: str) -> dict[str, object]:
    """Delete one mail."""
    arguments.query()
    return {"deleted": execute(DeleteMails((_mail(mail_id).sequence,)))}


def _ids() -> frozenset[str] | None:
    if not request.get_data():
        return None
    hint = 'Send {"ids": ["..."]}, or no body to use the arguments alone.'
    return frozenset(arguments.strings(arguments.json_body("ids"), "ids", hint))


def _filter(given: Mapping[str, str]) -> Callable[[Mail], bool]:
    to, action, texts = arguments.address("to"), given.get("action"), arguments.plus_readings("text")
    since, until, url = arguments.time(given, "since"), arguments.time(given, "until"), base_url()
    if action is not None and action not in OPERATIONS:
        raise ControlError(400, f"`action`: found {action[:60]!a}", suggestion(action, OPERATIONS))

    def matches(mail: Mail) -> bool:
        return (
            (to is None or fold(mail.to) == fold(to))
            and action in (None, mail.action)
            and (since is None or mail.created >= since)
            and (until is None or mail.created <= until)
            and (not texts or _contains(mail, url, texts))
        )

    return matches


def _contains(mail: Mail, url: str, texts: Collection[str]) -> bool:
    content = f"{mail.to}\n{message.subject(mail)}\n{message.text_body(mail, url)}".lower()
    return any(text.lower() in content for text in texts)


@transaction()
def _mail(mail_id: str) -> Mail:
    mail = store().outbox.get(mail_id)
    if mail is None:
        hint = "It may have been deleted, evicted or reset; see GET /_alimock/outbox."
        raise ControlError(404, f"Message {mail_id[:100]!a} not found", hint)
    return mail


def summary(mail: Mail) -> dict[str, object]:
    """Return a mail as lists contain it."""
    with transaction():
        token_state, deliveries = store().token_state(mail), dict(store().outbox.deliveries.get(mail.id, {}))
        is_read = mail.id in store().outbox.read
    content = document.summary(mail, token_state, base_url(), is_read=is_read)
    return {**content, "deliveries": {name: one._asdict() for name, one in deliveries.items()}} if deliveries else content


_MAIL = waiting.EntryType(EventType.MAIL, "message", "the outbox", summary, lambda mail: f"{mail.action} to {mail.to}")
