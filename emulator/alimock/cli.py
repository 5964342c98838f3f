"""The command `alimock`: serve, check, scenarios, ready. The only module that prints."""

from __future__ import annotations

import argparse
import http.client
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from urllib.parse import urlsplit

from alimock import __version__
from alimock.app import Application
from alimock.doors import Doors
from alimock.scenario import loader
from alimock.scenario.document import ScenarioError
from alimock.scenario.model import Scenario
from alimock.server import Server
from alimock.service import Service
from alimock.settings import DEFAULT_PORT, SETTINGS, SettingError, Settings, resolve
from alimock.world.world import World

# What a command exits with when what it was given cannot be used, as argparse does.
EXIT_UNUSABLE = 2
RETRY_SECONDS = 0.05


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and gives its exit status."""
    options = _parser().parse_args(arguments)
    try:
        status: int = options.run(options)
    except SettingError as error:
        print(f"alimock: {error}", file=sys.stderr)
        status = EXIT_UNUSABLE
    except ScenarioError as error:
        print(error, file=sys.stderr)
        status = EXIT_UNUSABLE
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="alimock", description="An offline emulator of Alibaba Cloud's e-mail verification API.")
    parser.add_argument("--version", action="version", version=f"alimock {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    serve = commands.add_parser("serve", help="run the emulator", description="Runs the emulator until SIGTERM or Ctrl-C.")
    for setting in SETTINGS:
        if setting.flag is not None:
            default = f"; default {setting.default}" if setting.default else ""
            described = f"{setting.help}: {setting.expected} ({setting.variable}{default})"
            serve.add_argument(setting.flag, dest=setting.name, metavar=setting.name.upper(), help=described)
    serve.set_defaults(run=_serve)
    check = commands.add_parser("check", help="check scenario files", description="Checks scenarios and shows every mistake.")
    check.add_argument("scenarios", nargs="+", metavar="FILE", help="a path, or the name of a built-in scenario")
    check.set_defaults(run=_check)
    scenarios = commands.add_parser("scenarios", help="list the built-in scenarios")
    scenarios.set_defaults(run=_scenarios)
    ready = commands.add_parser("ready", help="say whether an emulator is ready (for health checks)")
    ready.add_argument(
        "--url", default=f"http://127.0.0.1:{os.environ.get('ALIMOCK_PORT') or DEFAULT_PORT}", help="default: %(default)s"
    )
    ready.add_argument("--wait", type=float, default=0.0, metavar="SECONDS", help="how long to wait for it; default: one try")
    ready.set_defaults(run=_ready)
    return parser


def _serve(options: argparse.Namespace) -> int:
    settings = resolve({setting.name: getattr(options, setting.name, None) for setting in SETTINGS}, os.environ)
    logging.basicConfig(level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    world = World(_scenario(settings), authentication=settings.auth)
    application = Application(Service(world, settings.profile), Doors(settings.host, settings.public_url))
    server = Server(application, settings.host, settings.port)
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    try:
        server.start()
    except OSError as error:
        print(f"alimock: cannot listen on {settings.host} port {settings.port}: {error}", file=sys.stderr)
        print("Choose another with --port (0 picks a free one) or --host.", file=sys.stderr)
        return EXIT_UNUSABLE
    print(_ready_line(server, world, settings), flush=True)
    stopping.wait()
    server.stop()
    return 0


def _scenario(settings: Settings) -> Scenario:
    if settings.scenario_yaml is not None:
        return loader.load_text(settings.scenario_yaml.encode("utf-8", "surrogateescape"), file="ALIMOCK_SCENARIO_YAML")
    return loader.load(settings.scenario or "default")


def _ready_line(server: Server, world: World, settings: Settings) -> str:
    keys = len(world.scenario.access_keys)
    return (
        f"alimock {__version__} ready on {server.url} (scenario {world.scenario.name}, "
        f"profile {settings.profile or world.scenario.profile}, authentication {world.authentication.value}, "
        f"{keys} known {'key' if keys == 1 else 'keys'})"
    )


def _check(options: argparse.Namespace) -> int:
    status = 0
    for name in options.scenarios:
        try:
            loader.load(name)
            print(f"{name}: ok")
        except ScenarioError as error:
            print(error, file=sys.stderr)
            status = EXIT_UNUSABLE
    return status


def _scenarios(options: argparse.Namespace) -> int:
    names = loader.built_in_names()
    for name in names:
        print(f"{name:<{max(map(len, names))}}  {loader.load(name).description}")
    return 0


def _ready(options: argparse.Namespace) -> int:
    end = time.monotonic() + options.wait
    while (reason := _unready(options.url)) is not None:
        if time.monotonic() >= end:
            print(f"alimock: not ready: {options.url}: {reason}", file=sys.stderr)
            return 1
        time.sleep(RETRY_SECONDS)
    return 0


def _unready(url: str) -> str | None:
    """Gives the reason why an emulator is not ready, None if it is. Proxy variables are not looked at."""
    try:
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=5)
        connection.request("GET", f"{parts.path.rstrip('/')}/readyz")
        status = connection.getresponse().status
        connection.close()
    except (OSError, ValueError, http.client.HTTPException) as error:
        return str(error) or type(error).__name__
    return None if status == 200 else f"answered {status}"
