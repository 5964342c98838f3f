"""`alimock compare`: compare the emulator with the real service, with the caller's own account."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from types import FrameType

from alimock.cli.command import EXIT_SIGNAL, EXIT_UNUSABLE, Parser, fail, parse
from alimock.cli.progress import Progress
from alimock.compare import evidence, report
from alimock.compare.calls import Caller
from alimock.compare.comparison import Comparison, CredentialsRefused
from alimock.compare.conversation import Conversation, load_all
from alimock.compare.endpoint import TIMEOUT_SECONDS, Endpoint
from alimock.compare.plan import Plan
from alimock.compare.results import Outcome, Result
from alimock.spec.address import is_valid
from alimock.spec.contract import DOMAIN, VERSIONS

KEY_ID, SECRET, TOKEN = "ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALIBABA_CLOUD_SECURITY_TOKEN"
EXIT_DIFFERS = 1
# Windows has no SIGHUP.
_SIGNALS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
_DESCRIPTION = f"""\
Compare the emulator with the real service. The credentials are read from {KEY_ID}, {SECRET} and {TOKEN}.
The exit status is 0 if everything is the same, 1 if something differs, 2 if the comparison could not be made or is incomplete."""


def parser() -> Parser:
    """Return the parser of the command line."""
    return _parser(load_all())


def run(arguments: Sequence[str]) -> int:
    """Return 0 if everything is the same, 1 if something differs, 2 if the comparison could not be made or is incomplete."""
    conversations = load_all()
    options = parse(_parser(conversations), arguments)
    try:
        endpoint = Endpoint.of(options.endpoint, options.timeout)
    except ValueError as error:
        # A URL can contain a password.
        found = options.endpoint.rpartition("@")[2]
        return fail(f"--endpoint: found `{found}`{' after a user name' if found != options.endpoint else ''}, {error}")
    version = options.version or next((one.name for one in VERSIONS.values() if one.endpoint == endpoint.host), DOMAIN.name)
    caller = _caller(version, options.sign)
    if isinstance(caller, str):
        return fail(caller)
    if not is_valid(options.email) or "," in options.email:
        return fail(f"--email: found `{options.email}`, expected one email address that you can read")
    # Before the calls, because they cannot be repeated just because the file cannot be written.
    if options.write is not None and (reason := _unwritable(options.write)):
        return fail(f"--write: {reason}. No call was made.")
    wanted = (one for one in conversations if not one.opt_in or one.name in options.with_)
    chosen = tuple(one.narrowed(version, options.sign, has_token=caller.security_token is not None) for one in wanted)
    plan = Plan(chosen, options.email)
    print(report.plan_text(plan, caller, endpoint.authority), file=sys.stderr)
    if refusal := _refusal(plan, yes=options.yes):
        return fail(refusal)
    return _compare(Comparison(endpoint, caller, plan), options.write)


def _parser(conversations: Sequence[Conversation]) -> Parser:
    parser = Parser("alimock compare", description=_DESCRIPTION)
    parser.add_argument("--endpoint", required=True, help="the service: a host (HTTPS), or a URL")
    parser.add_argument("--email", required=True, help="an address of yours without a record in the account; it gets the emails")
    parser.add_argument("--version", choices=list(VERSIONS), help="API version (default: the endpoint's, else 2018-01-29)")
    parser.add_argument("--sign", choices=["v1", "v3"], default="v1", help="signature version (default: %(default)s)")
    on_request = {one.name: one.opt_in for one in conversations if one.opt_in}
    parser.add_argument(
        "--with",
        dest="with_",
        action="append",
        default=[],
        choices=list(on_request),
        help="also play a conversation: " + "; ".join(f"{name} {reason}" for name, reason in on_request.items()) + " (repeatable)",
    )
    parser.add_argument(
        "--timeout", type=_seconds, default=TIMEOUT_SECONDS, metavar="SECONDS", help="time for each call (default: %(default)g)"
    )
    parser.add_argument("--yes", action="store_true", help="do not ask before the calls")
    parser.add_argument("--write", type=Path, metavar="FILE", help="save the evidence as YAML, without anything private")
    return parser


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0
    # The largest is what the timers of all systems can wait.
    if not 0 < seconds <= 3600:
        raise argparse.ArgumentTypeError(f"found `{text}`, expected a number of seconds above 0, at most 3600")
    return seconds


def _caller(version: str, sign: str) -> Caller | str:
    """Return the caller of the environment, or what is wrong with it; its values are not shown."""
    values = {name: os.environ.get(name, "") for name in (KEY_ID, SECRET, TOKEN)}
    if missing := [name for name in (KEY_ID, SECRET) if not values[name]]:
        return f"no {' and no '.join(missing)} in the environment, expected the access key that makes the calls"
    for name, value in values.items():
        if not value.isascii() or not value.isprintable() or " " in value:
            return f"{name} contains a space or another character that no access key has; check for a line break at its end"
    return Caller(values[KEY_ID], values[SECRET], values[TOKEN] or None, version, sign)


def _refusal(plan: Plan, *, yes: bool) -> str:
    """Ask whether to go on; return why not, or an empty text."""
    asks = [one.name for one in plan.conversations if any(step.ask for step in one.steps)]
    # A closed standard input is None.
    if sys.stdin is None or not sys.stdin.isatty():
        if asks:
            return f"--with {asks[0]} asks for tokens, and there is no terminal; leave it out. No call was made."
        if not yes:
            return "there is no terminal to ask for your consent. Add --yes to go on. No call was made."
    if yes:
        return ""
    print("Go on? [y/N] ", end="", file=sys.stderr, flush=True)
    return "" if sys.stdin.readline().strip().lower() in ("y", "yes") else "not confirmed. No call was made."


def _ask(progress: Progress, question: str) -> str:
    with progress.hidden():
        print(question, end="", file=sys.stderr, flush=True)
        return sys.stdin.readline()


@contextmanager
def _signals_end_the_process() -> Iterator[None]:
    """Let a signal raise `SystemExit`, as Ctrl-C raises `KeyboardInterrupt`, so that the record is deleted."""

    def end(number: int, frame: FrameType | None) -> None:
        raise SystemExit(EXIT_SIGNAL + number)

    # `nohup` ignores SIGHUP.
    before = {number: signal.signal(number, end) for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _compare(comparison: Comparison, file: Path | None) -> int:
    mask = evidence.Mask(comparison.caller, comparison.plan.email, comparison.endpoint.authority)
    results: list[Result] = []
    written = True
    try:
        status = _report(comparison, mask, results)
    finally:
        # Also what an interrupted comparison found, because its calls cannot be repeated without another email.
        if file is not None and results:
            endpoint = comparison.endpoint.authority
            written = _write(file, evidence.document(results, comparison.caller, endpoint, mask, is_trial=comparison.is_trial))
    return status if written else EXIT_UNUSABLE


def _report(comparison: Comparison, mask: evidence.Mask, results: list[Result]) -> int:
    """Print each step and the summary, add the steps to the results, and return the exit status."""
    try:
        steps = len(comparison.plan.steps)
        progress = Progress(lambda: f"{len(results)} of {steps} steps compared")
        with _signals_end_the_process(), closing(comparison.results()) as played, progress:
            comparison.ask = partial(_ask, progress)
            for result in played:
                results.append(result)
                # Logs of scheduled runs can be public.
                with progress.hidden():
                    print(report.step_text(result, mask.text), flush=True)
        print(f"\n{report.summary(results, is_trial=comparison.is_trial)}", flush=True)
    except OSError as error:
        # Not 1, which says that something differs.
        return fail(f"cannot write to standard output: {error.strerror or error}")
    except (KeyboardInterrupt, SystemExit):
        fail("interrupted" if comparison.left_behind else "interrupted; no record of this comparison is left")
        raise
    except CredentialsRefused as error:
        return fail(f"{comparison.endpoint.authority} refuses the credentials. {mask.text(str(error))}")
    finally:
        for email in comparison.left_behind.values():
            fail(f"the record of {email} may still exist: call DeleteEmailVerification for it")
    if comparison.ended_early:
        fail(f"ended early: {comparison.ended_early}")
    outcomes = {result.outcome for result in results}
    if Outcome.DIFFERS in outcomes:
        return EXIT_DIFFERS
    return 0 if outcomes == {Outcome.SAME} and not comparison.ended_early and not comparison.left_behind else EXIT_UNUSABLE


def _unwritable(file: Path) -> str:
    """Return why a file cannot be written, or an empty text; nothing is created."""
    try:
        if file.is_dir():
            return f"{file} is a directory, expected a file"
        if not file.parent.is_dir():
            return f"no directory {file.parent}"
        return "" if os.access(file if file.exists() else file.parent, os.W_OK) else f"no permission to write {file}"
    except (OSError, ValueError) as error:
        return f"{file}: {error}"


def _write(file: Path, text: str) -> bool:
    try:
        file.write_text(text, encoding="utf-8")
    except (OSError, ValueError) as error:
        fail(f"--write {file}: {getattr(error, 'strerror', None) or error}")
        return False
    print(f"Evidence: {file}", file=sys.stderr)
    return True
