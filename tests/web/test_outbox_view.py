"""The view Outbox of the web UI: Get started, the list and the reader."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from alimock import Client
from alimock.scenario import loader
from alimock.state.limits import StateLimits
from aliyunsdkcore.client import AcsClient
from aliyunsdkdomain.request.v20180129.SubmitEmailVerificationRequest import SubmitEmailVerificationRequest
from conftest import Running, serve
from playwright.sync_api import Browser, Page, expect
from web.actions import control, show, submit
from web.snippets import FOLDER, filled

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


def open_mail(page: Page, email: str) -> None:
    page.locator(".item", has_text=email).first.click()
    expect(page.locator("#detail h2")).to_be_visible()


def test_empty_outbox_shows_each_snippet_for_this_emulator(page: Page, running: Running) -> None:
    expect(page.get_by_role("heading", name="No emails yet")).to_be_visible()
    expect(page.locator("#welcome")).to_contain_text(running.endpoint)
    known = Client(running.url, access_key_id="testid", access_key_secret="testsecret")
    for name in sorted(path.name for path in FOLDER.iterdir() if path.is_file()):
        page.locator(f"[data-tab='{name}']").click()
        expect(page.locator("#snippet")).to_have_text(filled(name, known))


def test_mail_appears_and_its_link_verifies(page: Page, running: Running) -> None:
    client = AcsClient("testid", "testsecret", "cn-hangzhou")
    request = SubmitEmailVerificationRequest()
    request.set_endpoint(running.endpoint)
    request.set_Email("jo@example.com")
    client.do_action_with_exception(request)
    open_mail(page, "jo@example.com")
    frame = page.frame_locator("iframe")
    expect(frame.get_by_text("Please verify the email address jo@example.com")).to_be_visible()
    for part, words in (
        ("text", "alimock captured this email"),
        ("headers", "Message-ID:"),
        ("raw", "Content-Type: text/html"),
    ):
        page.locator(f"[data-tab={part}]").click()
        expect(page.locator("#part")).to_contain_text(words)
    with page.context.expect_page() as opened:
        page.locator("#follow").click()
    expect(opened.value.get_by_text("The address is verified.")).to_be_visible()
    expect(page.locator(".item")).to_contain_text("Used")
    show(page, "addresses")
    expect(page.locator(".item", has_text="jo@example.com")).to_contain_text("Verified")
    show(page, "calls")
    expect(page.locator(".item", has_text="SubmitEmailVerification")).to_contain_text("200 OK")


def test_mail_links_to_its_call_and_to_its_address(page: Page, running: Running) -> None:
    submit(running, "jo@example.com")
    open_mail(page, "jo@example.com")
    page.locator("#detail #call").click()
    expect(page.locator("#detail h2")).to_have_text("SubmitEmailVerification")
    page.locator("#mails a").click()
    page.locator("#detail dl a", has_text="jo@example.com").click()
    expect(page.locator("#history")).to_contain_text("SubmitEmailVerification")


def test_only_the_link_of_the_open_mail_expires(page: Page, running: Running) -> None:
    """Task: make a link expire."""
    submit(running, "ann@example.com")
    submit(running, "bob@example.com")
    open_mail(page, "bob@example.com")
    page.locator("#expire").click()
    expect(page.locator(".toast")).to_contain_text("The link of bob@example.com has expired.")
    expect(page.locator(".item", has_text="bob@example.com")).to_contain_text("Expired")
    expect(page.locator(".item", has_text="ann@example.com")).to_contain_text("Unused")


def test_opened_mail_is_read_until_it_is_marked_unread(page: Page, running: Running) -> None:
    submit(running, "jo@example.com")
    expect(page.locator(".item.unread")).to_have_count(1)
    open_mail(page, "jo@example.com")
    expect(page.locator(".item.unread")).to_have_count(0)
    page.reload()
    expect(page.locator(".item")).to_have_count(1)
    expect(page.locator(".item.unread")).to_have_count(0)
    page.locator("#mark-unread").click()
    expect(page.locator(".item.unread")).to_have_count(1)


def test_token_and_link_are_copied(open_page: Callable[..., Page], running: Running) -> None:
    submit(running, "jo@example.com")
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    open_mail(page, "jo@example.com")
    mail = control(running, "outbox")["messages"][0]
    for button, text in (("#copy-token", mail["token"]), ("#copy-link", mail["link"])):
        page.locator(button).click()
        expect(page.locator(button)).to_have_text("Copied")
        assert page.evaluate("navigator.clipboard.readText()") == text


def test_mail_is_downloaded_as_eml_and_all_as_mbox(page: Page, running: Running) -> None:
    submit(running, "jo@example.com")
    open_mail(page, "jo@example.com")
    with page.expect_download() as one:
        page.locator("#eml").click()
    assert one.value.suggested_filename == "jo@example.com.eml"
    assert b"To: jo@example.com\r\n" in one.value.path().read_bytes()
    with page.expect_download() as every:
        page.locator("#mbox").click()
    assert every.value.path().read_bytes().startswith(b"From noreply@example.com ")


def test_deleted_mail_comes_back_by_undo(page: Page, running: Running) -> None:
    submit(running, "ann@example.com")
    submit(running, "jo@example.com")
    open_mail(page, "jo@example.com")
    page.locator("#delete").click()
    expect(page.locator(".item")).to_have_count(1)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".item")).to_have_count(2)
    assert len(control(running, "outbox")["messages"]) == 2


def test_deleted_mail_is_gone_when_the_page_is_left(page: Page, running: Running) -> None:
    submit(running, "jo@example.com")
    open_mail(page, "jo@example.com")
    page.locator("#delete").click()
    expect(page.locator(".toast")).to_contain_text("Email to jo@example.com deleted.")
    # The next page of this server loads after the request that leaving sends.
    page.goto(f"{running.url}/_alimock/#/calls")
    page.reload()
    show(page, "outbox")
    expect(page.get_by_role("heading", name="No emails yet")).to_be_visible()
    assert control(running, "outbox")["messages"] == []


def test_deleting_all_asks_first(page: Page, running: Running) -> None:
    submit(running, "one@example.com", AccessKeyId="one")
    submit(running, "two@example.com", AccessKeyId="two")
    expect(page.locator(".item")).to_have_count(2)
    page.locator("#account").select_option("one")
    expect(page.locator(".item")).to_have_count(1)
    page.locator("#delete-all").click()
    expect(page.locator("dialog")).to_contain_text("1 email of the account of one will be deleted.")
    page.get_by_role("button", name="Cancel").click()
    assert len(control(running, "outbox")["messages"]) == 2
    page.locator("#delete-all").click()
    page.locator("#confirm").click()
    expect(page.get_by_role("heading", name="No emails yet")).to_be_visible()
    page.locator("#account").select_option("")
    expect(page.locator(".item")).to_contain_text("two@example.com")


def test_mail_content_is_sandboxed(page: Page, running: Running) -> None:
    submit(running, "\"><img/src=x/onerror=alert(1)><script>parent.document.title='taken'</script>@example.com")
    expect(page.locator(".item .to")).to_contain_text("<script>")
    page.locator(".item").click()
    expect(page.locator("iframe")).to_have_attribute("sandbox", "")
    assert page.title() == "Outbox · alimock"
    assert page.locator("main img, main script").count() == 0


def test_search_input_survives_new_mails(page: Page, running: Running) -> None:
    submit(running, "ann@example.com")
    expect(page.locator(".item")).to_have_count(1)
    page.locator("#search").press_sequentially("ann@")
    submit(running, "bo@example.com")
    submit(running, "ann@second.example.com")
    expect(page.locator(".item")).to_have_count(2)
    expect(page.locator("#search")).to_have_value("ann@")
    expect(page.locator("#search")).to_be_focused()


def test_evicted_mails_are_counted(browser: Browser) -> None:
    for running in serve(loader.load("default"), state_limits=StateLimits(max_entries_per_account=2)):
        submit(running, ",".join(f"user{number}@example.com" for number in range(5)))
        page = browser.new_page(locale="en-US")
        page.goto(f"{running.url}/_alimock/")
        expect(page.locator(".item")).to_have_count(2)
        expect(page.locator("#evicted")).to_have_text("3 older ones evicted (limit reached)")
        page.close()
