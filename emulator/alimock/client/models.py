"""Conversion between the JSON of the control API and Python values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from alimock.spec.times import UTC_PLUS_8

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    T = TypeVar("T", bound=DataclassInstance)

_TIMES = ("created", "received", "link_expires", "gmt_create", "gmt_modified", "token_send_time", "verification_time")


def value_of(kind: type[T], answer: Mapping[str, Any]) -> T:
    """Return the dataclass of a JSON object; unknown keys are ignored, missing ones are None."""
    values = {field.name: answer.get(field.name) for field in fields(kind)}
    return kind(**{name: moment(value) if name in _TIMES and value is not None else value for name, value in values.items()})


def moment(text: str) -> datetime:
    """Return the datetime of a text from the control API: UTC with a Z, else UTC+8."""
    return datetime.fromisoformat(text[:-1] + "+00:00" if text.endswith("Z") else text + "+08:00")


def time_text(time: datetime | str | None) -> str | None:
    """Return a time as text for the control API; naive datetimes are in UTC+8, as in the service's responses."""
    if not isinstance(time, datetime):
        return time
    local = time.astimezone(UTC_PLUS_8) if time.tzinfo is not None else time
    return local.strftime("%Y-%m-%d %H:%M:%S")
