"""The mails of one account, or of all, in Mailpit's shapes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from alimock.control.current import execute, store, transaction
from alimock.mail import links, message
from alimock.mailpit.search import Document, parse_query
from alimock.spec.times import UTC_PLUS_8, format_real_time
from alimock.state.commands import DeleteMails, MarkMails, TagMails
from alimock.state.outbox import Mail

SNIPPET_LENGTH = 250


@dataclass(frozen=True)
class Mailbox:
    """A view of the outbox.

    Selecting and changing mails happens in transactions. Rendering does not: building a message to measure it takes 1 ms.
    """

    base_url: str
    account: str | None

    @transaction()
    def mails(self) -> list[Mail]:
        """Return all mails, newest first."""
        return list(store().outbox.newest_first(self.account))

    def search(self, query: str) -> list[Mail]:
        """Return the mails that match a query, newest first; raises `ValueError`."""
        matches = parse_query(query)
        return [mail for mail in self.mails() if matches(self._document(mail))]

    def get(self, mail_id: str) -> Mail | None:
        """Return a mail by its id."""
        with transaction():
            mail = store().outbox.get(mail_id)
        return mail if mail is not None and self.account in (None, mail.account_name) else None

    def mark(self, mails: Iterable[Mail], *, read: bool) -> None:
        """Mark mails as read or unread."""
        execute(MarkMails(_sequences(mails), read))

    def set_tags(self, mails: Iterable[Mail], tags: Sequence[str]) -> None:
        """Replace the tags of mails."""
        execute(TagMails(_sequences(mails), tuple(tags)))

    def delete(self, mails: Iterable[Mail]) -> None:
        """Delete mails."""
        execute(DeleteMails(_sequences(mails)))

    def tags(self, mails: Iterable[Mail]) -> Counter[str]:
        """Count the tags of mails, in alphabetical order."""
        return Counter(sorted(tag for mail in mails for tag in store().outbox.tags.get(mail.id, ())))

    def unread(self, mails: Iterable[Mail]) -> int:
        """Count the unread mails."""
        return sum(mail.id not in store().outbox.read for mail in mails)

    def summary(self, mail: Mail) -> dict[str, object]:
        """Return a mail as lists contain it."""
        return {
            "ID": mail.id,
            "MessageID": message.message_id(mail).strip("<>"),
            "From": {"Name": "", "Address": message.SENDER.addr_spec},
            "To": [{"Name": "", "Address": mail.to}],
            "Cc": [],
            "Bcc": [],
            "ReplyTo": [],
            "Subject": message.subject(mail),
            "Username": "",
            "Tags": list(store().outbox.tags.get(mail.id, ())),
            "Size": self._size(mail),
            "Read": mail.id in store().outbox.read,
            "Created": format_real_time(mail.received),
            "Attachments": 0,
            "Snippet": " ".join(message.text_body(mail, self.base_url).split())[:SNIPPET_LENGTH],
        }

    def full(self, mail: Mail) -> dict[str, object]:
        """Return a mail in full: the fields of old and new versions of Mailpit, and the token and the link."""
        return {
            **self.summary(mail),
            "ReturnPath": message.SENDER.addr_spec,
            "ListUnsubscribe": {"Header": "", "Links": [], "Errors": "", "HeaderPost": ""},
            "Date": datetime.fromtimestamp(mail.created, UTC_PLUS_8).isoformat(timespec="milliseconds"),
            "Text": message.text_body(mail, self.base_url),
            "HTML": message.html_body(mail, self.base_url),
            "Inline": [],
            "Attachments": [],
            "Read": True,
            "Token": mail.token,
            "Link": links.link(mail, self.base_url),
        }

    def page(self, mails: list[Mail], start: int, limit: int | None) -> dict[str, object]:
        """Return a page of mails with Mailpit's counts."""
        everything = self.mails()
        messages = [self.summary(mail) for mail in mails[start : None if limit is None else start + limit]]
        return {
            "total": len(everything),
            "unread": self.unread(everything),
            "count": len(messages),
            "messages_count": len(mails),
            "messages_unread": self.unread(mails),
            "start": start,
            "tags": list(self.tags(everything)),
            "messages": messages,
        }

    def _document(self, mail: Mail) -> Document:
        fields = {
            "to": mail.to.lower(),
            "from": message.SENDER.addr_spec,
            "subject": message.subject(mail).lower(),
            "message-id": message.message_id(mail).lower(),
        }
        text = "\n".join((*fields.values(), message.text_body(mail, self.base_url).lower()))
        is_read = mail.id in store().outbox.read
        return Document(fields, text, list(self.tags([mail])), is_read, mail.received, lambda: self._size(mail))

    def _size(self, mail: Mail) -> int:
        base_url, size = store().outbox.sizes.get(mail.id, ("", 0))
        if base_url != self.base_url:
            size = len(message.build(mail, self.base_url).as_bytes())
            with transaction():
                if store().outbox.get(mail.id) == mail:
                    store().outbox.sizes[mail.id] = self.base_url, size
        return size


def _sequences(mails: Iterable[Mail]) -> tuple[int, ...]:
    return tuple(mail.sequence for mail in mails)
