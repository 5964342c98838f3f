"""The command `alimock`, which runs one of its subcommands."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from io import TextIOWrapper

from alimock import __version__
from alimock.cli.command import did_you_mean, fail, parse
from alimock.settings import unknown_variables

# Each command is a module with a function `run`. main() imports only the one it runs: a health check must not load the server.
COMMANDS = {
    "serve": "run the emulator",
    "run": "start an emulator and run a command against it",
    "check": "validate scenario files",
    "scenarios": "list the built-in scenarios",
    "schema": "print the JSON Schema of scenario files, for editors",
    "init": "create a commented scenario file",
    "tail": "follow the events of a running emulator",
    "export": "export an account of a running emulator as a scenario, or its emails",
    "fidelity": "print which behavior is verified and which is assumed",
    "explain-signature": "explain what is wrong with the signature of a request",
    "env": "print the settings that point an SDK at the emulator",
    "ca": "print alimock's CA certificate, for TLS",
    "ready": "check whether an emulator is ready (for health checks)",
}
# The status that shells report for a process ended by SIGINT.
EXIT_INTERRUPTED = 130
EXIT_UNWRITTEN = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a subcommand and return its exit status."""
    parser = argparse.ArgumentParser(
        prog="alimock",
        description="An offline emulator of Alibaba Cloud's email verification API.",
        epilog="commands:\n" + "\n".join(f"  {name:<18} {text}" for name, text in COMMANDS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"alimock {__version__}")
    parser.add_argument("command", metavar="COMMAND", help="the command to run; `alimock COMMAND --help` describes it")
    words = list(sys.argv[1:] if arguments is None else arguments)
    if isinstance(sys.stdout, TextIOWrapper):
        # Escape characters that the locale cannot encode, as standard error does.
        sys.stdout.reconfigure(errors="backslashreplace")
    # Words after the subcommand are its own, even options of the same name.
    own = next((number for number, word in enumerate(words, 1) if not word.startswith("-")), len(words))
    command = parse(parser, words[:own]).command
    if command not in COMMANDS:
        parser.error(f"unknown command `{command}`{did_you_mean(command, COMMANDS)}\nSee `alimock --help`")
    for warning in unknown_variables(os.environ):
        print(f"alimock: warning: {warning}", file=sys.stderr)
    try:
        status: int = import_module(f"alimock.cli.{command.replace('-', '_')}").run(words[own:])
        sys.stdout.flush()
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except OSError as error:
        # The reader closed the pipe (`| head`), or the disk is full. The interpreter must not retry the buffered rest at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_UNWRITTEN if isinstance(error, BrokenPipeError) else fail(str(error), EXIT_UNWRITTEN)
    return status
