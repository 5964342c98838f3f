"""Mails that are forwarded by processes whose state outlives them or is shared."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from alimock.mail.forwarder import Forwarder
from alimock.persistence.command_log import CommandLog
from alimock.persistence.sqlite import SqliteLog
from alimock.state.outbox import DeliveryState, Mail
from conftest import Api
from persistence.replicas import MemoryLog, digest, replica

OpenLog = Callable[[], CommandLog]
STOPPED = "alimock was stopped before the delivery"


class Target:
    """A server that takes mails, as soon as it may."""

    name, address = "relay", "relay.example.com:25"

    def __init__(self, *, is_open: bool = True) -> None:
        self.delivered: list[str] = []
        self.took = threading.Event()
        self._open = threading.Event()
        if is_open:
            self._open.set()

    @property
    def document(self) -> dict[str, object]:
        """No address."""
        return {}

    def send(self, mail: Mail, base_url: str) -> None:
        """Take a mail."""
        self.took.set()
        self._open.wait(10)
        self.delivered.append(mail.to)

    def let_in(self) -> None:
        """Let the mails in that wait."""
        self._open.set()


def forwarding(api: Api, target: Target) -> Forwarder:
    forwarder = Forwarder(target, api.service.executor, 10)
    forwarder.start("http://127.0.0.1")
    return forwarder


def states(api: Api) -> list[tuple[str, str | None]]:
    api.service.executor.catch_up()
    found = [api.store.outbox.deliveries[mail.id]["relay"] for mail in api.store.outbox.entries()]
    return [(one.state.value, one.error) for one in found]


def test_mail_is_forwarded_by_the_replica_that_was_asked() -> None:
    log = MemoryLog(lambda: 1.0)
    apis = [replica(log) for _ in range(2)]
    targets = [Target(), Target()]
    forwarders = [forwarding(api, target) for api, target in zip(apis, targets, strict=True)]
    apis[0].lists("SubmitEmailVerification", "jo@example.com")
    apis[1].lists("SubmitEmailVerification", "al@example.com")
    wait_until(lambda: [state for state, _ in states(apis[0])] == ["delivered"] * 2)
    assert [target.delivered for target in targets] == [["jo@example.com"], ["al@example.com"]]
    assert digest(apis[0]) == digest(apis[1])
    for forwarder, api in zip(forwarders, apis, strict=True):
        forwarder.stop()
        api.service.executor.close()


def wait_until(condition: Callable[[], bool]) -> None:
    for _ in range(1_000):
        if condition():
            return
        threading.Event().wait(0.01)
    raise AssertionError("the condition does not hold within 10 seconds")


def test_mails_that_were_queued_at_a_stop_have_failed(open_log: OpenLog) -> None:
    api, target = replica(open_log()), Target(is_open=False)
    forwarder = forwarding(api, target)
    api.lists("SubmitEmailVerification", "jo@example.com")
    target.took.wait(10)
    api.lists("SubmitEmailVerification", "al@example.com,bo@example.com")
    threading.Timer(0.1, target.let_in).start()
    forwarder.stop()
    api.service.executor.close()
    again = replica(open_log())
    assert states(again) == [("delivered", None), ("failed", STOPPED), ("failed", STOPPED)]


def test_mails_that_were_queued_at_a_crash_have_failed(tmp_path: Path) -> None:
    # In a shared state, another replica may still deliver them.
    log = SqliteLog(tmp_path / "alimock.db")
    api = replica(log)
    api.service.executor.mail_receivers["relay"] = lambda _: None
    api.lists("SubmitEmailVerification", "jo@example.com")
    assert states(api) == [(DeliveryState.WAITING.value, None)]
    log.close()
    again, target = replica(SqliteLog(tmp_path / "alimock.db")), Target()
    forwarder = forwarding(again, target)
    assert states(again) == [("failed", STOPPED)]
    forwarder.stop()
    again.service.executor.close()
    assert target.delivered == []
