"""How accounts start from a scenario: record times, clock, seed and literal stars."""

from __future__ import annotations

import pytest
from alimock.api.http import HttpRequest
from alimock.api.service import Service
from alimock.state.store import Store
from conftest import make_api, scenario
from scenario_errors import error

RECORD_TIMES = ("GmtCreate", "GmtModified", "TokenSendTime", "VerificationTime")


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("pending", ["2026-01-01 08:00:00"] * 3 + [None]),
        ("verified", ["2026-01-01 08:00:00"] * 4),
        ("expired", ["2025-12-28 08:00:00"] * 3 + [None]),
        ("{status: verified, verification_time: 2020-01-02 00:00:00}", ["2020-01-02 00:00:00"] * 4),
        ("{status: pending, gmt_create: 2020-01-01 00:00:00, token_send_time: 2020-01-02 00:00:00}",
         ["2020-01-01 00:00:00", "2020-01-02 00:00:00", "2020-01-02 00:00:00", None]),
        ("{status: verified, gmt_create: 2020-01-01 00:00:00, verification_time: 2020-01-03 00:00:00}",
         ["2020-01-01 00:00:00", "2020-01-03 00:00:00", "2020-01-01 00:00:00", "2020-01-03 00:00:00"]),
    ],
)  # fmt: skip
def test_missing_times_of_a_record_are_derived(entry: str, expected: list[str | None]) -> None:
    body = make_api(scenario(f"addresses: {{jo@example.com: {entry}}}")).json("QueryEmailVerification", Email="jo@example.com")
    assert [body.get(name) for name in RECORD_TIMES] == expected


def test_frozen_clock_does_not_advance() -> None:
    api = make_api(scenario("clock: 2019-02-19 16:38:07"))
    api.time.now += 1_000
    api.lists("SubmitEmailVerification", "jo@example.com")
    assert api.json("QueryEmailVerification", Email="jo@example.com")["GmtCreate"] == "2019-02-19 16:38:07"


def test_status_without_a_standard_reason_phrase_is_sent() -> None:
    api = make_api(scenario("codes: {Throttling: {status: 499}}\nfaults: [{error: Throttling}]"))
    assert api.call("ListEmailVerification").status == 499


def test_star_in_an_exact_address_is_literal() -> None:
    api = make_api(scenario('addresses: {"o*@example.com": {status: verified, exact: true}}'))
    assert api.code("QueryEmailVerification", Email="other@example.com") == "ParameterIllegal"
    assert api.json("QueryEmailVerification", Email="o*@example.com")["VerificationStatus"] == 1


def test_clock_can_run_from_a_given_time() -> None:
    api = make_api(scenario("clock: {now: 2019-02-19 16:38:07, frozen: false}"))
    api.time.now += 60
    api.lists("SubmitEmailVerification", "jo@example.com")
    assert api.json("QueryEmailVerification", Email="jo@example.com")["GmtCreate"] == "2019-02-19 16:39:07"
    assert scenario("clock: {now: 2019-02-19 16:38:07}").clock_runs is False
    assert error("clock: {frozen: false}").endswith("found no `now`, expected `now:` with a time like 2019-02-19 16:38:07 (UTC+8)")


def test_seed_repeats_every_id_number_and_token() -> None:
    def life(text: str) -> list[object]:
        api = make_api(scenario(f"clock: 2024-05-01 09:30:00\n{text}"))
        api.store.load(api.store.scenario)
        seen: list[object] = []
        for _ in range(2):
            seen += [api.call("SubmitEmailVerification", Email=email) for email in ("a@example.com", "b@example.com", "a@x")]
            seen += [api.call("NoSuchAction"), api.call("ListEmailVerification", Format="JSON")]
            seen += [(mail.id, mail.token) for mail in api.store.outbox.entries()]
            api.store.reset()
        return seen

    same, other = life("seed: one"), life("seed: two")
    assert same == life("seed: one")
    assert same[:7] == same[7:]
    assert not set(map(str, same)) & set(map(str, other))


def test_without_a_seed_nothing_repeats() -> None:
    worlds = [Service(Store(scenario())) for _ in range(2)]
    ids = {
        dict(service.handle(HttpRequest("GET", "Action=x&Version=2018-01-29", {}, b"", "")).headers)["ETag"] for service in worlds
    }
    assert len(ids) == 2
