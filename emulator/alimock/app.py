"""All that alimock answers beside the emulated API, as one Flask application: the control API, Mailpit's API, the pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask

from alimock.api.service import Service
from alimock.control.blueprint import control
from alimock.mailpit.routes import mailpit
from alimock.security import HostPolicy
from alimock.web.pages import pages

if TYPE_CHECKING:
    from alimock.mail.relay import Relay


def create_app(service: Service, host_policy: HostPolicy, relay: Relay | None = None) -> Flask:
    """Makes the site of one emulator."""
    made = Flask("alimock", static_folder=None)
    # An address may begin with a slash, and a redirect would lead to another.
    made.url_map.merge_slashes = False
    made.json.sort_keys = False  # type: ignore[attr-defined]
    made.json.ensure_ascii = False  # type: ignore[attr-defined]
    made.register_blueprint(control(service, host_policy, relay))
    made.register_blueprint(mailpit(service, host_policy))
    made.register_blueprint(pages(service))
    return made
