"""URLs of an emulator: below a prefix and behind TLS, for the Python client and every command."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alimock import Emulator, EmulatorError, create_app
from alimock.cli import certificates
from alimock.cli.main import main
from alimock.client.connection import Connection, default_url
from conftest import Running
from flask import Flask
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.serving import make_server

SUBMIT = "?Action=SubmitEmailVerification&Version=2018-01-29&Email=jo@example.com"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("authority")
    certificates.authority(folder)
    return folder


@pytest.fixture(params=["http", "https"])
def mounted(request: pytest.FixtureRequest, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of an emulator below a prefix, which nothing else answers."""
    application = DispatcherMiddleware(Flask("other"), {"/mocks/mail": create_app()})
    context = certificates.tls_context(folder, []) if request.param == "https" else None
    server = make_server("127.0.0.1", 0, application, threaded=True, ssl_context=context)
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    serving.start()
    monkeypatch.setenv("SSL_CERT_FILE", str(folder / "ca.pem"))
    yield f"{request.param}://127.0.0.1:{server.port}/mocks/mail"
    server.shutdown()
    serving.join()
    server.server_close()


def test_client_uses_the_prefix_and_the_scheme_for_every_request(mounted: str) -> None:
    client = Emulator.connect(f"{mounted}/")
    assert (client.url, client.endpoint) == (mounted, mounted.split("/")[2])
    assert client.connection.status(SUBMIT, 10) == 200
    assert client.calls.wait(status=200).action == "SubmitEmailVerification"
    message = asyncio.run(client.outbox.wait_async(to="jo@example.com"))
    assert message.link.startswith(f"{mounted}/verify?token=")
    assert client.outbox.raw(message).startswith(b"From: ")
    client.addresses.put("al@example.com", "verified")
    assert client.addresses.get("al@example.com") is not None
    client.reset()
    with client.new_account() as account:
        assert account.url == mounted
        assert account.outbox.messages() == []


def test_every_command_uses_the_prefix_and_the_scheme(
    mounted: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Connection(mounted).status(SUBMIT, 10) == 200
    for options in (["--url", mounted], ["--url", f"{mounted}/_alimock/#outbox"], []):
        if not options:
            monkeypatch.setenv("ALIMOCK_URL", mounted)
        assert main(["ready", *options]) == 0
        assert main(["tail", "--once", *options]) == 0
        assert " default       mail " in capsys.readouterr().out
        assert main(["send", "--to", "al@example.com", "--send-if-exist", *options]) == 0
        assert f"{mounted}/_alimock/#/outbox/" in capsys.readouterr().out
        assert main(["export", *options]) == 0
        assert "jo@example.com" in capsys.readouterr().out
        assert main(["explain-signature", "made-up", *options]) == 2
        assert "made-up" in capsys.readouterr().err


def test_untrusted_certificate_is_reported_with_the_variable_to_set(mounted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    if mounted.startswith("https"):
        with pytest.raises(EmulatorError, match=r"^Untrusted certificate at https://127.0.0.1:\d+/mocks/mail: .*SSL_CERT_FILE"):
            Emulator.connect(mounted)
    else:
        with pytest.raises(EmulatorError, match=r"^No TLS connection to https://127.0.0.1:\d+/mocks/mail: .*Check the scheme"):
            Emulator.connect(mounted.replace("http:", "https:"))


@pytest.mark.parametrize(
    ("url", "base_url"),
    [
        ("http://127.0.0.1:2546", "http://127.0.0.1:2546"),
        ("http://127.0.0.1:2546/", "http://127.0.0.1:2546"),
        ("http://:token@127.0.0.1:2546/a/b/", "http://127.0.0.1:2546/a/b"),
        ("https://mocks.example.com", "https://mocks.example.com"),
        ("https://mocks.example.com/m%20a/b~c", "https://mocks.example.com/m%20a/b~c"),
        ("https://mocks.example.com/m a", "https://mocks.example.com/m%20a"),
        ("https://mocks.example.com/mail/_alimock/#calls", "https://mocks.example.com/mail"),
        ("https://mocks.example.com/_alimock/outbox?to=jo@example.com", "https://mocks.example.com"),
        ("http://[::1]:2546/mail", "http://[::1]:2546/mail"),
    ],
)
def test_url_may_have_a_prefix_and_that_of_the_web_ui_is_accepted(url: str, base_url: str) -> None:
    connection = Connection(url)
    assert (connection.base_url, connection.endpoint) == (base_url, base_url.split("/")[2])


@pytest.mark.parametrize(
    "url",
    ["127.0.0.1:2546", "ftp://127.0.0.1", "https://", "http://127.0.0.1:0", "http://127.0.0.1:99999", "http://127.0.0.1/?a=b",
     "http://127.0.0.1/#outbox", "http://a b/", "http://[::1"],
)  # fmt: skip
def test_invalid_url_is_rejected_with_what_was_expected(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    expected = f"found the URL `{url}`, expected one like http://127.0.0.1:2546 or https://mocks.example.com/mail"
    with pytest.raises(EmulatorError) as caught:
        Emulator.connect(url)
    assert str(caught.value) == expected
    commands = [
        ["ready"],
        ["tail"],
        ["send", "--to", "a@example.com"],
        ["export"],
        ["explain-signature", "x"],
        ["env", "--sdk", "go"],
    ]
    for command in commands:
        assert main([*command, "--url", url]) in (1, 2)
        assert capsys.readouterr().err == f"alimock: {expected}\n"


def test_missing_file_of_certificates_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "missing.pem")
    with pytest.raises(
        EmulatorError, match=r"^SSL_CERT_FILE: cannot read `missing.pem`, expected a file with certificates in PEM$"
    ):
        Emulator.connect("https://127.0.0.1:1")


def test_host_name_that_cannot_be_resolved_is_reported() -> None:
    with pytest.raises(EmulatorError, match=r"Cannot reach alimock at http://a\.\.b\. Is `alimock serve` running\?"):
        Emulator.connect("http://a..b")


def test_redirect_is_reported_with_its_target() -> None:
    application = Flask("proxy")
    application.add_url_rule(
        "/<path:path>", view_func=lambda path: ("", 301, {"Location": f"https://mocks.example.com/{path}"}), endpoint="x"
    )
    server = make_server("127.0.0.1", 0, application)
    serving = threading.Thread(target=server.handle_request)
    serving.start()
    with pytest.raises(EmulatorError) as caught:
        Connection(f"http://127.0.0.1:{server.port}/mail").send("GET", "info")
    serving.join()
    server.server_close()
    assert str(caught.value) == (
        f"The server at http://127.0.0.1:{server.port}/mail redirects to https://mocks.example.com/mail/_alimock/info. Use that URL."
    )
    assert Connection("https://mocks.example.com/mail/_alimock/info").base_url == "https://mocks.example.com/mail"


def test_default_url_is_that_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ALIMOCK_URL", raising=False)
    assert default_url() == "http://127.0.0.1:2546"
    monkeypatch.setenv("ALIMOCK_PORT", "1234")
    assert default_url() == "http://127.0.0.1:1234"
    for host, found in {"0.0.0.0": "127.0.0.1", "::": "[::1]", "[::1]": "[::1]", "localhost": "localhost", "mock": "mock"}.items():
        monkeypatch.setenv("ALIMOCK_HOST", host)
        assert default_url() == f"http://{found}:1234"
    monkeypatch.setenv("ALIMOCK_URL", "https://mocks.example.com/mail")
    assert default_url() == "https://mocks.example.com/mail"


def test_help_does_not_show_the_token_in_the_url(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALIMOCK_URL", "http://:hush@127.0.0.1:2546")
    with pytest.raises(SystemExit):
        main(["tail", "--help"])
    assert "hush" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("sdk", "line"),
    [
        ("python", 'Config(endpoint="mocks.example.com:8443", protocol="https"'),
        ("python-core", "request.set_protocol_type(aliyunsdkcore.http.protocol_type.HTTPS)"),
        ("node", "endpoint: 'https://mocks.example.com:8443'"),
        ("java", "request.setSysProtocol(ProtocolType.HTTPS);"),
        ("go", 'request.Domain, request.Scheme = "mocks.example.com:8443", "https"'),
        ("cli", "aliyun domain ListEmailVerification --version 2018-01-29 --force --PageNum 1 --PageSize 5\n"),
    ],
)
def test_env_prints_the_settings_for_an_https_url(sdk: str, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["env", "--sdk", sdk, "--url", "https://:hush@mocks.example.com:8443"]) == 0
    printed = capsys.readouterr().out
    assert line in printed
    assert not any(word in printed for word in ("hush", "http'", '"http"', "--insecure"))


def test_env_rejects_a_prefix(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["env", "--sdk", "go", "--url", "https://:hush@mocks.example.com/mail"]) == 2
    assert capsys.readouterr().err.startswith(
        "alimock: found the URL https://mocks.example.com/mail, expected one without a path: "
    )


@pytest.mark.parametrize(
    ("headers", "base"),
    [
        ({}, "http://localhost"),
        ({"X-Forwarded-Prefix": "/mocks/mail"}, "http://localhost/mocks/mail"),
        ({"X-Forwarded-Prefix": "/mocks/mail/", "X-Forwarded-Proto": "https"}, "https://localhost/mocks/mail"),
        ({"X-Forwarded-Prefix": "//evil.example.com"}, "http://localhost"),
        ({"X-Forwarded-Prefix": "https://evil.example.com"}, "http://localhost"),
        ({"X-Forwarded-Prefix": "/a, /b"}, "http://localhost"),
        ({"X-Forwarded-Proto": "javascript"}, "http://localhost"),
    ],
)
def test_redirects_and_links_stay_below_the_prefix_of_a_proxy(headers: dict[str, str], base: str) -> None:
    client = create_app().test_client()
    prefix = base.partition("localhost")[2]
    assert client.get("/", headers={"Sec-Fetch-Mode": "navigate", **headers}).headers["Location"] == f"{prefix}/_alimock/"
    assert client.get("/_alimock", headers=headers).headers["Location"] == f"{prefix or base}/_alimock/"
    client.get("/?Action=SubmitEmailVerification&Version=2018-01-29&Email=jo@example.com")
    (mail,) = client.get("/_alimock/outbox", headers=headers).json["messages"]
    assert mail["link"] == f"{base}/verify?token={mail['token']}"


@pytest.mark.parametrize("headers", [{}, {"X-Forwarded-Prefix": "/mocks/mail", "X-Forwarded-Proto": "https, http"}])
def test_redirects_stay_below_the_public_url(headers: dict[str, str]) -> None:
    client = create_app(public_url="https://mocks.example.com/mocks/mail").test_client()
    assert client.get("/", headers={"Sec-Fetch-Mode": "navigate", **headers}).headers["Location"] == "/mocks/mail/_alimock/"
    assert client.get("/_alimock", headers=headers).headers["Location"] == "/mocks/mail/_alimock/"


def test_page_behind_a_proxy_that_changes_the_host_loads_and_gets_the_hint() -> None:
    client = create_app().test_client()
    headers = {"Origin": "https://mocks.example.com", "X-Forwarded-Prefix": "/mail"}
    assert client.get("/_alimock/static/main.js", headers=headers).status_code == 200
    refused = client.get("/_alimock/info", headers=headers)
    assert (refused.status_code, "--public-url https://mocks.example.com/mail." in refused.json["hint"]) == (403, True)


@pytest.mark.parametrize("seconds", [None, "x", True, float("nan"), float("inf")])
def test_wait_of_no_number_of_seconds_is_rejected(running: Running, seconds: Any) -> None:
    outbox = Emulator.connect(running.url).outbox
    for wait in (lambda: outbox.wait(timeout=seconds), lambda: outbox.wait_quiet(seconds)):
        with pytest.raises(ValueError, match="expected a number of seconds from 0 to 60"):
            wait()
    with pytest.raises(ValueError, match="expected a number of seconds from 0 to 60"):
        asyncio.run(outbox.wait_async(timeout=seconds))


def test_wait_that_is_canceled_before_it_connects_leaves_no_thread(running: Running) -> None:
    calls = Emulator.connect(running.url).calls

    async def cancel_many() -> None:
        for _ in range(20):
            waiting = asyncio.ensure_future(calls.wait_async(timeout=60))
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)

    before = set(threading.enumerate())
    asyncio.run(cancel_many())
    # The server may have started threads of its own, which stay.
    for thread in (one for one in set(threading.enumerate()) - before if not one.name.startswith("alimock")):
        thread.join(10)
        assert not thread.is_alive()


def test_control_api_of_a_running_emulator_has_no_prefix(running: Running) -> None:
    assert json.loads(Connection(running.url).fetch("info"))["accounts"] >= 1
    with pytest.raises(EmulatorError, match="404 Not Found"):
        Connection(f"{running.url}/mail").send("GET", "info")
