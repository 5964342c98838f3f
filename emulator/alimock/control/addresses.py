"""The addresses over HTTP: the records of the accounts with what decides about them, and putting and deleting single entries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice

from flask import request

from alimock.control import arguments
from alimock.control.lists import DEFAULT_LIMIT, MAXIMUM_LIMIT
from alimock.control.problem import Problem
from alimock.scenario import export, loader
from alimock.scenario.address_entries import MAXIMUM_PATTERNS
from alimock.scenario.address_rules import AddressRule
from alimock.spec.address import fold
from alimock.spec.times import format_time
from alimock.state.account import Account
from alimock.state.record import VERIFIED, Record
from alimock.state.store import Store


class AddressesResource:
    """Lists, puts and deletes addresses."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def page(self) -> dict[str, object]:
        """Lists the records of one account or of all, newest first, and the addresses of the scenario that have none."""
        given = arguments.query("access_key_id", "email", "limit")
        limit = arguments.number(given, "limit", DEFAULT_LIMIT, MAXIMUM_LIMIT)
        email = given.get("email")
        with self.store.lock:
            accounts = self.store.accounts_for_view(given.get("access_key_id"))
            found = list(islice((one for account in accounts for one in self._of(account, email, limit)), limit))
            return {"addresses": found, "cursor": self.store.cursor, "evicted": 0}

    def put(self, email: str) -> dict[str, object]:
        """Takes an entry in, for an address or a pattern, which starts anew as it says; a reset drops it."""
        key_id = arguments.query("access_key_id").get("access_key_id")
        rule = replace(arguments.scenario(loader.load_address, email), location=f"PUT {request.path}")
        with self.store.lock:
            owner = self.store.owner_of_written_token(rule, key_id)
            if owner is not None:
                raise Problem(409, f"`token`: {owner} has the token {rule.token!a} already", "give another token")
            books = (account.addresses for account in self.store.accounts_for_change(key_id))
            if rule.is_pattern and any(len(book.patterns) >= MAXIMUM_PATTERNS and book.entry(email) is None for book in books):
                raise Problem(
                    409, f"there are {MAXIMUM_PATTERNS} patterns already", "delete one, since every call tries them in turn"
                )
            self.store.put_address(rule, key_id)
        return {"put": rule.address, "entry": export.address(rule), "access_key_id": key_id}

    def delete(self, email: str) -> dict[str, object]:
        """Forgets an entry, and the record of an address, until the next reset."""
        key_id = arguments.query("access_key_id").get("access_key_id")
        with self.store.lock:
            if not self.store.delete_address(email, key_id):
                raise Problem(
                    404,
                    f"no address {email[:100]!a}",
                    "see GET /_alimock/addresses, for patterns GET /_alimock/scenario?state=current",
                )
        return {"deleted": email, "access_key_id": key_id}

    def _of(self, account: Account, email: str | None, limit: int) -> Iterator[dict[str, object]]:
        """Goes through an account's addresses, or through the one asked for; looking changes nothing."""
        if email is None:
            records = account.listed(account.listing.select(), 0, limit)
            rules: Iterable[AddressRule] = account.addresses.exact.values()
        else:
            record, rule = account.peek(email), account.addresses.exact.get(fold(email))
            records = [record] if record is not None else []
            rules = [rule] if rule is not None else []
        for record in records:
            yield self._record(account, record)
        for rule in rules:
            if account.peek(rule.address) is None:
                yield self._entry(account, rule.address, None, rule.location)

    def _record(self, account: Account, record: Record) -> dict[str, object]:
        return {
            **self._entry(account, record.email, record, record.decided_by),
            "email_verification_no": record.email_verification_no,
            "user_id": record.user_id,
            "gmt_create": format_time(record.gmt_create),
            "gmt_modified": format_time(record.gmt_modified),
            "token_send_time": format_time(record.token_send_time),
            "verification_time": format_time(record.verification_time) if record.verification_time is not None else None,
            "send_ip": record.send_ip,
            "confirm_ip": record.confirm_ip,
        }

    def _entry(self, account: Account, email: str, record: Record | None, decided_by: str) -> dict[str, object]:
        rule = account.addresses.rule(email)
        status = None if record is None else "verified" if record.verification_status == VERIFIED else "pending"
        return {
            "email": email,
            "status": status,
            "outcome": rule.outcome.value if rule is not None else None,
            "access_key_id": self.store.access_key_id(account),
            "sends_today": account.sends_today(email),
            "decided_by": decided_by,
        }
