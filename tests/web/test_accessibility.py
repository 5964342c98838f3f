"""What axe-core finds in a page."""

from __future__ import annotations

import pytest
from conftest import Running
from playwright.sync_api import Browser
from web.accessibility import serious_findings

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
PAGE = '<html lang="en"><title>A page</title><main><h1>A page</h1>{}</main></html>'


@pytest.mark.parametrize(
    ("content", "rules"),
    [
        ("<p>Text.</p>", []),
        # A critical finding.
        ('<img src="data:,">', ["image-alt"]),
        # A moderate one: a level is missing between the headings.
        ("<h3>A heading</h3>", []),
    ],
)
def test_serious_findings_are_reported(browser: Browser, content: str, rules: list[str]) -> None:
    page = browser.new_page()
    page.set_content(PAGE.format(content))
    assert [finding.partition(":")[0] for finding in serious_findings(page)] == rules
    page.close()


def test_web_ui_is_checked_despite_its_policy(browser: Browser, running: Running) -> None:
    page = browser.new_page(locale="en-US")
    page.goto(f"{running.url}/_alimock/")
    page.get_by_text("No emails yet").wait_for()
    assert serious_findings(page) == []
    page.evaluate("document.querySelector('main').append(new Image())")
    assert serious_findings(page) == ["image-alt: Images must have alternative text (img)"]
    page.close()
