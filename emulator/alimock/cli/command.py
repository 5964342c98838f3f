"""What the commands share: the parser of their arguments, and reporting errors."""

from __future__ import annotations

import argparse
import difflib
import re
import sys
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

EXIT_UNWRITTEN = 1
EXIT_UNUSABLE = 2
# What shells add to the number of the signal that ended a process.
EXIT_SIGNAL = 128
NO_VALKEY_EXTRA = "A state in Valkey needs the package {}, which is not installed. Run: pip install 'alimock[valkey]'"
NO_TLS_EXTRA = "TLS needs the package {}, which is not installed. Run: pip install 'alimock[tls]'"
# As argparse tells options from values.
_OPTION = re.compile(r"-[^\s\d]\S*$")


class Parser(argparse.ArgumentParser):
    """A parser with short errors: what is wrong with the nearest valid word, what to do, and where to see all.

    `hint` is what to do about an unknown word.
    """

    hint = ""

    @property
    def arguments(self) -> Sequence[argparse.Action]:
        """The options and arguments, also those of groups, in the order of `--help`."""
        return self._actions

    @property
    def flags(self) -> list[str]:
        """The options as they are written."""
        return [flag for argument in self.arguments for flag in argument.option_strings]

    def error(self, message: str, hint: str = "") -> NoReturn:
        """Report an error and exit."""
        # argparse writes "argument --port", other errors of alimock say "--port".
        lines = (f"{self.prog}: {re.sub('argument (?=-)', '', message)}", hint, f"See `{self.prog} --help`")
        self.exit(EXIT_UNUSABLE, "".join(f"{line}\n" for line in lines if line))

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        # The only place where argparse lets a class word this error.
        if action.choices is not None and value not in action.choices:
            expected = f"expected one of {', '.join(action.choices)}{did_you_mean(value, action.choices)}"
            raise argparse.ArgumentError(action, f"found `{value}`, {expected}")


def parse(parser: Parser, words: Sequence[str]) -> argparse.Namespace:
    """Return the options; an unknown word ends the process with a suggestion."""
    own = words[: words.index("--")] if "--" in words else words
    # Before argparse, which would report an argument that is missing because its option is misspelled.
    unknown = [word for word in own if _OPTION.match(word) and not _is_known(word.partition("=")[0], parser.flags)]
    if unknown:
        parser.error(f"unknown option `{unknown[0]}`{did_you_mean(unknown[0], parser.flags)}", parser.hint)
    options, unknown = parser.parse_known_args(words)
    if unknown:
        parser.error(f"unknown argument `{unknown[0]}`{did_you_mean(unknown[0], parser.flags)}", parser.hint)
    return options


def _is_known(word: str, flags: Iterable[str]) -> bool:
    return word in flags or (word.startswith("--") and any(flag.startswith(word) for flag in flags))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a suggestion to append to an error message, empty if no known word is similar."""
    near = difflib.get_close_matches(word.partition("=")[0], list(known), n=1)
    return f"; did you mean `{near[0]}`?" if near else ""


def fail(message: str, status: int = EXIT_UNUSABLE) -> int:
    """Print an error and return the exit status."""
    print(f"alimock: {message}", file=sys.stderr)
    return status
