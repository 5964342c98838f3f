"""A second, simple reading of the rules of the state machine, for the emulator to be held against; it uses nothing of alimock.

Written from the documents: what the service publishes, what alimock assumes (docs/fidelity.md), and what scenarios say
(fixtures/README.md). Slow and plain on purpose: no indices, no overlays, every record of the scenario made at first sight.
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

# The answers of an address in turn: a code, or None for what the operation does by itself, and how many calls get it (None: all).
Steps = tuple[tuple[str | None, int | None], ...]


class Origin(Enum):
    """Where a record comes from, which decides its place among those of the same second."""

    SUBMITTED = "submitted"
    ENTRY = "an address of the scenario"
    PATTERN = "a pattern of the scenario"


class Refused(Exception):
    """The refusal of a call, or of one address of a batch, with its code."""


@dataclass(frozen=True)
class Entry:
    """What a scenario says of an address or a pattern: `written` is how it says it, all else is what that means.

    `address` is the address as it is spelled there; `age` is how long before the first sight the mail of a record without times was sent.
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
    """A record; a number or UserId that is None is one that the emulator chooses."""

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
    """A scenario: how an account starts. A `clock` is the time and whether it stands there; None is the real time."""

    entries: Mapping[str, Entry]
    patterns: Mapping[str, Entry]
    sends_a_day: int | None
    addresses_a_day: int | None
    clock: tuple[int, bool] | None = None

    def with_entry(self, address: str, entry: Entry) -> Start:
        """Gives the scenario with an entry more, in the place of its like; a new pattern is tried before the others."""
        if "*" in address:
            patterns = self.patterns if address in self.patterns else {address: entry, **self.patterns}
            return replace(self, patterns={**patterns, address: entry})
        return replace(self, entries={**self.entries, address.lower(): replace(entry, address=address)})

    def without(self, address: str) -> Start:
        """Gives the scenario without an entry."""
        entries = {name: entry for name, entry in self.entries.items() if name != address.lower()}
        patterns = {name: entry for name, entry in self.patterns.items() if name != address}
        return replace(self, entries=entries, patterns=patterns)

    def entry(self, address: str) -> Entry | None:
        """Gives what the scenario says of an address: its own entry, else the first pattern that matches a well-formed address."""
        own = self.entries.get(address.lower())
        if own is not None or not well_formed(address):
            return own
        return next((entry for name, entry in self.patterns.items() if matches(name, address)), None)


@dataclass
class Clock:
    """An account's time: the real one with an offset, or a moment at which it stands."""

    real: Callable[[], int]
    offset: int = 0
    standing: int | None = None

    def now(self) -> int:
        """Gives the account's time."""
        return self.real() + self.offset if self.standing is None else self.standing

    def set(self, now: int, standing: bool) -> None:
        """Sets it."""
        self.offset, self.standing = now - self.real(), now if standing else None

    def copy(self) -> Clock:
        """Gives a second clock that shows the same."""
        return replace(self)


@dataclass
class Account:
    """What one user of the service sees, from the moment on at which the account is first seen."""

    start: Start
    clock: Clock
    loaded: Start = field(init=False)
    records: dict[str, Record] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    mails: list[Mail] = field(default_factory=list)
    turns: Counter[tuple[str, str]] = field(default_factory=Counter)
    # By day and address.
    sends: Counter[tuple[int, str]] = field(default_factory=Counter)
    new: set[tuple[int, str]] = field(default_factory=set)
    calls: int = 0

    def __post_init__(self) -> None:
        self.loaded = self.start
        self.first_sight = self.clock.now()
        self.first_day = day(self.first_sight)
        self.new = {(self.first_day, name) for name, entry in self.start.entries.items() if entry.new_today}
        for address, entry in self.start.entries.items():
            self.make(entry.address or address, entry, Origin.ENTRY, self.first_sight)

    # What the operations do.

    def submit(self, emails: str, *, send_if_exist: bool, ip: str, lang: str) -> dict[str, list[str]]:
        """Submits a batch."""

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
        """Sends a batch again."""

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
        """Deletes a batch."""

        def one(email: str) -> str:
            if self.find(email) is None:
                raise Refused(ILLEGAL)
            del self.records[email.lower()]
            self.deleted.add(email.lower())
            return "SuccessList"

        return batch(emails, one)

    def verify(self, token: str, ip: str) -> None:
        """Verifies the address whose newest mail has this token."""
        record = self.record_with(token)
        if record is None or self.state(record) != "open":
            raise Refused("ParameterIllegal")
        record.status, record.confirm_ip = VERIFIED, ip
        record.verified = record.modified = self.clock.now()

    def query(self, email: str | None) -> Record:
        """Gives the record of an address, without one the first record."""
        record = next(iter(self.in_order()), None) if email is None else self.find(email)
        if record is None:
            raise Refused("ParameterIllegal")
        return record

    def email_verified(self, email: str) -> None:
        """Refuses an address that is not verified."""
        record = self.find(email)
        if record is None or record.status != VERIFIED:
            raise Refused("RegContactEmailNotVerified")

    def listed(self, email: str | None, status: int | None, begin: int | None, end: int | None) -> list[Record]:
        """Gives the records that match, newest first; the bounds are milliseconds."""
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

    # What is done from outside.

    def put(self, address: str, entry: Entry) -> None:
        """Takes an entry in; an address starts anew as it says, at this moment."""
        self.start = self.start.with_entry(address, entry)
        if "*" in address:
            self.forget_turns(address)
            return
        self.forget(address)
        self.deleted.discard(address.lower())
        self.make(address, entry, Origin.ENTRY, self.clock.now())

    def forget_entry(self, address: str) -> bool:
        """Forgets an entry and the record of an address; says whether there was any of it."""
        pattern, folded = address in self.start.patterns, address.lower()
        if pattern:
            self.forget_turns(address)
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
        """Gives the scenario that starts as this account is now."""
        in_order = [record.email.lower() for record in self.in_order()]
        submitted = [name for name in in_order if self.records[name].origin is Origin.SUBMITTED]
        sent = {name for number, name in self.sends if number == self.today}
        others = sorted({*self.deleted, *sent, *self.new_today(), *(address for address, _ in self.turns)})
        entries = {}
        for name in (*submitted, *self.start.entries, *in_order, *others):
            record = self.records.get(name)
            if record is not None or self.start.entry(name) is not None or self.sent_today(name) or name in self.new_today():
                entries[name] = self.saved_entry(name, record)
        patterns = {
            name: replace(timed(entry, self.first_sight), sends_today=entry.sends_today if self.today == self.first_day else 0)
            for name, entry in self.start.patterns.items()
        }
        moved = self.clock.standing is not None or self.clock.offset != 0
        clock = (self.clock.now(), self.clock.standing is not None) if moved else None
        return replace(self.start, entries=entries, patterns=patterns, clock=clock)

    def saved_entry(self, address: str, record: Record | None) -> Entry:
        """Gives the entry that says what is known of an address now."""
        entry, folded = self.start.entry(address) or Entry(), address.lower()
        kept = Entry(
            send=remaining(entry.send, self.turns[folded, "send"]),
            resend=remaining(entry.resend, self.turns[folded, "resend"]),
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

    # What both are made of.

    def find(self, address: str) -> Record | None:
        """Gives the record of an address; a pattern's is made when the address is first named."""
        folded = address.lower()
        if folded not in self.records and folded not in self.deleted and folded not in self.start.entries:
            entry = self.start.entry(address)
            if entry is not None:
                self.make(address, entry, Origin.PATTERN, self.first_sight)
        return self.records.get(folded)

    def make(self, address: str, entry: Entry, origin: Origin, sight: int) -> None:
        """Makes the record that an entry gives an address, if it gives one."""
        if entry.status is None:
            return
        told = timed(entry, sight)
        assert told.created is not None and told.modified is not None and told.sent is not None
        self.records[address.lower()] = Record(
            address,
            origin,
            told.created,
            told.modified,
            told.sent,
            told.send_ip,
            entry.status,
            told.verified,
            told.confirm_ip if entry.status == VERIFIED else None,
            told.number,
            told.user_id,
            told.token,
        )

    def send(self, record: Record, action: str, lang: str) -> None:
        """Sends the mail of a record; its token is told later, by whoever reads the mail."""
        self.refuse_over_sends(record.email)
        now = self.clock.now()
        record.sent = record.modified = now
        record.token = ""
        self.sends[self.today, record.email.lower()] += 1
        self.mails.append(Mail(record, record.email, action, lang, now))

    def in_order(self) -> list[Record]:
        """Gives the records: those submitted, the last one first, those of the file in its order, those made by patterns."""
        made = list(self.records.values())
        submitted = [record for record in reversed(made) if record.origin is Origin.SUBMITTED]
        written = [self.records[name] for name in self.start.entries if name in self.records]
        return [
            *submitted,
            *(record for record in written if record.origin is Origin.ENTRY),
            *(record for record in made if record.origin is Origin.PATTERN),
        ]

    def record_with(self, token: str) -> Record | None:
        """Gives the record whose newest token this is."""
        return next((record for record in self.records.values() if token and record.token == token), None)

    def knows(self, token: str) -> bool:
        """Says whether a token is written down here, or that of the newest mail of a record."""
        return self.record_with(token) is not None or any(entry.token == token for entry in self.start.entries.values())

    def state(self, record: Record) -> str:
        """Says what the newest token of a record is good for."""
        if record.status == VERIFIED:
            return "used"
        return "open" if self.clock.now() < record.sent + LINK_SECONDS else "expired"

    def mail_state(self, mail: Mail) -> str:
        """Says what the token of a mail is good for."""
        current = self.records.get(mail.to.lower()) is mail.record and mail.record.token == mail.token
        return self.state(mail.record) if current else "void"

    def refuse_malformed(self, email: str) -> None:
        """Refuses what is no address."""
        if not well_formed(email):
            raise Refused(ILLEGAL)

    def refuse_by_entry(self, email: str, operation: str) -> None:
        """Refuses what the scenario refuses, and counts the turn."""
        entry = self.start.entry(email)
        if entry is None:
            return
        # Whatever is answered: a pattern makes its record when an operation names the address.
        self.find(email)
        name = "resend" if operation == "resend" and entry.resend else "send"
        steps = remaining(getattr(entry, name), self.turns[email.lower(), name])
        self.turns[email.lower(), name] += 1
        if steps and steps[0][0] is not None:
            raise Refused(steps[0][0])

    def refuse_over_sends(self, email: str) -> None:
        """Refuses one mail too many to an address."""
        if self.start.sends_a_day is not None and self.sent_today(email) >= self.start.sends_a_day:
            raise Refused(QUOTA)

    def refuse_over_new(self, email: str) -> None:
        """Refuses one new address too many; one that was new today already is none."""
        limit = self.start.addresses_a_day
        if limit is not None and email.lower() not in self.new_today() and len(self.new_today()) >= limit:
            raise Refused(QUOTA)

    def sent_today(self, address: str) -> int:
        """Counts the mails to an address on this day; what the scenario says counts on the first one."""
        entry = self.start.entry(address)
        before = entry.sends_today if entry is not None and self.today == self.first_day else 0
        return before + self.sends[self.today, address.lower()]

    @property
    def today(self) -> int:
        """The number of the day that the clock shows."""
        return day(self.clock.now())

    def new_today(self) -> set[str]:
        """Gives the addresses that are new on this day."""
        return {name for number, name in self.new if number == self.today}

    def forget(self, address: str) -> None:
        """Forgets all that happened to an address."""
        folded = address.lower()
        self.records.pop(folded, None)
        self.new = {one for one in self.new if one[1] != folded}
        self.sends = Counter({one: count for one, count in self.sends.items() if one[1] != folded})
        self.turns = Counter({key: count for key, count in self.turns.items() if key[0] != folded})

    def forget_turns(self, pattern: str) -> None:
        """Has the answers in turn of what matches begin anew."""
        self.turns = Counter({key: count for key, count in self.turns.items() if not matches(pattern, key[0])})


class World:
    """The accounts by the access key that they are called with, an empty one for calls without."""

    def __init__(self, start: Start, real: Callable[[], int]) -> None:
        self.scenario = self.start = start
        self.real = real
        self.clock = self.clock_of(start)
        self.accounts: dict[str, Account] = {}

    def account(self, key: str) -> Account:
        """Gives the account of a key, which is made at its first sight."""
        if key not in self.accounts:
            self.accounts[key] = Account(self.start, self.clock.copy())
            self.accounts[key].loaded = self.scenario
        return self.accounts[key]

    def accounts_for_change(self, key: str | None) -> list[Account]:
        """Gives the accounts that a change is for: that of a key, or all."""
        return [self.account(key)] if key is not None else list(self.accounts.values())

    def put(self, address: str, entry: Entry, key: str | None) -> None:
        """Takes an entry into one account, or into all and those to come."""
        for account in self.accounts_for_change(key):
            account.put(address, entry)
        if key is None:
            self.start = self.start.with_entry(address, entry)

    def forget_entry(self, address: str, key: str | None) -> bool:
        """Forgets an entry in one account, or in all and those to come."""
        known = [account.forget_entry(address) for account in self.accounts_for_change(key)]
        if key is None:
            self.start = self.start.without(address)
        return any(known)

    def change_clock(self, change: Callable[[Clock], None], key: str | None) -> None:
        """Changes the clock of one account, or of all and those to come."""
        for account in self.accounts_for_change(key):
            change(account.clock)
        if key is None:
            change(self.clock)

    def reset(self, key: str | None, *, unload: bool) -> None:
        """Starts one account or all from what was loaded last, or from the world's scenario."""
        if key is None:
            self.start, self.clock = self.scenario, self.clock_of(self.scenario)
        for name in list(self.accounts) if key is None else [key]:
            self.load(self.scenario if unload else self.account(name).loaded, name)

    def load(self, start: Start, key: str) -> None:
        """Starts an account from a scenario."""
        self.accounts[key] = Account(deepcopy(start), self.clock_of(start))

    def clock_of(self, start: Start) -> Clock:
        """Gives the clock that a scenario starts with."""
        clock = Clock(self.real)
        if start.clock is not None:
            clock.set(*start.clock)
        return clock


def batch(emails: str, handle: Callable[[str], str]) -> dict[str, list[str]]:
    """Handles the addresses of a batch, each once; gives the lists of the answer, those that failed with their code."""
    lists: dict[str, list[str]] = {}
    for email in distinct(emails.split(",")):
        try:
            lists.setdefault(handle(email), []).append(email)
        except Refused as refused:
            lists.setdefault("FailList", []).append(f"{email} {refused}")
    return lists


def distinct(emails: Iterable[str]) -> list[str]:
    """Gives the addresses as they come first; letter case does not count."""
    first: dict[str, str] = {}
    for email in emails:
        if email:
            first.setdefault(email.lower(), email)
    return list(first.values())


def well_formed(address: str) -> bool:
    """Says whether an address has one @, a dot in the domain, no space, and 254 characters at most."""
    return len(address) <= 254 and re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", address) is not None


def matches(pattern: str, address: str) -> bool:
    """Says whether an address matches a pattern, in which * is any run of characters."""
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), address, re.IGNORECASE) is not None


def remaining(steps: Steps, given: int) -> Steps:
    """Gives the answers that are left after so many calls."""
    for number, (code, times) in enumerate(steps):
        if times is None or given < times:
            return ((code, None if times is None else times - given), *steps[number + 1 :])
        given -= times
    return ()


def timed(entry: Entry, sight: int) -> Entry:
    """Gives an entry whose times are absolute; those that it leaves out follow from the others, else from the first sight."""
    sent = entry.sent or entry.created or sight - entry.age
    verified = (entry.verified or sent) if entry.status == VERIFIED else None
    return replace(entry, sent=sent, created=entry.created or sent, verified=verified, modified=entry.modified or verified or sent)


def day(time: int) -> int:
    """Numbers the days of UTC+8."""
    return (time + UTC_8) // DAY
