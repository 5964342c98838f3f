"""The view Scenario of the web UI: the picker, the editor, the difference and loading."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from alimock.scenario import sources
from command import serving
from conftest import Running
from playwright.sync_api import Browser, Page, expect
from web.actions import control, send_to, show, submit

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


def write(page: Page, text: str) -> None:
    page.locator("#editor").fill(text)


def load(page: Page) -> None:
    page.locator("#load").click()
    page.locator("#confirm").click()


def test_wrong_scenario_is_corrected_and_loaded(page: Page, running: Running, tmp_path: Path) -> None:
    """Task: load a wrong scenario and fix it."""
    submit(running, "jo@example.com")
    show(page, "scenario")
    file = tmp_path / "case.yaml"
    file.write_text("alimock: 1\nprofil: docs-2021\naddresses:\n  ann@example.com: verifed\n")
    page.locator("#file").set_input_files(file)
    expect(page.locator("#check")).to_contain_text("case.yaml")
    expect(page.locator("#check")).to_contain_text("2 errors")
    expect(page.locator(".gutter .bad")).to_have_text(["2", "4"])
    expect(page.locator("#problems")).to_contain_text("Line 2: found the unknown key `profil`, expected `profile`")
    expect(page.locator("#load")).to_be_disabled()
    page.locator("#problems button", has_text="Line 4").click()
    expect(page.locator("#editor")).to_be_focused()
    assert page.locator("#editor").evaluate("one => one.value.slice(one.selectionStart, one.selectionEnd)") == "verifed"
    write(page, "alimock: 1\nprofile: docs-2021\ndescription: Corrected.\naddresses:\n  ann@example.com: verified\n")
    expect(page.locator("#check")).to_contain_text("Valid")
    page.locator("#load").click()
    expect(page.locator("dialog")).to_contain_text("1 email and 1 call will be deleted.")
    page.get_by_role("button", name="Cancel").click()
    assert len(control(running, "outbox")["messages"]) == 1
    load(page)
    expect(page.locator("#loaded")).to_contain_text("Corrected.")
    expect(page.locator(".toast")).to_contain_text("Scenario loaded: Corrected.")
    assert control(running, "outbox")["messages"] == []


def test_built_in_scenarios_are_listed_with_descriptions_and_opened(page: Page) -> None:
    show(page, "scenario")
    built_in = page.locator("aside ul").last.locator("button > span")
    expect(built_in).to_have_text(sources.built_in_names())
    page.locator(".choice", has_text="unlimited").click()
    expect(page.locator("#check")).to_contain_text("unlimited")
    load(page)
    expect(page.locator("#loaded")).to_contain_text("unlimited")


def test_changes_are_shown_against_the_loaded_scenario(page: Page) -> None:
    show(page, "scenario")
    expect(page.locator("#check")).to_contain_text("Valid")
    page.locator("[data-tab=changes]").click()
    expect(page.get_by_role("heading", name="No changes")).to_be_visible()
    page.locator("[data-tab=edit]").click()
    write(page, page.locator("#editor").input_value() + "limits: {addresses_per_day: 7}\n")
    expect(page.locator("#check")).to_contain_text("Valid")
    page.locator("[data-tab=changes]").click()
    expect(page.locator(".diff ins", has_text="addresses_per_day")).to_contain_text("+ ")


def test_draft_survives_another_view(page: Page) -> None:
    show(page, "scenario")
    expect(page.locator("#check")).to_contain_text("Valid")
    write(page, "alimock: 1\ndescription: A draft.\n")
    show(page, "outbox")
    show(page, "scenario")
    expect(page.locator("#editor")).to_have_value("alimock: 1\ndescription: A draft.\n")


def test_editor_follows_what_is_loaded_until_it_is_edited(page: Page, running: Running) -> None:
    show(page, "scenario")
    expect(page.locator("#check")).to_contain_text("Valid")
    send_to(running, "PUT", "scenario", {"alimock": 1, "description": "Loaded elsewhere."})
    expect(page.locator("#editor")).to_have_value(re.compile("Loaded elsewhere"))
    write(page, "alimock: 1\ndescription: A draft.\n")
    send_to(running, "PUT", "scenario", {"alimock": 1, "description": "Loaded again."})
    expect(page.locator("#loaded")).to_contain_text("Loaded again.")
    expect(page.locator("#editor")).to_have_value("alimock: 1\ndescription: A draft.\n")


def test_edited_file_of_several_is_loaded_with_the_others(browser: Browser, tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"{name}.yaml").write_text(f"alimock: 1\naddresses: {{{name}@example.com: verified}}\n")
    with serving("--scenario", f"{tmp_path / 'a.yaml'},{tmp_path / 'b.yaml'}") as (_, line):
        found = re.search(r"http://[0-9.:]+", line)
        assert found is not None
        page = browser.new_page(locale="en-US")
        page.goto(f"{found[0]}/_alimock/#/scenario")
        page.locator(".choice", has_text="b.yaml").click()
        write(page, "alimock: 1\naddresses: {c@example.com: verified}\n")
        expect(page.locator("#check")).to_contain_text("Valid")
        load(page)
        expect(page.locator(".toast")).to_contain_text("Scenario loaded")
        show(page, "addresses")
        for email, count in (("a@example.com", 1), ("b@example.com", 0), ("c@example.com", 1)):
            expect(page.locator(".item", has_text=email)).to_have_count(count)
        page.close()


def test_opening_another_scenario_asks_before_a_draft_is_lost(page: Page) -> None:
    show(page, "scenario")
    expect(page.locator("#check")).to_contain_text("Valid")
    write(page, "alimock: 1\ndescription: A draft.\n")
    page.locator(".choice", has_text="unlimited").click()
    expect(page.locator("dialog")).to_contain_text("default.yaml was changed in the editor and not loaded.")
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#editor")).to_have_value("alimock: 1\ndescription: A draft.\n")
    page.locator(".choice", has_text="unlimited").click()
    page.locator("#confirm").click()
    expect(page.locator("#check")).to_contain_text("unlimited")


def test_current_state_is_shown_and_exported(page: Page, running: Running) -> None:
    submit(running, "jo@example.com")
    show(page, "scenario")
    page.locator("[data-tab=current]").click()
    expect(page.locator("#current")).to_contain_text("jo@example.com")
    with page.expect_download() as download:
        page.locator("#export").click()
    assert "jo@example.com" in download.value.path().read_text()
    page.locator("#edit-current").click()
    expect(page.locator("#check")).to_contain_text("Valid")


def test_loaded_scenario_shows_no_secret(page: Page) -> None:
    show(page, "scenario")
    expect(page.locator("#editor")).to_have_value(re.compile("alimock: 1"))
    assert "testsecret" not in page.locator("#editor").input_value()


def test_new_line_keeps_the_indentation(page: Page) -> None:
    show(page, "scenario")
    expect(page.locator("#check")).to_contain_text("Valid")
    write(page, "alimock: 1\naddresses:")
    page.locator("#editor").press("End")
    page.keyboard.press("Enter")
    page.keyboard.type("jo@example.com: verified")
    expect(page.locator("#editor")).to_have_value("alimock: 1\naddresses:\n  jo@example.com: verified")


def test_scenario_is_loaded_for_the_selected_account_only(page: Page, running: Running) -> None:
    submit(running, "x@example.com", AccessKeyId="one")
    submit(running, "y@example.com")
    page.locator("#account").select_option("one")
    show(page, "scenario")
    expect(page.locator("#check")).to_contain_text("Valid")
    write(page, "alimock: 1\ndescription: Own.\n")
    load(page)
    expect(page.locator(".toast")).to_contain_text("Scenario loaded: Own.")
    assert [mail["to"] for mail in control(running, "outbox")["messages"]] == ["y@example.com"]


def test_invalid_watched_file_is_reported(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "case.yaml"
    path.write_text("alimock: 1\ndescription: One.\n")
    with serving("--watch", "--scenario", str(path)) as (_, line):
        found = re.search(r"http://[0-9.:]+", line)
        assert found is not None
        page = browser.new_page(locale="en-US")
        page.goto(f"{found[0]}/_alimock/")
        expect(page.locator("#loaded")).to_contain_text("One.")
        path.write_text("alimock: 1\nprofil: x\n")
        expect(page.locator("#notice")).to_contain_text("found the unknown key `profil`")
        path.write_text("alimock: 1\ndescription: Two.\n")
        expect(page.locator("#notice")).to_have_count(0)
        expect(page.locator("#loaded")).to_contain_text("Two.")
        page.close()
