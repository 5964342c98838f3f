"""A test's stay at an emulator: the account it gets, what is checked at its end, and what is told when it fails."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from alimock.client.client import Client, ScenarioLike
from alimock.client.connection import Connection, EmulatorError
from alimock.emulator import Emulator
from alimock.scenario.diagnostics import nearest
from alimock.testing.report import cursor, timeline
from alimock.testing.strict import violations


@dataclass(frozen=True)
class MarkerOptions:
    """How a test wants its account, as the markers say it; `allow` are the codes that a strict test means to be answered."""

    scenario: ScenarioLike | None = None
    addresses: Mapping[str, Any] | None = None
    access_key_id: str | None = None
    access_key_secret: str | None = field(default=None, repr=False)
    strict: bool = False
    allow: Collection[str] = ()

    @property
    def allowed(self) -> tuple[str, ...]:
        """The codes that are allowed; a text has one or several, separated by commas."""
        codes = self.allow.split(",") if isinstance(self.allow, str) else self.allow
        return tuple(code.strip() for code in codes)


# The kinds of a marker's arguments that nothing else looks at.
_KINDS: dict[str, type | tuple[type, ...]] = {"addresses": Mapping, "strict": bool, "allow": (str, list, tuple, set, frozenset)}
_EXPECTED = {"addresses": "a mapping of addresses to outcomes", "strict": "True or False", "allow": "a list of codes"}


def wrong_arguments(arguments: Sequence[object], keywords: Mapping[str, object]) -> str | None:
    """Says what is wrong with the arguments of a marker, None if nothing: it takes a scenario, and all else by name."""
    names = [one.name for one in fields(MarkerOptions)]
    unknown = next((name for name in keywords if name not in names), None)
    if unknown is not None:
        return f"found the unknown argument `{unknown}`, expected {nearest(unknown, names)}"
    if len(arguments) > 1 or (arguments and "scenario" in keywords):
        return f"found {len(arguments)} arguments without a name, expected the scenario alone, once, and all else by name"
    for name, kinds in _KINDS.items():
        if name in keywords and not isinstance(keywords[name], kinds):
            return f"{name}: found {keywords[name]!r}, expected {_EXPECTED[name]}"
    return None


@dataclass(frozen=True)
class TestSession:
    """A test at a server, in the account of `client`, from the cursor `after` on.

    `seen` is what it is shown: all of a server of its own, which runs no other test at the time, else its own account.
    `warnings` say what it did not get.
    """

    server: Client
    client: Client
    options: MarkerOptions
    after: int
    seen: Connection
    warnings: tuple[str, ...]

    @classmethod
    def begin(cls, server: Client, options: MarkerOptions, name: str) -> TestSession:
        """Makes the account; `name` is what decisions call what the options say.

        Raises `ScenarioError`, `EmulatorError` and `ValueError`.
        """
        client = server.new_account(options.access_key_id, options.access_key_secret)
        seen = client.connection.wide if isinstance(server, Emulator) else client.connection
        try:
            warnings = tuple(cls._start(client, options, name))
            return cls(server, client, options, cursor(seen), seen, warnings)
        except BaseException:
            client.close()
            raise

    @staticmethod
    def _start(client: Client, options: MarkerOptions, name: str) -> Iterator[str]:
        """Starts the account as wished, and goes through what it is to be warned of."""
        if options.access_key_id is not None:
            # It may have been another test's before.
            client.reset(unload=True)
        loads = [(options.scenario, False), ({"addresses": options.addresses} if options.addresses else None, True)]
        for scenario, over in loads:
            warning = client.start_from(scenario, over=over, name=name) if scenario is not None else None
            if warning is not None:
                yield warning

    def violations(self) -> list[str]:
        """Says what a strict test must not have done; raises `EmulatorError` if an emulator in this process failed itself."""
        self._check()
        if not self.options.strict:
            return []
        return violations(self.client.connection, self.seen, self.after, self.options.allowed)

    def told(self) -> str:
        """Tells what happened, for the report of a test that failed."""
        lines = [f"account of the key {self.client.access_key_id} at {self.client.url}"]
        try:
            happened = timeline(self.seen, self.after, own_key=self.client.access_key_id)
            lines += happened or [f"no call reached it; the endpoint is {self.client.endpoint}, over plain http"]
            self._check()
        except EmulatorError as error:
            lines.append(str(error))
        return "\n".join(lines)

    def end(self) -> None:
        """Leaves the account as it was found: gone if it was the test's own."""
        if self.options.access_key_id is not None:
            self.client.reset(unload=True)
        self.client.close()

    def _check(self) -> None:
        if isinstance(self.server, Emulator):
            self.server.check()
