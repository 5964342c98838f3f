"""Where the files of scenarios come from: the built-in ones, this machine, and those that were sent along."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from os.path import normpath
from pathlib import Path

from alimock.scenario.parser import Diagnostic, ScenarioError, decode

# In an installed package the built-in scenarios lie inside it, in a checkout at the top level.
_PACKAGE = Path(__file__).resolve().parent.parent
BUILT_IN_FOLDER = next(
    (folder for folder in (_PACKAGE / "fixtures", _PACKAGE.parent.parent / "fixtures") if folder.is_dir()),
    _PACKAGE / "fixtures",
)
# About 200,000 addresses with all their fields.
MAXIMUM_BYTES = 64 * 1024 * 1024


def built_in_names() -> list[str]:
    """Gives the names of the built-in scenarios, sorted."""
    return sorted(path.stem for path in BUILT_IN_FOLDER.glob("*.yaml"))


def is_built_in(path: Path) -> bool:
    """Says whether a file is that of a built-in scenario."""
    return path.parent == BUILT_IN_FOLDER


def is_path(name: str) -> bool:
    """Says whether a name is that of a file, and not of a built-in scenario."""
    return "/" in name or name.endswith(".yaml")


def shown(path: Path) -> str:
    """Gives what mistakes and decisions call a file."""
    return path.name if is_built_in(path) else legible(str(path))


def legible(name: str) -> str:
    """Gives the name of a file as text: under a locale without UTF-8 Python keeps the bytes of names in what is no Unicode."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


@dataclass(frozen=True)
class Bundle:
    """Scenarios that lie over each other, as their `names`, with the texts of all `files` by path and the `variables` they read."""

    names: tuple[str, ...]
    files: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Files:
    """The files that can be read: those `sent` along by their path, the built-in ones, and if `local` those of this machine."""

    sent: Mapping[str, str] = field(default_factory=dict)
    local: bool = True

    def find(self, name: str, folder: Path) -> Path:
        """Gives the file of a scenario, a relative path counted from `folder`; raises `ScenarioError` for what cannot be one."""
        if self._sent(folder / name) is not None:
            return folder / name
        if not is_path(name):
            if name in built_in_names():
                return BUILT_IN_FOLDER / f"{name}.yaml"
            expected = f"a built-in scenario ({', '.join(built_in_names())}) or a path with a slash or .yaml"
            raise ScenarioError([Diagnostic(name, 0, 0, "", "no such scenario", expected)])
        if not self.local:
            expected = f"a built-in scenario ({', '.join(built_in_names())})" + (" or a file sent along" if self.sent else "")
            raise ScenarioError([Diagnostic(name, 0, 0, "extends", "a path", expected)])
        return folder / name

    def resolved(self, path: Path) -> Path:
        """Gives a path without links; what cannot be one is told when it is read."""
        if self._sent(path) is not None:
            return Path(normpath(path))
        try:
            return path.resolve()
        except (OSError, RuntimeError, ValueError):
            return path

    def text(self, path: Path) -> str:
        """Reads a file; raises `ScenarioError`."""
        sent = self._sent(path)
        return sent if sent is not None else decode(_content(path), shown(path))

    def _sent(self, path: Path) -> str | None:
        """Gives a text that was sent along, under this path or one that is the same."""
        return self._by_path.get(normpath(path))

    @cached_property
    def _by_path(self) -> dict[str, str]:
        return {normpath(path): text for path, text in self.sent.items()}


# Where the pipes of shells are, as of <(command).
_SYSTEM = (("/", "dev"), ("/", "proc"))


def _content(path: Path) -> bytes:
    try:
        if path.is_fifo() and path.parts[:2] not in _SYSTEM:
            # Diagnostics it would wait for whoever writes to it, who is there already if a shell has made it.
            raise ScenarioError([Diagnostic(shown(path), 0, 0, "", "a pipe", "a readable file")])
        with path.open("rb") as stream:
            content = stream.read(MAXIMUM_BYTES + 1)
    except (OSError, ValueError) as error:
        found = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ScenarioError([Diagnostic(shown(path), 0, 0, "", found, "a readable file")]) from None
    if len(content) > MAXIMUM_BYTES:
        expected = f"a file of {MAXIMUM_BYTES // 1024 // 1024} MiB at most"
        raise ScenarioError([Diagnostic(shown(path), 0, 0, "", f"more than {MAXIMUM_BYTES} bytes", expected)])
    return content
