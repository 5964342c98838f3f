"""The emulator in the process of a test, and one in another process: the same client, so the same tests."""

from __future__ import annotations

import asyncio
import gc
import json
import re
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path
from urllib.parse import urlencode

import pytest
from alibabacloud_domain20180129 import models
from alibabacloud_domain20180129.client import Client as Sdk
from alibabacloud_tea_openapi.utils_models import Config
from alimock import Client, Emulator, EmulatorError, ScenarioError, WaitTimeout
from alimock.client import connection
from alimock.scenario import loader
from alimock.state.limits import StateLimits
from alimock.testing.report import failure_report
from alimock.testing.strict import violations
from conftest import Running, serve

# The SDK's own, from Python 3.12 on.
pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")

SUBMIT, RESEND, QUERY, DELETE = (
    "SubmitEmailVerification",
    "ResendEmailVerification",
    "QueryEmailVerification",
    "DeleteEmailVerification",
)
JO = "jo@example.com"


def call(client: Client, action: str, **parameters: str) -> dict[str, object]:
    """Call the emulated API with the client's key, unsigned."""
    common = {"Action": action, "Version": "2018-01-29", "Format": "JSON", "AccessKeyId": client.access_key_id}
    try:
        with urllib.request.urlopen(f"{client.url}/?{urlencode({**common, **parameters})}") as response:
            answer: dict[str, object] = json.load(response)
    except urllib.request.HTTPError as error:
        with error:
            answer = json.load(error)
    return answer


def sdk(client: Client, secret: str | None = None) -> Sdk:
    return Sdk(
        Config(
            endpoint=client.endpoint,
            protocol="http",
            access_key_id=client.access_key_id,
            access_key_secret=secret or client.access_key_secret,
        )
    )


@pytest.fixture(scope="module")
def sidecar() -> Iterator[str]:
    """The URL of an emulator in another process."""
    command = [sys.executable, "-m", "alimock", "serve", "--port", "0", "--log-level", "error"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        found = re.search(r"http://\S+", process.stdout.readline())
        assert found is not None
        try:
            yield found[0]
        finally:
            process.terminate()


@pytest.fixture(params=["in process", "other process"])
def emulator(request: pytest.FixtureRequest) -> Iterator[Client]:
    if request.param == "in process":
        with Emulator() as started:
            yield started
    else:
        with Emulator.connect(request.getfixturevalue("sidecar")).new_account() as account:
            yield account


def test_client_has_the_endpoint_and_the_access_key(emulator: Client) -> None:
    assert emulator.url == f"http://{emulator.endpoint}"
    answer = sdk(emulator).query_email_verification(models.QueryEmailVerificationRequest(email="abc@aliyun.com"))
    assert answer.body.verification_status == 1
    (seen,) = emulator.calls.list()
    assert (seen.access_key_id, seen.authentication, seen.signature) == (emulator.access_key_id, "checked", "ACS3-HMAC-SHA256")


def test_wrong_secret_is_rejected(emulator: Client) -> None:
    with pytest.raises(Exception, match="Specified signature does not match"):
        sdk(emulator, "wrong").query_email_verification(models.QueryEmailVerificationRequest(email="abc@aliyun.com"))


def test_mail_has_a_token_and_bodies(emulator: Client) -> None:
    call(emulator, SUBMIT, Email=f"{JO},al@example.com")
    message = emulator.outbox.wait(to=JO)
    assert (message.to, message.action, message.token_state, message.lang) == (JO, SUBMIT, "open", "en")
    assert message.link == f"{emulator.url}/verify?token={message.token}"
    assert message.link in emulator.outbox.text(message)
    assert f'href="{message.link}"' in emulator.outbox.html(message)
    assert f"To: {JO}\r\n".encode() in emulator.outbox.raw(message)
    assert abs(message.received - datetime.now(timezone.utc)) < timedelta(minutes=1)
    assert call(emulator, "VerifyEmail", Token=message.token).keys() == {"RequestId"}
    assert [one.token_state for one in emulator.outbox.messages(to=JO)] == ["used"]


def test_mails_are_filtered_and_deleted(emulator: Client) -> None:
    emulator.clock.freeze("2024-05-01 09:30:00")
    call(emulator, SUBMIT, Email=JO)
    emulator.clock.advance("1h")
    call(emulator, RESEND, Email=JO)
    call(emulator, SUBMIT, Email="al@example.com")
    messages = emulator.outbox.messages
    assert [one.to for one in messages()] == ["al@example.com", JO, JO]
    assert [one.action for one in messages(to=JO.upper())] == [RESEND, SUBMIT]
    assert [one.action for one in messages(action=RESEND)] == [RESEND]
    assert len(messages(text="AL@EXAMPLE")) == 1
    assert [one.action for one in messages(until=datetime(2024, 5, 1, 10))] == [SUBMIT]
    assert len(messages(since=datetime(2024, 5, 1, 2, tzinfo=timezone.utc))) == 2
    oldest = messages()[-1]
    assert [one.action for one in messages(after=oldest.sequence)] == [RESEND, SUBMIT]
    assert oldest.created == datetime(2024, 5, 1, 1, 30, tzinfo=timezone.utc)
    assert emulator.outbox.clear(to=JO) == 2
    assert emulator.outbox.clear() == 1
    assert messages() == []


def test_wait_returns_a_mail_that_arrives_later(emulator: Client) -> None:
    call(emulator, SUBMIT, Email=JO)
    first = emulator.outbox.wait(to=JO)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(emulator.outbox.wait, to=JO, after=first.sequence)
        call(emulator, RESEND, Email=JO)
        assert waiting.result(10).action == RESEND


def test_several_mails_and_calls_are_awaited(emulator: Client) -> None:
    with ThreadPoolExecutor(3) as pool:
        mails = pool.submit(emulator.outbox.wait, count=3, after=0)
        later = pool.submit(lambda: asyncio.run(emulator.outbox.wait_async(count=2, action=RESEND, after=0)))
        calls = pool.submit(emulator.calls.wait, count=2, action=SUBMIT)
        call(emulator, SUBMIT, Email=f"{JO},al@example.com")
        for email in (JO, "al@example.com"):
            call(emulator, RESEND, Email=email)
        call(emulator, SUBMIT, Email="lu@example.com")
        assert [one.action for one in mails.result(10)] == [SUBMIT, SUBMIT, RESEND]
        assert [one.to for one in later.result(10)] == [JO, "al@example.com"]
        assert [one.code for one in calls.result(10)] == ["OK", "OK"]
    assert [one.action for one in asyncio.run(emulator.calls.wait_async(count=1, action=RESEND))] == [RESEND]
    with pytest.raises(WaitTimeout, match="Timed out after 0 s; found 5 of 6 matching mails: "):
        emulator.outbox.wait(count=6, timeout=0)


def test_quiet_wait_succeeds_without_mails_and_calls(emulator: Client) -> None:
    emulator.outbox.wait_quiet(0.02)
    emulator.calls.wait_quiet(0.02)
    call(emulator, SUBMIT, Email=JO)
    emulator.outbox.wait_quiet(0.02, to="al@example.com")
    emulator.calls.wait_quiet(0.02, action=RESEND)
    asyncio.run(emulator.outbox.wait_quiet_async(0.02, after=emulator.outbox.wait().sequence))
    asyncio.run(emulator.calls.wait_quiet_async(0.02, after=emulator.calls.wait().sequence))


def test_quiet_wait_names_what_arrived(emulator: Client) -> None:
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(emulator.outbox.wait_quiet, 60, to=JO)
        call(emulator, SUBMIT, Email=JO)
        with pytest.raises(EmulatorError, match=f"^Unexpected mail: {SUBMIT} to {JO}. Expected no mail for 60 s") as caught:
            waiting.result(10)
    assert not isinstance(caught.value, WaitTimeout)
    with pytest.raises(EmulatorError, match=f"^Unexpected call: {SUBMIT} OK"):
        asyncio.run(emulator.calls.wait_quiet_async(60))


def test_link_is_the_same_from_wait_and_wait_async(emulator: Client) -> None:
    call(emulator, SUBMIT, Email=JO)
    message = emulator.outbox.wait(to=JO)
    assert asyncio.run(emulator.outbox.wait_async(to=JO)) == message
    with urllib.request.urlopen(message.link) as page:
        assert page.status == 200
    assert emulator.outbox.text(message.id) == emulator.outbox.text(message)


def test_wait_that_times_out_lists_what_did_not_match(emulator: Client) -> None:
    call(emulator, SUBMIT, Email=JO)
    with pytest.raises(WaitTimeout, match=f"Timed out after 0.01 s; no match among: {SUBMIT} to {JO}"):
        emulator.outbox.wait(to="al@example.com", after=0, timeout=0.01)
    with pytest.raises(TimeoutError, match="Timed out after 0 s"):
        emulator.calls.wait(action=DELETE, timeout=0)


def test_async_waits_do_not_block_the_event_loop(emulator: Client) -> None:
    async def life() -> None:
        waiting = [asyncio.create_task(emulator.outbox.wait_async(to=f"{number}@example.com", after=0)) for number in range(20)]
        seen = asyncio.create_task(emulator.calls.wait_async(action=SUBMIT, after=0))
        emails = ",".join(f"{number}@example.com" for number in range(20))
        await asyncio.to_thread(call, emulator, SUBMIT, Email=emails)
        assert [message.to for message in await asyncio.gather(*waiting)] == emails.split(",")
        assert (await seen).code == "OK"
        with pytest.raises(WaitTimeout):
            await emulator.outbox.wait_async(to=JO, timeout=0)

    asyncio.run(life())


def test_canceled_wait_ends_at_once(emulator: Client) -> None:
    async def life() -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(emulator.outbox.wait_async(timeout=60), 0.05)

    started = time.monotonic()
    asyncio.run(life())
    assert time.monotonic() - started < 30


def test_calls_are_listed_counted_and_awaited(emulator: Client) -> None:
    call(emulator, SUBMIT, Email=f"{JO},test2@aliyun.com")
    call(emulator, "VerifyEmail", Token="made-up")
    verify, submit = emulator.calls.list()
    assert (submit.code, verify.code, verify.status) == ("OK", "ParameterIllegal", 400)
    assert [(one.email, one.outcome, one.decided_by) for one in submit.outcomes] == [
        (JO, "success", "rule new-address"),
        ("test2@aliyun.com", "ParameterIllegall", "default.yaml:20"),
    ]
    assert submit.messages == (emulator.outbox.wait().id,)
    assert (emulator.calls.count(), emulator.calls.count(status=400), emulator.calls.count(email=JO)) == (2, 1, 1)
    assert emulator.calls.wait(code="ParameterIllegal") == verify
    assert emulator.calls.list(after=submit.sequence) == [verify]


def test_addresses_are_set_read_and_deleted(emulator: Client) -> None:
    emulator.addresses.put(JO, "verified")
    emulator.addresses.put("*@late.example.com", {"outcome": "expired"})
    found = emulator.addresses.get(JO)
    assert found is not None
    assert (found.email, found.status, found.outcome, found.decided_by) == (
        JO,
        "verified",
        "verified",
        f"PUT /_alimock/addresses/{JO}",
    )
    assert isinstance(found.gmt_create, datetime)
    assert JO in [one.email for one in emulator.addresses.list()]
    emulator.addresses.delete(JO)
    assert emulator.addresses.get(JO) is None
    with pytest.raises(EmulatorError, match="found `verifid`, expected one of verified, "):
        emulator.addresses.put(JO, "verifid")


def test_fault_is_disabled_and_enabled(emulator: Client) -> None:
    emulator.faults.put("busy", {"error": "Throttling.User"})
    for change, enabled in ((emulator.faults.disable, False), (emulator.faults.enable, True)):
        change("busy")
        assert [fault.enabled for fault in emulator.faults.list()] == [enabled]
    with pytest.raises(EmulatorError, match="Fault 'none' not found"):
        emulator.faults.disable("none")


def test_faults_are_set_fired_and_deleted(emulator: Client) -> None:
    emulator.faults.put("busy", {"error": "Throttling.User", "times": 1})
    assert call(emulator, QUERY, Email=JO)["Code"] == "Throttling.User"
    assert call(emulator, QUERY, Email=JO)["Code"] == "ParameterIllegal"
    assert [(fault.id, fault.hits) for fault in emulator.faults.list()] == [("busy", 1)]
    assert emulator.faults.list(unused=True) == []
    emulator.faults.delete("busy")
    assert emulator.faults.list() == []


def test_clock_is_frozen_advanced_and_resumed(emulator: Client) -> None:
    utc_plus_8 = timezone(timedelta(hours=8))
    assert emulator.clock.freeze(datetime(2024, 5, 1, 1, 30, tzinfo=timezone.utc)) == datetime(2024, 5, 1, 9, 30, tzinfo=utc_plus_8)
    assert emulator.clock.advance("1d12h") == datetime(2024, 5, 2, 21, 30, tzinfo=utc_plus_8)
    assert emulator.clock.advance(timedelta(minutes=5)) == emulator.clock.now() == datetime(2024, 5, 2, 21, 35, tzinfo=utc_plus_8)
    assert emulator.clock.resume() - emulator.clock.now() < timedelta(minutes=1)
    assert emulator.clock.freeze() == emulator.clock.now()


def test_advancing_the_clock_expires_a_link(emulator: Client) -> None:
    call(emulator, SUBMIT, Email=JO)
    emulator.clock.advance("3d")
    assert emulator.outbox.wait(to=JO).token_state == "expired"


@pytest.mark.parametrize(
    "scenario",
    [
        "late.yaml",
        "./late",
        "./late.yaml,empty",
        Path("late.yaml"),
        Path("late"),
        {"addresses": {JO: {"status": "verified", "verification_time": datetime(2024, 5, 1, 9, 30)}}},
    ],
    ids=["name", "stem", "names", "path", "stem of a path", "mapping"],
)
def test_scenario_is_loaded_from_a_name_a_path_or_a_mapping(
    emulator: Client, scenario: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    entry = f"  {JO}: {{status: verified, verification_time: 2024-05-01 09:30:00}}\n"
    (tmp_path / "late.yaml").write_text(f"alimock: 1\naddresses:\n{entry}")
    emulator.load(scenario)  # type: ignore[arg-type]
    assert call(emulator, QUERY, Email=JO)["VerificationTime"] == "2024-05-01 09:30:00"
    assert emulator.addresses.get("abc@aliyun.com") is None
    location = "the scenario given" if isinstance(scenario, dict) else "late.yaml:3"
    assert emulator.calls.list()[0].outcomes[0].decided_by == location


def test_scenario_is_merged_into_the_loaded_one(emulator: Client) -> None:
    emulator.load({"addresses": {JO: "verified"}}, over=True)
    call(emulator, DELETE, Email=JO)
    emulator.reset()
    assert call(emulator, QUERY, Email=JO)["VerificationStatus"] == 1
    assert call(emulator, QUERY, Email="abc@aliyun.com")["VerificationStatus"] == 1


def test_file_can_be_extended_by_several_files(emulator: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.yaml").write_text("alimock: 1\nextends: ../base.yaml\n")
    (tmp_path / "base.yaml").write_text(f"alimock: 1\naddresses: {{{JO}: verified}}\n")
    (tmp_path / "link.yaml").symlink_to("base.yaml")
    emulator.load("a/x.yaml,b/x.yaml,./link.yaml")
    assert call(emulator, QUERY, Email=JO)["VerificationStatus"] == 1


def test_merged_scenario_refers_to_the_stubs_and_faults_of_the_loaded_one(emulator: Client) -> None:
    emulator.load({"stubs": {"QueryDomainList": {"Data": "x"}}, "faults": [{"delay": "1ms"}]})
    emulator.load({"faults": [{"id": "1", "when": {"action": "QueryDomainList"}, "error": "Throttling"}]}, over=True)
    assert [fault.id for fault in emulator.faults.list()] == ["1", "2"]
    assert emulator.calls.count(action="QueryDomainList") == 0


def test_reset_can_unload_the_loaded_scenario(emulator: Client) -> None:
    emulator.load("empty")
    emulator.load({"addresses": {JO: "verified"}}, over=True)
    emulator.reset(unload=True)
    assert emulator.addresses.get(JO) is None
    assert emulator.addresses.get("abc@aliyun.com") is not None


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda one: one.load(5), "found the scenario 5, expected a name, a path or a mapping"),
        (lambda one: one.load({("a",): 1}), "the scenario given: keys must be"),
        (lambda one: one.new_account(access_key_secret="s"), "found an access_key_secret without an access_key_id"),
        (lambda one: one.new_account(" ", "s"), "access_key_id: found ' ', expected a non-empty string"),
        (lambda one: one.new_account(7, "s"), "access_key_id: found 7, expected a non-empty string"),
        (lambda one: Emulator(access_key_secret="s"), "found an access_key_secret without an access_key_id"),
    ],
)
def test_invalid_arguments_are_rejected(emulator: Client, act: Callable[[Client], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        act(emulator)


@pytest.mark.parametrize(
    ("filters", "hint"),
    [
        ({"action": "SubmitEmailVerifcation"}, "Did you mean SubmitEmailVerification"),
        ({"code": "ParameterIlegal"}, "Did you mean ParameterIllegal"),
        ({"outcome": "quota-exceeded"}, "Did you mean SendTokenQuotaExceeded"),
    ],
)
def test_misspelled_filter_is_rejected_with_a_suggestion(emulator: Client, filters: dict[str, str], hint: str) -> None:
    with pytest.raises(EmulatorError, match=hint):
        emulator.calls.count(**filters)  # type: ignore[arg-type]
    call(emulator, "NoSuchAction")
    assert emulator.calls.count(action="NoSuchAction") == 1


def test_invalid_scenario_is_rejected_and_changes_nothing(emulator: Client) -> None:
    call(emulator, SUBMIT, Email=JO)
    with pytest.raises(ScenarioError, match="the scenario given:2:1: found the unknown key `adresses`, expected `addresses`"):
        emulator.load({"adresses": {}})
    with pytest.raises(ScenarioError, match="no such scenario"):
        emulator.load("no-such")
    assert len(emulator.outbox.messages()) == 1


def test_loading_keys_that_apply_to_a_whole_emulator_warns(emulator: Client) -> None:
    with pytest.warns(UserWarning, match="ignored authentication, which applies to a whole emulator") as caught:
        emulator.load({"authentication": "strict"})
    assert caught[0].filename == __file__


def test_reset_empties_outbox_call_log_and_faults(emulator: Client) -> None:
    call(emulator, SUBMIT, Email=JO)
    emulator.faults.put("busy", {"error": "Throttling.User"})
    emulator.reset()
    assert (emulator.outbox.messages(), emulator.calls.list(), emulator.faults.list()) == ([], [], [])


def test_client_whose_key_is_already_deleted_can_be_closed(emulator: Client) -> None:
    first = emulator.new_account("app", "secret")
    second = emulator.new_account("app", "other-secret")
    first.close()
    second.close()


def test_new_accounts_are_isolated_and_deleted_when_closed(emulator: Client) -> None:
    with emulator.new_account() as one, emulator.new_account() as two:
        call(one, SUBMIT, Email=JO)
        assert (len(one.outbox.messages()), two.outbox.messages(), emulator.outbox.messages()) == (1, [], [])
        assert len({one.access_key_id, two.access_key_id, emulator.access_key_id}) == 3
        with pytest.raises(Exception, match="Specified signature does not match"):
            sdk(one, "wrong").submit_email_verification(models.SubmitEmailVerificationRequest(email=JO))
    assert one.outbox.messages() == []
    one.close()


def test_new_account_uses_the_key_of_an_application(emulator: Client) -> None:
    with emulator.new_account("app", "hush") as app:
        assert (app.access_key_id, app.access_key_secret) == ("app", "hush")
        with emulator.new_account("app") as again:
            assert again.access_key_secret == "hush"
        assert emulator.new_account("unregistered").access_key_secret == ""
        call(app, SUBMIT, Email=JO)
        assert len(again.outbox.messages()) == 1


def test_unknown_account_is_rejected(emulator: Client) -> None:
    with pytest.raises(EmulatorError, match="no account `shop`"):
        emulator.account("shop")
    assert emulator.account("default").access_key_id == "testid"


def test_accounts_of_the_scenario_are_found_by_name() -> None:
    keys = [{"id": "a", "secret": "s", "status": "inactive"}, {"id": "b", "secret": "t"}]
    with Emulator({"accounts": {"shop": {"access_keys": keys}, "kiosk": {}}}) as emulator:
        shop, kiosk = emulator.account("shop"), emulator.account("kiosk")
        assert (shop.access_key_id, shop.access_key_secret) == ("b", "t")
        call(kiosk, SUBMIT, Email=JO)
        assert len(kiosk.outbox.messages()) == 1
        with urllib.request.urlopen(f"{emulator.url}/?Action={SUBMIT}&Version=2018-01-29&Email={JO}"):
            assert len(emulator.outbox.messages()) == 1
        call(Client(emulator.url, "seen", ""), SUBMIT, Email=JO)
        assert emulator.account("key:seen").access_key_id == "seen"


def test_account_uses_an_unrestricted_key() -> None:
    keys = [
        {"id": "old", "secret": "s", "security_token": "t", "expires": "2019-01-01 00:00:00"},
        {"id": "limited", "secret": "s", "permissions": []},
        {"id": "good", "secret": "s"},
    ]
    with Emulator({"accounts": {"default": {"access_keys": keys}}}) as emulator:
        assert emulator.access_key_id == "good"


def test_merged_entry_replaces_the_entry_of_the_account() -> None:
    partner = {"access_keys": [{"id": "p", "secret": "s"}], "addresses": {JO: "verified"}}
    with Emulator({"accounts": {"partner": partner}}) as emulator:
        account = emulator.account("partner")
        account.load({"addresses": {JO: "pending"}}, over=True)
        assert call(account, QUERY, Email=JO)["VerificationStatus"] == 0


def test_concurrent_merges_keep_all_entries() -> None:
    many = {f"{number}@example.com": "verified" for number in range(3_000)}
    with Emulator({"addresses": many}) as emulator, ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda letter: emulator.load({"addresses": {f"{letter}@example.com": "verified"}}, over=True), "abcd"))
        assert all(emulator.addresses.get(f"{letter}@example.com") for letter in "abcd")


def test_exported_scenario_can_be_loaded() -> None:
    with Emulator() as emulator:
        emulator.load(emulator.connection.send("GET", "scenario"))
        assert call(emulator, QUERY, Email="abc@aliyun.com")["VerificationStatus"] == 1


@pytest.mark.slow
def test_program_exits_without_stopping_its_emulator() -> None:
    code = "from alimock import Emulator; emulator = Emulator().start(); emulator.calls.count(); print('end', flush=True); raise SystemExit(3)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout) == (3, "end\n")


def test_report_and_strict_mode_cover_several_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "PAGE", 2)
    with Emulator() as emulator:
        for number in range(7):
            call(emulator, QUERY, Email=f"{number}@example.com")
        lines = failure_report(emulator, emulator.connection, 0)
        assert [line.partition("Email=")[2].partition("@")[0] for line in lines] == [str(number) for number in range(7)]
        assert len(violations(emulator.connection, emulator.connection, 0, ["ParameterIllegal"])) == 7


def test_evicted_calls_are_reported() -> None:
    for running in serve(loader.load("default"), state_limits=StateLimits(max_entries_per_account=3)):
        emulator = Emulator.connect(running.url)
        for number in range(7):
            call(emulator, QUERY, Email=f"{number}@example.com")
        assert violations(emulator.connection, emulator.connection, 0, [])[0].startswith("the oldest calls were evicted")
        assert failure_report(emulator, emulator.connection, 0)[0] == "(the oldest events were evicted)"


def test_control_characters_in_requests_do_not_break_the_report() -> None:
    with Emulator() as emulator:
        call(emulator, "Li\nst\x1b[31m", **{"Em\nail": "a\nb"})
        call(emulator, QUERY, **{"Em\n\x1b[31mail": "x" * 500})
        assert all(line.isprintable() and len(line) < 800 for line in failure_report(emulator, emulator.connection, 0))


def test_emulator_uses_the_key_of_an_application() -> None:
    with Emulator(access_key_id="app", access_key_secret="hush") as emulator:
        sdk(emulator).submit_email_verification(models.SubmitEmailVerificationRequest(email=JO))
        assert [message.access_key_id for message in emulator.outbox.messages()] == ["app"]


def test_profile_and_auth_take_the_values_of_serve() -> None:
    with Emulator(profile="docs-2021", auth="strict") as emulator:
        assert call(emulator, SUBMIT, Email=JO)["Code"] == "MissingSignature"
    with pytest.raises(ValueError, match=r"^profile: found `docs-2022`, expected one of current, docs-2021, docs-2018"):
        Emulator(profile="docs-2022")
    with pytest.raises(ScenarioError, match="no such scenario"):
        Emulator("no-such")


def test_emulators_are_independent() -> None:
    with Emulator() as one, Emulator() as two:
        call(one, SUBMIT, Email=JO)
        assert one.url != two.url
        assert (len(one.outbox.messages()), two.outbox.messages()) == (1, [])


@pytest.mark.slow
def test_stopped_emulator_leaves_no_thread() -> None:
    before = threading.active_count()
    for _ in range(3):
        emulator = Emulator().start()
        call(emulator, SUBMIT, Email=JO)
        emulator.stop()
        emulator.stop()
        with pytest.raises(EmulatorError, match="Cannot reach alimock"):
            emulator.outbox.messages()
    gc.collect()
    assert threading.active_count() == before


def test_stopped_emulator_can_be_started_again() -> None:
    emulator = Emulator()
    for _ in range(2):
        with emulator:
            assert emulator.outbox.messages() == []
            call(emulator, SUBMIT, Email=JO)


def test_access_before_the_start_explains_how_to_start() -> None:
    emulator = Emulator()
    with pytest.raises(AttributeError, match="no `outbox` before the start"):
        _ = emulator.outbox
    with pytest.raises(AttributeError, match="no `outbux`"):
        _ = emulator.outbux  # type: ignore[attr-defined]
    with emulator, pytest.raises(RuntimeError, match="already running"):
        emulator.start()


def test_start_on_a_used_port_raises() -> None:
    with Emulator() as first:
        port = int(first.endpoint.rpartition(":")[2])
        with pytest.raises(OSError, match="already in use"):
            Emulator(port=port).start()


def failing(*_: object, **__: object) -> None:
    raise ZeroDivisionError("internal")


@pytest.mark.parametrize(
    ("function", "path"),
    [("call.authenticate", f"/?Action={QUERY}&Version=2018-01-29"), ("service.Service.follow_link", "/verify?token=x")],
)
def test_exception_in_a_server_thread_is_raised_by_stop(function: str, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"alimock.api.{function}", failing)
    with (
        pytest.raises(EmulatorError, match="Internal error in alimock: ZeroDivisionError") as raised,
        Emulator() as emulator,
    ):
        with pytest.raises(urllib.request.HTTPError) as answer:
            urllib.request.urlopen(emulator.url + path)
        assert answer.value.status == 500
        answer.value.close()
    assert isinstance(raised.value.__cause__, ZeroDivisionError)


def test_exception_of_the_test_is_not_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alimock.api.call.authenticate", failing)
    emulator = Emulator()
    with pytest.raises(urllib.request.HTTPError, match="500") as failed, emulator:
        urllib.request.urlopen(f"{emulator.url}/?Action={QUERY}&Version=2018-01-29")
    failed.value.close()
    with pytest.raises(EmulatorError):
        emulator.check()
    emulator.check()


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "127.0.0.1:2546", "http://[", "http://127.0.0.1:1"])
def test_unreachable_url_is_named(url: str) -> None:
    with pytest.raises(EmulatorError, match=re.escape(url)):
        Emulator.connect(url)


async def wait_at_a_server(answer: bytes) -> None:
    """Wait for a mail at a server that sends one answer to everything."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        await Client(f"http://127.0.0.1:{port}", "", "").outbox.wait_async()


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{]", b"nonsense\r\n\r\n"])
def test_another_server_at_the_url_is_reported_from_asyncio(answer: bytes) -> None:
    with pytest.raises(EmulatorError, match=r"closed the connection|is not alimock"):
        asyncio.run(wait_at_a_server(answer))


def test_proxy_variables_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with Emulator() as emulator:
        assert emulator.outbox.messages() == []


def test_canceled_wait_frees_its_place_in_the_emulator(running: Running) -> None:
    async def life() -> None:
        wait = asyncio.create_task(Client(running.url, "testid", "testsecret").outbox.wait_async(to="jo@example.com", timeout=50))
        while not running.store.waiters.count:
            await asyncio.sleep(0.001)
        wait.cancel()
        while running.store.waiters.count:
            await asyncio.sleep(0.001)

    asyncio.run(asyncio.wait_for(life(), 20))


def test_hint_of_another_type_does_not_hide_the_error() -> None:
    with pytest.raises(EmulatorError, match=r"^m\. 5$"):
        asyncio.run(wait_at_a_server(b'HTTP/1.1 400 Bad Request\r\nContent-Length: 24\r\n\r\n{"message":"m","hint":5}'))
