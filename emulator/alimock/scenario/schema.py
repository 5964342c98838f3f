"""What a scenario file may say, as one table of keys."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from enum import Enum

from alimock import address
from alimock.contract import PROFILES
from alimock.scenario.kinds import Either, Entries, Items, Keys, Scalar
from alimock.scenario.model import Authentication, Outcome, Status, Timestamps, UnknownKeys
from alimock.timeformat import parse_time


def _one_of(values: Iterable[str], parse: Callable[[str], object]) -> Scalar:
    return Scalar("one of " + ", ".join(values), parse)


def _choice(choices: type[Enum]) -> Scalar:
    return _one_of((choice.value for choice in choices), choices)


def _non_empty(text: str) -> str:
    if not text.strip():
        raise ValueError(text)
    return text


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ValueError(text)
    return int(text)


def _format_version(text: str) -> str:
    if text != "1":
        raise ValueError(text)
    return text


def _profile(text: str) -> str:
    if text not in PROFILES:
        raise ValueError(text)
    return text


def _days(text: str) -> int:
    days = _count(text)
    if days > 36_500:
        raise ValueError(text)
    return days


def _account_name(text: str) -> str:
    if not re.fullmatch(r"[\w-]+", text):
        raise ValueError(text)
    return text


def _key_status(text: str) -> str:
    if text not in ("active", "inactive"):
        raise ValueError(text)
    return text


def _address(text: str) -> str:
    if "*" not in text and not address.is_valid(text):
        raise ValueError(text)
    return text


TEXT = Scalar("a text", _non_empty)
COUNT = Scalar("a whole number to 999999999", _count)
DAYS = Scalar("a whole number of days to 36500, or null for no limit", _days, nullable=True)
LIMIT = Scalar("a whole number to 999999999, or null for no limit", _count, nullable=True)
TIME = Scalar("a time like 2019-02-19 16:38:07 (UTC+8)", parse_time)

RECORD = Keys(
    {
        "outcome": _choice(Outcome),
        "status": _choice(Status),
        "email_verification_no": TEXT,
        "user_id": TEXT,
        "send_ip": TEXT,
        "confirm_ip": TEXT,
        "gmt_create": TIME,
        "gmt_modified": TIME,
        "token_send_time": TIME,
        "verification_time": TIME,
        "token": TEXT,
        "sends_today": COUNT,
    }
)

ACCESS_KEY = Keys(
    {
        "id": TEXT,
        "secret": TEXT,
        "status": _one_of(("active", "inactive"), _key_status),
        "security_token": TEXT,
        "expires": TIME,
    },
    required=("id",),
)

ACCOUNT = Keys({"user_id": TEXT, "access_keys": Items(ACCESS_KEY)})

SCENARIO = Keys(
    {
        "alimock": Scalar("1 (the version of this format)", _format_version),
        "extends": TEXT,
        "description": TEXT,
        "profile": _one_of(PROFILES, _profile),
        "authentication": _choice(Authentication),
        "timestamps": _choice(Timestamps),
        "unknown_keys": _choice(UnknownKeys),
        "clock": Scalar("a time like 2019-02-19 16:38:07 (UTC+8), or null for real time", parse_time, nullable=True),
        "limits": Keys({"sends_per_address_per_day": LIMIT, "addresses_per_day": LIMIT, "link_valid_days": DAYS}),
        "accounts": Entries(
            Scalar("a name of letters, digits, - and _", _account_name), Keys({"user_id": TEXT, "access_keys": Items(ACCESS_KEY)})
        ),
        "addresses": Entries(Scalar("an address, or a pattern with *", _address), Either(_choice(Outcome), RECORD), folded=True),
    },
    required=("alimock",),
    expected="a mapping that begins with `alimock: 1`",
)
