"""What a scenario file may say, as one table of keys."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from enum import Enum
from http import HTTPStatus

from alimock import address
from alimock.contract import OPERATIONS, PROFILES, RAM_ACTIONS, VERSIONS
from alimock.errors import CATALOGUE, FAULT_CODES
from alimock.parsing import one_of
from alimock.scenario.addresses import Outcome, Status
from alimock.scenario.kinds import Either, Entries, Items, Keys, Scalar
from alimock.scenario.model import Authentication, Timestamps, UnknownKeys
from alimock.timeformat import parse_time


def _one_of(values: Collection[str]) -> Scalar:
    return Scalar(_listed(values), one_of(values))


def _choice(choices: type[Enum]) -> Scalar:
    return Scalar(_listed(choice.value for choice in choices), choices)


def _listed(values: Iterable[str]) -> str:
    return "one of " + ", ".join(values)


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


def _days(text: str) -> int:
    days = _count(text)
    if days > 36_500:
        raise ValueError(text)
    return days


def _account_name(text: str) -> str:
    if not re.fullmatch(r"[\w-]+", text):
        raise ValueError(text)
    return text


def _address(text: str) -> str:
    if "*" not in text and not address.is_valid(text):
        raise ValueError(text)
    return text


def _error_status(text: str) -> int:
    status = _count(text)
    if not 400 <= HTTPStatus(status) <= 599:
        raise ValueError(text)
    return status


_CODES = {row.code for row in CATALOGUE if row.status is not None}
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
        "status": _one_of(("active", "inactive")),
        "security_token": TEXT,
        "expires": TIME,
        "permissions": Items(_one_of(RAM_ACTIONS)),
    },
    required=("id",),
)

FAULT = Keys(
    {
        "when": Keys(
            {
                "action": _one_of(OPERATIONS),
                "email": TEXT,
                "access_key_id": TEXT,
                "version": _one_of(VERSIONS),
            }
        ),
        "times": COUNT,
        "error": Scalar("a code of the service, such as Throttling.User (see fixtures/README.md)", one_of(FAULT_CODES)),
    },
    required=("error",),
)

CODE = Keys({"status": Scalar("an HTTP status from 400 to 599", _error_status), "message": TEXT})
ACCOUNT = Keys({"user_id": TEXT, "access_keys": Items(ACCESS_KEY)})

SCENARIO = Keys(
    {
        "alimock": Scalar("1 (the version of this format)", _format_version),
        "extends": TEXT,
        "description": TEXT,
        "profile": _one_of(PROFILES),
        "authentication": _choice(Authentication),
        "timestamps": _choice(Timestamps),
        "unknown_keys": _choice(UnknownKeys),
        "clock": Scalar("a time like 2019-02-19 16:38:07 (UTC+8), or null for real time", parse_time, nullable=True),
        "limits": Keys({"sends_per_address_per_day": LIMIT, "addresses_per_day": LIMIT, "link_valid_days": DAYS}),
        "accounts": Entries(
            Scalar("a name of letters, digits, - and _", _account_name), Keys({"user_id": TEXT, "access_keys": Items(ACCESS_KEY)})
        ),
        "addresses": Entries(Scalar("an address, or a pattern with *", _address), Either(_choice(Outcome), RECORD), folded=True),
        "faults": Items(FAULT),
        "codes": Entries(Scalar("a code of the service (`alimock fidelity` lists them)", one_of(_CODES)), CODE),
    },
    required=("alimock",),
    expected="a mapping that begins with `alimock: 1`",
)
