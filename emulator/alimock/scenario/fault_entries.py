"""The entries of `faults`, read: what each says, what it contradicts itself in, and which are never reached."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any

from alimock.scenario.addresses import Pattern
from alimock.scenario.kinds import Entry, Reading, nearest
from alimock.scenario.model import Delivery, Fault

MAXIMUM_FAULTS = 1_000
_DELIVERY = tuple(one.name for one in fields(Delivery))


def faults_of(items: Sequence[Entry], actions: Collection[str], reading: Reading) -> list[Fault]:
    """Reads the faults, noting those that are never reached."""
    if len(items) > MAXIMUM_FAULTS:
        expected = "fewer, since every call tries them in turn"
        reading.mistake(items[MAXIMUM_FAULTS].node, "faults", f"more than {MAXIMUM_FAULTS} faults", expected)
        return []
    faults: list[tuple[Entry, Fault]] = []
    for item in items:
        if item.value is None:
            continue
        fault = fault_of(item, f"faults[{item.key}]", actions, reading)
        earlier = next((other for other, above in faults if above.covers(fault)), None)
        if earlier is not None:
            found = f"a fault that is never reached, since the one in line {earlier.node.line} takes all its calls"
            reading.mistake(item.node, f"faults[{item.key}]", found, "it before that one, or `times:` there")
        same = next((other for other, above in faults if fault.id and above.id == fault.id), None)
        if same is not None:
            reading.mistake(
                item.node, f"faults[{item.key}]", f"the id `{fault.id}` again", f"each id once (line {same.node.line} has it)"
            )
        faults.append((item, fault))
    return [fault for _, fault in faults]


def fault_of(item: Entry, path: str, actions: Collection[str], reading: Reading) -> Fault:
    """Makes one fault; without an id of its own it has an empty one."""
    values: dict[str, Any] = dict(item.value)
    when: dict[str, Any] = dict(values.pop("when", None) or {})
    for found, expected in _wrong_fault(values, when, actions):
        reading.mistake(item.node, path, found, expected)
    delivery = {key: values.pop(key) for key in _DELIVERY if key in values}
    email = when.pop("email", None)
    return Fault(
        values.pop("id", None) or "",
        item.place,
        email=Pattern.of(email) if email is not None else None,
        delivery=Delivery(**delivery) if delivery else None,
        **when,
        **values,
    )


def _wrong_fault(values: Mapping[str, Any], when: Mapping[str, Any], actions: Collection[str]) -> Iterator[tuple[str, str]]:
    effects = ("error", *_DELIVERY)
    if not set(effects) & set(values):
        yield "a fault that does nothing", f"one or more of {', '.join(f'`{key}`' for key in effects)}"
    for key in ("error", "slow", "body"):
        if key in values and "reset" in values:
            yield f"`{key}` beside `reset`", "one of the two, since a connection that is reset gives no answer"
    if "retry_after" in values and "error" not in values:
        yield "`retry_after` without `error`", "`error:` with the code that it belongs to"
    if "nth" in when and "every" in when:
        yield "both `nth` and `every`", "one of the two"
    action = when.get("action")
    if action is not None and action not in actions:
        yield f"the action `{action}`", nearest(action, sorted(actions))
