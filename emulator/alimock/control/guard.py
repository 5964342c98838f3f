"""Who may ask, and what links begin with: shared by all host_policy but the emulated API."""

from __future__ import annotations

from flask import request

from alimock.control.problem import Problem
from alimock.security import HostPolicy

# What a page of another site must not reach, and nobody without the token: the control API, its page and the outbox.
GUARDED = ("/_alimock/", "/api/", "/view/")


def guard(host_policy: HostPolicy) -> None:
    """Keeps the pages of other sites out: they could read and change what a browser on this machine can reach."""
    if not request.path.startswith(GUARDED):
        return
    host, origin = request.headers.get("Host", ""), request.headers.get("Origin")
    if not host_policy.knows(host):
        hint = "ask by 127.0.0.1 or localhost, or start alimock with --host or --public-url for this name"
        raise Problem(403, f"Host {host[:100]!a} is no name of this emulator", hint)
    if origin is not None and origin.partition("://")[2] != host and not host_policy.is_own_origin(origin):
        raise Problem(403, f"Origin {origin[:100]!a} is another site", "the control API answers no pages of other sites")
    if not host_policy.opens(_token()):
        hint = "send it as Authorization: Bearer TOKEN, or as the password of Basic (http://:TOKEN@host:port)"
        raise Problem(401, "the control token is missing or wrong", hint, headers={"WWW-Authenticate": 'Basic realm="alimock"'})


def _token() -> str | None:
    """Gives the token that a request comes with: a bearer's, or the password of any user, which browsers ask for."""
    try:
        given = request.authorization
    except ValueError:
        # It is not ASCII, which Werkzeug does not expect.
        return None
    if given is None:
        return None
    return given.token if given.type == "bearer" else given.password


def base_url(host_policy: HostPolicy) -> str:
    """Gives what the links of mails begin with for whoever asks now."""
    return host_policy.base_url(request.scheme, request.headers.get("Host", ""), request.environ.get("SERVER_PORT", ""))
