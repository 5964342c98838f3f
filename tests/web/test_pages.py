"""The web page in a real browser."""

from __future__ import annotations

import os
import re
import shutil
import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from alimock.api.service import Service
from alimock.scenario import loader
from alimock.security import HostPolicy
from alimock.server.dispatch import Application
from alimock.server.server import Server
from alimock.state.limits import StateLimits
from alimock.state.store import Store
from aliyunsdkcore.client import AcsClient
from aliyunsdkdomain.request.v20180129.SubmitEmailVerificationRequest import SubmitEmailVerificationRequest
from command import serving
from conftest import Running, serve
from playwright.sync_api import Browser, Page, expect, sync_playwright

CHROMIUM = os.environ.get("CHROMIUM") or next(
    (path for name in ("chromium", "chromium-browser", "google-chrome", "chrome") if (path := shutil.which(name))), None
)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        CHROMIUM is None and not os.environ.get("CI"), reason="no Chromium on this machine (set CHROMIUM to its path)"
    ),
    pytest.mark.filterwarnings("ignore"),
]
VIEWS = ("outbox", "addresses", "calls", "scenario", "clock", "faults")
SCREENSHOTS = os.environ.get("SCREENSHOTS")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    assert CHROMIUM is not None, "no Chromium on this machine"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def running() -> Iterator[Running]:
    yield from serve(loader.load("throttled"))


@pytest.fixture
def page(browser: Browser, running: Running) -> Iterator[Page]:
    context = browser.new_context(locale="en-US")
    page = context.new_page()
    problems: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(f"{running.url}/_alimock/")
    expect(page.locator("#tabs button")).to_have_count(6)
    yield page
    context.close()
    # What the server refuses, and that it has stopped, the browser tells too.
    assert not [problem for problem in problems if not problem.startswith("Failed to load resource")]
    assert {
        url.partition("/_alimock")[0].partition("/view")[0].partition("/verify")[0]
        for url in requests
        if not url.startswith("data:")
    } == {running.url}


def submit(running: Running, email: str, more: str = "") -> None:
    query = f"Action=SubmitEmailVerification&Version=2018-01-29&Email={email}{more}"
    urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"{running.url}/?{query}").read()


def show(page: Page, name: str) -> None:
    page.locator(f"#tab-{name}").click()
    expect(page.locator(f"#tab-{name}")).to_have_attribute("aria-selected", "true")


def test_a_mail_appears_is_opened_and_its_link_verifies(page: Page, running: Running) -> None:
    expect(page.get_by_text("No mails yet.")).to_be_visible()
    client = AcsClient("testid", "testsecret", "cn-hangzhou")
    request = SubmitEmailVerificationRequest()
    request.set_endpoint(running.endpoint)
    request.set_Email("jo@example.com")
    client.do_action_with_exception(request)
    expect(page.locator(".mails strong")).to_have_text("jo@example.com")
    frame = page.frame_locator("iframe")
    expect(frame.get_by_text("Please verify the email address jo@example.com")).to_be_visible()
    for part, words in (
        ("text", "This mail was caught by alimock"),
        ("headers", "Message-ID:"),
        ("raw", "Content-Type: text/html"),
    ):
        page.locator(f"#part-{part}").click()
        expect(page.locator("article pre")).to_contain_text(words)
    assert running.store.outbox.entries()[0].token_state.value == "open"
    with page.context.expect_page() as opened:
        page.locator("#follow").click()
    expect(opened.value.get_by_text("The address is verified.")).to_be_visible()
    expect(page.locator(".mails")).to_contain_text("used")
    show(page, "addresses")
    expect(page.locator("tr", has_text="jo@example.com")).to_contain_text("verified")
    show(page, "calls")
    expect(page.locator("tr", has_text="SubmitEmailVerification")).to_contain_text("200 OK")


def test_a_mail_cannot_act_on_the_page(page: Page, running: Running) -> None:
    submit(running, "%22%3E%3Cimg/src=x/onerror=alert(1)%3E%3Cscript%3Eparent.document.title='taken'%3C/script%3E@example.com")
    expect(page.locator(".mails strong")).to_contain_text("<script>")
    expect(page.locator("iframe")).to_have_attribute("sandbox", "")
    assert page.title() == "alimock"
    assert page.locator("main img, main script").count() == 0


def test_a_wrong_scenario_is_told_and_a_right_one_loaded(page: Page, tmp_path: Path) -> None:
    show(page, "scenario")
    wrong, right = tmp_path / "wrong.yaml", tmp_path / "right.yaml"
    wrong.write_text("alimock: 1\nprofil: docs-2021\n")
    right.write_text("alimock: 1\ndescription: Loaded by hand.\naddresses: {ann@example.com: verified}\n")
    page.locator("#file").set_input_files(wrong)
    expect(page.locator("#notice")).to_contain_text("2:1: found the unknown key `profil`, expected `profile`")
    page.locator("#file").set_input_files(right)
    expect(page.locator("#loaded")).to_contain_text("Loaded by hand.")
    expect(page.locator("#scenario")).to_contain_text("ann@example.com")
    page.locator("#state-current").click()
    expect(page.locator("#scenario")).to_contain_text("as it was at")


def test_the_clock_is_frozen_and_advanced(page: Page, running: Running) -> None:
    show(page, "clock")
    page.locator("#freeze").click()
    expect(page.get_by_text("stands still")).to_be_visible()
    before = page.locator("#now").inner_text()
    page.locator("#day").click()
    expect(page.locator("#now")).not_to_have_text(before)
    assert page.locator("#now").inner_text()[11:] == before[11:]
    page.locator("#run").click()
    expect(page.get_by_text("runs", exact=False)).to_be_visible()


def test_faults_show_their_hits_and_a_reset_begins_anew(page: Page, running: Running) -> None:
    for _ in range(2):
        submit(running, "jo@example.com", "&SendIfExist=true")
    show(page, "faults")
    row = page.locator("tr", has_text="second-query")
    for email in ("abc@aliyun.com", "abc@aliyun.com"):
        with urllib.request.build_opener(urllib.request.ProxyHandler({}), NoErrors()).open(
            f"{running.url}/?Action=QueryEmailVerification&Version=2018-01-29&Email={email}"
        ) as answer:
            answer.read()
    expect(row).to_contain_text("2")
    expect(row.locator(".good")).to_have_text("1")
    page.locator("#reset").click()
    expect(row.locator(".good")).to_have_count(0)
    show(page, "outbox")
    expect(page.get_by_text("No mails yet.")).to_be_visible()


class NoErrors(urllib.request.HTTPErrorProcessor):
    def http_response(self, request: urllib.request.Request, response: object) -> object:  # type: ignore[override]
        return response


def test_the_page_narrows_to_one_account(page: Page, running: Running) -> None:
    submit(running, "one@example.com", "&AccessKeyId=one")
    submit(running, "two@example.com", "&AccessKeyId=two")
    expect(page.locator(".mails li")).to_have_count(2)
    page.locator("#account").select_option("one")
    expect(page.locator(".mails li")).to_have_count(1)
    page.locator("#delete-all").click()
    expect(page.get_by_text("No mails yet.")).to_be_visible()
    page.locator("#account").select_option("")
    expect(page.locator(".mails strong")).to_have_text("two@example.com")


def test_the_page_is_used_by_keyboard_and_speaks_chinese(page: Page, running: Running) -> None:
    submit(running, "a@example.com")
    submit(running, "b@example.com")
    expect(page.locator(".mails li")).to_have_count(2)
    # The one that was there first may be open already.
    page.locator(".mails button").first.click()
    expect(page.locator("[aria-current=true] strong")).to_have_text("b@example.com")
    page.keyboard.press("j")
    expect(page.locator("[aria-current=true] strong")).to_have_text("a@example.com")
    page.keyboard.press("k")
    expect(page.locator("[aria-current=true] strong")).to_have_text("b@example.com")
    page.keyboard.press("3")
    expect(page.locator("#tab-calls")).to_have_attribute("aria-selected", "true")
    page.locator("#language").click()
    expect(page.locator("#tab-outbox")).to_contain_text("发件箱")
    page.reload()
    expect(page.locator("#tab-calls")).to_contain_text("调用")


def test_what_is_typed_stays_while_mails_arrive(page: Page, running: Running) -> None:
    submit(running, "ann@example.com")
    expect(page.locator(".mails li")).to_have_count(1)
    page.locator("#search").press_sequentially("ann@")
    submit(running, "bo@example.com")
    submit(running, "ann@second.example.com")
    expect(page.locator(".mails li")).to_have_count(2)
    expect(page.locator("#search")).to_have_value("ann@")
    expect(page.locator("#search")).to_be_focused()


def test_an_emulator_that_was_restarted_is_found_again(browser: Browser) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    def started(name: str) -> Server:
        server = Server(Application(Service(Store(loader.load(name))), HostPolicy()), "127.0.0.1", port)
        server.start()
        return server

    first, page = started("default"), browser.new_page()
    page.goto(f"{first.url}/_alimock/#addresses")
    expect(page.locator("tr", has_text="abc@aliyun.com")).to_be_visible()
    first.stop()
    expect(page.locator("#notice")).to_contain_text("does not answer")
    second = started("verified-users")
    try:
        expect(page.locator("#loaded")).to_contain_text("verified-users")
        expect(page.locator("#notice")).to_be_hidden()
        expect(page.locator("tr", has_text="ann@example.com")).to_be_visible()
    finally:
        page.close()
        second.stop()


def test_mails_that_were_dropped_are_counted(browser: Browser) -> None:
    for running in serve(loader.load("default"), state_limits=StateLimits(max_entries_per_account=2)):
        submit(running, ",".join(f"user{number}@example.com" for number in range(5)))
        page = browser.new_page(locale="en-US")
        page.goto(f"{running.url}/_alimock/")
        expect(page.locator(".mails li")).to_have_count(2)
        expect(page.locator("#evicted")).to_have_text("Dropped, since there were too many: 3")
        page.close()


def test_a_wrong_file_that_is_watched_is_told_on_the_page(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "case.yaml"
    path.write_text("alimock: 1\ndescription: One.\n")
    with serving("--watch", "--scenario", str(path)) as (_, line):
        found = re.search(r"http://[0-9.:]+", line)
        assert found is not None
        page = browser.new_page()
        page.goto(f"{found[0]}/_alimock/")
        expect(page.locator("#loaded")).to_contain_text("One.")
        path.write_text("alimock: 1\nprofil: x\n")
        expect(page.locator("#notice")).to_contain_text("found the unknown key `profil`")
        path.write_text("alimock: 1\ndescription: Two.\n")
        expect(page.locator("#notice")).to_be_hidden()
        expect(page.locator("#loaded")).to_contain_text("Two.")
        page.close()


def test_a_page_of_another_site_cannot_frame_it_nor_may_it_load_from_elsewhere(running: Running) -> None:
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"{running.url}/_alimock/") as answer:
        policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_view_fits_its_window(browser: Browser, running: Running, width: int, scheme: str) -> None:
    for number in range(3):
        submit(running, f"user{number}@example.com", "&Lang=zh" if number == 1 else "")
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme, locale="en-US")  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(f"{running.url}/_alimock/")
    for name in VIEWS:
        show(page, name)
        expect(page.locator("#view > *")).to_have_count(1)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        if SCREENSHOTS:
            page.screenshot(path=f"{SCREENSHOTS}/{name}-{scheme}-{width}.png")
    context.close()
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", running.url)
