"""TLS: unchanged SDKs with the real host name resolved to loopback, certificates, and misbehaving clients."""

from __future__ import annotations

import http.client
import json
import os
import socket
import ssl
import stat
import threading
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import trustme
from alimock.api.service import Service
from alimock.backend import Backend
from alimock.cli import certificates, env
from alimock.cli.main import main
from alimock.server.listener import Listener
from alimock.server.server import Server
from alimock.server.tls import server_context
from alimock.state.store import Store
from command import ask, run, serving
from conftest import Running, scenario
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, x25519

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
    context = certificates.tls_context(folder, ["mock.example.com"])
    store = Store(scenario("extends: default\nauthentication: strict"))
    server = Server(Backend(Service(store)), Listener("127.0.0.1", 0, context))
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
    certificates.tls_context(folder, [])
    assert certificates.authority(folder).read_bytes() == first
    for path in folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(path.name for path in folder.iterdir()) == ["ca-key.pem", "ca.pem", "lock"]


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
    chain, key = written(folder, trustme.CA().issue_cert("localhost"))
    with serving("--tls-port", "0", "--tls-certificate", chain, "--tls-key", key) as (_, line):
        assert " and https://127.0.0.1:" in line
    status, _, log = run("serve", "--port", "0", "--tls-port", "0", "--tls-certificate", key, "--tls-key", chain)
    assert status == 2
    assert log == (
        f"alimock: cannot use the TLS certificate: {key} contains no certificate, expected a chain in PEM\n"
        "Set --tls-certificate and --tls-key to a certificate chain and its key, in PEM.\n"
    )


def written(folder: Path, leaf: trustme.LeafCert, *, key: bytes | None = None) -> tuple[str, str]:
    """Write the files of a certificate and return their paths."""
    folder.mkdir(exist_ok=True)
    chain_file, key_file = folder / "chain.pem", folder / "key.pem"
    chain_file.write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
    key_file.write_bytes(key or leaf.private_key_pem.bytes())
    return str(chain_file), str(key_file)


def encrypted(leaf: trustme.LeafCert) -> bytes:
    key = serialization.load_pem_private_key(leaf.private_key_pem.bytes(), None)
    password = serialization.BestAvailableEncryption(b"secret")
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, password)


PAST = datetime(2020, 1, 1, tzinfo=timezone.utc)


def test_given_certificate_that_clients_would_reject_is_rejected(folder: Path) -> None:
    authority = trustme.CA()
    valid, other = authority.issue_cert("localhost"), authority.issue_cert("localhost")
    expired = authority.issue_cert("localhost", not_before=PAST - timedelta(days=1), not_after=PAST)
    early = authority.issue_cert("localhost", not_before=datetime(2037, 1, 1, tzinfo=timezone.utc))
    intermediate = authority.create_child_ca().issue_cert("localhost")
    cases = (
        (written(folder, other, key=valid.private_key_pem.bytes()), "KEY is not the key of the first certificate in CHAIN"),
        (written(folder / "e", expired), "the certificates in CHAIN are not valid: certificate has expired"),
        (written(folder / "f", early), "the certificates in CHAIN are not valid: certificate is not yet valid"),
        (written(folder / "g", valid, key=encrypted(valid)), "KEY is encrypted, expected a key without a passphrase"),
        (
            written(folder / "h", valid, key=b"rubbish"),
            "CHAIN contains no valid certificate or KEY no valid key, expected both in PEM",
        ),
    )
    for (chain, key), message in cases:
        with pytest.raises(ValueError) as caught:
            server_context(chain, key)
        assert str(caught.value).startswith(message.replace("CHAIN", chain).replace("KEY", key))
    with pytest.raises(FileNotFoundError, match="missing"):
        server_context(chain, str(folder / "missing"))
    assert server_context(*written(folder / "i", intermediate)) is not None
    chain, key = written(folder / "j", intermediate)
    unrelated = trustme.CA().cert_pem.bytes()
    Path(chain).write_bytes(intermediate.cert_chain_pems[0].bytes() + unrelated)
    with pytest.raises(ValueError, match="are not valid"):
        server_context(chain, key)


@pytest.mark.slow
def test_emulators_that_start_at_once_in_a_new_folder_share_an_authority(folder: Path) -> None:
    with ExitStack() as stack:
        starting = ThreadPoolExecutor(4)
        options = ("--tls-port", "0", "--tls-directory", str(folder), "--tls-names")
        started = [starting.submit(stack.enter_context, serving(*options, f"{name}.example.com")) for name in "abcd"]
        lines = [one.result()[1] for one in started]
        for name, line in zip("abcd", lines, strict=True):
            port = int(line.partition("https://127.0.0.1:")[2].split()[0])
            plain = socket.create_connection(("127.0.0.1", port), timeout=10)
            with trusting(folder).wrap_socket(plain, server_hostname=f"{name}.example.com"):
                pass
    assert sorted(path.name for path in folder.iterdir()) == ["ca-key.pem", "ca.pem", "lock"]


def test_authority_whose_files_do_not_belong_together_is_rejected(folder: Path, tmp_path: Path) -> None:
    certificates.authority(folder)
    other = certificates.authority(tmp_path / "other")
    (folder / "ca.pem").write_bytes(other.read_bytes())
    for use in (lambda: certificates.authority(folder), lambda: certificates.tls_context(folder, [])):
        with pytest.raises(ValueError) as caught:
            use()
        message = str(caught.value)
        assert message.startswith(f"clients would reject the certificates that {folder}/ca.pem and {folder}/ca-key.pem sign: ")
        assert message.endswith("; delete both to create a new authority, and let the clients trust the new ca.pem")


def pem_of(key: Any, password: bytes | None = None) -> bytes:
    encryption = serialization.NoEncryption() if password is None else serialization.BestAvailableEncryption(password)
    content: bytes = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
    return content


@pytest.mark.parametrize(
    "key",
    [
        pem_of(ec.generate_private_key(ec.SECP256R1()), b"x"),
        pem_of(x25519.X25519PrivateKey.generate()),
        pem_of(ed25519.Ed25519PrivateKey.generate()),
    ],
    ids=["encrypted", "X25519", "Ed25519"],
)
def test_authority_with_an_unusable_key_is_rejected(key: bytes, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    certificates.authority(folder)
    (folder / "ca-key.pem").write_bytes(key)
    for command in (["ca"], ["serve", "--port", "0", "--tls-port", "0"]):
        assert main([*command, "--tls-directory", str(folder)]) == 2
        error = capsys.readouterr().err
        assert (
            f"{folder}/ca-key.pem is encrypted, or cannot sign certificates; expected an RSA or EC key, or delete it and ca.pem"
            in error
        )
        assert "writable" not in error


@pytest.mark.skipif(os.name == "nt", reason="Windows has no named pipes in folders")
@pytest.mark.parametrize("name", ["ca.pem", "ca-key.pem"])
def test_named_pipe_and_dangling_link_are_rejected(name: str, folder: Path) -> None:
    certificates.authority(folder)
    (folder / name).unlink()
    os.mkfifo(folder / name)
    with pytest.raises(ValueError, match=f"{name} is a named pipe, expected a regular file in PEM"):
        certificates.authority(folder)
    (folder / name).unlink()
    (folder / name).symlink_to("nowhere")
    with pytest.raises(ValueError, match=f"{name} is a link to a file that does not exist"):
        certificates.authority(folder)


def test_expired_authority_is_rejected(folder: Path) -> None:
    certificate = x509.load_pem_x509_certificate(certificates.authority(folder).read_bytes())
    key = serialization.load_pem_private_key((folder / "ca-key.pem").read_bytes(), None)
    builder = x509.CertificateBuilder(
        certificate.issuer,
        certificate.subject,
        certificate.public_key(),
        1,
        PAST - timedelta(days=1),
        PAST,
        list(certificate.extensions),
    )
    expired = builder.sign(key, hashes.SHA256())  # type: ignore[arg-type]
    (folder / "ca.pem").write_bytes(expired.public_bytes(serialization.Encoding.PEM))
    with pytest.raises(ValueError, match="certificate has expired; delete both to create a new authority"):
        certificates.authority(folder)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_authority_in_a_folder_that_is_not_writable_can_be_printed(folder: Path) -> None:
    printed = certificates.authority(folder).read_bytes()
    folder.chmod(0o500)
    assert certificates.authority(folder).read_bytes() == printed
    folder.chmod(0o700)


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
    comments = [line.lstrip("#/ ") for line in printed.splitlines() if line.startswith(("# ", "// "))]
    assert [line.split()[0] for line in comments if line.startswith(("over HTTP", "through a proxy"))] == [
        "over",
        "over",
        "through",
    ]


@pytest.mark.filterwarnings("ignore")
def test_python_lines_of_env_work(running: Running, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    main(["env", "--sdk", "python", "--url", running.url])
    lines = [line.lstrip("# ") for line in capsys.readouterr().out.splitlines() if line.lstrip("# ").startswith("Config(")]
    assert len(lines) == 2
    for line in lines:
        config = eval(line, {"Config": Config})
        config.endpoint = config.endpoint or "domain.aliyuncs.com"
        answer = TeaClient(config).query_email_verification(models.QueryEmailVerificationRequest(email="abc@aliyun.com"))
        assert answer.body.verification_status == 1
