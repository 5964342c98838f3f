"""The reference: an emulator in this process that starts like the caller's account, without records."""

from __future__ import annotations

from alimock.api.http import HttpRequest, HttpResponse
from alimock.api.service import Service
from alimock.compare.calls import Caller
from alimock.scenario.model import AccessKey, Authentication, Scenario
from alimock.state.store import Store

_ACCOUNT = "default"


class Reference:
    """An emulator without a port, because it knows the caller's secret; its clock is set to the time of each call."""

    def __init__(self, caller: Caller, now: float) -> None:
        self._now = now
        key = AccessKey(caller.access_key_id, caller.secret, _ACCOUNT, "the caller's key", security_token=caller.security_token)
        scenario = Scenario("reference", authentication=Authentication.STRICT, access_keys={key.id: key}, user_ids={_ACCOUNT: None})
        self._store = Store(scenario, real_time=lambda: self._now)
        self._service = Service(self._store, log_call=None)

    def accept_unknown_keys(self) -> None:
        """Accept unsigned calls and unknown keys from now on, as alimock does by default and the service does not."""
        self._service.authentication = Authentication.KNOWN_KEYS

    def send(self, request: HttpRequest, now: float) -> HttpResponse:
        """Answer a request at a time in epoch seconds."""
        self._now = now
        return self._service.handle(request)

    def tokens(self) -> list[str]:
        """Return the tokens of all emails, oldest first."""
        return [mail.token for mail in self._store.outbox.newest_first()][::-1]
