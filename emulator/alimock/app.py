"""The whole emulator as one Flask application, for tests and for any WSGI server."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from copy import copy
from functools import cache
from http import HTTPStatus
from threading import Event
from typing import TYPE_CHECKING

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.routing import Rule

from alimock import wsgi
from alimock.api import endpoint
from alimock.api.faults import apply_without_wire
from alimock.api.http import HttpResponse
from alimock.backend import Backend, create_backend
from alimock.control import access_keys, accounts, addresses, calls, clock, faults, info, outbox, scenario, signature
from alimock.control.current import EXTENSION, backend
from alimock.control.errors import ControlError, conflict, control_error, http_error, scenario_error, unavailable
from alimock.mailpit import routes as mailpit
from alimock.scenario import loader
from alimock.scenario.argument import ScenarioLike, files_of
from alimock.scenario.diagnostics import ScenarioError
from alimock.security import HostPolicy
from alimock.settings import SettingError, resolve
from alimock.state.commands import Conflict
from alimock.state.executor import Unavailable
from alimock.web import pages, static_files

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from flask.typing import ResponseReturnValue

logger = logging.getLogger(__name__)

PROTECTED = ("/_alimock/", "/api/", "/view/")
CONTROL_API = (info, outbox, calls, accounts, access_keys, addresses, faults, clock, scenario, signature)
# The code of the web UI, which browsers request with an Origin. Behind a proxy, the page must load to show what is wrong.
_PUBLIC = static_files.PREFIX
# What does not show the state, and is shown without it.
_STATELESS = ("/_alimock/", "/_alimock/openapi.json", "/_alimock/fidelity", "/_alimock/scenario.schema.json")
# In a URL that is logged, for example of a call that was sent to another path.
_SECRET_VALUE = re.compile(r"((?:signature|token|secret|password)=)[^&]*", re.IGNORECASE)
# The settings that do not belong to alimock's own HTTP server.
APP_SETTINGS = ("auth", "profile", "host", "public_url", "control_token", "cors_origin", "limits")


def create_app(scenario: ScenarioLike = "default", **settings: str) -> Flask:
    """Return a new emulator as an application: the emulated API at `/`, the control API, Mailpit's API and the web UI.

    The scenario is a built-in name, a path (with a slash, `.yaml`, `.yml` or `.json`), several of these separated by commas,
    or a mapping with the content of a file. The settings are those of `alimock serve` that do not concern its own HTTP server, with
    the same values: `auth`, `profile`, `host`, `public_url`, `control_token`, `cors_origin` and `limits`. Raises
    `ScenarioError` and `ValueError`.

    The state is in memory, so a WSGI server must run the application in one process.
    """
    for name, value in settings.items():
        if name not in APP_SETTINGS:
            raise SettingError(f"create_app: found the setting `{name}`, expected one of {', '.join(APP_SETTINGS)}")
        if not isinstance(value, str):
            raise SettingError(f"create_app: found {name}={value!r}, expected a string as for `alimock serve`")
    return _with_backend(_routes(), create_backend(loader.load_files(*files_of(scenario)), resolve(settings, {}, as_options=False)))


def flask_app(backend: Backend) -> Flask:
    """Return the application of one emulator, to be used but not changed: its routes are those of other emulators, too.

    To make new ones takes 50 ms, which every test with an emulator of its own would wait for.
    """
    return _with_backend(copy(_shared_routes()), backend)


def _with_backend(app: Flask, backend: Backend) -> Flask:
    app.extensions = {EXTENSION: backend}
    app.config = copy(app.config)
    app.config["MAX_CONTENT_LENGTH"] = backend.limits.max_body_bytes
    app.wsgi_app = _with_client_paths(app.wsgi_app, backend.host_policy)  # type: ignore[assignment,method-assign]
    return app


def _routes() -> Flask:
    """Return an application without an emulator."""
    app = Flask("alimock", static_folder=None)
    # An address may start with a slash.
    app.url_map.merge_slashes = False
    app.url_map.converters["address"] = addresses.AddressConverter
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.before_request(_refuse_proxying)
    app.before_request(_check_access)
    app.after_request(_log)
    app.after_request(_add_cors_headers)
    app.after_request(_keep_redirect_on_host)
    app.register_error_handler(ControlError, control_error)
    app.register_error_handler(ScenarioError, scenario_error)
    app.register_error_handler(Conflict, conflict)
    app.register_error_handler(Unavailable, unavailable)
    app.register_error_handler(NotFound, _not_found)
    app.register_error_handler(HTTPException, http_error)
    for path, view in {"/": _call, **dict.fromkeys(endpoint.HEALTH_CHECKS, _health)}.items():
        # Unlike Flask's routes, a rule without methods accepts any.
        app.url_map.add(Rule(path, endpoint=view.__name__))
        app.view_functions[view.__name__] = view
    for resource in CONTROL_API:
        app.register_blueprint(resource.blueprint, url_prefix="/_alimock")
    app.register_blueprint(mailpit.blueprint)
    app.register_blueprint(mailpit.blueprint, name="mailpit_account", url_prefix="/_alimock/accounts/<access_key_id>")
    app.register_blueprint(pages.blueprint)
    return app


_shared_routes = cache(_routes)


def _with_client_paths(application: WSGIApplication, policy: HostPolicy) -> WSGIApplication:
    """Let every path begin with one slash, and let redirects and links have the scheme and the prefix that a proxy removed.

    Some clients of Mailpit's API send two slashes, and WSGI allows none. The path of the emulated API stays as it is, since the
    gateway knows no other.
    """

    def start(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path, scheme = environ.get("PATH_INFO", ""), environ.get("HTTP_X_FORWARDED_PROTO", "").partition(",")[0].lower()
        environ["PATH_INFO"] = "/" + path.lstrip("/") if path.strip("/") else path or "/"
        environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME") or policy.prefix(environ.get("HTTP_X_FORWARDED_PREFIX", ""))
        if scheme in ("http", "https"):
            environ["wsgi.url_scheme"] = scheme
        return application(environ, start_response)

    return start


def _call() -> Response:
    """Answer a call of the emulated API. Faults are applied as far as any WSGI server can; their delays keep a thread."""
    response = backend().call(wsgi.http_request(request.environ, request.get_data(cache=False)), request.script_root)
    if response.fault is None:
        return _response(response)
    _pause(response.fault.delay)
    sent = apply_without_wire(response)
    return Response(_after_pauses(sent.parts, sent.pause), sent.response.status, list(sent.response.headers))


def _not_found(error: NotFound) -> ResponseReturnValue:
    """Answer a call of the emulated API that was sent to another path as the gateway does."""
    # Flask keeps the error in the request, and the tracebacks refer to the request: a cycle that would keep the body.
    error.__traceback__ = error.__context__ = None
    try:
        http = wsgi.http_request(request.environ, request.get_data(cache=False))
    except HTTPException as unreadable:
        return http_error(unreadable)
    call = None if request.path.startswith(PROTECTED) else endpoint.misdirected_call(http)
    return http_error(error) if call is None else _response(backend().call(call, request.script_root))


def _after_pauses(parts: Iterable[bytes], pause: float) -> Iterable[bytes]:
    for part in parts:
        _pause(pause)
        yield part


def _pause(seconds: float) -> None:
    """Block the thread. Tests replace `time.sleep`."""
    Event().wait(seconds)


def _health() -> Response:
    """Answer a health check."""
    return _response(endpoint.health(request.method, request.path, backend().service.executor))


def _response(response: HttpResponse) -> Response:
    return Response(response.body, response.status, list(response.headers))


def _refuse_proxying() -> Response | None:
    """Refuse a request in absolute form to another host. Servers show the target as sent under one of two names."""
    target = request.environ.get("REQUEST_URI") or request.environ.get("RAW_URI", "")
    refusal = endpoint.proxy_refusal(request.method, target, backend().host_policy)
    return None if refusal is None else _response(refusal)


def _check_access() -> Response | None:
    """Reject cross-origin requests, DNS rebinding, and requests without the control token; answer preflight requests.

    A page of another site could otherwise read and change whatever a browser on this machine can reach.
    """
    if not request.path.startswith(PROTECTED) or request.path.startswith(_PUBLIC):
        return None
    policy, host, origin = backend().host_policy, request.headers.get("Host", ""), request.headers.get("Origin")
    if not policy.allows_host(host):
        public_url = f"{request.scheme}://{host[:100]}{request.script_root}"
        hint = f"Use 127.0.0.1 or localhost. Behind a forwarded port or a proxy, start alimock with --public-url {public_url}."
        raise ControlError(403, f"Unknown Host header {host[:100]!a}", hint)
    if origin is not None and not policy.allows_origin(origin, host):
        public_url = f"{origin[:100]}{request.script_root}"
        hint = (
            f"If this is alimock's own page, behind a forwarded port or a proxy, start alimock with --public-url {public_url}. "
            f"If it is a page of another application, start alimock with --cors-origin {origin[:100]}."
        )
        raise ControlError(403, f"Cross-origin request from {origin[:100]!a}", hint)
    if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers and policy.allows_cors(origin):
        # A preflight request, which browsers send without the control token.
        return Response(status=HTTPStatus.NO_CONTENT, headers=policy.cors_headers(origin, is_preflight=True))
    if not policy.authorizes(_token()):
        hint = "Send it as Authorization: Bearer TOKEN, or as the password of Basic (http://:TOKEN@host:port)."
        headers = {"WWW-Authenticate": 'Basic realm="alimock"'}
        raise ControlError(401, "The control token is missing or wrong", hint, headers=headers)
    if request.path not in _STATELESS:
        backend().service.executor.catch_up()
    return None


def _keep_redirect_on_host(response: Response) -> Response:
    """Let a redirect lead to a path alone, if a proxy may have changed the host."""
    policy, location = backend().host_policy, response.headers.get("Location", "")
    is_behind_proxy = policy.public_url is not None or policy.prefix(request.headers.get("X-Forwarded-Prefix", ""))
    # Werkzeug 2 makes no URL of an invalid host, and a response to one has no location.
    if location and is_behind_proxy and location.startswith(request.host_url):
        response.headers["Location"] = location[len(request.host_url) - 1 :]
    return response


def _add_cors_headers(response: Response) -> Response:
    """Let the pages of the configured origins read a response, whatever its status."""
    policy = backend().host_policy
    if policy.cors_origins and request.path.startswith(PROTECTED):
        response.headers.update(policy.cors_headers(request.headers.get("Origin")))
        response.vary.add("Origin")
    return response


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
    if request.endpoint == _call.__name__ or "x-acs-request-id" in response.headers:
        # The service logs its calls.
        return response
    level = logging.DEBUG if request.method in ("GET", "HEAD", "OPTIONS") else logging.INFO
    target = _SECRET_VALUE.sub(r"\1...", request.full_path).rstrip("?").encode("unicode_escape").decode()
    logger.log(level, "%s %s %s", response.status_code, request.method, target)
    return response
