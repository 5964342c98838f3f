"""A recording of a run: every command with its time and its answer, after a snapshot of the state before them, and its replay.

Each line of the file is a JSON object: `snapshot` with the version of alimock, or `time`, `command` and `answer`.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from alimock import __version__
from alimock.api.call import Call
from alimock.api.context import CallContext
from alimock.persistence.commands import from_text, to_text
from alimock.persistence.snapshot import FORMAT, Snapshot, restore
from alimock.scenario.model import Scenario
from alimock.state.commands import Command
from alimock.state.limits import StateLimits
from alimock.state.store import Store

logger = logging.getLogger(__name__)


class Recorder:
    """Writes what is applied to a store to a file that only its owner can read, since commands have secrets."""

    def __init__(self, store: Store, path: Path) -> None:
        self._store = store
        self._path = path
        # Without a buffer, so that a crash loses nothing.
        self._file = open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb", buffering=0)  # noqa: SIM115
        self.restart()

    def restart(self) -> None:
        """Write the current state of the store, to which the next commands are applied."""
        self._write(json.dumps({"snapshot": Snapshot(self._store).document()}))

    def record(self, command: Command[Any], time: float, result: object) -> None:
        """Write a command that was applied, with its result or the exception that it raised."""
        line = {"time": time, "command": json.loads(to_text(command)), "answer": answer(result)}
        self._write(json.dumps(line, separators=(",", ":")))

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _write(self, line: str) -> None:
        if self._file.closed:
            return
        try:
            # Without a buffer, a write may be a short one.
            rest = memoryview(f"{line}\n".encode("ascii"))
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            logger.error("%s: %s. No more commands are logged.", self._path, error.strerror)
            self._file.close()


def answer(result: object) -> object:
    """Return the result of a command in the form in which answers are compared."""
    if isinstance(result, CallContext):
        try:
            body = result.render().decode()
        except Exception as error:
            body = repr(error)
        return {"status": result.status, "code": result.code, "decided_by": result.decided_by, "body": body}
    return result if isinstance(result, bool | int | None) else str(result)


class Difference(NamedTuple):
    """A command whose answer was another one in the replay: its line in the file, its name, and both answers."""

    line: int
    command: str
    recorded: object
    replayed: object


class Replay:
    """Runs a recording again, in its `store`. `commands` counts the commands, `version` is that of the alimock that recorded them.

    Raises `ValueError` for a file that is no recording, and `OSError`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.store = Store(Scenario(""))
        self.commands = 0
        self.version = ""

    def differences(self) -> Iterator[Difference]:
        """Yield each command with another answer, in the order of the file."""
        with self._path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if not line.endswith(b"\n") and self.version:
                    # The process was killed while it wrote this line.
                    return
                try:
                    difference = self._run(number, json.loads(line))
                except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
                    problem = f"{type(error).__name__}: {error}"
                    raise ValueError(f"{self._path}:{number}: not a line that `--log-commands` writes ({problem})") from None
                if difference is not None:
                    yield difference
        if not self.version:
            raise ValueError(f"{self._path}: empty; expected a file that `alimock serve --log-commands` wrote")

    def _run(self, number: int, line: dict[str, Any]) -> Difference | None:
        if "snapshot" in line:
            self._restart(line["snapshot"])
            return None
        command = from_text(json.dumps(line["command"]))
        if not self.version:
            raise ValueError("a command before the first snapshot")
        self.commands += 1
        try:
            result: object = self.store.apply(command, line["time"])
        except Exception as error:
            result = error
        replayed = json.loads(json.dumps(answer(result)))
        name = command.received.request.action if isinstance(command, Call) else type(command).__name__
        return Difference(number, name, line["answer"], replayed) if replayed != line["answer"] else None

    def _restart(self, document: dict[str, Any]) -> None:
        if document["format"] != FORMAT:
            raise ValueError(f"written by alimock {document['version']} in another format; this is {__version__}")
        self.version = document["version"]
        self.store = Store(Scenario(""), limits=StateLimits(**document["limits"]))
        restore(self.store, document)
