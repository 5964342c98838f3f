"""`alimock completion`: print a script with which a shell completes commands, options and their values."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from importlib import import_module

from alimock.cli import completion_scripts as scripts
from alimock.cli.command import Parser, parse
from alimock.cli.completion_scripts import Argument, Command
from alimock.cli.main import COMMANDS
from alimock.scenario import sources

_SCRIPTS = {"bash": scripts.bash, "zsh": scripts.zsh, "fish": scripts.fish}
_SCENARIOS = ("SCENARIO", "SCENARIOS")
# The placeholders of arguments that can be a file or a directory. The words of the command of `alimock run` often are.
_FILES = ("FILE", "FILE|URL", "DIR", "DIRECTORY", "REQUEST", "COMMAND", *_SCENARIOS)
_EPILOG = """\
install it for new shells, and again after an upgrade of alimock:
  alimock completion bash > ~/.local/share/bash-completion/completions/alimock
  alimock completion zsh > "${fpath[1]}/_alimock"
  alimock completion fish > ~/.config/fish/completions/alimock.fish

or only for the running shell:
  source <(alimock completion bash)
  source <(alimock completion zsh)
  alimock completion fish | source"""


def parser() -> Parser:
    """Return the parser of the command line."""
    parser = Parser(
        "alimock completion",
        description="Print a script with which a shell completes the commands of alimock, their options and values.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("shell", metavar="SHELL", choices=tuple(_SCRIPTS), help=", ".join(_SCRIPTS))
    return parser


def run(arguments: Sequence[str]) -> int:
    """Print the script, which contains what the parsers of all commands accept."""
    options = parse(parser(), arguments)
    print(_SCRIPTS[options.shell](_commands(COMMANDS)), end="")
    return 0


def _commands(descriptions: Mapping[str, str]) -> list[Command]:
    commands = []
    for name, description in descriptions.items():
        accepted: Parser = import_module(f"alimock.cli.{name.replace('-', '_')}").parser()
        commands.append(Command(name, description, tuple(_argument(one, one in accepted.repeated) for one in accepted.arguments)))
    names = Argument((), "COMMAND", "", values=tuple(descriptions))
    return [*commands, Command("help", "describe a command", (names,))]


def _argument(action: argparse.Action, is_repeated: bool) -> Argument:
    placeholder = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
    values = sources.built_in_names() if placeholder in _SCENARIOS else action.choices or ()
    return Argument(
        tuple(action.option_strings),
        placeholder,
        # Without the variable and the default, which `--help` shows after it.
        ((action.help or "") % vars(action)).partition(" [")[0],
        values=tuple(values),
        is_file=placeholder in _FILES,
        is_flag=action.nargs == 0,
        is_optional=action.nargs == "?",
        is_repeated=is_repeated,
    )
