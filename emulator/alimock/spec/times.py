"""Times as the service and the scenarios write them: text in UTC+8, epoch seconds inside."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from functools import lru_cache

from alimock.spec.contract import DateStyle

# The service writes UTC+8: sibling samples pair such texts with epoch milliseconds.
UTC_PLUS_8 = timezone(timedelta(hours=8))
SECONDS_PER_DAY = 86_400

# `strftime("%b")` follows the locale of the process, so the months are spelled out.
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_PLAIN = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
_DURATION = re.compile(r"(?:\d+[dhms])+")
_UNIT_SECONDS = {"d": SECONDS_PER_DAY, "h": 3_600, "m": 60, "s": 1}


@lru_cache(maxsize=4096)
def format_time(seconds: int, style: DateStyle = DateStyle.NUMERIC) -> str:
    """Writes epoch seconds in UTC+8, as `2019-02-19 16:38:07` or `Dec 25,2017 03:38:46`."""
    moment = datetime.fromtimestamp(seconds, UTC_PLUS_8)
    clock = f"{moment.hour:02}:{moment.minute:02}:{moment.second:02}"
    if style is DateStyle.MONTH_NAME:
        return f"{_MONTHS[moment.month - 1]} {moment.day:02},{moment.year:04} {clock}"
    return f"{moment.year:04}-{moment.month:02}-{moment.day:02} {clock}"


def parse_time(text: str) -> int:
    """Reads `2019-02-19 16:38:07` (UTC+8) into epoch seconds; raises `ValueError` for anything else and for impossible dates."""
    if not _PLAIN.fullmatch(text):
        raise ValueError(text)
    moment = datetime.fromisoformat(text)
    if not 1800 <= moment.year < 9990:
        raise ValueError(text)
    return int(moment.replace(tzinfo=UTC_PLUS_8).timestamp())


def format_real_time(seconds: float) -> str:
    """Writes a real time in UTC, as `2026-11-22T06:00:00.000Z`: always three digits of a second, and Z."""
    moment = datetime.fromtimestamp(seconds, timezone.utc)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_duration(text: str) -> int:
    """Reads `90s`, `15m`, `2h`, `3d` or several in a row (`1d12h`) into seconds; raises `ValueError` for anything else."""
    if not _DURATION.fullmatch(text):
        raise ValueError(text)
    return sum(int(number) * _UNIT_SECONDS[unit] for number, unit in re.findall(r"(\d+)([dhms])", text))


def parse_delay(text: str) -> float:
    """Reads `500ms`, or what `parse_duration` reads, into seconds; raises `ValueError` for anything else."""
    milliseconds = re.fullmatch(r"(\d{1,9})ms", text)
    return int(milliseconds[1]) / 1000 if milliseconds else parse_duration(text)


def format_delay(seconds: float) -> str:
    """Writes seconds as `parse_delay` reads them."""
    milliseconds = round(seconds * 1000)
    return f"{milliseconds}ms" if milliseconds % 1000 else f"{milliseconds // 1000}s"


def day_of(seconds: int) -> int:
    """Gives the number of the UTC+8 day that a moment falls on."""
    return (seconds + 8 * 3_600) // SECONDS_PER_DAY
