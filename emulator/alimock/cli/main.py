"""The command `alimock`: finds the sub-command and runs it."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from io import TextIOWrapper

from alimock import __version__

# Each is a module of `commands` with a function `run`.
COMMANDS = {
    "serve": "run the emulator",
    "run": "run a command beside an emulator of its own",
    "check": "check scenario files",
    "scenarios": "list the built-in scenarios",
    "schema": "print the JSON Schema of scenario files, for editors",
    "init": "write a commented scenario to begin with",
    "tail": "follow what happens in a running emulator",
    "export": "print an account of a running emulator as a scenario",
    "fidelity": "say how well everything that alimock answers is known",
    "explain-signature": "say what is wrong with the signature of a request",
    "env": "print the lines that point an SDK at the emulator",
    "ca": "print the certificate of the emulator's own authority, for TLS",
    "ready": "say whether an emulator is ready, for health checks",
}


# As shells count an end by SIGINT.
EXIT_INTERRUPTED = 130
EXIT_UNWRITTEN = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and gives its exit status."""
    parser = argparse.ArgumentParser(
        prog="alimock",
        description="An offline emulator of Alibaba Cloud's e-mail verification API.",
        epilog="\n".join(f"  {name:<17} {text}" for name, text in COMMANDS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"alimock {__version__}")
    parser.add_argument(
        "command", choices=COMMANDS, metavar="COMMAND", help=f"one of {', '.join(COMMANDS)}; each has its own --help"
    )
    words = list(sys.argv[1:] if arguments is None else arguments)
    if isinstance(sys.stdout, TextIOWrapper):
        # What the locale cannot write is escaped, as on standard error.
        sys.stdout.reconfigure(errors="backslashreplace")
    # What stands before the sub-command is ours, what stands behind it is its own.
    own = next((number for number, word in enumerate(words, 1) if not word.startswith("-")), len(words))
    command = parser.parse_args(words[:own]).command
    try:
        status: int = import_module(f"alimock.cli.{command.replace('-', '_')}").run(words[own:])
        sys.stdout.flush()
    except KeyboardInterrupt:
        # Ctrl-C before the command was ready for it.
        return EXIT_INTERRUPTED
    except OSError as error:
        # Nobody reads what is printed (`| head`), or it has no room. What is left in the buffer must not be tried again at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            print(f"alimock: {error}", file=sys.stderr)
        return EXIT_UNWRITTEN
    return status
