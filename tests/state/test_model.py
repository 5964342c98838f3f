"""Random sequences of calls and changes, compared step by step with the model in `model.py`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from alimock.api.service import Service
from alimock.app import flask_app
from alimock.backend import Backend
from alimock.scenario.model import Scenario
from alimock.state.store import Store as Emulated
from conftest import Api, Time, scenario
from hypothesis import HealthCheck, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from model import DAY, ILLEGAL, LINK_SECONDS, QUOTA, VERIFIED, WAITING, Entry, Model, Record, Refused, Start
from werkzeug.test import Client

HEADERS = {"Host": "localhost"}
PEER, READER = "192.0.2.1", "192.0.2.99"
ZONE = timezone(timedelta(hours=8))


def moment(text: str) -> int:
    """Parse a time in UTC+8."""
    return int(datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=ZONE).timestamp())


def written(time: int) -> str:
    """Format a time in UTC+8."""
    return datetime.fromtimestamp(time, ZONE).strftime("%Y-%m-%d %H:%M:%S")


# The keys of the account `default` and of two accounts that no scenario names.
KEYS = ("main", "one", "two")
_VERIFIED = Entry("verified", status=VERIFIED)
_PENDING = Entry("pending", status=WAITING)
_EXPIRED = Entry("expired", status=WAITING, age=4 * DAY)
_REFUSED = Entry("quota-exceeded", status=WAITING, send=((QUOTA, None),))
_ILLEGAL = Entry("illegal", send=((ILLEGAL, None),))
_UNKNOWN = Entry("unknown")
_TWICE = Entry("{outcome: quota-exceeded, times: 2, then: success}", status=WAITING, send=((QUOTA, 2), (None, None)))
_ONCE = Entry("{status: pending, times: 1, then: illegal}", status=WAITING, send=((None, 1), (ILLEGAL, None)))
_MOODY = Entry(
    "{status: pending, answers: {resend: {answer: quota-exceeded, times: 1, then: success}}}",
    status=WAITING,
    resend=((QUOTA, 1), (None, None)),
)
_FULL = Entry(
    "{status: verified, gmt_create: 2025-12-01 10:00:00, verification_time: 2025-12-02 11:00:00, send_ip: 42.*.*.115, "
    "confirm_ip: 42.*.*.31, user_id: '0000', email_verification_no: number-of-flo}",
    status=VERIFIED,
    created=moment("2025-12-01 10:00:00"),
    verified=moment("2025-12-02 11:00:00"),
    send_ip="42.*.*.115",
    confirm_ip="42.*.*.31",
    user_id="0000",
    number="number-of-flo",
)
# Created and sent at different times, and created in the same second as the previous one.
_RESENT = Entry(
    "{status: pending, gmt_create: 2025-12-01 10:00:00, token_send_time: 2025-12-30 09:00:00, token: resent-token}",
    status=WAITING,
    created=moment("2025-12-01 10:00:00"),
    sent=moment("2025-12-30 09:00:00"),
    token="resent-token",
)
# The first in the file is not the newest.
ENTRIES: Mapping[str, Entry] = {
    "ed@example.com": _EXPIRED,
    "ann@example.com": _VERIFIED,
    "bo@example.com": Entry(
        "{status: pending, token: open-sesame, sends_today: 1}", status=WAITING, token="open-sesame", sends_today=1
    ),
    "cy@example.com": _REFUSED,
    "di@example.com": _ILLEGAL,
    "flo@example.com": _FULL,
    "gus@example.com": _TWICE,
    "hal@example.com": Entry("{outcome: quota-exceeded, status: none}", send=((QUOTA, None),)),
    "ida@example.com": _MOODY,
    "jan@example.com": _RESENT,
    "kim@example.com": Entry("{status: pending, new_today: true}", status=WAITING, new_today=True),
    "known@late.example.com": _UNKNOWN,
}
PATTERNS: Mapping[str, Entry] = {
    "*@late.example.com": _EXPIRED,
    "*@busy.example.com": Entry(
        "{outcome: quota-exceeded, times: 1, then: success, sends_today: 1}",
        status=WAITING,
        send=((QUOTA, 1), (None, None)),
        sends_today=1,
    ),
    "a*@*.example.com": _VERIFIED,
}
SMALL: Mapping[str, Entry] = {"bo@example.com": _VERIFIED, "new1@example.com": _PENDING, "ann@example.com": _PENDING}
LIMITS = ((2, 2), (1, 3), (3, None), (None, 1), (10, 500), (0, 0))
EMAILS = (
    *ENTRIES,
    *("new1@example.com", "new2@example.com", "New2@Example.com", "new3@example.com", "BO@example.com"),
    *("x@late.example.com", "a@late.example.com", "Y@busy.example.com", "y@busy.example.com", "ab@other.example.com"),
    *("not-an-address", "two@signs@example.com", "no@dot"),
)
PUT_ENTRIES = {
    entry.written: entry for entry in (_VERIFIED, _PENDING, _EXPIRED, _REFUSED, _ILLEGAL, _UNKNOWN, _TWICE, _ONCE, _FULL)
}
PUT_ADDRESSES = (*EMAILS[:-3], *PATTERNS, "new*@example.com", "*b@*.example.com", "x*@*.example.com")

# Some are drawn more often, so that several changes meet at one address.
keys = st.just("main") | st.sampled_from(KEYS)
others = st.sampled_from(KEYS[1:])
keys_or_all = st.sampled_from(("main", None)) | st.sampled_from(KEYS)
often = st.sampled_from(("new1@example.com", "gus@example.com", "bo@example.com", "x@late.example.com"))
emails = often | st.sampled_from(EMAILS)
tokens = st.integers(0, 3) | st.integers(0, 99)
batches = st.lists(emails, min_size=1, max_size=4).map(",".join) | emails | st.sampled_from(["new1@example.com,,new2@example.com,"])
ips = st.sampled_from([None, "203.0.113.7"])
langs = st.sampled_from([None, "en", "zh", "fr"])
SPANS = ("1s", "59m", "1d", "2d23h59m59s", "3d", "1d12h")


def seconds_of(span: str) -> int:
    """Return the seconds of a duration."""
    units = {"d": DAY, "h": 3_600, "m": 60, "s": 1}
    total, digits = 0, ""
    for letter in span:
        if letter in units:
            total, digits = total + int(digits) * units[letter], ""
        else:
            digits += letter
    return total


def text_of(start: Start) -> str:
    """Return the YAML of a scenario."""
    limits = (
        f"{{sends_per_address_per_day: {json.dumps(start.sends_a_day)}, addresses_per_day: {json.dumps(start.addresses_a_day)}}}"
    )
    entries = "".join(f'\n  "{name}": {entry.written}' for name, entry in {**start.entries, **start.patterns}.items())
    return f"limits: {limits}\naddresses:{entries}\n"


class Machine(RuleBasedStateMachine):
    """Applies each step to the emulator and to the model, and compares what both return and show."""

    @initialize(limits=st.sampled_from(LIMITS))
    def begin(self, limits: tuple[int | None, int | None]) -> None:
        """Start both from one scenario."""
        start = Start(ENTRIES, PATTERNS, *limits)
        self.time = Time()
        loaded = scenario("accounts: {default: {access_keys: [{id: main, secret: s}]}}\n" + text_of(start))
        self.use(self.start(loaded))
        self.model = Model(start, lambda: int(self.time.now))
        self.tokens = ["open-sesame", "resent-token", "made-up", "0b32247496409441e9e179ea7c2e0000"]
        self.cursor = 0
        self.user_ids: dict[str, str] = {}
        # The scenario names it, so that views show it before its first use.
        self.model.account("main")

    def start(self, loaded: Scenario) -> Api:
        """Return the emulator."""
        return Api(Service(Emulated(loaded, real_time=self.time)), self.time)

    def use(self, api: Api) -> None:
        """Let the next step be that of an emulator."""
        self.api, self.client = api, Client(flask_app(Backend(api.service)))

    # Operations.

    @rule(key=keys, batch=batches, send_if_exist=st.sampled_from([None, "true", "false", "True"]), ip=ips, lang=langs)
    def submit(self, key: str, batch: str, send_if_exist: str | None, ip: str | None, lang: str | None) -> None:
        """Submit a batch."""
        body = self.call(key, "SubmitEmailVerification", Email=batch, SendIfExist=send_if_exist, UserClientIp=ip, Lang=lang)
        resent = send_if_exist is not None and send_if_exist.lower() == "true"
        account = self.model.account(key)
        assert lists(body) == account.submit(batch, send_if_exist=resent, ip=ip or PEER, lang=language(lang))

    @rule(key=keys, batch=batches, lang=langs)
    def resend(self, key: str, batch: str, lang: str | None) -> None:
        """Resend a batch."""
        body = self.call(key, "ResendEmailVerification", Email=batch, Lang=lang)
        assert lists(body) == self.model.account(key).resend(batch, lang=language(lang))

    @rule(key=keys, batch=batches)
    def delete(self, key: str, batch: str) -> None:
        """Delete a batch."""
        body = self.call(key, "DeleteEmailVerification", Email=batch)
        assert lists(body) == self.model.account(key).delete(batch)

    @rule(key=keys, number=tokens, ip=ips)
    def verify(self, key: str, number: int, ip: str | None) -> None:
        """Verify a token: one that any account sent at any time, one of the scenario, or an invented one."""
        token = self.token(number)
        body = self.call(key, "VerifyEmail", Token=token, UserClientIp=ip)
        assert body.get("Code") == refusal(lambda: self.model.account(key).verify(token, ip or PEER))

    @rule(number=tokens)
    def follow_link(self, number: int) -> None:
        """Follow a link: in the account that sent it, else in the one whose scenario has the token."""
        token = self.token(number)
        owners = [account for account in self.model.accounts.values() if account.knows(token)]
        if self.model.account("main").knows(token):
            owners = [self.model.account("main")]
        if len(owners) > 1:
            # Undefined if the token is in the scenarios of several accounts.
            return
        response = self.client.get("/verify", query_string={"token": token}, environ_base={"REMOTE_ADDR": READER})
        refused = refusal(lambda: owners[0].verify(token, READER)) if owners else "ParameterIllegal"
        assert (response.status_code == 200) == (refused is None), response.text

    @rule(key=keys, email=emails)
    def query(self, key: str, email: str) -> None:
        """Query one record."""
        self.compare_query(key, email, self.call(key, "QueryEmailVerification", Email=email))

    @rule(key=keys)
    def query_without_email(self, key: str) -> None:
        """Query the first record, as the pages of 2020 allow."""
        self.compare_query(key, None, self.call(key, "QueryEmailVerification", "docs-2021"))

    @rule(key=keys, email=emails)
    def email_verified(self, key: str, email: str) -> None:
        """Check whether an address is verified."""
        body = self.call(key, "EmailVerified", Email=email)
        assert body.get("Code") == refusal(lambda: self.model.account(key).email_verified(email))

    @rule(
        key=keys,
        email=st.none() | emails,
        status=st.sampled_from([None, WAITING, VERIFIED]),
        begin=st.none() | st.integers(0, 99),
        end=st.none() | st.integers(0, 99),
        milliseconds=st.integers(-1, 1),
        page_num=st.sampled_from([None, 1, 2, 3, 9]),
        page_size=st.sampled_from([None, 1, 2, 5]),
    )
    def list_records(
        self,
        key: str,
        email: str | None,
        status: int | None,
        begin: int | None,
        end: int | None,
        milliseconds: int,
        page_num: int | None,
        page_size: int | None,
    ) -> None:
        """List records; the bounds are near the times at which some were created."""
        account = self.model.account(key)
        times = sorted({record.created for record in account.records.values()}) or [account.started]
        first = times[begin % len(times)] * 1000 + milliseconds if begin is not None else None
        last = times[end % len(times)] * 1000 + milliseconds if end is not None else None
        self.compare_list(
            key,
            account.listed(email, status, first, last),
            page_num,
            page_size,
            Email=email,
            VerificationStatus=status,
            BeginCreateTime=first,
            EndCreateTime=last,
        )

    # Time.

    @rule(seconds=st.sampled_from([1, 60, 3_600, 16 * 3_600 - 1, DAY]))
    def real_time_passes(self, seconds: int) -> None:
        """Advance the real time."""
        self.time.now += seconds

    @rule(key=keys_or_all, span=st.just("3d") | st.sampled_from(SPANS))
    def advance(self, key: str | None, span: str) -> None:
        """Advance clocks."""
        self.control("POST", "clock/advance", key, {"by": span})
        self.model.change_clock(lambda clock: clock.set(clock.now() + seconds_of(span), clock.frozen is not None), key)

    @rule(key=keys_or_all, seconds=st.sampled_from([-60, -DAY, -4 * DAY, 0, 7 * DAY]), frozen=st.sampled_from([None, True, False]))
    def set_clock(self, key: str | None, seconds: int, frozen: bool | None) -> None:
        """Set clocks, also back, frozen or running."""
        own = self.model.accounts[key].clock if key in self.model.accounts else self.model.clock
        now = own.now() + seconds
        self.control("PUT", "clock", key, {"now": written(now)} | ({} if frozen is None else {"frozen": frozen}))
        self.model.change_clock(lambda clock: clock.set(now, clock.frozen is not None if frozen is None else frozen), key)

    @rule(key=keys, number=tokens, seconds=st.integers(-1, 1))
    def wait_until_a_link_expires(self, key: str, number: int, seconds: int) -> None:
        """Set a clock to the second in which a token expires, or to the one before or after, and verify it."""
        record = self.model.account(key).record_with(self.token(number))
        if record is not None:
            now = record.sent + LINK_SECONDS + seconds
            self.control("PUT", "clock", key, {"now": written(now), "frozen": True})
            self.model.change_clock(lambda clock: clock.set(now, True), key)
            self.verify(key, number, None)

    @rule(key=keys_or_all, frozen=st.booleans())
    def freeze(self, key: str | None, frozen: bool) -> None:
        """Freeze clocks or let them run."""
        self.control("PUT", "clock", key, {"frozen": frozen})
        self.model.change_clock(lambda clock: clock.set(clock.now(), frozen), key)

    # Changes.

    @rule(key=keys_or_all, address=often | st.sampled_from(PUT_ADDRESSES), entry=st.sampled_from(list(PUT_ENTRIES)))
    def put_address(self, key: str | None, address: str, entry: str) -> None:
        """Put an entry."""
        self.control("PUT", f"addresses/{address}", key, entry)
        self.model.put(address, PUT_ENTRIES[entry], key)

    @rule(key=keys_or_all, address=often | st.sampled_from((*EMAILS, *PUT_ADDRESSES[-6:])))
    def delete_address(self, key: str | None, address: str) -> None:
        """Delete an entry or a record."""
        known = self.model.forget_entry(address, key)
        self.control("DELETE", f"addresses/{address}", key, status=200 if known else 404)

    @rule(key=keys_or_all | others, unload=st.booleans())
    def reset(self, key: str | None, unload: bool) -> None:
        """Reset."""
        self.control("POST", f"reset?unload={json.dumps(unload)}", key)
        self.model.reset(key, unload=unload)

    @rule(key=others, limits=st.sampled_from(LIMITS))
    def load_small(self, key: str, limits: tuple[int | None, int | None]) -> None:
        """Load another scenario for one account."""
        start = Start(SMALL, {}, *limits)
        self.control("PUT", "scenario", key, "alimock: 1\n" + text_of(start))
        self.model.account(key)
        self.model.load(start, key)

    @rule(key=keys)
    def save_and_load(self, key: str) -> None:
        """Save an account and load it back, which changes nothing that the API shows."""
        if key not in self.model.accounts:
            self.control("GET", "scenario?state=current", key, status=404)
            return
        looks = ("ListEmailVerification", "QueryEmailVerification")
        before = [self.call(key, look, "docs-2021") for look in looks]
        saved = self.control("GET", "scenario?state=current&secrets=true", key)
        self.control("PUT", "scenario", key, saved)
        after = [self.call(key, look, "docs-2021") for look in looks]
        assert [without_ids(body) for body in after] == [without_ids(body) for body in before]
        start = self.model.account(key).saved()
        self.model.load(start, key)
        self.model.account(key).calls = len(looks)

    # Compared after each step.

    @invariant()
    def mails_are_those_of_the_model(self) -> None:
        """Read the expected mails, which contain the tokens; `look` finds unexpected ones."""
        expected = {key: [mail for mail in account.mails if not mail.token] for key, account in self.model.accounts.items()}
        if not any(expected.values()):
            return
        answer = self.control("GET", f"outbox?limit=5000&after={self.cursor}")
        self.cursor = answer["cursor"]
        for shown in answer["messages"]:
            mail = expected[shown["access_key_id"] or "main"].pop(0)
            assert (shown["to"], shown["action"], shown["lang"], shown["created"]) == (
                mail.to, mail.action, mail.lang, written(mail.created))  # fmt: skip
            assert shown["token"] not in self.tokens
            mail.token = mail.record.token = shown["token"]
            self.tokens.append(mail.token)
        assert not any(expected.values())

    @invariant()
    def records_are_those_of_the_model(self) -> None:
        """List every account that was used."""
        for key, account in self.model.accounts.items():
            self.compare_list(key, account.listed(None, None, None, None), None, None)

    @rule(key=keys)
    def look(self, key: str) -> None:
        """Read everything that the control API shows, which changes nothing."""
        account = self.model.accounts.get(key)
        clock = account.clock if account is not None else self.model.clock
        assert self.control("GET", "clock", key) == {"now": written(clock.now()), "frozen": clock.frozen is not None}
        mails = self.control("GET", "outbox?limit=5000", key)["messages"]
        calls = self.control("GET", "calls/count", key)["count"]
        addresses = self.control("GET", "addresses?limit=5000", key)["addresses"]
        if account is None:
            assert (mails, calls, addresses) == ([], 0, [])
            return
        assert [(one["token"], one["token_state"]) for one in mails] == [
            (mail.token, account.mail_state(mail)) for mail in reversed(account.mails)
        ]
        assert calls == account.calls
        assert [(one["email"], one["status"], one["sends_today"]) for one in addresses if one["status"] is not None] == [
            (record.email, "verified" if record.status == VERIFIED else "pending", account.sent_today(record.email))
            for record in account.listed(None, None, None, None)
        ]

    def teardown(self) -> None:
        """Check that there was no internal error."""
        assert not hasattr(self, "api") or not self.api.service.failures

    # Helpers.

    def call(self, key: str, action: str, profile: str | None = None, /, **parameters: object) -> dict[str, Any]:
        """Make a call, without a key for the account `default`."""
        self.model.account(key).calls += 1
        self.api.key, self.api.profile = (None if key == "main" else key), profile
        given = {name: value for name, value in parameters.items() if value is not None}
        body = self.api.json(action, **given)
        if action != "ListEmailVerification":
            note(f"-> {body}")
        return body

    def control(
        self, method: str, path: str, key: str | None = None, content: object = None, *, status: int = 200
    ) -> dict[str, Any]:
        """Send a request to the control API for one account or for all."""
        path, _, arguments = path.partition("?")
        query = "&".join(filter(None, [arguments, f"access_key_id={key}" if key is not None else ""]))
        body = content if isinstance(content, str) else json.dumps(content) if content is not None else None
        kind = "application/x-yaml" if isinstance(content, str) else "application/json"
        response = self.client.open(
            f"/_alimock/{path}", method=method, query_string=query, data=body, content_type=kind, headers=HEADERS
        )
        assert response.status_code == status, response.text
        answer: dict[str, Any] = json.loads(response.data)
        return answer

    def token(self, number: int) -> str:
        """Return one of all tokens that were seen."""
        return self.tokens[-1 - number % len(self.tokens)]

    def compare_query(self, key: str, email: str | None, body: dict[str, Any]) -> None:
        """Compare the response to a query."""
        try:
            record = self.model.account(key).query(email)
        except Refused as refused:
            assert body["Code"] == str(refused)
        else:
            body.pop("RequestId")
            assert body == self.shown(key, record, body)

    def compare_list(
        self, key: str, expected: list[Record], page_num: int | None, page_size: int | None, **filters: object
    ) -> None:
        """Compare one page of a list."""
        body = self.call(key, "ListEmailVerification", PageNum=page_num, PageSize=page_size, **filters)
        number, size = page_num or 1, page_size or 500
        pages = (len(expected) + size - 1) // size
        page = expected[(number - 1) * size : number * size]
        assert [row["Email"] for row in body["Data"]] == [record.email for record in page]
        assert body["Data"] == [self.shown(key, record, row) for record, row in zip(page, body["Data"], strict=True)]
        assert body == {
            "RequestId": body["RequestId"],
            "Data": body["Data"],
            "TotalItemNum": len(expected),
            "TotalPageNum": pages,
            "CurrentPageNum": number,
            "PageSize": size,
            "PrePage": number > 1,
            "NextPage": number < pages,
        }

    def shown(self, key: str, record: Record, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return the row that shows a record; values that the emulator chooses are taken from the row when first seen."""
        if record.number is None:
            record.number = row["EmailVerificationNo"]
            assert len(record.number) == 32 and set(record.number) <= set("0123456789abcdef")
        if record.user_id is None:
            record.user_id = self.user_ids.setdefault(key, row["UserId"])
        fields = {
            "Email": record.email,
            "EmailVerificationNo": record.number,
            "UserId": record.user_id,
            "VerificationStatus": record.status,
            "GmtCreate": written(record.created),
            "GmtModified": written(record.modified),
            "TokenSendTime": written(record.sent),
            "SendIp": record.send_ip,
        }
        if record.verified is not None:
            fields |= {"VerificationTime": written(record.verified), "ConfirmIp": record.confirm_ip}
        return fields


def lists(body: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the addresses of each list of a batch response that is not empty, those of FailList with their codes."""
    if "Code" in body:
        return {"Code": [body["Code"]]}
    rows = {name: value for name, value in body.items() if isinstance(value, list) and value}
    return {
        name: [f"{row['Email']} {row['Code']}" if name == "FailList" else row["Email"] for row in value]
        for name, value in rows.items()
    }


def without_ids(body: Mapping[str, Any]) -> dict[str, Any]:
    """Remove the fields that differ in every response."""
    return {name: value for name, value in body.items() if name not in ("RequestId", "Recommend")}


def refusal(operation: Callable[[], None]) -> str | None:
    """Return the code with which the model refuses an operation, or None."""
    try:
        operation()
    except Refused as refused:
        return str(refused)
    return None


def language(lang: str | None) -> str:
    """Return the language of a mail."""
    return "zh" if lang == "zh" else "en"


# A short deterministic run; `make fuzz` continues at random.
SHORT = settings(
    max_examples=30,
    stateful_step_count=100,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.slow
def test_emulator_behaves_like_the_model() -> None:
    run_state_machine_as_test(Machine, settings=SHORT)
