"""The address of the emulated API: what alimock answers there besides the service, whatever HTTP server it runs behind."""

from __future__ import annotations

import json
import logging
from http import HTTPStatus

from alimock.api import parse, serialize
from alimock.api.http import HttpRequest, HttpResponse
from alimock.security import HostPolicy
from alimock.spec.contract import LIST
from alimock.spec.profiles import PROFILES
from alimock.state.executor import Executor, Unavailable

logger = logging.getLogger(__name__)

READY = "/readyz"
HEALTH_CHECKS = ("/livez", READY)
_ALIVE = HttpResponse(HTTPStatus.OK, (("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", "3")), b"ok\n")
# A call may hold the store's lock for long if it has many addresses or sorts a large account.
_LONG_CALL_BYTES = 4 * 1024


def refusal_besides_service(http: HttpRequest, max_bytes: int, policy: HostPolicy, root: str = "") -> HttpResponse | None:
    """Return what alimock itself answers to a request to the emulated API, or None for a call.

    `root` is the path of an application that is mounted below another one.
    """
    profile = http.headers.get("x-alimock-profile")
    if profile is not None and profile not in PROFILES:
        message = f"X-Alimock-Profile: found `{profile}`, expected one of {', '.join(PROFILES)}"
        return refusal(HTTPStatus.BAD_REQUEST, message, "Omit the header to use the configured profile.")
    if len(http.body) > max_bytes:
        message = f"The body of an API call has {len(http.body):,} bytes, expected at most {max_bytes:,}"
        return refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, message, "Raise --limit max_call_bytes=N.")
    if _is_preflight(http):
        return serialize.PREFLIGHT
    if _is_navigation(http):
        root = root or policy.prefix(http.headers.get("x-forwarded-prefix", ""))
        headers = (("Location", f"{root}/_alimock/"), ("Content-Type", "text/html; charset=utf-8"), ("Content-Length", "0"))
        return HttpResponse(HTTPStatus.SEE_OTHER, headers, b"")
    return None


def misdirected_call(http: HttpRequest) -> HttpRequest | None:
    """Return a request to an unknown path as the call that it seems to be, or None if it is no call.

    Clients that forget the `?` have their parameters in the path.
    """
    in_path = http.path.lstrip("/?&") if "=" in http.path else ""
    call = http._replace(query="&".join(filter(None, (in_path, http.query))))
    return call if parse.is_like_a_call(call) else None


def _is_preflight(http: HttpRequest) -> bool:
    return http.method == "OPTIONS" and "origin" in http.headers and "access-control-request-method" in http.headers


def _is_navigation(http: HttpRequest) -> bool:
    """Return whether a browser opens the address. No SDK sends this header, and every call has an action."""
    if http.headers.get("sec-fetch-mode") != "navigate" or http.method not in ("GET", "HEAD"):
        return False
    return not parse.names_action(http)


def may_take_long(http: HttpRequest) -> bool:
    """Return whether a call may hold the store's lock for long: one of many addresses, or a List, which may sort an account."""
    return len(http.query) + len(http.body) > _LONG_CALL_BYTES or parse.may_name(http, LIST)


def health(method: str, path: str, executor: Executor) -> HttpResponse:
    """Answer a health check. Without its state an emulator is alive, but not ready."""
    if method not in ("GET", "HEAD"):
        return refusal(HTTPStatus.METHOD_NOT_ALLOWED, "405 Method Not Allowed", "Use GET.", ("Allow", "GET, HEAD"))
    if path == READY:
        try:
            executor.check_ready()
        except Unavailable as reason:
            message = f"The state is unavailable: {reason}"
            return refusal(
                HTTPStatus.SERVICE_UNAVAILABLE, message, "The log of alimock says when it is available again.", ("Retry-After", "1")
            )
    return _ALIVE


def proxy_refusal(method: str, target: str, policy: HostPolicy) -> HttpResponse | None:
    """Refuse a request to alimock as a proxy for another host than the service.

    With HTTP_PROXY set, SDKs send the absolute form. It is accepted for the service, so that unmodified programs reach alimock.
    """
    host = _other_host(method, target, policy)
    if host is None:
        return None
    logger.info("501 refused a proxy request for %s", host.encode("unicode_escape").decode())
    hint = f"Set NO_PROXY={host} for requests to other hosts, or unset HTTP_PROXY and HTTPS_PROXY."
    return refusal(HTTPStatus.NOT_IMPLEMENTED, f"alimock is not a proxy for {host}", hint)


def _other_host(method: str, target: str, policy: HostPolicy) -> str | None:
    if method == "CONNECT":
        return target.rpartition(":")[0] or "this host"
    scheme, separator, rest = target.partition("://")
    if not separator or scheme.lower() not in ("http", "https"):
        return None
    # User name and password may precede the host.
    host = rest.partition("/")[0].partition("?")[0].rpartition("@")[2]
    return None if policy.allows_absolute_form(host) else host or "this host"


def refusal(status: HTTPStatus, message: str, hint: str, *headers: tuple[str, str]) -> HttpResponse:
    """Return an error of alimock's own, in the shape of the control API's errors."""
    body = json.dumps({"message": message, "hint": hint}).encode()
    return HttpResponse(status, (("Content-Type", "application/json"), ("Content-Length", str(len(body))), *headers), body)
