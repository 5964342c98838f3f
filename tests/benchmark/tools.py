"""The compared tools: alimock and its alternatives. Each gets the request that is closest to a Query."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import alimock
from benchmark.calls import LIST, QUERY, RESEND, form_for_amazon, json_for_amazon, signed_v1, signed_v3
from benchmark.packages import AlimockWithUvloop, JavaArchive, NodePackage, Package, PythonPackage
from benchmark.processes import free_port

HERE = Path(__file__).resolve().parent
BINARIES = Path(sys.executable).parent
WAITERS = 2_000

# alimock's response to a Query in XML, which the stubs return.
CANNED = (
    "<?xml version='1.0' encoding='UTF-8'?><QueryEmailVerificationResponse><VerificationStatus>1</VerificationStatus>"
    "<GmtCreate>2019-02-19 16:38:07</GmtCreate><ConfirmIp>42.*.*.31</ConfirmIp><Email>abc@aliyun.com</Email>"
    "<EmailVerificationNo>72b36ba0572e423bbb3f19640896****</EmailVerificationNo>"
    "<RequestId>37EEBB5E-95EA-5A11-A0C2-D0323787EBD7</RequestId><UserId>140692647406****</UserId>"
    "<GmtModified>2019-02-19 16:40:38</GmtModified><SendIp>42.*.*.115</SendIp>"
    "<VerificationTime>2019-02-19 16:40:38</VerificationTime><TokenSendTime>2019-02-19 16:38:07</TokenSendTime>"
    "</QueryEmailVerificationResponse>"
)
XML = {"Content-Type": "text/xml;charset=utf-8"}


@dataclass(frozen=True)
class Question:
    """A request as named in the report. Each call makes a new one; a correct response contains `expected`."""

    label: str
    request: Callable[[], bytes]
    expected: bytes


@dataclass(frozen=True)
class Tool:
    """A server to measure.

    `command` takes a port and a folder for its files. `package` is None if nothing needs to be installed. Start and memory are
    measured with the first question. `traits` tells whether it checks signatures and keeps state.
    """

    name: str
    version: str
    traits: str
    questions: tuple[Question, ...]
    command: Callable[[int, Path], Sequence[str | Path]]
    package: Package | None = None
    waiters: int = 0

    @property
    def is_peer(self) -> bool:
        """Whether it is an alternative to alimock."""
        return not isinstance(self.package, AlimockWithUvloop | None)


MOTO = PythonPackage("moto", "5.2.5", "[ses,server]")
PYTEST_HTTPSERVER = PythonPackage("pytest-httpserver", "1.2.0")
UVLOOP = AlimockWithUvloop("alimock-uvloop", "0.23.0")
# Later versions of mailparser depend on a package that some mirrors of npm lack.
AWS_SES_V2_LOCAL = NodePackage("aws-ses-v2-local", "2.10.2", ("mailparser@3.9.12",))
MOUNTEBANK = NodePackage("mountebank", "2.9.1")
PRISM = NodePackage("@stoplight/prism-cli", "5.14.2")
WIREMOCK = JavaArchive("org.wiremock", "wiremock-standalone", "3.13.2")


def scenario(size: int) -> str:
    """Return a scenario with the given number of full records and a pending address, without limits on mails."""
    entry = (
        "{{status: verified, email_verification_no: 72b36ba0572e423bbb3f1964{0:08x}, user_id: '140692647406****', send_ip: 192.0.2.10, "
        "confirm_ip: 192.0.2.20, gmt_create: 2019-02-19 16:38:07, gmt_modified: 2019-02-19 16:40:38, "
        "token_send_time: 2019-02-19 16:38:07, verification_time: 2019-02-19 16:40:38}}"
    )
    records = "".join(f"  user{number}@example.com: {entry.format(number)}\n" for number in range(size - 1))
    limits = "limits: {sends_per_address_per_day: null, addresses_per_day: null}"
    return f"alimock: 1\nextends: default\n{limits}\naddresses:\n  pending@example.com: pending\n{records}"


def _serve(port: int, _: Path) -> Sequence[str | Path]:
    return [BINARIES / "alimock", "serve", "--port", str(port)]


def _serve_with_uvloop(port: int, _: Path) -> Sequence[str | Path]:
    return [UVLOOP.binaries / "alimock", "serve", "--port", str(port)]


def serve_addresses(size: int) -> Callable[[int, Path], Sequence[str | Path]]:
    """Return the command of alimock with a scenario of the given number of addresses."""

    def command(port: int, folder: Path) -> Sequence[str | Path]:
        file = folder / f"{size}.yaml"
        file.write_text(scenario(size))
        return [*_serve(port, folder), "--scenario", file]

    return command


def _scripted(interpreter: Path, script: str) -> Callable[[int, Path], Sequence[str | Path]]:
    """Return the command of a script in this folder, which takes the port and the file with the response body."""

    def command(port: int, folder: Path) -> Sequence[str | Path]:
        file = folder / "response.xml"
        file.write_text(CANNED)
        return [interpreter, HERE / script, str(port), file]

    return command


def _moto(port: int, _: Path) -> Sequence[str | Path]:
    return [MOTO.binaries / "moto_server", "-H", "127.0.0.1", "-p", str(port)]


def _aws_ses_v2_local(port: int, _: Path) -> Sequence[str | Path]:
    return [AWS_SES_V2_LOCAL.binaries / "aws-ses-v2-local", "--host", "127.0.0.1", "--port", str(port)]


def _mountebank(port: int, folder: Path) -> Sequence[str | Path]:
    # It closes connections unless the response asks to keep them.
    response = {"statusCode": 200, "headers": {**XML, "Connection": "keep-alive"}, "body": CANNED}
    stub = {"predicates": [{"equals": {"query": {"Action": QUERY}}}], "responses": [{"is": response}]}
    file = _write_json(folder / "imposters.json", {"imposters": [{"port": port, "protocol": "http", "stubs": [stub]}]})
    options = ("--port", str(free_port()), "--configfile", file, "--nologfile", "--localOnly")
    return [MOUNTEBANK.binaries / "mb", "start", *options]


def _prism(port: int, folder: Path) -> Sequence[str | Path]:
    action = {"name": "Action", "in": "query", "required": True, "schema": {"type": "string", "enum": [QUERY]}}
    content = {"text/xml": {"schema": {"type": "string"}, "example": CANNED}}
    operation = {"parameters": [action], "responses": {"200": {"description": "The record.", "content": content}}}
    document = {"openapi": "3.0.3", "info": {"title": "Query", "version": "1"}, "paths": {"/": {"get": operation}}}
    return [PRISM.binaries / "prism", "mock", "-h", "127.0.0.1", "-p", str(port), _write_json(folder / "openapi.json", document)]


def _wiremock(port: int, folder: Path) -> Sequence[str | Path]:
    (folder / "mappings").mkdir(exist_ok=True)
    request = {"method": "GET", "urlPath": "/", "queryParameters": {"Action": {"equalTo": QUERY}}}
    response = {"status": 200, "headers": XML, "body": CANNED}
    _write_json(folder / "mappings" / "query.json", {"request": request, "response": response})
    return ["java", "-jar", WIREMOCK.file, "--bind-address", "127.0.0.1", "--port", str(port), "--root-dir", folder]


def _write_json(file: Path, content: Mapping[str, object]) -> Path:
    file.write_text(json.dumps(content))
    return file


FOUND = b"<VerificationStatus>1</VerificationStatus>"
SENT_MAIL: Mapping[str, object] = {
    "FromEmailAddress": "no-reply@example.com",
    "Destination": {"ToAddresses": ["jo@example.com"]},
    "Content": {
        "Simple": {
            "Subject": {"Data": "Please verify your email address"},
            "Body": {"Text": {"Data": "http://example.com/verify?token=b88920b45ae000000000ffe974e74f9b"}},
        }
    },
}
V1_QUERY = Question("Query, V1, XML", lambda: signed_v1(QUERY, Email="abc@aliyun.com"), FOUND)
V3_QUERY = Question("Query, V3, JSON", lambda: signed_v3(QUERY, Email="abc@aliyun.com"), b'"VerificationStatus":1')
SENDING = Question("Resend that sends, V1, XML", lambda: signed_v1(RESEND, Email="pending@example.com"), b"<Code>Success</Code>")
LISTING = Question("List of 500, V1, XML", lambda: signed_v1(LIST, PageSize="500"), b"<PageSize>500</PageSize>")
STUBBED = Question("the same Query, to a stub", V1_QUERY.request, FOUND)
IDENTITY = Question(
    "VerifyEmailIdentity, as a form",
    lambda: form_for_amazon(Action="VerifyEmailIdentity", Version="2010-12-01", EmailAddress="jo@example.com"),
    b"<VerifyEmailIdentityResponse",
)
SEND_EMAIL = Question("SendEmail, JSON", lambda: json_for_amazon("/v2/email/outbound-emails", SENT_MAIL), b'"MessageId"')

BOTH, STATE, CANNED_ONLY = "yes, yes", "no, yes", "no, no"
ALIMOCK = Tool("alimock", alimock.__version__, BOTH, (V1_QUERY, V3_QUERY), _serve)
BARE = Tool("a bare responder on alimock's server", "", CANNED_ONLY, (STUBBED,), _scripted(Path(sys.executable), "bare.py"))
TOOLS = (
    ALIMOCK,
    Tool("alimock, 500 addresses", "", BOTH, (SENDING, LISTING), serve_addresses(500)),
    Tool("alimock, 10,000 addresses", "", BOTH, (V1_QUERY,), serve_addresses(10_000)),
    Tool(f"alimock with {WAITERS:,} waiters", "", BOTH, (V1_QUERY,), _serve, waiters=WAITERS),
    Tool("alimock with uvloop", UVLOOP.version, BOTH, (V1_QUERY, V3_QUERY), _serve_with_uvloop, UVLOOP),
    BARE,
    Tool("a minimal responder, the ceiling of the load client", "", CANNED_ONLY, (STUBBED,), _scripted(Path(sys.executable), "responder.py")),
    Tool("moto_server", MOTO.version, STATE, (IDENTITY,), _moto, MOTO),
    Tool("aws-ses-v2-local", AWS_SES_V2_LOCAL.version, STATE, (SEND_EMAIL,), _aws_ses_v2_local, AWS_SES_V2_LOCAL),
    Tool("mountebank", MOUNTEBANK.version, CANNED_ONLY, (STUBBED,), _mountebank, MOUNTEBANK),
    Tool("Prism", PRISM.version, CANNED_ONLY, (STUBBED,), _prism, PRISM),
    Tool("WireMock", WIREMOCK.version, CANNED_ONLY, (STUBBED,), _wiremock, WIREMOCK),
    Tool("pytest-httpserver", PYTEST_HTTPSERVER.version, CANNED_ONLY, (STUBBED,), _scripted(PYTEST_HTTPSERVER.binaries / "python", "stub.py"), PYTEST_HTTPSERVER),
)  # fmt: skip
