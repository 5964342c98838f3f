"""What a scenario file may say, as one table of keys: the loader's checks, the JSON Schema and the reference come from it."""

from __future__ import annotations

from dataclasses import replace

from alimock.scenario.address_rules import ANSWERED_OPERATIONS, AddressOutcome, Status
from alimock.scenario.fields import AnyValue, Either, Entries, Items, JsonSchema, Key, Keys, OneOrMore, Reference, Scalar, Secret
from alimock.scenario.model import Authentication, Body, Reset, Timestamps, UnknownKeys
from alimock.scenario.parser import SCENARIO_BEGINNING
from alimock.scenario.scalars import (
    ACTION,
    ADDRESS,
    CLOCK_TIME,
    COUNT,
    DAYS,
    DELAY,
    FILE,
    FLAG,
    LIMIT,
    NAME,
    POSITIVE,
    STATUS,
    TEXT,
    TIME,
    choice,
    word,
)
from alimock.scenario.text import one_of
from alimock.spec.contract import RAM_ACTIONS, VERSIONS
from alimock.spec.error_catalog import ANSWER_CODES, CATALOG, FAULT_CODES
from alimock.spec.profiles import PROFILES

VERSION = "1"

_CODES = sorted({row.code for row in CATALOG if row.status is not None})
_ANSWER_WORDS = ["success", "quota-exceeded", "illegal", *sorted(ANSWER_CODES)]
_THEN_TIMES = "how many calls get this before `then`"

ANSWER: Either = Either(
    Scalar(
        "success, quota-exceeded, illegal or a code of the service (`alimock fidelity` lists them)",
        one_of(_ANSWER_WORDS),
        json={"enum": _ANSWER_WORDS},
    ),
    Keys(
        {
            "answer": Key(
                Scalar(
                    "success, quota-exceeded, illegal or a code of the service",
                    one_of(_ANSWER_WORDS),
                    json={"enum": _ANSWER_WORDS},
                ),
                "`success` (what the operation does by itself), `quota-exceeded`, `illegal`, or a code of the service",
            ),
            "code": Key(TEXT, "in place of `answer`, a code of your own, marked as custom wherever alimock shows it"),
            "message": Key(TEXT, "the text of that code, required with it"),
            "status": Key(STATUS, "the HTTP status of that code; an address in a batch has none", "400"),
            "times": Key(COUNT, _THEN_TIMES, "1"),
            "then": Key(Reference("answer", "an answer", lambda: ANSWER), "the answer of the calls after those"),
        }
    ),
)

RECORD = Keys(
    {
        "outcome": Key(choice(AddressOutcome), "what Submit and Resend do, and the record's status if `status` does not say it"),
        "status": Key(choice(Status), "whether there is a record, and whether it is verified", "as the outcome says"),
        "email_verification_no": Key(TEXT, "the EmailVerificationNo, masked or not", "32 hex digits made from account and address"),
        "user_id": Key(TEXT, "the UserId, masked or not", "the account's"),
        "send_ip": Key(TEXT, "where the Submit came from, any text", "`127.0.0.1`"),
        "confirm_ip": Key(TEXT, "where the link was followed, any text; of verified records only", "`127.0.0.1`"),
        "gmt_create": Key(TIME, "when the record was made", "what follows from the others, else first sight of the account"),
        "gmt_modified": Key(TIME, "when it was changed last", "as above"),
        "token_send_time": Key(TIME, "when the newest mail was sent", "as above"),
        "verification_time": Key(TIME, "when it was verified; of verified records only", "as above"),
        "token": Key(
            TEXT, "an open token of a pending record; `/verify?token=` finds it in `default`", "none until a mail is sent"
        ),
        "sends_today": Key(COUNT, "how many mails were sent to it on the first day", "0"),
        "new_today": Key(FLAG, "whether it counts as one of the first day's new addresses", "`false`"),
        "exact": Key(FLAG, "whether a `*` in the address is a letter, and no pattern", "`false`"),
        "answers": Key(
            Keys(
                {
                    short: Key(Reference("answer", "an answer", lambda: ANSWER), f"what {operation} answers for it")
                    for short, operation in ANSWERED_OPERATIONS.items()
                }
            ),
            "what single operations answer for it, in place of what they would do",
        ),
        "times": Key(COUNT, "how many Submits and Resends get what the outcome says before `then`", "1"),
        "then": Key(Reference("answer", "an answer", lambda: ANSWER), "what Submit and Resend answer for it after those"),
    },
    also={"anyOf": [{"required": ["outcome"]}, {"required": ["status"]}], "dependentRequired": {"times": ["then"]}},
)

ACCESS_KEY = Keys(
    {
        "id": Key(TEXT, "the AccessKeyId"),
        "secret": Key(Secret(), "the secret that the client signs with; required, but for a key that the emulator already knows"),
        "status": Key(word(("active", "inactive")), "an inactive key is refused", "`active`"),
        "security_token": Key(Secret(), "the token that signed calls of this key must carry", "any is accepted"),
        "expires": Key(TIME, "a real time from which on that token is refused", "never"),
        "permissions": Key(
            Items(word(RAM_ACTIONS)),
            f"RAM actions ({', '.join(f'`{name}`' for name in RAM_ACTIONS)}); other operations are refused",
            "all",
        ),
    },
    required=("id",),
)

# Where its id is known already.
IDENTIFIED_ACCESS_KEY = replace(ACCESS_KEY, required=("secret",))

FAULT = Keys(
    {
        "id": Key(NAME, "a name to ask for it, change it and delete it by", "`1` and so on"),
        "when": Key(
            Keys(
                {
                    "action": Key(ACTION, "an operation, or one of `stubs`", "any"),
                    "email": Key(
                        ADDRESS,
                        "an address, or a pattern with `*`, in the parameter Email; one of a batch is enough",
                        "any",
                    ),
                    "access_key_id": Key(TEXT, "a key", "any"),
                    "version": Key(word(VERSIONS), "a version of the API", "any"),
                    "nth": Key(POSITIVE, "only the nth call that matches", "each"),
                    "every": Key(POSITIVE, "only every nth call that matches", "each"),
                }
            ),
            "which calls it hits",
            "all",
        ),
        "after": Key(COUNT, "how many matching calls pass before it counts", "0"),
        "times": Key(COUNT, "how many calls it hits", "all"),
        "error": Key(
            Scalar(
                "a code of the service, such as Throttling.User (`alimock fidelity` lists them)",
                one_of(FAULT_CODES),
                json={"enum": sorted(FAULT_CODES)},
            ),
            "a code of the service; the call is refused with it and not carried out",
        ),
        "retry_after": Key(DELAY, "the header `x-acs-retry-after` (milliseconds) beside an error", "no header"),
        "delay": Key(DELAY, "how long the answer waits", "not at all"),
        "slow": Key(DELAY, "over how long the body comes, piece by piece", "at once"),
        "reset": Key(choice(Reset), "resets the connection in place of an answer, `before` or `after` the call is carried out"),
        "body": Key(
            choice(Body),
            "`truncated`: half of it comes; `wrong-length`: Content-Length says half of it; `html-502`: a proxy's page with "
            "status 502; `empty`: none",
            "whole",
        ),
        "seen": Key(COUNT, "how many matching calls it has seen already", "0"),
        "hits": Key(COUNT, "how many calls it has hit already", "0"),
    },
    also={
        "anyOf": [{"required": [key]} for key in ("error", "delay", "slow", "reset", "body")],
        "dependentRequired": {"retry_after": ["error"]},
        "not": {"required": ["reset"], "anyOf": [{"required": [key]} for key in ("error", "slow", "body")]},
    },
)

CODE = Keys({"status": Key(STATUS, "another HTTP status"), "message": Key(TEXT, "another text")})

ADDRESS_ENTRY = Either(choice(AddressOutcome), RECORD)
ADDRESSES = Entries(ADDRESS, Reference("address", "an outcome, or a mapping", lambda: ADDRESS_ENTRY), folded=True)

ACCOUNT = Keys(
    {
        "user_id": Key(TEXT, "the UserId that records show", "16 digits made from the name"),
        "access_keys": Key(Items(ACCESS_KEY), "the keys whose calls go to this account", "none"),
        "addresses": Key(ADDRESSES, "addresses of this account alone, over the common ones", "none"),
    }
)

CLOCK = Keys(
    {"now": Key(TIME, "the time at which it is set"), "frozen": Key(FLAG, "whether it stands still there", "`true`")},
    required=("now",),
)

SCENARIO = Keys(
    {
        "alimock": Key(
            Scalar("1 (the version of this format)", one_of((VERSION,)), json={"const": int(VERSION)}),
            "the version of this format, `1`; required",
        ),
        "extends": Key(
            OneOrMore(FILE),
            "what this file lies over: a built-in name, a path beside this file, or a list of such",
            "the file starts empty",
        ),
        "description": Key(TEXT, "what the scenario shows", "none"),
        "profile": Key(word(PROFILES), "the generation of the API to speak", "`current`"),
        "authentication": Key(choice(Authentication), "how signatures are checked", "`known-keys`"),
        "timestamps": Key(choice(Timestamps), "whether a signed request's time is held against the real time", "`checked`"),
        "unknown_keys": Key(choice(UnknownKeys), "where the calls of keys go that the file does not name", "`own-account`"),
        "seed": Key(TEXT, "makes request ids, numbers and tokens the same in every run and after every reset", "random"),
        "clock": Key(
            Either(CLOCK_TIME, CLOCK),
            "the time at which every account's clock stands still, or a mapping",
            "real time",
        ),
        "limits": Key(
            Keys(
                {
                    "sends_per_address_per_day": Key(LIMIT, "mails to one address in a UTC+8 day", "10"),
                    "addresses_per_day": Key(LIMIT, "new addresses of an account in a UTC+8 day", "500"),
                    "link_valid_days": Key(DAYS, "how long a link can be followed", "3"),
                }
            ),
            "the service's limits; `null` is no limit",
        ),
        "accounts": Key(Entries(NAME, ACCOUNT), "named accounts; `default` takes the calls without a key", "`default` alone"),
        "addresses": Key(
            ADDRESSES, "what every account starts with: an address, or a pattern with `*`, and an outcome or a record", "none"
        ),
        "faults": Key(Items(FAULT), "what goes wrong with whole calls", "nothing"),
        "stubs": Key(
            Entries(ACTION, AnyValue()), "canned answers of other operations of Domain: the fields of each answer", "none"
        ),
        "codes": Key(
            Entries(Scalar("a code of the service (`alimock fidelity` lists them)", one_of(_CODES), json={"enum": _CODES}), CODE),
            "codes of the service that are answered otherwise",
            "the catalogue's",
        ),
    },
    required=("alimock",),
    expected=SCENARIO_BEGINNING,
)


def json_schema() -> JsonSchema:
    """Gives the JSON Schema of scenario files, by which editors complete and check them."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"alimock scenario, version {VERSION}",
        **SCENARIO.json_schema(),
        "$defs": {"answer": ANSWER.json_schema(), "address": ADDRESS_ENTRY.json_schema()},
    }
