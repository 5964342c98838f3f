"""The outbox: every mail that would have been sent, in order of arrival. A mail's text is made when somebody reads it."""

from __future__ import annotations

from dataclasses import dataclass

from alimock.state.account import Account
from alimock.state.limits import StateLimits
from alimock.state.log import Log
from alimock.state.record import TokenState


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail: to whom, in which language, for which call, with the token of which serial.

    `sequence` counts everything that happens in the store; `created` is the account's time and `received` the real one, both in
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
        return self.account.ids.token(self.serial)

    @property
    def token_state(self) -> TokenState:
        """What the token is good for now."""
        return self.account.token_state(self.serial)


class Outbox(Log[Mail]):
    """The mails of all accounts, and what is known about each by its id.

    `read` are those that were read, `tags` what clients put on them, `sizes` how many bytes each has with links to what URL.
    """

    def __init__(self, limits: StateLimits) -> None:
        super().__init__(limits)
        self.read: set[str] = set()
        self.tags: dict[str, tuple[str, ...]] = {}
        self.sizes: dict[str, tuple[str, int]] = {}
        self.deleted = 0

    def remove(self, entry: Mail) -> None:
        """Deletes a mail that is there, with what is known about it."""
        super().remove(entry)
        self._forget(entry.id)

    def clear(self, account: str) -> None:
        """Forgets one account's mails, with what is known about them."""
        for mail in self.entries(account):
            self._forget(mail.id)
        super().clear(account)

    def _forget(self, mail_id: str) -> None:
        self.read.discard(mail_id)
        self.tags.pop(mail_id, None)
        self.sizes.pop(mail_id, None)
