"""An account: everything that changes. It lies over a frozen scenario and holds only what differs from it.

Callers hold the world's lock.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterator

from alimock.scenario.address_book import AddressBook, Pattern
from alimock.scenario.address_rules import AddressRule, Age, ScriptedResponse, Status, remaining
from alimock.scenario.model import Fault, Scenario, with_fault, without_fault
from alimock.spec.address import fold
from alimock.spec.times import SECONDS_PER_DAY
from alimock.state.clock import Clock
from alimock.state.ids import IdGenerator
from alimock.state.listing import Listing, Selection
from alimock.state.quotas import DailyQuotas
from alimock.state.record import LOOPBACK, SUBMITTED, VERIFIED, WAITING, Record, TokenState


class Account:
    """The records, tokens, quotas, nonces and the clock of one user of the service.

    It starts from `scenario`, which differs from `loaded` by the single entries that were changed since; a reset goes back to
    `loaded`. `addresses` and `faults` are the scenario's until an entry is changed for this account.
    """

    def __init__(self, name: str, scenario: Scenario, loaded: Scenario, clock: Clock, ids: IdGenerator) -> None:
        self.name = name
        self.scenario = scenario
        self.loaded = loaded
        self.clock = clock
        self.ids = ids
        self.addresses = scenario.book(name)
        self.faults = scenario.faults_by_id
        self.user_id = scenario.user_ids.get(name) or ids.user_id()
        self.first_sight = clock.now()
        self.last_used = 0.0
        # How many calls matched each fault, and how many it hit, by its id, beside those that the scenario says.
        self.fault_calls: Counter[str] = Counter()
        self.fault_hits: Counter[str] = Counter()
        self.nonces: OrderedDict[str, float] = OrderedDict()
        self._records: dict[str, Record] = {}
        self._listing: Listing | None = None
        self._deleted: set[str] = set()
        # The record that each token was sent for, by serial.
        self._sent: list[Record] = []
        self._quotas = DailyQuotas(clock)
        # How many answers were given of each sequence, by address and name.
        self._answered: Counter[tuple[str, str]] = Counter()

    def find(self, address: str) -> Record | None:
        """Gives the record of an address, or None; a pattern's record is made when it is first asked for."""
        record = self.peek(address)
        if record is not None and fold(address) not in self.addresses.exact:
            self._keep(record)
        return record

    def peek(self, address: str) -> Record | None:
        """Gives the record of an address as `find` does, and changes nothing."""
        folded = fold(address)
        record = self._records.get(folded)
        if record is None and folded not in self._deleted:
            rule = self.addresses.rule(address)
            if rule is not None and rule.status is not Status.NONE:
                record = self.record_of(rule, address)
        return record

    def holds(self, address: str) -> bool:
        """Says whether the account has a record that was made or changed since its start."""
        return fold(address) in self._records

    def is_deleted(self, address: str) -> bool:
        """Says whether an address had a record that was deleted and not made again."""
        return fold(address) in self._deleted and fold(address) not in self._records

    @property
    def listing(self) -> Listing:
        """The records in the order in which they are listed; it is made when it is first asked for."""
        if self._listing is None:
            self._listing = Listing(self.addresses.order, lambda age: self.first_sight - self._seconds_before_sight(age))
            for folded in self._deleted:
                self._listing.take_out(folded)
            for record in self._records.values():
                self._list(record)
        return self._listing

    def listed(self, selection: Selection, start: int, size: int) -> list[Record]:
        """Gives so many records of a selection from a number on."""
        return [record for folded in selection.page(start, size) if (record := self.peek(folded)) is not None]

    def first_record(self) -> Record | None:
        """Gives the record that was submitted last, else the one that comes first in the scenario."""
        return next(self.in_order(), None)

    def create(self, address: str, ip: str) -> Record:
        """Makes the record of an address that has none; it counts as one of the day's new addresses."""
        now = self.clock.now()
        if not self.is_new_today(address):
            self._quotas.new.add(fold(address))
        record = Record(
            address,
            self.ids.email_verification_no(address),
            self.user_id,
            now,
            now,
            now,
            ip,
            SUBMITTED,
        )
        self._keep(record)
        return record

    def send(self, record: Record) -> int:
        """Gives a record a new token, which makes the one before void, and counts the send; returns the token's serial."""
        now = self.clock.now()
        self._records[fold(record.email)] = record
        self._quotas.sends[fold(record.email)] = self.sends_today(record.email) + 1
        record.token_send_time = record.gmt_modified = now
        record.token = None
        # A token that the scenario writes down may have been made by this source in an earlier run.
        while self.ids.token(len(self._sent)) in self.addresses.tokens:
            self._sent.append(record)
        record.token_serial = len(self._sent)
        self._sent.append(record)
        return record.token_serial

    def verify(self, record: Record, ip: str) -> None:
        """Makes a record verified, by whoever followed the link from this IP."""
        record.verification_status = VERIFIED
        record.verification_time = record.gmt_modified = self.clock.now()
        record.confirm_ip = ip
        self._keep(record)

    def delete(self, address: str) -> None:
        """Deletes the record of an address; the scenario's does not come back."""
        folded = fold(address)
        self._records.pop(folded, None)
        self._deleted.add(folded)
        if self._listing is not None:
            self._listing.take_out(folded)

    def record_of_token(self, token: str) -> tuple[Record, TokenState] | None:
        """Gives the record that a token was sent for, and what the token is good for; None for a token never sent here."""
        address = self.addresses.tokens.get(token)
        if address is not None:
            record = self.find(address)
            return (record, self._state(record, current=record.token == token)) if record is not None else None
        serial = self.ids.serial_of(token)
        if serial is None or serial >= len(self._sent):
            return None
        return self._sent[serial], self.token_state(serial)

    def token_state(self, serial: int) -> TokenState:
        """Says what the token of a serial is good for."""
        record = self._sent[serial]
        kept = self._records.get(fold(record.email)) is record
        return self._state(record, current=kept and record.token_serial == serial)

    def sends_today(self, address: str) -> int:
        """Counts the mails sent to an address on this UTC+8 day, with those that the scenario says were sent before."""
        counted = self._quotas.sends.get(fold(address))
        if counted is not None or not self._quotas.is_first:
            return counted or 0
        rule = self.addresses.rule(address)
        return rule.sends_today if rule is not None else 0

    def is_new_today(self, address: str) -> bool:
        """Says whether an address was already counted among the day's new ones."""
        folded = fold(address)
        return folded in self._quotas.new or (self._quotas.is_first and folded in self.addresses.new_today)

    def new_addresses_today(self) -> int:
        """Counts the addresses that were new on this UTC+8 day."""
        return len(self._quotas.new) + (len(self.addresses.new_today) if self._quotas.is_first else 0)

    def answer(self, address: str, action: str) -> ScriptedResponse | None:
        """Gives what the scenario has an operation answer for an address, None for what it does by itself; counts the call."""
        rule = self.addresses.rule(address)
        if rule is None or not rule.answers:
            return None
        # An operation that names an address of a pattern makes its record, whatever it answers.
        self.find(address)
        name, steps = rule.sequence(action)
        if len(steps) > 1:
            given = self._answered[fold(address), name]
            self._answered[fold(address), name] = given + 1
            steps = remaining(steps, given)
        return steps[0] if steps and steps[0].code is not None else None

    def remaining_answers(self, address: str) -> dict[str, tuple[ScriptedResponse, ...]]:
        """Gives, by operation, the answers that the scenario still has for an address."""
        rule = self.addresses.rule(address)
        answers = rule.answers if rule is not None else {}
        return {name: remaining(steps, self._answered[fold(address), name]) for name, steps in answers.items()}

    def known_addresses(self) -> set[str]:
        """Gives every address that the scenario names or that something happened to, folded."""
        answered = {address for address, _ in self._answered}
        return {*self.addresses.exact, *self._records, *self._deleted, *self._quotas.sends, *self._quotas.new, *answered}

    def open_token(self, record: Record) -> str | None:
        """Gives the token of a waiting record that was sent last, be it expired or not."""
        if record.verification_status == VERIFIED:
            return None
        return record.token if record.token_serial is None else self.ids.token(record.token_serial)

    def is_first_day(self) -> bool:
        """Says whether it is still the UTC+8 day on which the account was first seen."""
        return self._quotas.is_first

    def remains(self) -> list[object]:
        """Gives the objects that there may be a great many of."""
        listed = self._listing.remains() if self._listing is not None else ()
        return [*self._records, *self._records.values(), *self._sent, *self._quotas.sends, *self._quotas.new, *listed]

    def put_address(self, rule: AddressRule, addresses: AddressBook) -> None:
        """Takes an entry in, with the book that has it: an address starts anew as the entry says."""
        folded, is_new = fold(rule.address), fold(rule.address) not in self.addresses.exact
        self.addresses = addresses
        if rule.is_pattern:
            self._forget_turns(Pattern.of(rule.address))
            return
        self._forget(folded)
        self._deleted.discard(folded)
        self._quotas.sends[folded] = rule.sends_today
        if rule.new_today and not self.is_new_today(folded):
            self._quotas.new.add(folded)
        if rule.status is not Status.NONE:
            record = self._records[folded] = self.record_of(rule, rule.address, self.clock.now())
            if self._listing is not None and not self._listing.put_entry(
                folded, record.verification_status, record.gmt_create, is_new=is_new
            ):
                # Its place in the file has to be looked up.
                self._listing = None

    def delete_address(self, address: str, addresses: AddressBook) -> bool:
        """Takes the book without an entry, and forgets an address's record and what was counted; says whether there was any of it.

        A pattern that matches the address counts for it again; the record of such a pattern stays deleted.
        """
        entry = self.addresses.entry(address)
        # A pattern that is not there is not asked for as an address either.
        record = self.peek(address) if entry is not None or "*" not in address else self._records.get(fold(address))
        self.addresses = addresses
        if entry is not None and entry.is_pattern:
            self._forget_turns(Pattern.of(address))
        self._forget(fold(address))
        if entry is not None:
            self._deleted.discard(fold(address))
        elif record is not None:
            self._deleted.add(fold(address))
        return entry is not None or record is not None

    def put_fault(self, fault: Fault) -> None:
        """Takes a fault in, in place of the one with its id, else before all others; its counters start anew."""
        self.faults = with_fault(self.faults, fault)
        self._forget_fault(fault.id)

    def delete_fault(self, fault_id: str) -> bool:
        """Forgets a fault and says whether it was there."""
        known = fault_id in self.faults
        self.faults = without_fault(self.faults, fault_id)
        self._forget_fault(fault_id)
        return known

    def _keep(self, record: Record) -> None:
        """Holds a record as the account's own, as it is now."""
        self._records[fold(record.email)] = record
        self._list(record)

    def _list(self, record: Record) -> None:
        if self._listing is not None:
            submitted = record.decided_by == SUBMITTED
            self._listing.put(fold(record.email), record.verification_status, record.gmt_create, submitted=submitted)

    def _forget(self, folded: str) -> None:
        """Forgets all that happened to an address, and its record."""
        self._records.pop(folded, None)
        if self._listing is not None:
            self._listing.take_out(folded)
        self._quotas.forget(folded)
        self._forget_turns(Pattern((folded,)))

    def _forget_turns(self, pattern: Pattern) -> None:
        """Has the answers in turn of all addresses that match begin anew."""
        for key in [key for key in self._answered if pattern.matches(key[0])]:
            del self._answered[key]

    def _forget_fault(self, fault_id: str) -> None:
        del self.fault_calls[fault_id], self.fault_hits[fault_id]

    def _state(self, record: Record, *, current: bool) -> TokenState:
        if not current:
            return TokenState.VOID
        if record.verification_status == VERIFIED:
            return TokenState.USED
        days = self.scenario.limits.link_valid_days
        age = self.clock.now() - record.token_send_time
        return TokenState.EXPIRED if days is not None and age >= days * SECONDS_PER_DAY else TokenState.OPEN

    def in_order(self) -> Iterator[Record]:
        """Goes through the records in the one order that an exported scenario keeps.

        First come those submitted, the last one first, then those of the scenario in file order, then those made by patterns.
        """
        yield from (record for record in reversed(self._records.values()) if record.decided_by == SUBMITTED)
        for folded, rule in self.addresses.exact.items():
            # An address that was deleted and submitted again came before.
            if rule.status is not Status.NONE and folded not in self._deleted:
                yield self._records.get(folded) or self.record_of(rule, rule.address)
        for folded, record in self._records.items():
            if record.decided_by != SUBMITTED and folded not in self.addresses.exact:
                yield record

    def record_of(self, rule: AddressRule, address: str, sight: int | None = None) -> Record:
        """Makes the record that the scenario gives an address; what it leaves out follows from what it says."""
        if not rule.is_pattern:
            address = rule.address
        verified = rule.status is Status.VERIFIED
        created = self._created(rule, self.first_sight if sight is None else sight)
        sent = rule.token_send_time or created
        verification_time = (rule.verification_time or sent) if verified else None
        return Record(
            address,
            rule.email_verification_no or self.ids.email_verification_no(address),
            rule.user_id or self.user_id,
            gmt_create=created,
            gmt_modified=rule.gmt_modified or verification_time or sent,
            token_send_time=sent,
            send_ip=rule.send_ip or LOOPBACK,
            decided_by=rule.location,
            verification_status=VERIFIED if verified else WAITING,
            verification_time=verification_time,
            confirm_ip=(rule.confirm_ip or LOOPBACK) if verified else None,
            token=rule.token,
        )

    def _created(self, rule: AddressRule, sight: int) -> int:
        """Gives the time at which a record was created: the one written down, else first sight, or a day too early for its link."""
        return rule.created if rule.created is not None else sight - self._seconds_before_sight(rule.age)

    def _seconds_before_sight(self, age: Age) -> int:
        days = self.scenario.limits.link_valid_days
        return ((3 if days is None else days) + 1) * SECONDS_PER_DAY if age is Age.EXPIRED else 0
