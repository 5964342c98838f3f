"""The view Calls of the web UI: the log, its filters, and the detail of a call."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Callable
from datetime import datetime, timezone
from urllib.parse import urlencode

import pytest
from conftest import Running, signed
from playwright.sync_api import Page, Route, expect
from web.actions import call, control, send, send_to, show, submit

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


def now() -> str:
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def open_call(page: Page, text: str) -> None:
    show(page, "calls")
    page.locator(".item", has_text=text).first.click()
    expect(page.locator("#detail h2")).to_be_visible()


def test_reason_of_a_refusal_is_shown_with_its_line_of_the_scenario(page: Page, running: Running) -> None:
    """Task: find out why a call was refused."""
    submit(running, "jo@example.com,test1@aliyun.com")
    open_call(page, "SendTokenQuotaExceeded")
    refused = page.locator(".outcome", has_text="test1@aliyun.com")
    expect(refused.locator(".badge")).to_have_text("SendTokenQuotaExceeded")
    expect(refused.locator(".hit")).to_contain_text("test1@aliyun.com: quota-exceeded")
    expect(page.locator(".outcome", has_text="jo@example.com").locator(".badge")).to_have_text("Success")
    expect(page.locator("#detail header")).to_contain_text("1 of 2 addresses refused")
    refused.get_by_role("link", name="default.yaml").click()
    expect(page.locator("#editor")).to_be_focused()
    selected = page.locator("#editor").evaluate("one => one.value.slice(one.selectionStart, one.selectionEnd)")
    assert "test1@aliyun.com: quota-exceeded" in selected


def test_mail_of_a_call_is_one_click_away(page: Page, running: Running) -> None:
    """Task: find the email of a call."""
    submit(running, "ann@example.com")
    submit(running, "jo@example.com")
    open_call(page, "ann@example.com")
    page.locator("#mails a").click()
    expect(page.locator("#detail dl a", has_text="ann@example.com")).to_be_visible()
    expect(page.frame_locator("iframe").get_by_text("ann@example.com").first).to_be_visible()


def test_call_that_arrives_while_the_log_loads_is_shown_once(open_page: Callable[..., Page], running: Running) -> None:
    submit(running, "one@example.com")
    page = open_page("#/keys")
    arrived: list[str] = []

    def arrive(route: Route) -> None:
        # The list is answered before the call, and arrives after it.
        response = route.fetch()
        if "limit=100" in route.request.url and not arrived:
            arrived.append("two")
            submit(running, "two@example.com")
        route.fulfill(response=response)

    page.route("**/_alimock/calls?*", arrive)
    show(page, "calls")
    expect(page.locator(".item")).to_have_count(2)
    expect(page.locator(".foot")).to_have_text("2 calls")


@pytest.mark.parametrize("hash_", ["#/calls/wait", "#/calls/..", "#/calls?foo=1", "#/constructor", "#/toString"])
def test_odd_link_leaves_the_page_usable(open_page: Callable[..., Page], running: Running, hash_: str) -> None:
    submit(running, "jo@example.com")
    page = open_page(hash_)
    show(page, "calls")
    expect(page.locator(".item")).to_have_count(1)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"action": "QueryEmailVerification"}, 1),
        ({"outcome": "SendTokenQuotaExceeded"}, 1),
        ({"outcome": "success"}, 2),
        ({"email": "jo@example.com"}, 2),
        ({"text": "test1@"}, 1),
        ({"text": "no such text"}, 0),
        ({"account": "two"}, 1),
    ],
    ids=str,
)
def test_calls_are_filtered(open_page: Callable[..., Page], running: Running, filters: dict[str, str], expected: int) -> None:
    submit(running, "jo@example.com")
    submit(running, "test1@aliyun.com")
    submit(running, "bo@example.com", AccessKeyId="two")
    call(running, "QueryEmailVerification", Email="jo@example.com")
    page = open_page(f"#/calls?{urlencode(filters)}")
    expect(page.locator(".item")).to_have_count(expected)
    if not expected:
        expect(page.get_by_role("heading", name="Nothing matches")).to_be_visible()
        page.locator("#clear-filters").click()
        expect(page.locator(".item")).to_have_count(4)


def test_filters_are_chosen_on_the_page_and_kept_in_its_address(page: Page, running: Running) -> None:
    submit(running, "jo@example.com")
    call(running, "QueryEmailVerification", Email="jo@example.com")
    show(page, "calls")
    page.locator("#filter-action").select_option("QueryEmailVerification")
    expect(page.locator(".item")).to_have_count(1)
    assert "action=QueryEmailVerification" in page.url
    page.reload()
    expect(page.locator(".item")).to_have_count(1)
    expect(page.locator("#filter-action")).to_have_value("QueryEmailVerification")


def test_log_is_live_until_it_is_paused(page: Page, running: Running) -> None:
    show(page, "calls")
    submit(running, "one@example.com")
    expect(page.locator(".item")).to_have_count(1)
    page.locator("#pause").click()
    submit(running, "two@example.com")
    expect(page.locator("#pause")).to_contain_text("1 new")
    expect(page.locator(".item")).to_have_count(1)
    page.locator("#pause").click()
    expect(page.locator(".item")).to_have_count(2)
    expect(page.locator(".foot")).to_have_text("2 calls")


def test_request_and_response_are_shown_as_they_were_on_the_wire(page: Page, running: Running) -> None:
    query = signed(Timestamp=now(), Action="QueryEmailVerification", Email="abc@aliyun.com")
    send(running, query)
    open_call(page, "QueryEmailVerification")
    expect(page.locator("#exchange")).to_contain_text('"VerificationStatus": 1')
    page.locator("[data-tab=raw]").click()
    expect(page.locator("#raw-request")).to_contain_text("GET /?Action=QueryEmailVerification")
    expect(page.locator("#raw-request")).to_contain_text("Email=abc%40aliyun.com")
    expect(page.locator("#raw-response")).to_contain_text("HTTP/1.1 200")
    expect(page.locator("#raw-response")).to_contain_text('"VerificationStatus":1')
    signature = query.partition("&Signature=")[2].partition("&")[0]
    assert signature not in page.content()


def test_copied_curl_command_repeats_the_call(open_page: Callable[..., Page], running: Running) -> None:
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("no curl on this machine")
    send(running, signed(Timestamp=now(), Action="QueryEmailVerification", Email="abc@aliyun.com"))
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    open_call(page, "QueryEmailVerification")
    page.locator("#copy-curl").click()
    expect(page.locator("#copy-curl")).to_have_text("Copied")
    command = shlex.split(page.evaluate("navigator.clipboard.readText()").replace("\\\n", ""))
    done = subprocess.run([curl, "--silent", *command[1:]], capture_output=True, text=True, timeout=30)
    assert '"VerificationStatus":1' in done.stdout
    assert [one["code"] for one in control(running, "calls")["calls"]] == ["OK", "OK"]


def test_wrong_signature_is_shown_as_the_difference_of_both_strings(page: Page, running: Running) -> None:
    # Signed for POST, sent with GET.
    send(running, signed(method="POST", Timestamp=now(), Action="QueryEmailVerification", Email="abc@aliyun.com"))
    open_call(page, "SignatureDoesNotMatch")
    diagnosis = page.locator("#diagnosis")
    expect(diagnosis).to_contain_text("it is signed for POST but sent with GET")
    expect(diagnosis.locator("pre del")).to_have_text("POST")
    expect(diagnosis.locator("pre ins")).to_have_text("GET")


def test_pasted_string_to_sign_is_compared(page: Page, running: Running) -> None:
    send(running, signed(secret="wrong", Timestamp=now(), Action="QueryEmailVerification", Email="abc@aliyun.com"))
    open_call(page, "SignatureDoesNotMatch")
    expect(page.locator("#diagnosis")).to_contain_text("probably a wrong secret for key testid")
    expected = page.locator("#diagnosis pre").inner_text()
    page.locator("#client-string").fill(expected.replace("testid", "other"))
    expect(page.locator("#diagnosis pre del")).to_have_text("other")
    expect(page.locator("#diagnosis pre ins")).to_have_text("testid")
    page.locator("#client-string").fill(expected)
    expect(page.locator("#diagnosis")).to_contain_text("Both strings are the same")
    page.locator("#diagnosis").get_by_role("link", name="Access key testid").click()
    expect(page.locator("[data-key=testid]")).to_have_attribute("aria-current", "true")


def test_hint_for_a_misspelled_operation_is_shown(page: Page, running: Running) -> None:
    call(running, "SubmitEmailVerificatoin", Email="jo@example.com")
    open_call(page, "InvalidAction.NotFound")
    expect(page.locator("#detail")).to_contain_text("did you mean SubmitEmailVerification?")


def test_fault_that_fired_is_linked(page: Page, running: Running) -> None:
    send_to(running, "PUT", "faults/busy", {"error": "ServiceUnavailable"})
    call(running, "QueryEmailVerification", Email="abc@aliyun.com")
    open_call(page, "ServiceUnavailable")
    page.locator("#outcomes a", has_text="busy").click()
    expect(page.locator("#fault-form h2")).to_have_text("Change busy")


def test_call_whose_exchange_is_not_kept_says_so(open_page: Callable[..., Page], running: Running) -> None:
    submit(running, "jo@example.com")
    # As another process of a shared state answers, or one that is restarted.
    path = "**/_alimock/calls/*"
    page = open_page()

    def without_exchange(route: Route) -> None:
        response = route.fetch()
        route.fulfill(response=response, json={**response.json(), "exchange": None})

    page.route(path, without_exchange)
    open_call(page, "SubmitEmailVerification")
    expect(page.locator("#exchange")).to_contain_text("no longer kept")


def test_unknown_call_is_reported(open_page: Callable[..., Page]) -> None:
    page = open_page("#/calls/99999")
    expect(page.get_by_role("alert")).to_contain_text("99999")
