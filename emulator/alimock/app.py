"""The Flask application: everything but the emulated API, which is at `/`, and its access control."""

from __future__ import annotations

import logging

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from alimock.api.service import Service
from alimock.control import access_keys, accounts, addresses, calls, clock, faults, info, outbox, scenario, signature
from alimock.control.backend import EXTENSION, Backend, backend
from alimock.control.errors import ControlError, control_error, http_error, scenario_error
from alimock.mail.relay import Relay
from alimock.mailpit import routes as mailpit
from alimock.scenario.diagnostics import ScenarioError
from alimock.security import HostPolicy
from alimock.web import pages

logger = logging.getLogger(__name__)
PROTECTED = ("/_alimock/", "/api/", "/view/")
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
    app.before_request(_check_access)
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


def _check_access() -> None:
    """Reject cross-origin requests, DNS rebinding, and requests without the control token.

    A page of another site could otherwise read and change whatever a browser on this machine can reach.
    """
    if not request.path.startswith(PROTECTED):
        return
    policy, host, origin = backend().host_policy, request.headers.get("Host", ""), request.headers.get("Origin")
    if not policy.allows_host(host):
        hint = "Use 127.0.0.1 or localhost, or start alimock with --host or --public-url for this name."
        raise ControlError(403, f"Unknown Host header {host[:100]!a}", hint)
    if origin is not None and not policy.allows_origin(origin, host):
        raise ControlError(403, f"Cross-origin request from {origin[:100]!a}", "Send the request from alimock's own origin.")
    if not policy.authorizes(_token()):
        hint = "Send it as Authorization: Bearer TOKEN, or as the password of Basic (http://:TOKEN@host:port)."
        headers = {"WWW-Authenticate": 'Basic realm="alimock"'}
        raise ControlError(401, "The control token is missing or wrong", hint, headers=headers)


def _token() -> str | None:
    try:
        authorization = request.authorization
    except ValueError:
        # Werkzeug does not expect a header that is not ASCII.
        return None
    if authorization is None:
        return None
    # Browsers can only ask for Basic; any user name will do.
    return authorization.token if authorization.type == "bearer" else authorization.password


def _log(response: Response) -> Response:
    level = logging.DEBUG if request.method in ("GET", "HEAD") else logging.INFO
    target = request.full_path.rstrip("?").encode("unicode_escape").decode()
    logger.log(level, "%s %s %s", response.status_code, request.method, target)
    return response
