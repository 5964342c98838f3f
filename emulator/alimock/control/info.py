"""The state of the emulator at a glance, the description of this API, and the fidelity ledger."""

from __future__ import annotations

from dataclasses import asdict
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

import yaml
from flask import Blueprint

from alimock import __version__
from alimock.control import arguments
from alimock.control.backend import backend, in_transaction, store
from alimock.spec import fidelity

if TYPE_CHECKING:
    from alimock.mail.relay import Relay

blueprint = Blueprint("info", __name__)


@blueprint.get("/info")
@in_transaction
def get_info() -> dict[str, object]:
    """Return the version, what is loaded, and counts."""
    arguments.query()
    scenario, relay = store().scenario, backend().relay
    return {
        "version": __version__,
        "scenario": {"name": scenario.name, "description": scenario.description, "error": store().scenario_error},
        "profile": backend().service.profile or scenario.profile,
        "authentication": store().authentication.value,
        "known_keys": sorted(store().keys.by_id),
        "accounts": len(store().accounts_for_view()),
        "evicted_accounts": store().evicted_accounts,
        "messages": len(store().outbox),
        "evicted_messages": store().outbox.evicted(),
        "relay": _relay(relay) if relay is not None else None,
        "cursor": store().cursor,
        "uptime_seconds": int(store().real_time() - store().started),
    }


@blueprint.get("/openapi.json")
def get_openapi() -> dict[str, object]:
    """Return the description of this API."""
    return _openapi()


@blueprint.get("/fidelity")
def get_fidelity() -> dict[str, object]:
    """Return the fidelity ledger."""
    arguments.query()
    return fidelity.document()


def _relay(relay: Relay) -> dict[str, object]:
    return {"host": relay.host, "port": relay.port, "waiting": relay.waiting, **asdict(relay.counts)}


# Parsing it takes 0.1 s.
@cache
def _openapi() -> dict[str, object]:
    document: dict[str, object] = yaml.safe_load(files("alimock.control").joinpath("openapi.yaml").read_bytes())
    return document
