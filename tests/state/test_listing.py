"""List: after any changes, each page of each filter is a slice of all sorted records."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from alimock.scenario import loader
from alimock.scenario.address_rules import AddressRule
from alimock.state.account import Account
from alimock.state.record import Record
from conftest import Api, make_api, scenario
from hypothesis import given, settings
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


def verify(api: Api, address: str) -> None:
    account = api.store.account(None)
    if (record := account.find(address)) is not None:
        account.verify(record, "192.0.2.1")


STEPS: dict[str, Step] = {
    "submit": lambda api, address: api.lists("SubmitEmailVerification", address),
    "resend": lambda api, address: api.lists("ResendEmailVerification", address),
    "delete": lambda api, address: api.lists("DeleteEmailVerification", address),
    "query": lambda api, address: api.json("QueryEmailVerification", Email=address),
    "verify": verify,
    "put": lambda api, address: api.store.put_address(replace(RULES["one@a.example"], address=address)),
    "forget": lambda api, address: api.store.delete_address(address),
    "later": lambda api, _: api.store.change_clocks(lambda clock: clock.set(clock.now() + 1800, frozen=True)),
    "earlier": lambda api, _: api.store.change_clocks(lambda clock: clock.set(clock.now() - 86_400, frozen=True)),
    "list": lambda api, _: api.json("ListEmailVerification"),
}
RULES = scenario(SCENARIO).addresses.exact


def sorted_records(account: Account) -> list[Record]:
    return sorted(account.records(), key=lambda record: -record.gmt_create)


@pytest.mark.slow
@settings(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(sorted(STEPS)), st.sampled_from(ADDRESSES)), max_size=30),
    st.sampled_from([None, 0, 1]),
    st.integers(1, 4),
    st.data(),
)
def test_every_page_is_a_slice_of_the_sorted_records(
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
    for start in range(0, len(kept) + size, size):
        total, page = account.page(start, size, status, oldest, newest)
        assert (total, [record.email for record in page]) == (len(kept), kept[start : start + size])


class Counted(dict[str, AddressRule]):
    """Addresses that count lookups and do not allow their values to be iterated."""

    lookups = 0

    def get(self, key: str, default: object = None) -> AddressRule | None:  # type: ignore[override]
        self.lookups += 1
        return super().get(key)

    def __getitem__(self, key: str) -> AddressRule:
        self.lookups += 1
        return super().__getitem__(key)

    def values(self) -> Iterator[AddressRule]:  # type: ignore[override]
        raise AssertionError("List iterates over all addresses")


SIZE, PAGE = 4_000, 10


@pytest.mark.parametrize(
    ("parameters", "bounds"),
    [
        ({}, 0),
        ({"PageNum": "200"}, 0),
        ({"VerificationStatus": "0"}, 0),
        ({"BeginCreateTime": "0"}, 1),
        ({"EndCreateTime": "4102444800000"}, 1),
        ({"BeginCreateTime": "0", "EndCreateTime": "4102444800000"}, 2),
    ],
)
def test_list_looks_up_only_its_page_and_bisects_for_each_bound(parameters: dict[str, str], bounds: int) -> None:
    addresses = "".join(f"  user{number}@example.com: {('pending', 'verified')[number % 2]}\n" for number in range(SIZE))
    loaded = scenario(f"addresses:\n{addresses}")
    counted = Counted(loaded.addresses.exact)
    api = make_api(replace(loaded, addresses=replace(loaded.addresses, exact=counted)), in_memory=True)
    api.json("ListEmailVerification", PageSize=PAGE)
    counted.lookups = 0
    assert len(api.json("ListEmailVerification", PageSize=PAGE, **parameters)["Data"]) == PAGE  # type: ignore[arg-type]
    assert counted.lookups <= PAGE + bounds * SIZE.bit_length()


def test_pattern_that_replaces_an_exact_entry_with_the_same_text_takes_it_out_of_the_list() -> None:
    api = make_api(scenario('addresses: {"l*t@example.com": {status: verified, exact: true}, c@example.com: verified}'))
    api.call("ListEmailVerification")
    api.store.put_address(loader.load_address(b"pending", "l*t@example.com", file="case.yaml"))
    assert api.lists("SubmitEmailVerification", "new@example.com") == {"SuccessList": ["new@example.com"]}
    assert api.json("QueryEmailVerification", Email="lost@example.com")["VerificationStatus"] == 0
    listed = api.json("ListEmailVerification")["Data"]
    assert sorted(record["Email"] for record in listed) == ["c@example.com", "lost@example.com", "new@example.com"]  # type: ignore[attr-defined]
    assert not api.service.failures
