"""Reloading a scenario when its files change; an invalid scenario leaves the loaded one in place."""

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
from alimock.state.executor import Executor
from alimock.state.log import EventType
from alimock.state.store import Store


def write(path: Path, text: str, serial: int = 0) -> None:
    """Write a file with a modification time that differs from the previous one, however fast the test is."""
    path.write_text(text)
    os.utime(path, (serial, serial))


@pytest.fixture
def watcher(tmp_path: Path) -> Watcher:
    write(tmp_path / "base.yaml", "alimock: 1\nprofile: docs-2018\n")
    write(tmp_path / "case.yaml", "alimock: 1\nextends: base.yaml\ndescription: One.\n")

    def load() -> loader.Scenario:
        return loader.load(str(tmp_path / "case.yaml"))

    return Watcher(Executor(Store(load())), load)


def test_unchanged_file_is_not_reloaded(watcher: Watcher) -> None:
    loaded = watcher.executor.store.scenario
    watcher.poll()
    assert watcher.executor.store.scenario is loaded


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        ("case.yaml", "alimock: 1\ndescription: Two.\n", ("Two.", "current")),
        ("base.yaml", "alimock: 1\nprofile: docs-2021\n", ("One.", "docs-2021")),
    ],
)
def test_change_of_the_file_or_of_one_it_extends_is_loaded(
    watcher: Watcher, tmp_path: Path, file: str, text: str, expected: tuple[str, str]
) -> None:
    cursor = watcher.executor.store.cursor
    write(tmp_path / file, text, 1)
    watcher.poll()
    assert (watcher.executor.store.scenario.description, watcher.executor.store.scenario.profile) == expected
    assert watcher.executor.store.cursor > cursor


def test_invalid_file_keeps_the_loaded_scenario_and_reports_the_error(
    watcher: Watcher, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    case = tmp_path / "case.yaml"
    write(case, "alimock: 1\nextends: other.yaml\n", 1)
    watcher.poll()
    assert watcher.executor.store.scenario.description == "One."
    assert watcher.executor.store.scenario_error is not None
    assert f"{case}:2:10: extends: found `{tmp_path}/other.yaml` (No such file" in watcher.executor.store.scenario_error
    assert watcher.executor.store.scenario_error in caplog.text
    # The missing file is watched too.
    write(tmp_path / "other.yaml", "alimock: 1\nprofile: docs-2021\n", 2)
    watcher.poll()
    assert (watcher.executor.store.scenario.profile, watcher.executor.store.scenario_error) == ("docs-2021", None)


def test_failed_reload_and_the_next_that_succeeds_are_events(watcher: Watcher, tmp_path: Path) -> None:
    case = tmp_path / "case.yaml"
    write(case, "alimock: 1\nprofile: docs-2019\nseed: x\n", 1)
    watcher.poll()
    write(case, "alimock: 1\n", 2)
    watcher.poll()
    failed, loaded = watcher.executor.store.events.entries()
    assert watcher.executor.store.scenario_error is None
    assert (failed.kind, loaded.kind) == (EventType.SCENARIO_ERROR, EventType.SCENARIO)
    assert failed.subject.startswith(f"{case}:2:10: profile: found `docs-2019`, expected ") and "\n" not in failed.subject


def test_deleted_file_is_reported_once_and_loaded_when_it_is_back(
    watcher: Watcher, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    case = tmp_path / "case.yaml"
    loaded = watcher.executor.store.scenario
    case.unlink()
    for _ in range(3):
        watcher.poll()
    assert watcher.executor.store.scenario is loaded
    assert watcher.executor.store.scenario_error == f"{case}: found No such file or directory, expected a readable file"
    assert caplog.text.count("the previous one stays loaded") == 1
    write(case, "alimock: 1\ndescription: Back.\n")
    watcher.poll()
    assert (watcher.executor.store.scenario.description, watcher.executor.store.scenario_error) == ("Back.", None)


def test_folder_that_disappears_and_comes_back_is_loaded(
    watcher: Watcher, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "gone"
    tmp_path.rename(elsewhere)
    watcher.poll()
    assert (watcher.executor.store.scenario.description, watcher.executor.store.scenario_error is None) == ("One.", False)
    elsewhere.rename(tmp_path)
    watcher.poll()
    assert (watcher.executor.store.scenario.description, watcher.executor.store.scenario_error) == ("One.", None)


def test_file_replaced_by_rename_is_loaded(watcher: Watcher, tmp_path: Path) -> None:
    case = tmp_path / "case.yaml"
    before = case.stat()
    write(tmp_path / "case.yaml~", case.read_text().replace("One.", "Two."))
    (tmp_path / "case.yaml~").replace(case)
    assert (case.stat().st_mtime_ns, case.stat().st_size) == (before.st_mtime_ns, before.st_size)
    watcher.poll()
    assert watcher.executor.store.scenario.description == "Two."


def test_file_that_becomes_readable_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = tmp_path / "case.yaml"
    write(case, "alimock: 1\ndescription: One.\n")
    is_readable = True

    def load() -> loader.Scenario:
        if not is_readable:
            raise ScenarioError([Diagnostic("case.yaml", 0, 0, "", "Permission denied", "a readable file")])
        return loader.load(str(case))

    watcher = Watcher(Executor(Store(load())), load)
    write(case, "alimock: 1\ndescription: Two.\n", 1)
    with monkeypatch.context() as locked:
        # Simulated, since root can read every file.
        locked.setattr(scenario_watcher.os, "access", lambda *_: False)
        is_readable = False
        watcher.poll()
        watcher.poll()
    assert watcher.executor.store.scenario.description == "One."
    is_readable = True
    watcher.poll()
    assert (watcher.executor.store.scenario.description, watcher.executor.store.scenario_error) == ("Two.", None)


def test_named_pipe_instead_of_a_file_is_reported_without_blocking(watcher: Watcher, tmp_path: Path) -> None:
    case = tmp_path / "case.yaml"
    case.unlink()
    os.mkfifo(case)
    watcher.poll()
    assert watcher.executor.store.scenario_error == f"{case}: found a pipe, expected a readable file"
    case.unlink()
    write(case, "alimock: 1\ndescription: Two.\n", 1)
    watcher.poll()
    assert (watcher.executor.store.scenario.description, watcher.executor.store.scenario_error) == ("Two.", None)


def test_symbolic_link_to_another_file_is_loaded(tmp_path: Path) -> None:
    write(tmp_path / "one.yaml", "alimock: 1\ndescription: One.\n")
    write(tmp_path / "two.yaml", "alimock: 1\ndescription: Two.\n", 1)
    link = tmp_path / "case.yaml"
    link.symlink_to("one.yaml")
    watcher = Watcher(Executor(Store(loader.load(str(link)))), lambda: loader.load(str(link)))
    (tmp_path / "other").symlink_to("two.yaml")
    (tmp_path / "other").rename(link)
    watcher.poll()
    assert watcher.executor.store.scenario.description == "Two."


def test_internal_error_does_not_end_the_watching(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    case = tmp_path / "case.yaml"
    write(case, "alimock: 1\n")
    stopping = threading.Event()

    def fail() -> loader.Scenario:
        stopping.set()
        raise RuntimeError("broken")

    watcher = Watcher(Executor(Store(loader.load(str(case)))), fail, interval=0.001)
    write(case, "alimock: 1\n", 1)
    watcher.run(stopping)
    assert "please report it" in caplog.text


def test_watcher_polls_until_it_is_stopped(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    case = tmp_path / "case.yaml"
    write(case, "alimock: 1\ndescription: One.\n")
    stopping, loaded = threading.Event(), threading.Event()

    def load() -> loader.Scenario:
        loaded.set()
        return loader.load(str(case))

    watcher = Watcher(Executor(Store(loader.load(str(case)))), load, interval=0.001)
    thread = threading.Thread(target=watcher.run, args=(stopping,))
    thread.start()
    write(case, "alimock: 1\ndescription: Two.\n", 1)
    assert loaded.wait(10)
    stopping.set()
    thread.join(10)
    assert not thread.is_alive()
    assert "Scenario reloaded; all accounts were reset" in caplog.text
