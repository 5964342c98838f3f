"""The conversations: their data is complete, and each call is what a step describes."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

import pytest
from alimock.api.http import HttpRequest
from alimock.api.parse import parse
from alimock.compare.calls import MissingValue, Stamp, build
from alimock.compare.conversation import FOLDER, Conversation, Step, load_all
from alimock.compare.records import CHANGES
from alimock.spec import fidelity
from alimock.spec.contract import OPERATIONS
from service import KEY_ID, SECRET, caller

CONVERSATIONS = load_all()
STEPS = [(conversation, step) for conversation in CONVERSATIONS for step in conversation.steps]
LEDGER = {entry.id for entry in fidelity.ledger()}
VALUES = {"email": "jo+1@example.com", "nobody": "nobody@example.com"}
STAMP = Stamp(1_767_225_600.9, "nonce-2", "nonce-1")


@pytest.mark.parametrize("conversation", CONVERSATIONS, ids=lambda one: one.name)
def test_steps_have_different_names_and_know_the_lines_of_the_ledger(conversation: Conversation) -> None:
    names = [step.name for step in conversation.steps]
    assert len(set(names)) == len(names)
    assert {row for step in conversation.steps for row in step.rows} <= LEDGER
    assert all(re.fullmatch(r"[a-z0-9-]+", name) for name in names)


def test_every_operation_format_method_and_place_is_called() -> None:
    assert {step.action for _, step in STEPS} >= set(OPERATIONS)
    assert {step.send.get("Format", "JSON") for _, step in STEPS} >= {"JSON", "XML", None}
    assert {step.method for _, step in STEPS} >= {"GET", "POST", "PUT"}
    assert {step.place for _, step in STEPS} == {"query", "form"}


def test_every_parameter_of_an_operation_is_sent() -> None:
    sent = {(step.action, name) for _, step in STEPS for name in step.send}
    parameters = {(operation.name, one.name) for operation in OPERATIONS.values() for one in operation.own_parameters}
    assert parameters <= sent


def test_calls_that_send_mails_or_change_a_record_are_in_conversations_that_need_no_record() -> None:
    for conversation, step in STEPS:
        if step.mails or "{email}" in str(step.send):
            assert conversation.record, step.name


@pytest.mark.parametrize("conversation", CONVERSATIONS, ids=lambda one: one.name)
def test_address_is_submitted_before_any_other_change_of_its_record(conversation: Conversation) -> None:
    changes = [step.action for step in conversation.steps if step.action in CHANGES and "{email}" in str(step.send).lower()]
    assert changes[:1] in ([], ["SubmitEmailVerification"])


def test_conversations_that_are_not_on_request_come_first_and_need_no_person() -> None:
    assert [bool(one.opt_in) for one in CONVERSATIONS] == sorted(bool(one.opt_in) for one in CONVERSATIONS)
    assert [one.name for one in CONVERSATIONS if one.opt_in] == ["link", "quota"]
    assert not [step for conversation, step in STEPS if step.ask and not conversation.opt_in]


def test_files_are_shipped_with_the_built_in_scenarios() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.yaml")) == sorted(one.name for one in CONVERSATIONS)
    assert FOLDER.parent.joinpath("default.yaml").is_file()


def test_steps_for_another_version_signature_or_key_are_left_out() -> None:
    steps = (Step("a", {}, version="2018-01-29"), Step("b", {}, sign="v1"), Step("c", {}), Step("d", {}, plain_key=True))
    conversation = Conversation("x", "", steps)
    assert [step.name for step in conversation.narrowed("2018-01-29", "v1").steps] == ["a", "b", "c", "d"]
    assert [step.name for step in conversation.narrowed("2017-12-18", "v3").steps] == ["c", "d"]
    assert [step.name for step in conversation.narrowed("2018-01-29", "v3", has_token=True).steps] == ["a", "c"]


def built(step: Step, sign: str = "v1") -> HttpRequest:
    return build(step, caller(sign=sign, security_token="tok"), "domain.aliyuncs.com", VALUES, STAMP)


def test_v1_call_has_its_parameters_in_the_query_and_host_and_user_agent_as_headers() -> None:
    request = built(Step("x", {"Action": "ListEmailVerification", "Email": "{email}"}))
    pairs = dict(parse_qsl(request.query, keep_blank_values=True))
    assert pairs.pop("Signature")
    assert pairs == {
        "Version": "2018-01-29", "Format": "JSON", "Action": "ListEmailVerification", "Email": "jo+1@example.com", "AccessKeyId": KEY_ID,
        "Timestamp": "2026-01-01T00:00:00Z", "SignatureNonce": "nonce-2", "SignatureMethod": "HMAC-SHA1", "SignatureVersion": "1.0",
        "SecurityToken": "tok",
    }  # fmt: skip
    assert request.headers["host"] == "domain.aliyuncs.com"
    assert (request.method, request.body) == ("POST", b"")


def test_v3_call_has_action_and_version_as_headers() -> None:
    request = built(Step("x", {"Action": "VerifyEmail", "Token": "t"}), "v3")
    assert dict(parse_qsl(request.query)) == {"Format": "JSON", "Token": "t"}
    assert request.headers["x-acs-action"] == "VerifyEmail"
    assert request.headers["x-acs-security-token"] == "tok"
    signed = "content-type" in request.headers, parse(request).credentials.signed_headers.split(";")
    assert signed == (False, sorted(name for name in request.headers if name not in ("authorization", "user-agent")))


def test_v3_call_can_leave_a_header_out_of_the_signature() -> None:
    request = built(Step("x", {"Action": "VerifyEmail"}, unsigned="x-acs-date"), "v3")
    assert "x-acs-date" in request.headers
    assert "x-acs-date" not in parse(request).credentials.signed_headers.split(";")


def test_form_has_all_parameters_in_the_body() -> None:
    request = built(Step("x", {"Action": "VerifyEmail"}, place="form"))
    assert request.query == ""
    assert b"Signature=" in request.body and b"Action=VerifyEmail" in request.body


@pytest.mark.parametrize(
    ("change", "part", "v1", "v3"),
    [
        ({"timestamp": "2h ago"}, "timestamp", "2025-12-31T22:00:00Z", "2025-12-31T22:00:00Z"),
        ({"timestamp": "20m ahead"}, "timestamp", "2026-01-01T00:20:00Z", "2026-01-01T00:20:00Z"),
        ({"timestamp": "milliseconds"}, "timestamp", "2026-01-01T00:00:00.123Z", "2026-01-01T00:00:00.123Z"),
        ({"timestamp": "yesterday"}, "timestamp", "yesterday", "yesterday"),
        ({"timestamp": None}, "timestamp", "", ""),
        ({"nonce": "previous"}, "nonce", "nonce-1", "nonce-1"),
        ({"nonce": None}, "nonce", "", ""),
        ({"access_key_id": "other"}, "access_key_id", "other", "other"),
        ({"access_key_id": None}, "access_key_id", "", ""),
        ({"signature": None}, "signature", "", ""),
        ({"method": "HMAC-MD5"}, "method", "HMAC-MD5", "ACS3-HMAC-SHA256"),
        ({"method": None}, "method", "", "ACS3-HMAC-SHA256"),
        ({"version": None}, "version", "", ""),
    ],
)
def test_change_of_a_step_is_made_to_the_credentials(change: dict[str, str | None], part: str, v1: str, v3: str) -> None:
    step = Step("x", {"Action": "VerifyEmail"}, change=change)
    assert [getattr(parse(built(step, sign)).credentials, part) for sign in ("v1", "v3")] == [v1, v3]


@pytest.mark.parametrize("sign", ["v1", "v3"])
def test_no_call_contains_the_secret(sign: str) -> None:
    request = built(Step("x", {"Action": "VerifyEmail"}, change={"secret": "wrong"}), sign)
    assert SECRET not in repr(request)


def test_placeholder_without_a_value_is_an_error() -> None:
    with pytest.raises(MissingValue, match="created"):
        built(Step("x", {"BeginCreateTime": "{created}"}))


def test_repeated_parameter_and_tail_are_sent_as_they_are() -> None:
    request = built(Step("x", {"Email": ["a", "b"]}, tail="&PageNum=%ZZ"))
    assert "Email=a&Email=b" in request.query
    assert request.query.endswith("&PageNum=%ZZ")
