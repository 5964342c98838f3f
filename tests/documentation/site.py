"""Check the built site: every page is in the navigation, and every public name is documented. Run by `make docs`."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import yaml
from alimock.client.account import Addresses, Clock, Faults
from alimock.client.calls import CallFilter, Calls
from alimock.client.outbox import MessageFilter, Outbox
from documentation.pages import ROOT
from mkdocstrings import Inventory

# Each has an `__all__`.
PUBLIC = ("alimock", "alimock.testing")
SITE = ROOT / "build" / "site"


def main() -> int:
    """Print what is missing, and return 1 if something is."""
    errors = [*_navigation_errors(), *_undocumented_names()]
    for error in errors:
        print(error, file=sys.stderr)
    return 1 if errors else 0


def _navigation_errors() -> Iterator[str]:
    navigation = yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"]
    listed, present = set(_pages(navigation)), {path.relative_to(ROOT / "docs").as_posix() for path in ROOT.glob("docs/**/*.md")}
    yield from (f"mkdocs.yml: the navigation names {page}, which does not exist" for page in sorted(listed - present))
    yield from (f"mkdocs.yml: docs/{page} is not in the navigation" for page in sorted(present - listed))


def _pages(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    for child in (node.values() if isinstance(node, dict) else node) if not isinstance(node, str) else ():
        yield from _pages(child)


def _undocumented_names() -> Iterator[str]:
    with (SITE / "objects.inv").open("rb") as file:
        documented = set(Inventory.parse_sphinx(file))
    for path, value in _public_names():
        if path not in documented:
            yield f"docs/reference/python.md: {path} is missing"
        elif not value.__doc__:
            yield f"{path} has no docstring"


def _public_names() -> Iterator[tuple[str, object]]:
    """Yield the public names of the packages, the parts of a client, and the methods and properties of all these classes."""
    for part in (Outbox, Calls, Addresses, Faults, Clock, MessageFilter, CallFilter):
        yield f"{part.__module__}.{part.__name__}", part
        yield from _members(f"{part.__module__}.{part.__name__}", part)
    for module in map(import_module, PUBLIC):
        for name in module.__all__:
            if not name.startswith("_"):
                value = getattr(module, name)
                yield f"{module.__name__}.{name}", value
                yield from _members(f"{module.__name__}.{name}", value)


def _members(path: str, value: object) -> Iterator[tuple[str, object]]:
    for name, member in vars(value).items() if inspect.isclass(value) else ():
        if not name.startswith("_") and (inspect.isroutine(member) or isinstance(member, (property, staticmethod, classmethod))):
            yield f"{path}.{name}", member


if __name__ == "__main__":
    sys.exit(main())
