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

_TIMES = ("created", "received", "gmt_create", "gmt_modified", "token_send_time", "verification_time")


def value_of(kind: type[T], answer: Mapping[str, Any]) -> T:
    """Return the dataclass of a JSON object; unknown keys are ignored, missing ones are None."""
    return kind(**{field.name: _read(field.name, answer.get(field.name)) for field in fields(kind)})


def moment(text: str) -> datetime:
    """Return the datetime of a text from the control API: UTC with a Z, else UTC+8."""
    return datetime.fromisoformat(text[:-1] + "+00:00" if text.endswith("Z") else text + "+08:00")


def time_text(time: datetime | str) -> str:
    """Return a time as text for the control API; naive datetimes are in UTC+8, as in the service's responses."""
    if isinstance(time, str):
        return time
    local = time.astimezone(UTC_PLUS_8) if time.tzinfo is not None else time
    return local.strftime("%Y-%m-%d %H:%M:%S")


def given(**arguments: object) -> dict[str, str]:
    """Return the query arguments that are not None."""
    return {name: str(value) for name, value in arguments.items() if value is not None}


def _read(name: str, value: Any) -> Any:
    return moment(value) if name in _TIMES and value is not None else value
