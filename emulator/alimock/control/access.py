"""Access control of everything but the emulated API, the links of mails and the health checks."""

from __future__ import annotations

from flask import request

from alimock.control.backend import backend
from alimock.control.errors import ControlError

PROTECTED = ("/_alimock/", "/api/", "/view/")


def check_access() -> None:
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
