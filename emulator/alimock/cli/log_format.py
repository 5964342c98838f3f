"""The formats of the log of `alimock serve`: lines of text, aligned columns for a terminal, and JSON."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Protocol, TextIO

from alimock.api import call_log
from alimock.api.context import CallContext
from alimock.cli.color import Colors, colors, is_forced
from alimock.spec.times import format_real_time


class LogFormat(Protocol):
    """Formats what the log says, each with the newline at its end."""

    def record(self, level: str, message: str) -> str:
        """Return a message as it is written."""

    def call(self, context: CallContext) -> str:
        """Return the line about a call as it is written."""


class TextFormat:
    """Date, level and message, for files and programs."""

    def record(self, level: str, message: str) -> str:
        """Return a message as it is written."""
        return f"{_local_time()} {level} {message}\n"

    def call(self, context: CallContext) -> str:
        """Return the line about a call as it is written."""
        return f"{_local_time()} INFO {call_log.text(context)}\n"


class ColumnFormat:
    """Time, level, status, operation, code and duration of a call in columns, for a person at a terminal."""

    def __init__(self, colors: Colors) -> None:
        self._colors = colors
        self._levels = {"WARNING": colors.yellow, "ERROR": colors.red, "CRITICAL": colors.red}

    def record(self, level: str, message: str) -> str:
        """Return a message as it is written."""
        return f"{self._time()} {self._levels.get(level, '')}{level:<7} {message}{self._colors.reset}\n"

    def call(self, context: CallContext) -> str:
        """Return the line about a call as it is written."""
        color, dim, reset = self._color(context), self._colors.dim, self._colors.reset
        status, (action, key) = call_log.sent_status(context) or call_log.RESET, call_log.names(context)
        columns = f"{color}{status:>5}{reset} {action:<23} {color}{context.code:<16}{reset} {context.seconds * 1000:>6.1f} ms"
        rest = f"{key}, {context.authentication.value}: {call_log.details(context)}"
        return f"{self._time()} INFO    {columns}  {dim}{rest}{reset}\n"

    def _time(self) -> str:
        _, _, clock = _local_time().partition(" ")
        return f"{self._colors.dim}{clock}{self._colors.reset}"

    def _color(self, context: CallContext) -> str:
        status = call_log.sent_status(context)
        if status is None or status >= 400:
            return self._colors.red
        # An address that got an error code: codes begin with a capital letter, the words for a success do not.
        is_refused = any(one.outcome[:1].isupper() for one in context.outcomes)
        return self._colors.yellow if is_refused else self._colors.green


class JsonFormat:
    """One JSON object in each line, for a log collector."""

    def record(self, level: str, message: str) -> str:
        """Return a message as it is written."""
        return _json_line(level, message)

    def call(self, context: CallContext) -> str:
        """Return the line about a call as it is written."""
        outcomes = [{"email": one.email, "outcome": one.outcome, "decided_by": one.decided_by} for one in context.outcomes]
        return _json_line(
            "INFO",
            call_log.text(context),
            status=call_log.sent_status(context),
            action=context.request.action,
            code=context.code,
            access_key_id=context.request.credentials.access_key_id or None,
            authentication=context.authentication.value,
            outcomes=outcomes,
            mails=[one.mail_id for one in context.outcomes if one.mail_id is not None],
            fault=context.fault.id if context.fault is not None else None,
            duration_ms=round(context.seconds * 1000, 1),
            request_id=context.request_id,
        )


def log_format(name: str, stream: TextIO, environ: Mapping[str, str]) -> LogFormat:
    """Return the format for a value of the setting `log_format`, and for the stream that is written to."""
    if name == "json":
        return JsonFormat()
    is_for_person = stream.isatty() or is_forced(environ)
    return ColumnFormat(colors(stream, environ)) if is_for_person else TextFormat()


def _json_line(level: str, message: str, **call: object) -> str:
    return f"{json.dumps({'time': format_real_time(time.time()), 'level': level, 'message': message, **call})}\n"


def _local_time() -> str:
    """Return the local time in milliseconds."""
    now = time.time()
    return f"{_second(int(now))},{int(now % 1 * 1000):03}"


@lru_cache(maxsize=1)
def _second(now: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now))
