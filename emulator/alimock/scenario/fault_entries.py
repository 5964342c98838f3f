"""The entries of `faults`, read: what each says, what it contradicts itself in, and which are never reached."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import fields

from alimock.scenario.address_book import Pattern
from alimock.scenario.diagnostics import Diagnostics, nearest
from alimock.scenario.fields import Entry, Values
from alimock.scenario.model import Fault, ResponseFault
from alimock.scenario.parser import MappingNode
from alimock.spec.contract import OPERATIONS

MAXIMUM_FAULTS = 1_000
_DELIVERY = tuple(one.name for one in fields(ResponseFault))


def faults_of(items: Sequence[Entry], actions: Collection[str], diagnostics: Diagnostics) -> list[Fault]:
    """Reads the faults, noting those that are never reached if nothing else is wrong."""
    if len(items) > MAXIMUM_FAULTS:
        expected = "fewer, since every call tries them in turn"
        diagnostics.add(items[MAXIMUM_FAULTS].node, "faults", f"more than {MAXIMUM_FAULTS} faults", expected)
        return []
    entries = [item for item in items if isinstance(item.node, MappingNode)]
    faults = [fault_of(item, f"faults[{item.key}]", actions, diagnostics) for item in entries]
    _refuse_ids_twice(entries, faults, diagnostics)
    for number, (item, fault) in enumerate(zip(entries, faults, strict=True) if not diagnostics.mistakes else ()):
        earlier = next((entries[above] for above in range(number) if faults[above].covers(fault)), None)
        if earlier is not None:
            found = f"a fault that is never reached, since the one in line {earlier.node.line} takes all its calls"
            diagnostics.add(item.node, f"faults[{item.key}]", found, "it before that one, or `times:` there")
    return faults


def _refuse_ids_twice(entries: Sequence[Entry], faults: Sequence[Fault], diagnostics: Diagnostics) -> None:
    owners: dict[str, Entry] = {}
    for item, fault in zip(entries, faults, strict=True):
        owner = owners.setdefault(fault.id, item) if fault.id else item
        if owner is not item:
            found, expected = f"the id `{fault.id}` again", f"each id once (line {owner.node.line} has it)"
            diagnostics.add(item.value.node_of("id"), f"faults[{item.key}].id", found, expected)


def fault_of(item: Entry, path: str, actions: Collection[str], diagnostics: Diagnostics) -> Fault:
    """Makes one fault; without an id of its own it has an empty one."""
    said: Values = item.value
    said_when: Values = said.get("when") or Values(item.node)
    for key, found, expected in _wrong_fault(said, said_when, actions):
        node = said_when.node_of(key.removeprefix("when.")) if key.startswith("when.") else said.node_of(key)
        diagnostics.add(node, f"{path}.{key}" if key else path, found, expected)
    values, when = dict(said), dict(said_when)
    values.pop("when", None)
    delivery = {key: values.pop(key) for key in _DELIVERY if key in values}
    email = when.pop("email", None)
    return Fault(
        values.pop("id", None) or "",
        item.location,
        email=Pattern.of(email) if email is not None else None,
        response_fault=ResponseFault(**delivery) if delivery else None,
        **when,
        **values,
    )


def _wrong_fault(said: Values, when: Values, actions: Collection[str]) -> Iterator[tuple[str, str, str]]:
    """Goes through what no fault can be at once: the key, what was found, and what was expected."""
    effects = ("error", *_DELIVERY)
    if not set(effects) & set(said):
        yield "", "a fault that does nothing", f"one or more of {', '.join(f'`{key}`' for key in effects)}"
    for key in ("error", "slow", "body"):
        if key in said and "reset" in said:
            yield key, f"`{key}` beside `reset`", "one of the two, since a connection that is reset gives no answer"
    if "retry_after" in said and "error" not in said:
        yield "retry_after", "`retry_after` without `error`", "`error:` with the code that it belongs to"
    if "nth" in when and "every" in when:
        yield "when.every", "both `nth` and `every`", "one of the two"
    if "nth" in when and "times" in said:
        yield "times", "`times` beside `nth`", "one of the two, since the nth call is one call"
    yield from _wrong_action(when, actions)


def _wrong_action(when: Values, actions: Collection[str]) -> Iterator[tuple[str, str, str]]:
    action, version = when.get("action"), when.get("version")
    if action is None:
        return
    operation = OPERATIONS.get(action)
    if action not in actions:
        yield "when.action", f"the action `{action}`", nearest(action, sorted(actions))
    elif "email" in when and (operation is None or not any(one.name == "Email" for one in operation.parameters)):
        yield "when.email", f"an `email` for {action}, which has no parameter Email", "it with another action, or none"
    elif operation is not None and version is not None and version not in operation.versions:
        yield "when.version", f"the version {version}, which has no {action}", f"one of {', '.join(operation.versions)}"
