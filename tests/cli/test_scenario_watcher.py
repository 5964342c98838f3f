"""Watching a scenario's files: a change is loaded, and a mistake leaves the old scenario as it is."""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path

import pytest
from alimock.cli import scenario_watcher
from alimock.cli.scenario_watcher import Watcher
from alimock.scenario import loader
from alimock.scenario.diagnostics import Diagnostic, ScenarioError
from alimock.state.store import Store


def write(path: Path, text: str, serial: int = 0) -> None:
    """Writes a file whose time tells it from the one before, however fast the test is."""
    path.write_text(text)
    os.utime(path, (serial, serial))


@pytest.fixture
def watcher(tmp_path: Path) -> Watcher:
    write(tmp_path / "base.yaml", "alimock: 1\nprofile: docs-2018\n")
    write(tmp_path / "case.yaml", "alimock: 1\nextends: base.yaml\ndescription: One.\n")

    def load() -> loader.Scenario:
        return loader.load(str(tmp_path / "case.yaml"))

    return Watcher(Store(load()), load)


def test_a_file_that_stays_the_same_leaves_the_world_alone(watcher: Watcher) -> None:
    loaded = watcher.store.scenario
    watcher.look()
    assert watcher.store.scenario is loaded


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        ("case.yaml", "alimock: 1\ndescription: Two.\n", ("Two.", "current")),
        ("base.yaml", "alimock: 1\nprofile: docs-2021\n", ("One.", "docs-2021")),
    ],
)
def test_a_change_is_loaded_in_the_file_or_in_one_that_it_extends(
    watcher: Watcher, tmp_path: Path, file: str, text: str, expected: tuple[str, str]
) -> None:
    cursor = watcher.store.cursor
    write(tmp_path / file, text, 1)
    watcher.look()
    assert (watcher.store.scenario.description, watcher.store.scenario.profile) == expected
    assert watcher.store.cursor > cursor


def test_a_wrong_file_keeps_the_old_world_and_says_so(watcher: Watcher, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    case = tmp_path / "case.yaml"
    write(case, "alimock: 1\nextends: other.yaml\n", 1)
    watcher.look()
    assert watcher.store.scenario.description == "One."
    assert watcher.store.scenario_error is not None
    assert f"{case}:2:10: extends: found `{tmp_path}/other.yaml` (No such file" in watcher.store.scenario_error
    assert watcher.store.scenario_error in caplog.text
    # The file that was missing is watched too.
    write(tmp_path / "other.yaml", "alimock: 1\nprofile: docs-2021\n", 2)
    watcher.look()
    assert (watcher.store.scenario.profile, watcher.store.scenario_error) == ("docs-2021", None)


def test_a_deleted_file_is_told_once_and_taken_up_when_it_is_back(
    watcher: Watcher, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    case = tmp_path / "case.yaml"
    loaded = watcher.store.scenario
    case.unlink()
    for _ in range(3):
        watcher.look()
    assert watcher.store.scenario is loaded
    assert watcher.store.scenario_error == f"{case}: found No such file or directory, expected a readable file"
    assert caplog.text.count("the old one is kept") == 1
    write(case, "alimock: 1\ndescription: Back.\n")
    watcher.look()
    assert (watcher.store.scenario.description, watcher.store.scenario_error) == ("Back.", None)


def test_a_folder_that_is_gone_and_comes_back_is_loaded_as_it_was(
    watcher: Watcher, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "gone"
    tmp_path.rename(elsewhere)
    watcher.look()
    assert (watcher.store.scenario.description, watcher.store.scenario_error is None) == ("One.", False)
    elsewhere.rename(tmp_path)
    watcher.look()
    assert (watcher.store.scenario.description, watcher.store.scenario_error) == ("One.", None)


def test_a_file_that_an_editor_puts_in_the_place_of_the_old_one_is_loaded(watcher: Watcher, tmp_path: Path) -> None:
    case = tmp_path / "case.yaml"
    before = case.stat()
    write(tmp_path / "case.yaml~", case.read_text().replace("One.", "Two."))
    (tmp_path / "case.yaml~").replace(case)
    assert (case.stat().st_mtime_ns, case.stat().st_size) == (before.st_mtime_ns, before.st_size)
    watcher.look()
    assert watcher.store.scenario.description == "Two."


def test_a_file_that_may_be_read_again_is_loaded(watcher: Watcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = tmp_path / "case.yaml"
    write(case, "alimock: 1\ndescription: Two.\n", 1)
    with monkeypatch.context() as locked:
        # Whoever runs the tests may be let read everything.
        locked.setattr(scenario_watcher.os, "access", lambda *_: False)
        locked.setattr(watcher, "_load", unreadable)
        watcher.look()
        watcher.look()
    watcher.look()
    assert (watcher.store.scenario.description, watcher.store.scenario_error) == ("Two.", None)


def test_a_pipe_in_the_place_of_a_file_is_told_and_not_waited_for(watcher: Watcher, tmp_path: Path) -> None:
    case = tmp_path / "case.yaml"
    case.unlink()
    os.mkfifo(case)
    watcher.look()
    assert watcher.store.scenario_error == f"{case}: found a pipe, expected a readable file"
    case.unlink()
    write(case, "alimock: 1\ndescription: Two.\n", 1)
    watcher.look()
    assert (watcher.store.scenario.description, watcher.store.scenario_error) == ("Two.", None)


def unreadable() -> loader.Scenario:
    """Fails as the loader does for a file that it may not read."""
    raise ScenarioError([Diagnostic("case.yaml", 0, 0, "", "Permission denied", "a readable file")])


def test_a_link_that_leads_to_another_file_is_followed(tmp_path: Path) -> None:
    write(tmp_path / "one.yaml", "alimock: 1\ndescription: One.\n")
    write(tmp_path / "two.yaml", "alimock: 1\ndescription: Two.\n", 1)
    link = tmp_path / "case.yaml"
    link.symlink_to("one.yaml")
    watcher = Watcher(Store(loader.load(str(link))), lambda: loader.load(str(link)))
    (tmp_path / "other").symlink_to("two.yaml")
    (tmp_path / "other").rename(link)
    watcher.look()
    assert watcher.store.scenario.description == "Two."


def test_a_mistake_of_alimock_itself_does_not_end_the_watching(
    watcher: Watcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> loader.Scenario:
        stopping.set()
        raise RuntimeError("broken")

    stopping = threading.Event()
    monkeypatch.setattr(scenario_watcher, "INTERVAL_SECONDS", 0.001)
    watcher._load = fail
    write(tmp_path / "case.yaml", "alimock: 1\n", 1)
    watcher.run(stopping)
    assert "please report this" in caplog.text


def test_the_watcher_looks_until_it_is_told_to_stop(
    watcher: Watcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(scenario_watcher, "INTERVAL_SECONDS", 0.001)
    caplog.set_level(logging.INFO)
    stopping, loaded = threading.Event(), threading.Event()
    load = watcher._load

    def load_and_tell() -> loader.Scenario:
        loaded.set()
        return load()

    watcher._load = load_and_tell
    thread = threading.Thread(target=watcher.run, args=(stopping,))
    thread.start()
    write(tmp_path / "case.yaml", "alimock: 1\ndescription: Two.\n", 1)
    assert loaded.wait(10)
    stopping.set()
    thread.join(10)
    assert not thread.is_alive()
    assert "the scenario has changed and was loaded" in caplog.text
