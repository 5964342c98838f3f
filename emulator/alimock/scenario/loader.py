"""Loads scenarios: follows `extends`, merges, and builds the frozen `Scenario`.

Files lie over each other in the order in which they are named, each behind those it extends; a file that is named twice is read
once, at its first place. What a file says replaces what those before it say: single values and limits by key, accounts by name,
access keys by id, addresses by address, faults by id. Its patterns and faults are tried before those of the files below.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path

from alimock.scenario.address_book import AddressBook
from alimock.scenario.address_entries import MAXIMUM_PATTERNS, addresses_of
from alimock.scenario.address_rules import AddressRule
from alimock.scenario.diagnostics import Diagnostics, split_location
from alimock.scenario.fault_entries import MAXIMUM_FAULTS, fault_of
from alimock.scenario.fields import Entry
from alimock.scenario.merge import Layer, access_key_of, layer_of
from alimock.scenario.model import AccessKey, Fault, Scenario, ServiceLimits
from alimock.scenario.parser import Diagnostic, MappingNode, Node, ScalarNode, ScenarioError, compose, compose_json, decode
from alimock.scenario.scalars import NAME, TEXT
from alimock.scenario.schema import ADDRESSES, FAULT, IDENTIFIED_ACCESS_KEY, SCENARIO
from alimock.scenario.sources import Bundle, Files, is_built_in, is_path, legible, shown
from alimock.spec.address import fold
from alimock.spec.contract import OPERATIONS

MAXIMUM_CHAIN = 50


def load(names: str) -> Scenario:
    """Loads a built-in scenario by its name, or a file by its path (a name with a slash or `.yaml` is a path).

    Several names, separated by commas, lie over each other. Raises `ScenarioError` with all mistakes of the files.
    """
    return load_files(names_in(names))


def names_in(names: str) -> tuple[str, ...]:
    """Splits a list of names; what is a file's path as a whole is one name."""
    return (names,) if Path(names).is_file() else tuple(name.strip() for name in names.split(","))


def load_files(names: Sequence[str], texts: Mapping[str, str] | None = None) -> Scenario:
    """Loads scenarios that lie over each other; `texts` are further files by their path. Raises `ScenarioError`."""
    return _Stack(Files(texts or {}), os.environ.get).load(names, ",".join(names))


def bundle(names: Sequence[str], texts: Mapping[str, str] | None = None) -> Bundle:
    """Collects the files of scenarios, so that they can be loaded elsewhere; raises `ScenarioError` for one that cannot be read.

    All other mistakes are left to be found there, where more may be known: keys, and what these files lie over.
    """
    variables: dict[str, str] = {}

    def variable(name: str) -> str | None:
        if value := os.environ.get(name):
            variables[name] = value
        return value

    stack = _Stack(Files(texts or {}), variable)
    try:
        stack.load(names, "")
    except ScenarioError as error:
        unread = [mistake for mistake in error.mistakes if mistake.path == "extends" or not mistake.line]
        _raise(unread)
    own = {str(path): stack.files.text(path) for path in stack.paths if not is_built_in(path)}
    return Bundle(tuple(names), own, variables)


def load_bundle(bundle: Bundle, *, known_keys: Mapping[str, AccessKey] | None = None, over: Scenario | None = None) -> Scenario:
    """Loads what was collected elsewhere, over another scenario if there is one; no other file and no variable is read.

    Raises `ScenarioError`.
    """
    stack = _Stack(Files(bundle.files, local=False), bundle.variables.get, known_keys or {}, _below(over))
    return stack.load(bundle.names, ",".join(dict.fromkeys((*([over.name] if over is not None else []), *bundle.names))))


def load_text(
    content: bytes,
    *,
    file: str,
    json: bool = False,
    local: bool = True,
    known_keys: Mapping[str, AccessKey] | None = None,
    over: Scenario | None = None,
) -> Scenario:
    """Loads a scenario from its text, over another if there is one; `file` is what mistakes call it.

    With `local=False` only built-in scenarios can be extended and no variable is read, since a request must reach neither files nor
    the environment. An access key that comes without a secret keeps the secret and the security token that it has in `known_keys`.
    Raises `ScenarioError`.
    """
    stack = _Stack(Files(local=local), os.environ.get if local else None, known_keys or {}, _below(over))
    with _collector_paused():
        stack.add(_composed(content, file, json), Path(), file, ())
        return stack.scenario(file)


def load_address(content: bytes, address: str, *, file: str, json: bool = False) -> AddressRule:
    """Loads what stands behind one address in `addresses`; raises `ScenarioError`."""
    diagnostics, node = Diagnostics(file), _composed(content, file, json, ADDRESSES.value.expected)
    pair = [ScalarNode(1, 1, None, address, plain=False), node]
    entries = ADDRESSES.read(MappingNode(1, 1, None, pair), "addresses", diagnostics)
    _raise(diagnostics.told())
    addresses = addresses_of(entries, "addresses", diagnostics)
    _raise(diagnostics.told())
    return addresses.rules[fold(address)]


def load_fault(content: bytes, fault_id: str, stubs: Collection[str], *, file: str, json: bool = False) -> Fault:
    """Loads one fault, which gets this id; `stubs` are the operations beside the emulated ones. Raises `ScenarioError`."""
    diagnostics, node = Diagnostics(file), _composed(content, file, json, "a mapping with a fault")
    values = FAULT.read(node, "fault", diagnostics)
    NAME.read(ScalarNode(1, 1, None, fault_id, plain=False), "id", diagnostics)
    if values.get("id") not in (None, fault_id):
        diagnostics.add(values.node_of("id"), "fault.id", f"`{values['id']}`", f"`{fault_id}` as in the path, or none")
    _raise(diagnostics.told())
    fault = fault_of(Entry("0", values, file, node), "fault", {*OPERATIONS, *stubs}, diagnostics)
    _raise(diagnostics.told())
    return replace(fault, id=fault_id)


def load_access_key(content: bytes, key_id: str, account: str, *, file: str, json: bool = False) -> AccessKey:
    """Loads what stands in `access_keys` of a key with this id, for an account; raises `ScenarioError`."""
    diagnostics, node = Diagnostics(file), _composed(content, file, json, "a mapping with a `secret`")
    TEXT.read(ScalarNode(1, 1, None, key_id, plain=False), "id", diagnostics)
    values = IDENTIFIED_ACCESS_KEY.read(node, "access_key", diagnostics)
    if values.get("id") not in (None, key_id):
        diagnostics.add(values.node_of("id"), "access_key.id", f"`{values['id']}`", f"`{key_id}` as in the path, or none")
    _raise(diagnostics.told())
    return access_key_of({**values, "id": key_id}, account, file)


def _below(over: Scenario | None) -> Layer:
    return Layer.of(over) if over is not None else Layer()


def _raise(mistakes: list[Diagnostic]) -> None:
    if mistakes:
        raise ScenarioError(mistakes)


def _composed(content: bytes, file: str, json: bool, expected: str = SCENARIO.expected) -> Node:
    text = decode(content, file)
    return compose_json(text, file) if json else compose(text, file, expected)


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Pauses the cyclic garbage collector, which would look at all the nodes of a large file again and again."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@dataclass
class _Stack:
    """The files read so far, each laid over those before it, and the mistakes found in them.

    `variable` gives secrets; it is None where variables may not be read. `read` has the paths as they were named first by what they
    are without links, `paths` all of them.
    """

    files: Files
    variable: Callable[[str], str | None] | None
    known_keys: Mapping[str, AccessKey] = field(default_factory=dict)
    layer: Layer = field(default_factory=Layer)
    read: dict[Path, Path] = field(default_factory=dict)
    paths: list[Path] = field(default_factory=list)
    mistakes: list[Diagnostic] = field(default_factory=list)

    def load(self, names: Sequence[str], name: str) -> Scenario:
        """Reads files that lie over each other, and builds their scenario."""
        try:
            with _collector_paused():
                for file in names:
                    self.add_file(file, Path())
                return self.scenario(legible(name))
        except ScenarioError as error:
            error.files = tuple(self.read.values())
            raise

    def add_file(self, name: str, folder: Path, chain: tuple[Path, ...] = ()) -> None:
        """Lays a file and all that it extends over those before, unless it was read already; `chain` is the files that led here."""
        path = self.files.find(name, folder)
        resolved = self.files.resolved(path)
        if resolved in chain:
            expected = "a file that does not lead back here"
            raise ScenarioError([Diagnostic(name, 0, 0, "extends", "a file that extends itself", expected)])
        if len(chain) == MAXIMUM_CHAIN:
            expected = f"{MAXIMUM_CHAIN} files in a row at most"
            raise ScenarioError([Diagnostic(name, 0, 0, "extends", "a file that extends a file, and so on", expected)])
        self.paths.append(path)
        if resolved not in self.read:
            # As it was named, so that a link that leads elsewhere later is seen by who watches.
            self.read[resolved] = path
            file = shown(path)
            self.add(compose(self.files.text(path), file), path.parent, file, (*chain, resolved), has_lines=is_path(file))

    def add(self, node: Node, folder: Path, file: str, chain: tuple[Path, ...], *, has_lines: bool = True) -> None:
        """Lays what a node says, and all that it extends, over what is there."""
        diagnostics, before = Diagnostics(file, self.variable, has_lines), len(self.mistakes)
        document = SCENARIO.read(node, "", diagnostics) or {}
        for item in document.get("extends") or ():
            try:
                self.add_file(item.value or "", folder, chain)
            except ScenarioError as error:
                diagnostics.mistakes.extend(_placed(error, item.node, file) if item.value else ())
        layer = layer_of(document, diagnostics, self.layer, self.known_keys)
        self.layer = layer.over(self.layer)
        # Its own mistakes come before those of the files that it extends.
        self.mistakes[before:before] = diagnostics.told()

    def _too_many(self, name: str) -> list[Diagnostic]:
        """Finds more patterns or faults in all files together than one call should try, and than an export could hold."""
        own = self.layer.account_addresses.values()
        patterns = len(self.layer.addresses.patterns) + max((len(addresses.patterns) for addresses in own), default=0)
        counts = ((patterns, MAXIMUM_PATTERNS, "patterns"), (len(self.layer.faults), MAXIMUM_FAULTS, "faults"))
        return [
            Diagnostic(
                name, 0, 0, "", f"{count} {kind} in all files together", f"{maximum} at most, since every call tries them in turn"
            )
            for count, maximum, kind in counts
            if count > maximum
        ]

    def scenario(self, name: str) -> Scenario:
        """Builds the scenario of all that was read; raises `ScenarioError` with the mistakes of all files."""
        _raise(self.mistakes or self._too_many(name))
        addresses = self.layer.addresses.book()
        books = {account: own.book(addresses) for account, own in self.layer.account_addresses.items()}
        _raise(list(dict.fromkeys(mistake for book in (addresses, *books.values()) for mistake in _tokens_twice(book))))
        for book in (addresses, *books.values()):
            # Made here and not by the first List, for which all other callers would wait.
            _ = book.order
        return Scenario(
            name,
            limits=ServiceLimits(**self.layer.limits),
            user_ids={"default": None, **self.layer.user_ids},
            access_keys=self.layer.access_keys,
            addresses=addresses,
            account_addresses=books,
            faults=dict(_numbered(self.layer.faults)),
            stubs=self.layer.stubs,
            codes=self.layer.codes,
            files=tuple(self.read.values()),
            **self.layer.values,
        )


def _placed(error: ScenarioError, node: Node, file: str) -> list[Diagnostic]:
    """Gives the mistakes of an extended file; those without a line of their own get the line of the `extends` that led there."""
    return [
        mistake
        if mistake.line
        else Diagnostic(file, node.line, node.column, "extends", f"`{mistake.file}` ({mistake.found})", mistake.expected)
        for mistake in error.mistakes
    ]


def _numbered(faults: list[Fault]) -> Iterator[tuple[str, Fault]]:
    """Gives each fault by its id; those without one are numbered."""
    given = {fault.id for fault in faults}
    free = (name for name in map(str, count(1)) if name not in given)
    for fault in faults:
        named = fault if fault.id else replace(fault, id=next(free), is_numbered=True)
        yield named.id, named


def _tokens_twice(book: AddressBook) -> Iterator[Diagnostic]:
    owners: dict[str, AddressRule] = {}
    for rule in book.exact.values():
        owner = owners.setdefault(rule.token, rule) if rule.token is not None else rule
        if owner is not rule:
            file, line = split_location(rule.location)
            path, expected = f"addresses.{rule.address}", f"each token once ({owner.location} has it)"
            yield Diagnostic(file, line, 1, path, f"the token `{rule.token}` again", expected)
