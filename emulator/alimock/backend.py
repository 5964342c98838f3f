"""One emulator without an HTTP server: what answers requests, and by which rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from alimock.api import call_log, endpoint
from alimock.api.http import HttpRequest, HttpResponse
from alimock.api.service import Service
from alimock.scenario.model import Scenario
from alimock.security import HostPolicy
from alimock.settings import ServerLimits, Settings
from alimock.state.store import Store

if TYPE_CHECKING:
    from alimock.mail.relay import Relay


class Backend:
    """The service of an emulator with its store, and the rules of access, limits and relay that apply around it."""

    def __init__(
        self,
        service: Service,
        host_policy: HostPolicy | None = None,
        relay: Relay | None = None,
        limits: ServerLimits | None = None,
    ) -> None:
        self.service = service
        self.host_policy = host_policy or HostPolicy()
        self.relay = relay
        self.limits = limits or ServerLimits()

    def call(self, http: HttpRequest, root: str = "") -> HttpResponse:
        """Answer a request to the emulated API; `root` is the path of an application that is mounted below another one."""
        return endpoint.call(self.service, http, self.limits.max_call_bytes, root)


def create_backend(
    scenario: Scenario, settings: Settings, write_line: Callable[[str], None] | None = call_log.to_logger
) -> Backend:
    """Return the emulator that the settings describe. `write_line` receives a line about each call, see `Service`."""
    store = Store(scenario, authentication=settings.auth, limits=settings.state_limits)
    host_policy = HostPolicy(settings.host, settings.public_url, settings.control_token, settings.cors_origin)
    return Backend(Service(store, settings.profile, write_line), host_policy, _relay(settings), settings.server_limits)


def _relay(settings: Settings) -> Relay | None:
    if settings.smtp_relay is None:
        return None
    # Imported late, since it takes time and few emulators relay mails.
    from alimock.mail.relay import Relay

    return Relay(*settings.smtp_relay, settings.max_relay_mails)
