"""The catalogue of every code that alimock answers with, and the one exception that carries a code to the caller.

A row is the only place where a code of the service stands in quotes. Sources: "live" is a real answer that a third party
published, "page" a page of the vendor, "SDK" the source of an official SDK; what nothing shows is marked assumed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Origin(Enum):
    """Who refuses: the gateway or the service behind it; the order of the keys in a JSON error depends on it."""

    GATEWAY = "gateway"
    BACKEND = "backend"


class Evidence(Enum):
    """How well a fact about the service is known."""

    CAPTURED = "captured"
    DOCUMENTED = "documented"
    SDK = "sdk"
    ASSUMED = "assumed"


@dataclass(frozen=True)
class ErrorDefinition:
    """One row of the catalogue: a code with its HTTP status, its English text, and its Chinese text where there is one.

    `{name}` in a code or text is filled in when the error is raised. A row without a status is no HTTP error: it stands in the
    FailList of a call that succeeds. The gateway's texts do not follow `Lang`, so only the backend's rows have a Chinese one.
    """

    code: str
    status: int | None
    text: str
    evidence: Evidence
    source: str
    origin: Origin = Origin.GATEWAY
    chinese: str | None = None

    def message(self, lang: str) -> str:
        """Gives the text in Chinese for `zh` where the row has one, else in English."""
        return self.chinese if lang == "zh" and self.chinese is not None else self.text


class ApiError(Exception):
    """A refusal of the whole call; `decided_by` names the rule or the scenario's file and line that refused it."""

    def __init__(self, definition: ErrorDefinition, decided_by: str, **values: str) -> None:
        self.definition = definition
        self.decided_by = decided_by
        self.values = values
        super().__init__(f"{self.code}: {self.message('en')}")

    @property
    def code(self) -> str:
        """The code as the service writes it."""
        return self.definition.code.format(**self.values)

    def message(self, lang: str) -> str:
        """Gives the text of the error with its values filled in."""
        return self.definition.message(lang).format(**self.values)


_GATEWAY_LIVE = "live answers of sibling products behind the same gateway"
_GATEWAY_PAGES = "the gateway's error pages"

REQUEST_PARAMETER_MALFORMED = ErrorDefinition(
    "RequestParameterMalformed", 400, "Request parameters has malformed encoded characters.", Evidence.CAPTURED, _GATEWAY_LIVE
)
INVALID_ACTION_NOT_FOUND = ErrorDefinition(
    "InvalidAction.NotFound", 404, "Specified api is not found, please check your url and method.", Evidence.CAPTURED,
    _GATEWAY_LIVE,
)  # fmt: skip
INVALID_VERSION = ErrorDefinition(
    "InvalidVersion", 400, "Specified parameter Version is not valid.", Evidence.CAPTURED, "live bodies; the status is assumed"
)
UNSUPPORTED_HTTP_METHOD = ErrorDefinition(
    "UnsupportedHTTPMethod", 405, "This http method is not supported.", Evidence.DOCUMENTED,
    "pages that disagree about the text and the status",
)  # fmt: skip
INVALID_FORMAT = ErrorDefinition(
    "InvalidParameter.Format", 400, "Specified parameter format is not valid.", Evidence.DOCUMENTED, _GATEWAY_PAGES
)
MISSING_PARAMETER = ErrorDefinition(
    "Missing{parameter}", 400, "{parameter} is mandatory for this action.", Evidence.CAPTURED,
    "live answers for other parameters; MissingPageSize and others on Domain's own pages",
)  # fmt: skip
MISSING_HEADER = ErrorDefinition(
    "MissingHeader", 400, "Specified header {header} is mandatory for this action.", Evidence.CAPTURED, _GATEWAY_LIVE
)
INVALID_PARAMETER = ErrorDefinition(
    "Invalid{parameter}", 400, "Specified parameter {parameter} is not valid.", Evidence.DOCUMENTED,
    "InvalidPageSize on Domain's own pages",
)  # fmt: skip
INVALID_TIMESTAMP_FORMAT = ErrorDefinition(
    "InvalidTimeStamp.Format", 400, "Specified time stamp or date value is not well formatted.", Evidence.DOCUMENTED,
    _GATEWAY_PAGES,
)  # fmt: skip
INVALID_TIMESTAMP_EXPIRED = ErrorDefinition(
    "InvalidTimeStamp.Expired", 400, "Specified time stamp or date value is expired.", Evidence.CAPTURED, _GATEWAY_LIVE
)
INVALID_ACCESS_KEY_ID_NOT_FOUND = ErrorDefinition(
    "InvalidAccessKeyId.NotFound", 404, "Specified access key is not found.", Evidence.CAPTURED, _GATEWAY_LIVE
)
INVALID_ACCESS_KEY_ID_INACTIVE = ErrorDefinition(
    "InvalidAccessKeyId.Inactive", 400, "Specified access key is disabled.", Evidence.DOCUMENTED, _GATEWAY_PAGES
)
INVALID_SECURITY_TOKEN_MISMATCH = ErrorDefinition(
    "InvalidSecurityToken.MismatchWithAccessKey", 400, "Specified SecurityToken mismatch with the AccessKey.",
    Evidence.DOCUMENTED, _GATEWAY_PAGES,
)  # fmt: skip
INVALID_SECURITY_TOKEN_EXPIRED = ErrorDefinition(
    "InvalidSecurityToken.Expired", 400, "Specified SecurityToken is expired.", Evidence.DOCUMENTED,
    "pages that disagree about the status",
)  # fmt: skip
INVALID_SIGNATURE_METHOD = ErrorDefinition(
    "InvalidSignatureMethod", 400, "Specified signature method is not valid.", Evidence.DOCUMENTED, _GATEWAY_PAGES
)
# The old Python SDK reads what follows the first colon and crashes without one; Go, Java and PHP compare it with their own.
SIGNATURE_DOES_NOT_MATCH_V1 = ErrorDefinition(
    "SignatureDoesNotMatch", 400,
    "Specified signature is not matched with our calculation. server string to sign is:{string_to_sign}",
    Evidence.CAPTURED, _GATEWAY_LIVE,
)  # fmt: skip
SIGNATURE_DOES_NOT_MATCH_V3 = ErrorDefinition(
    "SignatureDoesNotMatch", 400,
    "Specified signature does not match our calculation. server StringToSign is [{string_to_sign}]",
    Evidence.CAPTURED, _GATEWAY_LIVE,
)  # fmt: skip
SIGNATURE_NONCE_USED = ErrorDefinition(
    "SignatureNonceUsed", 400, "Specified signature nonce was used already.", Evidence.CAPTURED, _GATEWAY_LIVE
)
INTERNAL_ERROR = ErrorDefinition(
    "InternalError", 500, "The request processing has failed due to some unknown error, exception or failure.",
    Evidence.DOCUMENTED, "Domain's own page of common errors",
)  # fmt: skip

PARAMETER_ILLEGAL = ErrorDefinition(
    "ParameterIllegal", 400, "Parameter illegal.", Evidence.DOCUMENTED, "Domain's own pages of 2018; when it is given is assumed",
    Origin.BACKEND, "参数错误。",
)  # fmt: skip
REG_CONTACT_EMAIL_NOT_VERIFIED = ErrorDefinition(
    "RegContactEmailNotVerified", 400, "The email of registrant is not yet verified.", Evidence.DOCUMENTED,
    "the error page of Domain's neighbouring operations; that EmailVerified gives it is assumed",
    Origin.BACKEND, "域名持有者邮箱尚未完成验证",
)  # fmt: skip

# The codes of single addresses. Both l's of ParameterIllegall are the service's own spelling.
SEND_TOKEN_QUOTA_EXCEEDED = ErrorDefinition(
    "SendTokenQuotaExceeded", None,
    "The maximum number of attempts allowed to send the email verification link is exceeded.", Evidence.DOCUMENTED,
    "Domain's own pages; the Chinese text is alimock's translation", Origin.BACKEND, "邮箱验证链接的发送次数已超过上限。",
)  # fmt: skip
PARAMETER_ILLEGALL = ErrorDefinition(
    "ParameterIllegall", None, "Parameter error", Evidence.DOCUMENTED,
    "Domain's own pages; the Chinese text is alimock's translation", Origin.BACKEND, "参数错误",
)  # fmt: skip
