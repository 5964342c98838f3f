"""`alimock send`: an email of a running emulator within seconds, without an SDK."""

from __future__ import annotations

import http.server
import re
import threading

import pytest
from alimock import Emulator
from alimock.cli.main import main
from conftest import Running

STRICT = {"extends": "default", "authentication": "strict"}


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ID", "SECRET"):
        monkeypatch.delenv(f"ALIBABA_CLOUD_ACCESS_KEY_{name}", raising=False)


def test_mail_has_its_token_its_link_and_its_page(capsys: pytest.CaptureFixture[str]) -> None:
    with Emulator(STRICT) as emulator:
        assert main(["send", "--to", "a+b@example.com", "--lang", "zh", "--url", emulator.url]) == 0
        (mail,) = emulator.outbox.messages()
        (call,) = emulator.calls.list()
    assert (mail.to, mail.lang, call.authentication) == ("a+b@example.com", "zh", "checked")
    assert capsys.readouterr().out == (
        "a+b@example.com: success [rule new-address]\n"
        f"  token   {mail.token}\n"
        f"  link    {emulator.url}/verify?token={mail.token}\n"
        f"  web UI  {emulator.url}/_alimock/#/outbox/{mail.id}\n"
    )


def test_refused_address_has_its_code_with_what_decided_it(running: Running, capsys: pytest.CaptureFixture[str]) -> None:
    addresses = ["--to", "test1@aliyun.com,a@example.com", "--to", "abc@aliyun.com"]
    assert main(["send", *addresses, "--url", running.url]) == 1
    refused, sent, *_, existing = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"test1@aliyun.com: SendTokenQuotaExceeded \[default.yaml:\d+\]; no email was sent", refused)
    assert sent == "a@example.com: success [rule new-address]"
    assert re.fullmatch(r"abc@aliyun.com: exist \[default.yaml:\d+\]; no email was sent", existing)


def test_empty_addresses_are_ignored(running: Running) -> None:
    assert main(["send", "--to", "a@example.com, ", "--to", "", "--url", running.url]) == 0
    assert [call.sent[call.sent.index("Email") + 1] for call in running.store.calls.entries()] == ["a@example.com"]


def test_no_address_is_rejected(running: Running, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["send", "--to", " ,", "--url", running.url])
    assert capsys.readouterr().err.startswith("alimock send: --to: found ` ,`, expected an address\n")
    assert not running.store.calls.entries()


def test_waiting_address_gets_another_mail_with_send_if_exist(running: Running, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["send", "--to", "a@example.com", "--url", running.url]
    assert [main(command), main(command), main([*command, "--send-if-exist"])] == [0, 1, 0]
    newest = list(running.store.outbox.entries())[-1]
    assert len(running.store.outbox) == 2 and newest.token in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "environ", "expected"),
    [
        (["--access-key-secret", "x"], {}, "400 SignatureDoesNotMatch [signature of testid "),
        (["--access-key-id", "nobody"], {}, "404 InvalidAccessKeyId.NotFound [rule unknown-access-key"),
        ([], {"ID": "nobody", "SECRET": "x"}, "404 InvalidAccessKeyId.NotFound [rule unknown-access-key"),
        (["--access-key-id", "testid"], {"ID": "nobody", "SECRET": "x"}, "400 SignatureDoesNotMatch [signature of testid "),
    ],
)
def test_rejected_call_has_its_code_with_what_decided_it(
    options: list[str], environ: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(f"ALIBABA_CLOUD_ACCESS_KEY_{name}", value)
    with Emulator(STRICT) as emulator:
        assert main(["send", "--to", "a@example.com", "--url", emulator.url, *options]) == 2
    shown = capsys.readouterr()
    assert shown.out == "" and shown.err.startswith(f"alimock: the call for `a@example.com` was rejected: {expected}")


@pytest.mark.parametrize("body", ["html-502", "empty"])
def test_broken_response_is_a_rejected_call(body: str, capsys: pytest.CaptureFixture[str]) -> None:
    with Emulator({"faults": [{"body": body}]}) as emulator:
        assert main(["send", "--to", "a@example.com", "--url", emulator.url]) == 2
    assert f" (no code) [the scenario given (fault 1, hit 1: body {body}); rule new-address]\n" in capsys.readouterr().err


@pytest.mark.parametrize(
    "url",
    [
        "https://domain.aliyuncs.com",
        "http://domain-intl.aliyuncs.com:80",
        "http://ALIYUNCS.com",
        "http://x.aliyuncs.com./",
        "https://:t@a.aliyuncs.com",
    ],
)
def test_real_service_is_never_called(url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.create_connection", lambda *_, **__: pytest.fail("connected"))
    assert main(["send", "--to", "a@example.com", "--url", url]) == 2
    assert re.fullmatch(
        r"alimock: found the URL \S+ of the real service, expected that of an emulator\. No call was made\.\n",
        capsys.readouterr().err,
    )


def test_emulator_that_is_not_running_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    with Emulator() as emulator:
        url = emulator.url
    assert main(["send", "--to", "a@example.com", "--url", url]) == 2
    assert capsys.readouterr().err.startswith(f"alimock: Cannot reach alimock at {url}. Is `alimock serve` running? (")


def test_another_server_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    with http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        assert main(["send", "--to", "a@example.com", "--url", f"http://127.0.0.1:{server.server_port}"]) == 2
        thread.join(10)
    assert " is not alimock: the response, with status 501, has no header X-Alimock-Decided-By" in capsys.readouterr().err
