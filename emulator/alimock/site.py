"""All that alimock answers beside the emulated API, as one Flask application: the control API, Mailpit's API, the pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask

from alimock.control.blueprint import control
from alimock.doors import Doors
from alimock.mailpit.blueprint import mailpit
from alimock.pages import pages
from alimock.service import Service

if TYPE_CHECKING:
    from alimock.relay import Relay


def site(service: Service, doors: Doors, relay: Relay | None = None) -> Flask:
    """Makes the site of one emulator."""
    made = Flask("alimock", static_folder=None)
    # An address may begin with a slash, and a redirect would lead to another.
    made.url_map.merge_slashes = False
    made.json.sort_keys = False  # type: ignore[attr-defined]
    made.json.ensure_ascii = False  # type: ignore[attr-defined]
    made.register_blueprint(control(service, doors, relay))
    made.register_blueprint(mailpit(service, doors))
    made.register_blueprint(pages(service))
    return made
