"""Colors of what a command prints to a terminal."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TextIO


@dataclass(frozen=True)
class Colors:
    """The escape sequences that start and end a color; empty ones without color."""

    red: str = ""
    yellow: str = ""
    green: str = ""
    dim: str = ""
    reset: str = ""


_ANSI = Colors("\033[31m", "\033[33m", "\033[32m", "\033[2m", "\033[0m")


def is_forced(environ: Mapping[str, str]) -> bool:
    """Return whether there are colors even without a terminal (https://force-color.org), unless NO_COLOR is set."""
    return bool(environ.get("FORCE_COLOR")) and not environ.get("NO_COLOR")


def colors(stream: TextIO, environ: Mapping[str, str]) -> Colors:
    """Return the colors for a stream: none if NO_COLOR is set (https://no-color.org), or if it is no terminal that has some."""
    # The console of old Windows shows the sequences as text.
    can_show = stream.isatty() and environ.get("TERM") != "dumb" and (os.name != "nt" or "WT_SESSION" in environ)
    return _ANSI if is_forced(environ) or (can_show and not environ.get("NO_COLOR")) else Colors()
