"""What each operation does to each kind of address, and the limits."""

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
    """Gives the list that an address ends in, or the code it is refused with."""
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
def test_an_outcome_decides_what_each_operation_answers(
    outcome: str, submitted: str, submitted_again: str, resent: str, queried: object, deleted: str
) -> None:
    email = f"{outcome}@x.example.com"

    def fresh() -> Api:
        return make_api(scenario(OUTCOMES))

    assert result(fresh(), "SubmitEmailVerification", email) == submitted
    assert result(fresh(), "SubmitEmailVerification", email, SendIfExist="true") == submitted_again
    assert result(fresh(), "ResendEmailVerification", email) == resent
    body = fresh().json("QueryEmailVerification", Email=email)
    assert body.get("VerificationStatus", body.get("Code")) == queried
    assert result(fresh(), "DeleteEmailVerification", email) == deleted
    listed = fresh().json("ListEmailVerification", Email=email)["TotalItemNum"]
    assert listed == (1 if isinstance(queried, int) else 0)


@pytest.mark.parametrize("outcome", ["quota-exceeded", "illegal"])
def test_no_new_day_and_no_delete_lifts_a_standing_refusal(outcomes: Api, outcome: str) -> None:
    email = f"{outcome}@x.example.com"
    before = result(outcomes, "SubmitEmailVerification", email)
    outcomes.lists("DeleteEmailVerification", email)
    outcomes.time.now += 10 * 86_400
    assert result(outcomes, "SubmitEmailVerification", email) == before


def test_an_exact_entry_beats_a_pattern_and_unknown_lifts_one(outcomes: Api) -> None:
    assert outcomes.json("QueryEmailVerification", Email="anybody@x.example.com")["VerificationStatus"] == 1
    assert outcomes.json("QueryEmailVerification", Email="pending@x.example.com")["VerificationStatus"] == 0
    assert outcomes.code("QueryEmailVerification", Email="unknown@x.example.com") == "ParameterIllegal"


def test_a_deleted_record_of_the_scenario_does_not_come_back(outcomes: Api) -> None:
    for email in ("verified@x.example.com", "anybody@x.example.com"):
        assert result(outcomes, "DeleteEmailVerification", email) == SUCCESS
        assert outcomes.code("QueryEmailVerification", Email=email) == "ParameterIllegal"
        assert result(outcomes, "SubmitEmailVerification", email) == SUCCESS
        assert outcomes.json("QueryEmailVerification", Email=email)["VerificationStatus"] == 0


@pytest.mark.parametrize(
    "email",
    ["plain", "a@b", "a@@example.com", "a@b@example.com", "@example.com", "a@", "a b@example.com", "a@exam\tple.com", "a@.",
     "a" * 243 + "@example.com", "a\u0000@example.com", "a@[.c", "a@(b.c", "a@b:c.d"],
)  # fmt: skip
def test_a_malformed_address_is_illegal_and_stops_no_other(empty: Api, email: str) -> None:
    assert empty.lists("SubmitEmailVerification", f"{email},ok@example.com") == {
        "SuccessList": ["ok@example.com"],
        "FailList": [f"{email} {ILLEGALL}"],
    }


@pytest.mark.parametrize("email", ["a" * 242 + "@example.com", "o'brien+tag@example.com", "李雷@例子.中国", '"q"@x.com', "*@x.com"])
def test_a_well_formed_address_of_any_script_is_taken(empty: Api, email: str) -> None:
    assert empty.lists("SubmitEmailVerification", email) == {"SuccessList": [email]}


def test_the_same_address_in_one_batch_is_handled_once_as_first_written(empty: Api) -> None:
    lists = empty.lists("SubmitEmailVerification", " Jo@example.com , al@example.com,JO@EXAMPLE.COM,, al@example.com")
    assert lists == {"SuccessList": ["Jo@example.com", "al@example.com"]}
    assert len(empty.store.outbox.entries()) == 2


def test_addresses_compare_without_regard_to_case_and_keep_their_spelling(empty: Api) -> None:
    empty.lists("SubmitEmailVerification", "Jo@Example.com")
    assert empty.lists("SubmitEmailVerification", "jo@example.COM") == {"ExistList": ["jo@example.COM"]}
    assert empty.json("QueryEmailVerification", Email="JO@example.com")["Email"] == "Jo@Example.com"


def test_a_new_record_waits_and_has_what_the_call_said(empty: Api) -> None:
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


def test_without_user_client_ip_the_peer_is_the_sender(empty: Api) -> None:
    empty.lists("SubmitEmailVerification", "jo@example.com")
    assert empty.json("QueryEmailVerification", Email="jo@example.com")["SendIp"] == "192.0.2.1"


def test_a_resend_moves_two_times_and_keeps_the_rest(empty: Api) -> None:
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


def test_a_token_verifies_once(empty: Api) -> None:
    empty.lists("SubmitEmailVerification", "jo@example.com")
    (token,) = tokens(empty)
    empty.time.now += 60
    assert verify(empty, token, UserClientIp="198.51.100.8") == "verified"
    body = empty.json("QueryEmailVerification", Email="jo@example.com")
    assert body["VerificationStatus"] == 1
    assert body["ConfirmIp"] == "198.51.100.8"
    assert body["VerificationTime"] == body["GmtModified"] == "2026-01-01 08:01:00"
    assert verify(empty, token) == "ParameterIllegal"


def test_a_new_mail_makes_the_token_before_void(empty: Api) -> None:
    empty.lists("SubmitEmailVerification", "jo@example.com")
    empty.lists("SubmitEmailVerification", "jo@example.com", SendIfExist="True")
    old, new = tokens(empty)
    assert verify(empty, old) == "ParameterIllegal"
    assert verify(empty, new) == "verified"


def test_a_deleted_address_takes_its_token_along(empty: Api) -> None:
    empty.lists("SubmitEmailVerification", "jo@example.com")
    empty.lists("DeleteEmailVerification", "jo@example.com")
    empty.lists("SubmitEmailVerification", "jo@example.com")
    old, new = tokens(empty)
    assert verify(empty, old) == "ParameterIllegal"
    assert verify(empty, new) == "verified"


@pytest.mark.parametrize(("seconds", "expected"), [(3 * 86_400 - 1, "verified"), (3 * 86_400, "ParameterIllegal")])
def test_a_link_is_valid_for_three_days_of_the_accounts_clock(empty: Api, seconds: int, expected: str) -> None:
    empty.lists("SubmitEmailVerification", "jo@example.com")
    empty.store.account(None).clock.offset += seconds
    assert verify(empty, tokens(empty)[0]) == expected


@pytest.mark.parametrize(
    "token", ["x", "0" * 32, "zz" * 16, "0b32247496409441e9e179ea7c2e0****", "f" * 5_000, "\uff11" * 32, "+0" * 16]
)
def test_a_made_up_token_is_illegal(empty: Api, token: str) -> None:
    empty.lists("SubmitEmailVerification", "jo@example.com")
    assert verify(empty, token) == "ParameterIllegal"


def test_a_token_verifies_only_in_the_account_it_was_made_for(empty: Api) -> None:
    empty.lists("SubmitEmailVerification", "jo@example.com")
    (token,) = tokens(empty)
    empty.key = "another"
    reply = empty.call("VerifyEmail", Token=token)
    assert dict(reply.headers)["X-Alimock-Decided-By"] == "rule unknown-token (account default has it)"
    assert reply.status == 400


def test_a_refusal_says_when_another_account_has_the_address(empty: Api) -> None:
    empty.lists("SubmitEmailVerification", "jo@example.com")
    empty.key = "another"
    decided_by = dict(empty.call("QueryEmailVerification", Email="jo@example.com").headers)["X-Alimock-Decided-By"]
    assert decided_by == "rule unknown-address (account default has it, key:another does not)"


def test_a_token_of_the_scenario_verifies_its_address() -> None:
    api = make_api(scenario("addresses: {jo@example.com: {status: pending, token: my-token}}"))
    assert verify(api, "my-token") == "verified"
    assert api.json("QueryEmailVerification", Email="jo@example.com")["VerificationStatus"] == 1
    assert verify(api, "my-token") == "ParameterIllegal"


def test_an_address_gets_ten_mails_a_day_and_more_on_the_next(empty: Api) -> None:
    empty.lists("SubmitEmailVerification", "jo@example.com")
    for _ in range(9):
        assert result(empty, "ResendEmailVerification", "jo@example.com") == SUCCESS
    assert result(empty, "ResendEmailVerification", "jo@example.com") == QUOTA
    assert result(empty, "SubmitEmailVerification", "jo@example.com", SendIfExist="true") == QUOTA
    assert result(empty, "SubmitEmailVerification", "jo@example.com") == EXIST
    empty.lists("DeleteEmailVerification", "jo@example.com")
    assert result(empty, "SubmitEmailVerification", "jo@example.com") == QUOTA
    # The day turns at midnight in UTC+8, which is sixteen hours after 08:00.
    empty.time.now += 16 * 3_600 - 1
    assert result(empty, "SubmitEmailVerification", "jo@example.com") == QUOTA
    empty.time.now += 1
    assert result(empty, "SubmitEmailVerification", "jo@example.com") == SUCCESS


def test_an_account_takes_so_many_new_addresses_a_day() -> None:
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


def test_null_is_no_limit_and_zero_is_none_at_all() -> None:
    unlimited = make_api(scenario("limits: {sends_per_address_per_day: null, addresses_per_day: null, link_valid_days: null}"))
    unlimited.lists("SubmitEmailVerification", ",".join(f"a{number}@example.com" for number in range(501)))
    for _ in range(11):
        assert result(unlimited, "ResendEmailVerification", "a1@example.com") == SUCCESS
    unlimited.time.now += 1_000 * 86_400
    assert verify(unlimited, tokens(unlimited)[0]) == "verified"
    assert result(make_api(scenario("limits: {addresses_per_day: 0}")), "SubmitEmailVerification", "a@example.com") == QUOTA
    assert result(make_api(scenario("limits: {sends_per_address_per_day: 0}")), "SubmitEmailVerification", "a@example.com") == QUOTA


def test_sends_of_the_scenario_count_on_the_first_day() -> None:
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


def test_a_list_is_newest_first_and_in_file_order_within_a_second() -> None:
    api = make_api(scenario(LISTED))
    api.lists("SubmitEmailVerification", "five@example.com,six@example.com")
    assert listed(api) == ["six", "five", "two", "three", "four", "one"]


def test_a_list_is_filtered_by_address_status_and_inclusive_bounds() -> None:
    api = make_api(scenario(LISTED))
    assert listed(api, VerificationStatus=1) == ["three", "one"]
    assert listed(api, VerificationStatus=0) == ["two", "four"]
    assert listed(api, Email="FOUR@example.com") == ["four"]
    assert listed(api, Email="nobody@example.com") == []
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
def test_a_list_has_pages(page: int, size: int, rows: list[str], pages: int, previous: bool, following: bool) -> None:
    api = make_api(scenario(LISTED))
    assert listed(api, PageNum=page, PageSize=size) == rows
    body = api.json("ListEmailVerification", PageNum=page, PageSize=size)
    assert (body["CurrentPageNum"], body["PageSize"], body["TotalItemNum"]) == (page, size, 4)
    assert (body["TotalPageNum"], body["PrePage"], body["NextPage"]) == (pages, previous, following)


def test_a_list_without_items_has_no_page(empty: Api) -> None:
    body = empty.json("ListEmailVerification")
    assert (body["TotalItemNum"], body["TotalPageNum"], body["CurrentPageNum"], body["PageSize"]) == (0, 0, 1, 500)


def test_a_deleted_or_changed_record_of_the_scenario_is_listed_as_it_is_now() -> None:
    api = make_api(scenario(LISTED))
    api.lists("DeleteEmailVerification", "three@example.com")
    api.lists("ResendEmailVerification", "four@example.com")
    assert listed(api) == ["two", "four", "one"]


def test_email_verified_succeeds_for_verified_addresses_only(api: Api) -> None:
    assert set(api.json("EmailVerified", Email="abc@aliyun.com")) == {"RequestId"}
    for email in ("pending@sim.example.com", "nobody@example.com"):
        assert api.code("EmailVerified", Email=email) == "RegContactEmailNotVerified"


def test_keys_that_no_scenario_names_cannot_see_each_other(empty: Api) -> None:
    users = set()
    for key in ("one", "two", None):
        empty.key = key
        assert empty.lists("SubmitEmailVerification", "jo@example.com") == {"SuccessList": ["jo@example.com"]}
        users.add(empty.json("QueryEmailVerification", Email="jo@example.com")["UserId"])
    assert len(users) == 3


def test_a_key_named_like_an_account_is_not_that_account(empty: Api) -> None:
    empty.key = "default"
    empty.lists("SubmitEmailVerification", "jo@example.com")
    empty.key = None
    assert empty.code("QueryEmailVerification", Email="jo@example.com") == "ParameterIllegal"


@pytest.mark.parametrize("email", ["not an address", "a@b.c;d@e.f", "a@@b.c"])
def test_a_pattern_matches_no_malformed_address(email: str) -> None:
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
def test_a_star_stands_for_any_run_of_characters(pattern: str, email: str, matches: bool) -> None:
    body = make_api(scenario(f"addresses: {{'{pattern}': verified}}")).json("QueryEmailVerification", Email=email)
    assert ("VerificationStatus" in body) == matches


def test_unknown_keys_can_be_sent_to_the_default_account() -> None:
    api = make_api(scenario("unknown_keys: default-account"), key="STS.changing")
    api.lists("SubmitEmailVerification", "jo@example.com")
    api.key = "STS.changed"
    assert api.lists("SubmitEmailVerification", "jo@example.com") == {"ExistList": ["jo@example.com"]}
