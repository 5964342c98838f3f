"""A scenario as Python code names it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from alimock.scenario import export, loader
from alimock.scenario.sources import is_path

# A built-in name, a path (with a slash, .yaml, .yml or .json), several of them separated by commas, or the content of a scenario
# file.
ScenarioLike = str | PathLike[str] | Mapping[str, Any]


def files_of(scenario: ScenarioLike, name: str = "the scenario given") -> tuple[tuple[str, ...], Mapping[str, str]]:
    """Return the names of a scenario's files, and for a mapping its text under `name`; raises `ValueError`."""
    if isinstance(scenario, Mapping):
        try:
            # JSON turns dates and paths into texts.
            return (name,), {name: export.to_yaml(json.loads(json.dumps({"alimock": 1, **scenario}, default=str)))}
        except TypeError as error:
            raise ValueError(f"{name}: {error}") from None
    if isinstance(scenario, PathLike):
        path = str(Path(scenario))
        # A path is never a built-in name.
        return (path if is_path(path) else f"./{path}",), {}
    if isinstance(scenario, str):
        return loader.names_in(scenario), {}
    raise ValueError(f"found the scenario {scenario!r}, expected a name, a path or a mapping with the content of a scenario file")
