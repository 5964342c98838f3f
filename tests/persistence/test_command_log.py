"""What every engine promises: one order, no entry missed, and a snapshot that goes forward only."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from alimock.persistence.command_log import START, CommandLog, StoredSnapshot
from alimock.persistence.valkey import ValkeyLog
from persistence.valkey_server import ValkeyServer

OpenLog = Callable[[], CommandLog]


def texts(log: CommandLog, after: tuple[int, int] = START) -> list[str]:
    return [entry.text for entry in log.append(after, ()).entries]


def test_appended_commands_are_returned_in_order_with_their_positions(open_log: OpenLog) -> None:
    log = open_log()
    first = log.append(START, ["a", "b"])
    assert [entry.text for entry in first.entries] == ["a", "b"]
    assert [entry.position for entry in first.entries] == first.own == sorted(first.own)
    second = log.append(first.own[-1], ["c"])
    assert [entry.text for entry in second.entries] == ["c"]
    assert second.own[0] > first.own[1]
    assert not first.is_lost and not second.is_lost


def test_time_of_an_entry_is_in_epoch_seconds(open_log: OpenLog) -> None:
    (entry,) = open_log().append(START, ["a"]).entries
    assert 1_700_000_000 < entry.time < 100_000_000_000


@pytest.mark.parametrize("text", ["", "中文 é \x00 \ud800".encode("unicode_escape").decode(), "x" * 1_000_000])
def test_commands_are_kept_as_they_are(open_log: OpenLog, text: str) -> None:
    log = open_log()
    log.append(START, [text])
    assert texts(log) == [text]


def test_log_is_there_after_it_was_closed(open_log: OpenLog) -> None:
    log = open_log()
    position = log.append(START, ["a"]).own[0]
    log.put_snapshot(StoredSnapshot(position, "{}"))
    log.append(position, ["b"])
    log.close()
    again = open_log()
    assert again.snapshot() == StoredSnapshot(position, "{}")
    assert texts(again, position) == ["b"]


def test_snapshot_replaces_the_entries_before_it(open_log: OpenLog) -> None:
    log = open_log()
    assert log.snapshot() is None
    positions = log.append(START, ["a", "b", "c"]).own
    assert log.put_snapshot(StoredSnapshot(positions[1], "after b"))
    assert log.snapshot() == StoredSnapshot(positions[1], "after b")
    assert texts(log, positions[1]) == ["c"]
    assert "a" not in texts(log)


@pytest.mark.parametrize("number", [0, 1])
def test_snapshot_never_replaces_a_later_one(open_log: OpenLog, number: int) -> None:
    log = open_log()
    positions = log.append(START, ["a", "b", "c"]).own
    log.put_snapshot(StoredSnapshot(positions[1], "later"))
    assert not log.put_snapshot(StoredSnapshot(positions[number], "earlier"))
    assert log.snapshot() == StoredSnapshot(positions[1], "later")
    assert texts(log, positions[1]) == ["c"]


def test_only_the_first_of_two_snapshots_of_an_empty_log_counts(open_log: OpenLog) -> None:
    log = open_log()
    assert log.put_snapshot(StoredSnapshot(START, "first"))
    assert not log.put_snapshot(StoredSnapshot(START, "second"))
    found = log.snapshot()
    assert found is not None and found.text == "first"
    assert [entry.text for entry in log.append(found.position, ["a"]).entries] == ["a"]


def test_log_goes_on_after_a_snapshot_of_all_its_entries(open_log: OpenLog) -> None:
    log = open_log()
    position = log.append(START, ["a"]).own[0]
    log.put_snapshot(StoredSnapshot(position, "{}"))
    log.close()
    log = open_log()
    appended = log.append(position, ["b"])
    assert (appended.is_lost, [entry.text for entry in appended.entries]) == (False, ["b"])
    assert appended.own[0] > position


def test_each_of_two_writers_gets_what_the_other_appended(valkey_server: ValkeyServer) -> None:
    one, two = (ValkeyLog(valkey_server.location("writers")) for _ in range(2))
    first = one.append(START, ["a"])
    second = two.append(START, ["b"])
    assert [entry.text for entry in second.entries] == ["a", "b"]
    assert [entry.text for entry in one.append(first.own[0], ["c"]).entries] == ["b", "c"]
    assert [entry.text for entry in two.append(second.own[0], ()).entries] == ["c"]


@pytest.mark.parametrize("keys", [["log"], ["log", "snapshot"]])
def test_log_without_the_last_entry_is_lost(valkey_server: ValkeyServer, keys: list[str]) -> None:
    name = f"lost-{len(keys)}"
    log = ValkeyLog(valkey_server.location(name))
    position = log.append(START, ["a"]).own[0]
    assert not log.append(position, ()).is_lost
    valkey_server.client().delete(*(f"alimock:{{{name}}}:{key}" for key in keys))
    appended = log.append(position, ["b"])
    assert appended.is_lost
    assert texts(log) == ["b"]


def test_two_states_of_one_server_share_nothing(valkey_server: ValkeyServer) -> None:
    one, two = (ValkeyLog(valkey_server.location(name)) for name in ("this", "that"))
    one.append(START, ["a"])
    assert texts(two) == []
