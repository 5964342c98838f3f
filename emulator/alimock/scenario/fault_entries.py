"""Builds and checks the faults of the entries of `faults`."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import fields

from alimock.scenario.address_book import Pattern
from alimock.scenario.diagnostics import Diagnostics, nearest
from alimock.scenario.fields import Entry, Values
from alimock.scenario.model import Fault, ResponseFault
from alimock.scenario.nodes import MappingNode
from alimock.spec.contract import OPERATIONS

MAXIMUM_FAULTS = 1_000
_RESPONSE_FAULTS = tuple(one.name for one in fields(ResponseFault))
# A contradiction: its key, what was found, what was expected.
_Contradiction = tuple[str, str, str]


def faults_of(items: Sequence[Entry], actions: Collection[str], diagnostics: Diagnostics) -> list[Fault]:
    """Build the faults of one file; report those that are never reached if there is no other error."""
    if len(items) > MAXIMUM_FAULTS:
        expected = "fewer, since every call tries them in turn"
        diagnostics.add(items[MAXIMUM_FAULTS].node, "faults", f"more than {MAXIMUM_FAULTS} faults", expected)
        return []
    entries = [item for item in items if isinstance(item.node, MappingNode)]
    faults = [fault_of(item, f"faults[{item.key}]", actions, diagnostics) for item in entries]
    _report_repeated_ids(entries, faults, diagnostics)
    if not diagnostics.mistakes:
        _report_unreached(entries, faults, diagnostics)
    return faults


def _report_repeated_ids(entries: Sequence[Entry], faults: Sequence[Fault], diagnostics: Diagnostics) -> None:
    owners: dict[str, Entry] = {}
    for item, fault in zip(entries, faults, strict=True):
        owner = owners.setdefault(fault.id, item) if fault.id else item
        if owner.key != item.key:
            found, expected = f"the id `{fault.id}` again", f"each id once (line {owner.node.line} has it)"
            diagnostics.add(item.value.node_of("id"), f"faults[{item.key}].id", found, expected)


def _report_unreached(entries: Sequence[Entry], faults: Sequence[Fault], diagnostics: Diagnostics) -> None:
    for number, (item, fault) in enumerate(zip(entries, faults, strict=True)):
        earlier = next((entries[above] for above in range(number) if faults[above].covers(fault)), None)
        if earlier is not None:
            found = f"a fault that is never reached, since the one in line {earlier.node.line} takes all its calls"
            diagnostics.add(item.node, f"faults[{item.key}]", found, "it before that one, or `times:` there")


def fault_of(item: Entry, path: str, actions: Collection[str], diagnostics: Diagnostics) -> Fault:
    """Build one fault; its id is empty if it has none."""
    written: Values = item.value
    written_when: Values = written.get("when") or Values(item.node)
    for key, found, expected in _contradictions(written, written_when, actions):
        node = written_when.node_of(key.removeprefix("when.")) if key.startswith("when.") else written.node_of(key)
        diagnostics.add(node, f"{path}.{key}" if key else path, found, expected)
    values, when = dict(written), dict(written_when)
    values.pop("when", None)
    response_fault = {key: values.pop(key) for key in _RESPONSE_FAULTS if key in values}
    email = when.pop("email", None)
    return Fault(
        values.pop("id", None) or "",
        diagnostics.location(item.node),
        email=Pattern.of(email) if email is not None else None,
        response_fault=ResponseFault(**response_fault) if response_fault else None,
        **when,
        **values,
    )


def _contradictions(fault: Values, when: Values, actions: Collection[str]) -> Iterator[_Contradiction]:
    effects = ("error", *_RESPONSE_FAULTS)
    if not set(effects) & set(fault):
        yield "", "a fault that does nothing", f"one or more of {', '.join(f'`{key}`' for key in effects)}"
    for key in ("error", "slow", "body"):
        if key in fault and "reset" in fault:
            yield key, f"`{key}` together with `reset`", "one of the two, since a connection that is reset carries no response"
    if "retry_after" in fault and "error" not in fault:
        yield "retry_after", "`retry_after` without `error`", "`error:` with the code that it belongs to"
    if "nth" in when and "every" in when:
        yield "when.every", "both `nth` and `every`", "one of the two"
    if "nth" in when and "times" in fault:
        yield "times", "`times` together with `nth`", "one of the two, since the nth call is one call"
    yield from _action_contradictions(when, actions)


def _action_contradictions(when: Values, actions: Collection[str]) -> Iterator[_Contradiction]:
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
