"""Services on logs of commands, as processes have them."""

from __future__ import annotations

from alimock.api.service import Service
from alimock.persistence.command_log import CommandLog
from alimock.persistence.replica import Replica
from alimock.persistence.snapshot import Snapshot
from alimock.scenario.model import Scenario
from alimock.state.limits import StateLimits
from alimock.state.store import Store
from conftest import Api, Time, scenario


def replica(log: CommandLog, loaded: Scenario | None = None, *, limits: StateLimits | None = None) -> Api:
    """Start a service on a log."""
    time = Time()
    store = Store(loaded or scenario(), limits=limits, real_time=time)
    executor = Replica(store, log)
    executor.start()
    return Api(Service(store, executor=executor), time)


def digest(api: Api) -> str:
    """Return a digest of all that a service knows, after it has caught up."""
    api.service.executor.catch_up()
    return Snapshot(api.store).digest()
