"""The Flask application: everything but the emulated API, which is at `/`."""

from __future__ import annotations

import logging

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from alimock.api.service import Service
from alimock.control import access, access_keys, accounts, addresses, calls, clock, faults, info, outbox, scenario, signature
from alimock.control.backend import EXTENSION, Backend
from alimock.control.errors import ControlError, control_error, http_error, scenario_error
from alimock.mail.relay import Relay
from alimock.mailpit import routes as mailpit
from alimock.scenario.diagnostics import ScenarioError
from alimock.security import HostPolicy
from alimock.web import pages

logger = logging.getLogger(__name__)
CONTROL_API = (info, outbox, calls, accounts, access_keys, addresses, faults, clock, scenario, signature)


def create_app(service: Service, host_policy: HostPolicy, relay: Relay | None = None) -> Flask:
    """Return the application of one emulator."""
    app = Flask("alimock", static_folder=None)
    app.extensions[EXTENSION] = Backend(service, host_policy, relay)
    # An address may start with a slash.
    app.url_map.merge_slashes = False
    app.url_map.converters["address"] = addresses.AddressConverter
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.before_request(access.check_access)
    app.after_request(_log)
    app.register_error_handler(ControlError, control_error)
    app.register_error_handler(ScenarioError, scenario_error)
    app.register_error_handler(HTTPException, http_error)
    for resource in CONTROL_API:
        app.register_blueprint(resource.blueprint, url_prefix="/_alimock")
    app.register_blueprint(mailpit.blueprint)
    app.register_blueprint(mailpit.blueprint, name="mailpit_account", url_prefix="/_alimock/accounts/<access_key_id>")
    app.register_blueprint(pages.blueprint)
    return app


def _log(response: Response) -> Response:
    level = logging.DEBUG if request.method in ("GET", "HEAD") else logging.INFO
    target = request.full_path.rstrip("?").encode("unicode_escape").decode()
    logger.log(level, "%s %s %s", response.status_code, request.method, target)
    return response
