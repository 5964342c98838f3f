"""The Makefile: it makes `.venv` with a supported Python only, and does not trust an incomplete one."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

pytestmark = pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")


def make_venv(folder: Path, *, python: str) -> subprocess.CompletedProcess[str]:
    """Run the rule that creates .venv, with a shell script as `python3`."""
    shutil.copy(ROOT / "Makefile", folder)
    script = folder / "python3"
    script.write_text(f"#!/bin/sh\n{python}\n")
    script.chmod(0o755)
    return subprocess.run(
        ["make", f"PYTHON={script}", ".venv/bin/activate"], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )


def test_an_unsupported_python_is_refused_before_a_venv_is_made(tmp_path: Path) -> None:
    done = make_venv(
        tmp_path, python=f"exec {sys.executable} -c 'import sys; sys.version_info = (3, 9, 6); exec(sys.argv[1])' \"$2\""
    )
    assert done.returncode != 0
    assert (
        f"alimock needs Python 3.10 or newer; {tmp_path}/python3 is 3.9.6. Run: make .venv/bin/activate PYTHON=python3.12"
        in done.stderr
    )
    assert not (tmp_path / ".venv").exists()


def test_a_failed_venv_is_removed(tmp_path: Path) -> None:
    done = make_venv(tmp_path, python='[ "$1" = -c ] || { mkdir -p .venv/bin; touch .venv/bin/python; exit 1; }')
    assert done.returncode != 0
    assert not (tmp_path / ".venv").exists()


def test_an_interrupted_venv_is_made_again(tmp_path: Path) -> None:
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").touch()
    done = make_venv(tmp_path, python='[ "$1" = -c ] || { echo "making it again: $*"; touch .venv/bin/activate; }')
    assert "making it again: -m venv --clear .venv" in done.stdout
