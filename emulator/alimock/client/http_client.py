"""The classes of `http.client`, from a copy that only alimock uses.

vcrpy replaces classes of `http.client` in the whole process, and pook their methods. Through the copy, requests to the control API
are neither recorded nor answered by them, also if alimock is imported while they are active.
"""

from __future__ import annotations

import importlib.util
from types import ModuleType
from typing import TYPE_CHECKING


def _copy(name: str) -> ModuleType:
    """Return a module that is executed once more, and not entered into `sys.modules`."""
    spec = importlib.util.find_spec(name)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if TYPE_CHECKING:
    from http.client import HTTPConnection as HTTPConnection
    from http.client import HTTPException as HTTPException
    from http.client import HTTPResponse as HTTPResponse
    from http.client import HTTPSConnection as HTTPSConnection
    from http.client import IncompleteRead as IncompleteRead
else:
    _module = _copy("http.client")
    HTTPConnection = _module.HTTPConnection
    HTTPException = _module.HTTPException
    HTTPResponse = _module.HTTPResponse
    HTTPSConnection = _module.HTTPSConnection
    IncompleteRead = _module.IncompleteRead
