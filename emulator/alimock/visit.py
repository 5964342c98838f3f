"""A test's stay at an emulator: the account it gets, what is checked at its end, and what is told when it fails."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from alimock.client.client import Client, ScenarioLike
from alimock.client.connection import Connection, EmulatorError
from alimock.emulator import Emulator
from alimock.scenario.reading import nearest
from alimock.strictness import objections
from alimock.timeline import cursor, timeline


@dataclass(frozen=True)
class Wishes:
    """How a test wants its account, as the markers say it; `allow` are the codes that a strict test means to be answered."""

    scenario: ScenarioLike | None = None
    addresses: Mapping[str, Any] | None = None
    access_key_id: str | None = None
    access_key_secret: str | None = None
    strict: bool = False
    allow: Collection[str] = ()


def wrong_arguments(arguments: Sequence[object], keywords: Collection[str]) -> str | None:
    """Says what is wrong with the arguments of a marker, None if nothing: it takes a scenario, and all else by name."""
    names = [field.name for field in fields(Wishes)]
    unknown = next((name for name in keywords if name not in names), None)
    if unknown is not None:
        return f"found the unknown argument `{unknown}`, expected {nearest(unknown, names)}"
    if len(arguments) > 1 or (arguments and "scenario" in keywords):
        return f"found {len(arguments)} arguments without a name, expected the scenario alone, once, and all else by name"
    return None


@dataclass(frozen=True)
class Visit:
    """A test at a server, in the account of `client`, from the cursor `after` on.

    `seen` is what it is shown: all of a server of its own, which runs no other test at the time, else its own account.
    """

    server: Client
    client: Client
    wishes: Wishes
    after: int
    seen: Connection

    @classmethod
    def begin(cls, server: Client, wishes: Wishes, name: str) -> Visit:
        """Makes the account; `name` is what decisions call what the wishes say. Raises `ScenarioError` and `EmulatorError`."""
        client = server.new_account(wishes.access_key_id, wishes.access_key_secret)
        if wishes.access_key_id is not None:
            client.reset()
        if wishes.scenario is not None:
            client.load(wishes.scenario, name=name)
        if wishes.addresses is not None:
            client.load({"addresses": wishes.addresses}, over=True, name=name)
        seen = client.connection.wide if isinstance(server, Emulator) else client.connection
        return cls(server, client, wishes, cursor(seen), seen)

    def objections(self) -> list[str]:
        """Says what a strict test must not have done; raises `EmulatorError` if an emulator in this process failed itself."""
        if isinstance(self.server, Emulator):
            self.server.check()
        if not self.wishes.strict:
            return []
        allow = self.wishes.allow
        return objections(self.client.connection, self.seen, self.after, (allow,) if isinstance(allow, str) else allow)

    def told(self) -> str:
        """Tells what happened, for the report of a test that failed."""
        lines = [f"account of the key {self.client.access_key_id} at {self.client.url}"]
        try:
            happened = timeline(self.seen, self.after, own_key=self.client.access_key_id)
            lines += happened or [f"no call reached it; the endpoint is {self.client.endpoint}, over plain http"]
            self.objections()
        except EmulatorError as error:
            lines.append(str(error))
        return "\n".join(lines)
