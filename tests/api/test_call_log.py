"""The call log's entries: how much of a call they keep."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable

import pytest
from alimock.api import call_log
from alimock.api.context import CallContext
from alimock.api.service import Service
from conftest import Api


def test_the_outcomes_of_the_first_100_addresses_are_kept(empty: Api) -> None:
    emails = [f"user{number}@example.com" for number in range(101)]
    empty.lists("SubmitEmailVerification", ",".join(emails))
    (entry,) = empty.store.calls.entries()
    assert [outcome.email for outcome in entry.outcomes] == emails[:100]
    assert len(entry.messages) == 101


def test_the_first_200_characters_of_names_are_kept(empty: Api) -> None:
    empty.key, empty.version = "k" * 201, "v" * 201
    parameters = {"SignatureMethod": "m" * 201, "Signature": "x", "p" * 201: ""}
    empty.call("a" * 201, headers={"user-agent": "u" * 201}, **parameters)
    (entry,) = empty.store.calls.entries()
    kept = (entry.action, entry.version, entry.access_key_id, entry.user_agent, entry.signature)
    assert kept == ("a" * 200, "v" * 200, "k" * 200, "u" * 200, "m" * 200)
    assert "p" * 200 in entry.parameters


LINE = r"200 QueryEmailVerification OK, no key, unsigned: abc@aliyun.com found \[default.yaml:10\] \(\d+\.\d ms\)"


def test_line_about_a_call_goes_to_the_logger_unless_calls_are_logged_elsewhere(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    calls: list[CallContext] = []
    with caplog.at_level(logging.INFO):
        api.call("QueryEmailVerification", Email="abc@aliyun.com")
        api.service = Service(api.store, log_call=calls.append)
        api.call("QueryEmailVerification", Email="abc@aliyun.com")
    ((name, level, logged),) = caplog.record_tuples
    assert (name, level) == ("alimock.api.call_log", logging.INFO)
    assert [re.fullmatch(LINE, line) is not None for line in (logged, *map(call_log.text, calls))] == [True, True]


@pytest.mark.parametrize("log_call", [None, call_log.to_logger])
def test_no_line_is_formatted_that_nothing_writes(
    api: Api, log_call: Callable[[CallContext], None] | None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(call_log, "text", lambda context: pytest.fail("formatted"))
    api.service = Service(api.store, log_call=log_call)
    with caplog.at_level(logging.WARNING):
        assert api.call("QueryEmailVerification", Email="abc@aliyun.com").status == 200
