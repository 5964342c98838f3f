"""Reload the scenario when one of its files changes; an invalid scenario leaves the loaded one in place."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event

from alimock.scenario.diagnostics import ScenarioError
from alimock.scenario.model import Scenario
from alimock.state.commands import ReportScenarioError
from alimock.state.executor import Executor, Unavailable

logger = logging.getLogger(__name__)


class Watcher:
    """Poll the files of a scenario, and the files that a failed load could not read."""

    def __init__(
        self, executor: Executor, load: Callable[[], Scenario], files: Sequence[Path] | None = None, interval: float = 0.5
    ) -> None:
        self.executor = executor
        self._load = load
        self._interval = interval
        # A restored state may have a scenario that was loaded at run time.
        self._files = tuple(executor.store.scenario.files if files is None else files)
        self._stamps = {file: _stamp(file) for file in self._files}

    def run(self, stopping: Event) -> None:
        """Poll until stopped."""
        while not stopping.wait(self._interval):
            try:
                self.poll()
            except Unavailable:
                # The executor logs it. The next poll tries again.
                continue
            except Exception:
                logger.exception("Internal error in alimock; please report it with the log. The previous scenario stays loaded.")

    def poll(self) -> None:
        """Reload the scenario if a file changed; errors go to the log and to the state."""
        stamps = {file: _stamp(file) for file in self._files}
        if stamps == self._stamps:
            return
        try:
            scenario = self._load()
        except ScenarioError as error:
            self._files = tuple(dict.fromkeys((*self._files, *error.files)))
            self.executor.execute(ReportScenarioError(str(error)))
            # After the change, so that a reader of the log finds it done.
            logger.error("Scenario not reloaded, the previous one stays loaded:\n%s", error)
        else:
            self._files = scenario.files
            is_loaded = self.executor.load(scenario)
            effect = "reloaded; all accounts were reset" if is_loaded else "unchanged; nothing was reset"
            logger.info("Scenario %s: %s", effect, scenario.name)
        # Stamps from before the load, so that a change during the load is noticed at the next poll.
        self._stamps = {file: stamps[file] if file in stamps else _stamp(file) for file in self._files}


def _stamp(file: Path) -> tuple[int, ...] | None:
    """Return what identifies the version of a file, or None if it is missing."""
    try:
        found = file.stat()
    except (OSError, ValueError):
        return None
    # A change of permissions does not change the modification time.
    return found.st_mtime_ns, found.st_size, found.st_ino, os.access(file, os.R_OK)
