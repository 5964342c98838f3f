"""The operations of the API with their parameters, versions and RAM actions, as frozen tables that `api` reads.

Names on the wire are the vendor's (`SuccessList`); inside alimock the same names are in snake case (`success_list`). How responses
are written is in `profiles`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum
from functools import cache
from typing import NamedTuple

_PAGES_AND_SDKS = "the pages and every SDK"

# The result of an operation by names in snake case. Times are epoch seconds; None is an absent value.
Field = str | int | bool | None
Row = Mapping[str, Field]
Result = Mapping[str, Field | tuple[Row, ...]]


class Evidence(Enum):
    """The kinds of evidence for a fact about the service, the strongest first."""

    CAPTURED = "captured"
    DOCUMENTED = "documented"
    SDK = "sdk"
    ASSUMED = "assumed"


class Format(Enum):
    """The formats of a body, as the parameter `Format` spells them."""

    XML = "XML"
    JSON = "JSON"

    # Formats are keys of tables, and the hash of `Enum` is computed in Python.
    __hash__ = object.__hash__


class ParameterType(Enum):
    """The type of a parameter's value."""

    TEXT = "text"
    ADDRESSES = "comma-separated addresses"
    BOOLEAN = "true or false in any letter case"
    INTEGER = "integer"


@cache
def snake_case(name: str) -> str:
    """Convert a name on the wire to the internal one: `SendIfExist` to `send_if_exist`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


class Parameter(NamedTuple):
    """A parameter of an operation. The gateway treats an empty parameter as absent."""

    name: str
    kind: ParameterType = ParameterType.TEXT
    required: bool = False
    default: str | bool | int | None = None
    minimum: int | None = None
    maximum: int | None = None
    evidence: Evidence = Evidence.DOCUMENTED
    source: str = _PAGES_AND_SDKS


class Operation(NamedTuple):
    """An operation of the API: the RAM action that permits it, its parameters, and the API versions that have it.

    `own_parameters` lists the required ones first, and leaves out those that every operation has.
    """

    name: str
    ram_action: str
    own_parameters: tuple[Parameter, ...]
    versions: tuple[str, ...]
    evidence: Evidence = Evidence.DOCUMENTED
    source: str = _PAGES_AND_SDKS

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """All parameters."""
        return (*self.own_parameters, LANG, USER_CLIENT_IP)


class Version(NamedTuple):
    """A version of the API, with its product code and public endpoint."""

    name: str
    product: str
    endpoint: str


DOMAIN = Version("2018-01-29", product="Domain", endpoint="domain.aliyuncs.com")
DOMAIN_INTL = Version("2017-12-18", product="Domain-intl", endpoint="domain-intl.aliyuncs.com")
VERSIONS: Mapping[str, Version] = {version.name: version for version in (DOMAIN, DOMAIN_INTL)}

# Every operation has these two (all SDKs; the pages before 2020 omit UserClientIp).
LANG = Parameter("Lang", default="en")
USER_CLIENT_IP = Parameter("UserClientIp", source="the pages since 2020 and every SDK")
_SINCE_2020 = "the pages since 2020; before it was required, which no SDK enforces"
_SEND_IF_EXIST = Parameter("SendIfExist", ParameterType.BOOLEAN, default=False, source=_SINCE_2020)
EMAILS = Parameter("Email", ParameterType.ADDRESSES, required=True)
EMAIL = Parameter("Email", required=True)
_PAGING = "the current pages; those before say the default is 0, or that it is required"
BOTH_VERSIONS = (DOMAIN.name, DOMAIN_INTL.name)


# The RAM tables of the pages. They disagree about VerifyEmail (those of 2018 to 2021 name OPERATE) and omit EmailVerified.
OPERATE, QUERY, VERIFY = "domain:EmailVerificationOperation", "domain:QueryEmailVerification", "domain:VerifyEmail"
RAM_ACTIONS = (OPERATE, QUERY, VERIFY)


def _operation(name: str, ram_action: str, *parameters: Parameter, versions: tuple[str, ...] = BOTH_VERSIONS) -> Operation:
    return Operation(name, ram_action, parameters, versions)


LIST = "ListEmailVerification"
OPERATIONS: Mapping[str, Operation] = {
    operation.name: operation
    for operation in (
        _operation("SubmitEmailVerification", OPERATE, EMAILS, _SEND_IF_EXIST),
        _operation("ResendEmailVerification", OPERATE, EMAILS),
        _operation("VerifyEmail", VERIFY, Parameter("Token", required=True)),
        # 2017-12-18 has no QueryEmailVerification in any SDK.
        _operation("QueryEmailVerification", QUERY, EMAIL, versions=(DOMAIN.name,)),
        _operation(
            LIST,
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
        _operation("EmailVerified", QUERY, EMAIL._replace(evidence=Evidence.SDK, source="every SDK; no page"))._replace(
            evidence=Evidence.SDK, source="every SDK; no page"
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

# The parameters that any call may carry, whatever its operation.
COMMON_PARAMETERS = (
    "Action", "Version", "Format", "AccessKeyId", "Signature", "SignatureMethod", "SignatureVersion", "SignatureNonce",
    "SignatureType", "BearerToken", "Timestamp", "SecurityToken", "RegionId", "Lang", "UserClientIp",
)  # fmt: skip
PARAMETER_NAMES = (
    *COMMON_PARAMETERS,
    *(parameter.name for operation in OPERATIONS.values() for parameter in operation.parameters),
)
# The headers that the vendor's page of V3 demands.
V3_HEADERS = ("x-acs-action", "x-acs-version", "x-acs-date", "x-acs-signature-nonce", "x-acs-content-sha256")
# The signature methods of V1, and their digests.
V1_DIGESTS = {"HMAC-SHA1": "sha1", "HMAC-SHA256": "sha256"}
