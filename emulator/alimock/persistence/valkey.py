"""The log of commands of any number of processes, in a stream of a Valkey or Redis server. Needs the extra `valkey`.

Two streams without expiry: `alimock:{NAME}:log` has a command in each entry, `alimock:{NAME}:snapshot` the latest snapshot, whose
id is the position of the last command in it. A server accepts no id that is not higher than the last one, so that neither a
snapshot nor a command can be put in the place of a later one. To see whether writing works, `alimock:{NAME}:probe` is written.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

import valkey
from valkey.backoff import NoBackoff
from valkey.retry import Retry

from alimock.persistence.command_log import START, Appended, CommandLog, Entry, Position, StoredSnapshot
from alimock.persistence.location import ValkeyServer
from alimock.state import system_clock
from alimock.state.executor import Unavailable

TIMEOUT_SECONDS = 1.0
IDLE_SECONDS = 1.0
# 0-0 is no valid id.
_FIRST: Position = (0, 1)
_COMMAND, _CONTENT = b"command", b"content"


class ValkeyLog(CommandLog):
    """A stream that several processes append to."""

    is_shared = True

    def __init__(self, server: ValkeyServer) -> None:
        self.name = f"{server.address}, state {server.name}"
        self._log, self._snapshot, self._probe = (f"alimock:{{{server.name}}}:{key}" for key in ("log", "snapshot", "probe"))
        self._client = self._connected(server.url, TIMEOUT_SECONDS)
        # Kept for commands: what a pool and a pipeline do for each of them costs more than the rest of an exchange.
        self._connection = self._client.connection_pool.make_connection()
        self._sent = START, 0
        self._used = 0.0
        # Its own connection, since it blocks.
        self._following = self._connected(server.url, 2 * TIMEOUT_SECONDS)

    def _connected(self, url: str, timeout: float) -> valkey.Valkey:
        tls = {"ssl_check_hostname": True} if url.startswith(("valkeys:", "rediss:")) else {}
        # A command that was sent may have been carried out, so none is sent again.
        retry = Retry(NoBackoff(), 0)
        return valkey.Valkey.from_url(
            url, socket_timeout=timeout, socket_connect_timeout=TIMEOUT_SECONDS, retry=retry, client_name="alimock", **tls
        )

    def append(self, after: Position, texts: Sequence[str]) -> Appended:
        """Append commands in one round trip, and find out whether the log still has the entry at `after`."""
        self.send(after, texts)
        return self.receive()

    def send(self, after: Position, texts: Sequence[str]) -> None:
        """Send commands in one piece."""
        commands = [*[("XADD", self._log, "*", _COMMAND, text) for text in texts], ("XRANGE", self._log, _id(after), "+")]
        self._sent = after, len(commands)
        if self.may_connect():
            self._drop_closed_connection()
        self._answer(lambda: self._connection.send_packed_command(self._connection.pack_commands(commands)))

    def may_connect(self) -> bool:
        """Return whether the server may have closed the connection because it was idle."""
        return system_clock.monotonic() >= self._used + IDLE_SECONDS

    def is_answered(self, seconds: float) -> bool:
        """Return whether the server has begun to answer."""
        return bool(self._answer(lambda: self._connection.can_read(seconds)))

    def receive(self) -> Appended:
        """Return the result of what was sent."""
        after, number = self._sent
        *ids, found = self._answer(lambda: self._results(number))
        self._used = system_clock.monotonic()
        entries, own = list(map(_entry, found)), list(map(_position, ids))
        if after <= _FIRST:
            return Appended(entries, own)
        # The first one is that at `after`, if the log still has it.
        is_lost = not entries or entries[0].position != after
        return Appended(entries if is_lost else entries[1:], own, is_lost)

    def probe(self) -> None:
        """Write a key: a server that is read-only or full still answers reads."""
        self._answer(lambda: self._client.set(self._probe, b""))

    def follow(self, after: Position, seconds: float) -> None:
        """Return when there are entries after a position, or after some seconds."""
        self._answer(lambda: self._following.xread({self._log: _id(after)}, count=1, block=int(seconds * 1000)))

    def snapshot(self) -> StoredSnapshot | None:
        """Return the latest snapshot, or None."""
        found = self._answer(lambda: self._client.xrevrange(self._snapshot, count=1))
        if not found:
            return None
        position, fields = found[0]
        try:
            return StoredSnapshot(_position(position), zlib.decompress(fields[_CONTENT]).decode())
        except (zlib.error, KeyError, UnicodeDecodeError) as error:
            raise Unavailable(f"{self.name}: the snapshot is damaged: {error}") from None

    def put_snapshot(self, snapshot: StoredSnapshot) -> bool:
        """Keep a snapshot and forget the entries before its last; return False if there is one at its position or later."""
        position = _id(max(snapshot.position, _FIRST))
        fields = {_CONTENT: zlib.compress(snapshot.text.encode(), 1)}
        try:
            self._answer(lambda: self._client.xadd(self._snapshot, fields, id=position, maxlen=1, approximate=False))
        except _Refused as error:
            if "equal or smaller" in str(error):
                return False
            raise
        if snapshot.position > START:
            self._answer(lambda: self._client.xtrim(self._log, minid=position, approximate=False))
        return True

    def close(self) -> None:
        """Disconnect."""
        self._connection.disconnect()
        for client in (self._client, self._following):
            client.close()  # type: ignore[no-untyped-call]

    def warning(self) -> str | None:
        """Return why the server may lose the state, or None."""
        try:
            policy = str(self._answer(lambda: self._client.info("memory")).get("maxmemory_policy"))
        except _Refused:
            # The user of the URL may not ask.
            return None
        if policy.startswith("allkeys"):
            return f"the server may evict the state (maxmemory-policy {policy}); set it to noeviction"
        return None

    def _drop_closed_connection(self) -> None:
        """Disconnect if the server has closed the connection, so that the next command opens another one."""
        try:
            is_closed = self._connection.can_read(0)
        except (valkey.ValkeyError, OSError):
            is_closed = True
        if is_closed:
            self._connection.disconnect()

    def _results(self, number: int) -> list[Any]:
        """Read the results of some commands. The first that is an error is raised when all were read."""
        results: list[Any] = []
        for _ in range(number):
            try:
                results.append(self._connection.read_response())
            except valkey.ResponseError as error:
                results.append(error)
        for result in results:
            if isinstance(result, Exception):
                raise result
        return results

    def _answer(self, ask: Any) -> Any:
        """Return what the server answers, and raise `Unavailable` with the reason if it does not or refuses."""
        try:
            return ask()
        except valkey.ResponseError as error:
            raise _Refused(f"{self.name}: {error}") from None
        except (valkey.ValkeyError, OSError) as error:
            raise Unavailable(f"{self.name}: {error or type(error).__name__}") from None


class _Refused(Unavailable):
    """The server answered with an error."""


def _id(position: Position) -> str:
    return f"{position[0]}-{position[1]}"


def _position(text: bytes) -> Position:
    milliseconds, _, number = text.decode().partition("-")
    return int(milliseconds), int(number)


def _entry(found: tuple[bytes, list[bytes]]) -> Entry:
    position, fields = _position(found[0]), found[1]
    return Entry(position, position[0] / 1000, fields[1].decode("utf-8", "replace"))
