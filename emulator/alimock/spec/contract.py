"""The wire contract as frozen data: operations, parameters, result fields, and how each profile spells and orders them.

Nothing here runs at a call; `gateway.parameters` and `gateway.render` read these tables. The names on the wire are the vendor's
own (`SuccessList`); inside alimock the same name is written in snake case (`success_list`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

from alimock.spec.evidence import Evidence

_PAGES_AND_SDKS = "the pages and every SDK"

# What an operation gives back, by names in snake case; times are epoch seconds, and None is an absent value.
Field = str | int | bool | None
Row = Mapping[str, Field]
Result = Mapping[str, Field | tuple[Row, ...]]


class Format(Enum):
    """The two formats of a body, named as the parameter `Format` names them."""

    XML = "XML"
    JSON = "JSON"


class ParameterType(Enum):
    """What the text of a parameter stands for."""

    TEXT = "text"
    ADDRESSES = "comma-separated addresses"
    BOOLEAN = "true or false in any letter case"
    INTEGER = "integer"


def snake_case(name: str) -> str:
    """Gives the name that alimock uses inside for a name on the wire: `SendIfExist` becomes `send_if_exist`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


@dataclass(frozen=True)
class Parameter:
    """One parameter of an operation; absent and empty are the same to the gateway."""

    name: str
    kind: ParameterType = ParameterType.TEXT
    required: bool = False
    default: str | bool | int | None = None
    minimum: int | None = None
    maximum: int | None = None
    evidence: Evidence = Evidence.DOCUMENTED
    source: str = _PAGES_AND_SDKS


@dataclass(frozen=True)
class Operation:
    """One operation of the API: the RAM action that allows it, its parameters, and the versions that have it."""

    name: str
    ram_action: str
    parameters: tuple[Parameter, ...]
    versions: tuple[str, ...]
    evidence: Evidence = Evidence.DOCUMENTED
    source: str = _PAGES_AND_SDKS


@dataclass(frozen=True)
class Version:
    """A version of the API, with the product and the endpoint that the service publishes it under."""

    name: str
    product: str
    endpoint: str


DOMAIN = Version("2018-01-29", product="Domain", endpoint="domain.aliyuncs.com")
DOMAIN_INTL = Version("2017-12-18", product="Domain-intl", endpoint="domain-intl.aliyuncs.com")
VERSIONS: Mapping[str, Version] = {version.name: version for version in (DOMAIN, DOMAIN_INTL)}

# Every operation takes these two (all SDKs; the pages before 2020 leave UserClientIp out).
LANG = Parameter("Lang", default="en")
USER_CLIENT_IP = Parameter("UserClientIp", source="the pages since 2020 and every SDK")
_SEND_IF_EXIST = Parameter(
    "SendIfExist",
    ParameterType.BOOLEAN,
    default=False,
    source="the pages since 2020; before it was required, which no SDK enforces",
)
EMAILS = Parameter("Email", ParameterType.ADDRESSES, required=True)
EMAIL = Parameter("Email", required=True)
_PAGING = "the current pages; those before say the default is 0, or that it is required"
BOTH_VERSIONS = (DOMAIN.name, DOMAIN_INTL.name)


# The pages' RAM tables. They disagree about VerifyEmail (those of 2018 to 2021 name OPERATE) and leave EmailVerified out.
OPERATE, QUERY, VERIFY = "domain:EmailVerificationOperation", "domain:QueryEmailVerification", "domain:VerifyEmail"
RAM_ACTIONS = (OPERATE, QUERY, VERIFY)


def _operation(name: str, ram_action: str, *parameters: Parameter, versions: tuple[str, ...] = BOTH_VERSIONS) -> Operation:
    return Operation(name, ram_action, (*parameters, LANG, USER_CLIENT_IP), versions)


OPERATIONS: Mapping[str, Operation] = {
    operation.name: operation
    for operation in (
        _operation("SubmitEmailVerification", OPERATE, EMAILS, _SEND_IF_EXIST),
        _operation("ResendEmailVerification", OPERATE, EMAILS),
        _operation("VerifyEmail", VERIFY, Parameter("Token", required=True)),
        # 2017-12-18 has no QueryEmailVerification in any SDK.
        _operation("QueryEmailVerification", QUERY, EMAIL, versions=(DOMAIN.name,)),
        _operation(
            "ListEmailVerification",
            QUERY,
            Parameter("Email"),
            Parameter("VerificationStatus", ParameterType.INTEGER, minimum=0, maximum=1),
            # Epoch milliseconds, as the pages' "Long" and the sample bound 1522080000000 show.
            Parameter("BeginCreateTime", ParameterType.INTEGER, minimum=0, maximum=2**63 - 1),
            Parameter("EndCreateTime", ParameterType.INTEGER, minimum=0, maximum=2**63 - 1),
            Parameter("PageNum", ParameterType.INTEGER, default=1, minimum=1, source=_PAGING),
            Parameter("PageSize", ParameterType.INTEGER, default=500, minimum=1, maximum=5000, source=_PAGING),
        ),
        _operation("DeleteEmailVerification", OPERATE, EMAILS),
        replace(
            _operation("EmailVerified", QUERY, replace(EMAIL, evidence=Evidence.SDK, source="every SDK; no page")),
            evidence=Evidence.SDK,
            source="every SDK; no page",
        ),
    )
}

TIME_FIELDS = frozenset({"GmtCreate", "GmtModified", "TokenSendTime", "VerificationTime"})
LIST_ITEM_TAGS: Mapping[str, str] = {
    "ExistList": "SendResult",
    "SuccessList": "SendResult",
    "FailList": "SendResult",
    "Data": "EmailVerification",
}


class DateStyle(Enum):
    """How a time of a record is written, always in UTC+8."""

    NUMERIC = "2019-02-19 16:38:07"
    MONTH_NAME = "Dec 25,2017 03:38:46"


@dataclass(frozen=True)
class Layout:
    """How one operation's success body is written in one format of one profile.

    `fields` and `item_fields` are the names in the order of the body, in the service's PascalCase; `camel` writes them with a
    small first letter. `constants` are the cells that every row of a list carries.
    """

    fields: tuple[str, ...]
    item_fields: tuple[str, ...] = ()
    camel: bool = False
    declaration: bool = True
    wrapped_lists: bool = True
    dates: DateStyle = DateStyle.NUMERIC
    constants: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    evidence: Evidence = Evidence.DOCUMENTED
    source: str = ""


@dataclass(frozen=True)
class Profile:
    """One published generation of the API.

    `optional` names the (operation, parameter) pairs that it does not require, `zero_is_default` the parameters whose 0 means the
    default.
    """

    name: str
    layouts: Mapping[tuple[str, Format], Layout]
    optional: frozenset[tuple[str, str]] = frozenset()
    zero_is_default: frozenset[str] = frozenset()


# Orders. The live service writes Java HashMap order (reference: a pasted live List reply of 2020 and the derivation from it).
_LIST_LIVE = (
    "PrePage", "CurrentPageNum", "PageSize", "RequestId", "TotalPageNum", "Data", "TotalItemNum", "NextPage",
)  # fmt: skip
_LIST_ITEM_LIVE = (
    "VerificationStatus", "GmtCreate", "ConfirmIp", "Email", "EmailVerificationNo", "UserId", "GmtModified", "SendIp",
    "VerificationTime", "TokenSendTime",
)  # fmt: skip
_QUERY_LIVE = (
    "VerificationStatus", "GmtCreate", "ConfirmIp", "Email", "EmailVerificationNo", "RequestId", "UserId", "GmtModified",
    "SendIp", "VerificationTime", "TokenSendTime",
)  # fmt: skip
_LIST_XML_2021 = (
    "Data", "TotalItemNum", "PageSize", "CurrentPageNum", "RequestId", "PrePage", "TotalPageNum", "NextPage",
)  # fmt: skip
_LIST_ITEM_XML_2021 = (
    "ConfirmIp", "TokenSendTime", "Email", "VerificationStatus", "SendIp", "VerificationTime", "EmailVerificationNo",
    "UserId", "GmtCreate", "GmtModified",
)  # fmt: skip
_QUERY_2021 = (
    "ConfirmIp", "TokenSendTime", "Email", "RequestId", "VerificationStatus", "SendIp", "VerificationTime",
    "EmailVerificationNo", "UserId", "GmtCreate", "GmtModified",
)  # fmt: skip
_ROW_LIVE = ("Email", "Message", "Code")
_SUBMIT_LIVE = ("RequestId", "ExistList", "SuccessList", "FailList")
_RESEND_LIVE = ("RequestId", "SuccessList", "FailList")
_SUBMIT_2018 = ("FailList", "RequestId", "ExistList", "SuccessList")
_RESEND_2018 = ("FailList", "RequestId", "SuccessList")
_REQUEST_ID_ONLY = Layout(("RequestId",))
_SUCCESS = {"SuccessList": {"Code": "Success", "Message": "Success"}}


def _known(layout: Layout, evidence: Evidence, source: str) -> Layout:
    return replace(layout, evidence=evidence, source=source)


def _both(operation: str, layout: Layout) -> dict[tuple[str, Format], Layout]:
    return {(operation, Format.XML): layout, (operation, Format.JSON): layout}


def _bean(fields: tuple[str, ...]) -> Layout:
    """Lower camel and alphabetical: the samples that the pages of 2018 to 2023 derive from a printed Java object."""
    return Layout(tuple(sorted(fields)), tuple(sorted(_ROW_LIVE)), camel=True, declaration=False, wrapped_lists=False)


# Names are what every SDK reads; where no live reply shows the order, it is that of a Java HashMap.
_LIVE_LIST = "a live reply pasted into the pages of 2020, which lacks two fields of a verified record"
_BATCH = "names from every SDK and the current pages; the order is computed"
_BATCH_XML = "names and nesting from the pages of 2018 and the Java SDK; the order is computed"


def _current(operation: str, layout: Layout) -> dict[tuple[str, Format], Layout]:
    return {
        (operation, Format.JSON): _known(layout, Evidence.SDK, _BATCH),
        (operation, Format.XML): _known(layout, Evidence.SDK, _BATCH_XML),
    }


CURRENT = Profile(
    "current",
    {
        **_current("SubmitEmailVerification", Layout(_SUBMIT_LIVE, _ROW_LIVE, constants=_SUCCESS)),
        **_current("ResendEmailVerification", Layout(_RESEND_LIVE, _ROW_LIVE, constants=_SUCCESS)),
        **_current("DeleteEmailVerification", Layout(_RESEND_LIVE, _ROW_LIVE, constants=_SUCCESS)),
        **_both("VerifyEmail", _known(_REQUEST_ID_ONLY, Evidence.DOCUMENTED, "the pages of every time")),
        **_both("EmailVerified", _known(_REQUEST_ID_ONLY, Evidence.SDK, "every SDK; no page")),
        **_current("QueryEmailVerification", Layout(_QUERY_LIVE)),
        ("ListEmailVerification", Format.JSON): _known(Layout(_LIST_LIVE, _LIST_ITEM_LIVE), Evidence.CAPTURED, _LIVE_LIST),
        ("ListEmailVerification", Format.XML): _known(Layout(_LIST_LIVE, _LIST_ITEM_LIVE), Evidence.SDK, _BATCH_XML),
    },
)

DOCS_2021 = Profile(
    "docs-2021",
    {
        **_both("SubmitEmailVerification", _bean(_SUBMIT_LIVE)),
        **_both("ResendEmailVerification", _bean(_RESEND_LIVE)),
        **_both("DeleteEmailVerification", _bean(_RESEND_LIVE)),
        ("VerifyEmail", Format.XML): Layout(("RequestId",), declaration=False),
        ("VerifyEmail", Format.JSON): Layout(("RequestId",), camel=True),
        **_both("EmailVerified", Layout(("RequestId",), declaration=False)),
        **_both("QueryEmailVerification", Layout(_QUERY_2021, declaration=False)),
        ("ListEmailVerification", Format.XML): Layout(
            _LIST_XML_2021, _LIST_ITEM_XML_2021, declaration=False, dates=DateStyle.MONTH_NAME
        ),
        ("ListEmailVerification", Format.JSON): Layout(_LIST_LIVE, _LIST_ITEM_LIVE),
    },
    optional=frozenset({("QueryEmailVerification", "Email")}),
    zero_is_default=frozenset({"PageNum", "PageSize"}),
)

_BLANK = {"SuccessList": {"Code": "", "Message": ""}}


def _alphabetical(operation: str, fields: tuple[str, ...], item_fields: tuple[str, ...] = ()) -> dict[tuple[str, Format], Layout]:
    layout = Layout(tuple(sorted(fields)), tuple(sorted(item_fields)), camel=True, dates=DateStyle.MONTH_NAME)
    return {(operation, Format.JSON): layout}


DOCS_2018 = Profile(
    "docs-2018",
    {
        ("SubmitEmailVerification", Format.XML): Layout(_SUBMIT_2018, _ROW_LIVE, constants=_BLANK),
        **_alphabetical("SubmitEmailVerification", _SUBMIT_LIVE, _ROW_LIVE),
        ("ResendEmailVerification", Format.XML): Layout(_RESEND_2018, _ROW_LIVE, constants=_BLANK),
        **_alphabetical("ResendEmailVerification", _RESEND_LIVE, _ROW_LIVE),
        ("DeleteEmailVerification", Format.XML): Layout(_RESEND_2018, _ROW_LIVE, constants=_BLANK),
        **_alphabetical("DeleteEmailVerification", _RESEND_LIVE, _ROW_LIVE),
        ("VerifyEmail", Format.XML): _REQUEST_ID_ONLY,
        **_alphabetical("VerifyEmail", ("RequestId",)),
        ("EmailVerified", Format.XML): _REQUEST_ID_ONLY,
        **_alphabetical("EmailVerified", ("RequestId",)),
        # QueryEmailVerification has no page of that time.
        **_both("QueryEmailVerification", Layout(_QUERY_2021, declaration=False)),
        ("ListEmailVerification", Format.XML): Layout(_LIST_XML_2021, _LIST_ITEM_XML_2021, dates=DateStyle.MONTH_NAME),
        **_alphabetical("ListEmailVerification", _LIST_LIVE, _LIST_ITEM_LIVE),
    },
    optional=DOCS_2021.optional,
    zero_is_default=DOCS_2021.zero_is_default,
)

_UNPUBLISHED = {(DOCS_2018.name, "QueryEmailVerification"), (DOCS_2018.name, "EmailVerified"), (DOCS_2021.name, "EmailVerified")}


def _sourced(profile: Profile, pages: str) -> Profile:
    """Notes the pages that a profile was read from; what they leave out is assumed to be as its neighbours."""
    layouts = {
        (operation, body_format): _known(layout, Evidence.ASSUMED, f"{pages} have no page of it")
        if (profile.name, operation) in _UNPUBLISHED
        else _known(layout, Evidence.DOCUMENTED, pages)
        for (operation, body_format), layout in profile.layouts.items()
    }
    return replace(profile, layouts=layouts)


PROFILES: Mapping[str, Profile] = {
    profile.name: profile
    for profile in (
        CURRENT,
        _sourced(DOCS_2021, "the pages of 2020 to 2023"),
        _sourced(DOCS_2018, "the first international pages, of 2018"),
    )
}

# What a call may carry beside the parameters of its operation.
COMMON_PARAMETERS = (
    "Action", "Version", "Format", "AccessKeyId", "Signature", "SignatureMethod", "SignatureVersion", "SignatureNonce",
    "SignatureType", "Timestamp", "SecurityToken", "RegionId", "Lang", "UserClientIp",
)  # fmt: skip
