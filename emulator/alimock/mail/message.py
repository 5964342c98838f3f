"""The text of a verification mail, and its RFC 5322 message.

The service publishes neither sender nor wording, so both are alimock's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from html import escape

from alimock.mail.links import link
from alimock.spec.times import UTC_PLUS_8
from alimock.state.outbox import Mail

SENDER = Address("alimock", "noreply", "example.com")


@dataclass(frozen=True)
class _Wording:
    subject: str
    greeting: str
    link: str
    token: str
    one_day: str
    days: str
    no_limit: str
    origin: str


_WORDINGS = {
    "en": _Wording(
        subject="Please verify your email address",
        greeting="Please verify the email address {to} by following this link:",
        link="Verify this address",
        token="Verification token: {token}",
        one_day="The link is valid for 1 day.",
        days="The link is valid for {days} days.",
        no_limit="The link does not expire.",
        origin="alimock captured this email; it was not sent to the recipient.",
    ),
    "zh": _Wording(
        subject="请验证您的邮箱地址",
        greeting="请点击以下链接验证邮箱地址 {to}：",
        link="验证邮箱",
        token="验证 token：{token}",
        one_day="链接 1 天内有效。",
        days="链接 {days} 天内有效。",
        no_limit="链接长期有效。",
        origin="本邮件由 alimock 截获，未实际发送。",
    ),
}


def subject(mail: Mail) -> str:
    """Return the subject in the mail's language."""
    return _WORDINGS[mail.lang].subject


def message_id(mail: Mail) -> str:
    """Return the Message-ID."""
    return f"<{mail.id}@example.com>"


def text_body(mail: Mail, public_url: str) -> str:
    """Return the plain text in the mail's language."""
    wording = _WORDINGS[mail.lang]
    lines = (
        wording.greeting.format(to=mail.to),
        "",
        link(mail, public_url),
        "",
        wording.token.format(token=mail.token),
        _validity(mail),
        wording.origin,
    )
    return "\n".join(lines) + "\n"


def html_body(mail: Mail, public_url: str) -> str:
    """Return the HTML in the mail's language."""
    wording = _WORDINGS[mail.lang]
    address = escape(link(mail, public_url))
    return (
        f'<!DOCTYPE html>\n<html lang="{mail.lang}">\n<head><meta charset="utf-8"><title>{escape(wording.subject)}</title></head>\n'
        f"<body>\n<p>{escape(wording.greeting.format(to=mail.to))}</p>\n"
        f'<p><a href="{address}">{escape(wording.link)}</a></p>\n<p>{address}</p>\n'
        f"<p>{escape(wording.token.format(token=mail.token))}<br>{escape(_validity(mail))}</p>\n"
        f"<p><small>{escape(wording.origin)}</small></p>\n</body>\n</html>\n"
    )


def build(mail: Mail, public_url: str) -> EmailMessage:
    """Return the message with its text and HTML parts; `bytes()` of it is the raw mail with CRLF lines."""
    # Raw UTF-8 in headers (RFC 6532) only for an address that cannot be encoded otherwise.
    built = EmailMessage(policy=SMTP if mail.to.isascii() else SMTPUTF8)
    local, _, domain = mail.to.rpartition("@")
    built["From"] = SENDER
    built["To"] = Address("", local, domain)
    built["Subject"] = subject(mail)
    built["Date"] = datetime.fromtimestamp(mail.created, UTC_PLUS_8)
    built["Message-ID"] = message_id(mail)
    built["Delivered-To"] = mail.to
    built["X-Alimock-Token"] = mail.token
    built.set_content(text_body(mail, public_url))
    built.add_alternative(html_body(mail, public_url), subtype="html")
    built.set_boundary(f"alimock-{mail.id}")
    return built


def _validity(mail: Mail) -> str:
    wording = _WORDINGS[mail.lang]
    if mail.link_valid_days is None:
        return wording.no_limit
    return wording.one_day if mail.link_valid_days == 1 else wording.days.format(days=mail.link_valid_days)
