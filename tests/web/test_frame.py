"""The frame of the web UI: navigation, keyboard, language, links, connection, layout and security."""

from __future__ import annotations

import os
import re
import socket
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import alimock
import pytest
from alimock import create_app
from alimock.api.service import Service
from alimock.backend import Backend
from alimock.scenario import loader
from alimock.server.listener import Listener
from alimock.server.server import Server
from alimock.state.store import Store
from conftest import Running
from flask import Flask
from playwright.sync_api import Browser, Page, expect
from web.accessibility import serious_findings
from web.actions import call, control, send, send_to, show, submit
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.serving import make_server

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
VIEWS = ("outbox", "calls", "addresses", "scenario", "faults", "clock", "keys", "start")
# What each view shows once it is loaded, also when there is nothing.
LOADED = "main :is(.item, .empty, .detail, .card, #editor)"
SCREENSHOTS = os.environ.get("SCREENSHOTS")
# The layout does not depend on the colors, so the other combinations are for the eyes only.
EVERY_SCREENSHOT = [(390, "dark"), (1280, "dark"), (1920, "light")] if SCREENSHOTS else []
STATIC = Path(alimock.__file__).parent / "web" / "static"


def test_keyboard_shows_views_and_moves_in_lists(page: Page, running: Running) -> None:
    submit(running, "a@example.com")
    submit(running, "b@example.com")
    expect(page.locator(".item")).to_have_count(2)
    for key, email in (("j", "b@example.com"), ("j", "a@example.com"), ("k", "b@example.com")):
        page.keyboard.press(key)
        expect(page.locator(".item[aria-current=true]")).to_contain_text(email)
    page.keyboard.press("Escape")
    expect(page.locator("#detail")).to_have_count(0)
    page.keyboard.press("/")
    expect(page.locator("#search")).to_be_focused()
    page.keyboard.type("2")
    expect(page.locator("#search")).to_have_value("2")
    page.keyboard.press("Escape")
    expect(page.locator("#search")).to_have_value("")
    expect(page.locator(".item")).to_have_count(2)
    page.keyboard.press("Enter")
    expect(page.locator("#detail")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator(".item", has_text="b@example.com")).to_be_focused()
    page.keyboard.press("?")
    expect(page.locator("dialog")).to_contain_text("Next or previous entry")
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_have_count(0)
    for number, name in enumerate(VIEWS, 1):
        page.keyboard.press(str(number))
        expect(page.locator(f"#nav-{name}")).to_have_attribute("aria-current", "page")


def test_language_is_kept(page: Page) -> None:
    page.locator("#language").click()
    expect(page.locator("#nav-outbox")).to_contain_text("发件箱")
    page.reload()
    expect(page.locator("#nav-calls")).to_contain_text("调用")
    assert page.evaluate("document.documentElement.lang") == "zh"
    page.locator("#language").click()
    expect(page.locator("#nav-outbox")).to_contain_text("Outbox")


def test_chinese_browser_gets_chinese(open_page: Callable[..., Page]) -> None:
    page = open_page(locale="zh-CN")
    expect(page.locator("#nav-scenario")).to_contain_text("场景")


def used_texts() -> set[str]:
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (*STATIC.glob("*.js"), *STATIC.glob("views/*.js")))
    return set(re.findall(r'\bt\("([\w-]+)"', sources))


def test_every_text_exists_in_both_languages_and_is_used(page: Page) -> None:
    names = {
        language: page.evaluate(
            f"import('{page.url.partition('#')[0]}static/texts.{language}.js').then((one) => Object.keys(one.{language}.texts).sort())"
        )
        for language in ("en", "zh")
    }
    assert names["en"] == names["zh"]
    assert used_texts() <= set(names["en"])
    sources = "\n".join(path.read_text(encoding="utf-8") for path in STATIC.rglob("*.js") if not path.name.startswith("texts."))
    computed = ("effect-", "reset-", "body-", "kind-", "outcome-", "does-", "part-")
    assert [
        name for name in names["en"] if f'"{name}"' not in sources and not name.startswith(computed) and name not in VIEWS
    ] == []


@contextmanager
def server_on(port: int, name: str) -> Iterator[Server]:
    server = Server(Backend(Service(Store(loader.load(name)))), Listener("127.0.0.1", port))
    server.start()
    try:
        yield server
    finally:
        server.stop()


def test_lost_connection_is_shown_until_a_restart(browser: Browser) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    page = browser.new_page(locale="en-US")
    with server_on(port, "default") as server:
        page.goto(f"{server.url}/_alimock/#/addresses")
        expect(page.locator(".item", has_text="abc@aliyun.com").first).to_be_visible()
    expect(page.locator("#notice")).to_contain_text("Cannot reach the emulator")
    expect(page.locator(".item", has_text="abc@aliyun.com").first).to_be_visible()
    with server_on(port, "verified-users"):
        expect(page.locator("#loaded")).to_contain_text("verified-users")
        expect(page.locator("#notice")).to_have_count(0)
        expect(page.locator(".item", has_text="ann@example.com").first).to_be_visible()
        page.close()


@pytest.fixture
def filled(running: Running) -> Running:
    """An emulator with calls of every kind, mails, faults, and an account of its own."""
    submit(running, "jo@example.com,test1@aliyun.com,test2@aliyun.com")
    submit(running, "zoe@example.com", AccessKeyId="ci-42", Lang="zh")
    call(running, "QueryEmailVerification", Email="nobody@example.com")
    call(running, "SubmitEmailVerificatoin", Email="jo@example.com")
    send(
        running,
        "Action=QueryEmailVerification&Version=2018-01-29&AccessKeyId=testid&Signature=wrong&SignatureMethod=HMAC-SHA1&Format=JSON",
    )
    send_to(running, "PUT", "faults/slow", {"delay": "10ms", "when": {"email": "slow@*"}, "times": 3})
    return running


def hashes(running: Running) -> dict[str, str]:
    """Return the hashes of all views, with and without a detail."""
    calls = control(running, "calls")["calls"]
    details = {f"call-{one['code']}": f"calls/{one['id']}" for one in calls}
    mail = control(running, "outbox")["messages"][0]
    forms = {
        "patterns": "addresses?kind=patterns",
        "address": "addresses/jo%40example.com",
        "new-address": "addresses/new",
        "new-fault": "faults/new",
        "fault": "faults/slow",
        "new-key": "keys/new",
    }
    return {**{name: name for name in VIEWS}, **details, "mail": f"outbox/{mail['id']}", **forms}


def visit(page: Page, hash_: str) -> None:
    page.evaluate("hash => { location.hash = hash }", f"#/{hash_}")
    expect(page.locator(LOADED).filter(visible=True).first).to_be_visible()
    if "/" in hash_:
        expect(page.locator("main h2").filter(visible=True).first).to_be_visible()
    expect(page.locator("main [aria-busy=true]")).to_have_count(0)


@pytest.mark.parametrize(
    ("width", "scheme"), [(390, "light"), (800, "dark"), (1280, "light"), (1920, "dark"), (2560, "light"), *EVERY_SCREENSHOT]
)
def test_every_view_fits_the_window(open_page: Callable[..., Page], filled: Running, width: int, scheme: str) -> None:
    page = open_page(viewport={"width": width, "height": 844}, color_scheme=scheme)
    for name, hash_ in hashes(filled).items():
        visit(page, hash_)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        navigation = page.locator("nav [aria-current=page]").bounding_box()
        assert navigation is not None
        assert 0 <= navigation["x"] <= width - navigation["width"], name
        if SCREENSHOTS:
            page.screenshot(path=f"{SCREENSHOTS}/{name}-{scheme}-{width}.png")


@pytest.mark.parametrize(("scheme", "language"), [("light", "en-US"), ("dark", "zh-CN")])
def test_no_view_has_serious_accessibility_findings(
    open_page: Callable[..., Page], filled: Running, scheme: str, language: str
) -> None:
    page = open_page(color_scheme=scheme, locale=language, reduced_motion="reduce")
    found = {}
    for name, hash_ in hashes(filled).items():
        visit(page, hash_)
        found[name] = serious_findings(page)
    visit(page, "scenario")
    for tab in ("changes", "current"):
        page.locator(f"[data-tab={tab}]").click()
        found[tab] = serious_findings(page)
    page.locator("#help").click()
    found["help"] = serious_findings(page)
    page.keyboard.press("Escape")
    page.locator("#reset").click()
    found["dialog"] = serious_findings(page)
    assert {name: findings for name, findings in found.items() if findings} == {}


def test_columns_of_calls_break_no_word(open_page: Callable[..., Page], filled: Running) -> None:
    page = open_page("#/calls", viewport={"width": 1280, "height": 800})
    expect(page.locator(".item").first).to_be_visible()
    # One line each.
    assert set(page.locator(".item").evaluate_all("items => items.map((item) => item.offsetHeight)")) == {40}
    for words in ("SubmitEmailVerification", "InvalidAction.NotFound", "default"):
        cell = page.locator(".item span", has_text=words).last
        assert cell.evaluate("one => one.scrollWidth <= one.clientWidth"), words


def test_reduced_motion_is_respected(open_page: Callable[..., Page]) -> None:
    def durations(page: Page) -> set[str]:
        return set(str(page.locator("#reset").evaluate("one => getComputedStyle(one).transitionDuration")).split(", "))

    assert durations(open_page(reduced_motion="reduce")) == {"0s"}
    assert durations(open_page(reduced_motion="no-preference")) == {"0.12s"}


@pytest.mark.parametrize("name", ["outbox", "calls"])
def test_long_list_has_only_visible_rows_in_the_document(open_page: Callable[..., Page], running: Running, name: str) -> None:
    for start in range(0, 1000, 100):
        submit(running, ",".join(f"user{number:04}@example.com" for number in range(start, start + 100)))
    for number in range(600):
        call(running, "QueryEmailVerification", Email=f"user{number:04}@example.com")
    page = open_page(f"#/{name}")
    expect(page.locator(".foot")).to_contain_text("500 emails" if name == "outbox" else "610 calls")
    assert 0 < page.locator(".item").count() < 60
    page.locator(".scroll").evaluate("one => { one.scrollTop = one.scrollHeight }")
    expect(page.locator(".item").last).to_contain_text("user0000@example.com")
    assert page.locator(".item").count() < 60


def test_unknown_view_is_reported(open_page: Callable[..., Page]) -> None:
    expect(open_page("#/nonsense").get_by_role("heading", name="There is no such page")).to_be_visible()


def test_content_security_policy_forbids_framing_and_other_sites(running: Running) -> None:
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"{running.url}/_alimock/") as answer:
        policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


def test_url_of_the_api_opens_the_ui(browser: Browser, running: Running) -> None:
    page = browser.new_page()
    page.goto(running.url)
    assert page.url == f"{running.url}/_alimock/"
    expect(page.locator(".brand")).to_contain_text("alimock")
    page.close()


def test_ui_works_below_a_prefix_of_another_application(browser: Browser) -> None:
    application = DispatcherMiddleware(Flask("other"), {"/mock": create_app()})
    server = make_server("127.0.0.1", 0, application, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.port}/mock"
        urllib.request.urlopen(f"{url}/?Action=SubmitEmailVerification&Version=2018-01-29&Email=jo@example.com").read()
        page = browser.new_page(locale="en-US")
        page.goto(url)
        assert page.url == f"{url}/_alimock/"
        page.get_by_text("jo@example.com").first.click()
        expect(page.frame_locator("iframe").get_by_text("verify").first).to_be_visible()
        show(page, "start")
        expect(page.locator("#snippet")).to_contain_text(f"{url}/?Action=")
        page.close()
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
