"""Prints how long start, reset and stop of a server in the process of a test take, in seconds, as JSON.

Its argument is what to measure, which the interpreter that runs it must have.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from statistics import median
from typing import Any

ROUNDS = 20
# By name: the module, its class, and what that calls a reset.
FIXTURES = {"alimock": ("alimock", "Emulator", "reset"), "pytest-httpserver": ("pytest_httpserver", "HTTPServer", "clear")}


def rounds(make: Callable[[], Any], reset: str) -> Iterator[tuple[float, float, float]]:
    """Goes through the seconds that start, reset and stop took in each life of a server."""
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        server = make()
        server.start()
        started = time.perf_counter()
        getattr(server, reset)()
        again = time.perf_counter()
        server.stop()
        yield started - begun, again - started, time.perf_counter() - again


def main(name: str) -> None:
    """Prints the medians."""
    module, kind, reset = FIXTURES[name]
    starts, resets, stops = zip(*rounds(getattr(import_module(module), kind), reset), strict=True)
    print(json.dumps({"start": median(starts), "reset": median(resets), "stop": median(stops)}))


if __name__ == "__main__":
    main(sys.argv[1])
