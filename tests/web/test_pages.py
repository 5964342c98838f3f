"""The web UI in a real browser."""

from __future__ import annotations

import os
import re
import socket
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from alimock import create_app
from alimock.api.service import Service
from alimock.backend import Backend
from alimock.scenario import loader
from alimock.server.listener import Listener
from alimock.server.server import Server
from alimock.state.limits import StateLimits
from alimock.state.store import Store
from aliyunsdkcore.client import AcsClient
from aliyunsdkdomain.request.v20180129.SubmitEmailVerificationRequest import SubmitEmailVerificationRequest
from command import serving
from conftest import Running, serve
from flask import Flask
from playwright.sync_api import Browser, Page, expect
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.serving import make_server

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
VIEWS = ("outbox", "addresses", "calls", "scenario", "clock", "faults")
SCREENSHOTS = os.environ.get("SCREENSHOTS")


@pytest.fixture
def running() -> Iterator[Running]:
    yield from serve(loader.load("throttled"))


@pytest.fixture
def page(browser: Browser, running: Running) -> Iterator[Page]:
    context = browser.new_context(locale="en-US")
    page = context.new_page()
    errors: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(f"{running.url}/_alimock/")
    expect(page.locator("#tabs button")).to_have_count(6)
    yield page
    context.close()
    # The browser also reports error responses and a stopped server.
    assert not [error for error in errors if not error.startswith("Failed to load resource")]
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


def test_mail_appears_and_its_link_verifies(page: Page, running: Running) -> None:
    expect(page.get_by_text("No emails yet.")).to_be_visible()
    client = AcsClient("testid", "testsecret", "cn-hangzhou")
    request = SubmitEmailVerificationRequest()
    request.set_endpoint(running.endpoint)
    request.set_Email("jo@example.com")
    client.do_action_with_exception(request)
    expect(page.locator(".mails strong")).to_have_text("jo@example.com")
    frame = page.frame_locator("iframe")
    expect(frame.get_by_text("Please verify the email address jo@example.com")).to_be_visible()
    for part, words in (
        ("text", "alimock captured this email"),
        ("headers", "Message-ID:"),
        ("raw", "Content-Type: text/html"),
    ):
        page.locator(f"#part-{part}").click()
        expect(page.locator("article pre")).to_contain_text(words)
    assert running.store.token_state(running.store.outbox.entries()[0]).value == "open"
    with page.context.expect_page() as opened:
        page.locator("#follow").click()
    expect(opened.value.get_by_text("The address is verified.")).to_be_visible()
    expect(page.locator(".mails")).to_contain_text("· Used")
    show(page, "addresses")
    expect(page.locator("tr", has_text="jo@example.com")).to_contain_text("Verified")
    show(page, "calls")
    expect(page.locator("tr", has_text="SubmitEmailVerification")).to_contain_text("200 OK")


def test_mail_content_is_sandboxed(page: Page, running: Running) -> None:
    submit(running, "%22%3E%3Cimg/src=x/onerror=alert(1)%3E%3Cscript%3Eparent.document.title='taken'%3C/script%3E@example.com")
    expect(page.locator(".mails strong")).to_contain_text("<script>")
    expect(page.locator("iframe")).to_have_attribute("sandbox", "")
    assert page.title() == "alimock"
    assert page.locator("main img, main script").count() == 0


def test_invalid_scenario_is_reported_and_a_valid_one_loaded(page: Page, tmp_path: Path) -> None:
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


def test_clock_is_frozen_and_advanced(page: Page, running: Running) -> None:
    show(page, "clock")
    page.locator("#freeze").click()
    expect(page.get_by_text("Frozen")).to_be_visible()
    before = page.locator("#now").inner_text()
    page.locator("#day").click()
    expect(page.locator("#now")).not_to_have_text(before)
    assert page.locator("#now").inner_text()[11:] == before[11:]
    page.locator("#run").click()
    expect(page.get_by_text("Running")).to_be_visible()


def test_fault_counts_are_shown_and_reset(page: Page, running: Running) -> None:
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
    expect(page.get_by_text("No emails yet.")).to_be_visible()


class NoErrors(urllib.request.HTTPErrorProcessor):
    def http_response(self, request: urllib.request.Request, response: object) -> object:  # type: ignore[override]
        return response


def test_account_filter_applies_to_views_and_changes(page: Page, running: Running) -> None:
    submit(running, "one@example.com", "&AccessKeyId=one")
    submit(running, "two@example.com", "&AccessKeyId=two")
    expect(page.locator(".mails li")).to_have_count(2)
    page.locator("#account").select_option("one")
    expect(page.locator(".mails li")).to_have_count(1)
    with page.expect_download() as download:
        page.locator("#mbox").click()
    assert download.value.path().read_bytes().startswith(b"From noreply@example.com ")
    page.locator("#delete-all").click()
    expect(page.get_by_text("No emails yet.")).to_be_visible()
    page.locator("#account").select_option("")
    expect(page.locator(".mails strong")).to_have_text("two@example.com")


def test_keyboard_navigation_and_chinese(page: Page, running: Running) -> None:
    submit(running, "a@example.com")
    submit(running, "b@example.com")
    expect(page.locator(".mails li")).to_have_count(2)
    # The first mail may be open already.
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


def test_search_input_survives_redraws(page: Page, running: Running) -> None:
    submit(running, "ann@example.com")
    expect(page.locator(".mails li")).to_have_count(1)
    page.locator("#search").press_sequentially("ann@")
    submit(running, "bo@example.com")
    submit(running, "ann@second.example.com")
    expect(page.locator(".mails li")).to_have_count(2)
    expect(page.locator("#search")).to_have_value("ann@")
    expect(page.locator("#search")).to_be_focused()


def test_page_reconnects_after_a_restart(browser: Browser) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    def started(name: str) -> Server:
        server = Server(Backend(Service(Store(loader.load(name)))), Listener("127.0.0.1", port))
        server.start()
        return server

    first, page = started("default"), browser.new_page()
    page.goto(f"{first.url}/_alimock/#addresses")
    expect(page.locator("tr", has_text="abc@aliyun.com")).to_be_visible()
    first.stop()
    expect(page.locator("#notice")).to_contain_text("Cannot reach the emulator")
    second = started("verified-users")
    try:
        expect(page.locator("#loaded")).to_contain_text("verified-users")
        expect(page.locator("#notice")).to_be_hidden()
        expect(page.locator("tr", has_text="ann@example.com")).to_be_visible()
    finally:
        page.close()
        second.stop()


def test_evicted_mails_are_counted(browser: Browser) -> None:
    for running in serve(loader.load("default"), state_limits=StateLimits(max_entries_per_account=2)):
        submit(running, ",".join(f"user{number}@example.com" for number in range(5)))
        page = browser.new_page(locale="en-US")
        page.goto(f"{running.url}/_alimock/")
        expect(page.locator(".mails li")).to_have_count(2)
        expect(page.locator("#evicted")).to_have_text("Older emails evicted (limit reached): 3")
        page.close()


def test_invalid_watched_file_is_reported(browser: Browser, tmp_path: Path) -> None:
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


def test_content_security_policy_forbids_framing_and_other_sites(running: Running) -> None:
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"{running.url}/_alimock/") as answer:
        policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_view_fits_the_window(browser: Browser, running: Running, width: int, scheme: str) -> None:
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


def test_url_of_the_api_opens_the_ui(browser: Browser, running: Running) -> None:
    page = browser.new_page()
    page.goto(running.url)
    assert page.url == f"{running.url}/_alimock/"
    expect(page.get_by_role("heading", name="alimock")).to_be_visible()
    page.close()


def test_ui_works_below_a_prefix_of_another_application(browser: Browser) -> None:
    application = DispatcherMiddleware(Flask("other"), {"/mock": create_app()})
    server = make_server("127.0.0.1", 0, application, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.port}/mock"
        urllib.request.urlopen(f"{url}/?Action=SubmitEmailVerification&Version=2018-01-29&Email=jo@example.com").read()
        page = browser.new_page()
        page.goto(url)
        assert page.url == f"{url}/_alimock/"
        page.get_by_text("jo@example.com").first.click()
        expect(page.frame_locator("iframe").get_by_text("verify").first).to_be_visible()
        if SCREENSHOTS:
            page.screenshot(path=f"{SCREENSHOTS}/prefix.png")
        page.close()
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
