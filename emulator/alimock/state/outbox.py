"""The outbox: every mail that would have been sent, in order. The text of a mail is rendered when it is read."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import NamedTuple

from alimock.state.limits import StateLimits
from alimock.state.log import Log


class Mail(NamedTuple):
    """One mail, as it was sent.

    `created` is the account's time and `received` the real time, in epoch seconds. `link_valid_days` is None if the link never
    expires.
    """

    id: str
    sequence: int
    account_name: str
    access_key_id: str | None
    request_id: str
    action: str
    to: str
    lang: str
    token: str
    link_valid_days: int | None
    created: int
    received: float


class DeliveryState(str, Enum):
    """The states of the delivery of a mail to a server outside."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"


class Delivery(NamedTuple):
    """The state of a delivery, and why it failed."""

    state: DeliveryState
    error: str | None = None


class Outbox(Log[Mail]):
    """The mails of all accounts, with what clients of Mailpit's API know about each, by id.

    `deliveries` has the deliveries of a mail by the name of their target, if there are targets. `sizes` caches the size in bytes of
    a mail whose links start with a URL. `deleted` counts the mails that a client deleted.
    """

    def __init__(self, limits: StateLimits) -> None:
        super().__init__(limits)
        self._by_id: dict[str, Mail] = {}
        self.read: set[str] = set()
        self.tags: dict[str, tuple[str, ...]] = {}
        self.deliveries: dict[str, dict[str, Delivery]] = {}
        self.sizes: dict[str, tuple[str, int]] = {}
        self.deleted = 0

    def add(self, entry: Mail) -> None:
        """Append a mail, and evict the oldest beyond the limits."""
        self._by_id[entry.id] = entry
        super().add(entry)

    def get(self, mail_id: str) -> Mail | None:
        """Return the mail with an id, or None."""
        return self._by_id.get(mail_id)

    def found(self, sequences: Iterable[int]) -> list[Mail]:
        """Return the mails with these sequence numbers that are in the outbox. With a seed, ids repeat after a reset."""
        mails = (self.entry(sequence) for sequence in dict.fromkeys(sequences))
        return [mail for mail in mails if mail is not None]

    def mark(self, mails: Iterable[Mail], *, read: bool) -> None:
        """Mark mails as read or unread."""
        ids = {mail.id for mail in mails}
        (self.read.update if read else self.read.difference_update)(ids)

    def remove(self, entry: Mail) -> None:
        """Remove a mail that exists, and what is known about it."""
        super().remove(entry)
        del self._by_id[entry.id]
        self.read.discard(entry.id)
        self.tags.pop(entry.id, None)
        self.deliveries.pop(entry.id, None)
        self.sizes.pop(entry.id, None)
