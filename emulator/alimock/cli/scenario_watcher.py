"""Watching the files of a scenario: what changes is loaded, and what is wrong leaves the old scenario as it is."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from threading import Event

from alimock.scenario.diagnostics import ScenarioError
from alimock.scenario.model import Scenario
from alimock.state.events import EventType
from alimock.state.store import ALL_ACCOUNTS, Store

logger = logging.getLogger(__name__)

INTERVAL_SECONDS = 0.5


class Watcher:
    """Looks at the files that a world's scenario was read from, and at those that it could not be read from."""

    def __init__(self, store: Store, load: Callable[[], Scenario]) -> None:
        self.store = store
        self._load = load
        self._files = store.scenario.files
        self._seen = _marks(self._files)

    def run(self, stopping: Event) -> None:
        """Looks twice a second until it is told to stop."""
        while not stopping.wait(INTERVAL_SECONDS):
            try:
                self.look()
            except Exception:
                logger.exception("alimock failed to load the scenario, the old one is kept; please report this")

    def look(self) -> None:
        """Loads the scenario anew if a file of it has changed; a wrong one is told in the log and in the store, which stays."""
        marks = _marks(self._files)
        if marks == self._seen:
            return
        try:
            scenario = self._load()
        except ScenarioError as error:
            self._files = tuple(dict.fromkeys((*self._files, *error.files)))
            with self.store.lock:
                self.store.scenario_error = str(error)
                self.store.record_event(EventType.SCENARIO, ALL_ACCOUNTS, self.store.scenario.name)
            # Only now, so that who reads the log finds the emulator as it says.
            logger.error("the scenario was not loaded, the old one is kept:\n%s", error)
        else:
            self._files = scenario.files
            with self.store.lock:
                self.store.load(scenario)
            logger.info("the scenario has changed and was loaded, all accounts start anew: %s", scenario.name)
        known = dict(marks)
        # Of a file that was just found nothing was seen before.
        self._seen = tuple((file, known.get(file, mark)) for file, mark in _marks(self._files))


def _marks(files: Iterable[Path]) -> tuple[tuple[Path, tuple[int, ...] | None], ...]:
    """Gives what tells the versions of each file apart, None for one that is not there."""
    return tuple((file, _mark(file)) for file in files)


def _mark(file: Path) -> tuple[int, ...] | None:
    try:
        found = file.stat()
    except (OSError, ValueError):
        return None
    # Who is let read a file again has not changed it.
    return found.st_mtime_ns, found.st_size, found.st_ino, os.access(file, os.R_OK)
