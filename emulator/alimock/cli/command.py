"""What the commands share: the parser of their arguments, and reporting errors."""

from __future__ import annotations

import argparse
import difflib
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn

EXIT_UNWRITTEN = 1
EXIT_UNUSABLE = 2
# What shells add to the number of the signal that ended a process.
EXIT_SIGNAL = 128
# The requirements of the extras: how to install them does not depend on how alimock was installed.
NO_VALKEY_EXTRA = "A state in Valkey needs the package {}, which is not installed. Run: pip install 'valkey[libvalkey]>=6'"
NO_TLS_EXTRA = "TLS needs the package {}, which is not installed. Run: pip install 'trustme>=1.1'"
# As argparse tells options from values.
_OPTION = re.compile(r"-[^\s\d]\S*$")


class Parser(argparse.ArgumentParser):
    """A parser with errors of up to three lines: what is wrong, with a suggestion, what to do, and how to see the help.

    `hint` is what to do about an unknown option or argument.
    """

    hint = ""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        # The options and arguments in the order of `--help`, and those of them that can be repeated.
        self.arguments: list[argparse.Action] = []
        self.repeated: list[argparse.Action] = []
        super().__init__(*arguments, **options)

    def add_argument(self, *names: Any, **options: Any) -> argparse.Action:
        """Add an option or an argument of the parser itself; one with `choices` names the nearest one for another value."""
        return self._kept(super().add_argument(*names, **_with_suggestion(options)), options)

    def add_to(self, group: Any, *names: str, **options: Any) -> None:
        """Add an option to a group of this parser."""
        self._kept(group.add_argument(*names, **_with_suggestion(options)), options)

    def _kept(self, action: argparse.Action, options: Mapping[str, Any]) -> argparse.Action:
        self.arguments.append(action)
        if options.get("action") == "append" or options.get("nargs") in ("+", "*"):
            self.repeated.append(action)
        return action

    @property
    def flags(self) -> list[str]:
        """The options as they are written."""
        return [flag for argument in self.arguments for flag in argument.option_strings]

    def error(self, message: str, hint: str = "") -> NoReturn:
        """Report an error and exit."""
        # argparse writes "argument --port", other errors of alimock say "--port".
        lines = (f"{self.prog}: {re.sub('argument (?=-)', '', message)}", hint, f"See `{self.prog} --help`")
        self.exit(EXIT_UNUSABLE, "".join(f"{line}\n" for line in lines if line))


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


def _with_suggestion(options: dict[str, Any]) -> dict[str, Any]:
    """Let a type check the choices, since argparse words the error of another value itself."""
    choices: Iterable[str] | None = options.get("choices")
    if choices is None:
        return options
    known = tuple(choices)

    def choice(text: str) -> str:
        if text not in known:
            raise argparse.ArgumentTypeError(f"found `{text}`, expected one of {', '.join(known)}{did_you_mean(text, known)}")
        return text

    return {**options, "type": choice}


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
