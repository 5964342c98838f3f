"""The one shape of errors of the control API: what is wrong (`message`) and what to do (`hint`)."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field

from werkzeug.exceptions import HTTPException, InternalServerError

from alimock.control.current import backend
from alimock.scenario.diagnostics import ScenarioError
from alimock.state.commands import Conflict
from alimock.state.executor import Unavailable

_HINTS = {
    404: "The emulated API is at /; the control API is described at /_alimock/openapi.json.",
    405: "See /_alimock/openapi.json for the methods of this path.",
    500: "Internal error in alimock; please report it with the log.",
}


@dataclass(eq=False)
class ControlError(Exception):
    """An error response; `details` are additional JSON keys."""

    status: int
    message: str
    hint: str
    headers: Mapping[str, str] = field(default_factory=dict, kw_only=True)
    details: Mapping[str, object] = field(default_factory=dict, kw_only=True)


def control_error(error: ControlError) -> tuple[dict[str, object], int, Mapping[str, str]]:
    """Return the response of a `ControlError`."""
    return {"message": error.message, "hint": error.hint, **error.details}, error.status, error.headers


def conflict(error: Conflict) -> tuple[dict[str, object], int]:
    """Return the response of a command that the state does not allow."""
    return {"message": error.message, "hint": error.hint}, 409


def unavailable(error: Unavailable) -> tuple[dict[str, object], int, Mapping[str, str]]:
    """Return the response while the state cannot be read or changed."""
    hint = "Retry later; the log of alimock says when the state is available again."
    return {"message": f"The state is unavailable: {error}", "hint": hint}, 503, {"Retry-After": "1"}


def scenario_error(error: ScenarioError) -> tuple[dict[str, object], int]:
    """Return the response of an invalid scenario, or part of one, with all its errors."""
    mistakes = [asdict(mistake) for mistake in error.mistakes]
    message = f"{len(mistakes)} error{'s' if len(mistakes) > 1 else ''}: {error}"
    return {"message": message, "hint": "Fix the errors and retry; nothing was changed.", "mistakes": mistakes}, 400


def http_error(error: HTTPException) -> tuple[dict[str, object], int, list[tuple[str, str]]]:
    """Return the response of an error that Flask raises, and record an exception of alimock's own for `Emulator.check`."""
    if isinstance(error, InternalServerError) and error.original_exception is not None:
        backend().service.failures.append(error.original_exception)
    status = error.code or 500
    allowed = [(name, value) for name, value in error.get_headers() if name == "Allow"]
    return {"message": f"{status} {error.name}", "hint": _HINTS.get(status, error.description or "")}, status, allowed


def suggestion(word: str, known: Collection[str]) -> str:
    """Return the hint for an unknown word: the most similar known one, or all of them."""
    matches = difflib.get_close_matches(word, known, n=1)
    return f"Did you mean {matches[0]}?" if matches else f"Expected one of: {', '.join(known) or 'none'}."
