"""The files of scenarios: built-in, local, or sent with a request."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from os.path import exists, isdir, normpath
from pathlib import Path

from alimock import package_data
from alimock.scenario.diagnostics import Diagnostic, ScenarioError
from alimock.scenario.parser import decode

BUILT_IN_FOLDER = package_data.fixtures()
_BUILT_IN = (
    "access-keys", "broken-answers", "daily-limits", "default", "documented-samples", "empty", "expired-links", "flaky-addresses",
    "illegal-parameter", "lost-connections", "neighbours", "quota-exceeded", "slow-answers", "throttled", "unlimited",
    "verified-users",
)  # fmt: skip
# Of files, in the order in which they are tried for a path without one of them.
SUFFIXES = (".yaml", ".yml", ".json")
_PATH = "a path with a slash, .yaml, .yml or .json"
# About 200,000 addresses with all their fields.
MAXIMUM_BYTES = 64 * 1024 * 1024
# The pipes of shells, as of <(command), are here.
_SYSTEM = (("/", "dev"), ("/", "proc"))
_BUILT_IN_NAME = "a built-in scenario (`alimock scenarios` lists them)"


def built_in_names() -> list[str]:
    """Return the sorted names of the built-in scenarios."""
    return list(_BUILT_IN)


def is_built_in(path: Path) -> bool:
    """Return whether a file is that of a built-in scenario."""
    # A test that replaces the file system also replaces the type of new paths.
    return str(path.parent) == str(BUILT_IN_FOLDER) and path.suffix == ".yaml" and path.stem in _BUILT_IN


def is_path(name: str) -> bool:
    """Return whether a name is a path rather than a built-in scenario."""
    return "/" in name or os.sep in name or name.endswith(SUFFIXES)


def display_name(path: Path) -> str:
    """Return the name of a file in errors and decisions."""
    return path.name if is_built_in(path) else decodable(str(path))


def decodable(name: str) -> str:
    """Return a file name as valid Unicode; under a locale without UTF-8, Python keeps its bytes as lone surrogates."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


@dataclass(frozen=True)
class Bundle:
    """The names of scenarios to merge, with the texts of all `files` by path and the environment `variables` they read."""

    names: tuple[str, ...]
    files: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)


class Files:
    """The readable files: those `sent` with a request by path, the built-in ones, and with `local` those of this machine."""

    def __init__(self, sent: Mapping[str, str], *, local: bool) -> None:
        self._sent = {normpath(path): text for path, text in sent.items()}
        self._local = local

    def find(self, name: str, folder: Path) -> Path:
        """Return the path of a scenario, relative to `folder`; raise `ScenarioError` for a name that is not available.

        The suffix of a path can be left out.
        """
        paths = _with_suffixes(folder / name) if is_path(name) else [folder / name]
        sent = next((path for path in paths if normpath(path) in self._sent), None)
        if sent is not None:
            return sent
        if not is_path(name):
            return self._built_in(name, folder)
        if not self._local:
            expected = _BUILT_IN_NAME + (" or a file sent along" if self._sent else "")
            raise ScenarioError([Diagnostic(name, 0, 0, "extends", "a path", expected)])
        return next(filter(_is_there, paths), paths[0])

    def _built_in(self, name: str, folder: Path) -> Path:
        if name in _BUILT_IN:
            return BUILT_IN_FOLDER / f"{name}.yaml"
        there = [path.name for path in _with_suffixes(folder / name) if _is_there(path)] if name and self._local else []
        near = [f"./{file}" for file in there] or difflib.get_close_matches(name, _BUILT_IN, n=1)
        expected = f"{_BUILT_IN_NAME} or {_PATH}" + (f"; did you mean `{near[0]}`?" if near else "")
        raise ScenarioError([Diagnostic(name, 0, 0, "", "no such scenario", expected)])

    def resolved(self, path: Path) -> Path:
        """Return a path without symbolic links; an invalid path is reported when it is read."""
        if normpath(path) in self._sent:
            return Path(normpath(path))
        if is_built_in(path):
            return path
        try:
            return path.resolve()
        except (OSError, RuntimeError, ValueError):
            return path

    def text(self, path: Path) -> str:
        """Return the text of a file; raise `ScenarioError` if it cannot be read."""
        sent = self._sent.get(normpath(path))
        if sent is not None:
            return sent
        return decode(package_data.read(str(path)) if is_built_in(path) else _content(path), display_name(path))


def _with_suffixes(path: Path) -> list[Path]:
    """Return a path, followed by it with each suffix if it has none of them."""
    return [path] if path.suffix in SUFFIXES else [path, *(Path(f"{path}{suffix}") for suffix in SUFFIXES)]


def _is_there(path: Path) -> bool:
    return exists(path) and not isdir(path)


def _content(path: Path) -> bytes:
    try:
        if path.is_fifo() and path.parts[:2] not in _SYSTEM:
            # Reading a named pipe would block until something writes to it.
            raise ScenarioError([Diagnostic(display_name(path), 0, 0, "", "a pipe", "a readable file")])
        with path.open("rb") as stream:
            content = stream.read(MAXIMUM_BYTES + 1)
    except (OSError, ValueError) as error:
        found = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ScenarioError([Diagnostic(display_name(path), 0, 0, "", found, "a readable file")]) from None
    if len(content) > MAXIMUM_BYTES:
        expected = f"a file of {MAXIMUM_BYTES // 1024 // 1024} MiB at most"
        raise ScenarioError([Diagnostic(display_name(path), 0, 0, "", f"more than {MAXIMUM_BYTES} bytes", expected)])
    return content
