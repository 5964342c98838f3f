"""What goes wrong with the engines themselves: files that cannot be used, and servers that refuse."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import stat
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alimock.persistence import location, replica, valkey
from alimock.persistence.command_log import START
from alimock.persistence.sqlite import SqliteLog
from alimock.persistence.valkey import ValkeyLog
from alimock.scenario import loader
from alimock.settings import SettingError, resolve
from alimock.state.commands import PutAccessKey
from alimock.state.executor import Unavailable
from conftest import Api
from persistence.replicas import digest
from persistence.replicas import replica as start
from persistence.valkey_server import ValkeyServer


def other_database(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE things (id)")
    connection.close()


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (Path.mkdir, "Is a directory|Permission denied"),
        (lambda path: path.write_text("Not a database." * 100), "file is not a database"),
        (other_database, "it is a database of another program; choose another file"),
        (lambda path: path.parent.rmdir(), "No such file or directory"),
    ],
    ids=["folder", "text", "other", "missing folder"],
)
def test_file_that_cannot_be_used_is_refused(tmp_path: Path, make: Callable[[Path], Any], reason: str) -> None:
    path = tmp_path / "folder" / "alimock.db"
    path.parent.mkdir()
    make(path)
    with pytest.raises(ValueError, match=f"cannot use the state file `{re.escape(str(path))}`: ({reason})"):
        SqliteLog(path)


def test_file_in_use_is_refused_until_it_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "alimock.db"
    log = SqliteLog(path)
    with pytest.raises(ValueError, match="another process uses it; stop that one, or choose another file"):
        SqliteLog(path)
    log.append(START, ["a"])
    log.close()
    SqliteLog(path).close()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other permissions")
def test_only_the_owner_can_read_the_files(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path / "alimock.db")
    log.append(START, ["a"])
    modes = {name: stat.S_IMODE((tmp_path / name).stat().st_mode) for name in os.listdir(tmp_path)}
    assert "alimock.db" in modes and set(modes.values()) == {0o600}
    log.close()


@pytest.mark.parametrize(
    ("setting", "is_set", "reason"),
    [
        ("min-replicas-to-write", {"broken": "1", "right": "0"}, "NOREPLICAS"),
        ("maxmemory", {"broken": "1", "right": "0"}, "OOM|command not allowed"),
    ],
)
def test_server_that_refuses_to_write_makes_a_replica_unready(
    own_valkey_server: ValkeyServer, monkeypatch: pytest.MonkeyPatch, setting: str, is_set: dict[str, str], reason: str
) -> None:
    monkeypatch.setattr(replica, "PAUSE_SECONDS", 0)
    api = start(ValkeyLog(own_valkey_server.location()))
    submit(api, "jo@example.com")
    own_valkey_server.client().config_set(setting, is_set["broken"])
    response = api.call("SubmitEmailVerification", Email="al@example.com")
    assert response.status == 503
    assert re.search(reason, dict(response.headers)["X-Alimock-Decided-By"])
    with pytest.raises(Exception, match=reason):
        api.service.executor.check_ready()
    own_valkey_server.client().config_set(setting, is_set["right"])
    api.service.executor.check_ready()
    submit(api, "al@example.com")
    assert [mail.to for mail in api.store.outbox.entries()] == ["jo@example.com", "al@example.com"]
    api.service.executor.close()


def submit(api: Api, email: str) -> None:
    assert api.lists("SubmitEmailVerification", email) == {"SuccessList": [email]}


def test_wrong_password_is_reported_without_it(own_valkey_server: ValkeyServer) -> None:
    own_valkey_server.client().config_set("requirepass", "secret-word")
    found = location.location_of(f"unix://:wrong-word@{own_valkey_server.socket}")
    assert isinstance(found, location.ValkeyServer)
    with pytest.raises(Exception, match=r"(?i)invalid.*password|WRONGPASS") as raised:
        start(ValkeyLog(found))
    assert "wrong-word" not in str(raised.value)
    right = location.location_of(f"unix://:secret-word@{own_valkey_server.socket}")
    assert isinstance(right, location.ValkeyServer)
    start(ValkeyLog(right)).service.executor.close()


@pytest.mark.parametrize(("policy", "warns"), [("noeviction", False), ("allkeys-lru", True), ("volatile-lru", False)])
def test_eviction_policy_that_can_lose_the_state_is_warned_of(own_valkey_server: ValkeyServer, policy: str, warns: bool) -> None:
    own_valkey_server.client().config_set("maxmemory-policy", policy)
    warning = ValkeyLog(own_valkey_server.location()).warning()
    assert (warning is not None) == warns
    assert warning is None or f"maxmemory-policy {policy}" in warning


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("valkey://h", ("valkey://h:6379", "valkey://h", "default")),
        ("valkey://h/", ("valkey://h:6379", "valkey://h", "default")),
        ("redis://h:1/shop", ("redis://h:1", "redis://h:1", "shop")),
        ("rediss://u:p%40@h:1/shop", ("rediss://h:1", "rediss://u:p%40@h:1", "shop")),
        ("valkeys://[::1]:1/a.b_c-1", ("valkeys://[::1]:1", "valkeys://[::1]:1", "a.b_c-1")),
        ("unix:///run/valkey.sock", ("unix:///run/valkey.sock", "unix:///run/valkey.sock", "default")),
        ("unix://:p@/run/valkey.sock?name=shop", ("unix:///run/valkey.sock", "unix://:p@/run/valkey.sock", "shop")),
    ],
)
def test_url_names_a_server_and_a_state(text: str, expected: tuple[str, str, str]) -> None:
    assert location.location_of(text) == expected


@pytest.mark.parametrize("text", ["alimock.db", "./a b.db", "/data/alimock.db", "C:\\state.db", "état.db"])
def test_other_text_is_a_file(text: str) -> None:
    assert location.location_of(text) == Path(text)


@pytest.mark.parametrize(
    "text",
    [
        *("http://h", "sqlite:///x", "valkey://", "valkey://:6379", "valkey://u:pass-word@", "valkey://u:pass-word@h:0", "valkey://h:99999"),
        *("valkey://u:pass-word@h:port", "valkey://u:pass-word@h/a/b", "valkey://u:pass-word@h/a%20b", "valkey://h/a?db=1", "valkey://h#x"),
        *("valkey://u:pass#word@h", "valkey://u:pass-word#x@h", "valkey://u:pass-word/x@h", "valkey://u:pass-word?x@h", "valkey://u:pass-word\u2100@h"),
        *("unix://", "unix://host/x.sock", "unix:///x.sock?db=1", "unix:///x.sock?name=", "unix:///x.sock?name=a b", "valkey://[::1", ""),
    ],
)  # fmt: skip
def test_invalid_location_is_refused_without_its_password(text: str) -> None:
    with pytest.raises(SettingError, match=r"--state: .*; expected a file, valkey://") as raised:
        resolve({"state": text}, {})
    assert "pass-word" not in str(raised.value)


def test_reason_of_a_refusal_has_no_secrets(own_valkey_server: ValkeyServer) -> None:
    api = start(ValkeyLog(own_valkey_server.location()))
    own_valkey_server.client().config_set("maxmemory", "1")
    with pytest.raises(Unavailable) as raised:
        api.service.executor.execute(PutAccessKey(loader.load_access_key(b"{secret: very-secret}", "k", "", file="put")))
    assert "very-secret" not in str(raised.value)


def test_damaged_snapshot_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "alimock.db"
    api = start(SqliteLog(path))
    submit(api, "jo@example.com")
    api.service.executor.close()
    connection = sqlite3.connect(path)
    connection.execute("UPDATE snapshot SET content = x'00'")
    connection.commit()
    connection.close()
    log = SqliteLog(path)
    with closing(log), pytest.raises(Unavailable, match=f"{re.escape(str(path))}: .*while decompressing"):
        start(log)


def test_file_with_the_name_of_sqlites_memory_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    SqliteLog(Path(":memory:")).close()
    assert os.path.getsize(tmp_path / ":memory:") > 0


@pytest.mark.parametrize("keys", [["snapshot"], ["log"], ["log", "snapshot"]])
def test_replicas_agree_after_a_part_of_the_state_was_lost(valkey_server: ValkeyServer, keys: list[str]) -> None:
    name = f"lost-{'-'.join(keys)}"
    one, other = (start(ValkeyLog(valkey_server.location(name))) for _ in range(2))
    submit(one, "jo@example.com")
    other.service.executor.catch_up()
    valkey_server.client().delete(*(f"alimock:{{{name}}}:{key}" for key in keys))
    third = start(ValkeyLog(valkey_server.location(name)))
    for number, api in enumerate((one, other, third)):
        submit(api, f"{number}@example.com")
    assert len({digest(api) for api in (one, other, third)}) == 1
    for api in (one, other, third):
        api.service.executor.close()


def test_connection_that_the_server_closed_is_opened_again(
    own_valkey_server: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(valkey, "IDLE_SECONDS", 0)
    api = start(ValkeyLog(own_valkey_server.location()))
    own_valkey_server.client().client_kill_filter(_type="normal", skipme=True)
    submit(api, "jo@example.com")
    own_valkey_server.client().client_kill_filter(_type="normal", skipme=True)
    api.service.executor.close()
    log = ValkeyLog(own_valkey_server.location())
    assert len(log.append(START, ()).entries) == 1 and log.snapshot() is not None
    log.close()


def test_outage_is_logged_once_with_its_end(
    own_valkey_server: ValkeyServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(replica, "PAUSE_SECONDS", 0)
    caplog.set_level("INFO")
    api = start(ValkeyLog(own_valkey_server.location()))
    own_valkey_server.signal(signal.SIGKILL)
    for _ in range(3):
        assert api.call("ListEmailVerification").status == 503
    own_valkey_server.start()
    assert api.call("ListEmailVerification").status == 200
    messages = [record.getMessage() for record in caplog.records]
    assert [message.partition(":")[0] for message in messages if message.startswith("The state")] == [
        "The state is unavailable",
        "The state is available again",
    ]
    assert sum(message.startswith("503 ListEmailVerification ServiceUnavailable") for message in messages) == 3
    api.service.executor.close()
