"""The command `alimock`, which runs one of its subcommands."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module

from alimock import __version__
from alimock.cli.command import EXIT_UNWRITTEN, Parser, did_you_mean, fail, parse
from alimock.cli.streams import StandardStream, standard_streams
from alimock.settings import unknown_variables

# Each command is a module with the functions `parser` and `run`. main() imports only the one it runs: a health check must not load
# the server.
COMMANDS = {
    "serve": "run the emulator",
    "run": "start an emulator and run a command against it",
    "check": "validate scenario files",
    "scenarios": "list the built-in scenarios",
    "schema": "print the JSON Schema of scenario files, for editors",
    "init": "create a commented scenario file",
    "send": "submit an address to a running emulator, and show its email",
    "tail": "follow the events of a running emulator",
    "export": "export an account of a running emulator as a scenario, or its emails",
    "replay": "run the commands again that `serve --log-commands` wrote, and compare the answers",
    "fidelity": "print which behavior is verified and which is assumed",
    "compare": "compare the emulator with the real service, with your own account",
    "explain-signature": "explain what is wrong with the signature of a request",
    "env": "print the settings that point an SDK at the emulator",
    "ca": "print alimock's CA certificate, for TLS",
    "completion": "print the completion script of a shell",
    "ready": "check whether an emulator is ready (for health checks)",
}
_START = """\
alimock is an offline emulator of Alibaba Cloud's email verification API.

Start here:
  alimock serve                     run the emulator
  alimock send --to a@example.com   send it a first call, from another terminal
  alimock run -- pytest             run a command against an emulator of its own
  alimock check default             check a scenario: a file, or a built-in one
  alimock tail                      follow what happens in the emulator

`alimock --help` lists all commands, `alimock help COMMAND` describes one."""
# The status that shells report for a process ended by SIGINT.
EXIT_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a subcommand and return its exit status; raises `SystemExit` for an invalid command line, and after `--help`."""
    with standard_streams() as output:
        # Escape characters that the locale cannot encode, as standard error does.
        output.reconfigure(errors="backslashreplace")
        try:
            return _written(output, _run(list(sys.argv[1:] if arguments is None else arguments)))
        except KeyboardInterrupt:
            return EXIT_INTERRUPTED
        except SystemExit as done:
            raise SystemExit(_written(output, int(done.code or 0))) from None
        except OSError as error:
            return _output_failure(error)


def _written(output: StandardStream, status: int) -> int:
    """Return the exit status of a command, once its output is written."""
    with suppress(OSError):
        output.flush()
    return status or (_output_failure(output.error) if output.error is not None else 0)


def _output_failure(error: OSError) -> int:
    if isinstance(error, BrokenPipeError):
        # The reader has what it needs (`| head`).
        return EXIT_UNWRITTEN
    return fail(f"cannot write to standard output: {error.strerror or error}", EXIT_UNWRITTEN)


def parser() -> Parser:
    """Return the parser of the words up to the command."""
    parser = Parser(
        prog="alimock",
        description="An offline emulator of Alibaba Cloud's email verification API.",
        epilog="commands:\n" + "\n".join(f"  {name:<18} {text}" for name, text in COMMANDS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"alimock {__version__}")
    parser.add_argument("command", metavar="COMMAND", help="the command to run; `alimock COMMAND --help` describes it")
    return parser


def _run(words: Sequence[str]) -> int:
    if not words:
        print(_START)
        return 0
    while words[:1] == ["help"]:
        words = [*words[1:], "--help"]
    # Words after the subcommand are its own, even options of the same name.
    own = next((number for number, word in enumerate(words, 1) if not word.startswith("-")), len(words))
    main_parser = parser()
    command = parse(main_parser, words[:own]).command
    if command not in COMMANDS:
        main_parser.error(f"unknown command `{command}`{did_you_mean(command, (*COMMANDS, 'help', *main_parser.flags))}")
    for warning in unknown_variables(os.environ):
        print(f"alimock: warning: {warning}", file=sys.stderr)
    status: int = import_module(f"alimock.cli.{command.replace('-', '_')}").run(words[own:])
    return status
