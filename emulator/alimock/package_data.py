"""The files of the package that are not code: scenarios, documents, templates, and the files of the web UI.

They are read by the loader of Python's import system: from a directory or a zip archive, and also while a test has replaced the
file system of its process (pyfakefs, or a mock of `open`). pytest's loader is passed over, because it uses the replaced one.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.machinery import PathFinder
from pathlib import Path

_FOLDER = Path(__file__).resolve().parent
_spec = PathFinder.find_spec(__name__, [str(_FOLDER)])
assert _spec is not None
_get_data: Callable[[str], bytes] = _spec.loader.get_data  # type: ignore[union-attr]


def read(path: str) -> bytes:
    """Return the content of a file, by its path in the package; raise `OSError` if there is none."""
    return _get_data(str(_FOLDER / path))


def text(path: str) -> str:
    """Return the text of a file."""
    return read(path).decode()


def fixtures() -> Path:
    """Return the folder of the built-in scenarios: an installed package contains it; a checkout has it at the top level."""
    try:
        read("fixtures/default.yaml")
    except OSError:
        return _FOLDER.parent.parent / "fixtures"
    return _FOLDER / "fixtures"
