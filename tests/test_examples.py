"""The examples that need no installation. `make examples` runs all of them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"
README = (EXAMPLES / "README.md").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("options", [[], ["-n", "2"]], ids=["one process", "two workers"])
def test_pytest_example_passes(options: list[str]) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("ALIMOCK_", "PYTEST_"))}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:hypothesispytest",
        "-p",
        "no:schemathesis",
        *options,
    ]
    done = subprocess.run(command, cwd=EXAMPLES / "pytest", capture_output=True, text=True, timeout=120, env=environ)
    assert done.returncode == 0, done.stdout
    assert "6 passed" in done.stdout


def test_readme_links_every_example_and_no_missing_file() -> None:
    linked = set(re.findall(r"\]\(([^)]+)\)", README))
    assert all((EXAMPLES / link).exists() for link in linked)
    assert {path.name for path in EXAMPLES.iterdir() if path.is_dir()} <= linked


def test_commands_of_the_readme_are_those_of_the_examples() -> None:
    run = (ROOT / "tests" / "examples" / "run.py").read_text()
    compose = (EXAMPLES / "docker-compose" / "compose.yaml").read_text()
    (block,) = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    python, node, docker, replicas = block.splitlines()
    assert python == "cd examples/pytest && pip install -r requirements.txt && pytest"
    assert node.startswith("cd examples/node") and 'startswith("cd examples/node")' in run
    assert docker.partition("&& ")[2] in compose
    assert f"#   {replicas.partition('&& ')[2]}\n" in (EXAMPLES / "replicas" / "compose.yaml").read_text()
