"""The control API's table of routes, its guard against other sites' pages, and its one shape of errors."""

from __future__ import annotations

import logging
from dataclasses import asdict
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

import yaml
from flask import Blueprint, Response, request
from werkzeug.exceptions import HTTPException, InternalServerError
from werkzeug.routing import BaseConverter

from alimock import __version__
from alimock.api.service import Service
from alimock.control import arguments
from alimock.control.access_keys import AccessKeysResource
from alimock.control.accounts import AccountsResource
from alimock.control.addresses import AddressesResource
from alimock.control.calls import JournalResource
from alimock.control.clock import ClockResource
from alimock.control.faults import FaultsResource
from alimock.control.guard import guard
from alimock.control.outbox import OutboxResource
from alimock.control.problem import Problem
from alimock.control.scenario import ScenarioResource
from alimock.control.signature import SignatureResource
from alimock.security import HostPolicy
from alimock.spec import fidelity
from alimock.state.store import Store

PREFIX = "/_alimock"

if TYPE_CHECKING:
    from alimock.mail.relay import Relay

logger = logging.getLogger(__name__)


class _AddressConverter(BaseConverter):
    """All the rest of a path: an address may have slashes, even at its beginning."""

    regex = ".+"
    part_isolating = False


def control(service: Service, host_policy: HostPolicy, relay: Relay | None = None) -> Blueprint:
    """Makes the control API of one emulator."""
    store = service.store
    outbox, addresses = OutboxResource(store, host_policy), AddressesResource(store)
    journal, access_keys = JournalResource(store), AccessKeysResource(store)
    faults, clock, scenario = FaultsResource(store), ClockResource(store), ScenarioResource(store)
    routes = (
        ("GET", f"{PREFIX}/info", lambda: _info(store, service.profile, relay)),
        ("GET", f"{PREFIX}/openapi.json", _openapi),
        ("GET", f"{PREFIX}/fidelity", _fidelity),
        ("GET", f"{PREFIX}/outbox", outbox.page),
        ("DELETE", f"{PREFIX}/outbox", outbox.delete),
        ("GET", f"{PREFIX}/outbox/wait", outbox.wait),
        ("GET", f"{PREFIX}/outbox/<mail_id>", outbox.show),
        ("DELETE", f"{PREFIX}/outbox/<mail_id>", outbox.delete_one),
        ("GET", f"{PREFIX}/outbox/<mail_id>/raw", outbox.raw),
        ("GET", f"{PREFIX}/accounts", AccountsResource(store).page),
        ("GET", f"{PREFIX}/access-keys", access_keys.page),
        ("PUT", f"{PREFIX}/access-keys/<path:key_id>", access_keys.put),
        ("DELETE", f"{PREFIX}/access-keys/<path:key_id>", access_keys.delete),
        ("GET", f"{PREFIX}/calls", journal.calls),
        ("GET", f"{PREFIX}/calls/count", journal.count),
        ("GET", f"{PREFIX}/calls/wait", journal.wait),
        ("GET", f"{PREFIX}/changes", journal.changes),
        ("GET", f"{PREFIX}/addresses", addresses.page),
        ("PUT", f"{PREFIX}/addresses/<address:email>", addresses.put),
        ("DELETE", f"{PREFIX}/addresses/<address:email>", addresses.delete),
        ("GET", f"{PREFIX}/faults", faults.page),
        ("PUT", f"{PREFIX}/faults/<path:fault_id>", faults.put),
        ("DELETE", f"{PREFIX}/faults/<path:fault_id>", faults.delete),
        ("GET", f"{PREFIX}/clock", clock.show),
        ("PUT", f"{PREFIX}/clock", clock.set),
        ("POST", f"{PREFIX}/clock/advance", clock.advance),
        ("GET", f"{PREFIX}/scenario", scenario.show),
        ("PUT", f"{PREFIX}/scenario", scenario.load),
        ("POST", f"{PREFIX}/reset", scenario.reset),
        ("POST", f"{PREFIX}/explain-signature", SignatureResource(service).explain),
    )
    blueprint = Blueprint("control", __name__)
    blueprint.record(lambda state: state.app.url_map.converters.update(address=_AddressConverter))
    for method, path, view in routes:
        blueprint.add_url_rule(path, f"{method} {path}".replace(".", "-"), view, methods=[method])
    blueprint.before_app_request(lambda: guard(host_policy))
    blueprint.after_app_request(_log)
    blueprint.register_error_handler(Problem, _problem)
    blueprint.app_errorhandler(Problem)(_problem)
    blueprint.app_errorhandler(HTTPException)(lambda error: _http_error(error, service))
    return blueprint


def _log(response: Response) -> Response:
    """Logs what changes the emulator, and at level debug what only looks."""
    level = logging.DEBUG if request.method in ("GET", "HEAD") else logging.INFO
    logger.log(
        level, "%s %s %s", response.status_code, request.method, request.full_path.rstrip("?").encode("unicode_escape").decode()
    )
    return response


def _info(store: Store, profile: str | None, relay: Relay | None) -> dict[str, object]:
    arguments.query()
    with store.lock:
        return {
            "version": __version__,
            "scenario": {"name": store.scenario.name, "description": store.scenario.description, "error": store.scenario_error},
            "profile": profile or store.scenario.profile,
            "authentication": store.authentication.value,
            "known_keys": sorted(store.access_keys),
            "accounts": len(store.accounts_for_view()),
            "evicted_accounts": store.evicted_accounts,
            "messages": len(store.outbox),
            "evicted_messages": store.outbox.evicted(),
            "relay": _relay(relay) if relay is not None else None,
            "cursor": store.cursor,
            "uptime_seconds": int(store.real_time() - store.started),
        }


def _relay(relay: Relay) -> dict[str, object]:
    return {"host": relay.host, "port": relay.port, "waiting": relay.waiting, **asdict(relay.counts)}


def _fidelity() -> dict[str, object]:
    arguments.query()
    return fidelity.document()


# It takes a tenth of a second to read.
@cache
def _openapi() -> dict[str, object]:
    document: dict[str, object] = yaml.safe_load(files("alimock.control").joinpath("openapi.yaml").read_bytes())
    return document


def _problem(problem: Problem) -> tuple[dict[str, object], int, dict[str, str]]:
    return problem.content, problem.status, problem.headers


def _http_error(error: HTTPException, service: Service) -> tuple[dict[str, object], int, list[tuple[str, str]]]:
    if isinstance(error, InternalServerError) and error.original_exception is not None:
        service.mistakes.append(error.original_exception)
    status = error.code or 500
    hints = {
        404: "the emulated API is at /, the control API is described at /_alimock/openapi.json",
        405: "see /_alimock/openapi.json for the methods of this path",
        500: "this is a mistake of alimock, please report it; its log says more",
    }
    allowed = [(name, value) for name, value in error.get_headers() if name == "Allow"]
    return {"message": f"{status} {error.name}", "hint": hints.get(status, error.description or "")}, status, allowed
