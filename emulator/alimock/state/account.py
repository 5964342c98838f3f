"""An account: everything that changes, as an overlay on a frozen scenario. Callers hold the store's lock."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator

from alimock.scenario.address_rules import AddressBook, AddressRule, Pattern, ScriptedResponse, Status, remaining
from alimock.scenario.model import Fault, Scenario, with_enabled_fault, with_fault, without_fault
from alimock.spec.address import fold
from alimock.state.clock import Clock
from alimock.state.ids import IdGenerator
from alimock.state.listing import Listing, sort_key
from alimock.state.quotas import DailyQuotas
from alimock.state.record import SUBMITTED, VERIFIED, WAITING, InitialRecords, Record, TokenState, link_expires


class Account:
    """The records, tokens, quotas, nonces, faults and the clock of one user of the service.

    `loaded` is the scenario that a reset goes back to; `scenario` is that one with the single entries that were changed for all
    accounts before this one was made. `addresses` and `faults` are the scenario's until an entry is changed.
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
        self.initial = InitialRecords(ids, self.user_id, clock.now(), scenario.limits.link_valid_days)
        self.last_used = 0.0
        # By the id of the fault: the calls that matched it and those it was applied to, without those that the scenario counts.
        self.fault_calls: Counter[str] = Counter()
        self.fault_hits: Counter[str] = Counter()
        self.nonces: OrderedDict[str, float] = OrderedDict()
        # The records that were made or changed since the start, in the order in which they were, and how many calls made.
        self.own_records: dict[str, Record] = {}
        self.record_count = 0
        self.deleted: set[str] = set()
        self._listing: Listing | None = None
        # The record that each token was sent for, by serial.
        self.sent_records: list[Record] = []
        self.quotas = DailyQuotas(clock)
        # The number of scripted responses that calls used, by folded address and by the name of the sequence in the rule.
        self.used_responses: Counter[tuple[str, str]] = Counter()

    def get(self, address: str) -> Record | None:
        """Return the record of an address, or None, without any change: a record that only a rule gives is made for the caller."""
        folded = fold(address)
        record = self.own_records.get(folded)
        if record is None and folded not in self.deleted:
            rule = self.addresses.rule(address)
            if rule is not None and rule.status is not Status.NONE:
                record = self.initial.make(rule, address)
        return record

    def find(self, address: str) -> Record | None:
        """Return the record of an address that a call names, or None; the record of a pattern is kept from then on."""
        record, folded = self.get(address), fold(address)
        if record is not None and folded not in self.addresses.exact and folded not in self.own_records:
            record.number = self._next_number()
            self._add(record)
        return record

    def has_own_record(self, address: str) -> bool:
        """Return whether a record of the address was made or changed since the start."""
        return fold(address) in self.own_records

    def is_deleted(self, address: str) -> bool:
        """Return whether the record of the address was deleted and not made again."""
        return fold(address) in self.deleted and fold(address) not in self.own_records

    def page(
        self, start: int, size: int, status: int | None = None, oldest: int | None = None, newest: int | None = None
    ) -> tuple[int, list[Record]]:
        """Return how many records match the filters, and `size` of them in the order of List; see `Listing.page`."""
        total, addresses = self._listed().page(start, size, status, oldest, newest)
        return total, [record for record in map(self.get, addresses) if record is not None]

    def search(self, matches: Callable[[str], bool], status: int | None = None) -> Iterator[Record]:
        """Iterate over the records whose folded address matches, in the order of List."""
        listing = self._listed()
        total, _ = listing.page(0, 0, status)
        yield from filter(None, map(self.get, filter(matches, listing.page(0, total, status)[1])))

    def records(self) -> Iterator[Record]:
        """Iterate over the records in the order that an exported scenario keeps.

        Submitted records come first, the last one first, then those of the scenario in file order, then those made by patterns.
        """
        yield from (record for record in reversed(self.own_records.values()) if record.decided_by == SUBMITTED)
        for folded, rule in self.addresses.exact.items():
            # An address that was deleted and submitted again came before.
            if rule.status is not Status.NONE and folded not in self.deleted:
                yield self.own_records.get(folded) or self.initial.make(rule, rule.address)
        for folded, record in self.own_records.items():
            if record.decided_by != SUBMITTED and folded not in self.addresses.exact:
                yield record

    def create(self, address: str, ip: str) -> Record:
        """Make the record of an address that has none, and count the address as new today."""
        now, folded = self.clock.now(), fold(address)
        if not self.is_new_today(address):
            self.quotas.today_for_change().new.add(folded)
        number = self.ids.email_verification_no(address)
        record = Record(address, number, self.user_id, now, now, now, ip, SUBMITTED, number=self._next_number())
        self._add(record)
        return record

    def send(self, record: Record) -> int:
        """Give a record a new token, which makes the previous one void, count the mail, and return the serial of the token."""
        now, folded = self.clock.now(), fold(record.email)
        self.own_records[folded] = record
        self.quotas.today_for_change().sends[folded] = self.sends_today(record.email) + 1
        record.token_send_time = record.gmt_modified = now
        record.token = None
        # With a seed, a token in the scenario may be one that this account sent in an earlier run.
        declared = self.addresses.tokens
        while declared and self.ids.token(len(self.sent_records)) in declared:
            self.sent_records.append(record)
        record.token_serial = len(self.sent_records)
        self.sent_records.append(record)
        return record.token_serial

    def verify(self, record: Record, ip: str) -> None:
        """Verify a record, as the link in its mail does when it is followed from this IP."""
        self._unlist(fold(record.email))
        record.verification_status = VERIFIED
        record.verification_time = record.gmt_modified = self.clock.now()
        record.confirm_ip = ip
        self._add(record)

    def delete(self, address: str) -> None:
        """Delete the record of an address; one of the scenario does not come back."""
        self._remove(fold(address))
        self.deleted.add(fold(address))

    def record_of_token(self, token: str) -> tuple[Record, TokenState] | None:
        """Return the record that a token was sent for, with the state of the token, or None for an unknown token."""
        address = self.addresses.tokens.get(token)
        if address is not None:
            record = self.find(address)
            return (record, self._token_state(record, current=record.token == token)) if record is not None else None
        serial = self.ids.serial_of(token)
        if serial is None or serial >= len(self.sent_records):
            return None
        record = self.sent_records[serial]
        now = self.own_records.get(fold(record.email))
        return record, self._token_state(record, current=now is not None and now.token_serial == serial)

    def link_expires(self, record: Record) -> int | None:
        """Return when the open link of a record expires; None without an open link, or if it never expires."""
        has_link = record.token is not None or record.token_serial is not None
        is_open = has_link and self._token_state(record, current=True) is TokenState.OPEN
        return link_expires(record.token_send_time, self.scenario.limits.link_valid_days) if is_open else None

    def expire(self, record: Record) -> bool:
        """Make the open link of a record expire as if its mail had been sent earlier, and return whether it had one."""
        expires = self.link_expires(record)
        if expires is None:
            return False
        record.token_send_time -= expires - self.clock.now()
        return True

    def sends_today(self, address: str) -> int:
        """Return how many mails were sent to an address on this UTC+8 day, with those that the scenario counts."""
        sends = self.quotas.today.sends.get(fold(address))
        if sends is not None or not self.quotas.is_first_day:
            return sends or 0
        rule = self.addresses.rule(address)
        return rule.sends_today if rule is not None else 0

    def is_new_today(self, address: str) -> bool:
        """Return whether an address is among the new ones of this UTC+8 day."""
        folded = fold(address)
        return folded in self.quotas.today.new or (self.quotas.is_first_day and folded in self.addresses.new_today)

    def new_addresses_today(self) -> int:
        """Return how many addresses were new on this UTC+8 day."""
        return len(self.quotas.today.new) + (len(self.addresses.new_today) if self.quotas.is_first_day else 0)

    def answer(self, address: str, action: str) -> ScriptedResponse | None:
        """Use up and return the scenario's response to an operation for an address, None if the operation decides by itself."""
        rule = self.addresses.rule(address)
        if rule is None or not rule.answers:
            return None
        # Whatever the response, a call that names an address of a pattern makes its record.
        self.find(address)
        name, steps = rule.sequence(action)
        if len(steps) > 1:
            key = fold(address), name
            steps = remaining(steps, self.used_responses[key])
            self.used_responses[key] += 1
        return steps[0] if steps and steps[0].code is not None else None

    def remaining_answers(self, address: str) -> dict[str, tuple[ScriptedResponse, ...]]:
        """Return the scripted responses that are left for an address, by operation."""
        rule, folded = self.addresses.rule(address), fold(address)
        answers = rule.answers if rule is not None else {}
        return {name: remaining(steps, self.used_responses[folded, name]) for name, steps in answers.items()}

    def known_addresses(self) -> set[str]:
        """Return every address that the scenario names or that was used, folded."""
        used = (*self.quotas.today.sends, *self.quotas.today.new, *(address for address, _ in self.used_responses))
        return {*self.addresses.exact, *self.own_records, *self.deleted, *used}

    def put_address(self, rule: AddressRule, addresses: AddressBook) -> None:
        """Replace the addresses by those with a new entry, and start its address again from the entry."""
        folded = fold(rule.address)
        if rule.is_pattern:
            if folded in self.addresses.exact:
                self._forget(folded)
            self.addresses = addresses
            self._restart_responses(Pattern.of(rule.address))
            return
        self._forget(folded)
        self.addresses = addresses
        self.deleted.discard(folded)
        self.quotas.today_for_change().sends[folded] = rule.sends_today
        if rule.new_today and not self.is_new_today(folded):
            self.quotas.today_for_change().new.add(folded)
        if rule.status is not Status.NONE:
            self._add(self.initial.make(rule, rule.address, self.clock.now()))

    def delete_address(self, address: str, addresses: AddressBook) -> bool:
        """Replace the addresses by those without an entry, forget its address, and return whether there was an entry or a record.

        A pattern applies to the address again, unless the address had no entry but only a record.
        """
        folded, entry = fold(address), self.addresses.entry(address)
        # A pattern is no address, so no other pattern makes a record of it.
        record = self.get(address) if entry is not None or "*" not in address else self.own_records.get(folded)
        if entry is not None and entry.is_pattern:
            self._restart_responses(Pattern.of(address))
        self._forget(folded)
        self.addresses = addresses
        if entry is not None:
            self.deleted.discard(folded)
        elif record is not None:
            self.deleted.add(folded)
        return entry is not None or record is not None

    def put_fault(self, fault: Fault) -> None:
        """Replace the fault with the same id, or insert one before all others; its counters start at 0."""
        self.faults = with_fault(self.faults, fault)
        del self.fault_calls[fault.id], self.fault_hits[fault.id]

    def enable_fault(self, fault_id: str, *, enabled: bool) -> bool:
        """Enable or disable a fault, which keeps its counters, and return whether it exists."""
        known = fault_id in self.faults
        self.faults = with_enabled_fault(self.faults, fault_id, enabled=enabled)
        return known

    def delete_fault(self, fault_id: str) -> bool:
        """Delete a fault, and return whether it existed."""
        known = fault_id in self.faults
        self.faults = without_fault(self.faults, fault_id)
        del self.fault_calls[fault_id], self.fault_hits[fault_id]
        return known

    def _listed(self) -> Listing:
        if self._listing is None:
            statuses = {address: self._listed_status(address) for address in (*self.addresses.exact, *self.own_records)}
            listed = {address: status for address, status in statuses.items() if status is not None}
            self._listing = Listing(listed, self._sort_key)
        return self._listing

    def _listed_status(self, folded: str) -> int | None:
        """Return the status of the record that List shows for an address, or None; no record is made."""
        record = self.own_records.get(folded)
        if record is not None:
            return record.verification_status
        rule = self.addresses.exact.get(folded)
        if rule is None or rule.status is Status.NONE or folded in self.deleted:
            return None
        return VERIFIED if rule.status is Status.VERIFIED else WAITING

    def _sort_key(self, folded: str) -> int:
        """Return the key by which List orders the record of an address."""
        record = self.own_records.get(folded)
        if record is None:
            return sort_key(self.initial.created(self.addresses.exact[folded]), 1, -self.addresses.positions[folded])
        if record.decided_by == SUBMITTED:
            return sort_key(record.gmt_create, 2, record.number)
        position = self.addresses.positions.get(folded)
        rank, number = (0, record.number) if position is None else (1, position)
        return sort_key(record.gmt_create, rank, -number)

    def _next_number(self) -> int:
        self.record_count += 1
        return self.record_count

    def _add(self, record: Record) -> None:
        """Keep a record that is not listed, and list it."""
        self.own_records[fold(record.email)] = record
        if self._listing is not None:
            self._listing.add(fold(record.email), record.verification_status)

    def _remove(self, folded: str) -> None:
        self._unlist(folded)
        self.own_records.pop(folded, None)

    def _unlist(self, folded: str) -> None:
        status = self._listed_status(folded)
        if self._listing is not None and status is not None:
            self._listing.remove(folded, status)

    def _forget(self, folded: str) -> None:
        """Forget the record of an address and everything that was counted for it."""
        self._remove(folded)
        self.quotas.forget(folded)
        self._restart_responses(Pattern((folded,)))

    def _restart_responses(self, pattern: Pattern) -> None:
        """Start again with the first scripted response for all addresses that match."""
        for key in [key for key in self.used_responses if pattern.matches(key[0])]:
            del self.used_responses[key]

    def _token_state(self, record: Record, *, current: bool) -> TokenState:
        if not current:
            return TokenState.VOID
        if record.verification_status == VERIFIED:
            return TokenState.USED
        expires = link_expires(record.token_send_time, self.scenario.limits.link_valid_days)
        return TokenState.EXPIRED if expires is not None and self.clock.now() >= expires else TokenState.OPEN
