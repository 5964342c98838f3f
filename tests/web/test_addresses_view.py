"""The view Addresses of the web UI: the table, the detail, and the form."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote, urlencode

import pytest
from alimock.scenario import loader
from conftest import Running
from playwright.sync_api import Page, expect
from web.actions import call, control, send_to, show, submit

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


def failures(running: Running, email: str) -> list[str]:
    answer = call(running, "SubmitEmailVerification", Email=email)
    return [one["Code"] for one in answer["FailList"]]


def test_address_runs_out_of_quota(page: Page, running: Running) -> None:
    """Task: make jo@example.com run out of quota."""
    show(page, "addresses")
    page.locator("#add").click()
    page.locator("#field-email").fill("jo@example.com")
    page.locator("#field-outcome").select_option("quota-exceeded")
    expect(page.locator("#yaml")).to_have_text("addresses:\n  jo@example.com: quota-exceeded")
    page.locator("#save").click()
    expect(page.locator(".toast")).to_contain_text("jo@example.com saved.")
    expect(page.locator("#detail")).to_contain_text("Submit and Resend refuse it with SendTokenQuotaExceeded.")
    assert failures(running, "jo@example.com") == ["SendTokenQuotaExceeded"]


def test_known_address_is_changed_with_one_choice(page: Page, running: Running) -> None:
    submit(running, "jo@example.com")
    show(page, "addresses")
    page.locator(".item", has_text="jo@example.com").first.click()
    page.locator("#outcome").select_option("illegal")
    page.locator("#apply").click()
    expect(page.locator("dialog")).to_contain_text("the link of its latest email stops working")
    page.locator("#confirm").click()
    expect(page.locator(".toast")).to_contain_text("jo@example.com is now illegal.")
    expect(page.locator("#outcome")).to_have_value("illegal")
    expect(page.locator(".item", has_text="jo@example.com")).to_contain_text("illegal")
    page.locator("#try").click()
    expect(page.locator("#detail .badge", has_text="ParameterIllegall").first).to_be_visible()
    assert failures(running, "jo@example.com") == ["ParameterIllegall"]


def test_searched_address_is_proposed_for_a_new_entry(page: Page) -> None:
    show(page, "addresses")
    page.locator("#search").fill("new@example.com")
    page.get_by_role("heading", name="Nothing matches").wait_for()
    page.locator(".empty").get_by_role("link", name="Add address").click()
    expect(page.locator("#field-email")).to_have_value("new@example.com")
    expect(page.locator("#field-email")).to_be_focused()


def test_full_record_is_set_and_changed(page: Page, running: Running) -> None:
    show(page, "addresses")
    page.locator("#add").click()
    page.locator("#field-email").fill("jo@example.com")
    page.locator("#full").check()
    page.locator("#field-status").select_option("verified")
    page.locator("#field-send_ip").fill("42.0.0.115")
    page.locator("#field-verification_time").fill("2026-01-31 09:00:00")
    text = page.locator("#yaml").inner_text()
    page.locator("#save").click()
    expect(page.locator("#detail")).to_contain_text("2026-01-31 09:00:00")
    rule = loader.load_text(f"alimock: 1\n{text}\n".encode(), file="case").addresses.rule("jo@example.com")
    assert rule is not None
    assert (rule.send_ip, rule.outcome.value) == ("42.0.0.115", "verified")
    page.locator("#edit").first.click()
    expect(page.locator("#field-send_ip")).to_have_value("42.0.0.115")
    page.locator("#field-send_ip").fill("42.0.0.116")
    page.locator("#save").click()
    expect(page.locator("#detail").first).to_contain_text("42.0.0.116")
    assert call(running, "QueryEmailVerification", Email="jo@example.com")["SendIp"] == "42.0.0.116"


def test_invalid_field_is_reported_and_changes_nothing(page: Page, running: Running) -> None:
    show(page, "addresses")
    page.locator("#add").click()
    page.locator("#field-email").fill("jo@example.com")
    page.locator("#full").check()
    page.locator("#field-status").select_option("verified")
    page.locator("#field-verification_time").fill("yesterday")
    page.locator("#save").click()
    expect(page.get_by_role("alert")).to_contain_text("yesterday")
    expect(page.locator("#field-verification_time")).to_have_value("yesterday")
    assert control(running, "addresses", email="jo@example.com")["addresses"] == []


def test_patterns_are_listed_and_added(page: Page, running: Running) -> None:
    show(page, "addresses")
    page.locator("#add").click()
    page.locator("#field-email").fill("*@busy.example.com")
    page.locator("#field-outcome").select_option("quota-exceeded")
    page.locator("#save").click()
    expect(page.locator("#detail h2").first).to_have_text("*@busy.example.com")
    expect(page.locator("[data-tab=patterns]")).to_have_attribute("aria-pressed", "true")
    assert failures(running, "any@busy.example.com") == ["SendTokenQuotaExceeded"]


def test_change_applies_to_the_selected_account_only(page: Page, running: Running) -> None:
    for key in ("one", "two"):
        submit(running, "x@example.com", AccessKeyId=key)
    page.locator("#account").select_option("one")
    show(page, "addresses")
    page.locator("#add").click()
    page.locator("#field-email").fill("jo@example.com")
    page.locator("#field-outcome").select_option("illegal")
    page.locator("#save").click()
    expect(page.locator(".toast")).to_be_visible()
    found = {
        key: len(control(running, "addresses", email="jo@example.com", access_key_id=key)["addresses"]) for key in ("one", "two")
    }
    assert found == {"one": 1, "two": 0}


def test_history_has_calls_and_mails_newest_first(page: Page, running: Running) -> None:
    submit(running, "jo@example.com")
    call(running, "ResendEmailVerification", Email="jo@example.com")
    show(page, "addresses")
    page.locator(".item", has_text="jo@example.com").first.click()
    expect(page.locator("#history li")).to_have_count(4)
    expect(page.locator("#history li a").first).to_have_text("ResendEmailVerification")
    expect(page.locator("#detail")).to_contain_text("2 of 10")


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"status": "verified"}, "verified@sim.example.com"),
        ({"status": "none"}, "illegal@sim.example.com"),
        ({"text": "TEST1"}, "test1@aliyun.com"),
    ],
    ids=str,
)
def test_addresses_are_filtered(open_page: Callable[..., Page], filters: dict[str, str], expected: str) -> None:
    page = open_page(f"#/addresses?{urlencode(filters)}")
    expect(page.locator(".item", has_text=expected).first).to_be_visible()
    expect(page.locator(".item", has_text="pending@sim.example.com")).to_have_count(0)


def test_deleting_an_address_asks_first(page: Page, running: Running) -> None:
    submit(running, "jo@example.com")
    show(page, "addresses")
    page.locator(".item", has_text="jo@example.com").first.click()
    page.locator("#delete").click()
    page.locator("#confirm").click()
    expect(page.locator(".item", has_text="jo@example.com")).to_have_count(0)
    assert control(running, "addresses", email="jo@example.com")["addresses"] == []


def test_address_with_reserved_characters_has_a_link(open_page: Callable[..., Page], running: Running) -> None:
    email = "a/b?c&d#e%f+g@example.com"
    send_to(running, "PUT", f"addresses/{quote(email, safe='')}", "verified")
    page = open_page(f"#/addresses/{quote(email, safe='')}")
    expect(page.locator("#detail h2")).to_have_text(email)
    expect(page.locator("#detail .badge").first).to_have_text("Verified")
