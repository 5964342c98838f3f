"""What a user of the package writes, to be read by mypy and pyright and never run: every public name, and what each thing is."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import alimock
from alimock import Address, Call, Client, Emulator, EmulatorError, Fault, Message, Outcome, ScenarioError, WaitTimeout, create_app
from alimock.testing import TestSession, environment
from flask import Flask
from typing_extensions import assert_type

with Emulator(scenario="quota-exceeded", profile="docs-2021", auth="strict", port=0) as emulator:
    assert_type(emulator, Emulator)
    assert_type(emulator.url, str)
    assert_type(emulator.endpoint, str)
    assert_type(emulator.access_key_id, str)
    assert_type(emulator.access_key_secret, str)
    assert_type(emulator.outbox.messages(to="jo@example.com", since="2024-05-01 09:30:00"), list[Message])
    message = emulator.outbox.wait(to="jo@example.com", timeout=1.5)
    assert_type(message, Message)
    assert_type(message.created, datetime)
    assert_type(emulator.outbox.wait(count=3, after=message.sequence), list[Message])
    emulator.outbox.wait_quiet(0.3, to="jo@example.com", after=message.sequence)
    emulator.calls.wait_quiet(action="VerifyEmail")
    assert_type(emulator.calls.wait(count=2, action="VerifyEmail"), list[Call])
    assert_type(message.token, str)
    assert_type(emulator.outbox.text(message), str)
    assert_type(emulator.outbox.raw(message), bytes)
    assert_type(emulator.outbox.clear(), int)
    assert_type(emulator.addresses.list(), list[Address])
    assert_type(emulator.addresses.get("jo@example.com"), Address | None)
    emulator.addresses.put("jo@example.com", {"outcome": "quota-exceeded", "times": 2, "then": "success"})
    emulator.addresses.delete("jo@example.com")
    assert_type(emulator.calls.list(action="VerifyEmail", status=400), list[Call])
    assert_type(emulator.calls.count(code="ParameterIllegal"), int)
    call = emulator.calls.wait(email="jo@example.com", timeout=1)
    assert_type(call, Call)
    assert_type(call.outcomes, tuple[Outcome, ...])
    assert_type(emulator.clock.now(), datetime)
    assert_type(emulator.clock.freeze(datetime(2024, 5, 1)), datetime)
    assert_type(emulator.clock.advance(timedelta(days=3)), datetime)
    assert_type(emulator.clock.resume(), datetime)
    assert_type(emulator.faults.list(unused=True), list[Fault])
    emulator.faults.put("slow", {"delay": "1s"})
    emulator.faults.delete("slow")
    emulator.load(Path("cases") / "late.yaml")
    emulator.load({"addresses": {"jo@example.com": "verified"}}, over=True)
    emulator.reset()
    assert_type(emulator.account("shop"), Client)
    with emulator.new_account() as tenant:
        assert_type(tenant, Client)
    emulator.check()

remote = Emulator.connect("http://127.0.0.1:2546", access_key_id="app", access_key_secret="secret")
assert_type(remote, Client)
emulator = Emulator({"extends": "default"}).start()
emulator.stop()


with TestSession(remote, scenario="quota-exceeded", addresses={"jo@example.com": "pending"}, strict=True, allow=["x"]) as session:
    assert_type(session, TestSession)
    assert_type(session.client, Client)
    assert_type(session.warnings, list[str])
    assert_type(session.violations(), list[str])
    assert_type(session.report(), str)
    session.check()
    session.end()
    with environment(session.client) as variables:
        assert_type(variables, dict[str, str])


async def waits(client: Client) -> None:
    assert_type(await client.outbox.wait_async(to="jo@example.com"), Message)
    assert_type(await client.calls.wait_async(action="VerifyEmail"), Call)
    assert_type(await client.outbox.wait_async(count=3, timeout=1), list[Message])
    assert_type(await client.calls.wait_async(count=2), list[Call])
    await client.outbox.wait_quiet_async(0.3)
    await client.calls.wait_quiet_async(0.3, status=400)


try:
    remote.outbox.wait()
except WaitTimeout as error:
    assert_type(error.status, int | None)
except (EmulatorError, ScenarioError):
    raise

assert_type(alimock.__version__, str)

# What type checkers must refuse; each line is wrong in one way.
_ = emulator.outbux  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
emulator.calls.count(acton="VerifyEmail")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
TestSession(remote, strict="yes")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
Emulator(scenario=3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
_ = alimock.Emulater  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]

assert_type(create_app("quota-exceeded", auth="strict", limits="max_entries=100"), Flask)
