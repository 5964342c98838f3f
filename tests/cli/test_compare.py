"""`alimock compare`: what it asks and refuses, its exit status, its report and its evidence. `service` plays the real service."""

from __future__ import annotations

import io
import os
import re
import signal
import socket
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import yaml
from alimock import Emulator
from alimock.api.http import HttpRequest
from alimock.cli import compare
from alimock.cli.main import main
from alimock.compare import evidence
from alimock.compare.comparison import Comparison
from alimock.compare.endpoint import Endpoint, Exchange

KEY_ID, SECRET, TOKEN = "LTAIreal0123456789", "real-Secret/0123+456=", "real/session+token=="
EMAIL = "jo.private@real.example.com"
KEY = {"id": KEY_ID, "secret": SECRET}
SERVICE = {"authentication": "strict", "accounts": {"default": {"user_id": "1406926474061234", "access_keys": [KEY]}}}
PAGE = (Path(__file__).parent.parent.parent / "docs" / "how-to" / "compare.md").read_text()


class Terminal(io.StringIO):
    """A standard input that is a terminal, with the lines that a person enters."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def caller(monkeypatch: pytest.MonkeyPatch) -> None:
    """The credentials in the environment, no pauses, and no terminal."""
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", KEY_ID)
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", SECRET)
    monkeypatch.delenv("ALIBABA_CLOUD_SECURITY_TOKEN", raising=False)
    monkeypatch.setattr(compare, "Comparison", partial(Comparison, sleep=lambda seconds: None))
    monkeypatch.setattr("sys.stdin", io.StringIO())


@pytest.fixture
def service() -> Iterator[Emulator]:
    with Emulator(SERVICE) as emulator:
        yield emulator


@pytest.fixture
def real(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the header by which a comparison recognizes an alimock, so that it takes the emulator for the real service."""
    send = Endpoint.send

    def without_trace(endpoint: Endpoint, request: HttpRequest) -> Exchange:
        exchange = send(endpoint, request)
        headers = tuple(pair for pair in exchange.response.headers if pair[0] != "x-alimock-decided-by")
        return exchange._replace(response=exchange.response._replace(headers=headers))

    monkeypatch.setattr(Endpoint, "send", without_trace)


def run(service: Emulator, *options: str) -> int:
    return main(["compare", "--endpoint", service.url, "--email", EMAIL, *options])


def test_plan_says_what_will_be_called_and_sent_before_a_refusal(service: Emulator, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(service) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "will make 102 calls" in shown.err and "cause up to 3 emails" in shown.err
    assert shown.err.endswith("alimock: there is no terminal to ask for your consent. Add --yes to go on. No call was made.\n")
    assert service.calls.list() == []


def test_closed_standard_input_is_no_consent(service: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)
    assert run(service) == 2
    assert service.calls.list() == []


@pytest.mark.parametrize("answer", ["", "\n", "n\n", "no\n", "yesterday\n"])
def test_nothing_is_called_without_consent(
    service: Emulator, answer: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(answer))
    assert run(service) == 2
    assert capsys.readouterr().err.endswith("Go on? [y/N] alimock: not confirmed. No call was made.\n")
    assert service.calls.list() == []


@pytest.mark.parametrize("answer", ["y\n", "YES\n", " yes \n"])
def test_consent_starts_the_comparison(
    service: Emulator, answer: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(answer))
    assert run(service) == 0
    assert "102 steps: 102 same, 0 differs, 0 inconclusive, 0 no answer" in capsys.readouterr().out
    assert service.calls.count(action="SubmitEmailVerification") == 14


@pytest.mark.parametrize("option", [["--sign", "v3"], ["--version", "2017-12-18"], ["--with", "quota"]])
def test_unaltered_emulator_is_the_same(service: Emulator, option: list[str]) -> None:
    assert run(service, "--yes", *option) == 0
    assert service.addresses.get(EMAIL) is None


@pytest.mark.parametrize("auth", ["known-keys", "strict"])
def test_default_scenario_is_the_same(auth: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "testid")
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "testsecret")
    with Emulator(auth=auth) as emulator:
        assert run(emulator, "--yes") == 0


def test_report_has_nothing_private(capsys: pytest.CaptureFixture[str]) -> None:
    with Emulator({**SERVICE, "codes": {"SignatureDoesNotMatch": {"message": f"{KEY_ID} of {EMAIL} is wrong"}}}) as service:
        assert run(service, "--yes") == 1
    assert "message Message: service KEY_ID of ADDRESS is wrong, alimock Specified signature" in capsys.readouterr().out


def test_short_credentials_do_not_garble_the_report(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "e")
    with Emulator({**SERVICE, "accounts": {"default": {"access_keys": [{"id": "a", "secret": "e"}]}}}) as service:
        assert run(service, "--yes", "--write", str(tmp_path / "evidence.yaml")) == 0
    assert "same          authentication/wrong-secret\n" in capsys.readouterr().out
    assert (
        "- step: authentication/wrong-secret\n  outcome: same\n  request:\n    method: POST\n"
        in (tmp_path / "evidence.yaml").read_text()
    )


def test_tokens_of_the_mails_are_asked_for(
    service: Emulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Person(Terminal):
        def readline(self, size: int | None = -1) -> str:  # type: ignore[override]
            mails = service.outbox.messages()[:2]
            self.asked = getattr(self, "asked", 0) + 1
            return f"{mails[2 - self.asked].token}\n"

    monkeypatch.setattr("sys.stdin", Person())
    assert run(service, "--yes", "--with", "link") == 0
    assert capsys.readouterr().err.count("The link in email") == 2


def test_skipped_token_is_inconclusive(
    service: Emulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal("\n\n"))
    assert run(service, "--yes", "--with", "link") == 2
    assert "inconclusive  link/verify-void-token: the value `token` is not known" in capsys.readouterr().out
    assert service.addresses.get(EMAIL) is None


def test_tokens_need_a_terminal(service: Emulator, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(service, "--yes", "--with", "link") == 2
    assert capsys.readouterr().err.endswith(
        "--with link asks for tokens, and there is no terminal; leave it out. No call was made.\n"
    )
    assert service.calls.list() == []


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"ALIBABA_CLOUD_ACCESS_KEY_ID": ""}, "no ALIBABA_CLOUD_ACCESS_KEY_ID in the environment"),
        ({"ALIBABA_CLOUD_ACCESS_KEY_SECRET": ""}, "no ALIBABA_CLOUD_ACCESS_KEY_SECRET in the environment"),
        (
            {"ALIBABA_CLOUD_ACCESS_KEY_ID": "", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": ""},
            "no ALIBABA_CLOUD_ACCESS_KEY_ID and no ALIBABA_CLOUD_ACCESS_KEY_SECRET in the environment",
        ),
        (
            {"ALIBABA_CLOUD_ACCESS_KEY_SECRET": f"{SECRET}\n"},
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET contains a space or another character",
        ),
        ({"ALIBABA_CLOUD_ACCESS_KEY_ID": "schlüssel"}, "ALIBABA_CLOUD_ACCESS_KEY_ID contains a space or another character"),
        ({"ALIBABA_CLOUD_SECURITY_TOKEN": "a b"}, "ALIBABA_CLOUD_SECURITY_TOKEN contains a space or another character"),
    ],
    ids=["no id", "no secret", "neither", "line break", "not ASCII", "space"],
)
def test_unusable_credentials_are_refused_without_showing_them(
    environ: dict[str, str], message: str, service: Emulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert run(service, "--yes") == 2
    shown = capsys.readouterr().err
    assert shown.startswith(f"alimock: {message}")
    assert SECRET not in shown


@pytest.mark.parametrize(
    "endpoint",
    ["", "https://", "ftp://domain.aliyuncs.com", "http://127.0.0.1/path", "a b",
     "domain.aliyuncs.com:port", "domain.aliyuncs.com:0", "domain.aliyuncs.com:99999", "http://[::1", "http://127.0.0.1/?a=b"],
)  # fmt: skip
def test_invalid_endpoint_is_refused(endpoint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "--endpoint", endpoint, "--email", EMAIL, "--yes"]) == 2
    assert capsys.readouterr().err == (
        f"alimock: --endpoint: found `{endpoint}`, expected a host like domain.aliyuncs.com, or a URL like http://127.0.0.1:2546 "
        "without a path\n"
    )


@pytest.mark.parametrize(
    "endpoint", ["https://user:pass-word@x.example.com", "user:pass-word@x.example.com", "//u:pass-word@:@x.example.com"]
)
def test_password_of_an_endpoint_is_not_shown(endpoint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "--endpoint", endpoint, "--email", EMAIL, "--yes"]) == 2
    shown = capsys.readouterr().err
    assert shown.startswith("alimock: --endpoint: found `x.example.com` after a user name, expected a host")
    assert "pass-word" not in shown


@pytest.mark.parametrize("email", ["", "jo", "jo@example", "a@example.com,b@example.com", "a b@example.com"])
def test_invalid_address_is_refused(email: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "--endpoint", "domain.aliyuncs.com", "--email", email, "--yes"]) == 2
    assert capsys.readouterr().err == f"alimock: --email: found `{email}`, expected one email address that you can read\n"


@pytest.mark.parametrize("text", ["0", "-1", "soon", "nan", "inf", "3601", ""])
def test_invalid_timeout_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["compare", "--endpoint", "domain.aliyuncs.com", "--email", EMAIL, f"--timeout={text}"])
    assert caught.value.code == 2
    assert f"found `{text}`, expected a number of seconds above 0, at most 3600" in capsys.readouterr().err


def test_server_that_does_not_answer_ends_the_comparison(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        assert main(["compare", "--endpoint", url, "--email", EMAIL, "--yes", "--timeout", "0.1"]) == 2
    shown = capsys.readouterr()
    assert shown.out.startswith("no answer     first/look-for-a-record: timed out after 0.1 s\n")
    assert "3 steps: 0 same, 0 differs, 0 inconclusive, 3 no answer" in shown.out
    assert shown.err.endswith("alimock: ended early: 3 calls in a row had no answer or were throttled\n")


@pytest.mark.parametrize(
    ("endpoint", "version"),
    [("domain.aliyuncs.com", "2018-01-29"), ("domain-intl.aliyuncs.com", "2017-12-18"), ("http://127.0.0.1:1", "2018-01-29")],
)
def test_version_is_that_of_the_endpoint(endpoint: str, version: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "--endpoint", endpoint, "--email", EMAIL]) == 2
    assert f"(version {version}, signature V1)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "message"),
    [(".", "{folder} is a directory, expected a file"), ("none/evidence.yaml", "no directory {folder}/none")],
)
def test_file_that_cannot_be_written_is_refused_before_the_calls(
    service: Emulator, name: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(service, "--yes", "--write", str(tmp_path / name)) == 2
    assert capsys.readouterr().err.endswith(f"--write: {message.format(folder=tmp_path)}. No call was made.\n")
    assert service.calls.list() == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("real")
def test_report_without_a_reader_ends_the_comparison_with_status_2_and_its_evidence(
    service: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    read, write = os.pipe()
    os.close(read)
    with open(write, "w") as pipe:
        monkeypatch.setattr("sys.stdout", pipe)
        assert run(service, "--yes", "--write", str(tmp_path / "evidence.yaml")) == 2
    assert "alimock: cannot write to standard output: " in capsys.readouterr().err
    assert "operation/ListEmailVerification" in evidence.load(tmp_path / "evidence.yaml").confirmed
    assert len(service.calls.list()) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_file_that_cannot_be_written_at_the_end_is_reported(service: Emulator, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(service, "--yes", "--write", "/dev/full") == 2
    assert capsys.readouterr().err.endswith("alimock: --write /dev/full: No space left on device\n")


def test_existing_record_makes_the_comparison_incomplete(service: Emulator, capsys: pytest.CaptureFixture[str]) -> None:
    service.addresses.put(EMAIL, "verified")
    assert run(service, "--yes") == 2
    assert "inconclusive  first/look-for-a-record: the account already has a record of the address" in capsys.readouterr().out
    assert service.addresses.get(EMAIL) is not None


def test_wrong_secret_is_refused_at_the_first_call(
    service: Emulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "another")
    assert run(service, "--yes") == 2
    shown = capsys.readouterr()
    assert f"alimock: {service.endpoint} refuses the credentials. SignatureDoesNotMatch" in shown.err
    assert "another" not in shown.out + shown.err
    assert len(service.calls.list()) == 1


@pytest.mark.slow
@pytest.mark.usefixtures("real")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
@pytest.mark.parametrize("deletable", [True, False], ids=["deletable", "not deletable"])
def test_record_is_deleted_or_named_if_a_signal_ends_the_command(
    service: Emulator,
    name: str,
    *,
    deletable: bool,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    number = getattr(signal, name, None)
    if number is None:
        pytest.skip("not on this system")
    if not deletable:
        service.faults.put("no-delete", {"when": {"action": "DeleteEmailVerification", "nth": 3}, "error": "InternalError"})

    def interrupt(seconds: float) -> None:
        if service.addresses.get(EMAIL) is not None:
            signal.raise_signal(number)

    monkeypatch.setattr(compare, "Comparison", partial(Comparison, sleep=interrupt))
    # A process in the background or below nohup inherits ignored signals.
    default = signal.default_int_handler if number is signal.SIGINT else signal.SIG_DFL
    inherited = signal.signal(number, default)
    file = tmp_path / "evidence.yaml"
    try:
        status = run(service, "--yes", "--write", str(file))
    except SystemExit as ended:
        status = int(ended.code or 0)
    finally:
        left = signal.signal(number, inherited)
    assert (status, left) == (128 + number, default)
    shown = capsys.readouterr().err
    assert (service.addresses.get(EMAIL) is None) is deletable
    assert ("alimock: interrupted; no record of this comparison is left\n" in shown) is deletable
    assert (f"alimock: the record of {EMAIL} may still exist" in shown) is not deletable
    assert evidence.load(file).confirmed["behavior/Submit/new-address"] == ["lifecycle/submit"]


def test_record_that_stays_behind_is_named(service: Emulator, capsys: pytest.CaptureFixture[str]) -> None:
    service.faults.put("no-delete", {"when": {"action": "DeleteEmailVerification"}, "error": "TokenFailed"})
    assert run(service, "--yes") == 1
    assert f"alimock: the record of {EMAIL} may still exist: call DeleteEmailVerification for it" in capsys.readouterr().err


@pytest.mark.slow
def test_evidence_has_nothing_private(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("ALIBABA_CLOUD_SECURITY_TOKEN", TOKEN)
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "STS.real")
    key = {"id": "STS.real", "secret": SECRET, "security_token": TOKEN}
    file = tmp_path / "evidence.yaml"
    scenario = {**SERVICE, "accounts": {"default": {"user_id": "1406926474061234", "access_keys": [key]}}, "profile": "docs-2018"}
    with Emulator(scenario) as service:
        assert run(service, "--yes", "--write", str(file)) == 1
        tokens = [mail.token for mail in service.outbox.messages()]
        calls = service.calls.list()
    text = file.read_text()
    private = [SECRET, TOKEN, "STS.real", EMAIL, EMAIL.upper(), "jo.private", "real.example.com", "1406926474061234", service.endpoint,
               "real%2F", "real%252F", *tokens, *(call.request_id for call in calls)]  # fmt: skip
    assert len(tokens) == 3
    assert [value for value in private if value.lower() in text.lower()] == []
    assert re.findall(r"\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}", text) == []
    assert re.findall(r"[0-9a-fA-F]{20,}", text) == []
    assert "server string to sign is:POST&%2F&AccessKeyId%3DKEY_ID%26Action" in text
    shown = capsys.readouterr()
    assert [value for value in (SECRET, TOKEN) if value in shown.out + shown.err] == []


@pytest.mark.slow
@pytest.mark.usefixtures("real")
def test_fidelity_shows_the_lines_that_the_evidence_confirms_and_refutes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "evidence.yaml"
    with Emulator({**SERVICE, "codes": {"MissingEmail": {"status": 404}}}) as service:
        assert run(service, "--yes", "--write", str(file)) == 1
    capsys.readouterr()
    assert main(["fidelity", "--markdown", "--evidence", str(file)]) == 0
    page = capsys.readouterr().out
    assert page.startswith("## Compared with another host on ")
    assert re.search(
        r"^\| refuted \| code/MissingEmail \| assumed \| 400, .* \| refusals/submit-without-email, ", page, re.MULTILINE
    )
    assert re.search(
        r"^\| confirmed \| behavior/Submit/new-address \| documented \| .* \| lifecycle/submit \|$", page, re.MULTILINE
    )
    assert "# Fidelity: verified and assumed behavior" in page
    assert main(["fidelity", "--json", "--evidence", str(file)]) == 0
    comparison = yaml.safe_load(capsys.readouterr().out)["comparison"]
    assert "code/MissingEmail" in comparison["refuted"]
    assert "code/MissingToken" in comparison["confirmed"]
    assert main(["fidelity", "--json", "missingemail", "--evidence", str(file)]) == 0
    comparison = yaml.safe_load(capsys.readouterr().out)["comparison"]
    assert (list(comparison["refuted"]), comparison["confirmed"]) == (["code/MissingEmail"], {})
    assert main(["fidelity", "refuted", "--evidence", str(file)]) == 0
    title, _, head, *lines = filter(None, capsys.readouterr().out.splitlines())
    assert title.startswith("Compared with another host on ") and head.startswith("EVIDENCE ")
    assert lines[0].split()[:3] == ["assumed,", "MissingEmail", "400,"] and lines[1].startswith("refuted ")


@pytest.mark.parametrize("codes", [{}, {"MissingEmail": {"status": 404}}], ids=["same", "differs"])
def test_trial_with_an_alimock_is_no_evidence(
    codes: dict[str, dict[str, int]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "evidence.yaml"
    with Emulator({**SERVICE, "codes": codes}) as service:
        assert run(service, "--yes", "--write", str(file)) == (1 if codes else 0)
    report = capsys.readouterr().out
    assert report.endswith("\nThis was a trial: the endpoint is an alimock. It is no evidence about the real service.\n")
    assert "Lines of the fidelity ledger" not in report
    assert file.read_text().startswith("# A trial of `alimock compare`")
    for options in ([], ["--json"], ["--markdown"]):
        assert main(["fidelity", "--evidence", str(file), *options]) == 2
        shown = capsys.readouterr()
        assert shown.out == ""
        assert shown.err == (
            f"alimock: {file}: found a trial, whose endpoint was an alimock, expected a comparison with the real service. "
            "Repeat it with its endpoint, for example `alimock compare --endpoint domain.aliyuncs.com`.\n"
        )


def documented(title: str) -> str:
    """Return the block of the page after the line that begins with a text."""
    found = re.search(rf"^{title}.*?^```text\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None, title
    return found[1]


@pytest.mark.usefixtures("real")
def test_transcript_of_the_page_is_what_the_command_prints(capsys: pytest.CaptureFixture[str]) -> None:
    with Emulator({**SERVICE, "codes": {"MissingToken": {"status": 404}}}) as service:
        assert run(service, "--yes") == 1
    shown = capsys.readouterr()
    plan = shown.err.replace(service.endpoint, "domain.aliyuncs.com").replace(EMAIL, "you@example.com")
    assert documented("Before the first call") == plan
    (total,) = map(int, re.findall(r"will make (\d+) calls", plan))
    assert sum(map(int, re.findall(r"\((\d+) calls?\)$", plan, re.MULTILINE))) == total
    result = re.search(
        r"^differs.*?(?=\n\nConfirmed)",
        re.sub(r"^same .*\n", "", shown.out, flags=re.MULTILINE),
        re.DOTALL | re.MULTILINE,
    )
    assert result is not None
    assert documented("This is what remains") == result[0] + "\n"
