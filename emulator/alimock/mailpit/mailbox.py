"""The mails of one account, or of all, as Mailpit shows a mailbox."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from email.message import EmailMessage

from alimock.mail import message
from alimock.mailpit.search import Searched, search
from alimock.spec.times import UTC_PLUS_8, format_real_time
from alimock.state.outbox import Mail
from alimock.state.store import Store

SNIPPET_LENGTH = 250
# The parts of a mail by the numbers they have in their paths.
PARTS = {"1": "plain", "2": "html"}


class Mailbox:
    """Shows mails in Mailpit's shapes; the texts of mails link to `base_url`."""

    def __init__(self, store: Store, base_url: str, access_key_id: str | None = None) -> None:
        self.store = store
        self.base_url = base_url
        self._access_key_id = access_key_id

    def mails(self) -> list[Mail]:
        """Gives all mails, newest first."""
        with self.store.lock:
            return list(self.store.outbox.newest_first(self._account_name()))

    def found(self, query: str) -> list[Mail]:
        """Gives the mails that match a search, newest first."""
        matches = search(query)
        return [one for one in self.mails() if matches(self._searched(one))]

    def get(self, mail_id: str, query: str = "") -> Mail | None:
        """Gives a mail by its id, or for `latest` the newest that matches the query."""
        if mail_id == "latest":
            return next(iter(self.found(query)), None)
        with self.store.lock:
            one, account = self.store.outbox.get(mail_id), self._account_name()
        return one if one is not None and account in (None, one.account_name) else None

    def is_read(self, one: Mail) -> bool:
        """Says whether a mail was read or marked so."""
        return one.id in self.store.outbox.read

    def tags(self, one: Mail) -> list[str]:
        """Gives the tags that a client put on a mail."""
        return list(self.store.outbox.tags.get(one.id, ()))

    def mark(self, mails: Iterable[Mail], *, read: bool) -> None:
        """Marks mails as read or unread."""
        with self.store.lock:
            ids = {one.id for one in mails if one.id in self.store.outbox}
            marked = self.store.outbox.read
            (marked.update if read else marked.difference_update)(ids)

    def set_tags(self, mails: Iterable[Mail], tags: Iterable[str]) -> None:
        """Puts tags on mails in place of those they have."""
        with self.store.lock:
            put = tuple(tags)
            self.store.outbox.tags.update({one.id: put for one in mails if one.id in self.store.outbox})

    def delete(self, mails: Iterable[Mail]) -> None:
        """Deletes mails."""
        with self.store.lock:
            self.store.delete_mails(mails)

    def message(self, one: Mail) -> EmailMessage:
        """Gives the message itself."""
        return message.build(one, self.base_url)

    def summary(self, one: Mail) -> dict[str, object]:
        """Shows a mail as lists do."""
        return {
            **self._common(one),
            "Read": self.is_read(one),
            "Created": format_real_time(one.received),
            "Attachments": 0,
            "Snippet": " ".join(message.text_body(one, self.base_url).split())[:SNIPPET_LENGTH],
        }

    def full(self, one: Mail) -> dict[str, object]:
        """Shows a mail in full; what newer and older versions of Mailpit show is both there, and the token and the link beside."""
        return {
            **self._common(one),
            "ReturnPath": message.SENDER.addr_spec,
            "ListUnsubscribe": {"Header": "", "Links": [], "Errors": "", "HeaderPost": ""},
            "Date": datetime.fromtimestamp(one.created, UTC_PLUS_8).isoformat(timespec="milliseconds"),
            "Text": message.text_body(one, self.base_url),
            "HTML": message.html_body(one, self.base_url),
            "Inline": [],
            "Attachments": [],
            "Read": True,
            "Created": format_real_time(one.received),
            "Snippet": self.summary(one)["Snippet"],
            "Token": one.token,
            "Link": message.link(one, self.base_url),
        }

    def part(self, one: Mail, part_id: str) -> tuple[bytes, str] | None:
        """Gives the bytes and the content type of a part of a mail."""
        body = self.message(one).get_body((PARTS[part_id],)) if part_id in PARTS else None
        if body is None:
            return None
        content: str = body.get_content()
        return content.encode(), f"text/{PARTS[part_id]}; charset=utf-8"

    def page(self, mails: list[Mail], start: int, limit: int | None) -> dict[str, object]:
        """Gives a page of mails with Mailpit's counts."""
        everything = self.mails()
        shown = [self.summary(one) for one in mails[start : None if limit is None else start + limit]]
        return {
            "total": len(everything),
            "unread": self._unread(everything),
            "count": len(shown),
            "messages_count": len(mails),
            "messages_unread": self._unread(mails),
            "start": start,
            "tags": sorted({tag for one in everything for tag in self.tags(one)}),
            "messages": shown,
        }

    def _account_name(self) -> str | None:
        return self.store.account_name(self._access_key_id) if self._access_key_id is not None else None

    def _unread(self, mails: list[Mail]) -> int:
        return sum(not self.is_read(one) for one in mails)

    def _common(self, one: Mail) -> dict[str, object]:
        return {
            "ID": one.id,
            "MessageID": message.message_id(one).strip("<>"),
            "From": {"Name": "", "Address": message.SENDER.addr_spec},
            "To": [{"Name": "", "Address": one.to}],
            "Cc": [],
            "Bcc": [],
            "ReplyTo": [],
            "Subject": message.subject(one),
            "Username": "",
            "Tags": self.tags(one),
            "Size": self._size(one),
        }

    def _searched(self, one: Mail) -> Searched:
        fields = {
            "to": one.to.lower(),
            "from": message.SENDER.addr_spec,
            "subject": message.subject(one).lower(),
            "message-id": message.message_id(one).lower(),
        }
        everything = "\n".join((*fields.values(), message.text_body(one, self.base_url).lower()))
        return Searched(fields, everything, tuple(self.tags(one)), self.is_read(one), one.received, lambda: self._size(one))

    def _size(self, one: Mail) -> int:
        """Measures the message, which takes a millisecond, and keeps the result for the next list."""
        outbox = self.store.outbox
        base_url, size = outbox.sizes.get(one.id, ("", 0))
        if base_url != self.base_url:
            size = len(self.message(one).as_bytes())
            with self.store.lock:
                if one.id in outbox:
                    outbox.sizes[one.id] = self.base_url, size
        return size
