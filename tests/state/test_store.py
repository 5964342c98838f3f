"""The store: accounts, resets, determinism, limits of the outbox, and forty concurrent threads."""

from __future__ import annotations

import json
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from urllib.parse import urlencode

import pytest
from alimock.api.http import HttpRequest
from alimock.api.service import Service
from alimock.scenario import loader
from alimock.scenario.address_rules import AddressRule
from alimock.spec.times import SECONDS_PER_DAY
from alimock.state.clock import Clock
from alimock.state.commands import DeleteMails
from alimock.state.ids import IdGenerator
from alimock.state.limits import StateLimits
from alimock.state.outbox import Mail
from alimock.state.record import TokenState
from alimock.state.store import Store
from conftest import START, Api, error_of, make_api, scenario, signed


class LookupOnly(dict[str, AddressRule]):
    """Addresses that can be looked up but not iterated."""

    def __iter__(self) -> Iterator[str]:
        raise AssertionError("the first call of a key iterates over all addresses")

    items = values = keys = copy = __iter__  # type: ignore[assignment]


def test_first_call_of_a_key_does_not_iterate_over_the_addresses() -> None:
    loaded = scenario("addresses: {jo@example.com: verified}")
    api = make_api(replace(loaded, addresses=replace(loaded.addresses, exact=LookupOnly(loaded.addresses.exact))), in_memory=True)
    for key in ("one", "two"):
        api.key = key
        assert "Code" not in api.json("QueryEmailVerification", Email="jo@example.com")
        assert api.lists("SubmitEmailVerification", "new@example.com") == {"SuccessList": ["new@example.com"]}


def test_reset_restores_the_start_of_the_scenario(api: Api) -> None:
    before = api.json("QueryEmailVerification", Email="abc@aliyun.com")
    api.lists("DeleteEmailVerification", "abc@aliyun.com")
    api.lists("SubmitEmailVerification", "jo@example.com")
    cursor = api.store.cursor
    api.store.reset()
    assert api.json("QueryEmailVerification", Email="abc@aliyun.com")["GmtCreate"] == before["GmtCreate"]
    assert api.code("QueryEmailVerification", Email="jo@example.com") == "ParameterIllegal"
    assert api.store.outbox.entries() == []
    assert api.store.cursor > cursor


def test_reset_of_one_key_leaves_other_accounts_unchanged(empty: Api) -> None:
    for key in ("one", "two"):
        empty.key = key
        empty.lists("SubmitEmailVerification", "jo@example.com")
    empty.store.reset("one")
    assert [mail.access_key_id for mail in empty.store.outbox.entries()] == ["two"]
    assert empty.lists("SubmitEmailVerification", "jo@example.com") == {"ExistList": ["jo@example.com"]}


def test_scenario_loaded_for_one_key_survives_a_reset(empty: Api) -> None:
    empty.store.load(loader.load("quota-exceeded"), "one")
    for _ in range(2):
        empty.key = "one"
        assert "FailList" in empty.lists("SubmitEmailVerification", "jo@example.com")
        empty.key = "two"
        assert "SuccessList" in empty.lists("SubmitEmailVerification", "jo@example.com")
        empty.store.reset()


def test_scenario_loaded_for_the_store_replaces_everything(api: Api) -> None:
    api.key = "one"
    api.lists("SubmitEmailVerification", "jo@example.com")
    api.store.load(scenario("clock: 2020-01-01 00:00:00"))
    assert api.json("ListEmailVerification")["TotalItemNum"] == 0
    assert api.store.outbox.entries() == []
    assert api.store.clock.now() == api.store.account("one").clock.now() == 1_577_808_000


def transcript(seed: bytes, order: list[str]) -> dict[str, list[bytes]]:
    """Return the responses to each key when the keys call in this order."""
    api = make_api(scenario("clock: 2020-01-01 00:00:00"))
    api.service = Service(Store(api.store.scenario, real_time=api.time, seed=seed))
    answers: dict[str, list[bytes]] = {}
    for key in order:
        api.key = key
        for action, sent in (("SubmitEmailVerification", "Email"), ("QueryEmailVerification", "Email"), ("VerifyEmail", "Token")):
            tokens = [mail.token for mail in api.store.outbox.entries() if mail.access_key_id == key]
            value = "jo@example.com" if sent == "Email" else tokens[-1]
            answers.setdefault(key, []).append(api.call(action, **{sent: value}).body)
        answers[key].append(tokens[-1].encode())
    return answers


def test_seed_repeats_a_run_byte_for_byte_whatever_other_keys_do() -> None:
    assert transcript(b"one", ["a", "b", "c"]) == transcript(b"one", ["c", "a", "b"])
    assert transcript(b"one", ["a"]) != transcript(b"two", ["a"])


def test_ids_of_two_accounts_and_of_two_emulators_differ() -> None:
    sources = [IdGenerator(seed, name) for seed in (b"one", b"two") for name in ("a", "b")]
    for make in (IdGenerator.request_id, lambda source: source.token(1), lambda source: source.mail_id(1)):
        assert len({make(source) for source in sources}) == 4
    stores = [Store(scenario()) for _ in range(2)]
    assert len({one.account("k").ids.tag for one in stores}) == 2


def test_reset_changes_tokens_and_keeps_user_id_and_verification_numbers() -> None:
    store = Store(scenario())

    def drawn() -> tuple[str, str, str, str, str]:
        account = store.account("k")
        source = account.ids
        return source.tag, source.token(1), source.request_id(), account.user_id, source.email_verification_no("jo@example.com")

    before = drawn()
    store.reset()
    assert [one == other for one, other in zip(before, drawn(), strict=True)] == [False, False, False, True, True]
    assert Store(scenario()).account("k").user_id == before[3] != store.account("l").user_id


def test_reset_does_not_refresh_the_idle_time_of_unnamed_accounts() -> None:
    api = make_api(scenario(), limits=StateLimits(max_accounts=1, unused_account_seconds=10))
    for number in range(5):
        api.store.account(f"key{number}")
        api.time.now += 11
        api.store.reset()
    assert len(api.store.accounts_for_view()) == 2


def test_token_has_32_lower_case_hex_digits_and_contains_its_serial() -> None:
    source = IdGenerator(b"seed", "name")
    for serial in (0, 1, 2**31):
        token = source.token(serial)
        assert len(token) == 32
        assert set(token) <= set("0123456789abcdef")
        assert source.serial_of(token) == serial
        assert source.serial_of(f"{'0' if token[0] != '0' else '1'}{token[1:]}") is None


def test_verification_number_does_not_depend_on_the_order_of_calls() -> None:
    def number(*looks: str) -> object:
        api = make_api(scenario("addresses: {'*': verified}"))
        return [api.json("QueryEmailVerification", Email=email)["EmailVerificationNo"] for email in looks][-1]

    assert number("a@example.com", "b@example.com") == number("b@example.com")


def test_unused_unnamed_accounts_are_evicted_beyond_the_limit() -> None:
    api = make_api(scenario(), limits=StateLimits(max_accounts=3, unused_account_seconds=10))
    for number in range(5):
        api.store.account(f"key{number}")
    assert len(api.store.accounts_for_view()) == 6
    api.time.now += 11
    api.store.account("key3")
    api.store.account("new")
    assert {account.name for account in api.store.accounts_for_view()} == {"default", "key:key3", "key:key4", "key:new"}
    assert api.store.evicted_accounts == 3


def test_first_calls_copy_no_records_of_a_large_scenario() -> None:
    text = "addresses:\n" + "".join(f"  a{number}@example.com: verified\n" for number in range(2_000))
    api = make_api(scenario(text), key="one")
    assert api.json("ListEmailVerification", PageSize=10)["TotalItemNum"] == 2_000
    api.json("QueryEmailVerification", Email="a7@example.com")
    account = api.store.account("one")
    assert not any(account.has_own_record(address) for address in account.addresses.exact)
    api.lists("DeleteEmailVerification", "a7@example.com")
    assert api.json("ListEmailVerification", PageSize=10)["TotalItemNum"] == 1_999


@pytest.mark.parametrize(("idle", "is_kept"), [(10, True), (10.5, False)])
def test_account_is_evicted_only_after_the_idle_time(idle: float, is_kept: bool) -> None:
    api = make_api(scenario(), limits=StateLimits(max_accounts=1, unused_account_seconds=10))
    api.store.account("old")
    api.time.now += idle
    api.store.account("new")
    kept = [account.name for account in api.store.accounts_for_view()]
    assert kept == ["default", *(["key:old"] if is_kept else []), "key:new"]
    assert api.store.evicted_accounts == (0 if is_kept else 1)


def test_longest_unused_account_is_evicted_first() -> None:
    api = make_api(scenario(), limits=StateLimits(max_accounts=3, unused_account_seconds=10))
    for key in ("a", "b", "c", "a"):
        api.store.account(key)
        api.time.now += 1
    api.time.now += 20
    api.store.account("new")
    assert [account.name for account in api.store.accounts_for_view()] == ["default", "key:a", "key:c", "key:new"]


@pytest.mark.parametrize("reads", [False, True])
def test_counts_of_a_day_are_kept_for_a_clock_that_is_set_back(reads: bool) -> None:
    api = make_api(scenario("limits: {sends_per_address_per_day: 1}"))
    api.lists("SubmitEmailVerification", "jo@example.com")
    account = api.store.account(None)
    account.clock.set(START + SECONDS_PER_DAY, frozen=True)
    if reads:
        assert account.sends_today("jo@example.com") == 0
    account.clock.set(START, frozen=True)
    assert api.lists("ResendEmailVerification", "jo@example.com") == {"FailList": ["jo@example.com SendTokenQuotaExceeded"]}


def test_counts_of_the_scenario_apply_again_when_the_clock_is_set_back_to_the_first_day() -> None:
    api = make_api(scenario("addresses: {jo@example.com: {status: pending, sends_today: 1, new_today: true}}"))
    account = api.store.account(None)
    for day, expected in ((START + SECONDS_PER_DAY, (0, 0)), (START, (1, 1))):
        account.clock.set(day, frozen=True)
        assert (account.sends_today("jo@example.com"), account.new_addresses_today()) == expected


def test_outbox_keeps_the_newest_mails_and_counts_evicted_ones() -> None:
    api = make_api(scenario(), limits=StateLimits(max_entries_per_account=3, max_entries=4))
    for key, number in (("one", 4), ("two", 2)):
        api.key = key
        api.lists("SubmitEmailVerification", ",".join(f"a{index}@example.com" for index in range(number)))
    kept, one, two = api.store.outbox, "key:one", "key:two"
    assert [(mail.account_name, mail.to[:2]) for mail in kept.entries()] == [(one, "a2"), (one, "a3"), (two, "a0"), (two, "a1")]
    assert [mail.to[:2] for mail in kept.entries(one)] == ["a2", "a3"]
    assert (kept.evicted(), kept.evicted(one), kept.evicted(two), kept.evicted("none")) == (2, 2, 0, 0)
    assert (kept.evicted_through(), kept.evicted_through(one), kept.evicted_through(two)) == (2, 2, 0)
    for mail in kept.entries(one):
        kept.remove(mail)
    assert (kept.evicted(), kept.evicted(one)) == (2, 2)
    kept.clear(one)
    assert (kept.evicted(), kept.evicted(one), len(kept.entries())) == (0, 0, 2)


@pytest.mark.parametrize("frozen", [True, False])
def test_clock_is_set_and_runs_on_or_is_frozen(frozen: bool) -> None:
    now = [1_000.9]
    clock = Clock(lambda: now[0])
    assert clock.now() == 1_000
    clock.set(5_000, frozen=frozen)
    now[0] += 10
    assert clock.now() == (5_000 if frozen else 5_010)
    assert replace(clock).now() == clock.now()


def test_token_of_a_mail_is_void_once_its_record_is_replaced_or_its_account_is_reset(empty: Api) -> None:
    def mail_after(action: str) -> Mail:
        empty.lists(action, "jo@example.com")
        return next(empty.store.outbox.newest_first())

    first = mail_after("SubmitEmailVerification")
    assert empty.store.token_state(first) is TokenState.OPEN
    empty.lists("DeleteEmailVerification", "jo@example.com")
    second = mail_after("SubmitEmailVerification")
    third = mail_after("ResendEmailVerification")
    assert [empty.store.token_state(mail).value for mail in (first, second, third)] == ["void", "void", "open"]
    assert "Code" not in empty.json("VerifyEmail", Token=third.token)
    assert empty.store.token_state(third) is TokenState.USED
    empty.store.reset()
    assert empty.store.token_state(third) is TokenState.VOID


def test_deleted_mails_are_counted_once(empty: Api) -> None:
    empty.lists("SubmitEmailVerification", "jo@example.com")
    command = DeleteMails((empty.store.outbox.entries()[0].sequence,))
    assert (empty.service.executor.execute(command), empty.service.executor.execute(command)) == (1, 0)
    assert empty.store.outbox.deleted == 1


THREADS = 40


@pytest.fixture
def frequent_switches() -> Iterator[None]:
    """Switch threads as often as possible, so that a missing lock shows."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def at_once(work: Callable[[int], None]) -> None:
    """Run `work` in forty threads that start together, and raise the first exception of any."""
    barrier, failures = threading.Barrier(THREADS), []

    def run(number: int) -> None:
        try:
            barrier.wait()
            work(number)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


@pytest.mark.usefixtures("frequent_switches")
@pytest.mark.slow
def test_forty_threads_lose_and_duplicate_nothing() -> None:
    limit = "sends_per_address_per_day: null, addresses_per_day: null"
    service = Service(Store(scenario(f"limits: {{{limit}}}")))
    results: list[Counter[str]] = [Counter() for _ in range(THREADS)]
    request_ids: list[list[str]] = [[] for _ in range(THREADS)]

    def call(number: int, action: str, **sent: str) -> dict[str, object]:
        query = urlencode({"Action": action, "Version": "2018-01-29", "Format": "JSON", **sent})
        body: dict[str, object] = json.loads(service.handle(HttpRequest("GET", query, {}, b"", "192.0.2.1")).body)
        request_ids[number].append(str(body["RequestId"]))
        for name in ("ExistList", "SuccessList", "FailList"):
            results[number][f"{action[:6]}{name}"] += len(body.get(name) or ())  # type: ignore[arg-type]
        return body

    def work(number: int) -> None:
        for turn in range(25):
            own, shared = f"own{number}-{turn}@example.com", f"shared{turn}@example.com"
            call(number, "SubmitEmailVerification", Email=f"{own},{shared}")
            call(number, "ResendEmailVerification", Email=own)
            call(number, "ResendEmailVerification", Email=shared)
            with service.store.lock:
                tokens = [mail.token for mail in service.store.outbox.entries() if mail.to == own]
            answers = ["Code" not in call(number, "VerifyEmail", Token=token) for token in tokens]
            assert answers == [False, True]

    at_once(work)
    total = sum(results, Counter())
    own, shared = THREADS * 25, 25
    mails = service.store.outbox.entries()
    assert total["SubmitSuccessList"] == own + shared
    assert total["SubmitExistList"] == own - shared
    assert total["ResendSuccessList"] == 2 * own
    assert len(mails) == len({mail.token for mail in mails}) == len({mail.id for mail in mails}) == own + shared + 2 * own
    assert [mail.sequence for mail in mails] == sorted({mail.sequence for mail in mails})
    everything = [request_id for each in request_ids for request_id in each]
    assert len(everything) == len(set(everything))
    records = list(service.store.account(None).records())
    assert Counter(record.verification_status for record in records) == {1: own, 0: shared}


@pytest.mark.usefixtures("frequent_switches")
def test_forty_threads_share_a_limit_exactly() -> None:
    api = make_api(scenario("limits: {sends_per_address_per_day: 10}\naddresses: {jo@example.com: pending}"))
    outcomes: list[str] = []
    at_once(lambda number: outcomes.extend(api.lists("ResendEmailVerification", "jo@example.com")))
    assert Counter(outcomes) == {"SuccessList": 10, "FailList": 30}


KEY = "accounts: {default: {access_keys: [{id: testid, secret: testsecret}]}}"


@pytest.mark.slow
@pytest.mark.usefixtures("frequent_switches")
def test_scenario_is_loaded_while_forty_threads_make_signed_calls() -> None:
    with_key, without = scenario(f"authentication: strict\n{KEY}"), scenario("authentication: strict")
    api = make_api(with_key)
    codes: Counter[str] = Counter()

    def work(number: int) -> None:
        for turn in range(20):
            if number == 0:
                api.store.load(with_key if turn % 2 else without)
                continue
            reply = api.send(signed(SignatureNonce=f"{number}-{turn}"))
            codes["OK" if reply.status == 200 else error_of(reply)[1]] += 1

    at_once(work)
    assert set(codes) <= {"OK", "InvalidAccessKeyId.NotFound"}


@pytest.mark.usefixtures("frequent_switches")
def test_forty_threads_use_a_nonce_once() -> None:
    api = make_api(scenario(f"authentication: strict\n{KEY}"))
    outcomes: list[int] = []
    at_once(lambda number: outcomes.append(api.send(signed()).status))
    assert Counter(outcomes) == {200: 1, 400: 39}


@pytest.mark.usefixtures("frequent_switches")
def test_forty_threads_use_a_token_once(empty: Api) -> None:
    empty.lists("SubmitEmailVerification", "jo@example.com")
    (mail,) = empty.store.outbox.entries()
    outcomes: list[bool] = []
    at_once(lambda number: outcomes.append("Code" in empty.json("VerifyEmail", Token=mail.token)))
    assert Counter(outcomes) == {False: 1, True: 39}


def test_entry_put_for_all_accounts_is_shared_by_them(empty: Api) -> None:
    for key in ("one", "two"):
        empty.store.account(key)
    empty.store.put_address(loader.load_address(b"verified", "jo@example.com", file="put"))
    books = {id(empty.store.account(key).addresses) for key in (None, "one", "two", "to-come")}
    assert len(books) == 1
