"""Accounts, strict mode, failure reports and environment variables for tests with any framework.

The pytest plugin uses them, too. `docs/how-to/unittest.md` shows them with unittest, Django and Flask.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alimock.testing.env import environment as environment
    from alimock.testing.session import TestSession as TestSession

# The module of each public name, imported when the name is first used, as in `alimock`.
_MODULES = {"TestSession": "alimock.testing.session", "environment": "alimock.testing.env"}

if not TYPE_CHECKING:
    __all__ = sorted(_MODULES)

    def __getattr__(name: str) -> object:
        if name not in _MODULES:
            raise AttributeError(f"module 'alimock.testing' has no attribute {name!r}")
        return getattr(import_module(_MODULES[name]), name)

    def __dir__() -> list[str]:
        return __all__
