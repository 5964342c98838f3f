"""A service to compare with: a second emulator, with an altered scenario or altered responses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from alimock.api.http import HttpRequest, HttpResponse
from alimock.api.service import Service
from alimock.compare.calls import Caller
from alimock.compare.comparison import Comparison
from alimock.compare.conversation import load_all
from alimock.compare.endpoint import Exchange
from alimock.compare.plan import Plan
from alimock.compare.results import Outcome, Result
from alimock.scenario import loader
from alimock.scenario.export import to_yaml
from alimock.state.store import Store
from conftest import Time

EMAIL = "jo@real.example.com"
KEY_ID, SECRET = "LTAIreal0123456789", "real-Secret/0123+456="
Alteration = Callable[[HttpRequest, HttpResponse], HttpResponse]


def content(**changes: Any) -> dict[str, Any]:
    """Return the scenario of a service that knows the caller's key, with changes."""
    key = {"id": KEY_ID, "secret": SECRET, **changes.pop("key", {})}
    accounts = {"default": {"user_id": "1406926474061234", "access_keys": [key]}}
    return {"alimock": 1, "authentication": "strict", "accounts": accounts, **changes}


@dataclass
class FakeService:
    """A service that is called without a socket. The pauses of the comparison advance its time, and a person enters `entered`."""

    scenario: Mapping[str, Any] = field(default_factory=content)
    profile: str | None = None
    alter: Alteration = lambda request, response: response
    authority: str = "domain.aliyuncs.com"
    entered: str = "{}"

    def __post_init__(self) -> None:
        self.time = Time()
        loaded = loader.load_text(to_yaml(self.scenario).encode(), file="service.yaml")
        self.store = Store(loaded, real_time=self.time, seed=b"service")
        self._service = Service(self.store, self.profile)
        self.calls = 0

    def send(self, request: HttpRequest) -> Exchange:
        self.calls += 1
        return Exchange(self.alter(request, self._service.handle(request)), self.time.now)

    def sleep(self, seconds: float) -> None:
        self.time.now += seconds

    def ask(self, question: str) -> str:
        """Return the token of the mail that a question is about; a conversation with questions sends two mails."""
        tokens = [mail.token for mail in self.store.outbox.newest_first()][:2]
        return self.entered.format(tokens[0 if "email 2" in question else 1]) + "\n"


def caller(**changes: Any) -> Caller:
    values = {"access_key_id": KEY_ID, "secret": SECRET, "security_token": None, "version": "2018-01-29", "sign": "v1", **changes}
    return Caller(**values)


def comparison(service: Any, names: str = "", *, sleep: Callable[[float], None] | None = None, **changes: Any) -> Comparison:
    """Return a comparison of the named conversations, or of all those that are not on request."""
    who = caller(**changes)
    chosen = [one for one in load_all() if (one.name in names.split() if names else not one.opt_in)]
    plan = Plan(tuple(one.narrowed(who.version, who.sign, has_token=who.security_token is not None) for one in chosen), EMAIL)
    clock = getattr(service, "time", None)
    options = {"clock": clock, "ask": service.ask} if clock is not None else {}
    return Comparison(service, who, plan, sleep=sleep or service.sleep, **options)


def unlike(results: Iterator[Result] | list[Result]) -> dict[str, set[str]]:
    """Return the steps that differ, with the kinds of their differences and where they are."""
    return {
        result.name: {f"{one.kind.value} {one.where}".strip() for one in result.differences}
        for result in results
        if result.outcome is Outcome.DIFFERS
    }
