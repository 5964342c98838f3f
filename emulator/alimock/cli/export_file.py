"""The file that `--export-on-exit` names."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from pathlib import Path

from alimock.cli.command import EXIT_UNWRITTEN, fail
from alimock.cli.export import scenario_text
from alimock.cli.replace_file import replace_file
from alimock.settings import SettingError

logger = logging.getLogger(__name__)


class ExportFile:
    """A file that is replaced as a whole, so that a reader or a crash never finds half of it."""

    def __init__(self, path: str) -> None:
        """Check that the file can be written; raises `SettingError`."""
        if path.endswith(".json"):
            raise SettingError(f"--export-on-exit: found `{path}`, expected a name like case.yaml: the file is YAML")
        # The target of a symbolic link is replaced, not the link.
        self._path = Path(path).resolve()
        draft = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        try:
            if self._path.exists():
                if not self._path.is_file():
                    raise SettingError(f"--export-on-exit: found `{path}`, expected a regular file")
                self._path.open("r+b").close()
            draft.open("wb").close()
            draft.unlink(missing_ok=True)
        except OSError as error:
            raise SettingError(f"--export-on-exit: cannot write `{path}`: {error.strerror}") from None

    def write(self, document: Mapping[str, object], others: int) -> int:
        """Write the document of a scenario, and return the exit status. `others` is the number of used accounts not in it."""
        try:
            self._replace(document)
        except OSError as error:
            return fail(f"cannot export the state to {self._path}: {error.strerror}", EXIT_UNWRITTEN)
        if others:
            logger.warning("%s does not contain the state of %s other account%s", self._path, others, "s" if others > 1 else "")
        return 0

    def _replace(self, document: Mapping[str, object]) -> None:
        # Through JSON, so that the file is the same as that of `alimock export`.
        text = scenario_text(json.loads(json.dumps(document)), secrets=False)
        replace_file(self._path, text.encode())
