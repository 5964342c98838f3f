"""The public API: exactly the names in `__all__` of `alimock` and `alimock.testing`, cheap to import, documented, and typed."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import alimock
import alimock.testing
import pytest

TYPING = Path(__file__).parent / "typing"
USAGE = TYPING / "usage.py"
modules = pytest.mark.parametrize("module", [alimock, alimock.testing], ids=lambda module: module.__name__)


def public_names(module: ModuleType) -> list[str]:
    return [name for name in module.__all__ if name != "__version__"]


@modules
def test_every_public_name_exists_and_is_known_to_type_checkers(module: ModuleType) -> None:
    nodes = ast.walk(ast.parse(inspect.getsource(module)))
    imported = [name.asname for node in nodes if isinstance(node, ast.ImportFrom) for name in node.names if name.asname]
    assert public_names(module) == sorted(imported)
    for name in imported:
        value = getattr(module, name)
        assert getattr(importlib.import_module(value.__module__), name) is value
    assert dir(module) == module.__all__


@modules
def test_unknown_name_raises_attribute_error(module: ModuleType) -> None:
    with pytest.raises(AttributeError, match=f"module '{module.__name__}' has no attribute 'Emulater'"):
        _ = module.Emulater


@modules
def test_every_public_name_is_used_in_the_type_checked_code(module: ModuleType) -> None:
    (imported,) = [
        node for node in ast.parse(USAGE.read_text()).body if isinstance(node, ast.ImportFrom) and node.module == module.__name__
    ]
    assert [name.name for name in imported.names] == public_names(module)


def modules_after(code: str) -> set[str]:
    """Return the modules that some code loads in a new interpreter."""
    script = f"import sys, json; before = set(sys.modules)\n{code}\nprint(json.dumps(sorted(set(sys.modules) - before)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    loaded: list[str] = json.loads(done.stdout)
    return set(loaded)


@modules
def test_importing_the_package_loads_no_module_and_no_library(module: ModuleType) -> None:
    loaded = modules_after(f"import {module.__name__}")
    assert {name for name in loaded if name.startswith("alimock")} == {"alimock", module.__name__}
    assert not loaded & {"flask", "werkzeug", "httptools", "lxml", "yaml", "http.client", "asyncio"}


def test_client_does_not_load_the_libraries_of_the_server() -> None:
    loaded = modules_after("from alimock import Client, WaitTimeout")
    assert not loaded & {"flask", "werkzeug", "httptools", "lxml"}


def test_emulated_api_and_health_checks_do_not_load_flask() -> None:
    loaded = modules_after(
        "import alimock.cli.serve, http.client\n"
        "from alimock.backend import create_backend; from alimock.scenario import loader; from alimock.settings import resolve\n"
        "from alimock.server.server import Server; from alimock.server.listener import Listener\n"
        "server = Server(create_backend(loader.load('default'), resolve({}, {})), Listener('127.0.0.1', 0))\n"
        "server.start()\n"
        "for path in ('/?Action=x', '/readyz', '/livez'):\n"
        "    connection = http.client.HTTPConnection('127.0.0.1', server.listeners[0].port)\n"
        "    connection.request('GET', path)\n"
        "    assert connection.getresponse().read()\n"
        "    connection.close()\n"
        "server.stop()"
    )
    assert "httptools" in loaded
    assert not loaded & {"flask", "werkzeug", "jinja2"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        ["mypy", "--strict", "--warn-unused-ignores", "--cache-dir", "{cache}", str(USAGE)],
        ["pyright", "--project", str(TYPING), "--pythonpath", sys.executable],
    ],
    ids=["mypy", "pyright"],
)
def test_code_of_users_type_checks(command: list[str], tmp_path: Path) -> None:
    words = [word.format(cache=tmp_path) for word in command]
    done = subprocess.run([sys.executable, "-m", *words], capture_output=True, text=True, timeout=300, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
