"""The pytest plugin: a separate account for each test, on an emulator that the session starts or that runs already.

pytest imports this module in every run of every project that has alimock installed. So it imports the rest of alimock inside
functions, once a fixture is used, and any version of pytest can load it. Under one older than 7, only its fixtures fail.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from alimock import Client, Emulator
    from alimock.scenario.argument import ScenarioLike
    from alimock.testing import TestSession

# What `from alimock.pytest_plugin import *` gives a conftest; pytest would call hooks twice.
__all__ = ["alimock", "alimock_env", "alimock_scenario", "alimock_server", "alimock_settings", "alimock_url"]

_MARKER = "alimock"
_MARKER_LINE = (
    "alimock(scenario, *, addresses, access_key_id, access_key_secret, strict, allow): configure the account of the fixture "
    "`alimock`: load a scenario (a name, a path from the root directory, or a mapping), add addresses, use the access key of the "
    "application; strict=True also fails a test if the real service would have rejected a call, unless its code is in allow"
)
_YES, _NO = ("yes", "true", "1"), ("no", "false", "0")


@dataclass(frozen=True)
class _Option:
    """One setting: its name in ini files, its option and its variable. The option wins, then the variable."""

    name: str
    flag: str
    variable: str
    help: str
    is_switch: bool = False

    def override(self, config: pytest.Config) -> str | None:
        """Return the value from the command line or the environment, or None."""
        return config.getoption(self.name) or os.environ.get(self.variable) or None

    def value(self, config: pytest.Config) -> str | None:
        """Return the value from any source, or None."""
        return self.override(config) or config.getini(self.name) or None


_URL = _Option("alimock_url", "--alimock-url", "ALIMOCK_URL", "URL of a running emulator (default: the session starts one)")
_SCENARIO = _Option("alimock_scenario", "--alimock-scenario", "ALIMOCK_SCENARIO", "scenario that accounts start from")
_STRICT = _Option("alimock_strict", "--alimock-strict", "ALIMOCK_STRICT", "strict mode for all tests: yes or no", is_switch=True)
OPTIONS = (_URL, _SCENARIO, _STRICT)

# pytest 7 introduced the stash.
_IS_SUPPORTED = hasattr(pytest, "StashKey")
if _IS_SUPPORTED:
    _SESSION: pytest.StashKey[TestSession] = pytest.StashKey()
    _FAILED = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the command line and of ini files."""
    group = parser.getgroup("alimock", "emulator of Alibaba Cloud's email verification API")
    for one in OPTIONS:
        described = f"{one.help} ({one.variable})"
        switch: dict[str, Any] = {"action": "store_const", "const": _YES[0]}
        takes = switch if one.is_switch else {"metavar": one.name.rpartition("_")[2].upper()}
        group.addoption(one.flag, dest=one.name, default=None, help=described, **takes)
        parser.addini(one.name, one.help)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, and reject invalid options."""
    config.addinivalue_line("markers", _MARKER_LINE)
    _is_strict(config)


def pytest_report_header() -> list[str]:
    """Warn of environment variables that have no effect."""
    if not any(name.upper().startswith("ALIMOCK_") for name in os.environ):
        return []
    from alimock.settings import unknown_variables

    return [f"alimock: warning: {warning}" for warning in unknown_variables(os.environ)]


def pytest_itemcollected(item: pytest.Item) -> None:
    """Warn of a test that has the marker but does not use the fixture."""
    marked = any(marker.name == _MARKER for marker in item.own_markers)
    if marked and "alimock" not in getattr(item, "fixturenames", ("alimock",)):
        item.warn(pytest.PytestWarning(f"{item.name} has the marker `{_MARKER}` but does not use the fixture `alimock`"))


@pytest.fixture(scope="session")
def alimock_scenario(pytestconfig: pytest.Config) -> ScenarioLike | None:
    """What the account of a test starts from: the scenario of `--alimock-scenario`, or None for that of the emulator. Override it.

    A scenario is a built-in name, a path from the root directory, several separated by commas, or a mapping with the content of a
    file. An override has any scope, and applies to the accounts of the tests that see it. The marker of a test wins. What applies
    to a whole emulator, such as `authentication`, has no effect here; use `alimock_settings` or `--alimock-scenario`.
    """
    scenario: ScenarioLike | None = _scenario(pytestconfig)
    return scenario


@pytest.fixture(scope="session")
def alimock_settings() -> Mapping[str, Any]:
    """The keyword arguments of the `Emulator` that the session starts, such as `profile` and `auth`: none. Override it.

    They do not apply to a running emulator (`--alimock-url`).
    """
    return {}


@pytest.fixture(scope="session")
def alimock_server(request: pytest.FixtureRequest, alimock_settings: Mapping[str, Any]) -> Iterator[Client]:
    """The emulator of this session, or the one at `--alimock-url`, as the client of its account `default`."""
    if not _IS_SUPPORTED:
        raise _failure(f"the fixtures of alimock need pytest 7 or newer, and this is pytest {pytest.__version__}; upgrade pytest")
    from alimock import Emulator, EmulatorError, ScenarioError

    url = _URL.value(request.config)
    try:
        server = _own_emulator(request.config, alimock_settings) if url is None else Emulator.connect(url)
    except EmulatorError as error:
        raise _failure(
            f"{error}\nWithout {_URL.flag}, {_URL.variable} and {_URL.name}, the session starts its own emulator."
        ) from None
    except (ScenarioError, ValueError) as error:
        raise _failure(f"emulator of the session: {error}") from None
    if url is not None and alimock_settings:
        found = f"alimock_settings: found {', '.join(alimock_settings)}, but the emulator at {server.url} is running already"
        request.session.warn(pytest.PytestWarning(f"{found}; start it with these settings, or leave out {_URL.flag}"))
    with ExitStack() as stack:
        try:
            stack.enter_context(server)
        except (RuntimeError, OSError) as error:
            raise _failure(f"emulator of the session: {error}") from None
        yield server


@pytest.fixture(scope="session")
def alimock_url(alimock_server: Client) -> str:
    """The URL of the emulator."""
    return alimock_server.url


@pytest.fixture
def alimock(request: pytest.FixtureRequest, alimock_server: Client, alimock_scenario: ScenarioLike | None) -> Iterator[Client]:
    """A separate account with its own key, or as the marker says. Point the SDK at `alimock.endpoint`."""
    from alimock import EmulatorError, ScenarioError
    from alimock.testing import TestSession

    item: pytest.Item = request.node
    item.stash[_FAILED] = False
    try:
        session = TestSession(alimock_server, **_options(item, alimock_scenario), name=_origin(item))
    except (ScenarioError, EmulatorError, ValueError) as error:
        raise _failure(f"account of {item.name}: {error}") from None
    item.stash[_SESSION] = session
    for warning in session.warnings:
        item.warn(pytest.PytestWarning(warning))
    yield session.client
    # The account of a failed test stays for inspection in the web UI of an emulator that keeps running.
    if not item.stash[_FAILED]:
        session.end()


@pytest.fixture
def alimock_env(alimock: Client) -> Iterator[dict[str, str]]:
    """Set the variables in which SDKs find their credentials and the `aliyun` command its endpoint, and return them.

    The variables of real credentials and of network proxies are removed.
    """
    from alimock.testing import environment

    with environment(alimock) as variables:
        yield variables


# After pytest's own, which runs the test. The hook wrappers of pytest 8 would keep an older one from starting.
@pytest.hookimpl(trylast=True)
def pytest_runtest_call(item: pytest.Item) -> None:
    """Fail a test that passed but violates strict mode."""
    session = _session(item)
    violations = session.violations() if session is not None else []
    if violations:
        raise _failure("\n".join(f"strict mode: {one}" for one in violations))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, None]:
    """Add the events in its account to the report of a failed test."""
    outcome = yield
    report = outcome.get_result()
    session = _session(item)
    if session is not None and report.failed:
        item.stash[_FAILED] = True
        if call.when != "teardown":
            report.sections.append(("alimock", session.report()))


def _session(item: pytest.Item) -> TestSession | None:
    return item.stash.get(_SESSION, None) if _IS_SUPPORTED else None


def _own_emulator(config: pytest.Config, settings: Mapping[str, Any]) -> Emulator:
    """Return the emulator of the session, which is not started yet; raises `ScenarioError` and `ValueError`."""
    from alimock import Emulator
    from alimock.testing.session import check_names

    if not isinstance(settings, Mapping):
        raise ValueError(f"alimock_settings: found {settings!r}, expected a mapping")
    if "scenario" in settings:
        raise ValueError(f"alimock_settings: found `scenario`, expected it in {_SCENARIO.flag} or the fixture alimock_scenario")
    try:
        check_names(settings, Emulator)
    except ValueError as error:
        raise ValueError(f"alimock_settings: {error}") from None
    scenario = _scenario(config)
    return Emulator("default" if scenario is None else _located(scenario, config.rootpath), **settings)


def _options(item: pytest.Item, scenario: ScenarioLike | None) -> dict[str, Any]:
    """Merge the markers of a test, its class and its module, the nearest first, the scenario of the fixture, and the options."""
    from alimock.testing import TestSession
    from alimock.testing.session import check_names, check_types

    merged: dict[str, Any] = {"strict": _is_strict(item.config)}
    # The emulator of the session was started with the scenario of the options, a running one with its own.
    if _URL.value(item.config) is not None or scenario != _scenario(item.config):
        merged["scenario"] = _located(scenario, item.config.rootpath)
    for marker in reversed(list(item.iter_markers(_MARKER))):
        try:
            if len(marker.args) > 1 or (marker.args and "scenario" in marker.kwargs):
                found = f"found {len(marker.args)} positional arguments"
                raise ValueError(f"{found}, expected the scenario only, once; pass the others by keyword")
            check_names(marker.kwargs, TestSession, but=("name",))
            check_types(marker.kwargs)
        except ValueError as error:
            raise _failure(f"marker `{_MARKER}` of {item.name}: {error}") from None
        given = {**dict(zip(("scenario",), marker.args, strict=False)), **marker.kwargs}
        if "scenario" in given:
            given["scenario"] = _located(given["scenario"], item.config.rootpath)
        merged.update(given, addresses={**(merged.get("addresses") or {}), **(given.get("addresses") or {})})
    _check_is_alone(item, merged)
    return merged


def _origin(item: pytest.Item) -> str:
    """Return what decisions cite for entries that have no file."""
    markers = list(item.iter_markers(_MARKER))
    in_marker = any(marker.args or marker.kwargs.keys() & {"scenario", "addresses"} for marker in markers)
    return f"{'the marker' if in_marker else 'alimock_scenario'} of {item.name}"


def _check_is_alone(item: pytest.Item, options: Mapping[str, Any]) -> None:
    """Reject tests of parallel workers that would share the account of a fixed key."""
    # Set by pytest-xdist in its workers.
    shared = _URL.value(item.config) is not None and hasattr(item.config, "workerinput")
    if shared and options.get("access_key_id") is not None:
        raise _failure(
            f"{item.name} has a fixed access key, so it would share an account with tests in other workers; leave out {_URL.flag}, "
            "so that each worker starts its own emulator, or run the test without -n"
        )


def _scenario(config: pytest.Config) -> Any:
    """Return the scenario of the options, its paths from the root directory.

    Paths in an ini file are relative to the root directory, others to the current one.
    """
    override = _SCENARIO.override(config)
    text = override or config.getini(_SCENARIO.name)
    folder = config.invocation_params.dir if override else config.rootpath
    return _located(text, folder, config.rootpath) if text else None


def _located(scenario: Any, folder: Path, start: Path | None = None) -> Any:
    """Resolve paths from a folder (a path, those among names and in `extends`), relative to `start` or the current directory."""
    if isinstance(scenario, os.PathLike):
        return Path(_relative(folder / scenario, start))
    if isinstance(scenario, Mapping) and "extends" in scenario:
        extended = scenario["extends"]
        located = [_located(one, folder) for one in extended] if isinstance(extended, list) else _located(extended, folder)
        return {**scenario, "extends": located}
    if not isinstance(scenario, str):
        return scenario
    from alimock.scenario.sources import is_path

    names = [scenario] if (folder / scenario).is_file() else [name.strip() for name in scenario.split(",")]
    return ",".join(os.path.join(".", _relative(folder / name, start)) if is_path(name) else name for name in names)


def _relative(path: Path, start: Path | None) -> str:
    """Return a path from a directory, by default the current one; on Windows a path on another drive stays absolute."""
    try:
        return os.path.relpath(path, start)
    except ValueError:
        return str(path)


def _failure(message: str) -> BaseException:
    """Return a test failure that shows its message without a traceback."""
    return pytest.fail.Exception(message, pytrace=False)


def _is_strict(config: pytest.Config) -> bool:
    text = (_STRICT.value(config) or _NO[0]).lower()
    if text not in (*_YES, *_NO):
        origin = _STRICT.variable if _STRICT.override(config) else f"{_STRICT.name} in {config.inipath}"
        raise pytest.UsageError(f"{origin}: found `{text}`, expected yes or no")
    return text in _YES
