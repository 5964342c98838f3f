"""The catalog of every error code that alimock responds with: status, texts, evidence and source.

Codes of the service are written in quotes only here. ECS codes that Domain was never seen to send (IllegalTimestamp,
MissingParameter) are left out, except for one that SDKs look for. In sources, "live" is a real response that a third party
published, "page" a page of the vendor, "SDK" the source of an official SDK.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from alimock.spec.contract import Evidence
from alimock.spec.errors import ErrorDefinition, Origin

# fmt: off
_LIVE = "live answers of sibling products behind the same gateway"
_PAGES = "the gateway's error pages"
_LIST = "the gateway's public list of codes, which has no texts"
_TEMPLATE = "the template of the codes of its kind that were seen"
_OTHER_OPERATIONS_PAGES = "Domain's own pages, for other operations"
_CAPTURED, _DOCUMENTED, _SDK, _ASSUMED = Evidence.CAPTURED, Evidence.DOCUMENTED, Evidence.SDK, Evidence.ASSUMED
_Row = ErrorDefinition

# The call itself; checked before the caller.
REQUEST_PARAMETER_MALFORMED = _Row(
    "RequestParameterMalformed", 400, "Request parameters has malformed encoded characters.", _CAPTURED, _LIVE,
    "percent-encoding that is broken, or bytes that are not UTF-8, in the query or the form", "that raw bytes count",
)
INVALID_ACTION_NOT_FOUND = _Row(
    "InvalidAction.NotFound", 404, "Specified api is not found, please check your url and method.", _CAPTURED, _LIVE,
    "no Action, or one that the version does not have",
)
INVALID_API_NOT_FOUND = _Row(
    "InvalidApi.NotFound", 404, "Specified api is not found, please check your url and method.", _CAPTURED,
    "live answers of 2018; InvalidAction.NotFound has taken its place",
)
INVALID_PRODUCT_NOT_FOUND = _Row(
    "InvalidProduct.NotFound", 404, "Cannot find product according to your specified domain.", _CAPTURED,
    f"{_LIVE}, for a Host that is no endpoint; alimock takes every Host",
)
INVALID_VERSION = _Row(
    "InvalidVersion", 400, "Specified parameter Version is not valid.", _CAPTURED, _LIVE,
    "no Version, or one that the product does not have", "the status",
)
UNSUPPORTED_HTTP_METHOD = _Row(
    "UnsupportedHTTPMethod", 405, "This http method is not supported.", _DOCUMENTED, "pages that disagree about text and status",
    "a method other than GET and POST", "which of the texts and statuses",
)
INVALID_PROTOCOL_NEED_SSL = _Row(
    "InvalidProtocol.NeedSsl", 400, "Your request is denied as lack of ssl protect.", _DOCUMENTED,
    "pages that disagree about the status; that Domain demands TLS is not known", assumed="which of the statuses",
)
INVALID_PARAMETER_FORMAT = _Row(
    "InvalidParameter.Format", 400, "Specified parameter format is not valid.", _DOCUMENTED, _PAGES,
    "a Format other than XML and JSON, in any letter case",
)
INVALID_PARAMETER_ACCEPT = _Row(
    "InvalidParameter.Accept", 400, "Specified parameter accept is not valid.", _DOCUMENTED, _PAGES,
)
CONTENT_LENGTH_DOES_NOT_MATCH = _Row(
    "ContentLengthDoesNotMatch", 400, "Specified content length does not match.", _DOCUMENTED, _LIST, assumed="text and status",
)
CONTENT_MD5_NOT_MATCHED = _Row(
    "ContentMD5NotMatched", 400, "Specified Content-MD5 is not matched with our calculation.", _DOCUMENTED, _LIST,
    assumed="text and status",
)


# Missing and invalid parameters, each its own code.
def _missing(name: str, evidence: Evidence, source: str, trigger: str = "", assumed: str = "") -> ErrorDefinition:
    return _Row(f"Missing{name}", 400, f"{name} is mandatory for this action.", evidence, source, trigger, assumed)


def _invalid(name: str, trigger: str, evidence: Evidence = _ASSUMED, source: str = _TEMPLATE) -> ErrorDefinition:
    return _Row(f"Invalid{name}", 400, f"Specified parameter {name} is not valid.", evidence, source, trigger)


def _other_operation(code: str, text: str) -> ErrorDefinition:
    return _Row(code, 400, text, _DOCUMENTED, _OTHER_OPERATIONS_PAGES, assumed="the text", origin=Origin.BACKEND)


_SIGNED = "absent from a signed call"
MISSING_PARAMETERS: Mapping[str, ErrorDefinition] = {
    "AccessKeyId": _missing("AccessKeyId", _CAPTURED, _LIVE, f"AccessKeyId {_SIGNED}, or from any if authentication is strict"),
    "Signature": _missing("Signature", _CAPTURED, _LIVE, "Signature absent, if authentication is strict", "the status"),
    "Timestamp": _missing("Timestamp", _CAPTURED, _LIVE, f"Timestamp {_SIGNED}", "the status"),
    "SignatureNonce": _missing("SignatureNonce", _ASSUMED, _TEMPLATE, f"SignatureNonce {_SIGNED}"),
    "SignatureMethod": _missing("SignatureMethod", _ASSUMED, _TEMPLATE, f"SignatureMethod {_SIGNED} (V1)"),
    "SignatureVersion": _missing("SignatureVersion", _ASSUMED, _TEMPLATE, f"SignatureVersion {_SIGNED} (V1)"),
    "SecurityToken": _missing(
        "SecurityToken", _CAPTURED, _LIVE, "SecurityToken absent though the key begins with STS. or has a security_token"
    ),
    "Email": _missing("Email", _ASSUMED, _TEMPLATE, "Email absent or empty"),
    "Token": _missing("Token", _ASSUMED, _TEMPLATE, "Token absent or empty"),
    # Domain's pages show these two of other operations; here both parameters have defaults.
    "PageNum": _missing("PageNum", _DOCUMENTED, _OTHER_OPERATIONS_PAGES),
    "PageSize": _missing("PageSize", _DOCUMENTED, _OTHER_OPERATIONS_PAGES),
}
INVALID_PARAMETERS: Mapping[str, ErrorDefinition] = {
    "SendIfExist": _invalid("SendIfExist", "a value other than true and false, in any letter case"),
    "VerificationStatus": _invalid("VerificationStatus", "a value other than 0 and 1"),
    "BeginCreateTime": _invalid("BeginCreateTime", "no whole number from 0 to 2^63-1"),
    "EndCreateTime": _invalid("EndCreateTime", "no whole number from 0 to 2^63-1"),
    "PageNum": _invalid("PageNum", "no whole number from 1 (docs-2018 and docs-2021: 0 is the default)"),
    "PageSize": _invalid(
        "PageSize", "no whole number from 1 to 5000 (docs-2018 and docs-2021: 0 is the default)", _DOCUMENTED, "Domain's own pages"
    ),
}
MISSING_HEADER = _Row(
    "MissingHeader", 400, "Specified header {header} is mandatory for this action.", _CAPTURED, _LIVE,
    "x-acs-action or x-acs-version absent from a call that has headers of V3, or x-acs-date, x-acs-signature-nonce or "
    "x-acs-content-sha256 from one signed with V3",
    "that it holds for all five",
)

# The caller.
INVALID_TIMESTAMP_FORMAT = _Row(
    "InvalidTimeStamp.Format", 400, "Specified time stamp or date value is not well formatted.", _DOCUMENTED, _PAGES,
    "a Timestamp (V3: x-acs-date) that is not like 2026-01-31T12:00:00Z; fractions of a second pass (captured)",
)
INVALID_TIMESTAMP_EXPIRED = _Row(
    "InvalidTimeStamp.Expired", 400, "Specified time stamp or date value is expired.", _CAPTURED, _LIVE,
    "a timestamp more than 15 minutes before or after the real time", "15 minutes for V1, and that the future counts",
)
INVALID_ACCESS_KEY_ID_NOT_FOUND = _Row(
    "InvalidAccessKeyId.NotFound", 404, "Specified access key is not found.", _CAPTURED, _LIVE,
    "a key that the scenario does not name, if authentication is strict",
)
INVALID_ACCESS_KEY_ID = _Row(
    "InvalidAccessKeyId", 404, "Specified access key is not found or invalid.", _CAPTURED,
    "live answers of Alidns from 2021 to 2023; what gave them is not known",
)
INVALID_ACCESS_KEY_ID_INACTIVE = _Row(
    "InvalidAccessKeyId.Inactive", 400, "Specified access key is disabled.", _DOCUMENTED, _PAGES, "a key whose status is inactive",
)
FORBIDDEN_ACCESS_KEY_DISABLED = _Row(
    "Forbidden.AccessKeyDisabled", 403, "The access key is disabled.", _DOCUMENTED, _LIST, assumed="text and status",
)
INVALID_SECURITY_TOKEN_MALFORMED = _Row(
    "InvalidSecurityToken.Malformed", 400, "Specified SecurityToken is malformed.", _DOCUMENTED, _PAGES,
)
INVALID_SECURITY_TOKEN_MISMATCH = _Row(
    "InvalidSecurityToken.MismatchWithAccessKey", 400, "Specified SecurityToken mismatch with the AccessKey.", _DOCUMENTED, _PAGES,
    "a SecurityToken other than the key's security_token, or with a key that has none and does not begin with STS.",
    "that a key without a token gives it",
)
INVALID_SECURITY_TOKEN_EXPIRED = _Row(
    "InvalidSecurityToken.Expired", 400, "Specified SecurityToken is expired.", _DOCUMENTED, "pages that disagree about the status",
    "a key whose expires is past", "which of the statuses",
)
INVALID_SIGNATURE_METHOD = _Row(
    "InvalidSignatureMethod", 400, "Specified signature method is not valid.", _DOCUMENTED, _PAGES,
    "a SignatureMethod other than HMAC-SHA1 and HMAC-SHA256, or an Authorization other than ACS3-HMAC-SHA256",
    "that an Authorization gives it",
)
UNSUPPORTED_SIGNATURE_TYPE = _Row(
    "UnsupportedSignatureType", 400, "This signature type is not supported.", _SDK, "the tests of the PHP SDK",
    "a SignatureType that is not empty, such as BEARERTOKEN, or a bearer token", "text and status",
)
# The old Python SDK reads what follows the first colon and crashes without one; Go, Java and PHP compare it with their own.
SIGNATURE_DOES_NOT_MATCH_V1 = _Row(
    "SignatureDoesNotMatch", 400,
    "Specified signature is not matched with our calculation. server string to sign is:{string_to_sign}", _CAPTURED, _LIVE,
    "a V1 signature other than the one computed",
)
SIGNATURE_DOES_NOT_MATCH_V3 = _Row(
    "SignatureDoesNotMatch", 400,
    "Specified signature does not match our calculation. server StringToSign is [{string_to_sign}]", _CAPTURED, _LIVE,
    "a V3 signature other than the one computed, or an x-acs-* header that is not signed",
    "that nothing follows the string to sign, and that an unsigned header gives it",
)
INCOMPLETE_SIGNATURE = _Row(
    "IncompleteSignature", 400,
    "The request signature does not conform to Aliyun standards. server string to sign is:{string_to_sign}", _CAPTURED,
    "a live answer of ECS in 2019; SDKs look for it, Domain was never seen to send it",
)
SIGNATURE_NONCE_USED = _Row(
    "SignatureNonceUsed", 400, "Specified signature nonce was used already.", _CAPTURED, _LIVE,
    "the nonce of a call that was signed well less than 15 minutes ago", "that nonces count for each key, over TLS too",
)

# The caller's permissions, and failures of the service.
FORBIDDEN_RAM = _Row(
    "Forbidden.RAM", 400, "User not authorized to operate on the specified resource, or this API doesn't support RAM.", _CAPTURED,
    "live answers of Alidns; ECS answers 403", "an operation that the key's permissions do not name", "the status",
    origin=Origin.BACKEND,
)
FORBIDDEN = _Row(
    "Forbidden", 403, "User not authorized to operate on the specified resource.", _CAPTURED,
    "a live answer of another product in 2017", assumed="the status", origin=Origin.BACKEND,
)
NO_PERMISSION = _Row(
    "NoPermission", 403, "You are not authorized to do this action. You should be authorized by RAM.", _CAPTURED,
    "live answers of newer products", origin=Origin.BACKEND,
)
THROTTLING = _Row(
    "Throttling", 400, "Request was denied due to request throttling.", _DOCUMENTED, "Domain's own page of common errors",
)
THROTTLING_USER = _Row(
    "Throttling.User", 400, "Request was denied due to user flow control.", _DOCUMENTED, "pages that disagree about the status",
    assumed="which of the statuses (429 is claimed too)",
)
THROTTLING_API = _Row(
    "Throttling.Api", 400, "Request was denied due to api flow control.", _DOCUMENTED, "a page that cuts the text short",
    assumed="the end of the text",
)
SERVICE_UNAVAILABLE = _Row(
    "ServiceUnavailable", 503, "The request has failed due to a temporary failure of the server.", _CAPTURED, _LIVE,
    "alimock cannot read or change the state that `--state` keeps, or by a fault of the scenario",
)
INTERNAL_ERROR = _Row(
    "InternalError", 500, "The request processing has failed due to some unknown error, exception or failure.", _DOCUMENTED,
    "Domain's own page of common errors",
)
UNKNOWN_ERROR = _Row(
    "UnknownError", 500, "The request has failed due to an unknown error.", _DOCUMENTED, _LIST, assumed="text and status",
)

# Refusals of a whole call by the service itself.
PARAMETER_ILLEGAL = _Row(
    "ParameterIllegal", 400, "Parameter illegal.", _DOCUMENTED, "Domain's own pages of 2018",
    "VerifyEmail with an unknown, used, replaced or expired token, QueryEmailVerification of an address without a record",
    "when it is given",
    Origin.BACKEND, "参数错误。",
)
NETWORK_IO_ERROR = _Row(
    "NetworkIOError", 400, "Network IO Error.", _DOCUMENTED, "Domain's own pages of 2018", origin=Origin.BACKEND,
    chinese="网络I/O异常。",
)
REG_CONTACT_EMAIL_NOT_VERIFIED = _Row(
    "RegContactEmailNotVerified", 400, "The email of registrant is not yet verified.", _DOCUMENTED,
    "the error page of Domain's neighbouring operations", "EmailVerified of an address that is not verified",
    "that EmailVerified gives it", Origin.BACKEND, "域名持有者邮箱尚未完成验证",
)
API_BLOCK = _Row(
    "API_Block", 400, "API trigger current limit.", _DOCUMENTED, "Domain's page of error codes (2018-02-08)", origin=Origin.BACKEND,
    chinese="API触发限流。",
)
NO_RESOURCE_AUTHORIZATION = _Row(
    "5000", 400, "The user has no resource authorization, or the API does not support ram.", _DOCUMENTED,
    "Domain's page of error codes (2018-02-08)", origin=Origin.BACKEND, chinese="用户无资源授权，或者该API不支持RAM。",
)

# Codes of other operations of the product Domain, for tests of applications that use those too.
DOMAIN_NOT_EXIST = _Row(
    "DomainNotExist", 400, "The domain name does not exist", _CAPTURED, "a live answer of Domain", origin=Origin.BACKEND
)
OTHER_OPERATIONS: Mapping[str, ErrorDefinition] = {
    "DomainName": _missing("DomainName", _DOCUMENTED, _OTHER_OPERATIONS_PAGES),
    "InstanceId": _missing("InstanceId", _DOCUMENTED, _OTHER_OPERATIONS_PAGES),
    "TaskDetailNo": _missing("TaskDetailNo", _DOCUMENTED, _OTHER_OPERATIONS_PAGES),
    "RegistrantProfileId": _missing("RegistrantProfileId", _DOCUMENTED, _OTHER_OPERATIONS_PAGES),
    "TaskIsBeingProcessed": _other_operation("TaskIsBeingProcessed", "The task is being processed."),
    "DomainTransferPendingNotExist": _other_operation("DomainTransferPendingNotExist", "The transfer does not exist."),
    "TokenFailed": _other_operation("TokenFailed", "The token is not valid."),
    "FileFormatNotSupported": _other_operation("FileFormatNotSupported", "The file format is not supported."),
}

# Codes of single addresses, in FailList. The service itself spells ParameterIllegall with two l's.
SEND_TOKEN_QUOTA_EXCEEDED = _Row(
    "SendTokenQuotaExceeded", None,
    "The maximum number of attempts allowed to send the email verification link is exceeded.", _DOCUMENTED, "Domain's own pages",
    "more mails to an address or more new addresses than a day's limit, or an address that the scenario refuses so",
    "both limits' answers, and the Chinese text", Origin.BACKEND, "邮箱验证链接的发送次数已超过上限。",
)
PARAMETER_ILLEGALL = _Row(
    "ParameterIllegall", None, "Parameter error", _DOCUMENTED, "Domain's own pages",
    "a malformed address, one without a record in Resend and Delete, a verified one in Resend, or one that the scenario refuses so",
    "when it is given, and the Chinese text", Origin.BACKEND, "参数错误",
)
# fmt: on


def _rows(values: Iterable[object]) -> Iterator[ErrorDefinition]:
    for value in values:
        if isinstance(value, ErrorDefinition):
            yield value
        elif isinstance(value, dict):
            yield from (row for row in value.values() if isinstance(row, ErrorDefinition))


# Every row above, in the same order. The two rows of SignatureDoesNotMatch, for V1 and V3, share their code.
CATALOG: tuple[ErrorDefinition, ...] = tuple(_rows(list(globals().values())))

# The codes that a fault can return: refusals of a whole call whose text needs nothing but the string to sign.
FAULT_CODES: Mapping[str, ErrorDefinition] = {
    row.code: row
    for row in CATALOG
    if row.status is not None and "{" not in row.text.replace("{string_to_sign}", "") and row is not SIGNATURE_DOES_NOT_MATCH_V3
}
# The codes that a scenario can set for a single address: these, and those of FailList.
ANSWER_CODES: Mapping[str, ErrorDefinition] = {row.code: row for row in CATALOG if "{" not in row.text}
