"""One account of a running emulator, as a test sees it."""

from __future__ import annotations

import http.client
import json
import secrets
import warnings
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from alimock.client.addresses import Addresses
from alimock.client.calls import Calls
from alimock.client.clock import Clock
from alimock.client.connection import Connection, EmulatorError
from alimock.client.faults import Faults
from alimock.client.outbox import Outbox
from alimock.scenario import export, loader
from alimock.scenario.diagnostics import Diagnostic, ScenarioError, nearest
from alimock.scenario.sources import is_path

if TYPE_CHECKING:
    from typing_extensions import Self

# A built-in name, a path (with a slash or .yaml), several of them separated by commas, or what a scenario file says.
ScenarioLike = str | PathLike[str] | Mapping[str, Any]

DEFAULT_ACCOUNT = "default"
LOAD_SECONDS = 60
# How accounts are called that no scenario names, before their key.
_UNNAMED = "key:"
# What may have the calls of a key refused.
_LIMITS = ("expires", "security_token", "permissions")
_KEY_BYTES = 8
_SECRET_BYTES = 15


class Client:
    """One account of the emulator at a URL: that of `access_key_id`, whose secret is `access_key_secret`.

    All that it shows and changes is this account's. `endpoint` is host and port, as SDKs take it; `connection` is the way to the
    control API itself.
    """

    def __init__(self, url: str, access_key_id: str, access_key_secret: str) -> None:
        self.connection = Connection(url, access_key_id)
        self.endpoint = self.connection.endpoint
        self.url = f"http://{self.endpoint}"
        self.access_key_id = access_key_id
        self.access_key_secret = access_key_secret
        self._owned_key: str | None = None
        self.outbox = Outbox(self.connection)
        self.addresses = Addresses(self.connection)
        self.calls = Calls(self.connection)
        self.clock = Clock(self.connection)
        self.faults = Faults(self.connection)

    def load(self, scenario: ScenarioLike, *, over: bool = False, name: str = "the scenario given") -> None:
        """Starts the account from a scenario, or with `over` from one that lies over the one loaded; a reset goes back to it.

        The scenario is a built-in name, a path (with a slash or `.yaml`), several of these separated by commas, or a mapping of
        what a file says, which decisions then call by `name`. Files are read here and sent. Raises `ScenarioError` for one that
        is wrong.
        """
        warning = self.start_from(scenario, over=over, name=name)
        if warning is not None:
            warnings.warn(warning, stacklevel=2)

    def start_from(self, scenario: ScenarioLike, *, over: bool, name: str) -> str | None:
        """Loads as `load` does, and gives its warning if there is one."""
        bundle = loader.bundle(*files_of(scenario, name))
        body = {"names": bundle.names, "files": bundle.files, "variables": bundle.variables}
        arguments = {"files": "true", "over": "true" if over else "false"}
        try:
            answer = self.connection.send("PUT", "scenario", json.dumps(body).encode(), arguments=arguments, seconds=LOAD_SECONDS)
        except EmulatorError as error:
            if "mistakes" not in error.answer:
                raise
            raise ScenarioError([Diagnostic(**mistake) for mistake in error.answer["mistakes"]]) from None
        parts = ", ".join(answer["ignored"])
        if not parts:
            return None
        told = f"{', '.join(bundle.names)}: what it says of {parts} counts for a whole emulator and not for one account"
        return f"{told}; start the emulator with it"

    def reset(self, *, unload: bool = False) -> None:
        """Makes the account anew from the scenario it started from; its outbox and its journal are empty then.

        With `unload` it starts from the emulator's own scenario, whatever was loaded since.
        """
        self.connection.send("POST", "reset", b"", arguments={"unload": "true" if unload else "false"})

    def account(self, name: str) -> Client:
        """Gives an account that the scenario names; raises `EmulatorError` for one that it does not name."""
        accounts = {one["name"]: one for one in self.connection.wide.send("GET", "accounts")["accounts"]}
        if name not in accounts:
            raise EmulatorError(f"no account `{name}` in {self.url}: expected {nearest(name, list(accounts))}")
        keys = [key for key in self._keys() if key["account"] == name and key["status"] == "active"]
        if keys:
            key = min(keys, key=lambda key: sum(name in key for name in _LIMITS))
            return Client(self.connection.url, key["id"], key["secret"])
        seen_with = accounts[name]["access_key_id"]
        if seen_with is not None and name.startswith(_UNNAMED):
            return Client(self.connection.url, seen_with, "")
        return self._registered(*_new_key(), account=name)

    def new_account(self, access_key_id: str | None = None, access_key_secret: str | None = None) -> Client:
        """Gives an account of its own that starts from the emulator's scenario, with a new access key, or with the one named.

        A key that comes with a secret is registered, so that a wrong secret is refused, and forgotten when the client is closed.
        One that comes without keeps the secret that the emulator knows; if it knows none, `access_key_secret` is empty and
        signatures are not checked. Raises `ValueError` for a secret without a key.
        """
        check_key(access_key_id, access_key_secret)
        if access_key_id is None:
            return self._registered(*_new_key())
        known = next((key["secret"] for key in self._keys() if key["id"] == access_key_id), "")
        if access_key_secret in (None, known):
            return Client(self.connection.url, access_key_id, known)
        return self._registered(access_key_id, access_key_secret)

    def close(self) -> None:
        """Forgets the access key that was registered for this client, if one was, and an account of its own with it."""
        key_id, self._owned_key = self._owned_key, None
        if key_id is None:
            return
        try:
            self.connection.wide.send("DELETE", f"access-keys/{key_id}")
        except EmulatorError as error:
            # It is gone already, with another scenario or after a long time without a call.
            if error.status != http.client.NOT_FOUND:
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()

    def _keys(self) -> list[dict[str, Any]]:
        keys: list[dict[str, Any]] = self.connection.wide.send("GET", "access-keys", arguments={"secrets": "true"})["access_keys"]
        return keys

    def _registered(self, key_id: str, secret: str, *, account: str | None = None) -> Client:
        arguments = {"account": account} if account is not None else {}
        body = json.dumps({"secret": secret}).encode()
        self.connection.wide.send("PUT", f"access-keys/{key_id}", body, arguments=arguments)
        client = Client(self.connection.url, key_id, secret)
        client._owned_key = key_id
        return client


def connected(url: str, access_key_id: str | None = None, access_key_secret: str | None = None) -> Client:
    """Gives the account of a key in a running emulator, without a key the account `default`; raises `EmulatorError`."""
    anyone = Client(url, "", "")
    if access_key_id is None:
        return anyone.account(DEFAULT_ACCOUNT)
    return anyone.new_account(access_key_id, access_key_secret)


def files_of(scenario: ScenarioLike, name: str = "the scenario given") -> tuple[tuple[str, ...], Mapping[str, str]]:
    """Gives the names of a scenario's files, and the text of a mapping, which is called `name`; raises `ValueError`."""
    if isinstance(scenario, Mapping):
        try:
            # By way of JSON, which has dates and paths become texts.
            return (name,), {name: export.to_yaml(json.loads(json.dumps({"alimock": 1, **scenario}, default=str)))}
        except TypeError as error:
            raise ValueError(f"{name}: {error}") from None
    if isinstance(scenario, PathLike):
        path = str(Path(scenario))
        # A path is never a built-in name.
        return (path if is_path(path) else f"./{path}",), {}
    if isinstance(scenario, str):
        return loader.names_in(scenario), {}
    raise ValueError(f"found the scenario {scenario!r}, expected a name, a path or a mapping of what a file says")


def check_key(access_key_id: str | None, access_key_secret: str | None) -> None:
    """Raises `ValueError` for a key that cannot be one."""
    if access_key_id is None and access_key_secret is not None:
        raise ValueError("found an access_key_secret without an access_key_id, expected both")
    for name, value in (("access_key_id", access_key_id), ("access_key_secret", access_key_secret)):
        if value is not None and (not isinstance(value, str) or not value.strip()):
            raise ValueError(f"{name}: found {value!r}, expected a text")


def _new_key() -> tuple[str, str]:
    return f"alimock-{secrets.token_hex(_KEY_BYTES)}", secrets.token_hex(_SECRET_BYTES)
