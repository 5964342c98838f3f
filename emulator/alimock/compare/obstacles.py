"""Obstacles: responses of the service that say nothing about alimock, because they are about the caller or the moment."""

from __future__ import annotations

from http import HTTPStatus

from alimock.compare.answer import Answer
from alimock.compare.endpoint import Exchange
from alimock.spec import error_catalog as errors

RETRY_SECONDS = 5.0
MAXIMUM_RETRY_SECONDS = 30.0
# Each stands for its family, too, such as Throttling.User.
_THROTTLED = (errors.THROTTLING.code, errors.API_BLOCK.code)
_FAILED = (errors.INTERNAL_ERROR.code, errors.SERVICE_UNAVAILABLE.code)
_FORBIDDEN = (errors.FORBIDDEN.code, errors.NO_PERMISSION.code, errors.NO_RESOURCE_AUTHORIZATION.code)
_BAD_CREDENTIALS = (
    errors.INVALID_ACCESS_KEY_ID.code,
    errors.INVALID_TIMESTAMP_EXPIRED.code,
    errors.SIGNATURE_DOES_NOT_MATCH_V1.code,
    errors.FORBIDDEN_ACCESS_KEY_DISABLED.code,
    errors.MISSING_PARAMETERS["SecurityToken"].code,
    errors.INVALID_SECURITY_TOKEN_EXPIRED.code,
    errors.INVALID_SECURITY_TOKEN_MALFORMED.code,
    errors.INVALID_SECURITY_TOKEN_MISMATCH.code,
)


def refuses_credentials(answer: Answer) -> bool:
    """Return whether a correctly signed call was refused because of its credentials."""
    return answer.code.startswith(_BAD_CREDENTIALS)


def is_throttled(answer: Answer) -> bool:
    """Return whether a call was refused because there were too many."""
    return answer.status == HTTPStatus.TOO_MANY_REQUESTS or answer.code.startswith(_THROTTLED)


def has_failed(answer: Answer) -> bool:
    """Return whether the service could not carry out a call; the next one may be different."""
    return answer.status >= 500 or answer.code.startswith(_FAILED)


def retry_seconds(exchange: Exchange) -> float:
    """Return how long to wait before a throttled call is tried again: what the response says, or some seconds."""
    headers = dict(exchange.response.headers)
    for name, units_per_second in (("x-acs-retry-after", 1000), ("retry-after", 1)):
        text = headers.get(name, "")
        if text.isascii() and text.isdigit():
            # A number of hundreds of digits is an infinite float.
            return min(float(text) / units_per_second, MAXIMUM_RETRY_SECONDS)
    return RETRY_SECONDS


def why_inconclusive(service: Answer, alimock: Answer, *, tests_quota: bool) -> str:
    """Return why the answers to a call cannot be compared, or an empty text."""
    if has_failed(service):
        return f"the service failed ({service.status}{service.code and f' {service.code}'})"
    if service.code.startswith(_FORBIDDEN) and not alimock.code:
        return f"the access key may not call this operation ({service.code})"
    quota = errors.SEND_TOKEN_QUOTA_EXCEEDED.code
    if not tests_quota and any(value.text == quota for value in service.named("Code")):
        return f"{quota}: emails of earlier today count, too"
    return ""
