"""The outbox: every mail that would have been sent, in order. The text of a mail is rendered when it is read."""

from __future__ import annotations

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


class Outbox(Log[Mail]):
    """The mails of all accounts, with what clients of Mailpit's API know about each, by id.

    `sizes` caches the size in bytes of a mail whose links start with a URL. `deleted` counts the mails that a client deleted.
    """

    def __init__(self, limits: StateLimits) -> None:
        super().__init__(limits)
        self.read: set[str] = set()
        self.tags: dict[str, tuple[str, ...]] = {}
        self.sizes: dict[str, tuple[str, int]] = {}
        self.deleted = 0

    def remove(self, entry_id: str) -> None:
        """Remove a mail that exists, and what is known about it."""
        super().remove(entry_id)
        self.read.discard(entry_id)
        self.tags.pop(entry_id, None)
        self.sizes.pop(entry_id, None)
