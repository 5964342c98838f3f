"""The pytest plugin: an account of its own for each test, on an emulator that the session starts once or that runs elsewhere.

pytest imports this module in every run of every project that has alimock installed. So nothing else of alimock is imported before a
fixture is used, and that is why imports stand inside functions here.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from alimock.client.client import Client
    from alimock.testing.session import MarkerOptions, TestSession

_MARKER = "alimock"
_MARKER_LINE = (
    "alimock(scenario, *, addresses, access_key_id, access_key_secret, strict, allow): how the account of the fixture `alimock` "
    "starts: from another scenario (a name, a path from the root directory, or a mapping), with addresses over it, or by the key "
    "of the application; strict=True fails the test for what only an emulator forgives, but for the error codes in allow"
)
_YES, _NO = ("yes", "true", "1"), ("no", "false", "0")


@dataclass(frozen=True)
class _Option:
    """One setting: its name in ini files, its option, its variable, and what it is for. An option beats a variable beats an ini."""

    name: str
    flag: str
    variable: str
    help: str
    is_switch: bool = False

    def told(self, config: pytest.Config) -> str | None:
        """Gives what the command line or the environment says, None if nothing."""
        return config.getoption(self.name) or os.environ.get(self.variable) or None

    def text(self, config: pytest.Config) -> str | None:
        """Gives what the user set anywhere, None if nothing."""
        return self.told(config) or config.getini(self.name) or None


_URL = _Option("alimock_url", "--alimock-url", "ALIMOCK_URL", "an emulator that runs already; else the session starts one")
_SCENARIO = _Option("alimock_scenario", "--alimock-scenario", "ALIMOCK_SCENARIO", "the scenario that accounts start from")
_STRICT = _Option("alimock_strict", "--alimock-strict", "ALIMOCK_STRICT", "whether all tests are strict: yes or no", is_switch=True)
OPTIONS = (_URL, _SCENARIO, _STRICT)

_SESSION: pytest.StashKey[TestSession] = pytest.StashKey()
_FAILED = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the options of the command line and of ini files."""
    group = parser.getgroup("alimock", "an emulator of Alibaba Cloud's e-mail verification API")
    for one in OPTIONS:
        described = f"{one.help} ({one.variable})"
        switch: dict[str, Any] = {"action": "store_const", "const": _YES[0]}
        takes = switch if one.is_switch else {"metavar": one.name.rpartition("_")[2].upper()}
        group.addoption(one.flag, dest=one.name, default=None, help=described, **takes)
        parser.addini(one.name, one.help)


def pytest_configure(config: pytest.Config) -> None:
    """Declares the marker, and refuses wrong options at once."""
    config.addinivalue_line("markers", _MARKER_LINE)
    _is_strict(config)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Warns of a test that says how its account starts and has none."""
    marked = any(marker.name == _MARKER for marker in item.own_markers)
    if marked and "alimock" not in getattr(item, "fixturenames", ("alimock",)):
        item.warn(pytest.PytestWarning(f"{item.name} has the marker {_MARKER} but does not use the fixture `alimock`"))


@pytest.fixture(scope="session")
def alimock_server(pytestconfig: pytest.Config) -> Iterator[Client]:
    """The emulator of this test session, or the one that runs at `--alimock-url`, with its account `default`."""
    from alimock import Emulator, EmulatorError, ScenarioError

    url = _URL.text(pytestconfig)
    try:
        server = Emulator.connect(url) if url is not None else Emulator(_scenario(pytestconfig) or "default")
    except EmulatorError as error:
        raise _refusal(f"{error}\nStart an emulator there, or leave out {_URL.flag} and {_URL.variable}.") from None
    except ScenarioError as error:
        raise _refusal(f"{_SCENARIO.flag}: {error}") from None
    with server:
        yield server


@pytest.fixture(scope="session")
def alimock_url(alimock_server: Client) -> str:
    """The URL of the emulator."""
    return alimock_server.url


@pytest.fixture
def alimock(request: pytest.FixtureRequest, alimock_server: Client) -> Iterator[Client]:
    """An account of the test's own, by a key of its own or as the marker says; `alimock.endpoint` is what the SDK takes."""
    from alimock import EmulatorError, ScenarioError
    from alimock.testing.session import TestSession

    item: pytest.Item = request.node
    item.stash[_FAILED] = False
    try:
        session = TestSession.begin(alimock_server, _options(item), f"the marker of {item.name}".replace("/", "|"))
    except (ScenarioError, EmulatorError, ValueError) as error:
        raise _refusal(f"the account of {item.name}: {error}") from None
    item.stash[_SESSION] = session
    for warning in session.warnings:
        item.warn(pytest.PytestWarning(warning))
    yield session.client
    # What a failed test leaves is kept for whoever looks at the page of an emulator that goes on.
    if not item.stash[_FAILED]:
        session.end()


@pytest.fixture
def alimock_env(alimock: Client, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Sets the variables in which SDKs find their credentials and the `aliyun` command its endpoint, and gives them."""
    from alimock.testing import env

    for name in env.REMOVED:
        monkeypatch.delenv(name, raising=False)
    variables = env.variables(alimock, os.environ)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    imported = sys.modules.get(env.PYTHON_CREDENTIALS)
    for name, credential in env.python_credentials(alimock).items() if imported is not None else ():
        monkeypatch.setattr(imported, name, credential, raising=False)
    return variables


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fails a test that passed where a strict one must not."""
    result = yield
    session = item.stash.get(_SESSION, None)
    violations = session.violations() if session is not None else []
    if violations:
        raise _refusal("\n".join(("alimock is strict here:", *(f"- {one}" for one in violations))))
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Adds to the report of a failed test what happened in its account."""
    report = yield
    session = item.stash.get(_SESSION, None)
    if session is not None and report.failed:
        item.stash[_FAILED] = True
        if call.when != "teardown":
            report.sections.append(("alimock", session.told()))
    return report


def _options(item: pytest.Item) -> MarkerOptions:
    """Joins what the markers of a test, its class and its module say, the nearest first, and what the options say."""
    from alimock.testing.session import MarkerOptions, wrong_arguments

    said: dict[str, Any] = {"strict": _is_strict(item.config)}
    if _URL.text(item.config) is not None:
        # An emulator that runs elsewhere was started with a scenario of its own.
        said["scenario"] = _scenario(item.config)
    for marker in reversed(list(item.iter_markers(_MARKER))):
        given = {**dict(zip(("scenario",), marker.args, strict=False)), **marker.kwargs}
        wrong = wrong_arguments(marker.args, marker.kwargs)
        if wrong is not None:
            raise _refusal(f"the marker of {item.name}: {wrong}")
        if "scenario" in given:
            given["scenario"] = _located(given["scenario"], item.config.rootpath)
        said.update(given, addresses={**(said.get("addresses") or {}), **(given.get("addresses") or {})})
    _check_is_alone(item, said)
    return MarkerOptions(**said)


def _check_is_alone(item: pytest.Item, said: Mapping[str, Any]) -> None:
    """Refuses tests that would change the one account of a key under each other."""
    # The workers of pytest-xdist have this attribute.
    shared = _URL.text(item.config) is not None and hasattr(item.config, "workerinput")
    if shared and said.get("access_key_id") is not None:
        raise _refusal(
            f"{item.name} names its access key, so it shares an account with tests in other workers: leave out {_URL.flag}, "
            "so that each worker has an emulator of its own, or run such tests without workers"
        )


def _scenario(config: pytest.Config) -> Any:
    """Gives the scenario of the options; paths of an ini file count from the root directory, others from where pytest started."""
    told = _SCENARIO.told(config)
    text = told or config.getini(_SCENARIO.name)
    return _located(text, config.invocation_params.dir if told else config.rootpath) if text else None


def _located(scenario: Any, folder: Path) -> Any:
    """Has the relative paths count from a folder: a path, those among names, and those that a mapping extends."""
    if isinstance(scenario, os.PathLike):
        return Path(os.path.relpath(folder / scenario))
    if isinstance(scenario, Mapping) and "extends" in scenario:
        extended = scenario["extends"]
        located = [_located(one, folder) for one in extended] if isinstance(extended, list) else _located(extended, folder)
        return {**scenario, "extends": located}
    if not isinstance(scenario, str):
        return scenario
    if (folder / scenario).is_file():
        return _located_name(scenario, folder)
    return ",".join(_located_name(name.strip(), folder) for name in scenario.split(","))


def _located_name(name: str, folder: Path) -> str:
    from alimock.scenario.sources import is_path

    return os.path.join(".", os.path.relpath(folder / name)) if is_path(name) else name


def _refusal(message: str) -> BaseException:
    """Makes the failure of a test that tells its message and no traceback."""
    return pytest.fail.Exception(message, pytrace=False)


def _is_strict(config: pytest.Config) -> bool:
    text = (_STRICT.text(config) or _NO[0]).lower()
    if text not in (*_YES, *_NO):
        origin = _STRICT.variable if _STRICT.told(config) else f"{_STRICT.name} in {config.inipath}"
        raise pytest.UsageError(f"{origin}: found `{text}`, expected yes or no")
    return text in _YES
