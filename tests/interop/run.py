"""Run every SDK through the life cycle of an address, and print the steps that passed. Run by `make interop`.

A small driver in the language of each SDK reads one call per line and writes one response per line. An SDK without its toolchain is
skipped with a reason; if CI is set, it fails.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alimock.api import parse
from alimock.api.http import HttpRequest, HttpResponse
from alimock.api.service import Service
from alimock.backend import Backend
from alimock.scenario import loader
from alimock.server.listener import Listener
from alimock.server.server import Server
from alimock.state.store import Store
from alimock.testing import env

HERE = Path(__file__).resolve().parent
BUILD = HERE.parent.parent / "build" / "interop"
SCENARIO = b"alimock: 1\nextends: default\nauthentication: strict\n"
DOMAIN, INTL = "2018-01-29", "2017-12-18"
TIMEOUT_SECONDS = 600
ALIMOCK_RUN = (sys.executable, "-m", "alimock", "run", "--auth", "strict")
# A proxy that refuses connections, as it is set in the environment of many CI systems.
DEAD_PROXIES = {
    spelled: "http://127.0.0.1:9" for name in ("http_proxy", "https_proxy", "all_proxy") for spelled in (name, name.upper())
}


class Missing(Exception):
    """A toolchain is not installed."""


@dataclass(frozen=True)
class Client:
    """An SDK with its version, format and signature, and the command of its driver."""

    name: str
    version: str
    format: str
    signature: str
    prepare: Callable[[], list[str]]
    arguments: tuple[str, ...]
    api_version: str = DOMAIN
    # What the client appends to an error code.
    code_suffix: str = ""


def tool(name: str) -> str:
    """Return the path of a program; raise Missing if it is not installed."""
    found = shutil.which(name)
    if found is None:
        raise Missing(f"{name} is not installed")
    return found


def _run(*command: str | Path, folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT_SECONDS)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}: {done.stdout[-1000:]}{done.stderr[-1000:]}")
    return done.stdout


def _copy_sources(language: str) -> Path:
    """Copy the sources of a driver to its build folder, a new one for each version of the sources."""
    sources = b"".join(path.read_bytes() for path in sorted((HERE / language).rglob("*")) if path.is_file())
    folder = BUILD / f"{language}-{hashlib.sha256(sources).hexdigest()[:12]}"
    shutil.copytree(HERE / language, folder, dirs_exist_ok=True)
    return folder


def python_binary(*requirements: str) -> str:
    """Return the interpreter of an environment with these packages."""
    folder = BUILD / "-".join(("python", *(requirement.replace("==", "-") for requirement in requirements)))
    if not folder.exists():
        venv.create(folder, with_pip=True)
        pip = (folder / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check")
        _run(*pip, "setuptools<80", *requirements, folder=folder)
    return str(folder / "bin" / "python")


def _python(*requirements: str) -> Callable[[], list[str]]:
    return lambda: [python_binary(*requirements), "-W", "ignore", str(HERE / "python" / "driver.py")]


def node_folder() -> Path:
    """Return the folder with the driver and the packages for Node."""
    npm, folder = tool("npm"), _copy_sources("node")
    if not (folder / "node_modules").exists():
        _run(npm, "install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts", folder=folder)
    return folder


def _node() -> list[str]:
    return [tool("node"), str(node_folder() / "driver.js")]


def go_folder() -> Path:
    """Return the folder with the driver for Go and its module."""
    go, folder = tool("go"), _copy_sources("go")
    _run(go, "build", "-o", "driver", ".", folder=folder)
    return folder


def _go() -> list[str]:
    return [str(go_folder() / "driver")]


def java_class_path() -> str:
    """Return the class path of the driver for Java and of the SDKs."""
    maven, folder = tool("mvn"), _copy_sources("java")
    path, classes = folder / "classpath.txt", folder / "target" / "classes"
    if not path.exists():
        _run(maven, "-q", "-B", "dependency:build-classpath", f"-Dmdep.outputFile={path}", folder=folder)
        _run(maven, "-q", "-B", "package", folder=folder)
    return f"{classes}{os.pathsep}{path.read_text()}"


def _java() -> list[str]:
    return [tool("java"), "-cp", java_class_path(), "Driver"]


def _rust() -> list[str]:
    cargo, folder = tool("cargo"), _copy_sources("rust")
    target = BUILD / "rust-target"
    _run(cargo, "build", "--quiet", "--target-dir", target, folder=folder)
    return [str(target / "debug" / "alimock-interop")]


CORE = ("aliyun-python-sdk-core==2.16.1", "aliyun-python-sdk-domain==3.14.11", "aliyun-python-sdk-domain-intl==1.6.0")
TEA_5, TEA_3 = "alibabacloud_domain20180129", "alibabacloud_domain20180129"
TEA_INTL = "alibabacloud_domain_intl20171218"
GO_CLASSIC, GO_TEA = "Go alibaba-cloud-sdk-go", "Go darabonba-openapi"
GO_TEA_DOMAIN = "Go alibabacloud-go/domain-20180129"
ALIYUNGO, ALIYUNGO_VERSION = "Go denverdino/aliyungo", "0.0.0-20190125010748"
RUST = "Rust aliyun-openapi-core-rust-sdk"
JAVA = "Java aliyun-java-sdk-core with -domain 3.14.11"

CLIENTS = (
    Client("Python alibabacloud-domain20180129", "5.1.1", "JSON", "V3", _python("alibabacloud-domain20180129==5.1.1"), ("tea", TEA_5)),
    Client("Python alibabacloud-domain20180129", "5.1.1", "JSON", "V1", _python("alibabacloud-domain20180129==5.1.1"), ("tea-v1", TEA_5)),
    Client("Python alibabacloud-domain20180129", "3.14.13", "JSON", "V3", _python("alibabacloud-domain20180129==3.14.13"), ("tea", TEA_3)),
    Client("Python alibabacloud-domain-intl20171218", "1.1.0", "JSON", "V3", _python("alibabacloud-domain-intl20171218==1.1.0"), ("tea", TEA_INTL), INTL),
    Client("Python aliyun-python-sdk-core with -domain 3.14.11", "2.16.1", "JSON", "V1", _python(*CORE), ("core", "aliyunsdkdomain")),
    Client("Python aliyun-python-sdk-core with -domain-intl 1.6.0", "2.16.1", "JSON", "V1", _python(*CORE), ("core", "aliyunsdkdomain_intl"), INTL),
    Client("Node @alicloud/pop-core (GET)", "1.8.0", "JSON", "V1", _node, ("pop-core-get",)),
    Client("Node @alicloud/pop-core (POST)", "1.8.0", "JSON", "V1", _node, ("pop-core-post",)),
    Client("Node @alicloud/pop-core (GET)", "1.8.0", "JSON", "V1", _node, ("pop-core-get",), INTL),
    Client("Node @alicloud/openapi-client", "0.4.15", "JSON", "V3", _node, ("openapi-client",)),
    Client("Node @alicloud/openapi-client", "0.4.15", "JSON", "V1", _node, ("openapi-client-v1",)),
    Client("Node @alicloud/openapi-core", "1.0.8", "JSON", "V3", _node, ("openapi-core",)),
    Client("Node @alicloud/rpc-client (GET)", "1.3.2", "JSON", "V1", _node, ("rpc-client-get",), code_suffix="Error"),
    Client("Node @alicloud/rpc-client (POST)", "1.3.2", "JSON", "V1", _node, ("rpc-client-post",), code_suffix="Error"),
    Client("Node aliyun-sdk", "1.12.10", "JSON", "V1", _node, ("aliyun-sdk",)),
    Client(JAVA, "4.7.10", "JSON", "V1", _java, ("json",)),
    Client(JAVA, "4.7.10", "XML", "V1", _java, ("xml",)),
    Client(JAVA, "4.7.10", "JSON", "V3", _java, ("json-v3",)),
    Client(JAVA, "4.7.10", "XML", "V3", _java, ("xml-v3",)),
    Client(f"{JAVA} (GET)", "4.7.10", "JSON", "V1", _java, ("json-get",)),
    Client("Java tea-openapi", "0.3.15", "JSON", "V3", _java, ("tea",)),
    Client("Java tea-openapi", "0.3.15", "JSON", "V1", _java, ("tea-v1",)),
    Client("Java tea-openapi", "0.3.15", "JSON", "V3", _java, ("tea",), INTL),
    Client(f"{GO_CLASSIC}, typed", "1.63.107", "JSON", "V1", _go, ("classic-typed",)),
    Client(f"{GO_CLASSIC}, common request (GET)", "1.63.107", "JSON", "V1", _go, ("classic-get",)),
    Client(f"{GO_CLASSIC}, common request (GET)", "1.63.107", "JSON", "V1", _go, ("classic-get",), INTL),
    Client(GO_TEA_DOMAIN, "4.2.0", "JSON", "V3", _go, ("tea-typed",)),
    Client(GO_TEA_DOMAIN, "4.2.0", "JSON", "V1", _go, ("tea-typed-v1",)),
    Client(GO_TEA, "2.1.13", "JSON", "V3", _go, ("tea",)),
    Client(GO_TEA, "2.1.13", "JSON", "V1", _go, ("tea-v1",)),
    Client(f"{ALIYUNGO} (GET)", ALIYUNGO_VERSION, "JSON", "V1", _go, ("aliyungo-get",)),
    Client(f"{ALIYUNGO} (POST)", ALIYUNGO_VERSION, "JSON", "V1", _go, ("aliyungo-post",)),
    Client(f"{RUST} (GET)", "1.1.0", "JSON", "V1", _rust, ("get",)),
    Client(f"{RUST} (POST)", "1.1.0", "JSON", "V1", _rust, ("post",)),
    Client(f"{RUST} (GET)", "1.1.0", "JSON", "V1", _rust, ("get",), INTL),
)  # fmt: skip


def _settings(endpoint: str, key: str, secret: str) -> dict[str, str]:
    """Return the variables in which a driver finds the emulator."""
    return {"ENDPOINT": endpoint, "ACCESS_KEY_ID": key, "ACCESS_KEY_SECRET": secret}


class Driver:
    """A running driver, for one call at a time."""

    def __init__(self, client: Client, settings: Mapping[str, str], wrapper: Sequence[str] = ()) -> None:
        self._code_suffix = client.code_suffix
        inherited = {name: value for name, value in os.environ.items() if name not in env.removed(os.environ)}
        environ = {**inherited, "VERSION": client.api_version, **settings}
        command = [*wrapper, *client.prepare(), *client.arguments]
        streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        self._process = subprocess.Popen(command, env=environ, text=True, encoding="utf-8", **streams)  # type: ignore[call-overload]

    def __enter__(self) -> Driver:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.kill()
        self._process.wait()

    def call(self, action: str, **parameters: str) -> dict[str, Any]:
        """Return the body of a successful response; raise AssertionError for an error."""
        response = self._exchange(action, parameters)
        assert "body" in response, response
        body: dict[str, Any] = response["body"]
        return body

    def error_code(self, action: str, **parameters: str) -> str:
        """Return the code of an error response."""
        response = self._exchange(action, parameters)
        assert "error" in response, response
        code = str(response["error"]["code"])
        assert code.endswith(self._code_suffix), code
        return code.removesuffix(self._code_suffix)

    def _exchange(self, action: str, parameters: dict[str, str]) -> dict[str, Any]:
        self._process.stdin.write(json.dumps({"action": action, "parameters": parameters}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the driver exited"
        response: dict[str, Any] = json.loads(line)
        return response


@dataclass
class Session:
    """The context of the steps: a client, its driver and the endpoint of the emulator."""

    client: Client
    driver: Driver
    endpoint: str

    def tokens(self) -> list[str]:
        """Return the tokens of the mails to the tested address, newest first."""
        connection = http.client.HTTPConnection(self.endpoint, timeout=10)
        connection.request("GET", "/_alimock/outbox?to=jo%2Bx@example.com")
        messages = json.loads(connection.getresponse().read())["messages"]
        connection.close()
        return [str(message["token"]) for message in messages]


EMAIL = "jo+x@example.com"


def _emails(rows: list[dict[str, Any]]) -> list[str]:
    return [row["Email"] for row in rows]


def submit(session: Session) -> None:
    body = session.driver.call(
        "SubmitEmailVerification", Email=f"{EMAIL},李雷@例子.中国", SendIfExist="false", UserClientIp="192.0.2.7"
    )
    assert _emails(body["SuccessList"]) == [EMAIL, "李雷@例子.中国"]
    assert body["SuccessList"][0]["Code"] == "Success"
    again = session.driver.call("SubmitEmailVerification", Email=EMAIL, SendIfExist="false")
    assert _emails(again["ExistList"]) == [EMAIL]


def resend(session: Session) -> None:
    assert _emails(session.driver.call("ResendEmailVerification", Email=EMAIL)["SuccessList"]) == [EMAIL]
    assert len(session.tokens()) == 2


def superseded_token(session: Session) -> None:
    assert session.driver.error_code("VerifyEmail", Token=session.tokens()[1]) == "ParameterIllegal"


def verify(session: Session) -> None:
    assert session.driver.call("VerifyEmail", Token=session.tokens()[0], UserClientIp="192.0.2.8")["RequestId"]


def query(session: Session) -> None:
    if session.client.api_version == INTL:
        assert session.driver.error_code("QueryEmailVerification", Email=EMAIL) in ("InvalidAction.NotFound", "no such method")
        return
    body = session.driver.call("QueryEmailVerification", Email=EMAIL)
    assert int(body["VerificationStatus"]) == 1
    assert (body["Email"], body["SendIp"], body["ConfirmIp"]) == (EMAIL, "192.0.2.7", "192.0.2.8")
    assert body["GmtModified"] == body["VerificationTime"]
    assert len(body["EmailVerificationNo"]) == 32


def listing(session: Session) -> None:
    body = session.driver.call("ListEmailVerification", VerificationStatus="1", PageNum="1", PageSize="1")
    assert (int(body["PageSize"]), int(body["CurrentPageNum"]), body["NextPage"]) == (1, 1, True)
    assert _emails(body["Data"]) == [EMAIL]


def verified(session: Session) -> None:
    assert session.driver.call("EmailVerified", Email=EMAIL)["RequestId"]


def delete(session: Session) -> None:
    body = session.driver.call("DeleteEmailVerification", Email=f"{EMAIL},absent@example.com")
    assert _emails(body["SuccessList"]) == [EMAIL]
    assert [row["Code"] for row in body["FailList"]] == ["ParameterIllegall"]


def quota_exceeded(session: Session) -> None:
    body = session.driver.call("ResendEmailVerification", Email="test1@aliyun.com,test2@aliyun.com")
    assert [row["Code"] for row in body["FailList"]] == ["SendTokenQuotaExceeded", "ParameterIllegall"]
    assert not body.get("SuccessList")


def missing_parameter(session: Session) -> None:
    assert session.driver.error_code("ResendEmailVerification", Email=" ") == "MissingEmail"


def unknown_action(session: Session) -> None:
    # A typed client has no such method.
    assert session.driver.error_code("QueryNothing") in ("InvalidAction.NotFound", "no such method")


def wrong_secret(session: Session) -> None:
    with Driver(session.client, _settings(session.endpoint, "testid", "wrong")) as driver:
        code = driver.error_code("EmailVerified", Email="abc@aliyun.com")
    # Some SDKs compare the string to sign with their own and raise an error of their own about the secret.
    assert code in ("SignatureDoesNotMatch", "InvalidAccessKeySecret", "SDK.InvalidAccessKeySecret"), code


def dead_proxy(session: Session) -> None:
    given = _settings("{endpoint}", "{access_key_id}", "{access_key_secret}")
    wrapper = [*ALIMOCK_RUN, *(f"--env={name}={value}" for name, value in given.items()), "--"]
    with Driver(session.client, DEAD_PROXIES, wrapper) as driver:
        assert driver.call("EmailVerified", Email="abc@aliyun.com")["RequestId"]


STEPS: tuple[Callable[[Session], None], ...] = (
    submit,
    resend,
    superseded_token,
    verify,
    query,
    listing,
    verified,
    delete,
    quota_exceeded,
    missing_parameter,
    unknown_action,
    wrong_secret,
    dead_proxy,
)


class RecordingService(Service):
    """A service that records format and signature of its calls, to verify that a driver uses what the table says."""

    used: set[tuple[str, str, str]]

    def handle(self, http: HttpRequest) -> HttpResponse:
        """Answer the request, and record its version, format and signature."""
        request = parse.parse(http)
        body_format = request.format.value if request.format is not None else ""
        self.used.add((request.version, body_format, "V3" if request.is_v3 else "V1"))
        return super().handle(http)


def failures_of(client: Client, server: Server, service: RecordingService) -> Iterator[str]:
    """Run all steps with one client, and yield a line per failure."""
    service.store.reset()
    service.used = set()
    endpoint = server.url.removeprefix("http://")
    with Driver(client, _settings(endpoint, "testid", "testsecret")) as driver:
        session = Session(client, driver, endpoint)
        for step in STEPS:
            try:
                step(session)
            except Exception as error:
                yield f"{step.__name__}: {type(error).__name__}: {str(error)[:300]}"
    # The Java SDK calls an unknown operation by a generic request, which uses V1 and JSON.
    claimed = (client.api_version, client.format, client.signature)
    if not service.used - {(DOMAIN, "JSON", "V1")} <= {claimed} or claimed not in service.used:
        yield f"used {sorted(service.used)}, expected {claimed}"


def main() -> int:
    """Test all clients; return 1 if a step failed or, if CI is set, a client was skipped."""
    BUILD.mkdir(parents=True, exist_ok=True)
    store = Store(loader.load_text(SCENARIO, file="interop"))
    service = RecordingService(store)
    server = Server(Backend(service), Listener("127.0.0.1", 0))
    server.start()
    print("| client | version | API | format | signature | steps passed |\n|---|---|---|---|---|---|")
    status = 0
    for client in CLIENTS:
        row = (client.name, client.version, client.api_version, client.format, client.signature)
        try:
            failures = list(failures_of(client, server, service))
            result = f"{len(STEPS) - len(failures)} of {len(STEPS)}"
        except Missing as missing:
            failures, result = [str(missing)] if os.environ.get("CI") else [], f"skipped: {missing}"
        print(f"| {' | '.join((*row, result))} |", flush=True)
        for failure in failures:
            print(f"  {failure}", file=sys.stderr)
            status = 1
    server.stop()
    return status


if __name__ == "__main__":
    sys.exit(main())
