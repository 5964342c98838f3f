"""Mails in the mbox format (RFC 4155), which mail programs and Python's `mailbox` read."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timezone
from email.generator import BytesGenerator
from io import BytesIO

from alimock.mail import message
from alimock.state.outbox import Mail


def mbox(mails: Iterable[Mail], base_url: str) -> bytes:
    """Return mails, whose links begin with a URL, one after another. Lines that begin with `From ` are quoted as `>From `."""
    content = BytesIO()
    for mail in mails:
        built = message.build(mail, base_url)
        built.set_unixfrom(f"From {message.SENDER.addr_spec} {datetime.fromtimestamp(mail.created, timezone.utc).ctime()}")
        BytesGenerator(content, mangle_from_=True).flatten(built, unixfrom=True, linesep="\n")
        content.write(b"\n")
    return content.getvalue()
