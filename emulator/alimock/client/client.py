"""The client of one account of a running emulator."""

from __future__ import annotations

import secrets
import warnings
from http import HTTPStatus
from types import TracebackType
from typing import TYPE_CHECKING, Any

from alimock.client.account import Addresses, Clock, Faults
from alimock.client.calls import Calls
from alimock.client.connection import Connection
from alimock.client.errors import EmulatorError
from alimock.client.outbox import Outbox
from alimock.scenario import loader
from alimock.scenario.argument import ScenarioLike, files_of
from alimock.scenario.diagnostics import Diagnostic, ScenarioError, nearest

if TYPE_CHECKING:
    from typing_extensions import Self

# pytest omits the frames of this module from the traceback of a failed test.
__tracebackhide__ = True
LOAD_SECONDS = 60
# The prefix, before the key, of the names of accounts that no scenario names.
_UNNAMED = "key:"
# The attributes of a key for which calls may be rejected.
_LIMITS = ("expires", "security_token", "permissions")
_KEY_BYTES = 8
_SECRET_BYTES = 15


class Client:
    """The account of an access key in the emulator at a URL.

    It shows and changes this account only.

    Attributes:
        url: The URL of the emulator, such as http://127.0.0.1:2546.
        endpoint: host:port, as SDKs expect it.
        access_key_id: The key of the account.
        access_key_secret: Its secret; empty if the emulator knows none.
        outbox: The emails.
        calls: The call log.
        addresses: The addresses.
        faults: The faults.
        clock: The clock.
        connection: Sends requests to the control API.
    """

    def __init__(self, url: str, access_key_id: str, access_key_secret: str) -> None:
        self.connection = Connection(url, access_key_id)
        self.endpoint = self.connection.endpoint
        self.url = self.connection.base_url
        self.access_key_id = access_key_id
        self.access_key_secret = access_key_secret
        self._owned_key: str | None = None
        self.outbox = Outbox(self.connection)
        self.addresses = Addresses(self.connection)
        self.calls = Calls(self.connection)
        self.clock = Clock(self.connection)
        self.faults = Faults(self.connection)

    def load(self, scenario: ScenarioLike, *, over: bool = False, name: str = "the scenario given") -> None:
        """Load a scenario into the account, or with `over` merge it into the loaded one; resets return to the result.

        The scenario is a built-in name, a path (with a slash, `.yaml`, `.yml` or `.json`), several of these separated by
        commas, or a mapping with the content of a file, which decisions cite as `name`. Raises `ScenarioError` if it is invalid.
        """
        warning = self.start_from(scenario, over=over, name=name)
        if warning is not None:
            warnings.warn(warning, stacklevel=2)

    def start_from(self, scenario: ScenarioLike, *, over: bool, name: str) -> str | None:
        """Load as `load` does, and return the warning, if any, instead of emitting it."""
        bundle = loader.bundle(*files_of(scenario, name))
        body = {"names": bundle.names, "files": bundle.files, "variables": bundle.variables}
        arguments = {"files": "true", "over": "true" if over else "false"}
        try:
            answer = self.connection.send("PUT", "scenario", body, arguments=arguments, seconds=LOAD_SECONDS)
        except EmulatorError as error:
            if "mistakes" not in error.answer:
                raise
            raise ScenarioError([Diagnostic(**mistake) for mistake in error.answer["mistakes"]]) from None
        ignored = ", ".join(answer["ignored"])
        if not ignored:
            return None
        names = ", ".join(bundle.names)
        return f"{names}: ignored {ignored}, which applies to a whole emulator; start the emulator with this scenario"

    def reset(self, *, unload: bool = False) -> None:
        """Reset the account to its loaded scenario, or with `unload` to the emulator's, with an empty outbox and call log."""
        self.connection.send("POST", "reset", b"", arguments={"unload": "true" if unload else "false"})

    def account(self, name: str) -> Client:
        """Return the client of an account that the scenario names; raises `EmulatorError` for any other name."""
        accounts = {one["name"]: one for one in self.connection.wide.send("GET", "accounts")["accounts"]}
        if name not in accounts:
            raise EmulatorError(f"no account `{name}` at {self.url}, expected {nearest(name, list(accounts))}")
        keys = [key for key in self._keys() if key["account"] == name and key["status"] == "active"]
        if keys:
            key = min(keys, key=lambda key: sum(name in key for name in _LIMITS))
            return Client(self.connection.url, key["id"], key["secret"])
        seen_with = accounts[name]["access_key_id"]
        if seen_with is not None and name.startswith(_UNNAMED):
            return Client(self.connection.url, seen_with, "")
        return self._registered(*_new_key(), account=name)

    def new_account(self, access_key_id: str | None = None, access_key_secret: str | None = None) -> Client:
        """Return the client of a separate account that starts from the emulator's scenario, with a new access key or the one named.

        A key with a secret is registered until the client is closed, so that wrong signatures are rejected. Without a secret, the
        one that the emulator knows is used; if it knows none, `access_key_secret` is empty and signatures are not checked.
        Raises `ValueError` for a secret without a key.
        """
        check_key(access_key_id, access_key_secret)
        if access_key_id is None:
            return self._registered(*_new_key())
        known = next((key["secret"] for key in self._keys() if key["id"] == access_key_id), "")
        if access_key_secret in (None, known):
            return Client(self.connection.url, access_key_id, known)
        return self._registered(access_key_id, access_key_secret)

    def close(self) -> None:
        """Delete the access key that was registered for this client, if any, and its separate account."""
        key_id, self._owned_key = self._owned_key, None
        if key_id is None:
            return
        try:
            self.connection.wide.send("DELETE", f"access-keys/{key_id}")
        except EmulatorError as error:
            # Loading another scenario or a long idle time may have deleted it.
            if error.status != HTTPStatus.NOT_FOUND:
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()

    def _keys(self) -> list[dict[str, Any]]:
        keys: list[dict[str, Any]] = self.connection.wide.send("GET", "access-keys", arguments={"secrets": "true"})["access_keys"]
        return keys

    def _registered(self, key_id: str, secret: str, *, account: str | None = None) -> Client:
        self.connection.wide.send("PUT", f"access-keys/{key_id}", {"secret": secret}, arguments={"account": account})
        client = Client(self.connection.url, key_id, secret)
        client._owned_key = key_id
        return client


def check_key(access_key_id: str | None, access_key_secret: str | None) -> None:
    """Raise `ValueError` for an invalid key."""
    if access_key_id is None and access_key_secret is not None:
        raise ValueError("found an access_key_secret without an access_key_id, expected both")
    for name, value in (("access_key_id", access_key_id), ("access_key_secret", access_key_secret)):
        if value is not None and (not isinstance(value, str) or not value.strip()):
            raise ValueError(f"{name}: found {value!r}, expected a non-empty string")


def _new_key() -> tuple[str, str]:
    return f"alimock-{secrets.token_hex(_KEY_BYTES)}", secrets.token_hex(_SECRET_BYTES)
