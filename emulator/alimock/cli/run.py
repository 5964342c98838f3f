"""`alimock run`: runs a command beside an emulator of its own."""

from __future__ import annotations

import argparse
import logging
import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence

from alimock.client.connection import EmulatorError
from alimock.emulator import Emulator
from alimock.scenario.diagnostics import ScenarioError
from alimock.settings import SETTINGS
from alimock.testing import env
from alimock.testing.report import timeline
from alimock.testing.strict import violations

EXIT_STRICT = 1
EXIT_UNUSABLE = 2
# As shells say that a command cannot be run, that there is none, and that a signal ended it.
EXIT_NOT_EXECUTABLE = 126
EXIT_NOT_FOUND = 127
EXIT_SIGNAL = 128
_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
# What the emulator takes as `alimock serve` does.
_TAKEN = tuple(setting for setting in SETTINGS if setting.name in ("scenario", "auth", "profile"))
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FILLED_IN = ("url", "endpoint", "access_key_id", "access_key_secret")
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_EPILOG = """The command finds the emulator by ALIMOCK_URL and ALIMOCK_ENDPOINT (host:port), the credentials where SDKs look for
them (ALIBABA_CLOUD_ACCESS_KEY_ID, ALIBABA_CLOUD_ACCESS_KEY_SECRET), and the `aliyun` command its endpoint
(ALIBABA_CLOUD_ENDPOINT). For an application with a setting of its own: --env DOMAIN_ENDPOINT={endpoint}."""


def run(arguments: Sequence[str]) -> int:
    """Gives the status of the command; 1 if a strict one must not have passed, 2 if the emulator cannot start."""
    own_words, command = _parted(arguments)
    options, unknown = _parser().parse_known_args(own_words)
    if unknown:
        return _refuse(f"found the option {unknown[0]}; write the command after --, as in `alimock run -- npm test`")
    if not (command := command or options.command):
        return _refuse("no command; write it after --, as in `alimock run -- npm test`")
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s", stream=sys.stderr)
    try:
        emulator = _emulator(options)
    except (ScenarioError, ValueError) as error:
        return _refuse(str(error))
    status = EXIT_UNUSABLE
    try:
        with emulator:
            status = _beside(emulator, command, options)
    except EmulatorError as error:
        return _refuse(str(error), status or EXIT_UNUSABLE)
    return status


def _beside(emulator: Emulator, command: Sequence[str], options: argparse.Namespace) -> int:
    if not emulator.access_key_secret:
        return _refuse(f"the emulator does not know the key {emulator.access_key_id}; give --access-key-secret too")
    environ = env.variables(emulator, os.environ, proxy=options.proxy)
    own = {name: _filled(template, emulator) for name, template in options.env}
    inherited = {name: value for name, value in os.environ.items() if name not in env.REMOVED}
    try:
        status = _ended(command, {**inherited, **environ, **own})
    except FileNotFoundError:
        return _refuse(f"{command[0]}: no such command", EXIT_NOT_FOUND)
    except OSError as error:
        return _refuse(f"{command[0]}: {error.strerror}", EXIT_NOT_EXECUTABLE)
    found = _objections(emulator, options) if status == 0 else []
    if status or found:
        _tell(emulator, found)
    elif options.strict:
        _tell_what_was_not_looked_at(emulator)
    return status or (EXIT_STRICT if found else 0)


def _parted(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Parts our own words from the command's, at the first `--`."""
    end = words.index("--") if "--" in words else len(words)
    return list(words[:end]), list(words[end + 1 :])


def _emulator(options: argparse.Namespace) -> Emulator:
    given = {setting.name: getattr(options, setting.name) or os.environ.get(setting.variable) for setting in _TAKEN}
    return Emulator(
        given["scenario"] or "default",
        access_key_id=options.access_key_id,
        access_key_secret=options.access_key_secret,
        profile=given["profile"],
        auth=given["auth"],
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "alimock run",
        usage="alimock run [options] -- COMMAND...",
        description="Runs a command beside an emulator on a free port, and exits with its status.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    for setting in _TAKEN:
        described = f"{setting.help}: {setting.expected} ({setting.variable})"
        parser.add_argument(setting.flag or "", dest=setting.name, metavar=setting.name.upper(), help=described)
    parser.add_argument("--access-key-id", metavar="ID", help="the key of the application; else one that the scenario knows")
    parser.add_argument("--access-key-secret", metavar="SECRET", help="its secret")
    parser.add_argument("--env", type=_variable, action="append", default=[], metavar="NAME=VALUE", help=(
        "a variable for the command; {url}, {endpoint}, {access_key_id} and {access_key_secret} are filled in"
    ))  # fmt: skip
    parser.add_argument(
        "--proxy", action="store_true", help="set HTTP_PROXY too: SDKs that speak plain http then need no setting at all"
    )
    parser.add_argument("--strict", action="store_true", help="fail a command that passed for what only an emulator forgives")
    parser.add_argument("--allow", metavar="CODES", default="", help="codes of error answers that a strict command means")
    parser.add_argument("command", nargs="*", metavar="COMMAND", help="the command and its arguments, after --")
    return parser


def _variable(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator or not _NAME.fullmatch(name):
        raise argparse.ArgumentTypeError(f"found `{text}`, expected NAME=VALUE")
    unknown = next((word for word in _PLACEHOLDER.findall(value) if word not in _FILLED_IN), None)
    if unknown is not None:
        expected = ", ".join(f"{{{word}}}" for word in _FILLED_IN)
        raise argparse.ArgumentTypeError(f"found `{{{unknown}}}` in `{text}`, expected one of {expected}")
    return name, value


def _filled(template: str, emulator: Emulator) -> str:
    for name in _FILLED_IN:
        template = template.replace(f"{{{name}}}", getattr(emulator, name))
    return template


def _ended(command: Sequence[str], environ: dict[str, str]) -> int:
    """Runs the command to its end and gives its status as a shell would; signals to us are the command's."""
    process: subprocess.Popen[bytes] | None = None
    early: list[int] = []

    def hand_on(number: int, _: object) -> None:
        if process is None:
            early.append(number)
        elif number != signal.SIGINT or not sys.stdin.isatty():
            # From a terminal Ctrl-C reaches the command by itself.
            process.send_signal(number)

    before = {number: signal.signal(number, hand_on) for number in _SIGNALS}
    try:
        process = subprocess.Popen(command, env=environ)
        for number in early:
            hand_on(number, None)
        status = process.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return status if status >= 0 else EXIT_SIGNAL - status


def _objections(emulator: Emulator, options: argparse.Namespace) -> list[str]:
    if not options.strict:
        return []
    allow = [code.strip() for code in options.allow.split(",")]
    return violations(emulator.connection, emulator.connection.wide, 0, allow)


def _tell_what_was_not_looked_at(emulator: Emulator) -> None:
    """Warns of a strictness that saw less than the command did."""
    changes, _ = emulator.connection.wide.entries("changes", "changes", 0)
    made, kept = sum(change["kind"] == "call" for change in changes), len(emulator.connection.wide.entries("calls", "calls", 0)[0])
    if not made:
        print(f"alimock: strict: no call reached the emulator; its endpoint was {emulator.endpoint}", file=sys.stderr)
    elif made > kept:
        told = f"{made - kept} of {made} calls were forgotten by resets and not looked at"
        print(f"alimock: strict: {told}; for tests with the pytest plugin take --alimock-strict", file=sys.stderr)


def _tell(emulator: Emulator, found: list[str]) -> None:
    """Prints what happened in the emulator, for whoever looks for the reason."""
    if found:
        print("alimock: strict:", *(f"- {one}" for one in found), sep="\n", file=sys.stderr)
    try:
        lines = timeline(emulator.connection.wide, 0, own_key=emulator.access_key_id)
    except EmulatorError as error:
        lines = [str(error)]
    lines = lines or [f"no call reached the emulator; its endpoint was {emulator.endpoint}, over plain http"]
    print("alimock: what happened in the emulator:", *lines, sep="\n", file=sys.stderr)


def _refuse(message: str, status: int = EXIT_UNUSABLE) -> int:
    print(f"alimock: {message}", file=sys.stderr)
    return status
