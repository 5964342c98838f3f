"""`alimock serve`: run the emulator until it is stopped."""

from __future__ import annotations

import argparse
import logging
import os
import shutil
import signal
import ssl
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alimock.api.context import CallContext
from alimock.backend import Backend, create_backend
from alimock.cli import ready_text
from alimock.cli.color import colors
from alimock.cli.command import EXIT_UNUSABLE, NO_TLS_EXTRA, NO_VALKEY_EXTRA, Parser, fail, parse
from alimock.cli.export_file import ExportFile
from alimock.cli.log import LogWriter
from alimock.cli.log_format import log_format
from alimock.cli.progress import Progress
from alimock.cli.scenario_watcher import Watcher
from alimock.cli.streams import StandardStream
from alimock.mail import links
from alimock.scenario import loader
from alimock.scenario.diagnostics import ScenarioError
from alimock.scenario.export import document
from alimock.scenario.model import Scenario
from alimock.server.listener import ADDRESS_IN_USE, Listener, raise_file_limit
from alimock.server.server import Server
from alimock.server.tls import server_context
from alimock.settings import LIMITS, SETTINGS, Setting, SettingError, Settings, resolve
from alimock.state.executor import Incompatible, Unavailable
from alimock.state.snapshot import snapshot
from alimock.state.store import Store

if TYPE_CHECKING:
    from alimock.persistence.recording import Recorder

POLL_SECONDS = 0.25
_DESCRIPTION = "Run the emulator until SIGTERM or Ctrl-C. An option overrides the environment variable in brackets."
_LIMIT_COLUMNS = 3
_LISTEN_HINT = "another --port, --tls-port or --host (port 0: any free port)."
_TLS_FOLDER_HINT = "Set --tls-directory to a writable directory, or set --tls-certificate and --tls-key."
_TLS_FILES_HINT = "Set --tls-certificate and --tls-key to a certificate chain and its key, in PEM."


def run(arguments: Sequence[str]) -> int:
    """Serve until SIGTERM or Ctrl-C and return 0; return 2 if the emulator cannot start, or 1 if it cannot export its state."""
    options = vars(parse(parser(), arguments))
    options["limits"] = ",".join(options["limits"]) if options["limits"] is not None else None
    try:
        settings = resolve(options, os.environ)
        export_file = ExportFile(settings.export_on_exit) if settings.export_on_exit is not None else None
        with Progress(lambda: "Loading the scenario"):
            scenario = _scenario(settings)
    except SettingError as error:
        return fail(str(error))
    except ScenarioError as error:
        # Each line begins with file:line, which terminals and editors turn into links.
        print(error, file=sys.stderr)
        return EXIT_UNUSABLE
    log = LogWriter(log_format(settings.log_format, sys.stderr, os.environ))
    logging.basicConfig(level=settings.log_level.upper(), format="%(message)s", handlers=[log])
    raise_file_limit(settings.server_limits)
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    try:
        tls = _tls_context(settings) if settings.tls_port is not None else None
    except ModuleNotFoundError as error:
        return fail(NO_TLS_EXTRA.format(error.name))
    except (OSError, ValueError) as error:
        if settings.tls_certificate is not None:
            return fail(f"cannot use the TLS certificate: {error}\n{_TLS_FILES_HINT}")
        hint = f"\n{_TLS_FOLDER_HINT}" if isinstance(error, OSError) else ""
        return fail(f"cannot create a TLS certificate: {error}{hint}")
    log_call = log.write_call if logging.getLogger().isEnabledFor(logging.INFO) else None
    try:
        backend, restored = _backend(scenario, settings, log_call)
        recorder = _recorder(backend.service.store, settings.log_commands)
    except SettingError as error:
        return fail(str(error))
    try:
        status = _serve(backend, settings, tls, stopping, restored, scenario.files)
    finally:
        backend.service.executor.close()
        if recorder is not None:
            recorder.close()
    if status == 0 and export_file is not None:
        return _export(backend.service.store, export_file)
    return status


def _backend(scenario: Scenario, settings: Settings, log_call: Callable[[CallContext], None] | None) -> tuple[Backend, str]:
    """Return the emulator with its state restored, and where that is; raises `SettingError`."""
    try:
        backend = create_backend(scenario, settings, log_call)
        return backend, backend.service.executor.start()
    except ModuleNotFoundError as error:
        raise SettingError(NO_VALKEY_EXTRA.format(error.name)) from None
    except (ValueError, Incompatible, Unavailable) as error:
        raise SettingError(f"--state: {error}") from None


def _recorder(store: Store, file: str | None) -> Recorder | None:
    """Record all commands in a file, if there is one; raises `SettingError`."""
    if file is None:
        return None
    # Imported late, since few emulators record.
    from alimock.persistence.recording import Recorder

    try:
        store.recorder = recorder = Recorder(store, Path(file))
        return recorder
    except OSError as error:
        raise SettingError(f"--log-commands: cannot write `{file}`: {error.strerror}") from None


def _export(store: Store, file: ExportFile) -> int:
    """Export the account `default`, as `alimock export` does."""
    account = store.account_for_view(None)
    assert account is not None
    others = sum(one.name != account.name and bool(store.calls.entries(one.name)) for one in store.accounts_for_view())
    return file.write(document(snapshot(account, store.scenario)), others)


def _serve(
    backend: Backend,
    settings: Settings,
    tls: ssl.SSLContext | None,
    stopping: threading.Event,
    restored: str,
    files: Sequence[Path],
) -> int:
    store = backend.service.store
    watcher = Watcher(backend.service.executor, lambda: _scenario(settings), files)
    listeners = [Listener(settings.host, settings.port)]
    if settings.tls_port is not None:
        listeners.append(Listener(settings.host, settings.tls_port, tls))
    with ExitStack() as cleanup:
        for forwarder in backend.forwarders:
            cleanup.callback(forwarder.stop)
        server = Server(backend, *listeners)
        try:
            server.start()
        except OSError as error:
            choose = "Stop the process that uses it, or choose" if str(error).endswith(ADDRESS_IN_USE) else "Choose"
            return fail(f"{error}\n{choose} {_LISTEN_HINT}")
        cleanup.callback(server.stop)
        for forwarder in backend.forwarders:
            forwarder.start(links.base_url(backend.host_policy, "http", "", str(listeners[0].port)))
        _print_ready([listener.url for listener in listeners], store.scenario, settings, restored)
        if settings.watch:
            watcher.run(stopping)
        # With a timeout: Python runs signal handlers only between waits.
        while not stopping.wait(POLL_SECONDS):
            pass
    if sys.stdout.isatty():
        # The terminal shows ^C at the start of the line.
        print("\nStopped.")
    return 0


def parser() -> Parser:
    """Return the parser of the command line."""
    formatter = partial(argparse.RawDescriptionHelpFormatter, max_help_position=28)
    parser = Parser("alimock serve", usage="%(prog)s [options]", description=_DESCRIPTION, formatter_class=formatter)
    groups = {name: parser.add_argument_group(name) for name in dict.fromkeys(setting.group for setting in SETTINGS)}
    groups["limits"].description = _limits_block()
    for setting in SETTINGS:
        if setting.flag is None:
            groups[setting.group].description = f"{setting.variable}: {setting.help}"
            continue
        extra: dict[str, Any] = {"action": "append"} if setting.name == "limits" else {"choices": setting.choices}
        if setting.bare is not None:
            extra |= {"nargs": "?", "const": setting.bare}
        parser.add_to(groups[setting.group], setting.flag, dest=setting.name, metavar=setting.metavar, help=_help(setting), **extra)
    return parser


def _help(setting: Setting) -> str:
    choices = f": {', '.join(setting.choices)}" if setting.choices and setting.bare is None else ""
    default = f", default: {setting.default}" if setting.default is not None and setting.bare is None else ""
    return f"{setting.help}{choices} [{setting.variable}{default}]"


def _limits_block() -> str:
    """Return all limits with their defaults, in columns."""
    cells = [f"{limit.name}={limit.default}" for limit in LIMITS.values()]
    width = max(map(len, cells)) + 2
    rows = (cells[start : start + _LIMIT_COLUMNS] for start in range(0, len(cells), _LIMIT_COLUMNS))
    return "\n".join("".join(f"{cell:<{width}}" for cell in row).rstrip() for row in rows)


def _scenario(settings: Settings) -> Scenario:
    if settings.scenario_yaml is not None:
        return loader.load_text(settings.scenario_yaml.encode("utf-8", "surrogateescape"), file="ALIMOCK_SCENARIO_YAML")
    return loader.load(settings.scenario or "default")


def _tls_context(settings: Settings) -> ssl.SSLContext:
    """Return the context of the TLS listener; raises `OSError`, `ValueError`, and `ModuleNotFoundError` without the extra `tls`."""
    if settings.tls_certificate is not None and settings.tls_key is not None:
        return server_context(settings.tls_certificate, settings.tls_key)
    # Imported late, since it needs the extra `tls` and takes a tenth of a second.
    from alimock.cli import certificates

    return certificates.tls_context(settings.tls_folder, settings.tls_names)


def _print_ready(urls: Sequence[str], scenario: Scenario, settings: Settings, restored: str) -> None:
    if sys.stdout.isatty():
        width = shutil.get_terminal_size().columns
        print(ready_text.block(urls, scenario, settings, restored, colors(sys.stdout, os.environ), width), flush=True)
    # Nothing waits for the line on a closed standard output.
    elif not (isinstance(sys.stdout, StandardStream) and sys.stdout.is_closed):
        print(ready_text.line(urls, scenario, settings, restored), flush=True)
