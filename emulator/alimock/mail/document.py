"""A mail as JSON, in the control API and for a webhook."""

from __future__ import annotations

from alimock.mail import links, message
from alimock.spec.times import format_real_time, format_time
from alimock.state.outbox import Mail
from alimock.state.record import TokenState, link_expires


def summary(mail: Mail, token_state: TokenState, base_url: str, *, is_read: bool) -> dict[str, object]:
    """Return a mail as lists contain it; its link begins with a URL."""
    expires = link_expires(mail.created, mail.link_valid_days)
    return {
        "id": mail.id,
        "sequence": mail.sequence,
        "to": mail.to,
        "subject": message.subject(mail),
        "lang": mail.lang,
        "action": mail.action,
        "access_key_id": mail.access_key_id,
        "request_id": mail.request_id,
        "token": mail.token,
        "token_state": token_state.value,
        "link": links.link(mail, base_url),
        "link_expires": format_time(expires) if expires is not None else None,
        "created": format_time(mail.created),
        "received": format_real_time(mail.received),
        "read": is_read,
    }


def bodies(mail: Mail, base_url: str) -> dict[str, object]:
    """Return the texts that a single mail has in addition."""
    return {"text": message.text_body(mail, base_url), "html": message.html_body(mail, base_url)}
