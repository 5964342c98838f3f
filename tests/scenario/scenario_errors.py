"""The errors that the loader reports for wrong scenarios."""

from __future__ import annotations

import pytest
from alimock.scenario import loader
from alimock.scenario.diagnostics import ScenarioError


def errors(content: str | bytes, *, json: bool = False, local: bool = True) -> list[str]:
    """Return the errors of a scenario, a line each."""
    with pytest.raises(ScenarioError) as caught:
        loader.load_text(content.encode() if isinstance(content, str) else content, file="case.yaml", json=json, local=local)
    return str(caught.value).splitlines()


def error(line: str) -> str:
    """Return the only error of a scenario with this second line, without the location's file and line."""
    (found,) = errors(f"alimock: 1\n{line}\n")
    return found.removeprefix("case.yaml:2:")
