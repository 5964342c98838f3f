"""The clock of accounts: read, set, freeze and advance it."""

from __future__ import annotations

import json

from flask import Blueprint

from alimock.control import arguments
from alimock.control.current import execute, store, transaction
from alimock.control.errors import ControlError
from alimock.spec.times import format_time, parse_duration
from alimock.state.commands import AdvanceClock, Conflict, SetClock

blueprint = Blueprint("clock", __name__)


@blueprint.get("/clock")
def get_clock() -> dict[str, object]:
    """Return the time of an account, or the time that new accounts start with."""
    return _document(arguments.access_key_id())


@blueprint.put("/clock")
def set_clock() -> dict[str, object]:
    """Set the time, freeze or resume it; without `frozen` a clock stays as it is."""
    key_id, content = arguments.access_key_id(), arguments.json_body("now", "frozen")
    now, frozen = arguments.time(content, "now"), content.get("frozen")
    if not isinstance(frozen, bool | None) or not content:
        message = f"`frozen`: found {json.dumps(frozen)[:60]}" if content else "The body is empty"
        raise ControlError(400, message, 'Send {"now": "2019-02-19 16:38:07"}, {"frozen": true}, or both.')
    execute(SetClock(now, frozen, key_id))
    return _document(key_id)


@blueprint.post("/clock/advance")
def advance_clock() -> dict[str, object]:
    """Advance the time."""
    key_id, text = arguments.access_key_id(), arguments.string(arguments.json_body("by"), "by", "3d")
    try:
        seconds = parse_duration(text)
    except ValueError:
        raise ControlError(400, f"`by`: found {text[:60]!a}", "Give a duration in d, h, m and s, such as 3d or 1d12h.") from None
    try:
        execute(AdvanceClock(seconds, key_id))
    except Conflict as error:
        raise ControlError(400, f"`by`: {text[:60]} {error.message}", error.hint) from None
    return _document(key_id)


@transaction()
def _document(key_id: str | None) -> dict[str, object]:
    account = store().account_for_view(key_id) if key_id is not None else None
    clock = account.clock if account is not None else store().clock
    return {"now": format_time(clock.now()), "frozen": clock.frozen_at is not None}
