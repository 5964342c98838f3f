"""`alimock run`: run a command against an emulator of its own."""

from __future__ import annotations

import argparse
import logging
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from alimock import environment
from alimock.cli.command import EXIT_SIGNAL, EXIT_UNUSABLE, Parser, fail, parse
from alimock.cli.export_file import ExportFile
from alimock.client.errors import EmulatorError
from alimock.emulator import Emulator
from alimock.scenario.diagnostics import ScenarioError
from alimock.settings import SETTINGS, resolve
from alimock.testing import env
from alimock.testing.report import failure_report, no_calls
from alimock.testing.strict import violations

EXIT_STRICT = 1
# The statuses that shells report for a command that cannot be executed or does not exist.
EXIT_NOT_EXECUTABLE = 126
EXIT_NOT_FOUND = 127
# Windows has no SIGHUP.
_SIGNALS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGINT") if hasattr(signal, name))
_SHARED_SETTINGS = tuple(setting for setting in SETTINGS if setting.name in ("scenario", "export_on_exit", "auth", "profile"))
# The commands and the pytest plugin read the token, too.
_UNUSED_SETTINGS = tuple(setting for setting in SETTINGS if setting not in _SHARED_SETTINGS and setting.name != "control_token")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FIELDS = ("url", "endpoint", "access_key_id", "access_key_secret")
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_HINT = "Write the command after --, for example: alimock run -- npm test"
_EPILOG = """The command gets these variables:
  ALIMOCK_URL, ALIMOCK_ENDPOINT    the address of the emulator (ENDPOINT is host:port)
  ALIBABA_CLOUD_ACCESS_KEY_ID, ALIBABA_CLOUD_ACCESS_KEY_SECRET    the credentials, as SDKs read them
  ALIBABA_CLOUD_ENDPOINT    the endpoint, as the `aliyun` command reads it
Pass others with --env, for example --env DOMAIN_ENDPOINT={endpoint}.
HTTP_PROXY, HTTPS_PROXY and ALL_PROXY are removed, because several SDKs would send
even requests to the emulator to that proxy. To keep one: --env HTTPS_PROXY=$HTTPS_PROXY."""


def run(arguments: Sequence[str]) -> int:
    """Return the status of the command, 1 if it violates --strict or the export fails, or 2 if the emulator cannot start."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    own = parser()
    options = parse(own, arguments[:end])
    command = list(arguments[end + 1 :])
    if command and options.command:
        own.error(f"unknown argument `{options.command[0]}` before --", _HINT)
    command = command or options.command
    if not command:
        own.error("no command", _HINT)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s", stream=sys.stderr)
    try:
        given = _settings(options)
        path = given.pop("export_on_exit")
        export_file = ExportFile(path) if path is not None else None
        emulator = _emulator(options, given)
    except (ScenarioError, ValueError) as error:
        return fail(str(error))
    _warn_of_unused_settings()
    status = EXIT_UNUSABLE
    try:
        with emulator:
            status = _run_against(emulator, command, options)
            if export_file is not None:
                exported = _export(emulator, export_file)
                status = status or exported
    except EmulatorError as error:
        return fail(str(error), status or EXIT_UNUSABLE)
    return status


def _warn_of_unused_settings() -> None:
    names = [
        setting.variable for setting in _UNUSED_SETTINGS if any(environment.value(os.environ, name) for name in setting.variables)
    ]
    if names:
        hint = "To use them, start `alimock serve`, and the command without `alimock run`."
        print(f"alimock: warning: `alimock run` does not use {', '.join(names)}. {hint}", file=sys.stderr)


def _export(emulator: Emulator, file: ExportFile) -> int:
    """Export the account of the command's key."""
    document = emulator.connection.send("GET", "scenario", arguments={"state": "current"})
    accounts = emulator.connection.wide.send("GET", "accounts")["accounts"]
    used = sum(account["counts"]["calls"] > 0 for account in accounts if emulator.access_key_id not in account["access_keys"])
    return file.write(document, used)


def _run_against(emulator: Emulator, command: Sequence[str], options: argparse.Namespace) -> int:
    if not emulator.access_key_secret:
        return fail(f"no secret known for the key {emulator.access_key_id}; add --access-key-secret")
    own = {name: _PLACEHOLDER.sub(lambda word: getattr(emulator, word[1]), value) for name, value in options.env}
    try:
        status = _run_command(command, _environ(env.variables(emulator, os.environ, proxy=options.proxy), own))
    except FileNotFoundError:
        return fail(f"command not found: {command[0]}", EXIT_NOT_FOUND)
    except OSError as error:
        return fail(f"cannot execute {command[0]}: {error.strerror}", EXIT_NOT_EXECUTABLE)
    if status:
        _print_report(emulator)
        return status
    return _strict_status(emulator, options) if options.strict else 0


def _environ(*layers: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of the command: the inherited one, then each layer over the ones before it."""
    removed = env.removed(os.environ)
    inherited = {name: value for name, value in os.environ.items() if name not in removed}
    # On Windows, names of variables are case-insensitive.
    spelled = str.upper if os.name == "nt" else str
    return {spelled(name): value for layer in (inherited, *layers) for name, value in layer.items()}


def _strict_status(emulator: Emulator, options: argparse.Namespace) -> int:
    found = violations(emulator.connection, emulator.connection.wide, 0, options.allow, remedy="add it to --allow if expected")
    for line in found:
        print(f"alimock: strict mode: {line}", file=sys.stderr)
    if found:
        _print_report(emulator)
        return EXIT_STRICT
    _warn_of_unchecked_calls(emulator)
    return 0


def _warn_of_unchecked_calls(emulator: Emulator) -> None:
    connection = emulator.connection.wide
    made = sum(change["kind"] == "call" for change in connection.entries("changes", "changes", 0)[0])
    deleted = made - len(connection.entries("calls", "calls", 0)[0])
    warning = "" if made else no_calls(emulator)
    if deleted > 0:
        warning = f"{deleted} of {made} calls were deleted by resets and not checked; to check each test, use the pytest plugin"
    if warning:
        print(f"alimock: strict mode: {warning}", file=sys.stderr)


def _print_report(emulator: Emulator) -> None:
    try:
        lines = failure_report(emulator, emulator.connection.wide, 0)
    except EmulatorError as error:
        lines = [str(error)]
    print("alimock: events in the emulator:", *lines, sep="\n", file=sys.stderr)


def _settings(options: argparse.Namespace) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for one in _SHARED_SETTINGS:
        _, text = one.from_environment(os.environ) or ("", None)
        given[one.name] = getattr(options, one.name) or text
    # An invalid value is reported by the name of its option.
    resolve(given, {})
    return given


def _emulator(options: argparse.Namespace, given: dict[str, Any]) -> Emulator:
    name = given.pop("scenario") or "default"
    return Emulator(name, access_key_id=options.access_key_id, access_key_secret=options.access_key_secret, **given)


def parser() -> Parser:
    """Return the parser of the command line."""
    parser = Parser(
        "alimock run",
        usage="alimock run [options] -- COMMAND...",
        description="Run a command against an emulator on a free port, and exit with its status.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.hint = _HINT
    for setting in _SHARED_SETTINGS:
        described = f"{setting.help}: {setting.expected} ({setting.variable})"
        parser.add_argument(setting.flag or "", dest=setting.name, metavar=setting.metavar, choices=setting.choices, help=described)
    parser.add_argument("--access-key-id", metavar="ID", help="access key of the application (default: a key of the scenario)")
    parser.add_argument("--access-key-secret", metavar="SECRET", help="secret of that access key")
    parser.add_argument("--env", type=_variable, action="append", default=[], metavar="NAME=VALUE", help=(
        "set a variable for the command; {url}, {endpoint}, {access_key_id} and {access_key_secret} are replaced (repeatable)"
    ))  # fmt: skip
    parser.add_argument("--proxy", action="store_true", help="set HTTP_PROXY, which redirects SDKs that use plain HTTP")
    parser.add_argument(
        "--strict",
        action="store_true",
        help="also fail on calls that the real service would have rejected, error responses, and faults that never fired",
    )
    parser.add_argument("--allow", metavar="CODES", default="", help="error codes that --strict accepts, comma-separated")
    parser.add_argument("command", nargs="*", metavar="COMMAND", help="the command and its arguments, after --")
    return parser


def _variable(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator or not _NAME.fullmatch(name):
        raise argparse.ArgumentTypeError(f"found `{text}`, expected NAME=VALUE")
    unknown = next((word for word in _PLACEHOLDER.findall(value) if word not in _FIELDS), None)
    if unknown is not None:
        expected = ", ".join(f"{{{word}}}" for word in _FIELDS)
        raise argparse.ArgumentTypeError(f"found `{{{unknown}}}` in `{text}`, expected one of {expected}")
    return name, value


def _run_command(command: Sequence[str], environ: dict[str, str]) -> int:
    """Run the command, forward signals to it, and return its status as a shell reports it."""
    process: subprocess.Popen[bytes] | None = None
    early: list[int] = []

    def forward(number: int, _: object) -> None:
        if process is None:
            early.append(number)
        elif number != signal.SIGINT or not sys.stdin.isatty():
            # A terminal sends Ctrl-C to the command itself.
            process.send_signal(number)

    before = {number: signal.signal(number, forward) for number in _SIGNALS}
    try:
        process = subprocess.Popen(command, env=environ)
        for number in early:
            forward(number, None)
        status = process.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return status if status >= 0 else EXIT_SIGNAL - status
