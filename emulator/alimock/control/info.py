"""The state of the emulator at a glance, the description of this API, and the fidelity ledger."""

from __future__ import annotations

from dataclasses import asdict
from functools import cache
from typing import TYPE_CHECKING

import yaml
from flask import Blueprint

from alimock import __version__, package_data
from alimock.control import arguments
from alimock.control.current import backend, store, transaction
from alimock.scenario import schema
from alimock.spec import fidelity

if TYPE_CHECKING:
    from alimock.mail.forwarder import Forwarder

blueprint = Blueprint("info", __name__)


@blueprint.get("/info")
@transaction()
def get_info() -> dict[str, object]:
    """Return the version, what is loaded, and counts."""
    arguments.query()
    scenario, executor = store().scenario, backend().service.executor
    forwarding = {forwarder.target.name: _forwarding(forwarder) for forwarder in backend().forwarders}
    return {
        "version": __version__,
        "scenario": {"name": scenario.name, "description": scenario.description, "error": store().scenario_error},
        "state": {"location": executor.location, "warning": executor.warning},
        "profile": backend().service.profile or scenario.profile,
        "authentication": (backend().service.authentication or scenario.authentication).value,
        "limits": asdict(scenario.limits),
        "known_keys": sorted(store().keys.by_id),
        "accounts": len(store().accounts_for_view()),
        "evicted_accounts": store().evicted_accounts,
        "messages": len(store().outbox),
        "evicted_messages": store().outbox.evicted(),
        "relay": forwarding.get("relay"),
        "webhook": forwarding.get("webhook"),
        "cursor": store().cursor,
        "uptime_seconds": int(store().real_time() - store().started),
    }


def _forwarding(forwarder: Forwarder) -> dict[str, object]:
    return {**forwarder.target.document, "waiting": forwarder.waiting, **asdict(forwarder.counts)}


@blueprint.get("/openapi.json")
@cache  # Parsing it takes 0.1 s.
def get_openapi() -> dict[str, object]:
    """Return the description of this API."""
    document: dict[str, object] = yaml.safe_load(package_data.read("control/openapi.yaml"))
    return document


@blueprint.get("/scenario.schema.json")
def get_scenario_schema() -> dict[str, object]:
    """Return the JSON Schema of scenarios, to which editors can refer by its URL."""
    arguments.query()
    return schema.json_schema()


@blueprint.get("/fidelity")
def get_fidelity() -> dict[str, object]:
    """Return the fidelity ledger."""
    arguments.query()
    return fidelity.document(fidelity.ledger())
