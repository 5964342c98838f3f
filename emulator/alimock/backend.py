"""One emulator without an HTTP server: what answers requests, and by which rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from alimock.api import call_log, endpoint
from alimock.api.context import CallContext
from alimock.api.exchanges import Exchanges
from alimock.api.http import HttpRequest, HttpResponse
from alimock.api.service import Service
from alimock.persistence.location import ValkeyServer
from alimock.scenario.model import Scenario
from alimock.security import HostPolicy
from alimock.settings import ServerLimits, Settings
from alimock.state.executor import Executor
from alimock.state.store import Store

if TYPE_CHECKING:
    from alimock.mail.forwarder import Forwarder


class Backend:
    """The service of an emulator with its store, and the rules of access, limits and forwarding that apply around it."""

    def __init__(
        self,
        service: Service,
        host_policy: HostPolicy | None = None,
        forwarders: Sequence[Forwarder] = (),
        limits: ServerLimits | None = None,
    ) -> None:
        self.service = service
        self.host_policy = host_policy or HostPolicy()
        self.forwarders = forwarders
        self.limits = limits or ServerLimits()

    def call(self, http: HttpRequest, root: str = "") -> HttpResponse:
        """Answer a request to the emulated API; `root` is the path of an application that is mounted below another one."""
        refusal = self.refusal(http, root)
        return refusal if refusal is not None else self.service.handle(http)

    def refusal(self, http: HttpRequest, root: str = "") -> HttpResponse | None:
        """Return what alimock itself answers to a request to the emulated API, or None for a call."""
        return endpoint.refusal_besides_service(http, self.limits.max_call_bytes, self.host_policy, root)


def create_backend(
    scenario: Scenario, settings: Settings, log_call: Callable[[CallContext], None] | None = call_log.to_logger
) -> Backend:
    """Return the emulator that the settings describe. `log_call` receives each call, see `Service`.

    Raises `ValueError` if a state file cannot be used, and `ModuleNotFoundError` without the extra `valkey`.
    """
    store = Store(scenario, limits=settings.state_limits)
    executor = _replica(store, settings.state) if settings.state is not None else Executor(store)
    exchanges = Exchanges(settings.max_exchange_bytes)
    service = Service(store, settings.profile, log_call, authentication=settings.auth, executor=executor, exchanges=exchanges)
    host_policy = HostPolicy(settings.host, settings.public_url, settings.control_token, settings.cors_origin)
    return Backend(service, host_policy, _forwarders(settings, service.executor), settings.server_limits)


def _replica(store: Store, location: Path | ValkeyServer) -> Executor:
    # Imported late, since most emulators keep their state in memory.
    from alimock.persistence.replica import Replica

    if isinstance(location, Path):
        from alimock.persistence.sqlite import SqliteLog

        return Replica(store, SqliteLog(location))
    from alimock.persistence.valkey import ValkeyLog

    return Replica(store, ValkeyLog(location))


def _forwarders(settings: Settings, executor: Executor) -> list[Forwarder]:
    if settings.smtp_relay is None and settings.webhook is None:
        return []
    # Imported late, since they take time and few emulators forward mails.
    from alimock.mail.forwarder import Forwarder, Target
    from alimock.mail.relay import Relay
    from alimock.mail.webhook import Webhook

    targets: list[Target] = []
    if settings.smtp_relay is not None:
        targets.append(Relay(*settings.smtp_relay))
    if settings.webhook is not None:
        targets.append(Webhook(settings.webhook, executor.store))
    return [Forwarder(target, executor, settings.max_relay_mails) for target in targets]
