"""Times and durations as text, as the service and scenarios write them. Inside alimock a time is epoch seconds."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from enum import Enum
from functools import lru_cache

# The service's time zone: samples of sibling operations pair such texts with epoch milliseconds.
UTC_PLUS_8 = timezone(timedelta(hours=8))
SECONDS_PER_DAY = 86_400

# `strftime("%b")` depends on the locale of the process.
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_PLAIN = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
_MONTH_NAME = re.compile(r"([A-Z][a-z]{2}) (\d\d),(\d{4}) (\d\d:\d\d:\d\d)")
_DURATION = re.compile(r"(?:\d+[dhms])+")
_UNIT_SECONDS = {"d": SECONDS_PER_DAY, "h": 3_600, "m": 60, "s": 1}


class DateStyle(Enum):
    """A format of a record's times, which are in UTC+8."""

    NUMERIC = "2019-02-19 16:38:07"
    MONTH_NAME = "Dec 25,2017 03:38:46"


@lru_cache(maxsize=4096)
def format_time(seconds: int) -> str:
    """Format epoch seconds in UTC+8 as in `2019-02-19 16:38:07`."""
    return datetime.fromtimestamp(seconds, UTC_PLUS_8).replace(tzinfo=None).isoformat(" ")


@lru_cache(maxsize=4096)
def format_month_name(seconds: int) -> str:
    """Format epoch seconds in UTC+8 as in `Dec 25,2017 03:38:46`."""
    moment = datetime.fromtimestamp(seconds, UTC_PLUS_8)
    return f"{_MONTHS[moment.month - 1]} {moment:%d},{moment.year:04} {moment:%H:%M:%S}"


TIME_FORMATS: Mapping[DateStyle, Callable[[int], str]] = {
    DateStyle.NUMERIC: format_time,
    DateStyle.MONTH_NAME: format_month_name,
}


def parse_time(text: str) -> int:
    """Parse `2019-02-19 16:38:07` (UTC+8) to epoch seconds; raise ValueError for any other text and for impossible dates."""
    if not _PLAIN.fullmatch(text):
        raise ValueError(text)
    moment = datetime.fromisoformat(text)
    if not 1800 <= moment.year < 9990:
        raise ValueError(text)
    return int(moment.replace(tzinfo=UTC_PLUS_8).timestamp())


def parse_any_style(text: str) -> tuple[DateStyle, int] | None:
    """Return the style and the epoch seconds of a time of a record (UTC+8), or None for any other text."""
    match = _MONTH_NAME.fullmatch(text)
    style = DateStyle.MONTH_NAME if match else DateStyle.NUMERIC
    if match and match[1] in _MONTHS:
        text = f"{match[3]}-{_MONTHS.index(match[1]) + 1:02}-{match[2]} {match[4]}"
    try:
        return style, parse_time(text)
    except ValueError:
        return None


def format_real_time(seconds: float) -> str:
    """Format a real time in UTC with milliseconds: `2026-11-22T06:00:00.000Z`."""
    moment = datetime.fromtimestamp(seconds, timezone.utc)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_duration(text: str) -> int:
    """Parse `90s`, `15m`, `2h`, `3d` or a sequence of them (`1d12h`) to seconds; raise ValueError for any other text."""
    if not _DURATION.fullmatch(text):
        raise ValueError(text)
    return sum(int(number) * _UNIT_SECONDS[unit] for number, unit in re.findall(r"(\d+)([dhms])", text))


def parse_delay(text: str) -> float:
    """Parse `500ms`, or any duration, to seconds; raise ValueError for any other text."""
    milliseconds = re.fullmatch(r"(\d{1,9})ms", text)
    return int(milliseconds[1]) / 1000 if milliseconds else parse_duration(text)


def format_delay(seconds: float) -> str:
    """Format seconds as `parse_delay` parses them."""
    milliseconds = round(seconds * 1000)
    return f"{milliseconds}ms" if milliseconds % 1000 else f"{milliseconds // 1000}s"


def day_of(seconds: int) -> int:
    """Return the number of the UTC+8 day that contains a time."""
    return (seconds + 8 * 3_600) // SECONDS_PER_DAY
