"""The environment of the process: time zone, locale, read-only disk, clock, shutdown and full logs."""

from __future__ import annotations

import http.client
import json
import re
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alimock.scenario import loader
from alimock.state.limits import StateLimits
from command import ask, serving
from conftest import Api, make_api

SUBMIT = "/?Action=SubmitEmailVerification&Version=2018-01-29&Format=JSON&Email="


def answer(line: str, path: str) -> dict[str, object]:
    status, body = ask(line, path)
    assert status == 200, body
    found: dict[str, object] = json.loads(body)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("zone", ["UTC", "America/St_Johns", "Pacific/Kiritimati", "Nonsense/Zone", "XYZ-25:99", ":"])
def test_times_are_in_utc_plus_8_in_any_time_zone(zone: str) -> None:
    with serving(TZ=zone) as (_, line):
        record = answer(line, "/?Action=QueryEmailVerification&Version=2018-01-29&Format=JSON&Email=abc@aliyun.com")
        assert record["GmtCreate"] == "2019-02-19 16:38:07"
        answer(line, f"{SUBMIT}jo@example.com")
        (mail,) = answer(line, "/_alimock/outbox")["messages"]  # type: ignore[misc]
        created, received = (re.findall(r"\d+", mail[name]) for name in ("created", "received"))
        assert (int(created[3]) - int(received[3])) % 24 == 8


@pytest.mark.slow
@pytest.mark.parametrize("locale", [{"LC_ALL": "C"}, {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}])
def test_texts_are_utf_8_in_any_locale(locale: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "场景.yaml"
    path.write_text("alimock: 1\ndescription: 邮箱验证\n", encoding="utf-8")
    with serving("--scenario", str(path), **locale) as (_, line):
        assert "ready on" in line
        assert answer(line, "/_alimock/info")["scenario"]["description"] == "邮箱验证"  # type: ignore[index]
        answer(line, f"{SUBMIT}%E6%9D%8E@example.com&Lang=zh")
        (mail,) = answer(line, "/_alimock/outbox")["messages"]  # type: ignore[misc]
        assert (mail["to"], mail["lang"]) == ("李@example.com", "zh")


@pytest.mark.slow
def test_emulator_runs_without_a_writable_directory(tmp_path: Path) -> None:
    nowhere = str(tmp_path / "none")
    with serving(
        HOME=nowhere, XDG_STATE_HOME=nowhere, TMPDIR=nowhere, PYTHONDONTWRITEBYTECODE="1", PYTHONPYCACHEPREFIX=nowhere
    ) as (_, line):
        answer(line, f"{SUBMIT}jo@example.com")
        assert len(answer(line, "/_alimock/outbox")["messages"]) == 1  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def test_clock_set_back_loses_nothing(api: Api) -> None:
    api.lists("SubmitEmailVerification", "jo@example.com")
    api.time.now -= 10 * 86_400
    assert api.lists("ResendEmailVerification", "jo@example.com") == {"SuccessList": ["jo@example.com"]}
    assert api.lists("SubmitEmailVerification", "al@example.com") == {"SuccessList": ["al@example.com"]}
    newest, _, oldest = (mail.sequence for mail in api.store.outbox.newest_first())
    assert newest > oldest
    record = api.json("QueryEmailVerification", Email="jo@example.com")
    assert str(record["TokenSendTime"]) < str(record["GmtCreate"])


@pytest.mark.slow
def test_running_calls_are_finished_on_sigterm() -> None:
    with serving("--scenario", "unlimited", "--log-level", "error") as (process, line):
        endpoint = re.findall(r"http://(\S+)", line)[0]
        begun = threading.Barrier(5)

        def call(number: int) -> list[str]:
            """Call until the emulator has stopped, and return the end of each call."""
            ends: list[str] = []
            for turn in range(10_000):
                connection = http.client.HTTPConnection(endpoint, timeout=20)
                try:
                    connection.connect()
                except OSError:
                    return ends
                try:
                    connection.request("GET", f"{SUBMIT}{number}-{turn}@example.com")
                    response = connection.getresponse()
                    ends.append("answered" if json.loads(response.read())["SuccessList"] else "refused")
                except (http.client.RemoteDisconnected, ConnectionResetError):
                    # The system accepted the connection, but the server never read the request.
                    ends.append("not read")
                finally:
                    connection.close()
                if turn == 20:
                    begun.wait(20)
            return ends

        with ThreadPoolExecutor(4) as pool:
            calls = [pool.submit(call, number) for number in range(4)]
            begun.wait(20)
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
            ends = [end for found in calls for end in found.result(20)]
        assert set(ends) <= {"answered", "not read"}
        assert ends.count("answered") > 80


def test_full_outbox_evicts_and_counts_the_oldest_mails() -> None:
    api = make_api(loader.load("default"), limits=StateLimits(max_entries_per_account=3))
    for number in range(5):
        api.lists("SubmitEmailVerification", f"{number}@example.com")
    assert [mail.to for mail in api.store.outbox.entries()] == ["2@example.com", "3@example.com", "4@example.com"]
    assert (api.store.outbox.evicted(), api.store.outbox.evicted("default")) == (2, 2)
