"""Making frozen values of what the emulator answers."""

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
    """Makes a value of an answer's object; what it says beside is left out, and what it does not say is None."""
    return kind(**{field.name: _read(field.name, answer.get(field.name)) for field in fields(kind)})


def moment(text: str) -> datetime:
    """Reads a time as the emulator writes it: with a Z in UTC, without one in UTC+8."""
    return datetime.fromisoformat(text[:-1] + "+00:00" if text.endswith("Z") else text + "+08:00")


def time_text(time: datetime | str) -> str:
    """Writes a time as the emulator reads it; one without a zone is in UTC+8, as the service writes."""
    if isinstance(time, str):
        return time
    local = time.astimezone(UTC_PLUS_8) if time.tzinfo is not None else time
    return local.strftime("%Y-%m-%d %H:%M:%S")


def given(**arguments: object) -> dict[str, str]:
    """Gives the arguments that are not None, as the query has them."""
    return {name: str(value) for name, value in arguments.items() if value is not None}


def _read(name: str, value: Any) -> Any:
    return moment(value) if name in _TIMES and value is not None else value
