"""Scripted responses of addresses (by operation, in sequence, with custom codes), and canned responses of other operations."""

from __future__ import annotations

import pytest
from alimock.scenario import loader
from alimock.scenario.diagnostics import ScenarioError
from conftest import Api, make_api, scenario

JO = "jo@example.com"
SUBMIT, RESEND, DELETE = "SubmitEmailVerification", "ResendEmailVerification", "DeleteEmailVerification"
QUERY, VERIFY, VERIFIED = "QueryEmailVerification", "VerifyEmail", "EmailVerified"
QUOTA, ILLEGALL = "SendTokenQuotaExceeded", "ParameterIllegall"


def api_of(entry: str) -> Api:
    return make_api(scenario(f'addresses: {{{JO}: {entry}, "*@late.example.com": {entry}}}'))


def result(api: Api, action: str, email: str = JO) -> str:
    """Return the code of the refusal of an address, else the list that contains it."""
    body = api.json(action, Email=email)
    if "FailList" not in body:
        return str(body.get("Code", "found"))
    fails = body["FailList"]
    assert isinstance(fails, list)
    return fails[0]["Code"] if fails else next(name for name, rows in body.items() if isinstance(rows, list) and rows)


@pytest.mark.parametrize(
    ("entry", "action", "expected"),
    [
        ("{status: pending, answers: {resend: quota-exceeded}}", RESEND, QUOTA),
        ("{status: pending, answers: {resend: quota-exceeded}}", SUBMIT, "ExistList"),
        ("{status: pending, answers: {resend: illegal}}", RESEND, ILLEGALL),
        ("{status: pending, answers: {delete: illegal}}", DELETE, ILLEGALL),
        ("{status: pending, answers: {query: illegal}}", QUERY, "ParameterIllegal"),
        ("{status: pending, answers: {query: Throttling.User}}", QUERY, "Throttling.User"),
        ("{status: verified, answers: {email_verified: RegContactEmailNotVerified}}", VERIFIED, "RegContactEmailNotVerified"),
        ("{status: none, answers: {submit: NetworkIOError}}", SUBMIT, "NetworkIOError"),
        ("{outcome: quota-exceeded, answers: {submit: success}}", SUBMIT, "ExistList"),
        ("{outcome: quota-exceeded, answers: {submit: success}}", RESEND, QUOTA),
        ("{outcome: illegal, status: pending}", DELETE, "SuccessList"),
        ("{status: pending, answers: {resend: {code: MyOwn, message: My own text.}}}", RESEND, "MyOwn"),
        ("{status: pending, answers: {query: {code: MyOwn, message: 'My {own} text.', status: 418}}}", QUERY, "MyOwn"),
    ],
)
def test_operation_returns_the_scripted_response(entry: str, action: str, expected: str) -> None:
    for email in (JO, "any@late.example.com"):
        assert result(api_of(entry), action, email) == expected


def test_verify_email_returns_the_scripted_response_of_the_address_of_its_token() -> None:
    api = api_of("{status: pending, answers: {verify: {answer: NetworkIOError, times: 1, then: success}}}")
    api.lists(RESEND, JO)
    token = api.store.outbox.entries()[0].token
    assert [api.json(VERIFY, Token=token).get("Code") for _ in range(2)] == ["NetworkIOError", None]


def test_custom_code_is_marked_and_keeps_its_status_and_message() -> None:
    response = api_of("{status: pending, answers: {query: {code: My Own, message: 'My {own}.', status: 418}}}").call(
        QUERY, Email=JO
    )
    assert response.status == 418
    assert b"<Message>My {own}.</Message>" in response.body
    assert b"q=My%20Own&" in response.body
    assert dict(response.headers)["X-Alimock-Decided-By"] == "case.yaml:2 (custom answer)"


def test_custom_code_is_marked_within_a_batch() -> None:
    api = api_of("{status: pending, answers: {submit: {code: Own, message: x}}}")
    response = api.call(SUBMIT, Email=f"b@example.com,{JO}")
    assert dict(response.headers)["X-Alimock-Decided-By"] == "rule new-address (and 1 more, with a custom answer)"


def test_code_of_the_service_is_not_marked_as_custom() -> None:
    response = api_of("{status: pending, answers: {query: Throttling}}").call(QUERY, Email=JO)
    assert (response.status, dict(response.headers)["X-Alimock-Decided-By"]) == (400, "case.yaml:2")


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("{outcome: quota-exceeded, times: 2, then: success}", [QUOTA, QUOTA, "SuccessList", "SuccessList"]),
        ("{outcome: quota-exceeded, then: success}", [QUOTA, "SuccessList"]),
        ("{outcome: quota-exceeded, times: 0, then: success}", ["SuccessList"]),
        ("{status: pending, times: 1, then: quota-exceeded}", ["SuccessList", QUOTA, QUOTA]),
        (
            "{outcome: quota-exceeded, then: {answer: illegal, times: 2, then: {answer: Throttling, then: success}}}",
            [QUOTA, ILLEGALL, ILLEGALL, "Throttling", "SuccessList"],
        ),
        ("{outcome: illegal, status: pending, then: {code: Own, message: Text, then: success}}", [ILLEGALL, "Own", "SuccessList"]),
        ("{status: pending, answers: {resend: {answer: illegal, times: 2, then: success}}}", [ILLEGALL, ILLEGALL, "SuccessList"]),
    ],
)
def test_scripted_responses_follow_each_other(entry: str, expected: list[str]) -> None:
    api = api_of(entry)
    assert [result(api, RESEND) for _ in expected] == expected
    # Each address of a pattern has its own position in the sequence, and a reset restarts it.
    assert [result(api, RESEND, "a@late.example.com") for _ in expected] == expected
    api.store.reset()
    assert result(api, RESEND) == expected[0]


def test_submit_and_resend_share_the_sequence_of_the_outcome() -> None:
    api = api_of("{outcome: quota-exceeded, times: 2, then: success, answers: {delete: {answer: illegal, then: success}}}")
    assert [result(api, SUBMIT), result(api, DELETE), result(api, RESEND), result(api, SUBMIT)] == [
        QUOTA,
        ILLEGALL,
        QUOTA,
        "ExistList",
    ]
    assert result(api, DELETE) == "SuccessList"


STUBS = """
stubs:
  QueryDomainList:
    TotalItemNum: 2
    Data: {Domain: [{DomainName: example.com, Premium: false, Note: null}, {DomainName: "007", Price: 1.5}]}
    Empty: []
"""
DOMAINS = '"Data":{"Domain":[{"DomainName":"example.com","Premium":false,"Note":null},{"DomainName":"007","Price":1.5}]}'


def test_stub_is_returned_in_the_requested_format_and_marked_as_custom() -> None:
    api = make_api(scenario(STUBS))
    api.version = "2018-02-08"
    response = api.call("QueryDomainList", Format="JSON")
    request_id = dict(response.headers)["x-acs-request-id"]
    assert response.body.decode() == f'{{"RequestId":"{request_id}","TotalItemNum":2,{DOMAINS},"Empty":[]}}'
    assert dict(response.headers)["X-Alimock-Decided-By"] == "case.yaml:4 (custom answer)"
    body = api.call("QueryDomainList").body.decode()
    assert body.endswith(
        "<TotalItemNum>2</TotalItemNum><Data><Domain><DomainName>example.com</DomainName><Premium>false</Premium></Domain>"
        "<Domain><DomainName>007</DomainName><Price>1.5</Price></Domain></Data></QueryDomainListResponse>"
    )


def test_stub_can_set_its_request_id_and_is_subject_to_faults() -> None:
    api = make_api(
        scenario(
            "stubs: {SaveTask: {RequestId: ABC, TaskNo: 0123}}\n"
            "faults: [{when: {action: SaveTask, nth: 2}, error: TaskIsBeingProcessed}]"
        )
    )
    assert api.json("SaveTask") == {"RequestId": "ABC", "TaskNo": "0123"}
    assert api.code("SaveTask") == "TaskIsBeingProcessed"


def test_stub_is_refused_by_the_checks_of_the_gateway() -> None:
    api = make_api(scenario("authentication: strict\nstubs: {SaveTask: {}}"))
    assert api.code("SaveTask") == "MissingAccessKeyId"
    api.version = ""
    assert api.code("SaveTask") == "InvalidVersion"
    assert make_api(scenario()).code("SaveTask") == "InvalidAction.NotFound"


def test_stub_in_the_scenario_of_one_key_applies_to_that_key_only(empty: Api) -> None:
    empty.store.load(scenario("stubs: {SaveTask: {TaskNo: x}}"), "one")
    empty.key = "one"
    assert empty.json("SaveTask")["TaskNo"] == "x"
    empty.key = "two"
    assert empty.code("SaveTask") == "InvalidAction.NotFound"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("stubs: {VerifyEmail: {}}", "found `VerifyEmail`, expected an operation that alimock does not emulate itself"),
        ("stubs: {SaveTask: x}", "found no fields, expected a mapping of the response's fields"),
        ("stubs: {saveTask: {}}", "found `saveTask`, expected an operation"),
        ("stubs: {SaveTask: {a b: 1}}", "found the key `a b`, expected a name of letters, digits, ., - and _, as XML requires"),
        ("stubs: {SaveTask: {a: [[1]]}}", "found a list in a list, expected a value or a mapping (XML has no nested lists)"),
        (f"addresses: {{{JO}: {{status: pending, times: 2}}}}", "found `times` without `then`, expected `then:` with the "
         "response to the calls after those"),
        (f"addresses: {{{JO}: {{status: pending, answers: {{resend: {{times: 2, answer: illegal}}}}}}}}", "found `times` without `then`, "
         "expected `then:` with the response to the calls after those"),
        (f"addresses: {{{JO}: {{status: pending, answers: {{resnd: illegal}}}}}}", "found the unknown key `resnd`, expected `resend`"),
        (f"addresses: {{{JO}: {{status: pending, answers: {{resend: Throtling}}}}}}", "found `Throtling`, expected success, "
         "quota-exceeded, illegal or a code of the service (`alimock fidelity` lists them), or a mapping; did you mean `Throttling`?"),
        (f"addresses: {{{JO}: {{status: pending, then: {{code: Throttling}}}}}}", "found the custom code `Throttling` without a "
         "`message`, expected `message:` with its text, or `answer: Throttling`"),
        (f"addresses: {{{JO}: {{status: pending, then: {{code: Own}}}}}}", "found the custom code `Own` without a `message`, "
         "expected `message:` with its text, or `answer:` for a code of the service"),
        (f"addresses: {{{JO}: {{status: pending, then: {{message: x}}}}}}", "found neither `answer` nor `code`, expected one of the two"),
        (f"addresses: {{{JO}: {{status: pending, then: {{answer: illegal, code: x, message: y}}}}}}", "found both `answer` and `code`, "
         "expected one of the two"),
    ],
)  # fmt: skip
def test_invalid_scripted_response_or_stub_is_reported(line: str, expected: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        scenario(line)
    assert str(caught.value.mistakes[0]).partition(": ")[2].partition(": ")[2] == expected


def test_excessive_nesting_of_scripted_responses_is_reported() -> None:
    nested = '{"answer":"illegal","then":' * 5_000 + '"success"' + "}" * 5_000
    text = f'{{"alimock":1,"addresses":{{"{JO}":{{"status":"pending","then":{nested}}}}}}}'
    with pytest.raises(ScenarioError, match="very deep nesting"):
        loader.load_text(text.encode(), file="case.json", json=True)
