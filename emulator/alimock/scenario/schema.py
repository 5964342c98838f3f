"""The keys of a scenario file and their types in tables, from which the loader's checks, JSON Schema and reference are derived."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import replace
from enum import Enum

from alimock.scenario.address_rules import ANSWERED_OPERATIONS, AddressOutcome, Status
from alimock.scenario.fields import Either, Entries, Items, JsonSchema, Key, Keys, Literal, OneOrMore, Reference, Scalar, Secret
from alimock.scenario.json_value import AnyValue
from alimock.scenario.model import Authentication, Body, Reset, Timestamps, UnknownKeys
from alimock.scenario.parser import SCENARIO_BEGINNING
from alimock.scenario.text_parsers import non_empty, one_of
from alimock.spec import address
from alimock.spec.contract import RAM_ACTIONS, VERSIONS
from alimock.spec.error_catalog import ANSWER_CODES, CATALOG, FAULT_CODES
from alimock.spec.profiles import PROFILES
from alimock.spec.times import parse_delay, parse_time

VERSION = "1"
MAXIMUM_DELAY_SECONDS = 3_600
_MAXIMUM = 999_999_999
# As in YAML 1.2.
_FLAGS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_TIME_JSON: JsonSchema = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$"}


def word(values: Collection[str], expected: str = "") -> Scalar:
    """Return a field that accepts one of some words; `expected` describes those that are too many to list."""
    return Scalar(expected or f"one of {', '.join(values)}", one_of(values), json={"enum": list(values)})


def choice(choices: type[Enum]) -> Scalar:
    """Return a field that accepts the values of an enumeration."""
    return replace(word([one.value for one in choices]), parse=choices)


def _number(expected: str, minimum: int, maximum: int, *, nullable: bool = False) -> Scalar:
    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) < 10 and minimum <= int(text) <= maximum):
            raise ValueError(text)
        return int(text)

    return Scalar(expected, parse, nullable=nullable, json={"type": "integer", "minimum": minimum, "maximum": maximum})


def _matching(pattern: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(text)
        return text

    return parse


def _flag(text: str) -> bool:
    return _FLAGS[one_of(_FLAGS)(text)]


def _delay(text: str) -> float:
    seconds = parse_delay(text)
    if not 0 < seconds <= MAXIMUM_DELAY_SECONDS:
        raise ValueError(text)
    return seconds


def _address(text: str) -> str:
    if not (address.is_pattern(text) if "*" in text else address.is_valid(text)):
        raise ValueError(text)
    return text


# Prose may mention a variable.
PROSE = Scalar("a text", non_empty)
TEXT = Literal("a text", non_empty)
FLAG = Scalar("true or false", _flag, json={"type": "boolean"})
COUNT = _number("a whole number up to 999999999", 0, _MAXIMUM)
POSITIVE = _number("a whole number from 1 to 999999999", 1, _MAXIMUM)
DAYS = _number("a whole number of days up to 36500, or null for no limit", 0, 36_500, nullable=True)
LIMIT = _number("a whole number up to 999999999, or null for no limit", 0, _MAXIMUM, nullable=True)
TIME = Scalar("a time like 2019-02-19 16:38:07 (UTC+8)", parse_time, json=_TIME_JSON)
DELAY = Scalar("a duration like 500ms or 2s, up to 1h", _delay, json={"type": "string", "pattern": r"^(\d+(ms|[hms]))+$"})
STATUS = _number("an HTTP status from 400 to 599", 400, 599)
ACTION = Scalar("an operation", _matching("[A-Z][A-Za-z0-9]{0,99}"), json={"type": "string", "pattern": "^[A-Z][A-Za-z0-9]*$"})
NAME = Scalar(
    "a name of letters, digits, - and _",
    _matching("[A-Za-z0-9_-]+"),
    json={"type": ["string", "integer"], "pattern": "^[A-Za-z0-9_-]+$"},
)
ADDRESS = Scalar("an address, or a pattern with *", _address, json={"type": "string"})
CLOCK_TIME = Scalar("a time like 2019-02-19 16:38:07 (UTC+8), or null for real time", parse_time, nullable=True, json=_TIME_JSON)
FILE = Literal("a built-in name, or a path", non_empty, json={"type": "string"})

_CODES = sorted({row.code for row in CATALOG if row.status is not None})
_ANSWER_WORD = word(
    ["success", "quota-exceeded", "illegal", *sorted(ANSWER_CODES)],
    "success, quota-exceeded, illegal or a code of the service (`alimock fidelity` lists them)",
)
_ANSWER = Reference("answer", "a response", lambda: ANSWER)

ANSWER: Either = Either(
    _ANSWER_WORD,
    Keys(
        {
            "answer": Key(
                _ANSWER_WORD,
                "`success` (the normal behavior of the operation), `quota-exceeded`, `illegal`, or a code of the service",
            ),
            "code": Key(TEXT, "a custom code in place of `answer`, marked as custom wherever alimock shows it"),
            "message": Key(PROSE, "message of the custom code, required with `code`"),
            "status": Key(STATUS, "HTTP status of the custom code; not used for an address in a batch", "400"),
            "times": Key(COUNT, "number of calls that get this before `then`", "1"),
            "then": Key(_ANSWER, "response to the calls after those"),
        }
    ),
)

RECORD = Keys(
    {
        "outcome": Key(choice(AddressOutcome), "response to Submit and Resend, and the record's status unless `status` is given"),
        "status": Key(choice(Status), "whether there is a record, and whether it is verified", "that of the outcome"),
        "email_verification_no": Key(TEXT, "EmailVerificationNo, masked or not", "32 hex digits derived from account and address"),
        "user_id": Key(TEXT, "UserId, masked or not", "the account's"),
        "send_ip": Key(TEXT, "client IP of the Submit, any text", "`127.0.0.1`"),
        "confirm_ip": Key(TEXT, "client IP of the verification, any text; only for verified records", "`127.0.0.1`"),
        "gmt_create": Key(TIME, "creation time of the record", "derived from the other times, else the start of the account"),
        "gmt_modified": Key(TIME, "time of the last change", "as above"),
        "token_send_time": Key(TIME, "time of the latest email", "as above"),
        "verification_time": Key(TIME, "time of the verification; only for verified records", "as above"),
        "token": Key(
            TEXT, "open token of a pending record; `/verify?token=` looks it up in `default`", "none until an email is sent"
        ),
        "sends_today": Key(COUNT, "number of emails already sent on the first day", "0"),
        "new_today": Key(FLAG, "whether the address counts as new on the first day", "`false`"),
        "exact": Key(FLAG, "whether a `*` or `${NAME}` in the address is literal text", "`false`"),
        "answers": Key(
            Keys({short: Key(_ANSWER, f"response of {operation}") for short, operation in ANSWERED_OPERATIONS.items()}),
            "responses of single operations, in place of their normal behavior",
            "none",
        ),
        "times": Key(COUNT, "number of Submit and Resend calls that get the response of the outcome before `then`", "1"),
        "then": Key(_ANSWER, "response to the Submit and Resend calls after those"),
    },
    also={"anyOf": [{"required": ["outcome"]}, {"required": ["status"]}], "dependentRequired": {"times": ["then"]}},
)

ACCESS_KEY = Keys(
    {
        "id": Key(TEXT, "AccessKeyId"),
        "secret": Key(Secret(), "secret that the client signs with; required unless the emulator already knows the key"),
        "status": Key(word(("active", "inactive")), "an inactive key is rejected", "`active`"),
        "security_token": Key(
            Secret(), "security token that signed calls of this key must carry", "none; any for a key that begins with STS."
        ),
        "expires": Key(TIME, "real time at which the security token expires", "never"),
        "permissions": Key(
            Items(word(RAM_ACTIONS)),
            f"RAM actions ({', '.join(f'`{name}`' for name in RAM_ACTIONS)}); other operations are rejected",
            "all",
        ),
    },
    required=("id",),
)

# For a request whose path has the id.
IDENTIFIED_ACCESS_KEY = replace(ACCESS_KEY, required=("secret",))

WHEN = Keys(
    {
        "action": Key(ACTION, "operation, or one of `stubs`", "any"),
        "email": Key(ADDRESS, "address, or pattern with `*`, in the parameter Email; one match in a batch is enough", "any"),
        "access_key_id": Key(TEXT, "access key", "any"),
        "version": Key(word(VERSIONS), "version of the API", "any"),
        "nth": Key(POSITIVE, "only the nth matching call", "every call"),
        "every": Key(POSITIVE, "only every nth matching call", "every call"),
    }
)

FAULT = Keys(
    {
        "id": Key(NAME, "name for reading, changing and deleting the fault", "`1`, `2` and so on"),
        "enabled": Key(FLAG, "whether it applies; one that does not counts no calls", "`true`"),
        "when": Key(WHEN, "the calls that match", "all"),
        "after": Key(COUNT, "number of matching calls that pass before the fault counts", "0"),
        "times": Key(COUNT, "maximum number of calls that it hits", "all"),
        "error": Key(
            word(sorted(FAULT_CODES), "a code of the service, such as Throttling.User (`alimock fidelity` lists them)"),
            "code of the service; the call is rejected with it and not executed",
            "none",
        ),
        "retry_after": Key(DELAY, "the header `x-acs-retry-after` (milliseconds) with an error", "no header"),
        "delay": Key(DELAY, "delay before the response", "none"),
        "slow": Key(DELAY, "duration over which the body is sent in pieces", "at once"),
        "reset": Key(
            choice(Reset), "reset of the connection in place of a response, `before` or `after` the call is executed", "none"
        ),
        "body": Key(
            choice(Body),
            "`truncated`: half of the body; `wrong-length`: Content-Length is half of it; `html-502`: a proxy's error page with "
            "status 502; `empty`: no body",
            "whole",
        ),
        "seen": Key(COUNT, "number of matching calls already seen", "0"),
        "hits": Key(COUNT, "number of calls already hit", "0"),
    },
    also={
        "anyOf": [{"required": [key]} for key in ("error", "delay", "slow", "reset", "body")],
        "dependentRequired": {"retry_after": ["error"]},
        "not": {"required": ["reset"], "anyOf": [{"required": [key]} for key in ("error", "slow", "body")]},
    },
)

CODE = Keys(
    {"status": Key(STATUS, "another HTTP status", "the service's"), "message": Key(PROSE, "another message", "the service's")}
)

ADDRESS_ENTRY = Either(choice(AddressOutcome), RECORD)
ADDRESSES = Entries(ADDRESS, Reference("address", "an outcome, or a mapping", lambda: ADDRESS_ENTRY), folded=True)

ACCOUNT = Keys(
    {
        "user_id": Key(TEXT, "UserId of the records", "16 digits derived from the name"),
        "access_keys": Key(Items(ACCESS_KEY), "access keys of this account", "none"),
        "addresses": Key(ADDRESSES, "addresses of this account only, merged over the common ones", "none"),
    }
)

CLOCK = Keys(
    {"now": Key(TIME, "initial time"), "frozen": Key(FLAG, "whether the clock is frozen at that time", "`true`")},
    required=("now",),
)

LIMITS = Keys(
    {
        "sends_per_address_per_day": Key(LIMIT, "emails per address per day (UTC+8)", "10"),
        "addresses_per_day": Key(LIMIT, "new addresses per account and UTC+8 day", "500"),
        "link_valid_days": Key(DAYS, "days after which a link expires", "3"),
    }
)

SCENARIO = Keys(
    {
        "alimock": Key(
            Scalar("1 (the version of this format)", one_of((VERSION,)), json={"const": int(VERSION)}),
            "version of this format, `1`; required",
        ),
        "extends": Key(
            OneOrMore(FILE),
            "the scenarios that this file is merged over: a built-in name, a path relative to this file, or a list of these",
            "none",
        ),
        "description": Key(PROSE, "one sentence about the scenario", "none"),
        "profile": Key(word(PROFILES), "generation of the API to emulate", "`current`"),
        "authentication": Key(choice(Authentication), "how signatures are checked", "`known-keys`"),
        "timestamps": Key(choice(Timestamps), "whether the timestamp of a signed request is compared with real time", "`checked`"),
        "unknown_keys": Key(choice(UnknownKeys), "account of access keys that the file does not name", "`own-account`"),
        "seed": Key(
            TEXT, "seed of request ids, numbers and tokens, which then repeat in every run and after every reset", "random"
        ),
        "clock": Key(Either(CLOCK_TIME, CLOCK), "time at which every account's clock is frozen, or a mapping", "real time"),
        "limits": Key(LIMITS, "limits of the service; `null` is no limit"),
        "accounts": Key(
            Entries(NAME, ACCOUNT), "named accounts; `default` takes the calls without an access key", "only `default`"
        ),
        "addresses": Key(
            ADDRESSES, "initial addresses of every account: an address or a pattern with `*`, and its outcome or record", "none"
        ),
        "faults": Key(Items(FAULT), "faults of whole calls", "none"),
        "stubs": Key(
            Entries(ACTION, AnyValue()),
            "canned responses of other operations of Domain: the fields of each response, with templates such as `{{ now }}`",
            "none",
        ),
        "codes": Key(
            Entries(word(_CODES, "a code of the service (`alimock fidelity` lists them)"), CODE),
            "codes of the service with another status or message",
            "the service's",
        ),
    },
    required=("alimock",),
    expected=SCENARIO_BEGINNING,
)


def json_schema() -> JsonSchema:
    """Return the JSON Schema of scenario files, with which editors complete and check them."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"alimock scenario, version {VERSION}",
        **SCENARIO.json_schema(),
        "$defs": {"answer": ANSWER.json_schema(), "address": ADDRESS_ENTRY.json_schema()},
    }
