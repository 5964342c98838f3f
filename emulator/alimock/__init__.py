"""alimock is an offline emulator of Alibaba Cloud's email verification API (product Domain)."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alimock.app import create_app as create_app
    from alimock.client.account import Address as Address
    from alimock.client.account import Fault as Fault
    from alimock.client.calls import Call as Call
    from alimock.client.calls import Outcome as Outcome
    from alimock.client.client import Client as Client
    from alimock.client.errors import EmulatorError as EmulatorError
    from alimock.client.errors import WaitTimeout as WaitTimeout
    from alimock.client.outbox import Message as Message
    from alimock.emulator import Emulator as Emulator
    from alimock.scenario.diagnostics import ScenarioError as ScenarioError

    __version__: str

# The module of each public name, imported when the name is first used: the pytest plugin imports this package in every test run.
_MODULES = {
    "Address": "alimock.client.account",
    "Call": "alimock.client.calls",
    "Client": "alimock.client.client",
    "Emulator": "alimock.emulator",
    "EmulatorError": "alimock.client.errors",
    "Fault": "alimock.client.account",
    "Message": "alimock.client.outbox",
    "Outcome": "alimock.client.calls",
    "ScenarioError": "alimock.scenario.diagnostics",
    "WaitTimeout": "alimock.client.errors",
    "create_app": "alimock.app",
}


def _built_version() -> str:
    """Return the version that the build wrote; a source tree that was never built has none."""
    try:
        version: str = import_module("alimock._version").VERSION
    except ModuleNotFoundError:
        return "0.0.0"
    return version


if not TYPE_CHECKING:
    # Hidden from type checkers: they know the names from the imports above, and a function would let them accept any name.
    __all__ = sorted([*_MODULES, "__version__"])

    def __getattr__(name: str) -> object:
        if name == "__version__":
            return _built_version()
        if name not in _MODULES:
            raise AttributeError(f"module 'alimock' has no attribute {name!r}")
        return getattr(import_module(_MODULES[name]), name)

    def __dir__() -> list[str]:
        return __all__
