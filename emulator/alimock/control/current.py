"""The emulator behind the views of one Flask application, and the lock that views hold."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from flask import current_app, request

from alimock.backend import Backend
from alimock.mail import links
from alimock.state.commands import Command
from alimock.state.store import Store

T = TypeVar("T")
# The key of the backend in `app.extensions`, so that two emulators in one process share nothing.
EXTENSION = "alimock"


def backend() -> Backend:
    """Return the backend of the current application."""
    found: Backend = current_app.extensions[EXTENSION]
    return found


def store() -> Store:
    """Return the store of the current application."""
    return backend().service.store


def execute(command: Command[T]) -> T:
    """Execute a command. Views must not hold the lock then."""
    return backend().service.executor.execute(command)


def base_url() -> str:
    """Return the base URL of links in emails for the client of the current request."""
    host, port = request.headers.get("Host", ""), request.environ.get("SERVER_PORT", "")
    return links.base_url(backend().host_policy, request.scheme, host, port, request.script_root)


@contextmanager
def transaction() -> Iterator[None]:
    """Hold the store's lock in a `with` statement, or as `@transaction()` while a view runs.

    The code must not read the request's body: a slow client would block everything. Waiting for an event releases the lock.
    """
    with store().transaction():
        yield
