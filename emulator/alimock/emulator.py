"""An emulator in the process of a test: a server in threads of its own, and the client that every other test has too."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

from alimock.api.service import Service
from alimock.client.client import Client, ScenarioLike, check_key, connected, files_of
from alimock.client.connection import EmulatorError
from alimock.scenario import loader
from alimock.security import HostPolicy
from alimock.server.dispatch import Application
from alimock.server.server import Server
from alimock.settings import resolve
from alimock.state.store import Store

if TYPE_CHECKING:
    from typing_extensions import Self


_GIVEN_BY_START = ("url", "endpoint", "access_key_id", "access_key_secret", "connection",
                   "outbox", "addresses", "calls", "clock", "faults")  # fmt: skip


class Emulator(Client):
    """An emulator on a free port of this machine, from `start` to `stop` or inside `with`; several do not disturb each other.

        with Emulator(scenario="quota-exceeded") as emulator:
            client = Config(endpoint=emulator.endpoint, protocol="http", ...)

    It shows the account `default`, or that of the key named, which is registered if it comes with a secret. The scenario is a
    built-in name, a path (with a slash or `.yaml`), several of these separated by commas, or a mapping of what a file says.
    `profile` and `auth` take what the settings `--profile` and `--auth` take. Raises `ScenarioError` for a scenario that is wrong,
    `ValueError` for a wrong setting.
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
        self._settings = resolve({"profile": profile, "auth": auth, "port": str(port)}, {})
        self._server: Server | None = None
        self._service: Service | None = None

    @staticmethod
    def connect(url: str, access_key_id: str | None = None, access_key_secret: str | None = None) -> Client:
        """Gives the same object for an emulator that runs elsewhere, such as http://127.0.0.1:2546; raises `EmulatorError`."""
        return connected(url, access_key_id, access_key_secret)

    def start(self) -> Self:
        """Starts to serve; it is ready when this returns. Raises `OSError` if the port cannot be had."""
        if self._server is not None:
            raise RuntimeError(f"the emulator at {self.url} runs already; make another one")
        self._service = Service(Store(self._scenario, authentication=self._settings.auth), self._settings.profile)
        server = Server(Application(self._service, HostPolicy()), self._settings.host, self._settings.port)
        server.start()
        self._server = server
        try:
            client = connected(server.url, *self._key)
        except BaseException:
            self._stop()
            raise
        super().__init__(client.connection.url, client.access_key_id, client.access_key_secret)
        return self

    def stop(self) -> None:
        """Stops at once, and raises what `check` raises. One that does not run is left alone."""
        self._stop()
        self.check()

    def close(self) -> None:
        """Stops, as `stop` does."""
        self.stop()

    def check(self) -> None:
        """Raises `EmulatorError` from an exception of alimock's own that happened in the server's threads, if there was one."""
        if self._service is not None and self._service.failures:
            mistake = self._service.failures.popleft()
            self._service.failures.clear()
            raise EmulatorError(f"alimock itself failed, please report this: {mistake!r}") from mistake

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._stop()
        if error is None:
            self.check()

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> object:
            if name in _GIVEN_BY_START:
                raise AttributeError(f"no `{name}` yet: start the emulator first, by `with Emulator() as emulator:` or `start()`")
            raise AttributeError(f"{type(self).__name__} has no `{name}`")

    def _stop(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.stop()
