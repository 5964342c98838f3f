"""Run the tests of a small application with each neighbor of alimock, at the lowest and the newest version that is tried.

Run by `make compatibility`. The table of docs/reference/compatibility.md has the same neighbors and versions. The environments are
layers over the one that runs this file: they have the neighbors, and the rest comes from there.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import repeat
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / "build" / "compatibility"
SUITES = Path(__file__).resolve().parent / "suites"
# The application, whose tests most neighbors run.
EXAMPLE = ROOT / "examples" / "pytest"
GREENLETS = SUITES / "greenlets"
TIMEOUT_SECONDS = 300
LOWEST, NEWEST = "lowest", "newest"
PYTEST_8 = "pytest-8.0.0"
# The variables that could change what a test does.
_FOREIGN = re.compile(r"ALIMOCK_|ALIBABA_CLOUD_|DJANGO_|PYTEST_|(HTTPS?|NO)_PROXY$", re.IGNORECASE)
_PASSED = re.compile(r"^.*\b[1-9]\d* passed.*?(?= in )|^Ran [1-9]\d* tests?|^[1-9]\d* scenarios passed", re.MULTILINE)
_UNITTEST = "-m unittest"
# Python's versions of the lowest neighbors' packages with binaries.
_PYTHON_OF_LOWEST = (3, 11)


@dataclass(frozen=True)
class Neighbor:
    """A package, its versions, and the arguments of Python that run tests with it in a folder, against an emulator at `{url}`."""

    name: str
    versions: tuple[str, ...]
    arguments: str
    folder: Path = EXAMPLE
    # Other packages that its lowest version goes with.
    companions: tuple[str, ...] = ()
    # The environment of its newest version.
    newest_in: str = NEWEST


def _pytest(name: str, versions: tuple[str, ...], arguments: str, *companions: str, folder: Path = EXAMPLE) -> Neighbor:
    return Neighbor(name, versions, f"-m pytest -q -p no:cacheprovider -p alimock {arguments}", folder, companions)


def _suite(name: str, versions: tuple[str, ...], arguments: str, *companions: str) -> Neighbor:
    return _pytest(name, versions, arguments, *companions, folder=SUITES / "pytest")


NEIGHBORS = (
    _pytest("pytest", ("7.0.0", "8.0.0", "9.2.0"), ""),
    _pytest("pytest-xdist", ("3.0.2", "3.8.0"), "-p xdist -n 2"),
    _pytest("pytest-randomly", ("3.12.0", "5.1.0"), "-p randomly"),
    _suite("pytest-rerunfailures", ("11.0", "16.7"), "-p rerunfailures test_rerunfailures.py"),
    _suite("pytest-timeout", ("2.1.0", "2.4.0"), "-p timeout test_timeout.py"),
    # With pytest 9, no test passes, also without alimock.
    replace(_pytest("pytest-forked", ("1.4.0", "1.7.5"), "-p pytest_forked --forked"), newest_in=PYTEST_8),
    _pytest("pytest-socket", ("0.5.1", "0.8.1"), "-p socket --disable-socket --allow-hosts=127.0.0.1"),
    _suite("pytest-asyncio", ("0.21.0", "1.5.0"), "-p asyncio test_pytest_asyncio.py"),
    _suite("anyio", ("4.0.0", "4.16.0"), "-p anyio test_anyio.py", "trio==0.22.2"),
    Neighbor("unittest", (), _UNITTEST, SUITES / "unittest"),
    Neighbor("behave", ("1.2.6", "1.3.3"), "-m behave", SUITES / "behave"),
    _suite("freezegun", ("1.2.2", "1.5.5"), "test_clocks.py -k freezegun"),
    _suite("time-machine", ("2.9.0", "3.6.0"), "test_clocks.py -k time_machine"),
    _suite("vcrpy", ("7.0.0", "9.4.2"), "test_vcrpy.py", "aiohttp==3.10.0"),
    _suite("pyfakefs", ("5.2.0", "6.3.2"), "-p pyfakefs.pytest_plugin test_pyfakefs.py"),
    _pytest("gevent", ("23.9.1", "26.9.0"), "-p patched_gevent --alimock-url {url}"),
    _pytest("eventlet", ("0.35.2", "0.41.3"), "-p patched_eventlet --alimock-url {url}"),
    Neighbor("Django", ("4.2", "5.2.19"), "manage.py test", SUITES / "django"),
    Neighbor("Flask", ("2.3.0", "3.1.3"), _UNITTEST, SUITES / "flask", ("werkzeug==2.3.3",)),
)


def _environments() -> dict[str, list[str]]:
    """Return the requirements of each environment by its name."""
    companions = [package for one in NEIGHBORS for package in one.companions]
    environments: dict[str, list[str]] = {LOWEST: companions, NEWEST: ["trio"], PYTEST_8: []}
    for one, version, environment in _tries():
        if one.versions:
            environments[environment].append(f"{one.name}=={version}")
    return environments


def _python(environment: str) -> Path:
    return BUILD / environment / "bin" / "python"


def _install(environment: str, requirements: list[str]) -> None:
    """Create an environment as a layer over the running one."""
    folder = BUILD / environment
    venv.create(folder, with_pip=False, symlinks=True)
    (packages,) = folder.glob("lib/*/site-packages")
    (packages / "layer.pth").write_text(f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n")
    pip = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(_python(environment)),
        "install",
        "--quiet",
        "--no-compile",
        "--no-warn-conflicts",
    ]
    _run([*pip, "--disable-pip-version-check", *requirements], ROOT)


def _run(command: list[str], folder: Path) -> str:
    inherited = {name: value for name, value in os.environ.items() if not _FOREIGN.match(name)}
    own = {
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTHONPATH": os.pathsep.join(map(str, (EXAMPLE, GREENLETS))),
    }
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, env={**inherited, **own})
    output = done.stdout + done.stderr
    if done.returncode:
        raise RuntimeError(f"{shlex.join(command)}\n{output[-3000:]}")
    return output


@contextmanager
def _serving() -> Iterator[str]:
    """Run an emulator in a process of its own, and yield its URL."""
    command = [sys.executable, "-m", "alimock", "serve", "--port", "0", "--log-level", "error"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            (url,) = re.findall(r"http://[\d.:]+", process.stdout.readline().partition("(")[0])
            yield url
        finally:
            process.terminate()


def _tries() -> Iterator[tuple[Neighbor, str, str]]:
    """Yield each neighbor with a version and the environment that has it."""
    for one in NEIGHBORS:
        if not one.versions:
            yield one, sys.version.split()[0], NEWEST
        for number, version in enumerate(one.versions):
            yield one, version, {0: LOWEST, len(one.versions) - 1: one.newest_in}.get(number, PYTEST_8)


def _tried(one: Neighbor, version: str, environment: str, url: str) -> bool:
    """Run the tests with a neighbor, print the result, and return whether they passed."""
    try:
        output = _run([str(_python(environment)), *shlex.split(one.arguments.format(url=url))], one.folder)
        passed = _PASSED.search(output)
        assert passed is not None, output
        result = passed[0]
    except (AssertionError, RuntimeError, subprocess.TimeoutExpired) as error:
        result = f"FAILED\n{error}"
    print(f"{one.name} {version}: {result}", flush=True)
    return not result.startswith("FAILED")


def main() -> int:
    """Run all tests; return 1 if some failed or, if CI is set, were skipped."""
    environments = _environments()
    skips = sys.version_info[:2] != _PYTHON_OF_LOWEST
    if skips:
        del environments[LOWEST]
        print(f"lowest versions: skipped, they need Python {'.'.join(map(str, _PYTHON_OF_LOWEST))}", flush=True)
    tries = [one for one in _tries() if one[2] in environments]
    with ThreadPoolExecutor(os.cpu_count()) as pool, _serving() as url:
        list(pool.map(_install, environments.keys(), environments.values()))
        results = list(pool.map(_tried, *zip(*tries, strict=True), repeat(url)))
    return 1 if not all(results) or (skips and os.environ.get("CI")) else 0


if __name__ == "__main__":
    sys.exit(main())
