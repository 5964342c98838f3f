"""TLS: unchanged SDKs with the real host name resolved to loopback, certificates, and misbehaving clients."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import stat
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alimock.api.service import Service
from alimock.backend import Backend
from alimock.cli import certificates, env
from alimock.cli.main import main
from alimock.server.listener import Listener
from alimock.server.server import Server
from alimock.state.store import Store
from command import ask, run, serving
from conftest import Running, scenario

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from alibabacloud_domain20180129 import models
    from alibabacloud_domain20180129.client import Client as TeaClient
    from alibabacloud_tea_openapi.utils_models import Config
    from aliyunsdkcore.client import AcsClient
    from aliyunsdkcore.http import protocol_type
    from aliyunsdkdomain.request.v20180129.QueryEmailVerificationRequest import QueryEmailVerificationRequest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "authority"


@pytest.fixture
def secure(folder: Path) -> Iterator[Running]:
    """A TLS server with a certificate of the emulator's authority."""
    chain, key = certificates.issue(folder, ["mock.example.com"])
    store = Store(scenario("extends: default\nauthentication: strict"))
    server = Server(Backend(Service(store)), Listener("127.0.0.1", 0, tls=(str(chain), str(key))))
    server.start()
    yield Running(server, store)
    server.stop()


@pytest.fixture
def resolved(secure: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """Resolve the service's host name to the server, as a hosts file and port 443 would; fail for any other name."""

    def getaddrinfo(host: str, port: object, *arguments: Any, **options: Any) -> list[Any]:
        assert host in ("domain.aliyuncs.com", "127.0.0.1", "localhost"), host
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", secure.port))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


@pytest.mark.usefixtures("resolved")
@pytest.mark.filterwarnings("ignore")
def test_tea_sdk_reaches_alimock_at_its_default_endpoint(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.authority(folder)))
    client = TeaClient(Config(access_key_id="testid", access_key_secret="testsecret", endpoint="domain.aliyuncs.com"))
    answer = client.query_email_verification(models.QueryEmailVerificationRequest(email="abc@aliyun.com"))
    assert answer.body.verification_status == 1


@pytest.mark.usefixtures("resolved")
@pytest.mark.filterwarnings("ignore")
def test_core_sdk_reaches_alimock_at_its_default_endpoint(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALIBABA_CLOUD_CA_BUNDLE", str(certificates.authority(folder)))
    request = QueryEmailVerificationRequest()
    request.set_endpoint("domain.aliyuncs.com")
    request.set_protocol_type(protocol_type.HTTPS)
    request.set_Email("abc@aliyun.com")
    answer = json.loads(AcsClient("testid", "testsecret", "cn-hangzhou").do_action_with_exception(request))
    assert answer["VerificationStatus"] == 1


def trusting(folder: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificates.authority(folder)))


@pytest.mark.parametrize("name", ["domain.aliyuncs.com", "domain-intl.aliyuncs.com", "localhost", "127.0.0.1", "mock.example.com"])
def test_certificate_covers_the_service_loopback_and_added_names(secure: Running, folder: Path, name: str) -> None:
    plain = socket.create_connection(("127.0.0.1", secure.port), timeout=10)
    with trusting(folder).wrap_socket(plain, server_hostname=name) as connection:
        connection.sendall(f"GET /livez HTTP/1.1\r\nHost: {name}\r\n\r\n".encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 200 OK")


def test_certificate_does_not_cover_other_names(secure: Running, folder: Path) -> None:
    with socket.create_connection(("127.0.0.1", secure.port), timeout=10) as plain, pytest.raises(ssl.SSLError):
        trusting(folder).wrap_socket(plain, server_hostname="other.example.com")


def test_pipelined_requests_over_tls_are_all_answered(secure: Running, folder: Path) -> None:
    plain = socket.create_connection(("127.0.0.1", secure.port), timeout=10)
    with trusting(folder).wrap_socket(plain, server_hostname="localhost") as connection:
        request = b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX-A: 01234567890123456\r\n\r\n"
        # One TLS record: after the first read, the remaining requests are in the TLS buffer and the socket has nothing to read.
        assert 8_192 % len(request) == 0
        connection.sendall(request * 200)
        answers = b""
        while answers.count(b"HTTP/1.1 200 OK") < 200:
            answers += connection.recv(65_536)


def test_oversized_request_over_tls_is_rejected(secure: Running, folder: Path) -> None:
    plain = socket.create_connection(("127.0.0.1", secure.port), timeout=10)
    with trusting(folder).wrap_socket(plain, server_hostname="localhost") as connection:
        connection.sendall(b"GET /?" + b"a" * 4_000_000 + b" HTTP/1.1\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 414 ")


def test_server_stops_although_tls_clients_do_not_end_their_connections(secure: Running, folder: Path) -> None:
    clients = []
    for headers in ("", "Connection: close\r\n"):
        plain = socket.create_connection(("127.0.0.1", secure.port), timeout=10)
        client = trusting(folder).wrap_socket(plain, server_hostname="localhost", suppress_ragged_eofs=False)
        client.sendall(f"GET /livez HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n".encode())
        assert client.recv(1_000).startswith(b"HTTP/1.1 200")
        clients.append(client)
    stopping = threading.Thread(target=secure.server.stop)
    stopping.start()
    stopping.join(10)
    assert not stopping.is_alive()
    for client in clients:
        client.close()


def test_links_of_mails_read_over_tls_use_https(secure: Running, folder: Path) -> None:
    secure.store.load(scenario())
    connection = http.client.HTTPSConnection("localhost", secure.port, timeout=10, context=trusting(folder))
    for path in ("/?Action=SubmitEmailVerification&Version=2018-01-29&Email=jo@example.com", "/_alimock/outbox"):
        connection.request("GET", path)
        body = connection.getresponse().read()
    connection.close()
    assert json.loads(body)["messages"][0]["link"].startswith(f"https://localhost:{secure.port}/verify?token=")


def test_idle_and_plain_http_clients_do_not_block_tls_clients(
    secure: Running, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    address = ("127.0.0.1", secure.port)
    with socket.create_connection(address), socket.create_connection(address, timeout=10) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"HTTP/1.1 200" not in plain.recv(1_000)
        connection = http.client.HTTPSConnection(*address, timeout=10, context=trusting(folder))
        for _ in range(2):
            connection.request("GET", "/livez")
            response = connection.getresponse()
            assert (response.status, response.read()) == (200, b"ok\n")
        connection.close()
    assert "Traceback" not in caplog.text


@pytest.mark.slow
def test_waiter_that_disconnects_over_tls_is_removed(secure: Running, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    waiters = secure.store.waiters
    another = http.client.HTTPSConnection("localhost", secure.port, timeout=10, context=trusting(folder))

    def look() -> None:
        another.request("GET", "/livez")
        assert another.getresponse().read() == b"ok\n"

    for _ in range(3):
        connection = http.client.HTTPSConnection("localhost", secure.port, timeout=10, context=trusting(folder))
        connection.request("GET", "/_alimock/outbox/wait?timeout=60")
        while not waiters.count:
            look()
        connection.close()
        while waiters.count:
            look()
    another.close()
    assert "Traceback" not in caplog.text


def test_authority_is_reused_and_its_files_are_private(folder: Path) -> None:
    first = certificates.authority(folder).read_bytes()
    chain, _ = certificates.issue(folder, [])
    assert certificates.authority(folder).read_bytes() == first
    for path in folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(path.name for path in folder.iterdir()) == ["ca-key.pem", "ca.pem", "server-key.pem", "server.pem"]
    assert chain.read_bytes().count(b"BEGIN CERTIFICATE") == 1


def test_command_prints_or_writes_the_authority_certificate(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ca", "--tls-directory", str(folder)]) == 0
    printed = capsys.readouterr().out
    assert printed == certificates.authority(folder).read_text()
    assert main(["ca", "--tls-directory", str(folder), "--output", str(tmp_path / "ca.pem")]) == 0
    assert (tmp_path / "ca.pem").read_text() == printed
    (tmp_path / "file").write_text("")
    assert main(["ca", "--tls-directory", str(tmp_path / "file" / "x")]) == 2
    (folder / "ca.pem").write_text("rubbish")
    capsys.readouterr()
    assert main(["ca", "--tls-directory", str(folder)]) == 2
    assert capsys.readouterr().err.endswith("are not a certificate authority; delete both to create a new one\n")


def test_serve_listens_with_and_without_tls(folder: Path) -> None:
    with serving("--tls-port", "0", "--tls-directory", str(folder), "--tls-names", "a.example.com, b.example.com") as (_, line):
        plain, secure, _ = (part.split()[0] for part in line.split("http")[1:])
        assert (plain[:4], secure[:5]) == ("://1", "s://1")
        assert ask(line, "/livez")[0] == 200
        connection = http.client.HTTPSConnection(secure.removeprefix("s://"), timeout=10, context=trusting(folder))
        connection.request("GET", "/livez")
        assert connection.getresponse().status == 200
        connection.close()


@pytest.mark.slow
def test_serve_uses_a_given_certificate(folder: Path) -> None:
    chain, key = certificates.issue(folder, [])
    options = ("--tls-certificate", str(chain), "--tls-key", str(key))
    with serving("--tls-port", "0", *options) as (_, line):
        assert " and https://127.0.0.1:" in line
    status, _, log = run("serve", "--port", "0", "--tls-port", "0", "--tls-certificate", str(key), "--tls-key", str(chain))
    assert (status, log.startswith("alimock: cannot use the TLS certificate: ")) == (2, True)


def test_certificate_requires_its_key(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--tls-certificate", "x.pem"]) == 2
    assert capsys.readouterr().err == "alimock: found one of --tls-certificate and --tls-key, expected both or neither\n"
    assert main(["serve", "--tls-names", "x.example.com"]) == 2
    assert capsys.readouterr().err.startswith("alimock: found --tls-certificate or --tls-names without --tls-port")


def test_incomplete_authority_is_not_overwritten(folder: Path) -> None:
    certificates.authority(folder)
    (folder / "ca-key.pem").unlink()
    with pytest.raises(ValueError, match=r"only one of .* exists"):
        certificates.authority(folder)


@pytest.mark.parametrize("sdk", env.SDKS)
def test_env_prints_three_ways_to_connect(sdk: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["env", "--sdk", sdk, "--url", "http://mock:1"]) == 0
    printed = capsys.readouterr().out
    assert "mock:1" in printed
    assert "{" not in printed.replace("RPCClient({", "").replace("Config({", "")
    assert [line[:9] for line in printed.splitlines() if line.startswith(("# over", "# through"))] == [
        "# over HT",
        "# over HT",
        "# through",
    ]


@pytest.mark.filterwarnings("ignore")
def test_python_lines_of_env_work(running: Running, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    main(["env", "--sdk", "python", "--url", running.url])
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("Config(")]
    assert len(lines) == 2
    for line in lines:
        config = eval(line, {"Config": Config})
        config.endpoint = config.endpoint or "domain.aliyuncs.com"
        answer = TeaClient(config).query_email_verification(models.QueryEmailVerificationRequest(email="abc@aliyun.com"))
        assert answer.body.verification_status == 1
