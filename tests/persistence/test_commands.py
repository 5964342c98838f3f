"""Commands as text: every command, with every field, is the same after it was written and read."""

from __future__ import annotations

import inspect
import json
from dataclasses import fields
from typing import Any

import pytest
from alimock.api.auth import ReceivedRequest, Verdict
from alimock.api.call import Call
from alimock.api.http import HttpRequest
from alimock.api.parse import parse
from alimock.persistence.commands import Check, Started, from_text, to_text
from alimock.scenario import loader
from alimock.scenario.model import Authentication, Scenario
from alimock.scenario.sources import built_in_names
from alimock.state import commands
from alimock.state.outbox import Delivery, DeliveryState
from conftest import scenario

FULL = scenario("""
description: All there is.
profile: docs-2021
authentication: strict
timestamps: ignored
unknown_keys: default-account
seed: a
clock: {now: 2019-02-19 16:38:07, frozen: false}
limits: {sends_per_address_per_day: null, addresses_per_day: 3, link_valid_days: 1}
accounts:
  default: {user_id: "1", access_keys: [{id: k, secret: s, status: inactive, permissions: [domain:VerifyEmail, domain:QueryEmailVerification]}]}
  shop: {access_keys: [{id: STS.t, secret: s, security_token: t, expires: 2030-01-01 00:00:00}], addresses: {own@example.com: verified}}
addresses:
  "*@late.example.com": expired
  jo@example.com: {status: verified, send_ip: 42.0.0.115, verification_time: 2019-02-19 16:40:38, sends_today: 2, new_today: true}
  "l*t@example.com": {status: pending, exact: true, token: open}
  al@example.com: {outcome: quota-exceeded, times: 2, then: success}
  bo@example.com: {status: pending, answers: {query: {code: Custom, message: Oh., status: 418, times: 1, then: success}}}
faults:
  - {when: {action: ResendEmailVerification, email: "flaky@*", access_key_id: k, version: 2018-01-29}, times: 2, error: Throttling.User, retry_after: 2s}
  - {id: slow, when: {action: QueryEmailVerification, nth: 3}, delay: 2s, slow: 1s, body: truncated}
  - {enabled: false, when: {action: VerifyEmail, every: 3}, after: 1, reset: before}
stubs: {SaveTask: {TaskNo: "{{request_id}}", List: [1, {A: null}], Flag: true}}
codes: {ParameterIllegal: {status: 400, message: Other.}}
""")
RULES = [*FULL.addresses.exact.values(), *FULL.addresses.patterns.values()]
KEYS = list(FULL.access_keys.values())
REQUEST = HttpRequest("POST", "Action=A&x=\xe9%20", {"content-type": "x", "x-acs-action": "\xe9"}, b"\x00\xff\xe4", "::1", "/a")
COMMANDS: list[Any] = [
    commands.FollowLink("token", "192.0.2.1"),
    commands.LoadScenario(FULL, "k", 3, "digest"),
    *(commands.LoadScenario(loader.load(name)) for name in built_in_names()),
    commands.ReportScenarioError("case.yaml:1: \u4e0d"),
    commands.ResetAccounts(),
    commands.ResetAccounts("k", unload=True),
    *(commands.PutAddress(rule, "k") for rule in RULES),
    commands.DeleteAddress("jo@example.com", None),
    *(commands.PutFault(fault, "k") for fault in FULL.faults_by_id.values()),
    commands.EnableFault("1", enabled=False),
    commands.ExpireLink("token"),
    commands.DeleteFault("1"),
    *(commands.PutAccessKey(key) for key in KEYS),
    commands.DeleteAccessKey("k"),
    commands.SetClock(1, False, "k"),
    commands.SetClock(None, True),
    commands.AdvanceClock(60, "k"),
    commands.DeleteMails((1, 2)),
    commands.MarkMails((), read=True),
    commands.TagMails((3,), ("a", "b")),
    commands.RecordDelivery(1, "relay", Delivery(DeliveryState.FAILED, "no")),
    commands.RecordDelivery(1, "relay", Delivery(DeliveryState.DELIVERED)),
    Started("1.0", {"max_entries": 1}),
    Check(1, 2),
    Call(ReceivedRequest(parse(REQUEST))),
    Call(ReceivedRequest(parse(REQUEST), Verdict("d", False, "why"), 1.5), "docs-2018", Authentication.NONE, ("relay", "webhook")),
]


def plain(command: Any) -> Any:
    """Return a command in a form in which two with the same content are equal: books and exceptions are compared by identity."""
    if isinstance(command, commands.LoadScenario):
        return {**vars(command), "scenario": content(command.scenario)}
    if isinstance(command, Call):
        return command._replace(received=command.received._replace(request=command.received.request._replace(malformed=None)))
    return command


def content(scenario: Scenario) -> list[object]:
    books = {"": scenario.addresses, **scenario.account_addresses}
    rules = {name: ([*book.exact.items()], [*book.patterns.items()], book.tokens, book.new_today) for name, book in books.items()}
    names = (field.name for field in fields(scenario) if "addresses" not in field.name)
    return [rules, *(getattr(scenario, name) for name in names)]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: type(command).__name__)
def test_command_is_the_same_after_it_was_written_and_read(command: Any) -> None:
    text = to_text(command)
    assert "\n" not in text and text.isascii()
    assert plain(from_text(text)) == plain(command)
    assert to_text(from_text(text)) == text


def test_every_command_is_tested() -> None:
    kinds = {kind for _, kind in inspect.getmembers(commands, inspect.isclass) if kind.__module__ == commands.__name__}
    kinds = {kind for kind in kinds if hasattr(kind, "apply") and kind is not commands.Command}
    assert kinds <= {type(command) for command in COMMANDS}


@pytest.mark.parametrize(
    "text",
    ["", "x", "1", "[]", "{}", '["Nix",{}]', '["FollowLink",{}]', '["FollowLink",{"x":1}]', '["Call",[]]', '["Call",[1,2,3,4,5,6]]',
     '["SetClock",[1]]', "[" * 100_000],
)  # fmt: skip
def test_another_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        from_text(text)


def test_text_has_what_replicas_need_and_no_more() -> None:
    text = to_text(Call(ReceivedRequest(parse(HttpRequest("GET", "Action=A", {"host": "h"}, b"", "::1"))), started=5.0))
    assert json.loads(text) == ["Call", [["GET", "Action=A", {"host": "h"}, "", "::1", "/"], None, None, None, None, []]]
