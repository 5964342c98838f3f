"""`alimock tail`: every event of a running emulator as a line."""

from __future__ import annotations

import json
import re
import subprocess

import pytest
from alimock import Emulator
from alimock.cli.event_text import cells
from alimock.cli.main import main
from alimock.client.connection import Connection
from alimock.state.commands import ReportScenarioError
from alimock.state.log import EventType
from command import COMMAND, ask
from conftest import Running

SUBMIT = "/?Action=SubmitEmailVerification&Version=2018-01-29&AccessKeyId=one&Email="
LIST = "/?Action=ListEmailVerification&Version=2018-01-29"
TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} UTC"


def tail(url: str, capsys: pytest.CaptureFixture[str], *options: str) -> list[str]:
    """Return the lines of the past events."""
    capsys.readouterr()
    assert main(["tail", "--once", "--url", url, *options]) == 0
    return capsys.readouterr().out.splitlines()


def test_call_has_its_outcomes_with_what_decided_them_and_a_mail_its_link(
    running: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    ask(running.url, f"{SUBMIT}jo@example.com,test1@aliyun.com")
    mail, call = tail(running.url, capsys)
    (sent,) = running.store.outbox.entries()
    assert re.fullmatch(rf"{TIME}  key:one       mail            to jo@example.com  {running.url}/verify\?token={sent.token}", mail)
    outcomes = (
        r"jo@example.com success \[.+\]; test1@aliyun.com SendTokenQuotaExceeded \[default.yaml:\d+\]; 1 email sent; unsigned"
    )
    assert re.fullmatch(rf"{TIME}  key:one       call            200  SubmitEmailVerification  OK + \d+\.\d ms  {outcomes}", call)
    assert tail(running.url, capsys, "--access-key-id", "two") == []


def test_rejected_call_has_its_hints(running: Running, capsys: pytest.CaptureFixture[str]) -> None:
    ask(running.url, LIST.replace("List", "Lits"))
    (line,) = tail(running.url, capsys)
    assert "  404  LitsEmailVerification    InvalidAction.NotFound  " in line
    assert line.endswith("unknown operation LitsEmailVerification; did you mean ListEmailVerification?")


def test_columns_are_aligned(running: Running, capsys: pytest.CaptureFixture[str]) -> None:
    for path in (f"{SUBMIT}jo@example.com", LIST, f"{SUBMIT}jo@example.com"):
        ask(running.url, path)
    calls = [line for line in tail(running.url, capsys) if " call " in line]
    columns = {tuple(line.index(cell) for cell in ("  call  ", "  200  ", "  OK  ", " ms  ")) for line in calls}
    assert (len(calls), len(columns)) == (3, 1)


def test_failed_reload_is_shown_with_its_error(running: Running, capsys: pytest.CaptureFixture[str]) -> None:
    error = "case.yaml:2:1: found the unknown key `profil`, expected `profile`"
    running.store.apply(ReportScenarioError(f"{error}\ncase.yaml:3:1: more"))
    (line,) = tail(running.url, capsys)
    assert line.endswith(f" UTC  all accounts  scenario error  not reloaded: {error}")


@pytest.mark.parametrize("kind", list(EventType))
def test_event_of_each_type_is_a_sentence(kind: EventType) -> None:
    event = {"sequence": 1, "kind": kind.value, "account": None, "subject": "x", "received": "2026-11-22T06:00:00.000Z"}
    *before, sentence = cells(event)
    assert before == ["2026-11-22 06:00:00.000 UTC", "all accounts", kind.value]
    assert " " in sentence and "{" not in sentence


def test_characters_of_a_client_do_not_break_a_line(running: Running, capsys: pytest.CaptureFixture[str]) -> None:
    ask(running.url, "/?Action=a%0Ab%1B%5B31m&Version=2018-01-29")
    (line,) = tail(running.url, capsys)
    assert line.isprintable() and "a\\nb\\x1b[31m" in line


def test_details_of_many_events_take_one_request_each(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    paths: list[str] = []
    send = Connection.send

    def counted(self: Connection, method: str, path: str, *args: object, **options: object) -> object:
        paths.append(path)
        return send(self, method, path, *args, **options)  # type: ignore[arg-type]

    with Emulator("default") as emulator:
        for number in range(30):
            ask(emulator.url, f"{SUBMIT}jo{number}@example.com")
        monkeypatch.setattr(Connection, "send", counted)
        assert len(tail(emulator.url, capsys)) == 60
    assert paths == ["changes", "calls", "outbox", "changes"]


def test_json_has_the_event_with_its_call_or_mail(running: Running, capsys: pytest.CaptureFixture[str]) -> None:
    ask(running.url, f"{SUBMIT}jo@example.com")
    mail, call = map(json.loads, tail(running.url, capsys, "--json"))
    assert (mail["sequence"], mail["kind"], mail["message"]["to"]) == (1, "mail", "jo@example.com")
    assert (call["sequence"], call["kind"], call["call"]["messages"]) == (2, "call", [mail["message"]["id"]])


def test_deleted_mail_is_called_deleted(running: Running, capsys: pytest.CaptureFixture[str]) -> None:
    ask(running.url, f"{SUBMIT}jo@example.com")
    (sent,) = running.store.outbox.entries()
    Connection(running.url).send("DELETE", "outbox")
    mail, _, deletion = tail(running.url, capsys)
    assert mail.endswith(f"  email {sent.id} (deleted)") and deletion.endswith(f"  email {sent.id} was deleted")


def test_new_events_are_followed_until_the_emulator_stops(running: Running) -> None:
    with subprocess.Popen([*COMMAND, "tail", "--url", running.url], stdout=subprocess.PIPE, text=True) as follower:
        assert follower.stdout is not None
        ask(running.url, LIST)
        assert " default       call " in follower.stdout.readline()
        ask(running.url, "/verify?token=made-up")
        ask(running.url, LIST)
        assert " default       call " in follower.stdout.readline()
        running.server.stop()
        assert follower.wait(10) == 2
