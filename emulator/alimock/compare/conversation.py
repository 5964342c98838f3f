"""Conversations: the calls that are compared, one YAML file each in `fixtures/conversations/`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import yaml

from alimock.scenario.sources import BUILT_IN_FOLDER
from alimock.spec.times import parse_delay

FOLDER = BUILT_IN_FOLDER / "conversations"


@dataclass(frozen=True)
class Step:
    """One call of a conversation.

    `send` has the parameters; None removes one that every call has, and a list repeats one. `place` is `query` or `form`. `change`
    replaces parts of the credentials (see `calls`), and `tail` is added to the signed query. `unsigned` is a header that V3 leaves
    out of the signature. `sign` and `version` are the only ones that the step is for; with `plain_key` it is for access keys
    without a security token. `mails` is how many emails it can cause. `ask` is the number of the email whose token a person must
    enter. `rows` are the ids of the lines in the fidelity ledger that the step tests, `pause` is the seconds to wait before it.
    """

    name: str
    send: Mapping[str, str | list[str] | None]
    method: str = "POST"
    place: str = "query"
    change: Mapping[str, str | None] = field(default_factory=dict)
    tail: str = ""
    unsigned: str | None = None
    sign: str | None = None
    version: str | None = None
    plain_key: bool = False
    mails: int = 0
    ask: int | None = None
    rows: tuple[str, ...] = ()
    pause: float = 0.0

    @property
    def action(self) -> str:
        """The operation, empty if the step names none."""
        return str(self.send.get("Action") or "")


@dataclass(frozen=True)
class Conversation:
    """The steps of one file.

    With `record` they need an address that has no record before. `quota` says that they test the daily limit. `opt_in` is why they
    are played on request only.
    """

    name: str
    description: str
    steps: tuple[Step, ...]
    opt_in: str = ""
    record: bool = False
    quota: bool = False

    def narrowed(self, version: str, sign: str, *, has_token: bool = False) -> Conversation:
        """Return the conversation without the steps that are for another version, signature or kind of access key."""
        steps = (step for step in self.steps if step.version in (None, version) and step.sign in (None, sign))
        return replace(self, steps=tuple(step for step in steps if not (step.plain_key and has_token)))


def load_all() -> tuple[Conversation, ...]:
    """Return all conversations in the order in which they are played: those on request come last."""
    found = [_conversation(path.stem, yaml.safe_load(path.read_bytes())) for path in sorted(FOLDER.glob("*.yaml"))]
    return tuple(sorted(found, key=lambda conversation: bool(conversation.opt_in)))


def _conversation(name: str, content: Mapping[str, Any]) -> Conversation:
    pause = parse_delay(content["pause"])
    steps = tuple(step for entry in content["steps"] for step in _steps(entry, pause))
    options = {key: content[key] for key in ("opt_in", "record", "quota") if key in content}
    return Conversation(name, content["description"], steps, **options)


def _steps(entry: Mapping[str, Any], pause: float) -> Iterator[Step]:
    values = {**entry, "pause": parse_delay(entry["pause"]) if "pause" in entry else pause, "rows": tuple(entry.get("rows", ()))}
    name, repeat = values.pop("step"), values.pop("repeat", 1)
    for number in range(1, repeat + 1):
        yield Step(name=f"{name}-{number}" if repeat > 1 else name, **values)
