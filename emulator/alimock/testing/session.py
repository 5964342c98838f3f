"""A test's session at an emulator: the account it gets, the strict check at its end, and its report if it fails."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from alimock.client.client import Client
from alimock.client.errors import EmulatorError
from alimock.emulator import Emulator
from alimock.scenario.argument import ScenarioLike
from alimock.scenario.diagnostics import nearest
from alimock.testing.env import proxies
from alimock.testing.report import failure_report, no_calls
from alimock.testing.strict import violations

_REMEDY = "use the fixture alimock_env"


@dataclass(frozen=True)
class MarkerOptions:
    """The arguments of a test's markers: how its account starts, and which error codes a strict test accepts (`allow`)."""

    scenario: ScenarioLike | None = None
    addresses: Mapping[str, Any] | None = None
    access_key_id: str | None = None
    access_key_secret: str | None = field(default=None, repr=False)
    strict: bool = False
    allow: Collection[str] = ()


# The types of the arguments that nothing else checks.
_TYPES: dict[str, tuple[type | tuple[type, ...], str]] = {
    "addresses": (Mapping, "a mapping of addresses to outcomes"),
    "strict": (bool, "True or False"),
    "allow": ((str, list, tuple, set, frozenset), "a list of codes"),
}


def argument_error(arguments: Sequence[object], keywords: Mapping[str, object]) -> str | None:
    """Return what is wrong with the arguments of a marker, or None."""
    names = [one.name for one in fields(MarkerOptions)]
    unknown = next((name for name in keywords if name not in names), None)
    if unknown is not None:
        return f"found the unknown argument `{unknown}`, expected {nearest(unknown, names)}"
    if len(arguments) > 1 or (arguments and "scenario" in keywords):
        return f"found {len(arguments)} positional arguments, expected the scenario only, once; pass the others by keyword"
    for name, (types, expected) in _TYPES.items():
        if name in keywords and not isinstance(keywords[name], types):
            return f"{name}: found {keywords[name]!r}, expected {expected}"
    return None


class TestSession:
    """A test at a server, in the account of `client`; decisions cite its options as `name`.

    `seen` is what its report and strict mode cover: all accounts of a server of its own, which runs no other test at the same
    time, else its own account. `warnings` name parts of the scenario that had no effect. Raises `ScenarioError`, `EmulatorError`
    and `ValueError`.
    """

    # Not a class of tests, which pytest would collect by its name.
    __test__ = False

    def __init__(self, server: Client, options: MarkerOptions, name: str) -> None:
        self.server = server
        self.options = options
        self.client = server.new_account(options.access_key_id, options.access_key_secret)
        self.seen = self.client.connection.wide if isinstance(server, Emulator) else self.client.connection
        try:
            self.warnings = list(self._load(name))
            # The cursor behind the newest event.
            self.after: int = self.seen.send("GET", "changes", arguments={"limit": 0})["cursor"]
        except BaseException:
            self.client.close()
            raise

    def _load(self, name: str) -> Iterator[str]:
        """Load what the options name into the account, and yield the warnings."""
        if self.options.access_key_id is not None:
            # A previous test may have used the account of a fixed key.
            self.client.reset(unload=True)
        addresses = {"addresses": self.options.addresses} if self.options.addresses else None
        for scenario, over in ((self.options.scenario, False), (addresses, True)):
            warning = self.client.start_from(scenario, over=over, name=name) if scenario is not None else None
            if warning is not None:
                yield warning

    def violations(self) -> list[str]:
        """Return the violations of strict mode; raises `EmulatorError` after an internal error of an emulator in this process."""
        self._check()
        if not self.options.strict:
            return []
        return violations(self.client.connection, self.seen, self.after, self.options.allow)

    def report(self) -> str:
        """Return the report for a test that failed."""
        lines = [f"account of the key {self.client.access_key_id} at {self.client.url}"]
        try:
            lines += failure_report(self.client, self.seen, self.after)
            if lines[-1] == no_calls(self.client):
                lines += [f"{name} is set, and SDKs may send the calls there; {_REMEDY}" for name in proxies(os.environ)]
            self._check()
        except EmulatorError as error:
            lines.append(str(error))
        return "\n".join(lines)

    def end(self) -> None:
        """Delete the account, or reset the account of a fixed key."""
        if self.options.access_key_id is not None:
            self.client.reset(unload=True)
        self.client.close()

    def _check(self) -> None:
        if isinstance(self.server, Emulator):
            self.server.check()
