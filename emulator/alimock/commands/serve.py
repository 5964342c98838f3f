"""`alimock serve`: runs the emulator until it is told to stop."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
from collections.abc import Sequence

from alimock import __version__
from alimock.app import Application
from alimock.doors import Doors
from alimock.scenario import loader
from alimock.scenario.document import ScenarioError
from alimock.scenario.model import Scenario
from alimock.server import Server
from alimock.service import Service
from alimock.settings import SETTINGS, SettingError, Settings, resolve
from alimock.world.world import World


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
    world = World(scenario, authentication=settings.auth)
    application = Application(Service(world, settings.profile), Doors(settings.host, settings.public_url))
    server = Server(application, settings.host, settings.port)
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    try:
        server.start()
    except (OSError, UnicodeError) as error:
        remedy = "Choose another with --port (0 picks a free one) or --host."
        return _refuse(f"alimock: cannot listen on {settings.host} port {settings.port}: {error}\n{remedy}")
    print(_ready_line(server, world, settings), flush=True)
    stopping.wait()
    server.stop()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("alimock serve", description="Runs the emulator until SIGTERM or Ctrl-C.")
    for setting in SETTINGS:
        if setting.flag is not None:
            default = f"; default {setting.default}" if setting.default else ""
            described = f"{setting.help}: {setting.expected} ({setting.variable}{default})"
            parser.add_argument(setting.flag, dest=setting.name, metavar=setting.name.upper(), help=described)
    return parser


def _refuse(message: str) -> int:
    print(message, file=sys.stderr)
    return 2


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
