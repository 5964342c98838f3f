"""`alimock serve`: runs the emulator until it is told to stop."""

from __future__ import annotations

import argparse
import errno
import gc
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from alimock import __version__
from alimock.api.service import Service
from alimock.cli.scenario_watcher import Watcher
from alimock.scenario import loader
from alimock.scenario.diagnostics import ScenarioError
from alimock.scenario.model import Scenario
from alimock.security import HostPolicy
from alimock.server.dispatch import Application
from alimock.server.process import give_large_blocks_back, raise_file_limit
from alimock.server.server import Server
from alimock.settings import SETTINGS, SettingError, Settings, resolve
from alimock.state.store import Store

if TYPE_CHECKING:
    from alimock.mail.relay import Relay

LOOK_SECONDS = 0.25
_TLS_REMEDY = (
    "Give a folder that can be written by --tls-directory, or a certificate of your own by --tls-certificate and --tls-key."
)
_REMEDY = "Choose another with --port or --tls-port (0 picks a free one) or --host."


def run(arguments: Sequence[str]) -> int:
    """Serves until SIGTERM or Ctrl-C and gives 0, or gives 2 if it cannot start."""
    options = vars(_parser().parse_args(arguments))
    try:
        settings = resolve(options, os.environ)
        scenario = _scenario(settings)
    except SettingError as error:
        return _refuse(f"alimock: {error}")
    except ScenarioError as error:
        return _refuse(str(error))
    logging.basicConfig(level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    raise_file_limit(settings.server_limits, listeners=1 if settings.tls_port is None else 2)
    store = Store(
        scenario, authentication=settings.auth, limits=settings.state_limits, max_waiters=settings.server_limits.max_waiters
    )
    watcher = Watcher(store, lambda: _scenario(settings))
    host_policy = HostPolicy(settings.host, settings.public_url, settings.control_token)
    relay = _relay(settings)
    application = Application(Service(store, settings.profile), host_policy, relay, settings.server_limits)
    # What is there now stays to the end, so the collector need not look at it again and again.
    gc.freeze()
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    try:
        servers = [Server(application, settings.host, port, tls=tls) for port, tls in _listeners(settings)]
    except ModuleNotFoundError as error:
        return _refuse(f"alimock: {error.name} is not installed; install alimock with its extra: pip install 'alimock[tls]'")
    except (OSError, ValueError) as error:
        return _refuse(f"alimock: no certificate to speak TLS with: {error}\n{_TLS_REMEDY}")
    status = 0
    started: list[Server] = []
    try:
        for server in servers:
            server.start()
            started.append(server)
        if relay is not None:
            relay.start(host_policy.relayed_url(servers[0].port))
            store.relay = relay.take
        print(_ready_line(servers, store, settings), flush=True)
        # The first who ask are answered first.
        stopping.wait(LOOK_SECONDS)
        give_large_blocks_back()
        if settings.watch:
            watcher.run(stopping)
        # A signal that comes on the way into a wait is seen at its end only.
        while not stopping.wait(LOOK_SECONDS):
            pass
    except (OSError, UnicodeError) as error:
        port = settings.port if not started else settings.tls_port
        status = _refuse(
            f"alimock: cannot listen on {settings.host} port {port}: {error}\n{_taken_by(error, settings.host, port)}{_REMEDY}"
        )
    finally:
        for server in started:
            server.stop()
        if relay is not None:
            relay.stop()
    return status


def _relay(settings: Settings) -> Relay | None:
    if settings.smtp_relay is None:
        return None
    # Imported only here, since few use it and it takes time.
    relay: Relay = import_module("alimock.mail.relay").Relay(*settings.smtp_relay, settings.max_relay_mails)
    return relay


def _listeners(settings: Settings) -> Iterator[tuple[int, tuple[str, str] | None]]:
    """Goes through the ports to listen on, each with the files of its certificate and key if it speaks TLS."""
    yield settings.port, None
    if settings.tls_port is None:
        return
    if settings.tls_certificate is not None and settings.tls_key is not None:
        yield settings.tls_port, (settings.tls_certificate, settings.tls_key)
        return
    # Imported only here, since it needs an extra and takes a tenth of a second.
    issued = import_module("alimock.server.certificates").issue(settings.tls_folder, settings.tls_names)
    yield settings.tls_port, (str(issued.chain), str(issued.key))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("alimock serve", description="Runs the emulator until SIGTERM or Ctrl-C.")
    for setting in SETTINGS:
        if setting.flag is not None:
            default = f"; default {setting.default}" if setting.default else ""
            described = f"{setting.help}: {setting.expected} ({setting.variable}{default})"
            alone: dict[str, Any] = {"nargs": "?", "const": setting.alone} if setting.alone is not None else {}
            parser.add_argument(setting.flag, dest=setting.name, metavar=setting.name.upper(), help=described, **alone)
    return parser


def _taken_by(error: Exception, host: str, port: int | None) -> str:
    if port is None or os.strerror(errno.EADDRINUSE) not in str(error):
        return ""
    # Imported only here, since it is hardly ever needed.
    found = import_module("alimock.server.occupant").occupant(host, port)
    return f"It is taken by {found}. " if found is not None else ""


def _refuse(message: str) -> int:
    print(message, file=sys.stderr)
    return 2


def _scenario(settings: Settings) -> Scenario:
    if settings.scenario_yaml is not None:
        return loader.load_text(settings.scenario_yaml.encode("utf-8", "surrogateescape"), file="ALIMOCK_SCENARIO_YAML")
    return loader.load(settings.scenario or "default")


def _ready_line(servers: list[Server], store: Store, settings: Settings) -> str:
    keys = len(store.scenario.access_keys)
    return (
        f"alimock {__version__} ready on {' and '.join(server.url for server in servers)} (scenario {store.scenario.name}, "
        f"profile {settings.profile or store.scenario.profile}, authentication {store.authentication.value}, "
        f"{keys} known {'key' if keys == 1 else 'keys'})"
    )
