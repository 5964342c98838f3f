"""State that outlives a process, and one state of several processes."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from alimock.api.http import HttpRequest, HttpResponse
from alimock.app import flask_app
from alimock.backend import Backend
from alimock.persistence import applier, snapshot
from alimock.persistence import replica as replica_module
from alimock.persistence.command_log import START, Appended, CommandLog, Entry, Position, StoredSnapshot
from alimock.persistence.commands import Started, to_text
from alimock.persistence.replica import Replica
from alimock.persistence.snapshot import Snapshot, restore
from alimock.persistence.valkey import ValkeyLog
from alimock.scenario import loader
from alimock.scenario.model import Scenario
from alimock.state.commands import (
    AdvanceClock,
    Conflict,
    DeleteMails,
    LoadScenario,
    MarkMails,
    PutAccessKey,
    PutAddress,
    PutFault,
    ReportScenarioError,
    ResetAccounts,
    SetClock,
    TagMails,
)
from alimock.state.executor import Incompatible, Unavailable
from alimock.state.limits import StateLimits
from alimock.state.log import Event, EventType
from alimock.state.store import Store
from alimock.state.waiters import Interrupted, Waiter
from conftest import Api, make_api, scenario, signed
from persistence.replicas import MemoryLog, digest, replica
from persistence.valkey_server import ValkeyServer
from werkzeug.test import Client, TestResponse

OpenLog = Callable[[], CommandLog]
JO, AL = "jo@example.com", "al@example.com"
RICH = """
seed: a
timestamps: ignored
accounts: {default: {access_keys: [{id: testid, secret: testsecret}]}, shop: {access_keys: [{id: shop, secret: s}], addresses: {own@example.com: verified}}}
addresses: {al@example.com: {outcome: quota-exceeded, times: 1, then: success}, "*@late.example.com": expired, old@example.com: verified}
faults: [{id: f, when: {action: VerifyEmail}, times: 1, error: Throttling.User}]
"""


def use(api: Api) -> None:
    """Change a bit of everything."""
    execute = api.service.executor.execute
    for key in (None, "shop", "own"):
        api.key = key
        api.lists("SubmitEmailVerification", f"{JO},{AL},bo@example.com,x@late.example.com")
        api.lists("ResendEmailVerification", f"{JO},{AL},x@late.example.com")
        api.lists("DeleteEmailVerification", "bo@example.com,old@example.com")
        api.json("VerifyEmail", Token=api.store.outbox.entries()[-1].token)
        api.json("VerifyEmail", Token=api.store.outbox.entries()[-1].token)
        api.time.now += 3600
    api.key = None
    api.send(signed(SignatureNonce="used"))
    mails = [mail.sequence for mail in api.store.outbox.entries()]
    execute(AdvanceClock(86_400, "shop"))
    execute(SetClock(1_600_000_000, True, "own"))
    execute(PutAddress(loader.load_address(b"{status: pending, token: abc}", "put@example.com", file="put")))
    execute(PutAddress(loader.load_address(b"quota-exceeded", "*@put.example.com", file="put"), "shop"))
    execute(PutFault(loader.load_fault(b"{error: Throttling.User, times: 1, after: 5}", "g", (), file="put"), "own"))
    execute(PutAccessKey(loader.load_access_key(b"{secret: x, permissions: []}", "new", "", file="put")))
    execute(MarkMails(tuple(mails[:2]), read=True))
    execute(TagMails(tuple(mails[1:3]), ("a", "b")))
    execute(DeleteMails(tuple(mails[3:4])))
    execute(ReportScenarioError("case.yaml:1: oh"))
    execute(SetClock(frozen=True))
    api.service.follow_link("abc", "192.0.2.9")
    api.call("NoSuchAction")


@pytest.mark.parametrize("is_clean", [True, False], ids=["stopped", "killed"])
def test_everything_is_there_after_a_restart(open_log: OpenLog, is_clean: bool) -> None:
    log = open_log()
    api = replica(log, scenario(RICH))
    use(api)
    before, views = digest(api), shown(api)
    if is_clean:
        api.service.executor.close()
    else:
        log.close()
    again = replica(open_log(), scenario(RICH))
    assert Snapshot(again.store).digest() == before
    again.time.now = api.time.now
    assert shown(again) == views
    # A nonce is remembered, and so is a fault that has fired.
    assert json.loads(again.send(signed(SignatureNonce="used")).body)["Code"] == "SignatureNonceUsed"


def shown(api: Api) -> dict[str, Any]:
    """Return what the control API and Mailpit's API show, but for durations."""
    paths = (
        "accounts",
        "addresses",
        "faults",
        "outbox",
        "access-keys?secrets=true",
        "calls",
        "changes",
        "clock",
        "scenario?state=current",
    )
    views = {path: json.loads(get(api, f"/_alimock/{path}").data) for path in paths}
    for call in views["calls"]["calls"]:
        del call["duration_ms"]
    return {**views, "mailpit": json.loads(get(api, "/api/v1/messages").data)}


def client(api: Api) -> Client:
    return Client(flask_app(Backend(api.service)))


def get(api: Api, path: str) -> TestResponse:
    return client(api).get(path, headers={"Host": "localhost"})


def test_objects_that_accounts_share_are_shared_after_a_restart(open_log: OpenLog) -> None:
    log = open_log()
    api = replica(log, scenario("addresses: {jo@example.com: verified}"))
    for key in ("one", "two", "three"):
        api.key = key
        api.json("QueryEmailVerification", Email=JO)
    api.service.executor.execute(PutAddress(loader.load_address(b"pending", AL, file="put")))
    api.service.executor.close()
    again = replica(open_log(), scenario("addresses: {jo@example.com: verified}"))
    accounts = list(again.store.accounts.values())
    assert len(accounts) == 4
    assert len({id(account.addresses) for account in accounts}) == 1
    assert len({id(account.scenario) for account in accounts}) == len(
        {id(account.scenario) for account in api.store.accounts.values()}
    )


def started(log: CommandLog, loaded: Scenario, **limits: int) -> str:
    executor = Replica(Store(loaded, limits=StateLimits(**limits)), log)
    message = executor.start()
    executor.close()
    return message


def test_start_says_what_was_restored(open_log: OpenLog) -> None:
    log = open_log()
    assert started(log, scenario()) == f"new state in {log.name}"
    api = replica(open_log())
    api.lists("SubmitEmailVerification", f"{JO},{AL}")
    api.service.executor.close()
    assert started(open_log(), scenario()) == f"restored 1 account, 2 mails from {log.name}"


def test_changed_scenario_is_loaded_and_said_so(open_log: OpenLog) -> None:
    api = replica(open_log())
    api.lists("SubmitEmailVerification", JO)
    api.service.executor.close()
    log, other = open_log(), scenario("addresses: {al@example.com: verified}")
    assert started(log, other) == f"the scenario has changed, so everything started again in {log.name}"
    again = replica(open_log(), other)
    assert again.json("QueryEmailVerification", Email=AL)["VerificationStatus"] == 1
    assert not again.store.outbox.entries()


def test_scenario_that_was_loaded_at_run_time_is_kept(open_log: OpenLog) -> None:
    api = replica(open_log())
    api.service.executor.execute(LoadScenario(scenario("addresses: {al@example.com: verified}")))
    api.service.executor.close()
    again = replica(open_log())
    assert again.json("QueryEmailVerification", Email=AL)["VerificationStatus"] == 1


def test_scenario_of_the_settings_is_loaded_once(open_log: OpenLog) -> None:
    api, changed = replica(open_log()), scenario("addresses: {al@example.com: verified}")
    api.service.executor.load(changed)
    api.lists("SubmitEmailVerification", JO)
    api.service.executor.load(scenario("addresses: {al@example.com: verified} # A comment."))
    assert len(api.store.outbox) == 1


def test_snapshots_bound_what_is_applied_at_a_start(open_log: OpenLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(applier, "SNAPSHOT_COMMANDS", 5)
    log = open_log()
    api = replica(log)
    for number in range(12):
        api.lists("SubmitEmailVerification", f"{number}@example.com")
        wait_for_snapshots()
    before = digest(api)
    assert len(log.append(START, ()).entries) <= 5
    log.close()
    assert digest(replica(open_log())) == before


def wait_for_snapshots() -> None:
    for thread in threading.enumerate():
        if thread.name == "alimock snapshot":
            thread.join(10)


@pytest.mark.parametrize(
    ("version", "limits", "found"),
    [
        ("0.0.1", {}, "written by alimock 0.0.1, and this is alimock "),
        (None, {"max_entries": 7}, "written by max_entries=7, and this is max_entries=50000"),
    ],
)
def test_commands_of_another_version_or_with_other_limits_are_refused(
    open_log: OpenLog, monkeypatch: pytest.MonkeyPatch, version: str | None, limits: dict[str, int], found: str
) -> None:
    with monkeypatch.context() as other:
        if version is not None:
            other.setattr(applier, "__version__", version)
            other.setattr(snapshot, "__version__", version)
        log = open_log()
        api = replica(log, limits=StateLimits(**limits))
        api.lists("SubmitEmailVerification", JO)
        log.close()
    with pytest.raises(Incompatible, match=f"{found}.*Stop every alimock that uses it as it was started"):
        replica(open_log())


def test_state_of_another_version_that_was_stopped_is_used(open_log: OpenLog, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as other:
        other.setattr(applier, "__version__", "0.0.1")
        other.setattr(snapshot, "__version__", "0.0.1")
        api = replica(open_log(), limits=StateLimits(max_entries=7))
        api.lists("SubmitEmailVerification", JO)
        api.service.executor.close()
    log = open_log()
    newer = replica(log)
    assert [mail.to for mail in newer.store.outbox.entries()] == [JO]
    newer.lists("SubmitEmailVerification", AL)
    # After a crash, its commands are those of the newer version.
    log.close()
    assert len(replica(open_log()).store.outbox) == 2


@pytest.mark.parametrize(
    "text",
    ["x", "[]", "{}", '{"format": 1}', '{"format": 99}', json.dumps({**Snapshot(Store(Scenario(""))).document(), "rules": 1})],
)
def test_snapshot_that_cannot_be_read_is_refused(open_log: OpenLog, text: str) -> None:
    log = open_log()
    log.put_snapshot(StoredSnapshot(START, text))
    with pytest.raises(Incompatible, match="the snapshot cannot be read"):
        replica(log)


def test_unknown_command_in_the_log_is_refused(valkey_server: ValkeyServer) -> None:
    log = ValkeyLog(valkey_server.location("unknown-command"))
    api = replica(log)
    (entry,) = ValkeyLog(valkey_server.location("unknown-command")).append(START, ()).entries
    ValkeyLog(valkey_server.location("unknown-command")).append(START, [f'{entry.text.partition(" ")[0]} ["Nonsense",{{}}]'])
    with pytest.raises(Unavailable, match="is not a command of this version"):
        api.service.executor.catch_up()
    assert b"ServiceUnavailable" in api.call("ListEmailVerification").body


@pytest.fixture
def two(valkey_server: ValkeyServer, request: pytest.FixtureRequest) -> Iterator[tuple[Api, Api]]:
    """Two replicas of one state."""
    location = valkey_server.location(request.node.name[:90].replace("[", "-").replace("]", ""))
    apis = tuple(replica(ValkeyLog(location), scenario(RICH)) for _ in range(2))
    yield apis[0], apis[1]
    for api in apis:
        api.service.executor.close()


def test_two_replicas_have_one_state(two: tuple[Api, Api]) -> None:
    one, other = two
    use(one)
    use(other)
    assert digest(one) == digest(other)


def test_token_that_one_replica_sent_is_verified_by_another(two: tuple[Api, Api]) -> None:
    one, other = two
    one.lists("SubmitEmailVerification", JO)
    token = one.store.outbox.entries()[0].token
    other.service.executor.execute(ResetAccounts("shop"))
    assert "Code" not in other.json("EmailVerified", Email="old@example.com")
    assert other.code("VerifyEmail", Token=token) == "Throttling.User"
    assert "Code" not in one.json("VerifyEmail", Token=token)
    assert other.code("VerifyEmail", Token=token) == "ParameterIllegal"


def test_nonce_is_accepted_by_one_replica_only(two: tuple[Api, Api]) -> None:
    answers = [json.loads(api.send(signed()).body) for api in two]
    assert ["Code" in answer for answer in answers] == [False, True]


def test_wrong_signature_is_explained_by_any_replica(two: tuple[Api, Api]) -> None:
    one, other = two
    response = one.send(signed(secret="wrong"))
    assert b"SignatureDoesNotMatch" in response.body
    other.service.executor.catch_up()
    assert other.service.refused_request(dict(response.headers)["x-acs-request-id"]) is not None
    assert [call.outcomes for call in one.store.calls.entries()] == [call.outcomes for call in other.store.calls.entries()]


def test_key_that_another_replica_registered_is_checked(two: tuple[Api, Api]) -> None:
    one, other = two
    one.service.executor.execute(PutAccessKey(loader.load_access_key(b"{secret: x}", "fresh", "", file="put")))
    assert b"SignatureDoesNotMatch" in other.send(signed(AccessKeyId="fresh", secret="wrong")).body
    assert b"Code" not in other.send(signed(AccessKeyId="fresh", secret="x", SignatureNonce="2")).body


def test_conflict_at_one_replica_is_none_at_another(two: tuple[Api, Api]) -> None:
    one, other = two
    rule = loader.load_address(b"{status: pending, token: abc}", JO, file="put")
    one.service.executor.execute(PutAddress(rule))
    with pytest.raises(Conflict, match="already belongs to"):
        other.service.executor.execute(PutAddress(loader.load_address(b"{status: pending, token: abc}", AL, file="put")))
    assert digest(one) == digest(other)


def wait_in_thread(api: Api) -> tuple[threading.Thread, list[object]]:
    waiter: Waiter[Any] = Waiter(
        api.store.events,
        lambda event: event.kind is EventType.MAIL,
        types=(EventType.MAIL,),
        account=None,
        after=api.store.cursor,
        seconds=20,
    )
    result: list[object] = []

    def run() -> None:
        with api.store.transaction():
            api.store.waiters.block(waiter)
            try:
                result.extend(api.store.waiters.result(waiter))
            except Interrupted as error:
                result.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    assert api.store.waiters.wait_for_waiter(10)
    return thread, result


def test_wait_at_one_replica_ends_with_a_mail_of_another(two: tuple[Api, Api]) -> None:
    one, other = two
    thread, result = wait_in_thread(one)
    other.lists("SubmitEmailVerification", JO)
    thread.join(10)
    (event,) = result
    assert isinstance(event, Event) and event.kind is EventType.MAIL


@pytest.mark.parametrize("change", [ResetAccounts(), LoadScenario(scenario("description: Other."))], ids=["reset", "load"])
def test_wait_at_one_replica_is_interrupted_by_another(two: tuple[Api, Api], change: Any) -> None:
    one, other = two
    thread, result = wait_in_thread(one)
    other.service.executor.execute(change)
    thread.join(10)
    assert isinstance(result[0], Interrupted)


def test_emptied_log_starts_again_and_interrupts_waits(
    two: tuple[Api, Api], valkey_server: ValkeyServer, caplog: pytest.LogCaptureFixture
) -> None:
    one, other = two
    one.lists("SubmitEmailVerification", JO)
    other.service.executor.catch_up()
    thread, result = wait_in_thread(other)
    valkey_server.client().flushall()
    one.lists("SubmitEmailVerification", "new@example.com")
    thread.join(10)
    assert isinstance(result[0], Interrupted)
    other.service.executor.catch_up()
    assert [[mail.to for mail in api.store.outbox.entries()] for api in two] == [["new@example.com"]] * 2
    assert digest(one) == digest(other)
    assert "lost the state; everything started again from the scenario" in caplog.text


def test_trimmed_log_is_read_from_the_snapshot(two: tuple[Api, Api], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(applier, "SNAPSHOT_COMMANDS", 5)
    one, other = two
    for number in range(5):
        one.lists("SubmitEmailVerification", f"{number}@example.com")
    wait_for_snapshots()
    one.lists("SubmitEmailVerification", JO)
    assert digest(one) == digest(other)


def test_deviating_replica_becomes_unavailable(
    two: tuple[Api, Api], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(applier, "CHECK_COMMANDS", 2)
    one, other = two
    other.store.put_address(loader.load_address(b"verified", JO, file="a mistake of alimock"))
    for _ in range(3):
        one.json("QueryEmailVerification", Email=JO)
    response = other.call("ListEmailVerification")
    assert response.status == 503
    assert "deviates from another one between the commands 0 and 2; restart it" in dict(response.headers)["X-Alimock-Decided-By"]
    assert "deviates" in caplog.text
    assert get(other, "/readyz").status_code == 503
    assert get(other, "/livez").status_code == 200
    assert one.call("ListEmailVerification").status == 200


def test_replica_that_another_version_joins_becomes_unavailable(two: tuple[Api, Api]) -> None:
    one, _ = two
    joined = Started("99.0", {})
    executor = one.service.executor
    assert isinstance(executor, Replica)
    epoch = executor.log.append(START, ()).entries[0].text.partition(" ")[0]
    executor.log.append(START, [f"{epoch} {to_text(command)}" for command in (joined, ResetAccounts())])
    response = one.call("ListEmailVerification")
    assert response.status == 503
    assert "written by alimock 99.0" in dict(response.headers)["X-Alimock-Decided-By"]


class BrokenLog(CommandLog):
    """A log in memory that can be unavailable."""

    name = "broken"

    def __init__(self, *, is_shared: bool) -> None:
        self.is_shared = is_shared
        self.is_broken = False
        self.entries: list[Entry] = []
        self.kept: StoredSnapshot | None = None

    def append(self, after: Position, texts: Sequence[str]) -> Appended:
        if self.is_broken:
            raise Unavailable("broken: out of order")
        start = len(self.entries) + 1
        self.entries += [Entry((number, 0), 1.0, text) for number, text in enumerate(texts, start)]
        return Appended(
            [entry for entry in self.entries if entry.position > after],
            [(number, 0) for number in range(start, start + len(texts))],
        )

    def warning(self) -> str | None:
        return None

    def probe(self) -> None:
        if self.is_broken:
            raise Unavailable("broken: out of order")

    def follow(self, after: Position, seconds: float) -> None:
        threading.Event().wait(0.01)

    def snapshot(self) -> StoredSnapshot | None:
        return self.kept

    def put_snapshot(self, snapshot: StoredSnapshot) -> bool:
        self.kept = snapshot
        return True

    def close(self) -> None:
        pass


@pytest.fixture(params=[True, False], ids=["shared", "alone"])
def broken(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Api, BrokenLog]]:
    monkeypatch.setattr(replica_module, "PAUSE_SECONDS", 0)
    log = BrokenLog(is_shared=request.param)
    api = replica(log)
    yield api, log
    log.is_broken = False
    api.service.executor.close()


def test_call_gets_503_while_the_engine_is_away_and_changes_nothing(broken: tuple[Api, BrokenLog]) -> None:
    api, log = broken
    api.lists("SubmitEmailVerification", JO)
    before = Snapshot(api.store).digest()
    log.is_broken = True
    response = api.call("SubmitEmailVerification", Email=AL, Format="JSON")
    assert (response.status, json.loads(response.body)["Code"]) == (503, "ServiceUnavailable")
    assert dict(response.headers)["X-Alimock-Decided-By"] == "state: broken: out of order"
    log.is_broken = False
    assert Snapshot(api.store).digest() == before
    assert api.lists("SubmitEmailVerification", AL) == {"SuccessList": [AL]}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/_alimock/addresses/jo@example.com", "verified"),
        ("DELETE", "/_alimock/outbox", None),
        ("POST", "/_alimock/reset", None),
        ("PUT", "/_alimock/scenario", "alimock: 1"),
        ("PUT", "/_alimock/scenario?over=true", "alimock: 1"),
        ("PUT", "/_alimock/clock", '{"frozen": true}'),
        ("GET", "/_alimock/outbox", None),
        ("GET", "/_alimock/outbox/wait?timeout=0", None),
        ("GET", "/api/v1/messages", None),
        ("DELETE", "/api/v1/messages", None),
        ("GET", "/verify?token=x", None),
        ("GET", "/readyz", None),
    ],
)
def test_request_gets_503_while_the_engine_is_away(broken: tuple[Api, BrokenLog], method: str, path: str, body: str | None) -> None:
    api, log = broken
    log.is_broken = True
    # The failure of a file is noticed when something is written.
    api.call("ListEmailVerification")
    response = client(api).open(path, method=method, data=body, headers={"Host": "localhost"})
    assert response.status_code == 503
    assert "broken: out of order" in json.loads(response.data)["message"]
    assert response.headers["Retry-After"] == "1"
    assert get(api, "/livez").status_code == 200
    log.is_broken = False
    assert get(api, "/readyz").status_code == 200
    assert client(api).open(path, method=method, data=body, headers={"Host": "localhost"}).status_code in (200, 404, 408)


def test_failed_engine_is_not_asked_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replica_module, "PAUSE_SECONDS", 60)
    log = BrokenLog(is_shared=True)
    api = replica(log)
    log.is_broken = True
    assert api.call("ListEmailVerification").status == 503
    log.is_broken = False
    assert api.call("ListEmailVerification").status == 503


def test_scenario_that_was_not_loaded_because_the_engine_was_away_is_loaded_later(broken: tuple[Api, BrokenLog]) -> None:
    api, log = broken
    log.is_broken = True
    with pytest.raises(Unavailable):
        api.service.executor.load(scenario("description: Other."))
    log.is_broken = False
    api.service.executor.load(scenario("description: Other."))
    assert api.store.scenario.description == "Other."


def test_snapshot_of_a_store_is_the_state_of_another(api: Api) -> None:
    use(api)
    other = make_api(scenario())
    restore(other.store, json.loads(json.dumps(Snapshot(api.store).document())))
    assert Snapshot(other.store).digest() == Snapshot(api.store).digest()


def test_log_level_of_a_stopped_replica_is_error(caplog: pytest.LogCaptureFixture) -> None:
    log = BrokenLog(is_shared=True)
    api = replica(log)
    epoch = log.entries[0].text.partition(" ")[0]
    log.entries.append(Entry((len(log.entries) + 1, 0), 1.0, f"{epoch} nonsense"))
    assert api.call("ListEmailVerification").status == 503
    assert [record.levelno for record in caplog.records if "unavailable until" in record.message] == [logging.ERROR]


def test_info_says_where_the_state_is(broken: tuple[Api, BrokenLog], api: Api) -> None:
    assert json.loads(get(broken[0], "/_alimock/info").data)["state"] == {"location": "broken", "warning": None}
    assert json.loads(get(make_api(scenario(), in_memory=True), "/_alimock/info").data)["state"]["location"] == "memory"


class SlowLog(BrokenLog):
    """A log whose answers can be late."""

    is_late = False

    def __init__(self) -> None:
        super().__init__(is_shared=True)
        self.waits: list[float] = []

    def is_answered(self, seconds: float) -> bool:
        self.waits.append(seconds)
        return not self.is_late


def attempted(api: Api) -> tuple[bool, HttpResponse]:
    """Attempt a call, and return whether a thread had to finish it, and the response."""
    (answer,) = api.service.attempt([HttpRequest("GET", "Action=ListEmailVerification&Version=2018-01-29", {}, b"", "::1")])
    if isinstance(answer, HttpResponse):
        return False, answer
    answers: list[HttpResponse] = []
    thread = threading.Thread(target=lambda: answers.append(answer()))
    thread.start()
    thread.join(10)
    return True, answers[0]


@pytest.fixture
def slow() -> Iterator[tuple[Api, SlowLog]]:
    log = SlowLog()
    api = replica(log)
    yield api, log
    api.service.executor.close()


def test_event_loop_waits_for_an_engine_briefly_and_then_not_at_all(slow: tuple[Api, SlowLog]) -> None:
    api, log = slow
    assert attempted(api)[0] is False
    log.is_late = True
    is_finished_by_thread, response = attempted(api)
    assert (is_finished_by_thread, response.status) == (True, 200)
    # While the engine is slow, all calls go to threads.
    log.is_late = False
    assert attempted(api)[0] is True
    assert len(log.waits) == 2 and max(log.waits) <= 0.02
    assert [call.sequence for call in api.store.calls.entries()] == [1, 2, 3]


def test_event_loop_waits_neither_for_another_thread_nor_for_a_view(slow: tuple[Api, SlowLog]) -> None:
    api, _ = slow
    locked, unlock = threading.Event(), threading.Event()

    def view() -> None:
        with api.store.transaction():
            locked.set()
            unlock.wait(10)

    thread = threading.Thread(target=view)
    thread.start()
    locked.wait(10)
    (answer,) = api.service.attempt([HttpRequest("GET", "Action=ListEmailVerification&Version=2018-01-29", {}, b"", "::1")])
    assert not isinstance(answer, HttpResponse)
    # The turn is that of the attempt, so that another call waits for it in a thread.
    (other,) = api.service.attempt([HttpRequest("GET", "Action=Nothing", {}, b"", "::1")])
    assert not isinstance(other, HttpResponse)
    unlock.set()
    thread.join(10)
    assert answer().status == 200
    assert attempted(api)[1].status == 200


def test_attempt_of_a_call_gets_503_while_the_engine_is_away(broken: tuple[Api, BrokenLog]) -> None:
    api, log = broken
    log.is_broken = True
    assert attempted(api)[1].status == 503
    log.is_broken = False
    assert attempted(api)[1].status == 200


@pytest.mark.parametrize("is_late", [False, True])
def test_calls_that_arrive_together_share_a_round_trip(slow: tuple[Api, SlowLog], is_late: bool) -> None:
    api, log = slow
    log.is_late = is_late
    requests = [
        HttpRequest("GET", f"Action=SubmitEmailVerification&Version=2018-01-29&Email={n}@example.com", {}, b"", "::1")
        for n in range(3)
    ]
    answers = api.service.attempt(requests)
    assert len(log.waits) == 1
    responses: list[HttpResponse] = []
    threads = [
        threading.Thread(target=lambda answer=answer: responses.append(answer()))
        for answer in answers
        if not isinstance(answer, HttpResponse)
    ]  # type: ignore[misc]
    assert len(threads) == (3 if is_late else 0)
    for thread in reversed(threads):
        thread.start()
    for thread in threads:
        thread.join(10)
    assert [one.status for one in (responses if is_late else answers)] == [200] * 3  # type: ignore[union-attr]
    assert [mail.to for mail in api.store.outbox.entries()] == [f"{n}@example.com" for n in range(3)]


class InterruptedLog(MemoryLog):
    """A log to which something happens between the reads of its snapshot and of its entries."""

    meanwhile: Callable[[], None] | None = None

    def append(self, after: Position, texts: Sequence[str]) -> Appended:
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            meanwhile()
        return super().append(after, texts)


def test_snapshot_that_another_replica_puts_during_a_start_is_read() -> None:
    log = InterruptedLog(lambda: 1.0)
    other = replica(log)
    for number in range(6):
        other.lists("SubmitEmailVerification", f"{number}@example.com")
    log.meanwhile = other.service.executor.close
    started = replica(log)
    assert [mail.to for mail in started.store.outbox.entries()] == [f"{number}@example.com" for number in range(6)]
    started.service.executor.close()


def test_command_that_a_snapshot_of_another_replica_contains_is_not_applied_twice() -> None:
    log = InterruptedLog(lambda: 1.0)
    one, other = replica(log), replica(log)
    other.lists("SubmitEmailVerification", "first@example.com")
    # The log is trimmed, and `one` is behind.
    other.service.executor.close()
    third = replica(log)
    append = log.append

    def append_and_stop(after: Position, texts: Sequence[str]) -> Appended:
        found = append(after, texts)
        if texts and found.is_lost:
            third.service.executor.close()
        return found

    log.append = append_and_stop  # type: ignore[method-assign]
    assert one.call("SubmitEmailVerification", Email="dup@example.com").status in (200, 503)
    assert [mail.to for mail in one.store.outbox.entries()].count("dup@example.com") == 1
    one.service.executor.close()


def test_views_that_wait_for_their_turn_do_not_delay_a_late_answer(slow: tuple[Api, SlowLog]) -> None:
    api, log = slow
    log.is_late = True
    (answer,) = api.service.attempt([HttpRequest("GET", "Action=ListEmailVerification&Version=2018-01-29", {}, b"", "::1")])
    assert not isinstance(answer, HttpResponse)
    # Nothing calls `answer`, as in a server all of whose threads are used.
    api.service.executor.catch_up()
    assert len(api.store.calls) == 1


def test_call_whose_turn_does_not_come_in_time_is_not_executed_later(
    slow: tuple[Api, SlowLog], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replica_module, "SECONDS", 0.05)
    api, log = slow
    entered, leave, append = threading.Event(), threading.Event(), log.append

    def blocked(after: Position, texts: Sequence[str]) -> Appended:
        entered.set()
        leave.wait(10)
        return append(after, texts)

    log.append = blocked  # type: ignore[method-assign]
    thread = threading.Thread(target=api.call, args=["ListEmailVerification"])
    thread.start()
    entered.wait(10)
    response = api.call("SubmitEmailVerification", Email=JO)
    assert response.status == 503 and "no answer within" in dict(response.headers)["X-Alimock-Decided-By"]
    leave.set()
    thread.join(10)
    api.call("ListEmailVerification")
    assert [call.action for call in api.store.calls.entries()] == ["ListEmailVerification"] * 2


@pytest.mark.parametrize("is_attempt", [False, True])
def test_internal_error_of_an_exchange_blocks_nothing(slow: tuple[Api, SlowLog], is_attempt: bool) -> None:
    api, log = slow
    append = log.append

    def broken(after: Position, texts: Sequence[str]) -> Appended:
        log.append = append  # type: ignore[method-assign]
        raise RuntimeError("a mistake")

    log.append = broken  # type: ignore[method-assign]
    with pytest.raises(RuntimeError):
        attempted(api) if is_attempt else api.call("ListEmailVerification")
    assert api.call("ListEmailVerification").status == 200


def test_entry_of_another_version_is_not_shown(two: tuple[Api, Api]) -> None:
    one, _ = two
    executor = one.service.executor
    assert isinstance(executor, Replica)
    epoch = executor.log.append(START, ()).entries[0].text.partition(" ")[0]
    unreadable = '["PutAccessKey",{"key":{"id":"k","secret":"hunter2","new":1}}]'
    executor.log.append(START, [f"{epoch} {to_text(Started('99.0', {}))}", f"{epoch} {unreadable}"])
    reason = dict(one.call("ListEmailVerification").headers)["X-Alimock-Decided-By"]
    assert "written by alimock 99.0" in reason and "hunter2" not in reason


def test_unreadable_entry_is_not_shown(two: tuple[Api, Api]) -> None:
    one, _ = two
    executor = one.service.executor
    assert isinstance(executor, Replica)
    epoch = executor.log.append(START, ()).entries[0].text.partition(" ")[0]
    executor.log.append(START, [f'{epoch} ["PutAccessKey",{{"key":{{"id":"k","secret":"hunter2","new":1}}}}]'])
    reason = dict(one.call("ListEmailVerification").headers)["X-Alimock-Decided-By"]
    assert "'PutAccessKey' is not a command of this version" in reason and "hunter2" not in reason


def test_lower_limits_after_a_stop_evict_and_say_so(open_log: OpenLog) -> None:
    api = replica(open_log(), limits=StateLimits(max_entries=10))
    for number in range(20):
        api.call("ListEmailVerification", X=number)
    cursor = api.store.calls.entries()[0].sequence
    api.service.executor.close()
    again = replica(open_log(), limits=StateLimits(max_entries=5))
    assert json.loads(get(again, f"/_alimock/calls?after={cursor}").data)["gap"] is True


def test_broken_scenario_that_is_again_as_it_was_is_no_error(open_log: OpenLog) -> None:
    loaded = scenario("description: One.")
    api = replica(open_log(), loaded)
    api.service.executor.execute(ReportScenarioError("case.yaml:1: broken"))
    assert api.service.executor.load(loaded) is False
    assert api.store.scenario_error is None
    assert [(event.kind, event.subject) for event in api.store.events.entries()] == [
        (EventType.SCENARIO_ERROR, "case.yaml:1: broken"),
        (EventType.SCENARIO, loaded.name),
    ]
    assert api.service.executor.load(loaded) is False
    assert len(api.store.events) == 2


def test_emptied_state_starts_from_the_latest_scenario_of_the_settings(two: tuple[Api, Api], valkey_server: ValkeyServer) -> None:
    one, _ = two
    assert one.service.executor.load(scenario("description: Changed."))
    valkey_server.client().flushall()
    one.call("ListEmailVerification")
    assert one.store.scenario.description == "Changed."


@pytest.mark.parametrize("path", ["/_alimock/", "/_alimock/openapi.json", "/_alimock/fidelity", "/_alimock/scenario.schema.json"])
def test_what_does_not_show_the_state_is_shown_without_it(broken: tuple[Api, BrokenLog], path: str) -> None:
    api, log = broken
    log.is_broken = True
    assert get(api, path).status_code == 200


def test_replica_in_trouble_appends_nothing(two: tuple[Api, Api], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(applier, "CHECK_COMMANDS", 2)
    one, other = two
    other.store.put_address(loader.load_address(b"verified", JO, file="a mistake of alimock"))
    for _ in range(3):
        one.json("QueryEmailVerification", Email=JO)
    # The replica whose check comes second is in trouble. The call that notices it was appended before.
    statuses = [api.call("ListEmailVerification").status for api in (other, one)]
    assert sorted(statuses) == [200, 503]
    troubled, sound = (other, one) if statuses[0] == 503 else (one, other)
    sound.service.executor.catch_up()
    calls = len(sound.store.calls)
    assert attempted(troubled)[1].status == 503
    sound.service.executor.catch_up()
    assert len(sound.store.calls) == calls
