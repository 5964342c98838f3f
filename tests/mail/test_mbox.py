"""All mails as one mbox file."""

from __future__ import annotations

import mailbox
from contextlib import closing
from email import message_from_bytes
from pathlib import Path
from urllib.request import urlopen

import pytest
from alimock.app import flask_app
from alimock.backend import Backend
from alimock.cli.main import main
from alimock.mail import message
from conftest import Api, Running
from flask.testing import FlaskClient


@pytest.fixture
def client(empty: Api) -> FlaskClient:
    return flask_app(Backend(empty.service)).test_client()


def read(content: bytes, folder: Path) -> list[mailbox.mboxMessage]:
    file = folder / "outbox.mbox"
    file.write_bytes(content)
    with closing(mailbox.mbox(file)) as opened:
        return list(opened)


def test_mbox_has_every_message_oldest_first(empty: Api, client: FlaskClient, tmp_path: Path) -> None:
    for number, (email, lang) in enumerate((("jo@example.com", "en"), ("李@example.com", "zh"), ("ann@example.com", "zh"))):
        empty.time.now += number
        empty.call("SubmitEmailVerification", Email=email, Lang=lang)
    response = client.get("/_alimock/outbox.mbox")
    assert response.content_type == "application/mbox"
    assert response.headers["Content-Disposition"] == 'attachment; filename="outbox.mbox"'
    found = read(response.data, tmp_path)
    mails = client.get("/_alimock/outbox").get_json()["messages"][::-1]
    assert [one["X-Alimock-Token"] for one in found] == [mail["token"] for mail in mails]
    assert [one.get_from() for one in found] == [f"noreply@example.com Thu Jan  1 00:00:0{second} 2026" for second in (0, 1, 3)]
    for one, mail in zip(found, mails, strict=True):
        raw = client.get(f"/_alimock/outbox/{mail['id']}/raw").data
        assert one.as_bytes() == message_from_bytes(raw.replace(b"\r\n", b"\n")).as_bytes()


@pytest.mark.parametrize(
    ("query", "recipients"),
    [
        ("", ["ann", "bo", "ann", "cy"]),
        ("?to=ann@example.com", ["ann", "ann"]),
        ("?text=BO@", ["bo"]),
        ("?action=ResendEmailVerification", ["ann"]),
        ("?access_key_id=other", ["cy"]),
        ("?since=2026-01-01%2008:00:02", ["ann", "cy"]),
        ("?until=2026-01-01%2008:00:01", ["ann", "bo"]),
        ("?after=2", ["bo", "ann", "cy"]),
        ("?to=no@example.com", []),
    ],
)
def test_mbox_has_the_filters_of_the_list(
    empty: Api, client: FlaskClient, tmp_path: Path, query: str, recipients: list[str]
) -> None:
    for action, email, key in (
        ("SubmitEmailVerification", "ann@example.com", None),
        ("SubmitEmailVerification", "bo@example.com", None),
        ("ResendEmailVerification", "ann@example.com", None),
        ("SubmitEmailVerification", "cy@example.com", "other"),
    ):
        empty.key = key
        empty.call(action, Email=email)
        empty.time.now += 1
    response = client.get(f"/_alimock/outbox.mbox{query}")
    assert response.status_code == 200
    assert [str(one["To"]).partition("@")[0] for one in read(response.data, tmp_path)] == recipients


@pytest.mark.parametrize(
    ("query", "status"), [("?to=a%20b", 400), ("?limit=5", 400), ("?after=99", 410), ("?since=yesterday", 400), ("?to=", 400)]
)
def test_invalid_filter_is_rejected(client: FlaskClient, query: str, status: int) -> None:
    response = client.get(f"/_alimock/outbox.mbox{query}")
    assert (response.status_code, list(response.get_json())[:2]) == (status, ["message", "hint"])


@pytest.mark.parametrize("text", ["From me\n", "to\nFrom me\n\nFrom you\n", "From 李\n", ">From me\n", "\n\n", "no newline"])
def test_lines_that_begin_with_from_do_not_split_a_message(
    empty: Api, client: FlaskClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setattr(message, "text_body", lambda *_: text)
    for email in ("ann@example.com", "bo@example.com"):
        empty.call("SubmitEmailVerification", Email=email)
    found = read(client.get("/_alimock/outbox.mbox").data, tmp_path)
    assert [one["To"] for one in found] == ["ann@example.com", "bo@example.com"]
    assert all(len(one.get_payload()) == 2 for one in found)


def test_export_writes_the_mbox(running: Running, capfdbinary: pytest.CaptureFixture[bytes], tmp_path: Path) -> None:
    empty_mbox = main(["export", "--mbox", "--url", running.url]), capfdbinary.readouterr().out
    assert empty_mbox == (0, b"")
    urlopen(f"{running.url}/?Action=SubmitEmailVerification&Version=2018-01-29&Email=jo@example.com").close()
    assert main(["export", "--mbox", "--url", running.url]) == 0
    (found,) = read(capfdbinary.readouterr().out, tmp_path)
    assert found["To"] == "jo@example.com"
    assert main(["export", "--mbox", "--access-key-id", "other", "--url", running.url]) == 0
    assert capfdbinary.readouterr().out == b""
