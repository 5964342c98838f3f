"""The order of an account's records: whatever happened before, any page of any filter is that of all records sorted and cut."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from alimock.scenario.address_rules import AddressRule
from alimock.state.account import Account
from alimock.state.record import Record
from conftest import Api, make_api, scenario
from hypothesis import given
from hypothesis import strategies as st

SCENARIO = """
clock: 2026-03-02 12:00:00
addresses:
  early@a.example: {status: verified, gmt_create: 2026-03-01 09:00:00}
  now@a.example: {status: pending, gmt_create: 2026-03-02 12:00:00}
  one@a.example: pending
  two@a.example: verified
  three@a.example: pending
  four@a.example: pending
  five@a.example: pending
  six@a.example: pending
  late@a.example: expired
  written@a.example: {status: verified, gmt_create: 2026-03-01 09:00:00}
  none@a.example: unknown
  "*@pending.example": pending
  "*@verified.example": {status: verified, gmt_create: 2026-03-01 09:00:00}
"""
ADDRESSES = [
    *(
        f"{name}@a.example"
        for name in ["early", "now", "one", "two", "three", "four", "five", "six", "late", "written", "none", "new", "other"]
    ),
    *(f"{name}@{domain}.example" for name in "xy" for domain in ("pending", "verified")),
]
Step = Callable[[Api, str], object]


def follow(api: Api, address: str) -> None:
    account = api.store.account(None)
    if (record := account.find(address)) is not None:
        account.verify(record, "192.0.2.1")


STEPS: dict[str, Step] = {
    "submit": lambda api, address: api.lists("SubmitEmailVerification", address),
    "resend": lambda api, address: api.lists("ResendEmailVerification", address),
    "delete": lambda api, address: api.lists("DeleteEmailVerification", address),
    "query": lambda api, address: api.json("QueryEmailVerification", Email=address),
    "verify": follow,
    "put": lambda api, address: api.store.put_address(replace(RULES["one@a.example"], address=address)),
    "forget": lambda api, address: api.store.delete_address(address),
    "later": lambda api, _: api.store.change_clocks(lambda clock: clock.set(clock.now() + 1800, frozen=True)),
    "earlier": lambda api, _: api.store.change_clocks(lambda clock: clock.set(clock.now() - 86_400, frozen=True)),
    "list": lambda api, _: api.json("ListEmailVerification"),
}
RULES = scenario(SCENARIO).addresses.exact


def sorted_records(account: Account) -> list[Record]:
    return sorted(account.in_order(), key=lambda record: -record.gmt_create)


@given(
    st.lists(st.tuples(st.sampled_from(sorted(STEPS)), st.sampled_from(ADDRESSES)), max_size=30),
    st.sampled_from([None, 0, 1]),
    st.integers(1, 4),
    st.data(),
)
def test_every_page_is_that_of_the_sorted_records(
    steps: list[tuple[str, str]], status: int | None, size: int, data: st.DataObject
) -> None:
    api = make_api(scenario(SCENARIO))
    for name, address in steps:
        STEPS[name](api, address)
    account = api.store.account(None)
    expected = sorted_records(account)
    times = st.none() | st.sampled_from([record.gmt_create + shift for record in expected for shift in (-1, 0, 1)] or [0])
    oldest, newest = data.draw(times), data.draw(times)
    kept = [
        record.email
        for record in expected
        if status in (None, record.verification_status)
        and (oldest is None or record.gmt_create >= oldest)
        and (newest is None or record.gmt_create <= newest)
    ]
    selection = account.listing.select(status, oldest, newest)
    assert len(selection) == len(kept)
    for start in range(0, len(kept) + size, size):
        assert [record.email for record in account.listed(selection, start, size)] == kept[start : start + size]


class Counted(dict[str, AddressRule]):
    """Addresses that count how often one of them is looked up, and that are gone through once, for their order."""

    looked_up = 0

    def get(self, key: str, default: object = None) -> AddressRule | None:  # type: ignore[override]
        self.looked_up += 1
        return super().get(key)

    def __getitem__(self, key: str) -> AddressRule:
        self.looked_up += 1
        return super().__getitem__(key)

    def values(self) -> Iterator[AddressRule]:  # type: ignore[override]
        raise AssertionError("a List goes through all addresses")


@pytest.mark.parametrize(
    "asked", [{}, {"PageNum": "200"}, {"VerificationStatus": "0"}, {"BeginCreateTime": "0"}, {"EndCreateTime": "4102444800000"}]
)
def test_a_list_looks_at_the_records_of_its_page_only(asked: dict[str, str]) -> None:
    addresses = "".join(f"  user{number}@example.com: {('pending', 'verified')[number % 2]}\n" for number in range(4_000))
    loaded = scenario(f"addresses:\n{addresses}")
    counted = Counted(loaded.addresses.exact)
    api = make_api(replace(loaded, addresses=replace(loaded.addresses, exact=counted)))
    api.json("ListEmailVerification", PageSize="10")
    counted.looked_up = 0
    assert len(api.json("ListEmailVerification", PageSize="10", **asked)["Data"]) == 10  # type: ignore[arg-type]
    assert counted.looked_up <= 20
