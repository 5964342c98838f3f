"""Processes that share a state: load from all sides at once, and servers that stop, crash, hang and forget."""

from __future__ import annotations

import http.client
import json
import re
import shutil
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlencode

import pytest
from alimock.state import system_clock
from command import ask, run, serving
from conftest import signed
from persistence.valkey_server import ValkeyServer

pytestmark = pytest.mark.slow
SECONDS = 60


class Caller:
    """A client with one connection to one process."""

    def __init__(self, ready_line: str) -> None:
        found = re.search(r"http://(\S+)", ready_line)
        assert found, ready_line
        self._connection = http.client.HTTPConnection(found[1], timeout=20)
        self.slowest = 0.0

    def get(self, target: str) -> tuple[int, Any]:
        """Return the status and the JSON of a response, and remember how long the slowest one took."""
        started = system_clock.monotonic()
        self._connection.request("GET", target)
        response = self._connection.getresponse()
        content = response.read()
        self.slowest = max(self.slowest, system_clock.monotonic() - started)
        return response.status, json.loads(content) if content.startswith((b"{", b"[")) else content

    def call(self, action: str, **parameters: str) -> tuple[int, Any]:
        """Make an unsigned call."""
        return self.get("/?" + urlencode({"Action": action, "Version": "2018-01-29", "Format": "JSON", **parameters}))


@contextmanager
def processes(number: int, *options: str) -> Iterator[list[str]]:
    """Run several processes, and return their ready lines."""
    with ExitStack() as stack:
        yield [stack.enter_context(serving("--log-level", "warning", *options))[1] for _ in range(number)]


def in_threads(*functions: Callable[[], None]) -> None:
    failures: list[BaseException] = []

    def run_one(function: Callable[[], None]) -> None:
        try:
            function()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run_one, args=(function,)) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(2 * SECONDS)
    if failures:
        raise failures[0]


SENDS, NEW, NONCES, TURNS = 5, 40, 20, 100
HAMMERED = f"""
alimock: 1
timestamps: ignored
limits: {{sends_per_address_per_day: {SENDS}, addresses_per_day: {NEW}}}
accounts: {{default: {{access_keys: [{{id: testid, secret: testsecret}}]}}}}
"""


def test_nothing_is_lost_or_doubled_by_three_processes(valkey_server: ValkeyServer, tmp_path: Path) -> None:
    (tmp_path / "case.yaml").write_text(HAMMERED)
    # Appending is atomic.
    sent, verified, accepted = list[str](), list[str](), list[int]()
    requests = [signed(SignatureNonce=str(number)) for number in range(NONCES)]

    def hammer(line: str, seed: int) -> None:
        caller, random = Caller(line), Random(seed)
        for number, request in enumerate(requests):
            if "Code" not in caller.get(f"/?{request}")[1]:
                accepted.append(number)
        for _ in range(TURNS):
            emails = ",".join(f"{random.randrange(60)}@example.com" for _ in range(3))
            action = random.choice(["SubmitEmailVerification", "ResendEmailVerification"])
            _, body = caller.call(action, Email=emails, SendIfExist="true")
            sent.extend(row["Email"] for row in body["SuccessList"])
            mails = caller.get("/_alimock/outbox?limit=20")[1]["messages"]
            if mails:
                token = random.choice(mails)["token"]
                if "Code" not in caller.call("VerifyEmail", Token=token)[1]:
                    verified.append(token)

    with processes(3, "--state", valkey_server.url("hammer"), "--scenario", str(tmp_path / "case.yaml")) as lines:
        in_threads(*(lambda line=line, seed=seed: hammer(line, seed) for seed, line in enumerate(lines * 2)))  # type: ignore[misc]
        views = [shown(line) for line in lines]
    assert views[0] == views[1] == views[2]
    mails = views[0]["outbox"]["messages"]
    assert Counter(mail["to"] for mail in mails) == Counter(sent)
    assert max(Counter(sent).values()) <= SENDS
    assert len(set(sent)) <= NEW
    assert len({mail["token"] for mail in mails}) == len(mails)
    assert len(set(verified)) == len(verified) > 0
    assert sorted(accepted) == list(range(NONCES))
    calls = views[0]["calls"]["calls"]
    assert len({call["request_id"] for call in calls}) == len(calls) > 6 * TURNS
    sequences = [entry["sequence"] for entry in (*mails, *calls)]
    assert len(set(sequences)) == len(sequences)
    assert views[0]["outbox"]["cursor"] == len(mails) + len(calls) + len(verified)


def shown(line: str) -> dict[str, Any]:
    """Return what a process shows, but for durations and the addresses of links."""
    caller = Caller(line)
    views = {name: caller.get(f"/_alimock/{name}?limit=5000")[1] for name in ("outbox", "calls", "changes")}
    views["accounts"] = caller.get("/_alimock/accounts")[1]
    for account in views["accounts"]["accounts"]:
        # It runs while the views are compared.
        account["clock"].pop("now")
    for call in views["calls"]["calls"]:
        call.pop("duration_ms")
    for mail in views["outbox"]["messages"]:
        mail.pop("link")
    return views


class Load:
    """Submits new addresses to a process until it is stopped, and remembers what was answered."""

    def __init__(self, line: str, name: str) -> None:
        self.line = line
        self.answered: list[str] = []
        self.refused = 0
        self.is_stopped = False
        self._caller = Caller(line)
        self._name = name

    def run(self) -> None:
        """Submit one address after the other."""
        number = 0
        while not self.is_stopped:
            number += 1
            email = f"{self._name}-{number}@example.com"
            status, body = self._caller.call("SubmitEmailVerification", Email=email)
            assert status in (200, 503), body
            if status == 200:
                assert [row["Email"] for row in body["SuccessList"]] == [email], body
                self.answered.append(email)
            else:
                assert body["Code"] == "ServiceUnavailable"
                self.refused += 1
        # The answer of a process without its state, which a balancer would not have asked.
        assert self._caller.slowest < 2.3

    def wait_until(self, condition: Callable[[Load], bool]) -> None:
        """Return when a condition holds."""
        end = system_clock.monotonic() + SECONDS
        while not condition(self):
            assert system_clock.monotonic() < end, (len(self.answered), self.refused)
            threading.Event().wait(0.01)

    def wait_for_answers(self, number: int) -> None:
        """Return when there are some more answers."""
        before = len(self.answered)
        self.wait_until(lambda load: len(load.answered) >= before + number)


def stop(server: ValkeyServer, load: Load) -> None:
    server.signal(signal.SIGTERM)
    wait_for_refusals(load)
    server.start()


def kill(server: ValkeyServer, load: Load) -> None:
    server.signal(signal.SIGKILL)
    wait_for_refusals(load)
    server.start()


def hang(server: ValkeyServer, load: Load) -> None:
    server.signal(signal.SIGSTOP)
    wait_for_refusals(load)
    caller = Caller(load.line)
    for _ in range(20):
        assert caller.get("/livez")[0] == 200
    # The event loop waits for an engine for 20 ms at the most.
    assert caller.slowest < 0.5
    server.signal(signal.SIGCONT)


def forget(server: ValkeyServer, load: Load) -> None:
    """Start the server with an older file, as a failover that lost the end does."""
    shutil.copytree(server.folder / "appendonlydir", server.folder / "older")
    load.wait_for_answers(50)
    server.signal(signal.SIGKILL)
    shutil.rmtree(server.folder / "appendonlydir")
    (server.folder / "older").rename(server.folder / "appendonlydir")
    server.start()


def empty(server: ValkeyServer, load: Load) -> None:
    server.client().flushall()


def wait_for_refusals(load: Load) -> None:
    before = load.refused
    load.wait_until(lambda load: load.refused > before)


@pytest.mark.parametrize(("disturb", "loses"), [(stop, False), (kill, False), (hang, False), (forget, True), (empty, True)])
def test_processes_agree_after_the_server_was_disturbed(
    own_valkey_server: ValkeyServer, disturb: Callable[[ValkeyServer, Load], None], loses: bool
) -> None:
    with processes(2, "--state", own_valkey_server.url(), "--scenario", "unlimited") as lines:
        loads = [Load(line, name) for line, name in zip(lines, "ab", strict=True)]

        def control() -> None:
            try:
                loads[0].wait_for_answers(50)
                disturb(own_valkey_server, loads[0])
                for load in loads:
                    load.wait_for_answers(50)
            finally:
                for load in loads:
                    load.is_stopped = True

        in_threads(control, *(load.run for load in loads))
        views = [shown(line) for line in lines]
        assert [ask(line, "/readyz")[0] for line in lines] == [200, 200]
        with processes(1, "--state", own_valkey_server.url(), "--scenario", "unlimited") as (third,):
            views.append(shown(third))
    assert views[0] == views[1] == views[2]
    addresses = Counter(mail["to"] for mail in views[0]["outbox"]["messages"])
    assert set(addresses.values()) == {1}
    answered = {email for load in loads for email in load.answered}
    assert loses or answered <= addresses.keys()
    assert len(answered & addresses.keys()) >= 50


def test_wait_at_one_process_ends_with_a_call_to_another(valkey_server: ValkeyServer) -> None:
    with processes(2, "--state", valkey_server.url("waits")) as lines:
        found: list[Any] = []
        waiting = threading.Event()

        def wait() -> None:
            waiting.set()
            found.append(Caller(lines[0]).get("/_alimock/outbox/wait?to=jo@example.com&timeout=20"))

        def submit() -> None:
            waiting.wait(SECONDS)
            Caller(lines[1]).call("SubmitEmailVerification", Email="jo@example.com")

        started = system_clock.monotonic()
        in_threads(wait, submit)
        assert system_clock.monotonic() - started < 5
    ((status, body),) = found
    assert (status, body["message"]["to"]) == (200, "jo@example.com")


def test_crash_of_a_process_with_a_file_loses_no_answered_call(tmp_path: Path) -> None:
    options = ("--state", str(tmp_path / "alimock.db"), "--scenario", "unlimited")
    answered: list[str] = []
    for turn in range(3):
        with serving(*options) as (process, line):
            kept = "new state in" if not turn else f"restored 1 account, {len(answered)} mails from"
            assert f"{kept} {tmp_path / 'alimock.db'}" in line
            load = Load(line, str(turn))
            thread = threading.Thread(target=run_until_killed, args=(load,))
            thread.start()
            load.wait_for_answers(50)
            process.kill()
            thread.join(SECONDS)
            answered += load.answered
            process.wait(SECONDS)
        with serving(*options) as (_, line):
            addresses = Counter(mail["to"] for mail in shown(line)["outbox"]["messages"])
            assert set(answered) <= addresses.keys() and set(addresses.values()) == {1}
            # A call that was carried out may not have been answered.
            answered = list(addresses)


def run_until_killed(load: Load) -> None:
    """Submit addresses until the process is killed."""
    with suppress(OSError, http.client.HTTPException):
        load.run()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can change the limits of another process")
def test_full_disk_makes_a_process_unready_until_there_is_room(tmp_path: Path) -> None:
    import resource

    options = ("--state", str(tmp_path / "alimock.db"), "--scenario", "unlimited")
    with serving(*options) as (process, line):
        caller = Caller(line)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (60_000, resource.RLIM_INFINITY))
        answered = 0
        while (answer := caller.call("SubmitEmailVerification", Email=f"{answered}@example.com"))[0] == 200:
            answered += 1
            assert answered < 1_000
        assert answer[1]["Code"] == "ServiceUnavailable"
        assert ask(line, "/readyz")[0] == 503
        assert ask(line, "/livez")[0] == 200
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        end = system_clock.monotonic() + SECONDS
        while ask(line, "/readyz")[0] == 503:
            assert system_clock.monotonic() < end
        assert caller.call("SubmitEmailVerification", Email="room@example.com")[0] == 200
        assert len(shown(line)["outbox"]["messages"]) == answered + 1
        process.terminate()
        assert process.wait(SECONDS) == 0
    with serving(*options) as (_, line):
        assert f"restored 1 account, {answered + 1} mails" in line


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ("missing/alimock.db", "--state: cannot use the state file `missing/alimock.db`: No such file or directory"),
        ("valkey://:pass-word@127.0.0.1:1/x", "--state: valkey://127.0.0.1:1, state x: "),
    ],
)
def test_state_that_cannot_be_used_is_refused_at_the_start(state: str, reason: str) -> None:
    status, output, errors = run("serve", "--port", "0", "--state", state)
    assert (status, output) == (2, "")
    assert errors.startswith(f"alimock: {reason}")
    assert "pass-word" not in errors and "Traceback" not in errors
