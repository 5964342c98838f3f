"""The outbox: every mail that would have been sent, in order of arrival. A mail's text is made when somebody reads it."""

from __future__ import annotations

from dataclasses import dataclass

from alimock.world.account import Account, TokenState
from alimock.world.log import Log


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail: to whom, in which language, for which call, with the token of which serial.

    `sequence` counts everything that happens in the world; `created` is the account's time and `received` the real one, both in
    epoch seconds.
    """

    id: str
    sequence: int
    account: Account
    access_key_id: str | None
    request_id: str
    action: str
    to: str
    lang: str
    serial: int
    created: int
    received: float

    @property
    def account_name(self) -> str:
        """The name of the account that sent it."""
        return self.account.name

    @property
    def token(self) -> str:
        """The token that the mail carries."""
        return self.account.source.token(self.serial)

    @property
    def token_state(self) -> TokenState:
        """What the token is good for now."""
        return self.account.token_state(self.serial)


class Outbox(Log[Mail]):
    """The mails of all accounts; `read` are the ids of those that were read, `tags` what clients put on them."""

    def __init__(self) -> None:
        super().__init__()
        self.read: set[str] = set()
        self.tags: dict[str, tuple[str, ...]] = {}
        self.deleted = 0

    def remove(self, entry: Mail) -> None:
        """Deletes a mail that is there, with what is known about it."""
        super().remove(entry)
        self.read.discard(entry.id)
        self.tags.pop(entry.id, None)

    def clear(self, account: str) -> None:
        """Forgets one account's mails, with what is known about them."""
        ids = {mail.id for mail in self.entries(account)}
        self.read -= ids
        self.tags = {mail_id: tags for mail_id, tags in self.tags.items() if mail_id not in ids}
        super().clear(account)

    def mails(self, account: str | None = None) -> list[Mail]:
        """Gives the mails of one account or of all, oldest first."""
        return self.entries(account)
