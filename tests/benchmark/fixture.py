"""Print how long start, reset and stop of an in-process server take, in seconds, as JSON.

The argument names the server, which must be installed in the interpreter's environment.
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
# By name: module, class, and the method that resets it.
FIXTURES = {"alimock": ("alimock", "Emulator", "reset"), "pytest-httpserver": ("pytest_httpserver", "HTTPServer", "clear")}


def rounds(make: Callable[[], Any], reset: str) -> Iterator[tuple[float, float, float]]:
    """Yield the seconds that start, reset and stop take, for one new server per round."""
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
    """Print the medians."""
    module, kind, reset = FIXTURES[name]
    starts, resets, stops = zip(*rounds(getattr(import_module(module), kind), reset), strict=True)
    print(json.dumps({"start": median(starts), "reset": median(resets), "stop": median(stops)}))


if __name__ == "__main__":
    main(sys.argv[1])
