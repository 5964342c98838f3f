"""The operations: the result for each outcome of an address, tokens, daily limits and List."""

from __future__ import annotations

import pytest
from conftest import Api, make_api, scenario

OUTCOMES = """
addresses:
  verified@x.example.com: verified
  pending@x.example.com: pending
  expired@x.example.com: expired
  quota-exceeded@x.example.com: quota-exceeded
  illegal@x.example.com: illegal
  unknown@x.example.com: unknown
  "*@x.example.com": verified
"""
SUCCESS, EXIST = "SuccessList", "ExistList"
QUOTA, ILLEGALL = "SendTokenQuotaExceeded", "ParameterIllegall"


@pytest.fixture
def outcomes() -> Api:
    return make_api(scenario(OUTCOMES))


def result(api: Api, action: str, email: str, **parameters: object) -> str:
    """Return the list that contains an address, or the code of its refusal."""
    ((name, (row,)),) = api.lists(action, email, **parameters).items()
    return row.removeprefix(f"{email} ") if name == "FailList" else name


@pytest.mark.parametrize(
    ("outcome", "submitted", "submitted_again", "resent", "queried", "deleted"),
    [
        ("verified", EXIST, EXIST, ILLEGALL, 1, SUCCESS),
        ("pending", EXIST, SUCCESS, SUCCESS, 0, SUCCESS),
        ("expired", EXIST, SUCCESS, SUCCESS, 0, SUCCESS),
        ("quota-exceeded", QUOTA, QUOTA, QUOTA, 0, SUCCESS),
        ("illegal", ILLEGALL, ILLEGALL, ILLEGALL, "ParameterIllegal", ILLEGALL),
        ("unknown", SUCCESS, SUCCESS, ILLEGALL, "ParameterIllegal", ILLEGALL),
    ],
)
def test_outcome_decides_the_result_of_each_operation(
    outcome: str, submitted: str, submitted_again: str, resent: str, queried: object, deleted: str
) -> None:
    email = f"{outcome}@x.example.com"

    def new_api() -> Api:
        return make_api(scenario(OUTCOMES))

    assert result(new_api(), "SubmitEmailVerification", email) == submitted
    assert result(new_api(), "SubmitEmailVerification", email, SendIfExist="true") == submitted_again
    assert result(new_api(), "ResendEmailVerification", email) == resent
    body = new_api().json("QueryEmailVerification", Email=email)
    assert body.get("VerificationStatus", body.get("Code")) == queried
    assert result(new_api(), "DeleteEmailVerification", email) == deleted
    listed = new_api().json("ListEmailVerification", Email=email)["TotalItemNum"]
    assert listed == (1 if isinstance(queried, int) else 0)


@pytest.mark.parametrize("outcome", ["quota-exceeded", "illegal"])
def test_neither_a_new_day_nor_delete_lifts_a_standing_refusal(outcomes: Api, outcome: str) -> None:
    email = f"{outcome}@x.example.com"
    before = result(outcomes, "SubmitEmailVerification", email)
    outcomes.lists("DeleteEmailVerification", email)
    outcomes.time.now += 10 * 86_400
    assert result(outcomes, "SubmitEmailVerification", email) == before


def test_exact_address_takes_precedence_over_a_pattern(outcomes: Api) -> None:
    assert outcomes.json("QueryEmailVerification", Email="other@x.example.com")["VerificationStatus"] == 1
    assert outcomes.json("QueryEmailVerification", Email="pending@x.example.com")["VerificationStatus"] == 0
    assert outcomes.code("QueryEmailVerification", Email="unknown@x.example.com") == "ParameterIllegal"


def test_deleted_record_of_the_scenario_stays_deleted(outcomes: Api) -> None:
    for email in ("verified@x.example.com", "other@x.example.com"):
        assert result(outcomes, "DeleteEmailVerification", email) == SUCCESS
        assert outcomes.code("QueryEmailVerification", Email=email) == "ParameterIllegal"
        assert result(outcomes, "SubmitEmailVerification", email) == SUCCESS
        assert outcomes.json("QueryEmailVerification", Email=email)["VerificationStatus"] == 0


@pytest.mark.parametrize(
    "email",
    ["plain", "a@b", "a@@example.com", "a@b@example.com", "@example.com", "a@", "a b@example.com", "a@exam\tple.com", "a@.",
     "a" * 243 + "@example.com", "a\u0000@example.com", "a@[.c", "a@(b.c", "a@b:c.d"],
)  # fmt: skip
def test_malformed_address_fails_without_affecting_others(empty: Api, email: str) -> None:
    assert empty.lists("SubmitEmailVerification", f"{email},ok@example.com") == {
        "SuccessList": ["ok@example.com"],
        "FailList": [f"{email} {ILLEGALL}"],
    }


@pytest.mark.parametrize("email", ["a" * 242 + "@example.com", "o'brien+tag@example.com", "李雷@例子.中国", '"q"@x.com', "*@x.com"])
def test_well_formed_address_of_any_script_is_accepted(empty: Api, email: str) -> None:
    assert empty.lists("SubmitEmailVerification", email) == {"SuccessList": [email]}


def test_repeated_address_in_a_batch_is_processed_once_as_first_spelled(empty: Api) -> None:
    lists = empty.lists("SubmitEmailVerification", " Jo@example.com , al@example.com,JO@EXAMPLE.COM,, al@example.com")
    assert lists == {"SuccessList": ["Jo@example.com", "al@example.com"]}
    assert len(empty.store.outbox.entries()) == 2


def test_addresses_are_case_insensitive_and_keep_their_spelling(empty: Api) -> None:
    empty.lists("SubmitEmailVerification", "Jo@Example.com")
    assert empty.lists("SubmitEmailVerification", "jo@example.COM") == {"ExistList": ["jo@example.COM"]}
    assert empty.json("QueryEmailVerification", Email="JO@example.com")["Email"] == "Jo@Example.com"


def test_new_record_is_pending_and_has_the_sender_ip_of_the_call(empty: Api) -> None:
    empty.lists("SubmitEmailVerification", "jo@example.com", UserClientIp="198.51.100.7")
    body = empty.json("QueryEmailVerification", Email="jo@example.com")
    number = str(body.pop("EmailVerificationNo"))
    del body["RequestId"], body["UserId"]
    assert len(number) == 32
    assert set(number) <= set("0123456789abcdef")
    assert body == {
        "VerificationStatus": 0,
        "GmtCreate": "2026-01-01 08:00:00",
        "Email": "jo@example.com",
        "GmtModified": "2026-01-01 08:00:00",
        "SendIp": "198.51.100.7",
        "TokenSendTime": "2026-01-01 08:00:00",
    }


def test_send_ip_defaults_to_the_address_of_the_peer(empty: Api) -> None:
    empty.lists("SubmitEmailVerification", "jo@example.com")
    assert empty.json("QueryEmailVerification", Email="jo@example.com")["SendIp"] == "192.0.2.1"


def test_resend_changes_only_send_time_and_modification_time(empty: Api) -> None:
    empty.lists("SubmitEmailVerification", "jo@example.com")
    before = empty.json("QueryEmailVerification", Email="jo@example.com")
    empty.time.now += 1_200
    empty.lists("ResendEmailVerification", "jo@example.com", UserClientIp="198.51.100.9")
    after = empty.json("QueryEmailVerification", Email="jo@example.com")
    changed = {name for name in after if after[name] != before[name]} - {"RequestId"}
    assert changed == {"TokenSendTime", "GmtModified"}
    assert after["TokenSendTime"] == after["GmtModified"] == "2026-01-01 08:20:00"


def tokens(api: Api) -> list[str]:
    return [mail.token for mail in api.store.outbox.entries()]


def verify(api: Api, token: str, **parameters: object) -> str:
    return str(api.json("VerifyEmail", Token=token, **parameters).get("Code", "verified"))


def test_token_verifies_only_once(empty: Api) -> None:
    empty.lists("SubmitEmailVerification", "jo@example.com")
    (token,) = tokens(empty)
    empty.time.now += 60
    assert verify(empty, token, UserClientIp="198.51.100.8") == "verified"
    body = empty.json("QueryEmailVerification", Email="jo@example.com")
    assert body["VerificationStatus"] == 1
    assert body["ConfirmIp"] == "198.51.100.8"
    assert body["VerificationTime"] == body["GmtModified"] == "2026-01-01 08:01:00"
    assert verify(empty, token) == "ParameterIllegal"


def test_new_mail_supersedes_the_previous_token(empty: Api) -> None:
    empty.lists("SubmitEmailVerification", "jo@example.com")
    empty.lists("SubmitEmailVerification", "jo@example.com", SendIfExist="True")
    old, new = tokens(empty)
    assert verify(empty, old) == "ParameterIllegal"
    assert verify(empty, new) == "verified"


def test_token_of_a_deleted_record_is_invalid(empty: Api) -> None:
    empty.lists("SubmitEmailVerification", "jo@example.com")
    empty.lists("DeleteEmailVerification", "jo@example.com")
    empty.lists("SubmitEmailVerification", "jo@example.com")
    old, new = tokens(empty)
    assert verify(empty, old) == "ParameterIllegal"
    assert verify(empty, new) == "verified"


@pytest.mark.parametrize(("seconds", "expected"), [(3 * 86_400 - 1, "verified"), (3 * 86_400, "ParameterIllegal")])
def test_token_expires_after_three_days_of_the_account_clock(empty: Api, seconds: int, expected: str) -> None:
    empty.lists("SubmitEmailVerification", "jo@example.com")
    empty.store.account(None).clock.offset += seconds
    assert verify(empty, tokens(empty)[0]) == expected


@pytest.mark.parametrize(
    "token", ["x", "0" * 32, "zz" * 16, "0b32247496409441e9e179ea7c2e0****", "f" * 5_000, "\uff11" * 32, "+0" * 16]
)
def test_unknown_token_is_illegal(empty: Api, token: str) -> None:
    empty.lists("SubmitEmailVerification", "jo@example.com")
    assert verify(empty, token) == "ParameterIllegal"


def test_token_verifies_only_in_its_own_account(empty: Api) -> None:
    empty.lists("SubmitEmailVerification", "jo@example.com")
    (token,) = tokens(empty)
    empty.key = "another"
    response = empty.call("VerifyEmail", Token=token)
    assert dict(response.headers)["X-Alimock-Decided-By"] == "rule unknown-token (account default has it)"
    assert response.status == 400


def test_refusal_names_another_account_that_has_the_address(empty: Api) -> None:
    empty.lists("SubmitEmailVerification", "jo@example.com")
    empty.key = "another"
    decided_by = dict(empty.call("QueryEmailVerification", Email="jo@example.com").headers)["X-Alimock-Decided-By"]
    assert decided_by == "rule unknown-address (account default has it, key:another does not)"


def test_token_of_the_scenario_verifies_its_address() -> None:
    api = make_api(scenario("addresses: {jo@example.com: {status: pending, token: my-token}}"))
    assert verify(api, "my-token") == "verified"
    assert api.json("QueryEmailVerification", Email="jo@example.com")["VerificationStatus"] == 1
    assert verify(api, "my-token") == "ParameterIllegal"


def test_address_gets_at_most_ten_mails_a_day(empty: Api) -> None:
    empty.lists("SubmitEmailVerification", "jo@example.com")
    for _ in range(9):
        assert result(empty, "ResendEmailVerification", "jo@example.com") == SUCCESS
    assert result(empty, "ResendEmailVerification", "jo@example.com") == QUOTA
    assert result(empty, "SubmitEmailVerification", "jo@example.com", SendIfExist="true") == QUOTA
    assert result(empty, "SubmitEmailVerification", "jo@example.com") == EXIST
    empty.lists("DeleteEmailVerification", "jo@example.com")
    assert result(empty, "SubmitEmailVerification", "jo@example.com") == QUOTA
    # A day ends at midnight in UTC+8, which is 16 hours after 08:00.
    empty.time.now += 16 * 3_600 - 1
    assert result(empty, "SubmitEmailVerification", "jo@example.com") == QUOTA
    empty.time.now += 1
    assert result(empty, "SubmitEmailVerification", "jo@example.com") == SUCCESS


def test_account_accepts_a_limited_number_of_new_addresses_a_day() -> None:
    api = make_api(scenario("limits: {addresses_per_day: 2}\naddresses: {old@example.com: pending}"))
    assert api.lists(
        "SubmitEmailVerification", "a@example.com,b@example.com,c@example.com,old@example.com", SendIfExist="true"
    ) == {
        "SuccessList": ["a@example.com", "b@example.com", "old@example.com"],
        "FailList": [f"c@example.com {QUOTA}"],
    }
    api.lists("DeleteEmailVerification", "a@example.com")
    assert result(api, "SubmitEmailVerification", "a@example.com") == SUCCESS
    assert result(api, "SubmitEmailVerification", "c@example.com") == QUOTA
    api.time.now += 86_400
    assert result(api, "SubmitEmailVerification", "c@example.com") == SUCCESS


def test_null_disables_a_limit_and_zero_allows_nothing() -> None:
    unlimited = make_api(scenario("limits: {sends_per_address_per_day: null, addresses_per_day: null, link_valid_days: null}"))
    unlimited.lists("SubmitEmailVerification", ",".join(f"a{number}@example.com" for number in range(501)))
    for _ in range(11):
        assert result(unlimited, "ResendEmailVerification", "a1@example.com") == SUCCESS
    unlimited.time.now += 1_000 * 86_400
    assert verify(unlimited, tokens(unlimited)[0]) == "verified"
    assert result(make_api(scenario("limits: {addresses_per_day: 0}")), "SubmitEmailVerification", "a@example.com") == QUOTA
    assert result(make_api(scenario("limits: {sends_per_address_per_day: 0}")), "SubmitEmailVerification", "a@example.com") == QUOTA


def test_sends_today_of_the_scenario_count_on_the_first_day_only() -> None:
    api = make_api(scenario("addresses: {jo@example.com: {status: pending, sends_today: 9}}"))
    assert result(api, "ResendEmailVerification", "jo@example.com") == SUCCESS
    assert result(api, "ResendEmailVerification", "jo@example.com") == QUOTA
    api.time.now += 86_400
    assert result(api, "ResendEmailVerification", "jo@example.com") == SUCCESS


def listed(api: Api, **parameters: object) -> list[str]:
    data = api.json("ListEmailVerification", **parameters)["Data"]
    assert isinstance(data, list)
    return [row["Email"].partition("@")[0] for row in data]


LISTED = """
addresses:
  one@example.com: {status: verified, gmt_create: 2025-01-01 00:00:00}
  two@example.com: pending
  three@example.com: verified
  four@example.com: {status: pending, gmt_create: 2025-06-01 12:00:00}
"""


def test_list_is_newest_first_and_in_file_order_within_a_second() -> None:
    api = make_api(scenario(LISTED))
    api.lists("SubmitEmailVerification", "five@example.com,six@example.com")
    assert listed(api) == ["six", "five", "two", "three", "four", "one"]


def test_list_is_filtered_by_address_status_and_inclusive_time_bounds() -> None:
    api = make_api(scenario(LISTED))
    assert listed(api, VerificationStatus=1) == ["three", "one"]
    assert listed(api, VerificationStatus=0) == ["two", "four"]
    assert listed(api, Email="FOUR@example.com") == ["four"]
    assert listed(api, Email="unknown@example.com") == []
    june = 1_748_750_400_000
    assert listed(api, BeginCreateTime=june) == ["two", "three", "four"]
    assert listed(api, BeginCreateTime=june + 1) == ["two", "three"]
    assert listed(api, EndCreateTime=june) == ["four", "one"]
    assert listed(api, EndCreateTime=june - 1) == ["one"]


@pytest.mark.parametrize(
    ("page", "size", "rows", "pages", "previous", "following"),
    [
        (1, 3, ["two", "three", "four"], 2, False, True),
        (2, 3, ["one"], 2, True, False),
        (3, 3, [], 2, True, False),
        (1, 4, ["two", "three", "four", "one"], 1, False, False),
    ],
)
def test_list_is_paged(page: int, size: int, rows: list[str], pages: int, previous: bool, following: bool) -> None:
    api = make_api(scenario(LISTED))
    assert listed(api, PageNum=page, PageSize=size) == rows
    body = api.json("ListEmailVerification", PageNum=page, PageSize=size)
    assert (body["CurrentPageNum"], body["PageSize"], body["TotalItemNum"]) == (page, size, 4)
    assert (body["TotalPageNum"], body["PrePage"], body["NextPage"]) == (pages, previous, following)


def test_empty_list_has_no_pages(empty: Api) -> None:
    body = empty.json("ListEmailVerification")
    assert (body["TotalItemNum"], body["TotalPageNum"], body["CurrentPageNum"], body["PageSize"]) == (0, 0, 1, 500)


def test_list_contains_changed_records_of_the_scenario_and_no_deleted_ones() -> None:
    api = make_api(scenario(LISTED))
    api.lists("DeleteEmailVerification", "three@example.com")
    api.lists("ResendEmailVerification", "four@example.com")
    assert listed(api) == ["two", "four", "one"]


def test_email_verified_succeeds_for_verified_addresses_only(api: Api) -> None:
    assert set(api.json("EmailVerified", Email="abc@aliyun.com")) == {"RequestId"}
    for email in ("pending@sim.example.com", "unknown@example.com"):
        assert api.code("EmailVerified", Email=email) == "RegContactEmailNotVerified"


def test_unnamed_keys_have_accounts_of_their_own(empty: Api) -> None:
    users = set()
    for key in ("one", "two", None):
        empty.key = key
        assert empty.lists("SubmitEmailVerification", "jo@example.com") == {"SuccessList": ["jo@example.com"]}
        users.add(empty.json("QueryEmailVerification", Email="jo@example.com")["UserId"])
    assert len(users) == 3


def test_key_with_the_name_of_an_account_has_its_own_account(empty: Api) -> None:
    empty.key = "default"
    empty.lists("SubmitEmailVerification", "jo@example.com")
    empty.key = None
    assert empty.code("QueryEmailVerification", Email="jo@example.com") == "ParameterIllegal"


@pytest.mark.parametrize("email", ["not an address", "a@b.c;d@e.f", "a@@b.c"])
def test_pattern_does_not_match_malformed_addresses(email: str) -> None:
    api = make_api(scenario("addresses: {'*': verified}"))
    assert api.code("QueryEmailVerification", Email=email) == "ParameterIllegal"
    assert set(api.lists("DeleteEmailVerification", f"{email},junk")) == {"FailList"}
    assert api.json("ListEmailVerification")["TotalItemNum"] == 0


@pytest.mark.parametrize(
    ("pattern", "email", "matches"),
    [
        ("*", "a@b.cc", True),
        ("a*", "a@b.cc", True),
        ("*cc", "a@b.cc", True),
        ("a*@b.cc", "a@b.cc", True),
        ("*@*.cc", "a@b.cc", True),
        ("A*B.C*", "a@b.cc", True),
        ("*a@b.cc*", "a@b.cc", True),
        ("*aa*", "a@b.cc", False),
        ("a@b*b.cc", "a@b.cc", False),
        ("*c.cc*", "a@b.cc", False),
        ("*b*a*", "a@b.cc", False),
        ("*a" * 50 + "*", "a" * 40 + "@b.cc", False),
        ("*" * 50 + "z@b.cc", "a" * 200 + "@b.cc", False),
    ],
)
def test_star_matches_any_number_of_characters(pattern: str, email: str, matches: bool) -> None:
    body = make_api(scenario(f"addresses: {{'{pattern}': verified}}")).json("QueryEmailVerification", Email=email)
    assert ("VerificationStatus" in body) == matches


def test_unknown_keys_can_share_the_default_account() -> None:
    api = make_api(scenario("unknown_keys: default-account"), key="STS.changing")
    api.lists("SubmitEmailVerification", "jo@example.com")
    api.key = "STS.changed"
    assert api.lists("SubmitEmailVerification", "jo@example.com") == {"ExistList": ["jo@example.com"]}
