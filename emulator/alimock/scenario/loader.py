"""Loads scenarios: follows `extends`, merges the files, and checks the result.

Files are merged in the order in which they are named, each after those it extends; a file that is named twice is read once, at its
first position. An entry replaces the one with the same key in earlier files: single values and limits by key, accounts by name,
access keys by id, addresses by address, faults by id. Patterns and faults of later files are tried first.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from alimock.scenario.address_rules import AddressBook, AddressRule
from alimock.scenario.diagnostics import Diagnostic, Diagnostics, ScenarioError, split_location
from alimock.scenario.entries import MAXIMUM_FAULTS, MAXIMUM_PATTERNS, fault_of, rule_of
from alimock.scenario.fields import Entry
from alimock.scenario.merge import access_key_of, merge
from alimock.scenario.model import AccessKey, Fault, Scenario
from alimock.scenario.nodes import Node, ScalarNode
from alimock.scenario.parser import compose, decode, yaml_of_json, yaml_of_strict_json
from alimock.scenario.schema import ADDRESS, ADDRESSES, FAULT, IDENTIFIED_ACCESS_KEY, NAME, SCENARIO, TEXT
from alimock.scenario.sources import Bundle, Files, decodable, display_name, is_built_in, is_path
from alimock.spec.contract import OPERATIONS

MAXIMUM_CHAIN = 50
# In characters. A location in a larger file is shown without the lines around it.
MAXIMUM_KEPT_TEXT = 256 * 1024
# Of a file with about as many addresses; scanning them takes about 20 ms.
_MANY_OBJECTS = 50_000


def load(names: str) -> Scenario:
    """Load built-in scenarios by name and files by path (a name with a slash, `.yaml`, `.yml` or `.json` is a path).

    A file is JSON if it ends with `.json`, else YAML. Names are comma-separated; later ones win. Raises `ScenarioError` with all
    errors of the files.
    """
    return load_files(names_in(names))


def names_in(names: str) -> tuple[str, ...]:
    """Split comma-separated names; the path of an existing file is one name."""
    return (names,) if Path(names).is_file() else tuple(name.strip() for name in names.split(","))


def load_files(names: Sequence[str], texts: Mapping[str, str] | None = None) -> Scenario:
    """Load scenarios, later ones over earlier ones; `texts` are further files by path. Raises `ScenarioError`."""
    return _Reader(Files(texts or {}, local=True), os.environ.get).load(names, ",".join(names))


def bundle(names: Sequence[str], texts: Mapping[str, str] | None = None) -> Bundle:
    """Collect the files of scenarios for a `load_bundle` elsewhere; raise `ScenarioError` if one cannot be read.

    All other errors are left to `load_bundle`, which may know more access keys and stubs.
    """
    variables: dict[str, str] = {}

    def variable(name: str) -> str | None:
        if value := os.environ.get(name):
            variables[name] = value
        return value

    reader = _Reader(Files(texts or {}, local=True), variable)
    try:
        reader.load(names, "")
    except ScenarioError as error:
        _raise([mistake for mistake in error.mistakes if mistake.path == "extends" or not mistake.line])
    own = {str(path): reader.files.text(path) for path in reader.paths if not is_built_in(path)}
    return Bundle(tuple(names), own, variables)


def load_bundle(bundle: Bundle, *, known_keys: Mapping[str, AccessKey] | None = None, over: Scenario | None = None) -> Scenario:
    """Load a bundle, over another scenario if given, without reading files or environment variables. Raises `ScenarioError`."""
    reader = _Reader(Files(bundle.files, local=False), bundle.variables.get, known_keys or {}, over or Scenario(""))
    return reader.load(bundle.names, ",".join(dict.fromkeys((*([over.name] if over is not None else []), *bundle.names))))


def load_text(
    content: bytes,
    *,
    file: str,
    json: bool = False,
    local: bool = True,
    known_keys: Mapping[str, AccessKey] | None = None,
    over: Scenario | None = None,
) -> Scenario:
    """Load a scenario from its text, over another one if given; error messages call it `file`.

    `local=False` is for requests: they extend built-in scenarios only and read neither files nor environment variables. An access
    key without a secret keeps the secret and the security token it has in `known_keys`. Raises `ScenarioError`.
    """
    reader = _Reader(Files({}, local=local), os.environ.get if local else None, known_keys or {}, over or Scenario(""))
    with _collector_paused():
        reader.add(_yaml(content, file, json), Path(), file, ())
        return reader.scenario(file)


def load_address(content: bytes, address: str, *, file: str, json: bool = False) -> AddressRule:
    """Load the entry of one address or pattern. Raises `ScenarioError`."""
    diagnostics, node = Diagnostics(file), _composed(content, file, json, ADDRESSES.value.expected)
    ADDRESS.read(_text_node(address), "addresses", diagnostics)
    path = f"addresses.{address}"
    value = ADDRESSES.value.read(node, path, diagnostics)
    diagnostics.raise_any()
    rule = rule_of(Entry(address, value, node), path, diagnostics)
    diagnostics.raise_any()
    assert rule is not None
    return rule


def load_fault(content: bytes, fault_id: str, stubs: Collection[str], *, file: str, json: bool = False) -> Fault:
    """Load one fault and give it an id; `stubs` are the operations besides the emulated ones. Raises `ScenarioError`."""
    diagnostics, node = Diagnostics(file), _composed(content, file, json, "a mapping with a fault")
    values = FAULT.read(node, "fault", diagnostics)
    NAME.read(_text_node(fault_id), "id", diagnostics)
    if values.get("id") not in (None, fault_id):
        diagnostics.add(values.node_of("id"), "fault.id", f"`{values['id']}`", f"`{fault_id}` as in the path, or none")
    diagnostics.raise_any()
    fault = fault_of(Entry("0", values, node), "fault", {*OPERATIONS, *stubs}, diagnostics)
    diagnostics.raise_any()
    return replace(fault, id=fault_id)


def load_access_key(content: bytes, key_id: str, account: str, *, file: str, json: bool = False) -> AccessKey:
    """Load the access key with an id, for an account. Raises `ScenarioError`."""
    diagnostics, node = Diagnostics(file), _composed(content, file, json, "a mapping with a `secret`")
    TEXT.read(_text_node(key_id), "id", diagnostics)
    values = IDENTIFIED_ACCESS_KEY.read(node, "access_key", diagnostics)
    if values.get("id") not in (None, key_id):
        diagnostics.add(values.node_of("id"), "access_key.id", f"`{values['id']}`", f"`{key_id}` as in the path, or none")
    diagnostics.raise_any()
    return access_key_of({**values, "id": key_id}, account, file)


def _raise(mistakes: Sequence[Diagnostic]) -> None:
    if mistakes:
        raise ScenarioError(mistakes)


def _text_node(text: str) -> ScalarNode:
    return ScalarNode(1, 1, None, text, plain=False)


def _composed(content: bytes, file: str, json: bool, expected: str) -> Node:
    return compose(_yaml(content, file, json), file, expected)


def _yaml(content: bytes, file: str, json: bool) -> str:
    text = decode(content, file)
    return yaml_of_json(text) if json else text


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Pause the cyclic garbage collector, which would scan all nodes of a large file repeatedly.

    The content of a large file is old to the collector afterwards: to scan it as young would stop all threads for a tenth of a
    second. Young garbage is collected first, since old garbage is collected rarely.
    """
    enabled = gc.isenabled()
    if enabled:
        gc.collect(1)
    gc.disable()
    try:
        yield
    finally:
        # Objects that a program has frozen stay frozen.
        if enabled and gc.get_count()[0] > _MANY_OBJECTS and not gc.get_freeze_count():
            gc.freeze()
            gc.unfreeze()
        if enabled:
            gc.enable()


@dataclass
class _Reader:
    """Reads files and merges each over those before it.

    `variable` looks up secrets; None where environment variables must not be read. `read` maps paths without symbolic links to the
    path as first named; `paths` has every path named.
    """

    files: Files
    variable: Callable[[str], str | None] | None
    known_keys: Mapping[str, AccessKey] = field(default_factory=dict)
    merged: Scenario = field(default_factory=lambda: Scenario(""))
    read: dict[Path, Path] = field(default_factory=dict)
    paths: list[Path] = field(default_factory=list)
    mistakes: list[Diagnostic] = field(default_factory=list)

    def load(self, names: Sequence[str], name: str) -> Scenario:
        """Read files and return their scenario."""
        try:
            with _collector_paused():
                for file in names:
                    self.add_file(file, Path())
                return self.scenario(decodable(name))
        except ScenarioError as error:
            error.files = tuple(self.read.values())
            raise

    def add_file(self, name: str, folder: Path, chain: tuple[Path, ...] = ()) -> None:
        """Read a file and all that it extends, unless it was read already; `chain` has the files that led here."""
        path = self.files.find(name, folder)
        resolved = self.files.resolved(path)
        if resolved in chain:
            expected = "a file that does not extend this one"
            raise ScenarioError([Diagnostic(name, 0, 0, "extends", "a file that extends itself", expected)])
        if len(chain) == MAXIMUM_CHAIN:
            expected = f"{MAXIMUM_CHAIN} files in a row at most"
            raise ScenarioError([Diagnostic(name, 0, 0, "extends", "a file that extends a file, and so on", expected)])
        self.paths.append(path)
        if resolved not in self.read:
            # As named, so that a watcher notices when a symbolic link is changed.
            self.read[resolved] = path
            file = display_name(path)
            # What a mapping says has no lines.
            has_lines = is_path(name) or is_built_in(path)
            content = self.files.text(path)
            text = yaml_of_strict_json(content, file) if path.suffix == ".json" else content
            self.add(text, path.parent, file, (*chain, resolved), has_lines=has_lines)

    def add(self, text: str, folder: Path, file: str, chain: tuple[Path, ...], *, has_lines: bool = True) -> None:
        """Read all files that a document extends, then merge the document, and keep its text if it has lines."""
        diagnostics, before = Diagnostics(file, self.variable, has_lines), len(self.mistakes)
        document = SCENARIO.read(compose(text, file), "", diagnostics)
        for item in document.get("extends", ()):
            try:
                self.add_file(item.value or "", folder, chain)
            except ScenarioError as error:
                diagnostics.mistakes.extend(_located(error, item.node, file) if item.value else ())
        self.merged = merge(document, self.merged, self.known_keys, diagnostics)
        # The file's own errors come before those of the files it extends.
        self.mistakes[before:before] = diagnostics.report()
        if has_lines:
            texts = self.merged.texts
            is_kept = len(text) <= MAXIMUM_KEPT_TEXT and texts.get(file, text) == text
            self.merged = replace(self.merged, texts={**texts, file: text if is_kept else None})

    def scenario(self, name: str) -> Scenario:
        """Return the merged scenario; raise `ScenarioError` with the errors of all files."""
        _raise(self.mistakes or list(_excess(self.merged, name)))
        user_ids = {"default": None, **self.merged.user_ids}
        scenario = replace(self.merged, name=name, user_ids=user_ids, files=tuple(self.read.values()))
        books = (scenario.addresses, *scenario.own_books.values())
        _raise(list(dict.fromkeys(mistake for book in books for mistake in _repeated_tokens(book))))
        return scenario


def _excess(scenario: Scenario, name: str) -> Iterator[Diagnostic]:
    """Yield errors for more patterns or faults than one call should try, and than an exported file may have."""
    own = max((len(book.patterns) for book in scenario.account_addresses.values()), default=0)
    patterns = len(scenario.addresses.patterns) + own
    for count, maximum, kind in ((patterns, MAXIMUM_PATTERNS, "patterns"), (len(scenario.faults), MAXIMUM_FAULTS, "faults")):
        if count > maximum:
            expected = f"{maximum} at most, since every call tries them in turn"
            yield Diagnostic(name, 0, 0, "", f"{count} {kind} in all files together", expected)


def _located(error: ScenarioError, node: Node, file: str) -> list[Diagnostic]:
    """Return the errors of an extended file; those without a line get that of the `extends`."""
    return [
        one if one.line else Diagnostic(file, node.line, node.column, "extends", f"`{one.file}` ({one.found})", one.expected)
        for one in error.mistakes
    ]


def _repeated_tokens(book: AddressBook) -> Iterator[Diagnostic]:
    owners: dict[str, AddressRule] = {}
    for rule in book.exact.values():
        owner = owners.setdefault(rule.token, rule) if rule.token is not None else rule
        if owner.address != rule.address:
            file, line = split_location(rule.location)
            path, expected = f"addresses.{rule.address}", f"each token once ({owner.location} has it)"
            yield Diagnostic(file, line, 1, path, f"the token `{rule.token}` again", expected)
