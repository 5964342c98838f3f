"""The unmodified Python SDKs against a running server."""

from __future__ import annotations

import http.client
import json
import warnings
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any, Protocol

import pytest
from alimock.spec.contract import OPERATIONS
from conftest import Running, scenario, serve

with warnings.catch_warnings():
    # The SDKs emit warnings on import.
    warnings.simplefilter("ignore")
    from alibabacloud_domain20180129 import models
    from alibabacloud_domain20180129.client import Client as TeaClient
    from alibabacloud_tea_openapi.exceptions import ClientException as TeaError
    from alibabacloud_tea_openapi.utils_models import Config
    from aliyunsdkcore.acs_exception.exceptions import ServerException
    from aliyunsdkcore.client import AcsClient

pytestmark = pytest.mark.filterwarnings("ignore")


class Client(Protocol):
    """Call an operation with an SDK and return its result by the names on the wire, or raise `Refused`."""

    def __call__(self, action: str, /, **parameters: object) -> dict[str, Any]: ...


class Refused(Exception):
    def __init__(self, code: str, status: int, message: str) -> None:
        self.code, self.status, self.message = code, status, message
        super().__init__(code)


def tea(running: Running, key: str, secret: str, **config: Any) -> Client:
    """Return a client of alibabacloud_domain20180129, which signs with V3 and sends business parameters in the query."""
    client = TeaClient(Config(access_key_id=key, access_key_secret=secret, endpoint=running.endpoint, protocol="http", **config))
    methods = {
        "SubmitEmailVerification": (models.SubmitEmailVerificationRequest, client.submit_email_verification),
        "ResendEmailVerification": (models.ResendEmailVerificationRequest, client.resend_email_verification),
        "VerifyEmail": (models.VerifyEmailRequest, client.verify_email),
        "QueryEmailVerification": (models.QueryEmailVerificationRequest, client.query_email_verification),
        "ListEmailVerification": (models.ListEmailVerificationRequest, client.list_email_verification),
        "DeleteEmailVerification": (models.DeleteEmailVerificationRequest, client.delete_email_verification),
        "EmailVerified": (models.EmailVerifiedRequest, client.email_verified),
    }

    def call(action: str, /, **parameters: object) -> dict[str, Any]:
        request, method = methods[action]
        try:
            body = method(request().from_map(parameters)).body.to_map()
        except TeaError as error:
            raise Refused(error.code, error.status_code, error.message) from error
        assert isinstance(body, dict)
        return body

    return call


def tea_v1(running: Running, key: str, secret: str) -> Client:
    """Return a client of the same SDK that signs with V1."""
    return tea(running, key, secret, signature_algorithm="v2")


CORE_REQUESTS = {action: import_module(f"aliyunsdkdomain.request.v20180129.{action}Request") for action in OPERATIONS}


def core(running: Running, key: str, secret: str) -> Client:
    """Return a client of aliyun-python-sdk-core and aliyun-python-sdk-domain, which sign with V1 and request JSON."""
    client = AcsClient(key, secret, "cn-hangzhou")

    def call(action: str, /, **parameters: object) -> dict[str, Any]:
        request = getattr(CORE_REQUESTS[action], f"{action}Request")()
        request.set_endpoint(running.endpoint)
        for name, value in parameters.items():
            getattr(request, f"set_{name}")(value)
        try:
            body = json.loads(client.do_action_with_exception(request))
        except ServerException as error:
            raise Refused(error.get_error_code(), error.get_http_status(), error.get_error_msg()) from error
        assert isinstance(body, dict)
        return body

    return call


SDKS = pytest.mark.parametrize("sdk", [tea, tea_v1, core], ids=lambda sdk: sdk.__name__)
Sdk = Callable[[Running, str, str], Client]


@pytest.fixture
def strict() -> Iterator[Running]:
    """Start a server that demands a signature, as the gateway does."""
    yield from serve(scenario("extends: default\nauthentication: strict"))


def read_outbox(running: Running, to: str) -> list[dict[str, Any]]:
    connection = http.client.HTTPConnection(running.endpoint)
    connection.request("GET", f"/_alimock/outbox?to={to}")
    messages: list[dict[str, Any]] = json.loads(connection.getresponse().read())["messages"]
    connection.close()
    return messages


@SDKS
def test_address_passes_through_its_life_cycle(strict: Running, sdk: Sdk) -> None:
    client = sdk(strict, "testid", "testsecret")
    submitted = client("SubmitEmailVerification", Email="jo@example.com", SendIfExist=False, UserClientIp="192.0.2.7")
    assert submitted["SuccessList"] == [{"Email": "jo@example.com", "Code": "Success", "Message": "Success"}]
    pending = client("QueryEmailVerification", Email="jo@example.com")
    assert (pending["VerificationStatus"], pending["SendIp"], pending.get("ConfirmIp")) == (0, "192.0.2.7", None)

    again = client("SubmitEmailVerification", Email="jo@example.com", SendIfExist=False)
    assert [row["Email"] for row in again["ExistList"]] == ["jo@example.com"]
    assert client("ResendEmailVerification", Email="jo@example.com")["FailList"] == []
    newest, oldest = read_outbox(strict, "jo@example.com")
    assert (newest["token_state"], oldest["token_state"]) == ("open", "void")
    with pytest.raises(Refused) as superseded:
        client("VerifyEmail", Token=oldest["token"])
    assert (superseded.value.code, superseded.value.status) == ("ParameterIllegal", 400)

    assert client("VerifyEmail", Token=newest["token"], UserClientIp="192.0.2.8")["RequestId"]
    verified = client("QueryEmailVerification", Email="jo@example.com")
    assert (verified["VerificationStatus"], verified["ConfirmIp"]) == (1, "192.0.2.8")
    assert verified["VerificationTime"] == verified["GmtModified"]
    assert client("EmailVerified", Email="jo@example.com")["RequestId"]

    listed = client("ListEmailVerification", Email="jo@example.com", PageNum=1, PageSize=10)
    assert {name: listed[name] for name in ("TotalItemNum", "PageSize", "NextPage")} == {
        "TotalItemNum": 1,
        "PageSize": 10,
        "NextPage": False,
    }
    assert listed["Data"] == [{name: value for name, value in verified.items() if name != "RequestId"}]

    assert [row["Email"] for row in client("DeleteEmailVerification", Email="jo@example.com")["SuccessList"]] == ["jo@example.com"]
    with pytest.raises(Refused) as unverified:
        client("EmailVerified", Email="jo@example.com")
    assert unverified.value.code == "RegContactEmailNotVerified"


@SDKS
def test_sdk_reads_every_field_of_a_verified_record(strict: Running, sdk: Sdk) -> None:
    body = sdk(strict, "testid", "testsecret")("QueryEmailVerification", Email="abc@aliyun.com")
    del body["RequestId"]
    assert body == {
        "ConfirmIp": "42.*.*.31",
        "TokenSendTime": "2019-02-19 16:38:07",
        "Email": "abc@aliyun.com",
        "VerificationStatus": 1,
        "SendIp": "42.*.*.115",
        "VerificationTime": "2019-02-19 16:40:38",
        "EmailVerificationNo": "72b36ba0572e423bbb3f19640896****",
        "UserId": "140692647406****",
        "GmtCreate": "2019-02-19 16:38:07",
        "GmtModified": "2019-02-19 16:40:38",
    }


@SDKS
def test_refused_addresses_are_rows_of_a_successful_response(strict: Running, sdk: Sdk) -> None:
    body = sdk(strict, "testid", "testsecret")("ResendEmailVerification", Email="test1@aliyun.com,test2@aliyun.com")
    assert [(row["Email"], row["Code"]) for row in body["FailList"]] == [
        ("test1@aliyun.com", "SendTokenQuotaExceeded"),
        ("test2@aliyun.com", "ParameterIllegall"),
    ]


@SDKS
def test_non_ascii_addresses_arrive_unchanged(strict: Running, sdk: Sdk) -> None:
    client = sdk(strict, "testid", "testsecret")
    sent = "李雷@例子.中国, o'brien+tag@example.com ,~tilde*star@example.com"
    body = client("SubmitEmailVerification", Email=sent, SendIfExist=True)
    assert [row["Email"] for row in body["SuccessList"]] == [part.strip() for part in sent.split(",")]
    assert client("QueryEmailVerification", Email="李雷@例子.中国")["Email"] == "李雷@例子.中国"


def test_wrong_secret_raises_the_error_of_each_sdk(strict: Running) -> None:
    with pytest.raises(Refused) as v3:
        tea(strict, "testid", "wrong")("VerifyEmail", Token="t")
    assert (v3.value.code, v3.value.status) == ("SignatureDoesNotMatch", 400)
    assert "server StringToSign is [ACS3-HMAC-SHA256\n" in v3.value.message
    # The old core compares the string to sign with its own, finds them equal, and raises an error of its own.
    with pytest.raises(Refused) as v1:
        core(strict, "testid", "wrong")("VerifyEmail", Token="t")
    assert (v1.value.code, v1.value.status) == ("InvalidAccessKeySecret", 400)


@SDKS
def test_unknown_key_is_refused_by_strict_authentication_only(strict: Running, running: Running, sdk: Sdk) -> None:
    with pytest.raises(Refused) as unknown:
        sdk(strict, "unknown", "secret")("QueryEmailVerification", Email="abc@aliyun.com")
    assert (unknown.value.code, unknown.value.status) == ("InvalidAccessKeyId.NotFound", 404)
    assert sdk(running, "unknown", "secret")("QueryEmailVerification", Email="abc@aliyun.com")["VerificationStatus"] == 1


def test_core_sdk_can_request_xml(strict: Running) -> None:
    request = CORE_REQUESTS["QueryEmailVerification"].QueryEmailVerificationRequest()
    request.set_endpoint(strict.endpoint)
    request.set_accept_format("XML")
    request.set_Email("abc@aliyun.com")
    status, _, body = AcsClient("testid", "testsecret", "cn-hangzhou").implementation_of_do_action(request)[:3]
    assert status == 200
    assert body.startswith(b"<?xml version='1.0' encoding='UTF-8'?><QueryEmailVerificationResponse><VerificationStatus>1<")


@pytest.mark.parametrize("algorithm", [None, "v2"])
def test_bearer_token_is_refused(strict: Running, running: Running, algorithm: str | None) -> None:
    for server in (strict, running):
        config = Config(bearer_token="token", endpoint=server.endpoint, protocol="http", signature_algorithm=algorithm)
        with pytest.raises(TeaError) as refused:
            TeaClient(config).list_email_verification(models.ListEmailVerificationRequest())
        assert (refused.value.code, refused.value.status_code) == ("UnsupportedSignatureType", 400)


@pytest.mark.parametrize(("token", "code"), [("of-today", None), ("left-over", "InvalidSecurityToken.MismatchWithAccessKey")])
def test_security_token_must_be_that_of_the_key(token: str, code: str | None) -> None:
    keys = "[{id: testid, secret: testsecret}, {id: STS.one, secret: testsecret, security_token: of-today}]"
    key_id = "STS.one" if code is None else "testid"
    for running in serve(scenario(f"accounts: {{default: {{access_keys: {keys}}}}}")):
        client = tea(running, key_id, "testsecret", security_token=token)
        if code is None:
            assert client("ListEmailVerification")["TotalItemNum"] == 0
            continue
        with pytest.raises(Refused) as refused:
            client("ListEmailVerification")
        assert refused.value.code == code
