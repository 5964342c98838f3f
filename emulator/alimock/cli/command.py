"""What the commands share: parsing arguments with suggestions, and reporting errors."""

from __future__ import annotations

import argparse
import difflib
import re
import sys
from collections.abc import Iterable, Sequence

EXIT_UNWRITTEN = 1
EXIT_UNUSABLE = 2
# What shells add to the number of the signal that ended a process.
EXIT_SIGNAL = 128
NO_VALKEY_EXTRA = "A state in Valkey needs the package {}, which is not installed. Run: pip install 'alimock[valkey]'"
NO_TLS_EXTRA = "TLS needs the package {}, which is not installed. Run: pip install 'alimock[tls]'"


def parse(parser: argparse.ArgumentParser, words: Sequence[str]) -> argparse.Namespace:
    """Return the options; an unknown option ends the process with a suggestion."""
    options, unknown = parser.parse_known_args(words)
    if unknown:
        kind = "option" if unknown[0].startswith("-") else "argument"
        flags = re.findall(r"--[a-z][a-z-]+", parser.format_help())
        parser.error(f"unknown {kind} `{unknown[0]}`{did_you_mean(unknown[0], flags)}\nSee `{parser.prog} --help`")
    return options


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a suggestion to append to an error message, empty if no known word is similar."""
    near = difflib.get_close_matches(word.partition("=")[0], list(known), n=1)
    return f"; did you mean `{near[0]}`?" if near else ""


def fail(message: str, status: int = EXIT_UNUSABLE) -> int:
    """Print an error and return the exit status."""
    print(f"alimock: {message}", file=sys.stderr)
    return status
