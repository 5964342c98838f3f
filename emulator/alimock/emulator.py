"""An emulator in this process: a server in background threads, and its client."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

from alimock.backend import Backend, create_backend
from alimock.client.client import Client, check_key
from alimock.client.errors import EmulatorError
from alimock.scenario import loader
from alimock.scenario.argument import ScenarioLike, files_of
from alimock.server.listener import Listener
from alimock.server.server import Server
from alimock.settings import resolve

if TYPE_CHECKING:
    from typing_extensions import Self


_SET_BY_START = ("url", "endpoint", "access_key_id", "access_key_secret", "connection",
                 "outbox", "addresses", "calls", "clock", "faults")  # fmt: skip


class Emulator(Client):
    """An emulator on a free local port, running from `start` to `stop` or inside `with`; several are independent of each other.

        with Emulator(scenario="quota-exceeded") as emulator:
            client = Config(endpoint=emulator.endpoint, protocol="http", ...)

    It is also the client of the account `default`, or of the account of the access key, which is registered if it has a secret.
    The scenario is a built-in name, a path (with a slash, `.yaml`, `.yml` or `.json`), several of these separated by commas,
    or a mapping with the content of a file. `profile` and `auth` take the values of `--profile` and `--auth`. Raises
    `ScenarioError` for an invalid scenario and `ValueError` for an invalid setting.
    """

    def __init__(
        self,
        scenario: ScenarioLike = "default",
        *,
        access_key_id: str | None = None,
        access_key_secret: str | None = None,
        profile: str | None = None,
        auth: str | None = None,
        port: int = 0,
    ) -> None:
        check_key(access_key_id, access_key_secret)
        self._scenario = loader.load_files(*files_of(scenario))
        self._key = (access_key_id, access_key_secret)
        self._settings = resolve({"profile": profile, "auth": auth, "port": str(port)}, {}, as_options=False)
        self._server: Server | None = None
        self._backend: Backend | None = None

    @staticmethod
    def connect(url: str, access_key_id: str | None = None, access_key_secret: str | None = None) -> Client:
        """Return the client of a running emulator, for example at http://127.0.0.1:2546; raises `EmulatorError`."""
        unbound = Client(url, "", "")
        if access_key_id is None:
            return unbound.account("default")
        return unbound.new_account(access_key_id, access_key_secret)

    def start(self) -> Self:
        """Start the server and return once it is ready.

        Raises `OSError` if it cannot listen on the port, and `RuntimeError` if it is running already or if gevent or eventlet has
        replaced the threads of this process.
        """
        if self._server is not None:
            process = "" if self._server.is_running else " in the process that this one was forked from"
            raise RuntimeError(f"the emulator at {self.url} is already running{process}; create another Emulator")
        self._backend = create_backend(self._scenario, self._settings)
        server = Server(self._backend, Listener(self._settings.host, self._settings.port))
        server.start()
        self._server = server
        try:
            client = self.connect(server.url, *self._key)
        except BaseException:
            self._stop()
            raise
        super().__init__(client.connection.url, client.access_key_id, client.access_key_secret)
        return self

    def stop(self) -> None:
        """Stop the server, if it runs, and raise what `check` raises."""
        self._stop()
        self.check()

    def close(self) -> None:
        """Stop the server, as `stop` does."""
        self.stop()

    def check(self) -> None:
        """Raise `EmulatorError` if an internal error occurred in a background thread."""
        failures = self._backend.service.failures if self._backend is not None else None
        if failures:
            failure = failures.popleft()
            failures.clear()
            raise EmulatorError(f"Internal error in alimock: {failure!r}. Please report it with the traceback.") from failure

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._stop()
        if error is None:
            self.check()

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> object:
            if name in _SET_BY_START:
                raise AttributeError(f"no `{name}` before the start: use `with Emulator() as emulator:` or call `start()`")
            raise AttributeError(f"{type(self).__name__} has no `{name}`")

    def _stop(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.stop()
