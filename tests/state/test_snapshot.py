"""An account saved as a scenario loads back to the same state."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
import yaml
from alimock.api.service import Service
from alimock.scenario import export, loader, sources
from alimock.scenario.model import Scenario
from alimock.state.snapshot import snapshot
from alimock.state.store import Store
from conftest import START, Api, Time, scenario
from hypothesis import given, settings
from hypothesis import strategies as st

BASE = """
limits: {sends_per_address_per_day: 3, addresses_per_day: 4, link_valid_days: 2}
accounts: {shop: {user_id: "1406****", access_keys: [{id: shop, secret: s}], addresses: {ann@example.com: verified}}}
addresses:
  ann@example.com: pending
  bo@example.com: {status: pending, token: open-sesame, sends_today: 2}
  cy@example.com: {outcome: quota-exceeded, times: 2, then: {answer: Throttling, times: 1, then: success}}
  di@example.com: {outcome: illegal, status: pending, answers: {delete: {answer: illegal, times: 2, then: success}}}
  ed@example.com: {status: verified, gmt_create: 2025-06-01 10:00:00, answers: {query: {code: Own, message: Mine., then: success}}}
  "*@flaky.example.com": {status: pending, times: 1, then: quota-exceeded, sends_today: 1}
  "*@late.example.com": expired
  "*@busy.example.com": {outcome: quota-exceeded, times: 2, then: success, answers: {query: {answer: Throttling, then: success}}}
faults:
  - {id: third, when: {action: ListEmailVerification, every: 3}, error: Throttling}
  - {when: {action: SubmitEmailVerification, nth: 4}, after: 1, error: InternalError}
  - {when: {action: ResendEmailVerification}, times: 2, error: ServiceUnavailable}
"""
EMAILS = [f"{name}@example.com" for name in ("ann", "bo", "cy", "di", "ed", "new", "Other")]
EMAILS += ["a@flaky.example.com", "b@late.example.com", "e@busy.example.com", "o*@example.com", "not-an-address"]
ENTRIES = ["verified", "pending", "quota-exceeded", "unknown", "{status: pending, times: 1, then: illegal}"]

emails = st.lists(st.sampled_from(EMAILS), min_size=1, max_size=3, unique=True).map(",".join)
calls = st.one_of(
    st.tuples(st.just("SubmitEmailVerification"), st.fixed_dictionaries({"Email": emails, "SendIfExist": st.booleans()})),
    st.tuples(st.sampled_from(["ResendEmailVerification", "DeleteEmailVerification"]), st.fixed_dictionaries({"Email": emails})),
    st.tuples(st.just("QueryEmailVerification"), st.fixed_dictionaries({"Email": st.sampled_from(EMAILS)})),
    st.tuples(st.just("ListEmailVerification"), st.just({})),
    st.tuples(st.just("verify"), st.integers(0, 5)),
    st.tuples(st.just("wait"), st.sampled_from([1, 3_600, 90_000, 200_000])),
    st.tuples(st.just("freeze"), st.booleans()),
    st.tuples(st.just("put"), st.tuples(st.sampled_from([*EMAILS[:9], "*@late.example.com"]), st.sampled_from(ENTRIES))),
    st.tuples(st.just("forget"), st.sampled_from(EMAILS)),
)


def tokens(api: Api) -> list[str]:
    return [*(mail.token for mail in api.store.outbox.entries()), "open-sesame"]


def do(api: Api, name: str, argument: object) -> None:
    """Apply one step to an account."""
    clock = api.store.account(api.key).clock
    if isinstance(argument, dict):
        api.call(name, **argument)
    elif name == "verify":
        assert isinstance(argument, int)
        api.call("VerifyEmail", Token=tokens(api)[argument % len(tokens(api))])
    elif name == "wait":
        assert isinstance(argument, int)
        clock.set(clock.now() + argument, frozen=clock.frozen_at is not None)
    elif name == "freeze":
        clock.set(clock.now(), frozen=bool(argument))
    elif name == "forget":
        api.store.delete_address(str(argument), api.key)
    else:
        assert isinstance(argument, tuple)
        email, entry = argument
        api.store.put_address(loader.load_address(entry.encode(), email, file="put"), api.key)


def everything(api: Api, known_tokens: list[str]) -> list[object]:
    """Return the responses to all reads, then to all changes."""

    def body(action: str, **parameters: object) -> object:
        answer = api.json(action, **parameters)
        return {name: value for name, value in answer.items() if name not in ("RequestId", "Recommend")}

    def all_reads() -> list[object]:
        api.profile = "docs-2021"
        first = body("QueryEmailVerification")
        api.profile = None
        queries = [body("QueryEmailVerification", Email=email) for email in (*EMAILS, "c@late.example.com", "d@flaky.example.com")]
        return [first, *queries, *(body("ListEmailVerification", PageSize=3, PageNum=page) for page in (1, 2, 3))]

    # Tokens are verified before anything is sent, since a store with the same seed sends the same tokens again.
    seen = all_reads() + [body("VerifyEmail", Token=token) for token in known_tokens]
    for _ in range(3):
        seen += [body("ResendEmailVerification", Email=email) for email in EMAILS]
        seen += [body("SubmitEmailVerification", Email=email, SendIfExist=True) for email in EMAILS]
    seen += [body("DeleteEmailVerification", Email=email) for email in EMAILS]
    return seen + all_reads()


def loaded_back(api: Api, change: Callable[[dict[str, object]], str | bytes], is_json: bool) -> Api:
    document = export.document(snapshot(api.store.account(api.key), api.store.scenario), secrets=True)
    text = change(document)
    again = loader.load_text(text.encode() if isinstance(text, str) else text, file="again", json=is_json)
    assert export.document(again, secrets=True) == document
    time = Time(api.time.now)
    store = Store(scenario(BASE), real_time=time, seed=b"tests")
    store.account("shop" if api.key else None)
    if api.key is None:
        store = Store(again, real_time=time, seed=b"tests")
    else:
        store.load(again, api.key)
    return Api(Service(store), time, key=api.key)


def yaml_of(document: dict[str, object]) -> str:
    return str(yaml.safe_dump(document, sort_keys=False, allow_unicode=True))


@pytest.mark.slow
@settings(max_examples=150)
@given(
    steps=st.lists(calls, max_size=12), key=st.sampled_from([None, "shop", "unnamed"]), is_json=st.booleans(), follow=st.booleans()
)
def test_account_loads_back_to_the_same_state(
    steps: list[tuple[str, object]], key: str | None, is_json: bool, follow: bool
) -> None:
    time = Time(START)
    api = Api(Service(Store(scenario(BASE), real_time=time, seed=b"tests")), time, key=key)
    for name, argument in steps:
        do(api, name, argument)
    known_tokens = tokens(api) if follow else []
    again = loaded_back(api, json.dumps if is_json else yaml_of, is_json)
    assert everything(again, known_tokens) == everything(api, known_tokens)


def test_account_with_its_own_scenario_is_saved_with_the_keys_and_checks_of_the_store() -> None:
    store = Store(
        scenario(
            "authentication: strict\ncodes: {Throttling: {status: 429}}\naccounts: {shop: {access_keys: [{id: k, secret: s}]}}"
        )
    )
    store.load(scenario("authentication: none\naddresses: {jo@example.com: verified}"), "k")
    document = export.document(snapshot(store.account("k"), store.scenario), secrets=True)
    assert (document["authentication"], document["codes"]) == ("strict", {"Throttling": {"status": 429}})
    assert "jo@example.com" in document["addresses"]  # type: ignore[operator]
    assert document["accounts"]["shop"]["access_keys"][0]["secret"] == "s"  # type: ignore[index]


def test_strings_that_look_like_other_values_stay_strings_in_yaml() -> None:
    fields = {
        "A": "7e10",
        "B": "1.5e3",
        "C": "007",
        "D": "true",
        "E": "null",
        "F": "~",
        "G": "1",
        "H": 1,
        "I": None,
        "J": "plain text",
    }
    text = export.to_yaml({"alimock": 1, "stubs": {"QueryX": fields}})
    assert loader.load_text(text.encode(), file="x").stubs["QueryX"].fields == fields


def test_clock_that_was_never_set_is_not_saved(empty: Api) -> None:
    assert snapshot(empty.store.account(None), empty.store.scenario).clock is None
    empty.store.account(None).clock.set(START + 60, frozen=False)
    saved = snapshot(empty.store.account(None), empty.store.scenario)
    assert (saved.clock, saved.clock_runs) == (START + 60, True)


def test_link_sent_before_saving_works_after_loading(empty: Api) -> None:
    empty.key = "one"
    empty.lists("SubmitEmailVerification", "jo@example.com")
    link = empty.store.outbox.entries()[0].token
    saved: Scenario = snapshot(empty.store.account("one"), empty.store.scenario)
    other = Store(scenario())
    other.load(saved, "one")
    assert Service(other).follow_link(link, "192.0.2.1").email == "jo@example.com"
    assert Service(other).follow_link(link, "192.0.2.1").state is not None


def test_entry_without_a_record_keeps_its_place_for_a_later_record() -> None:
    names = [f"user{number}@example.com" for number in range(20)]
    entries = "".join(f"\n  {name}: {'unknown' if number % 2 else 'pending'}" for number, name in enumerate(names))
    store = Store(scenario(f"clock: 2024-05-01 09:30:00\naddresses:{entries}"), real_time=Time())
    store.load(snapshot(store.account(None), store.scenario))
    for name in reversed(names):
        store.put_address(loader.load_address(b"pending", name, file="put"))
    data = Api(Service(store), Time()).json("ListEmailVerification")["Data"]
    assert [row["Email"] for row in data] == names  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", sources.built_in_names())
def test_every_built_in_scenario_can_be_saved_and_loaded(name: str) -> None:
    store = Store(loader.load(name))
    document = export.document(snapshot(store.account(None), store.scenario), secrets=True)
    assert export.document(loader.load_text(json.dumps(document).encode(), file="x", json=True), secrets=True) == document
