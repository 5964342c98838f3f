"""Write the generated parts of the documentation from the code. Run by `make reference`; a test checks that they are current.

A part lies between the lines `<!-- generated: NAME -->` and `<!-- end of NAME -->`.
"""

from __future__ import annotations

import re
from argparse import Action
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from importlib import import_module

from alimock.cli.command import Parser
from alimock.cli.main import COMMANDS
from alimock.scenario import loader, reference_tables, sources
from alimock.settings import SETTINGS
from alimock.spec import fidelity
from alimock.spec.error_catalog import CATALOG
from documentation.openapi import control_api
from documentation.pages import PAGES
from interop.run import CLIENTS

_PART = re.compile(r"(?<=^<!-- generated: )(?P<name>[^\n]+) -->\n.*?^<!-- end of (?P=name)(?= -->$)", re.MULTILINE | re.DOTALL)


def main() -> None:
    """Rewrite the pages whose generated parts are not current, and print their paths."""
    for page in PAGES:
        old = page.read_text(encoding="utf-8")
        new = current(old)
        if new != old:
            page.write_text(new, encoding="utf-8")
            print(page)


def current(content: str) -> str:
    """Return the content of a page with its generated parts as they should be."""
    return _PART.sub(lambda found: f"{found['name']} -->\n\n{PARTS[found['name']]()}\n<!-- end of {found['name']}", content)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (head, ("---",) * len(head), *rows))


def _code(text: str | None) -> str:
    return f"`{text}`" if text else ""


def _literal(text: str) -> str:
    """Escape brackets, which would be links."""
    return text.replace("[", "\\[")


def _settings() -> str:
    rows = ((_code(one.flag), _code(one.variable), _code(one.default), _literal(one.expected), one.help) for one in SETTINGS)
    return _table(("option", "variable", "default", "takes", "meaning"), rows)


def _commands() -> str:
    sections = [_table(("command", "purpose"), ((f"[`alimock {name}`](#alimock-{name})", text) for name, text in COMMANDS.items()))]
    return "\n".join([*sections, *map(_command, COMMANDS)])


def _command(name: str) -> str:
    parser: Parser = import_module(f"alimock.cli.{name.replace('-', '_')}").parser()
    parts = [f"## alimock {name}\n", f"{parser.description}\n"]
    if name == "serve":
        parts.append("The options are the [settings](settings.md).\n")
    else:
        options = [option for option in parser.arguments if "--help" not in option.option_strings]
        parts += [_table(("option", "meaning"), map(_option, options))] if options else []
    if parser.epilog:
        parts.append(f"```text\n{parser.epilog.strip()}\n```\n")
    return "\n".join(parts)


def _option(action: Action) -> tuple[str, str]:
    names = ", ".join(action.option_strings) or str(action.metavar)
    takes = f" {action.metavar}" if action.option_strings and action.metavar and action.nargs != 0 else ""
    meaning = (action.help or "") % vars(action)
    choices = [choice for choice in action.choices or () if choice not in meaning]
    return _code(names + takes), ": ".join(filter(None, (meaning, ", ".join(map(_code, choices)))))


def _errors() -> str:
    def rows() -> Iterator[tuple[str, ...]]:
        for error in sorted(CATALOG, key=lambda one: (one.status or 0, one.code)):
            status = str(error.status or "in FailList")
            yield (
                _code(error.code),
                status,
                error.text.replace("|", "\\|"),
                error.trigger or "only as an injected fault",
                "; assumed: ".join(filter(None, (error.evidence.value, error.assumed))),
            )

    return _table(("code", "status", "message", "cause", "evidence"), rows())


def _scenarios() -> str:
    return _table(
        ("name", "description"), ((_code(name), loader.load(name).description or "") for name in sources.built_in_names())
    )


def _sdks() -> str:
    variants: dict[tuple[str, str, str], tuple[set[str], set[str]]] = {}
    for client in CLIENTS:
        formats, signatures = variants.setdefault((client.name, client.version, client.api_version), (set(), set()))
        formats.add(client.format)
        signatures.add(client.signature)
    rows = ((*key, ", ".join(sorted(formats)), ", ".join(sorted(used))) for key, (formats, used) in variants.items())
    return _table(("client", "version", "API version", "format", "signature"), rows)


PARTS: dict[str, Callable[[], str]] = {
    "settings": _settings,
    "commands": _commands,
    "control API": control_api,
    "errors": _errors,
    "fidelity": lambda: fidelity.page(fidelity.ledger()),
    "built-in scenarios": _scenarios,
    **{f"keys of {name}": partial(reference_tables.tables().__getitem__, name) for name in reference_tables.tables()},
    "SDKs": _sdks,
}


if __name__ == "__main__":
    main()
