"""The service: the order of checks, the checks that are its own, and the failures and refused requests it keeps."""

from __future__ import annotations

import pytest
from alimock.api import serialize
from alimock.api.http import HttpResponse
from conftest import Api, error_of, signed
from signing import sign_v3, strict_api

NOT_FOUND = "Specified api is not found, please check your url and method."
INVALID_VERSION = "Specified parameter Version is not valid."


@pytest.mark.parametrize(
    ("changes", "status", "code", "message"),
    [
        ({"Action": None}, 404, "InvalidAction.NotFound", NOT_FOUND),
        ({"Action": None, "Version": None}, 404, "InvalidAction.NotFound", NOT_FOUND),
        ({"Action": "SubmitEmail"}, 404, "InvalidAction.NotFound", NOT_FOUND),
        ({"Action": "listemailverification"}, 404, "InvalidAction.NotFound", NOT_FOUND),
        ({"Action": "QueryEmailVerification", "Version": "2017-12-18"}, 404, "InvalidAction.NotFound", NOT_FOUND),
        ({"Version": None}, 400, "InvalidVersion", INVALID_VERSION),
        ({"Version": "2018-02-08"}, 400, "InvalidVersion", INVALID_VERSION),
        ({"Format": "yaml"}, 400, "InvalidParameter.Format", "Specified parameter format is not valid."),
    ],
)
def test_unknown_action_version_or_format_is_refused(changes: dict[str, str | None], status: int, code: str, message: str) -> None:
    assert error_of(strict_api().send(signed(**changes))) == (status, code, message)


@pytest.mark.parametrize("name", ["x-acs-action", "x-acs-version"])
def test_v3_request_without_action_or_version_header_is_refused(name: str) -> None:
    response = strict_api().send("", method="POST", headers=sign_v3(**{name: None}))
    assert response.body.startswith(b"{")
    assert error_of(response) == (400, "MissingHeader", f"Specified header {name} is mandatory for this action.")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "HEAD", "PATCH", "FOO"])
def test_methods_other_than_get_and_post_are_refused(empty: Api, method: str) -> None:
    response = empty.call("ListEmailVerification", method=method)
    assert error_of(response) == (405, "UnsupportedHTTPMethod", "This http method is not supported.")


# Each check with a request that only it refuses, in the order of the checks.
ORDER: list[tuple[str, dict[str, str | None]]] = [
    ("RequestParameterMalformed", {"malformed": "yes"}),
    ("InvalidVersion", {"Version": "2000-01-01"}),
    ("InvalidAction.NotFound", {"Action": "NoSuchAction"}),
    ("UnsupportedHTTPMethod", {"method": "PUT"}),
    ("InvalidParameter.Format", {"Format": "yaml"}),
    ("MissingSignatureNonce", {"SignatureNonce": None}),
    ("InvalidTimeStamp.Format", {"Timestamp": "long ago"}),
    ("InvalidAccessKeyId.NotFound", {"AccessKeyId": "unknown"}),
    ("InvalidAccessKeyId.Inactive", {"AccessKeyId": "inactive"}),
    ("MissingSecurityToken", {"AccessKeyId": "STS.one"}),
    ("UnsupportedSignatureType", {"SignatureType": "BEARERTOKEN"}),
    ("InvalidSignatureMethod", {"SignatureMethod": "HMAC-MD5"}),
    ("SignatureDoesNotMatch", {"Signature": "wrong"}),
    ("SignatureNonceUsed", {"SignatureNonce": "used"}),
    ("Forbidden.RAM", {"AccessKeyId": "powerless"}),
    ("InvalidPageNum", {"PageNum": "x"}),
    ("Throttling", {"Version": "2017-12-18"}),
]


def send_with_errors(changes: dict[str, str | None]) -> HttpResponse:
    """Send a request with some of the changes of `ORDER` to an API that knows its nonce already."""
    api = strict_api("faults: [{when: {version: 2017-12-18}, error: Throttling}]")
    for key in ("testid", "powerless"):
        api.send(signed(SignatureNonce="used", AccessKeyId=key))
    changes = dict(changes)
    method, malformed = str(changes.pop("method", "GET")), changes.pop("malformed", None)
    return api.send(signed(method=method, **changes) + ("&x=%ZZ" if malformed else ""), method=method)


@pytest.mark.parametrize(
    ("first", "second"),
    [(first, second) for number, first in enumerate(ORDER) for second in ORDER[number:]],
    ids=lambda one: one[0],
)
def test_of_two_errors_the_one_checked_first_is_returned(
    first: tuple[str, dict[str, str | None]], second: tuple[str, dict[str, str | None]]
) -> None:
    assert error_of(send_with_errors({**second[1], **first[1]}))[1] == first[0]


def test_internal_error_is_returned_as_500_and_logged(
    empty: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(serialize, "success", lambda *_: 1 / 0)
    status, code, _ = error_of(empty.call("ListEmailVerification"))
    assert (status, code) == (500, "InternalError")
    assert "ZeroDivisionError" in caplog.text


def test_the_latest_10_internal_errors_are_kept(empty: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    errors = [RuntimeError(str(number)) for number in range(11)]
    pending = iter(errors)

    def fail(*_: object) -> bytes:
        raise next(pending)

    monkeypatch.setattr(serialize, "success", fail)
    for _ in errors:
        empty.call("ListEmailVerification")
    assert list(empty.service.failures) == errors[1:]


def request_id(response: HttpResponse) -> str:
    return dict(response.headers)["x-acs-request-id"]


def test_the_latest_100_requests_with_refused_credentials_are_kept() -> None:
    api = strict_api()
    ids = [request_id(api.send(signed(Timestamp=None))) for _ in range(101)]
    assert [number for number, one in enumerate(ids) if api.service.refused_request(one) is None] == [0]


@pytest.mark.parametrize(("size", "is_kept"), [(64 * 1024, True), (64 * 1024 + 1, False)])
def test_refused_request_is_kept_with_a_body_of_at_most_64_kib(size: int, is_kept: bool) -> None:
    api = strict_api()
    response = api.send(signed(Timestamp=None, method="POST"), method="POST", body=b"x" * size)
    assert (api.service.refused_request(request_id(response)) is not None) == is_kept
