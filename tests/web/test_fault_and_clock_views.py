"""The views Faults, Clock and Access keys of the web UI."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from alimock.scenario import loader
from conftest import Running, signed
from playwright.sync_api import Page, expect
from web.actions import call, control, send, send_to, show, submit
from web.test_calls_view import now

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


def query(running: Running) -> str:
    return str(call(running, "QueryEmailVerification", Email="abc@aliyun.com").get("Code", "OK"))


@pytest.mark.parametrize(
    ("kind", "fields", "sentence", "yaml"),
    [
        (
            "error",
            {"error": "ServiceUnavailable", "action": "QueryEmailVerification", "times": "2"},
            "Calls of QueryEmailVerification: rejected with ServiceUnavailable, at most 2 times.",
            "{id: one, when: {action: QueryEmailVerification}, times: 2, error: ServiceUnavailable}",
        ),
        ("delay", {"delay": "1s", "times": ""}, "All calls: answered after 1s.", '{id: one, delay: "1s"}'),
        (
            "slow",
            {"slow": "2s", "email": "*@example.com"},
            "All calls for *@example.com: body takes 2s, once.",
            '{id: one, when: {email: "*@example.com"}, times: 1, slow: "2s"}',
        ),
        (
            "reset",
            {"reset": "after", "times": "", "nth": "3"},
            "All calls: connection reset after the call was executed, only call number 3.",
            "{id: one, when: {nth: 3}, reset: after}",
        ),
        (
            "body",
            {"body": "empty", "after": "1"},
            "All calls: no body, after 1 matching call, once.",
            "{id: one, after: 1, times: 1, body: empty}",
        ),
    ],
    ids=["error", "delay", "slow", "reset", "body"],
)
def test_fault_of_each_kind_is_added(
    page: Page, running: Running, kind: str, fields: dict[str, str], sentence: str, yaml: str
) -> None:
    show(page, "faults")
    page.locator("#add").first.click()
    page.locator(f"[data-tab={kind}]").click()
    page.locator("#field-id").fill("one")
    for name, value in fields.items():
        field = page.locator(f"#field-{name}")
        field.select_option(value) if field.evaluate("one => one.tagName") == "SELECT" else field.fill(value)
    expect(page.locator("#sentence")).to_have_text(sentence)
    expect(page.locator("#yaml")).to_have_text(f"faults:\n  - {yaml}")
    text = page.locator("#yaml").inner_text()
    page.locator("#save").click()
    expect(page.locator("[data-fault=one]")).to_contain_text(sentence)
    (expected,) = loader.load_text(f"alimock: 1\n{text}\n".encode(), file="case").faults
    (added,) = (fault for fault in running.store.start.faults if fault.id == "one")
    assert (added.error, added.response_fault, added.times, added.nth, added.after) == (
        *(expected.error, expected.response_fault, expected.times, expected.nth, expected.after),
    )


def test_fault_is_counted_disabled_and_enabled(page: Page, running: Running) -> None:
    send_to(running, "PUT", "faults/busy", {"error": "ServiceUnavailable", "when": {"action": "QueryEmailVerification"}})
    show(page, "faults")
    fault = page.locator("[data-fault=busy]")
    assert query(running) == "ServiceUnavailable"
    expect(fault.locator(".fired")).to_have_text("Fired 1")
    fault.get_by_role("switch").click()
    expect(fault).to_contain_text("Disabled")
    assert query(running) != "ServiceUnavailable"
    fault.get_by_role("switch").click()
    expect(fault.locator(".badge", has_text="Disabled")).to_have_count(0)
    expect(fault.locator(".fired")).to_have_text("Fired 1")
    assert query(running) == "ServiceUnavailable"


def test_fault_is_changed(page: Page, running: Running) -> None:
    send_to(running, "PUT", "faults/busy", {"error": "ServiceUnavailable", "when": {"action": "QueryEmailVerification"}})
    show(page, "faults")
    page.locator("[data-fault=busy]").get_by_role("link", name="Change").click()
    expect(page.locator("#field-action")).to_have_value("QueryEmailVerification")
    page.locator("#field-error").select_option("InternalError")
    page.locator("#save").click()
    expect(page.locator("[data-fault=busy]")).to_contain_text("rejected with InternalError")
    assert query(running) == "InternalError"


def test_deleted_fault_comes_back_by_undo(page: Page, running: Running) -> None:
    send_to(running, "PUT", "faults/busy", {"error": "ServiceUnavailable"})
    show(page, "faults")
    page.get_by_role("button", name="Delete the fault busy").click()
    expect(page.locator("[data-fault=busy]")).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("[data-fault=busy]")).to_have_count(1)


def test_new_fault_is_not_deleted_with_one_of_its_name(page: Page, running: Running) -> None:
    send_to(running, "PUT", "faults/busy", {"error": "ServiceUnavailable"})
    show(page, "faults")
    page.get_by_role("button", name="Delete the fault busy").click()
    page.locator("#add").first.click()
    page.locator("#field-id").fill("busy")
    page.locator("#field-error").select_option("InternalError")
    page.locator("#save").click()
    expect(page.locator("[data-fault=busy]")).to_contain_text("rejected with InternalError")
    assert query(running) == "InternalError"


def test_deletion_is_carried_out_before_a_reset(page: Page, running: Running) -> None:
    send_to(running, "PUT", "faults/busy", {"error": "ServiceUnavailable"})
    show(page, "faults")
    page.get_by_role("button", name="Delete the fault busy").click()
    page.locator("#reset").click()
    page.locator("#confirm").click()
    expect(page.locator(".toast", has_text="Reset.")).to_be_visible()
    kinds = [change["kind"] for change in control(running, "changes")["changes"]]
    assert kinds[:2] == ["reset", "fault"]


def test_deletion_is_carried_out_after_the_time_for_undo(page: Page, running: Running) -> None:
    page.clock.install()
    send_to(running, "PUT", "faults/busy", {"error": "ServiceUnavailable"})
    show(page, "faults")
    page.get_by_role("button", name="Delete the fault busy").click()
    assert len(control(running, "faults")["faults"]) == 1
    page.clock.fast_forward(6_000)
    expect(page.get_by_role("button", name="Undo")).to_have_count(0)
    assert control(running, "faults")["faults"] == []


def test_fault_that_is_gone_is_reported(open_page: Callable[..., Page]) -> None:
    expect(open_page("#/faults/gone").get_by_role("heading", name="There is no fault gone")).to_be_visible()


def test_invalid_fault_is_reported(page: Page) -> None:
    show(page, "faults")
    page.locator("#add").first.click()
    page.locator("[data-tab=delay]").click()
    page.locator("#field-delay").fill("soon")
    page.locator("#save").click()
    expect(page.get_by_role("alert")).to_contain_text("soon")
    expect(page.locator("#fault-form")).to_be_visible()


def test_reset_asks_first_and_drops_what_was_added(page: Page, running: Running) -> None:
    submit(running, "jo@example.com")
    send_to(running, "PUT", "faults/busy", {"error": "ServiceUnavailable"})
    show(page, "faults")
    page.locator("#reset").click()
    expect(page.locator("dialog")).to_contain_text("1 email and 1 call will be deleted.")
    page.keyboard.press("Escape")
    assert len(control(running, "outbox")["messages"]) == 1
    page.locator("#reset").click()
    page.locator("#confirm").click()
    expect(page.locator("[data-fault=busy]")).to_have_count(0)
    assert control(running, "outbox")["messages"] == []


def test_links_expire_after_three_days(page: Page, running: Running) -> None:
    submit(running, "jo@example.com")
    show(page, "clock")
    expect(page.locator("#expiring tr", has_text="jo@example.com")).to_contain_text("2 d 23 h")
    page.locator("#advance-3d").click()
    expect(page.locator(".toast")).to_contain_text("Clock advanced: +3 days.")
    expect(page.locator("#expiring tr", has_text="jo@example.com")).to_have_count(0)
    show(page, "outbox")
    expect(page.locator(".item")).to_contain_text("Expired")


def test_clock_is_frozen_set_and_resumed(page: Page, running: Running) -> None:
    show(page, "clock")
    page.locator("#freeze").click()
    expect(page.locator("#clock .badge").first).to_have_text("Frozen")
    before = page.locator("#now").inner_text()
    page.locator("#advance-1d").click()
    expect(page.locator("#now")).not_to_have_text(before)
    assert page.locator("#now").inner_text()[11:] == before[11:]
    page.locator("#set-time").fill("2030-01-31T09:30")
    page.locator("#set").click()
    expect(page.locator("#now")).to_have_text("2030-01-31 09:30:00")
    assert control(running, "clock") == {"now": "2030-01-31 09:30:00", "frozen": True}
    expect(page.locator("#nav-clock")).to_contain_text("frozen")
    page.locator("#run").click()
    expect(page.locator("#nav-clock")).to_contain_text(" d")
    page.locator("#real").click()
    expect(page.locator("#nav-clock")).not_to_contain_text(" d")
    assert control(running, "clock")["frozen"] is False
    expect(page.locator("#clock .badge").first).to_have_text("Running")


def test_registered_key_is_checked_and_deleted(page: Page, running: Running) -> None:
    show(page, "keys")
    page.locator("#add").click()
    page.locator("#field-id").fill("ci")
    page.locator("#field-secret").fill("its-secret")
    page.locator("#save").click()
    key = page.locator("[data-key=ci]")
    expect(key).to_contain_text("Active")
    assert "its-secret" not in page.content()
    key.get_by_role("button", name="Show secret").click()
    expect(key).to_contain_text("its-secret")
    for secret, expected in (("its-secret", "OK"), ("wrong", "SignatureDoesNotMatch")):
        answer = send(running, signed(secret=secret, Timestamp=now(), SignatureNonce=secret, AccessKeyId="ci"))
        assert answer.get("Code", "OK") == expected, json.dumps(answer)
    key.get_by_role("button", name="Delete").click()
    page.locator("#confirm").click()
    expect(key).to_have_count(0)
