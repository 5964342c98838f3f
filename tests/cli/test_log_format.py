"""The formats of the log: text, columns with colors, and JSON."""

from __future__ import annotations

import io
import json
import re

import pytest
from alimock.api.context import CallContext
from alimock.api.service import Service
from alimock.cli.log_format import LogFormat, log_format
from conftest import Api, make_api, scenario

CALLS: dict[str, dict[str, str]] = {
    "success": {"action": "SubmitEmailVerification", "Email": "jo@example.com"},
    "rejected address": {"action": "ResendEmailVerification", "Email": "test1@aliyun.com"},
    "error": {"action": "VerifyEmail", "Token": "x"},
    "lost": {"action": "ListEmailVerification"},
}
LOST = "faults:\n- {id: lost, when: {action: ListEmailVerification}, reset: before}\n"


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        """Return True."""
        return True


def logged(api: Api, name: str) -> CallContext:
    """Make a call, and return what is logged about it."""
    calls: list[CallContext] = []
    api.service = Service(api.store, log_call=calls.append)
    api.call(**CALLS[name])
    return calls[0]


def line_of(log: LogFormat, call: CallContext) -> str:
    """Return the line about a call, with its time and duration replaced."""
    line = re.sub(r"\d\d:\d\d:\d\d,\d{3}", "TIME", log.call(call))
    return re.sub(r" +\d+\.\d ms", " 1.0 ms", line)


@pytest.mark.parametrize(
    ("stream", "environ", "is_aligned", "is_colored"),
    [
        (io.StringIO(), {}, False, False),
        (io.StringIO(), {"FORCE_COLOR": "1"}, True, True),
        (io.StringIO(), {"FORCE_COLOR": ""}, False, False),
        (io.StringIO(), {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False, False),
        (Terminal(), {"WT_SESSION": "1"}, True, True),
        (Terminal(), {"WT_SESSION": "1", "NO_COLOR": ""}, True, True),
        (Terminal(), {"WT_SESSION": "1", "NO_COLOR": "1"}, True, False),
        (Terminal(), {"WT_SESSION": "1", "TERM": "dumb"}, True, False),
        (Terminal(), {"WT_SESSION": "1", "TERM": "dumb", "FORCE_COLOR": "1"}, True, True),
    ],
)  # fmt: skip
def test_terminal_gets_columns_and_colors_that_the_environment_allows(
    stream: io.StringIO, environ: dict[str, str], is_aligned: bool, is_colored: bool
) -> None:
    line = log_format("text", stream, environ).record("WARNING", "disk full")
    assert ("\033[33mWARNING" in line, line.endswith("\033[0m\n")) == (is_colored, is_colored)
    plain = re.sub("\033.*?m", "", line)
    assert re.fullmatch(r"\d\d:\d\d:\d\d,\d{3} WARNING disk full\n" if is_aligned else r"\S+ \S+ WARNING disk full\n", plain)
    assert json.loads(log_format("json", stream, environ).record("WARNING", "disk full"))["message"] == "disk full"


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("success", "<green>  200<> SubmitEmailVerification <green>OK              <> 1.0 ms  <dim>no key, unsigned: "
         "jo@example.com success [rule new-address]<>"),
        ("rejected address", "<yellow>  200<> ResendEmailVerification <yellow>OK              <> 1.0 ms  <dim>no key, unsigned: "
         "test1@aliyun.com SendTokenQuotaExceeded [default.yaml:19]<>"),
        ("error", "<red>  400<> VerifyEmail             <red>ParameterIllegal<> 1.0 ms  <dim>no key, unsigned: ParameterIllegal [rule unknown-token]<>"),
    ],
)  # fmt: skip
def test_color_of_a_call_shows_its_result(api: Api, name: str, line: str) -> None:
    codes = {"<green>": "\033[32m", "<yellow>": "\033[33m", "<red>": "\033[31m", "<dim>": "\033[2m", "<>": "\033[0m"}
    expected = re.sub("<.*?>", lambda tag: codes[tag[0]], f"<dim>TIME<> INFO    {line}\n")
    assert line_of(log_format("text", io.StringIO(), {"FORCE_COLOR": "1"}), logged(api, name)) == expected


def test_call_without_a_response_has_no_status() -> None:
    call = logged(make_api(scenario(LOST)), "lost")
    assert " reset ListEmailVerification   OK  " in log_format("text", Terminal(), {"NO_COLOR": "1"}).call(call)
    entry = json.loads(log_format("json", io.StringIO(), {}).call(call))
    assert (entry["status"], entry["fault"]) == (None, "lost")


def test_columns_escape_what_would_break_the_line(api: Api) -> None:
    calls: list[CallContext] = []
    api.service, api.key = Service(api.store, log_call=calls.append), "a\nb"
    api.call("Verify\033[31m", Email="x\ny")
    line = log_format("text", Terminal(), {"NO_COLOR": "1"}).call(calls[0])
    assert line.endswith("\n") and line[:-1].isprintable()


def test_json_has_the_parts_of_a_call(api: Api) -> None:
    call = logged(api, "success")
    line = log_format("json", io.StringIO(), {}).call(call)
    entry = json.loads(line)
    assert line.endswith("}\n") and line.count("\n") == 1
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", entry.pop("time"))
    assert entry.pop("message").startswith(
        "200 SubmitEmailVerification OK, no key, unsigned: jo@example.com success [rule new-address] ("
    )
    assert entry.pop("duration_ms") == round(call.seconds * 1000, 1)
    assert entry == {
        "level": "INFO",
        "status": 200,
        "action": "SubmitEmailVerification",
        "code": "OK",
        "access_key_id": None,
        "authentication": "unsigned",
        "outcomes": [{"email": "jo@example.com", "outcome": "success", "decided_by": "rule new-address"}],
        "mails": [call.mails[0].id],
        "fault": None,
        "request_id": call.request_id,
    }
