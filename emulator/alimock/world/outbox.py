"""The outbox: every mail that would have been sent, in order of arrival. A mail's text is made when somebody reads it."""

from __future__ import annotations

from collections import Counter, OrderedDict
from dataclasses import dataclass

from alimock.world.account import Account, TokenState

PER_ACCOUNT = 5_000
IN_ALL = 50_000


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
    def token(self) -> str:
        """The token that the mail carries."""
        return self.account.source.token(self.serial)

    @property
    def token_state(self) -> TokenState:
        """What the token is good for now."""
        return self.account.token_state(self.serial)


class Outbox:
    """The mails of all accounts, the newest `PER_ACCOUNT` of each and `IN_ALL` together; callers hold the world's lock."""

    def __init__(self) -> None:
        self._mails: OrderedDict[str, Mail] = OrderedDict()
        self._by_account: dict[str, OrderedDict[str, Mail]] = {}
        self._evicted: Counter[str] = Counter()
        self._evicted_through: dict[str, int] = {}

    def add(self, mail: Mail) -> None:
        """Takes a mail in, and evicts the oldest where there are too many."""
        own = self._by_account.setdefault(mail.account.name, OrderedDict())
        self._mails[mail.id] = own[mail.id] = mail
        if len(own) > PER_ACCOUNT:
            self._evict(next(iter(own.values())))
        elif len(self._mails) > IN_ALL:
            self._evict(next(iter(self._mails.values())))

    def get(self, mail_id: str) -> Mail | None:
        """Gives a mail by its id."""
        return self._mails.get(mail_id)

    def mails(self, account: str | None = None) -> list[Mail]:
        """Gives the mails of one account or of all, oldest first."""
        return list(self._mails.values() if account is None else self._by_account.get(account, OrderedDict()).values())

    def evicted(self, account: str | None = None) -> int:
        """Counts the mails that were thrown away because there were too many."""
        return self._evicted.total() if account is None else self._evicted[account]

    def evicted_through(self, account: str | None = None) -> int:
        """Gives the highest sequence that was thrown away, 0 if none was."""
        if account is None:
            return max(self._evicted_through.values(), default=0)
        return self._evicted_through.get(account, 0)

    def remove(self, mail: Mail) -> None:
        """Deletes a mail that is there."""
        del self._mails[mail.id]
        del self._by_account[mail.account.name][mail.id]

    def clear(self, account: str) -> None:
        """Forgets one account's mails and how many were evicted."""
        for mail_id in self._by_account.pop(account, {}):
            del self._mails[mail_id]
        self._evicted.pop(account, None)
        self._evicted_through.pop(account, None)

    def _evict(self, mail: Mail) -> None:
        self.remove(mail)
        self._evicted[mail.account.name] += 1
        self._evicted_through[mail.account.name] = mail.sequence
