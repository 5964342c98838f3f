"""Loads scenarios: finds built-in ones and files, follows `extends`, merges, and builds the frozen `Scenario`.

What a file says replaces what the file it extends says: single values and limits by key, accounts by name, access keys by id,
addresses by address. A pattern or a fault of the file is tried before those of the file it extends.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from alimock.scenario.addresses import AddressBook, AddressRule
from alimock.scenario.document import MappingNode, Mistake, Node, ScalarNode, ScenarioError, compose, compose_json, decode
from alimock.scenario.kinds import Reading
from alimock.scenario.layer import Layer, layer_of, merged
from alimock.scenario.model import AccessKey, Limits, Scenario
from alimock.scenario.schema import SCENARIO

# In an installed package the built-in scenarios lie inside it, in a checkout at the top level.
_PACKAGE = Path(__file__).resolve().parent.parent
BUILT_IN_FOLDER = next(
    (folder for folder in (_PACKAGE / "fixtures", _PACKAGE.parent.parent / "fixtures") if folder.is_dir()),
    _PACKAGE / "fixtures",
)


def built_in_names() -> list[str]:
    """Gives the names of the built-in scenarios, sorted."""
    return sorted(path.stem for path in BUILT_IN_FOLDER.glob("*.yaml"))


def load(name: str) -> Scenario:
    """Loads a built-in scenario by its name, or a file by its path (a name with a slash or `.yaml` is a path).

    Raises `ScenarioError` with all mistakes of the file.
    """
    path = _find(name, Path())
    with _collector_paused():
        return _build(_layers(_read(path), path.parent, _shown(path), (path,)), name)


def load_text(
    content: bytes,
    *,
    file: str,
    json: bool = False,
    files: bool = True,
    known_keys: Mapping[str, AccessKey] | None = None,
) -> Scenario:
    """Loads a scenario from its text; `file` is what mistakes call it.

    With `files=False` only built-in scenarios can be extended, since a request must not read files. An access key that comes
    without a secret keeps the secret and the security token that it has in `known_keys`. Raises `ScenarioError`.
    """
    with _collector_paused():
        node = (compose_json if json else compose)(decode(content, file), file)
        return _build(_layers(node, Path() if files else None, file, (), known_keys or {}), file)


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


def _find(name: str, folder: Path | None) -> Path:
    """Gives the file of a scenario; a relative path counts from `folder`, and without one no path is allowed."""
    if "/" not in name and not name.endswith(".yaml"):
        if name in built_in_names():
            return BUILT_IN_FOLDER / f"{name}.yaml"
        expected = f"a built-in scenario ({', '.join(built_in_names())}) or a path with a slash or .yaml"
        raise ScenarioError([Mistake(name, 0, 0, "", "no such scenario", expected)])
    if folder is None:
        expected = f"a built-in scenario ({', '.join(built_in_names())})"
        raise ScenarioError([Mistake(name, 0, 0, "extends", "a path", expected)])
    return folder / name


def _shown(path: Path) -> str:
    return path.name if path.parent == BUILT_IN_FOLDER else str(path)


def _read(path: Path) -> Node:
    file = _shown(path)
    try:
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        found = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ScenarioError([Mistake(file, 0, 0, "", found, "a readable file")]) from None
    return compose(decode(content, file), file)


def _layers(
    node: Node,
    folder: Path | None,
    file: str,
    chain: tuple[Path, ...],
    known_keys: Mapping[str, AccessKey] | None = None,
) -> Layer:
    """Reads one file and all that it extends into one layer; `chain` is the files on the way here."""
    reading = Reading(file)
    document = SCENARIO.read(node, "", reading) or {}
    parent = Layer()
    if document.get("extends"):
        try:
            parent = _extended(document["extends"], folder, chain)
        except ScenarioError as error:
            reading.mistakes.extend(_placed(error, node, file))
    layer = layer_of(document, reading, {**(known_keys or {}), **parent.access_keys})
    if reading.mistakes:
        raise ScenarioError(sorted(reading.mistakes, key=lambda mistake: (mistake.file != file, mistake.line, mistake.column)))
    return merged(parent, layer)


def _extended(name: str, folder: Path | None, chain: tuple[Path, ...]) -> Layer:
    path = _find(name, folder)
    if any(path.resolve() == earlier.resolve() for earlier in chain):
        raise ScenarioError([Mistake(name, 0, 0, "extends", "a file that extends itself", "a file that does not lead back here")])
    return _layers(_read(path), path.parent, _shown(path), (*chain, path))


def _placed(error: ScenarioError, node: Node, file: str) -> list[Mistake]:
    """Gives the mistakes of an extended file; those without a line of their own get the line of the `extends` that led there."""
    items = node.items if isinstance(node, MappingNode) else []
    pairs = zip(items[::2], items[1::2], strict=True)
    place = next((value for key, value in pairs if isinstance(key, ScalarNode) and key.text == "extends"), node)
    return [
        mistake
        if mistake.line
        else Mistake(file, place.line, place.column, "extends", f"`{mistake.file}` ({mistake.found})", mistake.expected)
        for mistake in error.mistakes
    ]


def _build(layer: Layer, name: str) -> Scenario:
    addresses = AddressBook.of(
        (rule for key, rule in layer.rules.items() if "*" not in key), (layer.rules[key] for key in layer.patterns)
    )
    _refuse_tokens_twice(addresses.exact)
    return Scenario(
        name,
        limits=Limits(**layer.limits),
        user_ids={"default": None, **layer.user_ids},
        access_keys=layer.access_keys,
        addresses=addresses,
        faults=tuple(layer.faults),
        codes=layer.codes,
        **layer.values,
    )


def _refuse_tokens_twice(addresses: Mapping[str, AddressRule]) -> None:
    owners: dict[str, AddressRule] = {}
    mistakes = []
    for rule in addresses.values():
        owner = owners.setdefault(rule.token, rule) if rule.token is not None else rule
        if owner is not rule:
            file, _, line = rule.place.rpartition(":")
            path, expected = f"addresses.{rule.address}", f"each token once ({owner.place} has it)"
            mistakes.append(Mistake(file, int(line), 1, path, f"the token `{rule.token}` again", expected))
    if mistakes:
        raise ScenarioError(mistakes)
