"""A test's session at an emulator: the account it gets, the strict check at its end, and its report if it fails."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping
from inspect import signature
from types import TracebackType
from typing import TYPE_CHECKING, Any

from alimock.client.client import Client
from alimock.client.errors import EmulatorError
from alimock.emulator import Emulator
from alimock.scenario.argument import ScenarioLike
from alimock.scenario.diagnostics import nearest
from alimock.testing.env import proxies
from alimock.testing.report import failure_report, no_calls
from alimock.testing.strict import violations

if TYPE_CHECKING:
    from typing_extensions import Self

_REMEDY = "use the fixture alimock_env, or alimock.testing.environment without pytest"
# The exceptions of unittest and of pytest that skip a test.
_SKIPS = ("SkipTest", "Skipped")
# The types of the options that nothing else checks.
_TYPES: dict[str, tuple[type | tuple[type, ...], str]] = {
    "addresses": (Mapping, "a mapping of addresses to outcomes"),
    "strict": (bool, "True or False"),
    "allow": ((str, list, tuple, set, frozenset), "a list of codes"),
}


class TestSession:
    """A test at an emulator, in an account of its own, with a strict check and a report for a failed test.

        with TestSession(emulator, scenario="quota-exceeded", strict=True) as session:
            sign_up(endpoint=session.client.endpoint, key=session.client.access_key_id, ...)

    At the end of `with`, `check` is called and the account is deleted. After an exception, the exception gets the report as a note
    instead (Python 3.10 has no notes and prints it), and the account stays for inspection in the web UI. Frameworks without a
    `with` around a test call `check`, `report` and `end` themselves.

    The report and strict mode cover the calls of the test's own account; with an `Emulator` of this process, the calls of all
    accounts, so that a call with a wrong key is found, too. Such an emulator must not run two tests at the same time.

    Args:
        server: The emulator that tests share: a started `Emulator`, or the result of `Emulator.connect(url)`.
        scenario: What the account starts from: a built-in name, a path, several separated by commas, or a mapping with the content
            of a scenario file. None for the scenario of the emulator.
        addresses: Entries for addresses, merged into the scenario, for example `{"jo@example.com": "quota-exceeded"}`.
        access_key_id: The access key of the application, if it is fixed; its account is reset. None for a new key.
        access_key_secret: The secret of that key.
        strict: Whether `check` fails if the real service would have rejected a call, or if a fault never fired.
        allow: The error codes that `strict` accepts, as a list or separated by commas.
        name: What decisions cite for a scenario or addresses that are a mapping, for example the name of the test.

    Attributes:
        client: The client of the account. It has the `endpoint`, the access key, the outbox, and so on.
        warnings: Parts of the scenario that had no effect because they apply to a whole emulator.

    Raises:
        ScenarioError: The scenario or the addresses are invalid.
        EmulatorError: The emulator cannot be reached, or it rejected the key.
        ValueError: Another argument is invalid.
    """

    # Not a class of tests, which pytest would collect by its name.
    __test__ = False

    def __init__(
        self,
        server: Client,
        *,
        scenario: ScenarioLike | None = None,
        addresses: Mapping[str, Any] | None = None,
        access_key_id: str | None = None,
        access_key_secret: str | None = None,
        strict: bool = False,
        allow: Collection[str] = (),
        name: str = "the scenario given",
    ) -> None:
        check_types({"strict": strict, "allow": allow, **({"addresses": addresses} if addresses is not None else {})})
        self._server, self._strict, self._allow = server, strict, allow
        self._has_fixed_key = access_key_id is not None
        self.client: Client = server.new_account(access_key_id, access_key_secret)
        self._seen = self.client.connection.wide if isinstance(server, Emulator) else self.client.connection
        try:
            # A slash would make it a path.
            self.warnings: list[str] = list(self._load(scenario, addresses, name.replace("/", "|")))
            # The cursor behind the newest event.
            self._after: int = self._seen.send("GET", "changes", arguments={"limit": 0})["cursor"]
        except BaseException:
            self.client.close()
            raise

    def _load(self, scenario: ScenarioLike | None, addresses: Mapping[str, Any] | None, name: str) -> Iterator[str]:
        """Load the scenario and the addresses into the account, and yield the warnings."""
        if self._has_fixed_key:
            # A previous test may have used the account.
            self.client.reset(unload=True)
        for loaded, over in ((scenario, False), ({"addresses": addresses} if addresses else None, True)):
            warning = self.client.start_from(loaded, over=over, name=name) if loaded is not None else None
            if warning is not None:
                yield warning

    def violations(self) -> list[str]:
        """Return the violations of strict mode so far, one line each; an empty list if the session is not strict.

        Raises:
            EmulatorError: An internal error occurred in an `Emulator` of this process, also if the session is not strict.
        """
        self._check_server()
        if not self._strict:
            return []
        return violations(self.client.connection, self._seen, self._after, self._allow)

    def check(self) -> None:
        """Check that strict mode, if it is on, was not violated.

        Raises:
            AssertionError: It was violated; the message has the violations and the report.
            EmulatorError: An internal error occurred in an `Emulator` of this process, also if the session is not strict.
        """
        found = self.violations()
        if found:
            raise AssertionError("\n".join((*(f"strict mode: {one}" for one in found), self.report())))

    def report(self) -> str:
        """Return what happened in the emulator, for the report of a failed test: its last 200 lines.

        It has the calls with their outcomes and what decided them, mails, faults, and changes through the control API. It has no
        secrets.
        """
        lines = [f"account of the key {self.client.access_key_id} at {self.client.url}"]
        try:
            lines += failure_report(self.client, self._seen, self._after)
            if lines[-1] == no_calls(self.client):
                lines += [f"{name} is set, and SDKs may send the calls there; {_REMEDY}" for name in proxies(os.environ)]
            self._check_server()
        except EmulatorError as error:
            lines.append(str(error))
        return "\n".join(lines)

    def end(self) -> None:
        """Delete the account and its key, or reset the account of a fixed key.

        Raises:
            EmulatorError: The emulator cannot be reached.
        """
        if self._has_fixed_key:
            self.client.reset(unload=True)
        self.client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        if error is not None and type(error).__name__ not in _SKIPS:
            getattr(error, "add_note", print)(f"alimock: {self.report()}")
            return
        try:
            if error is None:
                self.check()
        finally:
            self.end()

    def _check_server(self) -> None:
        if isinstance(self._server, Emulator):
            self._server.check()


def check_names(keywords: Mapping[str, object], function: Callable[..., object], *, but: Collection[str] = ()) -> None:
    """Raise `ValueError` for an argument that a function does not take by keyword, or only for itself (`but`)."""
    names = [name for name, one in signature(function).parameters.items() if one.kind is one.KEYWORD_ONLY and name not in but]
    unknown = next((name for name in keywords if name not in names), None)
    if unknown is not None:
        raise ValueError(f"found the unknown argument `{unknown}`, expected {nearest(unknown, names)}")


def check_types(options: Mapping[str, object]) -> None:
    """Raise `ValueError` for an option of the wrong type."""
    for name, (types, expected) in _TYPES.items():
        if name in options and not isinstance(options[name], types):
            raise ValueError(f"{name}: found {options[name]!r}, expected {expected}")
