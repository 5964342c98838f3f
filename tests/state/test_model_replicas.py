"""The random sequences of `test_model`, whose requests go in turn to replicas that start again, from the log and from snapshots."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from alimock.api.service import Service
from alimock.persistence.command_log import CommandLog
from alimock.persistence.replica import Replica
from alimock.persistence.snapshot import Snapshot
from alimock.persistence.sqlite import SqliteLog
from alimock.scenario.model import Scenario
from alimock.state.store import Store
from conftest import Api
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import rule, run_state_machine_as_test
from persistence.replicas import MemoryLog
from test_model import SHORT, Machine

REPLICAS = 2
numbers = st.integers(0, REPLICAS - 1)


class Replicas(Machine):
    """Sends each request to another one of the replicas, which share a log in memory."""

    def start(self, loaded: Scenario) -> Api:
        """Return the first replica."""
        self.loaded = loaded
        self.log: CommandLog = MemoryLog(self.time)
        self.replicas = [self.replica() for _ in range(REPLICAS)]
        return self.replicas[0]

    def replica(self) -> Api:
        """Return a replica that was just started."""
        store = Store(self.loaded, real_time=self.time)
        executor = Replica(store, self.log)
        executor.start()
        return Api(Service(store, executor=executor), self.time)

    def call(self, key: str, action: str, profile: str | None = None, /, **parameters: object) -> dict[str, Any]:
        """Make a call to the next replica."""
        self.next()
        return super().call(key, action, profile, **parameters)

    def next(self) -> None:
        """Use the next replica."""
        self.use(self.replicas[(self.replicas.index(self.api) + 1) % len(self.replicas)])

    @rule(number=numbers)
    def kill_and_start(self, number: int) -> None:
        """Start a replica again, from the log."""
        self.replace(number, is_clean=False)

    @rule(number=numbers)
    def stop_and_start(self, number: int) -> None:
        """Start a replica again, from the snapshot that it made when it stopped."""
        self.replace(number, is_clean=True)

    def replace(self, number: int, *, is_clean: bool) -> None:
        """Start a replica again."""
        number %= len(self.replicas)
        was_used = self.replicas[number] is self.api
        if is_clean:
            self.replicas[number].service.executor.close()
        self.replicas[number] = self.replica()
        if was_used:
            self.use(self.replicas[number])

    @rule()
    def compare(self) -> None:
        """Compare the whole state of all replicas."""
        for one in self.replicas:
            one.service.executor.catch_up()
        assert len({Snapshot(one.store).digest() for one in self.replicas}) == 1

    def teardown(self) -> None:
        """Check that there was no internal error, and end the threads."""
        if hasattr(self, "replicas"):
            self.compare()
            for one in self.replicas:
                one.service.executor.close()
                assert not one.service.failures


class Restarts(Replicas):
    """Sends all requests to one process, which has a file of SQLite."""

    def start(self, loaded: Scenario) -> Api:
        """Return the process."""
        self.loaded, self.folder = loaded, TemporaryDirectory()
        self.open()
        self.replicas = [self.replica()]
        return self.replicas[0]

    def open(self) -> None:
        """Open the file."""
        self.log = SqliteLog(Path(self.folder.name) / "alimock.db", self.time)

    def replace(self, number: int, *, is_clean: bool) -> None:
        """Start the process again, and compare the state with that before."""
        before = Snapshot(self.api.store).digest()
        if is_clean:
            self.api.service.executor.close()
        else:
            self.log.close()
        self.open()
        self.replicas = [self.replica()]
        self.use(self.replicas[0])
        assert Snapshot(self.api.store).digest() == before

    def teardown(self) -> None:
        """Remove the file, too."""
        super().teardown()
        if hasattr(self, "folder"):
            self.folder.cleanup()


@pytest.mark.slow
@pytest.mark.parametrize("machine", [Replicas, Restarts])
def test_replicas_behave_like_the_model(machine: type[Replicas]) -> None:
    run_state_machine_as_test(machine, settings=settings(SHORT, max_examples=10))
