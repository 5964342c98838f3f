"""A second, simple implementation of the rules of the state, to compare the emulator with; it imports nothing of alimock.

It follows the documents: what the service publishes, what alimock assumes (docs/reference/fidelity.md), and the format of scenarios
(docs/reference/scenario.md). It is slow and plain on purpose: no indexes, no overlays, every record is made at the start.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from enum import Enum

DAY = 86_400
UTC_8 = 8 * 3_600
LINK_SECONDS = 3 * DAY

QUOTA = "SendTokenQuotaExceeded"
ILLEGAL = "ParameterIllegall"
WAITING, VERIFIED = 0, 1

# The scripted responses of an address: a code, or None if the operation decides, and how many calls get it (None: all).
Steps = tuple[tuple[str | None, int | None], ...]


class Origin(Enum):
    """The origin of a record, which orders the records of one second."""

    SUBMITTED = "submitted"
    ENTRY = "an address of the scenario"
    PATTERN = "a pattern of the scenario"


class Refused(Exception):
    """An error code for a call, or for one address of a batch."""


@dataclass(frozen=True)
class Entry:
    """The entry of an address or a pattern: `written` is its YAML, the other fields are its meaning.

    `address` keeps the spelling of the scenario; `age` is how long before the start the mail of a record without times was sent.
    """

    written: str = ""
    address: str = ""
    status: int | None = None
    send: Steps = ()
    resend: Steps = ()
    age: int = 0
    created: int | None = None
    modified: int | None = None
    sent: int | None = None
    verified: int | None = None
    send_ip: str = "127.0.0.1"
    confirm_ip: str = "127.0.0.1"
    user_id: str | None = None
    number: str | None = None
    token: str | None = None
    sends_today: int = 0
    new_today: bool = False


@dataclass
class Record:
    """A record; a number or UserId of None is one that the emulator chooses."""

    email: str
    origin: Origin
    created: int
    modified: int
    sent: int
    send_ip: str
    status: int = WAITING
    verified: int | None = None
    confirm_ip: str | None = None
    number: str | None = None
    user_id: str | None = None
    token: str | None = None


@dataclass
class Mail:
    """A mail that was sent for a record."""

    record: Record
    to: str
    action: str
    lang: str
    created: int
    token: str = ""


@dataclass(frozen=True)
class Start:
    """A scenario. `clock` is the time and whether it is frozen there; None is the real time."""

    entries: Mapping[str, Entry]
    patterns: Mapping[str, Entry]
    sends_a_day: int | None
    addresses_a_day: int | None
    clock: tuple[int, bool] | None = None

    def with_entry(self, address: str, entry: Entry) -> Start:
        """Return the scenario with an entry added or replaced; a new pattern is tried first."""
        if "*" in address:
            patterns = self.patterns if address in self.patterns else {address: entry, **self.patterns}
            return replace(self, patterns={**patterns, address: entry})
        return replace(self, entries={**self.entries, address.lower(): replace(entry, address=address)})

    def without(self, address: str) -> Start:
        """Return the scenario without an entry."""
        entries = {name: entry for name, entry in self.entries.items() if name != address.lower()}
        patterns = {name: entry for name, entry in self.patterns.items() if name != address}
        return replace(self, entries=entries, patterns=patterns)

    def entry(self, address: str) -> Entry | None:
        """Return the entry of an address, else that of the first pattern that matches a well-formed address."""
        own = self.entries.get(address.lower())
        if own is not None or not well_formed(address):
            return own
        return next((entry for name, entry in self.patterns.items() if matches(name, address)), None)


@dataclass
class Clock:
    """An account's clock: at an offset from the real time, or frozen."""

    real: Callable[[], int]
    offset: int = 0
    frozen: int | None = None

    def now(self) -> int:
        """Return the account's time."""
        return self.real() + self.offset if self.frozen is None else self.frozen

    def set(self, now: int, frozen: bool) -> None:
        """Set the clock."""
        self.offset, self.frozen = now - self.real(), now if frozen else None

    def copy(self) -> Clock:
        """Return an independent clock that shows the same time."""
        return replace(self)


@dataclass
class Account:
    """The state of one user of the service, from the first use of the account on."""

    start: Start
    clock: Clock
    loaded: Start = field(init=False)
    records: dict[str, Record] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    mails: list[Mail] = field(default_factory=list)
    used: Counter[tuple[str, str]] = field(default_factory=Counter)
    # By day and address.
    sends: Counter[tuple[int, str]] = field(default_factory=Counter)
    new: set[tuple[int, str]] = field(default_factory=set)
    calls: int = 0

    def __post_init__(self) -> None:
        self.loaded = self.start
        self.started = self.clock.now()
        self.first_day = day(self.started)
        self.new = {(self.first_day, name) for name, entry in self.start.entries.items() if entry.new_today}
        for address, entry in self.start.entries.items():
            self.make(entry.address or address, entry, Origin.ENTRY, self.started)

    # Operations.

    def submit(self, emails: str, *, send_if_exist: bool, ip: str, lang: str) -> dict[str, list[str]]:
        """Submit a batch."""

        def one(email: str) -> str:
            self.refuse_malformed(email)
            self.refuse_by_entry(email, "submit")
            record = self.find(email)
            if record is None:
                self.refuse_over_sends(email)
                self.refuse_over_new(email)
                self.new.add((self.today, email.lower()))
                now = self.clock.now()
                record = self.records[email.lower()] = Record(email, Origin.SUBMITTED, now, now, now, ip)
            elif record.status == VERIFIED or not send_if_exist:
                return "ExistList"
            self.send(record, "SubmitEmailVerification", lang)
            return "SuccessList"

        return batch(emails, one)

    def resend(self, emails: str, *, lang: str) -> dict[str, list[str]]:
        """Resend a batch."""

        def one(email: str) -> str:
            self.refuse_malformed(email)
            self.refuse_by_entry(email, "resend")
            record = self.find(email)
            if record is None or record.status == VERIFIED:
                raise Refused(ILLEGAL)
            self.send(record, "ResendEmailVerification", lang)
            return "SuccessList"

        return batch(emails, one)

    def delete(self, emails: str) -> dict[str, list[str]]:
        """Delete a batch."""

        def one(email: str) -> str:
            if self.find(email) is None:
                raise Refused(ILLEGAL)
            del self.records[email.lower()]
            self.deleted.add(email.lower())
            return "SuccessList"

        return batch(emails, one)

    def verify(self, token: str, ip: str) -> None:
        """Verify the address whose newest mail has this token."""
        record = self.record_with(token)
        if record is None or self.state(record) != "open":
            raise Refused("ParameterIllegal")
        record.status, record.confirm_ip = VERIFIED, ip
        record.verified = record.modified = self.clock.now()

    def query(self, email: str | None) -> Record:
        """Return the record of an address, or for None the first record."""
        record = next(iter(self.in_order()), None) if email is None else self.find(email)
        if record is None:
            raise Refused("ParameterIllegal")
        return record

    def email_verified(self, email: str) -> None:
        """Refuse an address that is not verified."""
        record = self.find(email)
        if record is None or record.status != VERIFIED:
            raise Refused("RegContactEmailNotVerified")

    def listed(self, email: str | None, status: int | None, begin: int | None, end: int | None) -> list[Record]:
        """Return the records that match, newest first; the bounds are milliseconds."""
        if email is not None:
            self.find(email)
        return [
            record
            for record in sorted(self.in_order(), key=lambda record: -record.created)
            if (email is None or record.email.lower() == email.lower())
            and status in (None, record.status)
            and (begin is None or record.created * 1000 >= begin)
            and (end is None or record.created * 1000 <= end)
        ]

    # Changes by the control API.

    def put(self, address: str, entry: Entry) -> None:
        """Put an entry; its address starts again from it now."""
        self.start = self.start.with_entry(address, entry)
        if "*" in address:
            self.forget_responses(address)
            return
        self.forget(address)
        self.deleted.discard(address.lower())
        self.make(address, entry, Origin.ENTRY, self.clock.now())

    def forget_entry(self, address: str) -> bool:
        """Delete an entry and the record of an address, and return whether there was either."""
        pattern, folded = address in self.start.patterns, address.lower()
        if pattern:
            self.forget_responses(address)
            self.start = self.start.without(address)
            return True
        own = folded in self.start.entries
        record = self.find(address)
        self.start = self.start.without(address)
        self.forget(address)
        if own:
            self.deleted.discard(folded)
        elif record is not None:
            self.deleted.add(folded)
        return own or record is not None

    def saved(self) -> Start:
        """Return the scenario that starts in the current state of this account."""
        in_order = [record.email.lower() for record in self.in_order()]
        submitted = [name for name in in_order if self.records[name].origin is Origin.SUBMITTED]
        sent = {name for number, name in self.sends if number == self.today}
        others = sorted({*self.deleted, *sent, *self.new_today(), *(address for address, _ in self.used)})
        entries = {}
        for name in (*submitted, *self.start.entries, *in_order, *others):
            record = self.records.get(name)
            if record is not None or self.start.entry(name) is not None or self.sent_today(name) or name in self.new_today():
                entries[name] = self.saved_entry(name, record)
        patterns = {
            name: replace(timed(entry, self.started), sends_today=entry.sends_today if self.today == self.first_day else 0)
            for name, entry in self.start.patterns.items()
        }
        moved = self.clock.frozen is not None or self.clock.offset != 0
        clock = (self.clock.now(), self.clock.frozen is not None) if moved else None
        return replace(self.start, entries=entries, patterns=patterns, clock=clock)

    def saved_entry(self, address: str, record: Record | None) -> Entry:
        """Return the entry for the current state of an address."""
        entry, folded = self.start.entry(address) or Entry(), address.lower()
        kept = Entry(
            send=remaining(entry.send, self.used[folded, "send"]),
            resend=remaining(entry.resend, self.used[folded, "resend"]),
            sends_today=self.sent_today(address),
            new_today=folded in self.new_today(),
        )
        if record is None:
            return kept
        return replace(
            kept,
            address=record.email,
            status=record.status,
            created=record.created,
            modified=record.modified,
            sent=record.sent,
            verified=record.verified,
            send_ip=record.send_ip,
            confirm_ip=record.confirm_ip or "127.0.0.1",
            user_id=record.user_id,
            number=record.number,
            token=record.token if record.status == WAITING else None,
        )

    # Helpers.

    def find(self, address: str) -> Record | None:
        """Return the record of an address; that of a pattern is made when a call first names the address."""
        folded = address.lower()
        if folded not in self.records and folded not in self.deleted and folded not in self.start.entries:
            entry = self.start.entry(address)
            if entry is not None:
                self.make(address, entry, Origin.PATTERN, self.started)
        return self.records.get(folded)

    def make(self, address: str, entry: Entry, origin: Origin, start: int) -> None:
        """Make the record that an entry gives an address, if any."""
        if entry.status is None:
            return
        full = timed(entry, start)
        assert full.created is not None and full.modified is not None and full.sent is not None
        self.records[address.lower()] = Record(
            address,
            origin,
            full.created,
            full.modified,
            full.sent,
            full.send_ip,
            entry.status,
            full.verified,
            full.confirm_ip if entry.status == VERIFIED else None,
            full.number,
            full.user_id,
            full.token,
        )

    def send(self, record: Record, action: str, lang: str) -> None:
        """Send the mail of a record; its token is set later, from the mail that the emulator shows."""
        self.refuse_over_sends(record.email)
        now = self.clock.now()
        record.sent = record.modified = now
        record.token = ""
        self.sends[self.today, record.email.lower()] += 1
        self.mails.append(Mail(record, record.email, action, lang, now))

    def in_order(self) -> list[Record]:
        """Return the submitted records, the last one first, then those of the file in its order, then those made by patterns."""
        made = list(self.records.values())
        submitted = [record for record in reversed(made) if record.origin is Origin.SUBMITTED]
        written = [self.records[name] for name in self.start.entries if name in self.records]
        return [
            *submitted,
            *(record for record in written if record.origin is Origin.ENTRY),
            *(record for record in made if record.origin is Origin.PATTERN),
        ]

    def record_with(self, token: str) -> Record | None:
        """Return the record whose newest token this is."""
        return next((record for record in self.records.values() if token and record.token == token), None)

    def knows(self, token: str) -> bool:
        """Return whether a token is in the scenario or in the newest mail of a record."""
        return self.record_with(token) is not None or any(entry.token == token for entry in self.start.entries.values())

    def state(self, record: Record) -> str:
        """Return the state of the newest token of a record."""
        if record.status == VERIFIED:
            return "used"
        return "open" if self.clock.now() < record.sent + LINK_SECONDS else "expired"

    def mail_state(self, mail: Mail) -> str:
        """Return the state of the token of a mail."""
        current = self.records.get(mail.to.lower()) is mail.record and mail.record.token == mail.token
        return self.state(mail.record) if current else "void"

    def refuse_malformed(self, email: str) -> None:
        """Refuse an invalid address."""
        if not well_formed(email):
            raise Refused(ILLEGAL)

    def refuse_by_entry(self, email: str, operation: str) -> None:
        """Refuse what the scenario refuses, and use up the response."""
        entry = self.start.entry(email)
        if entry is None:
            return
        # Whatever the response, a call that names an address of a pattern makes its record.
        self.find(email)
        name = "resend" if operation == "resend" and entry.resend else "send"
        steps = remaining(getattr(entry, name), self.used[email.lower(), name])
        self.used[email.lower(), name] += 1
        if steps and steps[0][0] is not None:
            raise Refused(steps[0][0])

    def refuse_over_sends(self, email: str) -> None:
        """Refuse a mail beyond the limit of an address."""
        if self.start.sends_a_day is not None and self.sent_today(email) >= self.start.sends_a_day:
            raise Refused(QUOTA)

    def refuse_over_new(self, email: str) -> None:
        """Refuse a new address beyond the limit; one that was counted today is not new."""
        limit = self.start.addresses_a_day
        if limit is not None and email.lower() not in self.new_today() and len(self.new_today()) >= limit:
            raise Refused(QUOTA)

    def sent_today(self, address: str) -> int:
        """Return the number of mails to an address today; the scenario's count applies on the first day."""
        entry = self.start.entry(address)
        before = entry.sends_today if entry is not None and self.today == self.first_day else 0
        return before + self.sends[self.today, address.lower()]

    @property
    def today(self) -> int:
        """The number of the day that the clock shows."""
        return day(self.clock.now())

    def new_today(self) -> set[str]:
        """Return the addresses that are new today."""
        return {name for number, name in self.new if number == self.today}

    def forget(self, address: str) -> None:
        """Forget the state of an address."""
        folded = address.lower()
        self.records.pop(folded, None)
        self.new = {one for one in self.new if one[1] != folded}
        self.sends = Counter({one: count for one, count in self.sends.items() if one[1] != folded})
        self.used = Counter({key: count for key, count in self.used.items() if key[0] != folded})

    def forget_responses(self, pattern: str) -> None:
        """Start the scripted responses again for all addresses that match."""
        self.used = Counter({key: count for key, count in self.used.items() if not matches(pattern, key[0])})


class Model:
    """The accounts by access key, which is empty for calls without a key."""

    def __init__(self, start: Start, real: Callable[[], int]) -> None:
        self.scenario = self.start = start
        self.real = real
        self.clock = self.clock_of(start)
        self.accounts: dict[str, Account] = {}

    def account(self, key: str) -> Account:
        """Return the account of a key, which is made at its first use."""
        if key not in self.accounts:
            self.accounts[key] = Account(self.start, self.clock.copy())
            self.accounts[key].loaded = self.scenario
        return self.accounts[key]

    def accounts_for_change(self, key: str | None) -> list[Account]:
        """Return the account of a key, or all."""
        return [self.account(key)] if key is not None else list(self.accounts.values())

    def put(self, address: str, entry: Entry, key: str | None) -> None:
        """Put an entry into one account, or into all and those to come."""
        for account in self.accounts_for_change(key):
            account.put(address, entry)
        if key is None:
            self.start = self.start.with_entry(address, entry)

    def forget_entry(self, address: str, key: str | None) -> bool:
        """Delete an entry from one account, or from all and those to come."""
        known = [account.forget_entry(address) for account in self.accounts_for_change(key)]
        if key is None:
            self.start = self.start.without(address)
        return any(known)

    def change_clock(self, change: Callable[[Clock], None], key: str | None) -> None:
        """Change the clock of one account, or of all and those to come."""
        for account in self.accounts_for_change(key):
            change(account.clock)
        if key is None:
            change(self.clock)

    def reset(self, key: str | None, *, unload: bool) -> None:
        """Start one account or all again from what was loaded last, or from the scenario of the model."""
        if key is None:
            self.start, self.clock = self.scenario, self.clock_of(self.scenario)
        for name in list(self.accounts) if key is None else [key]:
            self.load(self.scenario if unload else self.account(name).loaded, name)

    def load(self, start: Start, key: str) -> None:
        """Start an account from a scenario."""
        self.accounts[key] = Account(deepcopy(start), self.clock_of(start))

    def clock_of(self, start: Start) -> Clock:
        """Return the clock that a scenario starts with."""
        clock = Clock(self.real)
        if start.clock is not None:
            clock.set(*start.clock)
        return clock


def batch(emails: str, handle: Callable[[str], str]) -> dict[str, list[str]]:
    """Handle each address of a batch once, and return the lists of the response, failed addresses with their code."""
    lists: dict[str, list[str]] = {}
    for email in distinct(emails.split(",")):
        try:
            lists.setdefault(handle(email), []).append(email)
        except Refused as refused:
            lists.setdefault("FailList", []).append(f"{email} {refused}")
    return lists


def distinct(emails: Iterable[str]) -> list[str]:
    """Return each address as it is first spelled, without regard to case."""
    first: dict[str, str] = {}
    for email in emails:
        if email:
            first.setdefault(email.lower(), email)
    return list(first.values())


def well_formed(address: str) -> bool:
    """Return whether an address has one @, a dot in the domain, no space, and at most 254 characters."""
    return len(address) <= 254 and re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", address) is not None


def matches(pattern: str, address: str) -> bool:
    """Return whether an address matches a pattern, in which * is any run of characters."""
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), address, re.IGNORECASE) is not None


def remaining(steps: Steps, given: int) -> Steps:
    """Return the responses that are left after so many calls."""
    for number, (code, times) in enumerate(steps):
        if times is None or given < times:
            return ((code, None if times is None else times - given), *steps[number + 1 :])
        given -= times
    return ()


def timed(entry: Entry, start: int) -> Entry:
    """Return an entry with absolute times; missing ones follow from the others, else from the start."""
    sent = entry.sent or entry.created or start - entry.age
    verified = (entry.verified or sent) if entry.status == VERIFIED else None
    return replace(entry, sent=sent, created=entry.created or sent, verified=verified, modified=entry.modified or verified or sent)


def day(time: int) -> int:
    """Return the number of a day in UTC+8."""
    return (time + UTC_8) // DAY
