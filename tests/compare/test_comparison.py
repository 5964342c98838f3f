"""The comparison: a service that is like alimock is the same throughout, and each planted difference is found, and nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

import pytest
from alimock.api.http import HttpRequest, HttpResponse
from alimock.api.serialize import entity_tag
from alimock.compare import report, verdicts
from alimock.compare.comparison import CredentialsRefused
from alimock.compare.conversation import load_all
from alimock.compare.endpoint import Exchange, NoAnswer
from alimock.compare.evidence import Mask
from alimock.compare.obstacles import retry_seconds
from alimock.compare.results import Outcome, Result
from service import EMAIL, KEY_ID, Alteration, FakeService, caller, comparison, content, unlike

HAS_RECORD = "the account already has a record of the address, which stays as it is"
ALL = " ".join(one.name for one in load_all())


@pytest.mark.parametrize("sign", ["v1", "v3"])
@pytest.mark.parametrize("version", ["2018-01-29", "2017-12-18"])
def test_unaltered_service_is_the_same_in_every_step(sign: str, version: str) -> None:
    service = FakeService()
    played = comparison(service, ALL, sign=sign, version=version)
    results = list(played.results())
    assert [(one.name, one.outcome, one.differences, one.reason) for one in results if one.outcome is not Outcome.SAME] == []
    assert len(results) == len(played.plan.steps) == service.calls
    assert all(verdict.confirmed for one in results for verdict in one.verdicts)
    assert len(service.store.outbox) == 10  # The daily limit.
    assert played.plan.mails == 16
    assert service.store.account(KEY_ID).get(EMAIL) is None


@pytest.mark.parametrize(
    "entered",
    [
        "{}",
        " {}\t",
        "http://127.0.0.1:2546/verify?lang=en&token={}",
        "https://example.com/verify?token={}",
        "https://example.com/v/{}",
    ],
)
def test_token_is_entered_alone_or_as_the_end_of_its_link(entered: str) -> None:
    results = list(comparison(FakeService(entered=entered), "link").results())
    assert [one.name for one in results if one.outcome is not Outcome.SAME] == []


def test_security_token_is_sent_and_compared() -> None:
    service = FakeService(content(key={"security_token": "session-token"}))
    assert unlike(comparison(service, security_token="session-token").results()) == {}


def test_alimock_that_accepts_unknown_keys_by_default_is_the_same() -> None:
    assert unlike(comparison(FakeService(content(authentication="known-keys"))).results()) == {}


def changed(path: str, change: Callable[[Any], Any]) -> Alteration:
    """Return an alteration of a field in every JSON body that has it."""

    def alter(request: HttpRequest, response: HttpResponse) -> HttpResponse:
        if not response.body.startswith(b"{"):
            return response
        values = json.loads(response.body)
        if path in values:
            values[path] = change(values[path])
        return with_body(response, json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode())

    return alter


def with_body(response: HttpResponse, body: bytes) -> HttpResponse:
    headers = tuple((name, entity_tag(body) if name == "ETag" else value) for name, value in response.headers)
    return response._replace(body=body, headers=headers)


def reordered(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    if b"TotalItemNum" not in response.body or not response.body.startswith(b"{"):
        return response
    body = json.dumps(dict(sorted(json.loads(response.body).items())), separators=(",", ":")).encode()
    return with_body(response, body)


def header(name: str, value: str | None) -> Alteration:
    def alter(request: HttpRequest, response: HttpResponse) -> HttpResponse:
        kept = tuple(pair for pair in response.headers if pair[0].lower() != name.lower())
        return response._replace(headers=kept if value is None else (*kept, (name, value)))

    return alter


def twice(name: str) -> Alteration:
    def alter(request: HttpRequest, response: HttpResponse) -> HttpResponse:
        return response._replace(headers=(*response.headers, *(pair for pair in response.headers if pair[0] == name)))

    return alter


def replaced(old: bytes, new: bytes) -> Alteration:
    """Return an alteration of the first place of a text in each body."""

    def alter(request: HttpRequest, response: HttpResponse) -> HttpResponse:
        return with_body(response, response.body.replace(old, new, 1))

    return alter


def without_declaration(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    return with_body(response, re.sub(rb"^<\?xml.*?\?>", b"", response.body))


Differences = Mapping[str, set[str]]
NO_EMAIL = ("submit-without-email", "submit-with-empty-email", "submit-with-only-a-comma", "submit-without-email-xml",
            "resend-without-email", "delete-without-email", "email-verified-without-email", "query-without-email")  # fmt: skip
NO_RECORD = ("lifecycle/query-unknown-address", "refusals/verify-unknown-token", "refusals/verify-unknown-token-xml")
TIMESTAMPS = ("malformed-timestamp", "timestamp-20-minutes-ago", "timestamp-2-hours-ago", "timestamp-2-hours-ahead")
TIMES = ("GmtCreate", "GmtModified", "TokenSendTime")
OF_LIST = {"time Data[0].GmtCreate", "time Data[0].GmtModified", "time Data[0].TokenSendTime"}


@pytest.mark.parametrize(
    ("scenario", "expected"),
    [
        (
            {"codes": {"MissingEmail": {"status": 404}}},
            {f"refusals/{name}": {"status"} for name in NO_EMAIL},
        ),
        (
            {"codes": {"ParameterIllegal": {"message": "No such record."}}},
            {name: {"message Message"} for name in (*NO_RECORD, "refusals/verify-unknown-token-in-chinese")},
        ),
        (
            {"codes": {"InvalidAction.NotFound": {"status": 400, "message": "No such action."}}},
            {
                name: {"status", "message Message"}
                for name in ("refusals/unknown-action", "refusals/unknown-action-xml", "refusals/no-action",
                             "authentication/unknown-action-with-wrong-secret")
            },
        ),
        (
            {"stubs": {"NoSuchAction": {"Answer": "yes"}}},
            {
                "refusals/unknown-action": {"status", "code Code"},
                "refusals/unknown-action-xml": {"status", "code Code"},
                "authentication/unknown-action-with-wrong-secret": {"status", "code Code", "message Message"},
            },
        ),
        (
            {"addresses": {EMAIL: {"status": "none", "answers": {"resend": "TokenFailed"}}}},
            {"lifecycle/resend": {"value SuccessList", "value FailList",
                                  *(f"field {name}[0].{field}" for name in ("SuccessList", "FailList") for field in ("Email", "Code", "Message"))}},
        ),
        (
            {"timestamps": "ignored"},
            {f"authentication/{name}": {"status", "code Code"} for name in TIMESTAMPS},
        ),
        (
            {"authentication": "none"},
            {f"authentication/{name}": {"status", "code Code"}
             for name in ("wrong-secret", "wrong-secret-xml", "wrong-secret-in-a-form", "no-key", "no-timestamp", "no-nonce", "no-signature-method",
                          "no-signature-version", "unknown-signature-method", "bearer-token", "left-over-security-token", "reused-nonce", *TIMESTAMPS)}
            | {"authentication/missing-parameter-with-wrong-secret": {"code Code", "message Message"}},
        ),
        (
            {"faults": [{"when": {"action": "QueryEmailVerification", "nth": 2}, "error": "TokenFailed"}]},
            {"lifecycle/query-waiting-address": {"status", "code Code"}},
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)  # fmt: skip
def test_difference_of_the_scenario_is_found_and_nothing_else(scenario: Mapping[str, Any], expected: Differences) -> None:
    results = list(comparison(FakeService(content(**scenario))).results())
    assert unlike(results) == expected


@pytest.mark.parametrize(
    ("alter", "expected"),
    [
        (header("ETag", None), {"header etag"}),
        (header("X-Served-By", "me"), {"header x-served-by"}),
        (header("Content-Type", "application/json; charset=UTF-8"), {"header content-type"}),
        (without_declaration, {"declaration"}),
        (reordered, {"order"}),
        (twice("Content-Type"), {"header content-type"}),
        (replaced(b"{", b"\xef\xbb\xbf{"), {"declaration"}),
        (replaced(b"<?xml", b"\xef\xbb\xbf<?xml"), {"declaration"}),
        (replaced(b'"TotalItemNum":', b'"TotalItemNum":7,"TotalItemNum":'), {"value TotalItemNum", "field TotalItemNum#2"}),
        (replaced(b'"TotalItemNum":', b'"Code":"OK","Other":'), {"field Code", "field TotalItemNum", "field Other"}),
        (replaced(b"<TotalItemNum>", b"<TotalItemNum unit='x'>"), {"field TotalItemNum@unit"}),
        (replaced(b"<TotalItemNum>", b"text <TotalItemNum>"), {"field #text"}),
        (replaced(b"<ListEmailVerificationResponse>", b"<ListEmailVerificationResponse a='b'>"), {"field @a"}),
        (changed("TotalItemNum", str), {"type TotalItemNum"}),
        (changed("Recommend", lambda value: value.replace("aliyun", "alibabacloud")), {"value Recommend"}),
        (changed("VerificationStatus", lambda value: 2), {"value VerificationStatus"}),
        (changed("GmtCreate", lambda value: "Dec 25,2017 03:38:46"), {"date style GmtCreate", "time GmtCreate"}),
        (changed("UserId", lambda value: f"u{value}"), {"value UserId"}),
        (changed("HostId", lambda value: "elsewhere"), {"value HostId"}),
    ],
    ids=["no ETag", "another header", "content type", "no declaration", "order", "header twice", "byte order mark",
         "byte order mark of XML", "name twice", "code of a success", "XML attribute", "mixed text", "attribute of the root", "type", "Recommend", "status", "date style", "shape", "HostId"],
)  # fmt: skip
def test_difference_of_the_responses_is_found_and_nothing_else(alter: Alteration, expected: set[str]) -> None:
    found = unlike(comparison(FakeService(alter=alter)).results())
    assert set().union(*found.values()) == expected


FORGED = "\n::error title=x::y\rsame          all\x1b[2J"


def throttled(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    return with_body(response, json.dumps({"Code": f"Throttling{FORGED}", "Message": FORGED}).encode())


def other_declaration(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    return with_body(response, response.body.replace(b"<?xml version='1.0'", b"<?xml version='1.0'\r\t \r" + b" " * 5000))


@pytest.mark.parametrize(
    "alter",
    [throttled, other_declaration, header("Content-Type", FORGED), header(f"X-{FORGED}", "y"), changed("Message", lambda value: FORGED),
     changed("SuccessList", lambda value: {FORGED: FORGED})],
    ids=["reason", "declaration", "header", "name of a header", "message", "name of a field"],
)  # fmt: skip
def test_text_of_the_service_begins_no_line_of_the_report(alter: Alteration) -> None:
    service = FakeService(alter=alter)
    mask = Mask(caller(), EMAIL, service.authority)
    text = "\n".join(report.step_text(one, mask.text) for one in comparison(service, "refusals").results())
    starts = {line.partition(" ")[0] for line in text.splitlines() if not line.startswith(" " * 14)}
    assert starts <= {"same", "differs", "inconclusive"}
    assert "\x1b" not in text and "\r" not in text
    assert max(map(len, text.splitlines())) < 4500


@pytest.mark.parametrize(
    ("path", "value"),
    [("TotalItemNum", {"AccountId": 12345678}), ("TotalItemNum", {"Phone": 13800138.5}), ("TotalItemNum", {"Name": "Jo Private"}),
     ("HostId", "db-7.corp.example.org"), ("HostId", "10.0.0.7")],
    ids=["number", "fraction", "text", "host", "IP address as host"],
)  # fmt: skip
def test_value_that_may_be_private_is_compared_by_its_shape(path: str, value: object) -> None:
    results = list(comparison(FakeService(alter=changed(path, lambda _: value)), "formats refusals").results())
    shown = [text for result in results for one in result.differences for text in (one.where, one.service)]
    assert shown
    private = str(value if isinstance(value, str) else next(iter(value.values())))
    assert not [text for text in shown if private in text]


def test_report_of_a_step_has_at_most_20_differences() -> None:
    service = FakeService(alter=changed("TotalItemNum", lambda value: list(range(100))))
    result = next(one for one in comparison(service, "formats").results() if one.name == "formats/get-json")
    lines = report.step_text(result, str).splitlines()
    assert len(result.differences) == 101
    assert (len(lines), lines[-1]) == (22, "              and 81 more")


@pytest.mark.parametrize("profile", ["docs-2021", "docs-2018"])
def test_other_layout_differs_in_names_and_order_and_refutes_no_behavior_but_the_order(profile: str) -> None:
    results = list(comparison(FakeService(profile=profile), "lifecycle").results())
    kinds = {one.kind.value for result in results for one in result.differences}
    assert kinds <= {"name", "order", "field", "declaration", "date style"}
    assert {"name", "order"} <= kinds
    refuted = {verdict.row for result in results for verdict in result.verdicts if not verdict.confirmed}
    assert {row for row in refuted if row.startswith("behavior/")} == {"behavior/Gateway/json-order"}
    assert any(row.startswith("field/current/JSON/ResendEmailVerification/") for row in refuted)


def in_json(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Answer in JSON what was asked for in XML, with what both formats have."""
    if not response.body.startswith(b"<"):
        return response
    fields = re.findall(rb"<(RequestId|HostId|Code|Message|Recommend|TotalItemNum)>(.*?)</", response.body)
    return with_body(response, json.dumps({name.decode(): text.decode() for name, text in fields}).encode())


@pytest.mark.parametrize(
    ("step", "alter", "rows"),
    [
        ("formats/get-xml", in_json,
         ["operation/ListEmailVerification", "field/current/XML/ListEmailVerification/TotalItemNum"]),
        ("refusals/verify-unknown-token-xml", in_json, ["code/ParameterIllegal"]),
        ("refusals/verify-unknown-token", changed("Message", lambda value: None), ["code/ParameterIllegal"]),
        ("refusals/verify-unknown-token", changed("Code", lambda value: 400), ["code/ParameterIllegal"]),
        ("refusals/delete-in-chinese", changed("FailList", lambda value: []), ["code/ParameterIllegall"]),
        ("refusals/delete-in-chinese", changed("FailList", lambda value: [{**value[0], "Message": None}]), ["code/ParameterIllegall"]),
        ("refusals/delete-in-chinese", changed("FailList", lambda value: [{"Email": value[0]["Email"]}]), ["code/ParameterIllegall"]),
    ],
    ids=["XML list", "XML error", "null message", "number as code", "no items", "null message of an item", "no code of an item"],
)  # fmt: skip
def test_line_whose_values_were_not_compared_is_not_confirmed(step: str, alter: Alteration, rows: list[str]) -> None:
    def confirmed(service: FakeService) -> set[str]:
        (result,) = [one for one in comparison(service, step.partition("/")[0]).results() if one.name == step]
        return {verdict.row for verdict in result.verdicts if verdict.confirmed}

    assert set(rows) <= confirmed(FakeService())
    assert confirmed(FakeService(alter=alter)).isdisjoint(rows)


def test_clock_in_another_time_zone_differs_in_times_only() -> None:
    service = FakeService()
    service.store.account(KEY_ID).clock.set(int(service.time.now) - 8 * 3600, frozen=False)
    results = list(comparison(service, "lifecycle").results())
    found = unlike(results)
    assert found["lifecycle/query-waiting-address"] == {f"time {name}" for name in TIMES}
    assert set().union(*found.values()) - OF_LIST == {
        f"time {prefix}{name}" for prefix in ("", "Data.EmailVerification[0].") for name in TIMES
    }
    rows = verdicts.merged((one.name, verdict) for one in results for verdict in one.verdicts)
    assert rows["behavior/Values/utc-plus-8"][False]


def outcomes(results: list[Result]) -> dict[Outcome, int]:
    return {outcome: sum(one.outcome is outcome for one in results) for outcome in Outcome}


@pytest.mark.parametrize("status", ["pending", "verified"])
def test_existing_record_is_left_alone_and_its_steps_are_inconclusive(status: str) -> None:
    service = FakeService(content(addresses={EMAIL: status}))
    before = service.store.account(KEY_ID).get(EMAIL)
    results = list(comparison(service).results())
    needy = [one for one in results if one.name.startswith(("first/", "lifecycle/"))]
    assert {(one.outcome, one.reason) for one in needy} == {(Outcome.INCONCLUSIVE, HAS_RECORD)}
    assert {one.outcome for one in results if one not in needy} == {Outcome.SAME}
    assert service.store.account(KEY_ID).get(EMAIL) == before
    assert len(service.store.outbox) == 0


def test_throttled_call_is_tried_once_more() -> None:
    fault = {"when": {"action": "SubmitEmailVerification", "nth": 1}, "error": "Throttling.User", "retry_after": "2s"}
    assert unlike(comparison(FakeService(content(faults=[fault])), "lifecycle").results()) == {}


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("2000", 2), ("0", 0), ("60000", 30), ("9" * 400, 30), ("9" * 5000, 30), ("-1", 5), ("1e3", 5), ("soon", 5), ("", 5), ("\u0663", 5)],
)  # fmt: skip
def test_pause_before_the_second_try_is_that_of_the_response_up_to_30_seconds(value: str, seconds: float) -> None:
    for name, text in (("x-acs-retry-after", value), ("retry-after", value.removesuffix("000"))):
        assert retry_seconds(Exchange(HttpResponse(400, ((name, text),), b""), None)) == seconds


@pytest.mark.parametrize("code", ["Throttling", "Throttling.User", "Throttling.Api", "API_Block"])
def test_call_that_stays_throttled_is_inconclusive(code: str) -> None:
    service = FakeService(content(faults=[{"when": {"action": "EmailVerified"}, "error": code}]))
    results = list(comparison(service, "lifecycle").results())
    assert {one.name: one.reason for one in results if one.outcome is not Outcome.SAME} == {
        f"lifecycle/email-verified-{which}-address": f"{code}, twice" for which in ("unknown", "waiting")
    }


def test_status_429_without_a_known_code_is_throttled() -> None:
    def alter(request: HttpRequest, response: HttpResponse) -> HttpResponse:
        many = HttpResponse(429, (("retry-after", "7"),), b'{"message":"Too many requests"}')
        return many if "Action=EmailVerified" in request.query else response

    service, pauses = FakeService(alter=alter), []
    results = list(comparison(service, "refusals", sleep=pauses.append).results())
    assert [one.reason for one in results if one.outcome is not Outcome.SAME] == ["status 429, twice"]
    assert pauses.count(7) == 1


def test_three_throttled_calls_in_a_row_end_the_comparison() -> None:
    service = FakeService(content(faults=[{"when": {"action": "VerifyEmail"}, "error": "Throttling"}]))
    played = comparison(service, "refusals")
    results = list(played.results())
    assert [one.name for one in results][-1] == "refusals/verify-unknown-token-in-chinese"
    assert played.ended_early == "3 calls in a row had no answer or were throttled"


@pytest.mark.parametrize(
    ("status", "code"),
    [(500, "InternalError"), (503, "ServiceUnavailable"), (400, "InternalError.Backend"), (502, "Down"), (500, "")],
)
def test_call_that_fails_in_the_service_is_inconclusive(status: int, code: str) -> None:
    def alter(request: HttpRequest, response: HttpResponse) -> HttpResponse:
        failed = HttpResponse(status, response.headers, json.dumps({"Code": code, "Message": "Failed."}).encode())
        return failed if "Action=EmailVerified" in request.query else response

    results = list(comparison(FakeService(alter=alter), "refusals").results())
    assert {one.name: one.reason for one in results if one.outcome is not Outcome.SAME} == {
        "refusals/email-verified-without-email": f"the service failed ({status}{code and f' {code}'})"
    }
    assert not [verdict for one in results for verdict in one.verdicts if not verdict.confirmed]


class FailsAfterwards(FakeService):
    """A service that carries out a submission, and answers that it failed."""

    def send(self, request: HttpRequest) -> Exchange:
        exchange = super().send(request)
        if "Action=SubmitEmailVerification" not in request.query:
            return exchange
        return exchange._replace(response=HttpResponse(500, (), b'{"Code":"InternalError","Message":"Failed."}'))


def test_record_of_a_submission_that_failed_is_deleted() -> None:
    service = FailsAfterwards()
    played = comparison(service, "lifecycle")
    assert unlike(played.results()) == {}
    assert len(service.store.outbox) == 1
    assert service.store.account(KEY_ID).get(EMAIL) is None
    assert played.left_behind == {}


def test_order_of_the_fields_of_another_error_is_no_difference() -> None:
    other = json.dumps({"Code": "Other", "Message": "m", "HostId": "domain.aliyuncs.com", "RequestId": "x"}).encode()

    def alter(request: HttpRequest, response: HttpResponse) -> HttpResponse:
        return with_body(response, other) if b"MissingEmail" in response.body else response

    kinds = set().union(*unlike(comparison(FakeService(alter=alter), "refusals").results()).values())
    assert "code Code" in kinds and "order" not in kinds


def test_operation_that_the_key_may_not_call_is_inconclusive() -> None:
    service = FakeService(content(key={"permissions": ["domain:QueryEmailVerification"]}))
    results = list(comparison(service, "lifecycle").results())
    assert {one.reason for one in results if one.name == "lifecycle/resend-to-unknown-address"} == {
        "the access key may not call this operation (Forbidden.RAM)"
    }
    assert outcomes(results)[Outcome.DIFFERS] == 0


def test_quota_that_earlier_mails_used_up_is_inconclusive_but_compared_on_request() -> None:
    scenario = content(limits={"sends_per_address_per_day": 2})
    results = list(comparison(FakeService(scenario), "lifecycle").results())
    (resend,) = [one for one in results if one.name == "lifecycle/resend"]
    assert (resend.outcome, resend.reason) == (Outcome.INCONCLUSIVE, "SendTokenQuotaExceeded: emails of earlier today count, too")
    assert unlike(results) == {}
    results = list(comparison(FakeService(scenario), "quota").results())
    assert [name for name in unlike(results) if name != "quota/resend-2"] == []
    assert unlike(results)


def test_steps_after_another_effect_are_inconclusive_and_the_record_is_deleted() -> None:
    fault = {"when": {"action": "ResendEmailVerification", "nth": 2}, "error": "TokenFailed"}
    service = FakeService(content(faults=[fault]))
    results = list(comparison(service, "lifecycle").results())
    assert unlike(results) == {"lifecycle/resend": {"status", "code Code"}}
    after = results[[one.name for one in results].index("lifecycle/resend") + 1 :]
    assert {one.reason for one in after} == {"the account is in another state than the emulator since the step resend"}
    assert service.store.account(KEY_ID).get(EMAIL) is None


def test_address_that_the_service_accepts_but_alimock_refuses_is_deleted() -> None:
    called: list[str] = []

    def accept(request: HttpRequest, response: HttpResponse) -> HttpResponse:
        if "no-dot" not in request.query:
            return response
        called.append(dict(parse_qsl(request.query))["Action"])
        body = re.sub(rb'"SuccessList":\[\],"FailList":(\[.*\])', rb'"SuccessList":\1,"FailList":[]', response.body)
        return with_body(response, body)

    played = comparison(FakeService(alter=accept), "refusals")
    assert set(unlike(played.results())) == {"refusals/submit-no-dot"}
    assert called == ["SubmitEmailVerification", "DeleteEmailVerification"]
    assert played.left_behind == {}


def test_wrong_credentials_end_the_comparison_at_the_first_call() -> None:
    service = FakeService()
    with pytest.raises(CredentialsRefused, match=r"SignatureDoesNotMatch: Specified signature"):
        list(comparison(service, secret="another").results())
    assert service.calls == 1


class Unanswered(FakeService):
    """A service that gives no answer to the calls with some text."""

    silent: tuple[str, ...] = ()

    def send(self, request: HttpRequest) -> Exchange:
        if any(text in request.query for text in self.silent):
            self.calls += 1
            raise NoAnswer("timed out after 20 s")
        return super().send(request)


def test_call_without_an_answer_is_reported_and_the_rest_goes_on() -> None:
    service = Unanswered()
    service.silent = ("PageSize=5001",)
    results = list(comparison(service).results())
    assert [(one.name, one.reason) for one in results if one.outcome is Outcome.NO_ANSWER] == [
        ("refusals/list-page-size-5001", "timed out after 20 s")
    ]
    assert outcomes(results)[Outcome.SAME] == len(results) - 1


def test_three_calls_in_a_row_without_an_answer_end_the_comparison() -> None:
    service = Unanswered()
    service.silent = ("",)
    played = comparison(service)
    assert [one.outcome for one in played.results()] == [Outcome.NO_ANSWER] * 3
    assert played.ended_early == "3 calls in a row had no answer or were throttled"
    assert service.calls == 3


class Lossy(FakeService):
    """A service that carries out a submission, and loses the response."""

    def send(self, request: HttpRequest) -> Exchange:
        exchange = super().send(request)
        if "Action=SubmitEmailVerification" in request.query:
            raise NoAnswer("half a response (1 of 200 bytes)")
        return exchange


def test_record_is_deleted_if_the_response_to_the_submission_was_lost() -> None:
    service = Lossy()
    played = comparison(service, "lifecycle")
    reasons = {one.name: one.reason for one in played.results()}
    assert reasons["lifecycle/list"] == "the account is in another state than the emulator since the step submit"
    assert len(service.store.outbox) == 1
    assert service.store.account(KEY_ID).get(EMAIL) is None
    assert played.left_behind == {}


class Forgetful(FakeService):
    """A service whose operations with some text in the request do not find the record that the account has."""

    blind: tuple[str, ...] = ()

    def send(self, request: HttpRequest) -> Exchange:
        if any(text in request.query for text in self.blind):
            request = request._replace(query=request.query.replace("jo%40", "no%40"))
        return super().send(request)


@pytest.mark.parametrize("status", ["pending", "verified"])
@pytest.mark.parametrize("version", ["2018-01-29", "2017-12-18"])
@pytest.mark.parametrize(
    "blind",
    ["Action=Query|Action=List", "Action=Query|Action=List|Action=EmailVerified"],
    ids=["the list and the query", "no call before the submission"],
)
def test_record_that_the_first_calls_do_not_show_is_left_alone(blind: str, version: str, status: str) -> None:
    service = Forgetful(content(addresses={EMAIL: status}, authentication="none"))
    service.blind = tuple(blind.split("|"))
    before = service.store.account(KEY_ID).get(EMAIL)
    played = comparison(service, "lifecycle link quota", version=version)
    results = list(played.results())
    after = results[[one.name for one in results].index("lifecycle/submit") :]
    assert {(one.outcome, one.reason) for one in after} == {(Outcome.INCONCLUSIVE, HAS_RECORD)}
    assert played.left_behind == {}
    assert service.store.account(KEY_ID).get(EMAIL) == before
    assert len(service.store.outbox) == 0


def test_record_is_left_alone_if_the_service_refuses_to_submit_its_address() -> None:
    service = Forgetful(content(addresses={EMAIL: {"status": "pending", "answers": {"submit": "illegal"}}}, authentication="none"))
    service.blind = ("Action=Query", "Action=List")
    results = list(comparison(service, "lifecycle quota").results())
    assert {one.reason for one in results if one.name.startswith("quota/resend")} == {
        "the address was not submitted by this comparison"
    }
    assert service.store.account(KEY_ID).get(EMAIL) is not None
    assert len(service.store.outbox) == 0


def test_record_that_only_the_query_shows_is_left_alone() -> None:
    service = Forgetful(content(addresses={EMAIL: "pending"}, authentication="none"))
    service.blind = ("Action=List",)
    results = list(comparison(service, "lifecycle").results())
    assert {one.reason for one in results[1:]} == {HAS_RECORD}
    assert service.store.account(KEY_ID).get(EMAIL) is not None


def test_record_is_deleted_if_the_comparison_is_interrupted() -> None:
    service = FakeService()
    played = comparison(service, "lifecycle")
    steps = played.results()
    while next(steps).name != "lifecycle/submit":
        pass
    assert service.store.account(KEY_ID).get(EMAIL) is not None
    steps.close()
    assert service.store.account(KEY_ID).get(EMAIL) is None
    assert played.left_behind == {}


def test_record_that_cannot_be_deleted_is_named() -> None:
    service = Unanswered()
    service.silent = ("Action=DeleteEmailVerification",)
    played = comparison(service, "lifecycle quota")
    reasons = {one.name: one.reason for one in played.results() if one.outcome is not Outcome.SAME}
    assert reasons["lifecycle/delete-unknown-address"] == reasons["quota/delete"] == "timed out after 20 s"
    assert reasons["lifecycle/submit"] == "the account is in another state than the emulator since the step delete-unknown-address"
    assert list(played.left_behind.values()) == [EMAIL]


def test_record_that_the_service_refuses_to_delete_is_named() -> None:
    played = comparison(FakeService(content(addresses={EMAIL: {"status": "none", "answers": {"delete": "illegal"}}})), "lifecycle")
    assert "lifecycle/delete-the-same-address-twice" in unlike(played.results())
    assert list(played.left_behind.values()) == [EMAIL]


def test_conversation_after_a_record_that_cannot_be_deleted_is_inconclusive() -> None:
    service = Unanswered()
    service.silent = ("Action=DeleteEmailVerification",)
    played = comparison(service, "link quota")
    reasons = {one.name: one.reason for one in played.results() if one.name.startswith("quota/")}
    assert set(reasons.values()) == {"a record of an earlier conversation could not be deleted"}
