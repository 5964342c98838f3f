"""Reads change nothing: a view neither makes an account, nor refreshes its idle time, nor changes an order or a count."""

from __future__ import annotations

import json

import pytest
from alimock.app import flask_app
from alimock.backend import Backend
from alimock.scenario import loader
from alimock.spec.times import SECONDS_PER_DAY
from alimock.state.limits import StateLimits
from alimock.state.record import TokenState
from conftest import START, Api, make_api, scenario
from werkzeug.test import Client

SHOP = """
accounts: {shop: {access_keys: [{id: shop, secret: s}]}}
addresses: {jo@example.com: pending}
stubs: {QueryOther: {Answer: 1}}
"""
VIEWS = [
    "info",
    "accounts",
    "accounts?access_key_id=KEY",
    "access-keys",
    "access-keys?access_key_id=KEY",
    "addresses",
    "addresses?access_key_id=KEY",
    "addresses?access_key_id=KEY&email=jo@example.com",
    "faults",
    "faults?access_key_id=KEY",
    "clock?access_key_id=KEY",
    "scenario?access_key_id=KEY",
    "scenario?access_key_id=KEY&state=current",
    "outbox?access_key_id=KEY",
    "calls?access_key_id=KEY",
    "calls?action=QueryOther",
]


def view(api: Api, path: str, key: str = "") -> dict[str, object]:
    client = Client(flask_app(Backend(api.service)))
    response = client.get(f"/_alimock/{path.replace('KEY', key)}", headers={"Host": "localhost"})
    assert response.status_code == 200, response.text
    body: dict[str, object] = json.loads(response.data)
    return body


def account_names(api: Api) -> list[str]:
    return [account.name for account in api.store.accounts_for_view()]


@pytest.mark.parametrize("path", VIEWS)
def test_view_does_not_start_an_unused_account(path: str) -> None:
    api = make_api(scenario(SHOP), key="shop")
    view(api, path, "shop")
    api.time.now += 60
    assert api.json("QueryEmailVerification", Email="jo@example.com")["GmtCreate"] == "2026-01-01 08:01:00"


@pytest.mark.parametrize("path", VIEWS)
def test_view_does_not_refresh_the_idle_time_of_an_account(path: str) -> None:
    api = make_api(scenario(SHOP), limits=StateLimits(max_accounts=1, unused_account_seconds=10), key="old")
    api.json("QueryEmailVerification", Email="jo@example.com")
    api.time.now += 11
    view(api, path, "old")
    api.store.account("new")
    assert account_names(api) == ["default", "shop", "key:new"]


@pytest.mark.parametrize("path", VIEWS)
def test_view_does_not_reorder_accounts(path: str) -> None:
    api = make_api(scenario(SHOP))
    for key in ("b", "shop", "a"):
        api.store.account(key)
    view(api, path, "shop")
    assert account_names(api) == ["default", "shop", "key:b", "key:a"]


def test_unused_accounts_of_the_scenario_are_shown() -> None:
    api = make_api(scenario(SHOP))
    accounts = view(api, "accounts")["accounts"]
    assert isinstance(accounts, list)
    assert [account["name"] for account in accounts] == ["default", "shop"]
    assert view(api, "accounts?access_key_id=shop")["accounts"] == accounts[1:]
    assert accounts[1] == {
        "name": "shop",
        "user_id": api.store.account("shop").user_id,
        "access_key_id": "shop",
        "access_keys": ["shop"],
        "scenario": "case.yaml",
        "clock": {"now": "2026-01-01 08:00:00", "frozen": False},
        "counts": {"messages": 0, "calls": 0, "faults_hit": 0},
    }
    (address,) = view(api, "addresses?access_key_id=shop")["addresses"]  # type: ignore[misc]
    assert (address["email"], address["status"], address["gmt_create"]) == ("jo@example.com", "pending", "2026-01-01 08:00:00")


def test_token_of_another_account_does_not_refresh_its_idle_time() -> None:
    api = make_api(scenario(), limits=StateLimits(max_accounts=2, unused_account_seconds=10), key="sender")
    api.lists("SubmitEmailVerification", "jo@example.com")
    token = api.store.outbox.entries()[0].token
    api.time.now += 11
    api.key = "other"
    assert api.code("VerifyEmail", Token=token) == "ParameterIllegal"
    api.store.account("new")
    assert account_names(api) == ["default", "key:other", "key:new"]


def test_look_at_other_days_keeps_the_counts_of_a_day() -> None:
    api = make_api(scenario("limits: {sends_per_address_per_day: 1}"))
    api.lists("SubmitEmailVerification", "jo@example.com")
    account = api.store.account(None)
    for day in range(1, 200):
        account.clock.set(START + day * SECONDS_PER_DAY, frozen=True)
        assert (account.sends_today("jo@example.com"), account.new_addresses_today()) == (0, 0)
    account.clock.set(START, frozen=True)
    assert api.lists("ResendEmailVerification", "jo@example.com") == {"FailList": ["jo@example.com SendTokenQuotaExceeded"]}


@pytest.mark.parametrize("lists_first", [False, True])
def test_list_does_not_change_the_order_of_later_entries(lists_first: bool) -> None:
    api = make_api(scenario("clock: 2026-01-01 00:00:00"))

    def put(name: str, entry: bytes) -> None:
        api.store.put_address(loader.load_address(entry, name, file="put"))

    put("new@example.com", b"quota-exceeded")
    put("other@example.com", b"pending")
    if lists_first:
        api.json("ListEmailVerification")
    api.store.delete_address("new@example.com")
    put("new@example.com", b"unknown")
    put("new@example.com", b"pending")
    data = api.json("ListEmailVerification")["Data"]
    assert [row["Email"] for row in data] == ["other@example.com", "new@example.com"]  # type: ignore[attr-defined]


def test_link_of_a_named_account_works_before_its_first_call() -> None:
    accounts = "{shop: {access_keys: [{id: k, secret: s}], addresses: {jo@example.com: {status: pending, token: a-token}}}}"
    api = make_api(scenario(f"accounts: {accounts}"))
    assert api.service.follow_link("a-token", "192.0.2.1").state is TokenState.OPEN
    assert api.service.follow_link("a-token", "192.0.2.1").state is TokenState.USED


def test_looking_at_other_days_keeps_no_counts() -> None:
    api = make_api(scenario("addresses: {jo@example.com: pending}"))
    account = api.store.account(None)
    for _ in range(300):
        api.time.now += 86_400
        assert account.sends_today("jo@example.com") == 0
    assert account.quotas.kept_days == 0
