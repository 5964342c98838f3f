"""The control API, its access control, and the page behind a mail's link, through the WSGI application."""

from __future__ import annotations

import email.policy
import json
from collections.abc import Iterator
from email.message import EmailMessage
from email.parser import BytesParser

import pytest
from alimock.app import flask_app
from alimock.backend import Backend
from alimock.mail import links
from alimock.security import HostPolicy
from alimock.state.limits import StateLimits
from conftest import Api, make_api, scenario, signed
from werkzeug.test import Client, TestResponse, create_environ, run_wsgi_app

LOCAL = {"Host": "127.0.0.1:2546"}


@pytest.fixture
def client(empty: Api) -> Iterator[Client]:
    yield Client(flask_app(Backend(empty.service)))


def get(client: Client, path: str, **options: object) -> dict[str, object]:
    response = client.get(path, **{"headers": LOCAL, **options})  # type: ignore[arg-type]
    body: dict[str, object] = json.loads(response.data)
    return body


def submit(client: Client, email: str, **parameters: str) -> None:
    query = {"Action": "SubmitEmailVerification", "Version": "2018-01-29", "Email": email, **parameters}
    assert client.get("/", query_string=query).status_code == 200


def messages(client: Client, query: str = "") -> list[dict[str, object]]:
    found = get(client, f"/_alimock/outbox{query}")["messages"]
    assert isinstance(found, list)
    return found


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_health_checks_need_no_known_host(client: Client, path: str) -> None:
    assert client.get(path, headers={"Host": "any.example.com"}).status_code == 200


def test_message_has_recipient_token_and_link(client: Client) -> None:
    submit(client, "jo@example.com", AccessKeyId="one")
    (message,) = messages(client)
    token = message["token"]
    assert {name: value for name, value in message.items() if name not in ("id", "request_id", "token")} == {
        "sequence": 1,
        "to": "jo@example.com",
        "subject": "Please verify your email address",
        "lang": "en",
        "action": "SubmitEmailVerification",
        "access_key_id": "one",
        "token_state": "open",
        "link": f"http://127.0.0.1:2546/verify?token={token}",
        "link_expires": "2026-01-04 08:00:00",
        "created": "2026-01-01 08:00:00",
        "received": "2026-01-01T00:00:00.000Z",
        "read": False,
    }
    shown = get(client, f"/_alimock/outbox/{message['id']}")
    assert str(message["link"]) in str(shown["text"])
    assert f'href="{message["link"]}"' in str(shown["html"])
    assert {name: shown[name] for name in message} == message


@pytest.mark.parametrize(
    ("text", "expires"),
    [
        ("limits: {link_valid_days: 1}", "2026-01-02 08:00:00"),
        ("limits: {link_valid_days: null}", None),
        ("clock: 9989-12-30 00:00:00", None),
    ],
)
def test_message_says_when_its_link_expires(text: str, expires: str | None) -> None:
    client = Client(flask_app(Backend(make_api(scenario(text)).service)))
    submit(client, "jo@example.com")
    assert messages(client)[0]["link_expires"] == expires


def test_message_is_marked_as_read_and_unread(client: Client) -> None:
    submit(client, "jo@example.com")
    (message,) = messages(client)
    path = f"/_alimock/outbox/{message['id']}"
    for read in (True, False):
        assert client.put(path, headers=LOCAL, json={"read": read}).json == {**message, "read": read}
        assert (messages(client)[0]["read"], get(client, path)["read"]) == (read, read)
        assert get(client, "/api/v1/messages")["messages"][0]["Read"] == read  # type: ignore[index]
    assert client.put(path, headers=LOCAL, json={"read": 1}).json["message"] == "`read`: found 1"  # type: ignore[index]


def test_link_of_one_message_expires_and_no_other(client: Client) -> None:
    submit(client, "jo@example.com")
    submit(client, "ann@example.com")
    ann, jo = messages(client)
    path = f"/_alimock/outbox/{jo['id']}/expire"
    assert client.post(path, headers=LOCAL).json == {**jo, "token_state": "expired"}
    assert [one["token_state"] for one in messages(client)] == ["open", "expired"]
    assert client.get(f"/verify?token={jo['token']}", headers=LOCAL).status_code == 410
    assert client.get(f"/verify?token={ann['token']}", headers=LOCAL).status_code == 200
    for message, state in ((jo, "expired"), (ann, "used")):
        refused = client.post(f"/_alimock/outbox/{message['id']}/expire", headers=LOCAL)
        assert refused.status_code == 409
        assert refused.json["message"] == f"The link of {message['to']} is {state}"  # type: ignore[index]


def test_link_without_a_limit_never_expires() -> None:
    client = Client(flask_app(Backend(make_api(scenario("limits: {link_valid_days: null}")).service)))
    submit(client, "jo@example.com")
    refused = client.post(f"/_alimock/outbox/{messages(client)[0]['id']}/expire", headers=LOCAL)
    assert (refused.status_code, refused.json["message"]) == (409, "The link of jo@example.com never expires")  # type: ignore[index]


def raw(client: Client, message: dict[str, object]) -> tuple[TestResponse, EmailMessage]:
    response = client.get(f"/_alimock/outbox/{message['id']}/raw", headers=LOCAL)
    parsed = BytesParser(policy=email.policy.default).parsebytes(response.data)
    assert isinstance(parsed, EmailMessage)
    return response, parsed


@pytest.mark.slow
@pytest.mark.parametrize(
    "address",
    ["jo@example.com", "李雷@例子.中国", "o'brien+tag@example.com", '"q"@x.com', "a<b>@x.com", "ab;c@x.com", "(c)@x.com",
     "a:b@x.com", "\U0001f600@x.com", "x@例.com", "a\\b@x.com", "\u202ea@x.com"],
)  # fmt: skip
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_raw_message_is_valid_for_any_address(client: Client, address: str, lang: str) -> None:
    submit(client, address, Lang=lang)
    (message,) = messages(client)
    response, parsed = raw(client, message)
    assert response.content_type == "message/rfc822"
    assert b"\n" not in response.data.replace(b"\r\n", b"")
    to = parsed["To"].addresses[0]
    # Python's parser leaves raw UTF-8 in headers as surrogates.
    assert f"{to.username}@{to.domain}".encode(errors="surrogateescape").decode() == address
    assert parsed["From"] == "alimock <noreply@example.com>"
    assert parsed["Subject"] == message["subject"] == ("请验证您的邮箱地址" if lang == "zh" else "Please verify your email address")
    header, _, _ = response.data.partition(b"\r\n\r\n")
    assert header.isascii() == address.isascii()
    assert parsed["Date"].datetime.isoformat() == "2026-01-01T08:00:00+08:00"
    assert parsed["Message-ID"] == f"<{message['id']}@example.com>"
    text, html = (parsed.get_body((kind,)) for kind in ("plain", "html"))
    assert text is not None and html is not None
    assert str(message["token"]) in text.get_content()
    assert str(message["link"]) in html.get_content()
    assert client.get(f"/_alimock/outbox/{message['id']}/raw", headers=LOCAL).data == response.data


def test_markup_in_an_address_is_escaped_in_the_html(client: Client) -> None:
    submit(client, "<script>x</script>@example.com")
    shown = get(client, f"/_alimock/outbox/{messages(client)[0]['id']}")
    assert "<script>" not in str(shown["html"])
    assert "&lt;script&gt;" in str(shown["html"])


def test_outbox_is_filtered_and_newest_first(client: Client) -> None:
    submit(client, "a@example.com", AccessKeyId="one")
    submit(client, "b@example.com", AccessKeyId="two")
    client.get("/?Action=ResendEmailVerification&Version=2018-01-29&Email=a@example.com&AccessKeyId=one")

    def sequences(query: str) -> list[object]:
        return [message["sequence"] for message in messages(client, query)]

    # Between the mails are their calls.
    assert sequences("") == [5, 3, 1]
    assert sequences("?to=A@EXAMPLE.com") == [5, 1]
    assert sequences("?action=ResendEmailVerification") == [5]
    assert sequences("?access_key_id=two") == [3]
    assert sequences("?access_key_id=unknown") == []
    assert sequences("?text=b%40EXAMPLE") == [3]
    assert sequences("?since=2026-01-01 08:00:00") == [5, 3, 1]
    assert sequences("?until=2026-01-01 07:59:59") == []
    assert sequences("?limit=2") == [5, 3]
    assert sequences("?limit=0") == []
    assert sequences("?after=1") == [3, 5]
    assert sequences("?after=0&limit=2") == [1, 3]
    assert sequences("?after=6") == []
    assert get(client, "/_alimock/outbox?after=1&limit=0")["cursor"] == 1


def test_cursor_pages_through_the_outbox_without_a_gap(client: Client) -> None:
    submit(client, "a@example.com,b@example.com,c@example.com")
    seen, cursor = [], 0
    while len(page := get(client, f"/_alimock/outbox?after={cursor}&limit=2")["messages"]) > 0:  # type: ignore[arg-type]
        seen += [message["to"][0] for message in page]  # type: ignore[attr-defined]
        cursor = int(str(get(client, f"/_alimock/outbox?after={cursor}&limit=2")["cursor"]))
    assert seen == ["a", "b", "c"]
    assert get(client, "/_alimock/outbox")["cursor"] == 4


def test_cursor_reports_evicted_entries() -> None:
    client = Client(flask_app(Backend(make_api(scenario(), limits=StateLimits(max_entries_per_account=1)).service)))
    submit(client, "a@example.com,b@example.com,c@example.com")
    body = get(client, "/_alimock/outbox?after=1")
    assert (body["evicted"], body["gap"]) == (2, True)
    assert "gap" not in get(client, "/_alimock/outbox?after=2")
    response = client.get("/_alimock/outbox?after=99", headers=LOCAL)
    assert (response.status_code, json.loads(response.data)["message"]) == (410, "`after`: 99 is beyond the cursor 4")


def test_messages_are_deleted_by_filter(client: Client) -> None:
    submit(client, "a@example.com,b@example.com,c@example.com")
    assert json.loads(client.delete("/_alimock/outbox?to=b@example.com", headers=LOCAL).data) == {"deleted": 1}
    assert [message["to"] for message in messages(client)] == ["c@example.com", "a@example.com"]
    assert json.loads(client.delete("/_alimock/outbox", headers=LOCAL).data) == {"deleted": 2}
    assert messages(client) == []


def test_addresses_include_records_and_entries_without_record(empty: Api, client: Client) -> None:
    empty.store.load(scenario("addresses: {ill@example.com: illegal, abc@aliyun.com: verified}"))
    submit(client, "jo@example.com")
    body = get(client, "/_alimock/addresses")
    rows = {row["email"]: row for row in body["addresses"]}  # type: ignore[attr-defined]
    assert {email: (row["status"], row["outcome"], row["sends_today"], row["decided_by"]) for email, row in rows.items()} == {
        "jo@example.com": ("pending", None, 1, "rule submitted-record"),
        "abc@aliyun.com": ("verified", "verified", 0, "case.yaml:2"),
        "ill@example.com": (None, "illegal", 0, "case.yaml:2"),
    }
    assert rows["abc@aliyun.com"]["verification_time"] == "2026-01-01 08:00:00"
    assert [row["email"] for row in get(client, "/_alimock/addresses?email=ILL@example.com")["addresses"]] == ["ill@example.com"]  # type: ignore[attr-defined]
    assert get(client, "/_alimock/addresses?access_key_id=unknown")["addresses"] == []
    assert len(get(client, "/_alimock/addresses?limit=1")["addresses"]) == 1  # type: ignore[arg-type]


BOOK = """
limits: {sends_per_address_per_day: 3}
addresses:
  "*@Late.example.com": expired
  "*+tag@example.com": {outcome: verified, sends_today: 2}
  Ann@example.com: verified
  bob+tag@example.com: pending
  eve@example.com: illegal
"""


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["Ann@example.com", "bob+tag@example.com", "jo@late.example.com", "eve@example.com"]),
        ("?text=ANN", ["Ann@example.com"]),
        ("?text=b%2Btag", ["bob+tag@example.com"]),
        ("?text=b+tag", ["bob+tag@example.com"]),
        ("?status=verified", ["Ann@example.com"]),
        ("?status=pending", ["bob+tag@example.com", "jo@late.example.com"]),
        ("?status=none", ["eve@example.com"]),
        ("?status=pending&text=late", ["jo@late.example.com"]),
        ("?status=pending&limit=1", ["bob+tag@example.com"]),
        ("?status=verified&text=eve", []),
        ("?email=ann@example.com&status=verified", ["Ann@example.com"]),
        ("?email=ann@example.com&status=pending", []),
        ("?email=ann@example.com&text=bob", []),
        ("?patterns=true", ["*@Late.example.com", "*+tag@example.com"]),
        ("?patterns=true&text=late", ["*@Late.example.com"]),
        ("?patterns=true&email=*%2Btag@example.com", ["*+tag@example.com"]),
        ("?patterns=true&status=none&limit=1", ["*@Late.example.com"]),
        ("?patterns=true&status=verified", []),
    ],
)
def test_addresses_are_filtered(empty: Api, client: Client, query: str, found: list[str]) -> None:
    empty.store.load(scenario(BOOK))
    client.get("/?Action=ResendEmailVerification&Version=2018-01-29&Email=jo@late.example.com")
    rows = get(client, f"/_alimock/addresses{query}")["addresses"]
    assert [row["email"] for row in rows] == found  # type: ignore[attr-defined]


def test_address_has_its_entry_its_limit_and_the_end_of_its_link(empty: Api, client: Client) -> None:
    empty.store.load(scenario(BOOK))
    submit(client, "new@example.com")
    client.get("/?Action=ResendEmailVerification&Version=2018-01-29&Email=bob%2Btag@example.com")

    def row(query: str) -> tuple[object, ...]:
        (found,) = get(client, f"/_alimock/addresses?{query}")["addresses"]  # type: ignore[misc]
        return found["entry"], found["sends_today"], found["sends_limit"], found["link_expires"]

    assert row("email=new@example.com") == (None, 1, 3, "2026-01-04 08:00:00")
    assert row("email=bob%2Btag@example.com") == ("pending", 1, 3, "2026-01-04 08:00:00")
    assert row("email=ann@example.com") == ("verified", 0, 3, None)
    assert row("email=jo@late.example.com") == ("expired", 0, 3, None)
    assert row("patterns=true&text=tag") == ({"outcome": "verified", "status": "verified", "sends_today": 2}, 2, 3, None)
    client.put("/_alimock/clock", headers=LOCAL, json={"now": "2026-01-04 08:00:00"})
    assert row("email=new@example.com") == (None, 0, 3, None)


def test_pending_record_without_a_sent_link_has_none_that_expires(empty: Api, client: Client) -> None:
    empty.store.load(scenario("addresses: {a@example.com: pending, b@example.com: {status: pending, token: open}}"))
    rows = get(client, "/_alimock/addresses")["addresses"]
    assert [row["link_expires"] for row in rows] == [None, "2026-01-04 08:00:00"]  # type: ignore[attr-defined]


def test_listing_addresses_creates_no_records(empty: Api, client: Client) -> None:
    empty.store.load(scenario("accounts: {default: {access_keys: [{id: k, secret: s}]}}\naddresses: {'*@x.example.com': verified}"))
    assert get(client, "/_alimock/addresses?access_key_id=k")["addresses"] == []
    (row,) = get(client, "/_alimock/addresses?email=Zoe@x.example.com&access_key_id=k")["addresses"]  # type: ignore[misc, attr-defined]
    assert (row["email"], row["status"], row["access_key_id"]) == ("Zoe@x.example.com", "verified", "k")
    assert empty.json("ListEmailVerification")["TotalItemNum"] == 0


def test_info_describes_the_loaded_scenario(client: Client) -> None:
    submit(client, "jo@example.com")
    body = get(client, "/_alimock/info")
    assert {
        name: body[name] for name in ("profile", "authentication", "limits", "known_keys", "accounts", "messages", "cursor")
    } == {
        "profile": "current",
        "authentication": "known-keys",
        "limits": {"sends_per_address_per_day": 10, "addresses_per_day": 500, "link_valid_days": 3},
        "known_keys": [],
        "accounts": 1,
        "messages": 1,
        "cursor": 2,
    }


def change(client: Client, method: str, path: str, body: object = None) -> tuple[int, dict[str, object]]:
    data = body if isinstance(body, str | bytes) else json.dumps(body)
    response = client.open(path, method=method, data=data, headers=LOCAL)
    return response.status_code, json.loads(response.data)


def test_clock_is_read_set_frozen_and_advanced(client: Client) -> None:
    assert get(client, "/_alimock/clock") == {"now": "2026-01-01 08:00:00", "frozen": False}
    frozen = {"now": "2019-02-19 16:38:07", "frozen": True}
    assert change(client, "PUT", "/_alimock/clock", frozen) == (200, frozen)
    assert change(client, "POST", "/_alimock/clock/advance", {"by": "1d12h"}) == (
        200,
        {"now": "2019-02-21 04:38:07", "frozen": True},
    )
    assert change(client, "PUT", "/_alimock/clock", {"frozen": False})[1] == {"now": "2019-02-21 04:38:07", "frozen": False}
    assert change(client, "PUT", "/_alimock/clock", {"now": "2020-01-01 00:00:00"})[1] == {
        "now": "2020-01-01 00:00:00",
        "frozen": False,
    }
    assert change(client, "PUT", "/_alimock/clock", {"frozen": True})[1]["frozen"] is True


def test_clock_change_without_a_key_applies_to_new_accounts(client: Client) -> None:
    change(client, "PUT", "/_alimock/clock", {"now": "2019-02-19 16:38:07", "frozen": True})
    submit(client, "jo@example.com", AccessKeyId="never-seen")
    assert messages(client)[0]["created"] == "2019-02-19 16:38:07"


def test_clock_change_with_a_key_applies_to_its_account_only(client: Client) -> None:
    change(client, "PUT", "/_alimock/clock?access_key_id=one", {"now": "2019-02-19 16:38:07", "frozen": True})
    assert get(client, "/_alimock/clock?access_key_id=one")["now"] == "2019-02-19 16:38:07"
    assert get(client, "/_alimock/clock")["now"] == "2026-01-01 08:00:00"
    submit(client, "jo@example.com", AccessKeyId="one")
    change(client, "POST", "/_alimock/clock/advance?access_key_id=one", {"by": "3d"})
    assert messages(client)[0]["token_state"] == "expired"


@pytest.mark.parametrize("path", ["/_alimock/scenario", "/_alimock/scenario?access_key_id=one"])
@pytest.mark.parametrize("content_type", ["application/x-yaml", "application/json"])
def test_scenario_is_loaded_and_exported(client: Client, path: str, content_type: str) -> None:
    text = '{"alimock": 1, "extends": "default", "limits": {"link_valid_days": 1}, "clock": "2020-01-01 00:00:00"}'
    response = client.put(path, data=text, content_type=content_type, headers=LOCAL)
    assert response.status_code == 200
    shown = get(client, path)
    assert (shown["clock"], shown["limits"]["link_valid_days"]) == ("2020-01-01 00:00:00", 1)  # type: ignore[index]
    again = client.put(path, data=json.dumps(shown), content_type="application/json", headers=LOCAL)
    assert again.status_code == (200 if "access_key_id" not in path else 400)
    narrowed = get(client, "/_alimock/clock")["now"]
    assert narrowed == ("2026-01-01 08:00:00" if "access_key_id" in path else "2020-01-01 00:00:00")


def test_invalid_scenario_keeps_the_loaded_one(client: Client) -> None:
    submit(client, "jo@example.com")
    status, body = change(client, "PUT", "/_alimock/scenario", "alimock: 1\nprofil: x\nclock: y\nextends: ./secret.yaml\n")
    assert status == 400
    assert [(one["line"], one["path"]) for one in body["mistakes"]] == [(2, ""), (3, "clock"), (4, "extends")]  # type: ignore[attr-defined]
    assert "nothing was changed" in str(body["hint"])
    assert len(messages(client)) == 1


def test_reset_empties_the_outbox(client: Client) -> None:
    submit(client, "jo@example.com", AccessKeyId="one")
    submit(client, "jo@example.com", AccessKeyId="two")
    assert change(client, "POST", "/_alimock/reset?access_key_id=one")[1]["reset"] is True
    assert [message["access_key_id"] for message in messages(client)] == ["two"]
    change(client, "POST", "/_alimock/reset")
    assert messages(client) == []


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "message"),
    [
        ("GET", "/_alimock/outbox?too=x", None, 400, 'Unknown argument "too"'),
        ("POST", "/_alimock/reset?access_key_id=", None, 400, "`access_key_id` is empty"),
        ("GET", "/_alimock/outbox?limit=x", None, 400, '`limit`: found "x"'),
        ("GET", "/_alimock/outbox?limit=5001", None, 400, '`limit`: found "5001"'),
        ("GET", "/_alimock/outbox?after=-1", None, 400, '`after`: found "-1"'),
        ("GET", "/_alimock/addresses?status=open", None, 400, "`status`: found 'open'"),
        ("GET", "/_alimock/outbox/none", None, 404, "Message 'none' not found"),
        ("GET", "/_alimock/outbox/none/raw", None, 404, "Message 'none' not found"),
        ("PUT", "/_alimock/clock", "{", 400, "The body is not a JSON object"),
        ("PUT", "/_alimock/clock", "[" * 100_000, 400, "The body is not a JSON object"),
        ("PUT", "/_alimock/clock", [1], 400, "The body is not a JSON object"),
        ("PUT", "/_alimock/clock", {}, 400, "The body is empty"),
        ("PUT", "/_alimock/clock", {"now": 5}, 400, "`now`: found 5"),
        ("PUT", "/_alimock/clock", {"now": "noon\ud800"}, 400, '`now`: found "noon\\ud800"'),
        ("PUT", "/_alimock/clock", {"frozen": "yes"}, 400, '`frozen`: found "yes"'),
        ("PUT", "/_alimock/clock", {"freeze": True}, 400, 'Unknown key "freeze"'),
        ("POST", "/_alimock/clock/advance", {}, 400, "`by`: found null"),
        ("POST", "/_alimock/clock/advance", {"by": "-1d"}, 400, "`by`: found '-1d'"),
        ("POST", "/_alimock/clock/advance", {"by": "9" * 5_000 + "d"}, 400, "`by`: found '" + "9" * 60 + "'"),
        ("POST", "/_alimock/clock/advance", {"by": "9999999d"}, 400, "`by`: 9999999d leads beyond 9989-12-31 00:00:00"),
        ("GET", "/_alimock/nothing", None, 404, "404 Not Found"),
        ("GET", "/nothing", None, 404, "404 Not Found"),
        ("DELETE", "/_alimock/info", None, 405, "405 Method Not Allowed"),
    ],
)
def test_error_has_a_message_and_a_hint(client: Client, method: str, path: str, body: object, status: int, message: str) -> None:
    found = change(client, method, path, body)
    assert (found[0], found[1]["message"]) == (status, message)
    assert found[1]["hint"]


@pytest.mark.parametrize(
    ("host_policy", "headers", "status"),
    [
        (HostPolicy(), {"Host": "localhost:2546"}, 200),
        (HostPolicy(), {"Host": "[::1]:2546"}, 200),
        (HostPolicy(), {"Host": "test.localhost"}, 200),
        (HostPolicy(), {"Host": "127.0.0.1:1", "Origin": "http://127.0.0.1:1"}, 200),
        (HostPolicy(), {"Host": "rebound.example.com"}, 403),
        (HostPolicy(), {"Host": "127.0.0.1.example.com"}, 403),
        (HostPolicy(), {"Host": "[broken"}, 403),
        (HostPolicy(), {"Host": "127.0.0.1:1", "Origin": "http://127.0.0.1:2"}, 403),
        (HostPolicy(), {"Host": "127.0.0.1:1", "Origin": "null"}, 403),
        (HostPolicy(), {"Host": "127.0.0.1:1", "Origin": "http://[broken"}, 403),
        (HostPolicy(public_url="http://mock.example.com:1"), {"Host": "mock.example.com:1"}, 200),
        (HostPolicy(public_url="https://mock.example.com/sub"), {"Host": "127.0.0.1:1", "Origin": "https://mock.example.com"}, 200),
        (HostPolicy("0.0.0.0"), {"Host": "alimock:2546"}, 200),
        (HostPolicy("0.0.0.0"), {"Host": "alimock:2546", "Origin": "http://other.example.com"}, 403),
    ],
)
def test_unknown_hosts_and_foreign_origins_are_rejected(
    empty: Api, host_policy: HostPolicy, headers: dict[str, str], status: int
) -> None:
    # The test client of Werkzeug 2 accepts no invalid host.
    environ = create_environ("/_alimock/info", headers=headers)
    _, answered, given = run_wsgi_app(flask_app(Backend(empty.service, host_policy)), environ)
    assert answered.startswith(f"{status} ")
    assert "Access-Control-Allow-Origin" not in given


@pytest.mark.parametrize(
    ("host_policy", "host", "base"),
    [
        (HostPolicy(), "localhost:7", "http://localhost:7"),
        (HostPolicy("0.0.0.0"), "alimock:2546", "http://alimock:2546"),
        (HostPolicy("0.0.0.0"), "domain.aliyuncs.com", "http://127.0.0.1:80"),
        (HostPolicy("::"), "", "http://127.0.0.1:80"),
        (HostPolicy("192.0.2.5"), "x.aliyuncs.com", "http://192.0.2.5:80"),
        (HostPolicy(), "aliyuncs.com", "http://127.0.0.1:80"),
        (HostPolicy("::1"), "aliyuncs.com:8080", "http://[::1]:80"),
        (HostPolicy(), "notaliyuncs.com", "http://notaliyuncs.com"),
        (HostPolicy(public_url="https://mock.example.com/sub"), "localhost:7", "https://mock.example.com/sub"),
    ],
)
def test_links_use_the_host_of_the_request_but_never_the_service(host_policy: HostPolicy, host: str, base: str) -> None:
    assert links.base_url(host_policy, "http", host, "80") == base


def test_link_verifies_once(empty: Api, client: Client) -> None:
    submit(client, "jo@example.com")
    link = str(messages(client)[0]["link"])
    path = link.removeprefix("http://127.0.0.1:2546")
    head = client.head(path)
    assert (head.status_code, head.data) == (200, b"")
    assert empty.json("QueryEmailVerification", Email="jo@example.com")["VerificationStatus"] == 0
    page = client.get(path, environ_base={"REMOTE_ADDR": "198.51.100.9"})
    assert (page.status_code, page.content_type) == (200, "text/html; charset=utf-8")
    assert "The address is verified." in page.text
    assert "jo@example.com" in page.text
    record = empty.json("QueryEmailVerification", Email="jo@example.com")
    assert (record["VerificationStatus"], record["ConfirmIp"]) == (1, "198.51.100.9")
    again = client.get(path)
    assert (again.status_code, "This link has already been used." in again.text) == (410, True)
    assert messages(client)[0]["token_state"] == "used"


@pytest.mark.parametrize(
    ("spoil", "status", "text"),
    [("", 200, "邮箱验证成功。"), ("resend", 410, "该链接已失效，请使用最新邮件中的链接。"), ("wait", 410, "该链接已过期。")],
)
def test_link_page_uses_the_language_of_the_mail_and_reports_its_state(
    empty: Api, client: Client, spoil: str, status: int, text: str
) -> None:
    submit(client, "jo@example.com", Lang="zh")
    token = messages(client)[0]["token"]
    if spoil == "resend":
        empty.lists("ResendEmailVerification", "jo@example.com")
    elif spoil == "wait":
        change(client, "POST", "/_alimock/clock/advance", {"by": "3d"})
    page = client.get(f"/verify?token={token}")
    assert (page.status_code, text in page.text, '<html lang="zh">' in page.text) == (status, True, True)


@pytest.mark.parametrize("query", ["", "?token=", "?token=none", "?token=%ff", f"?token={'0' * 32}"])
def test_unknown_link_is_not_found(client: Client, query: str) -> None:
    page = client.get(f"/verify{query}")
    assert (page.status_code, "This link does not exist." in page.text) == (404, True)


def test_scenario_token_has_a_link_in_the_default_account() -> None:
    api = make_api(scenario("addresses: {jo@example.com: {status: pending, token: my-token}}"))
    assert Client(flask_app(Backend(api.service))).get("/verify?token=my-token").status_code == 200
    assert api.json("QueryEmailVerification", Email="jo@example.com")["VerificationStatus"] == 1


def test_token_of_a_scenario_loaded_for_the_default_account_has_a_link(empty: Api, client: Client) -> None:
    empty.store.load(scenario("accounts: {default: {access_keys: [{id: k, secret: s}]}}"))
    empty.store.load(scenario("addresses: {jo@example.com: {status: pending, token: my-token}}"), "k")
    assert client.get("/verify?token=my-token").status_code == 200


def test_clock_near_the_maximum_does_not_block_other_accounts(client: Client) -> None:
    change(client, "PUT", "/_alimock/clock?access_key_id=one", {"now": "9989-12-30 00:00:00", "frozen": True})
    assert change(client, "POST", "/_alimock/clock/advance?access_key_id=two", {"by": "3d"})[0] == 200
    assert change(client, "POST", "/_alimock/clock/advance", {"by": "3d"})[0] == 400


def test_link_works_after_its_mail_is_deleted(empty: Api, client: Client) -> None:
    submit(client, "jo@example.com")
    token = messages(client)[0]["token"]
    client.delete("/_alimock/outbox", headers=LOCAL)
    page = client.get(f"/verify?token={token}")
    assert (page.status_code, "jo@example.com" in page.text) == (200, True)


def test_changes_are_logged_at_info_and_reads_at_debug(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG", "alimock"):
        client.get("/_alimock/info?a=%0Ab", headers=LOCAL)
        client.post("/_alimock/reset", headers=LOCAL)
    assert [(record.levelname, record.message) for record in caplog.records] == [
        ("DEBUG", "400 GET /_alimock/info?a=%0Ab"),
        ("INFO", "200 POST /_alimock/reset"),
    ]


@pytest.mark.parametrize(
    ("secret", "logged"),
    [
        ("wrong", "400 ListEmailVerification SignatureDoesNotMatch, testid, refused:"),
        ("testsecret", "200 ListEmailVerification OK, testid, checked:"),
    ],
)
def test_log_names_the_key_of_a_refused_call(secret: str, logged: str, caplog: pytest.LogCaptureFixture) -> None:
    api = make_api(scenario("accounts: {default: {access_keys: [{id: testid, secret: testsecret}]}}"))
    with caplog.at_level("INFO", "alimock"):
        api.send(signed(secret=secret))
    assert caplog.records[0].message.startswith(logged)


def test_profile_header_selects_the_profile_of_one_request(client: Client) -> None:
    def answer(profile: str) -> TestResponse:
        query = {"Action": "ListEmailVerification", "Version": "2018-01-29"}
        return client.get("/", query_string=query, headers={"X-Alimock-Profile": profile})

    assert answer("docs-2021").data.startswith(b"<ListEmailVerificationResponse>")
    assert answer("current").data.startswith(b"<?xml")
    wrong = answer("newest")
    assert (wrong.status_code, json.loads(wrong.data)["message"]) == (
        400,
        "X-Alimock-Profile: found `newest`, expected one of current, docs-2021, docs-2018",
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("query", "message", "hint"),
    [
        ("to=a%20b@example.com", "`to`: found 'a b@example.com'", "An address has no space; encode + as %2B."),
        ("action=submitemailverification", "`action`: found 'submitemailverification'", "Did you mean SubmitEmailVerification?"),
        ("to=a@example.com&to=b@example.com", "`to` is given 2 times", "Give it once."),
        ("since=2026-01-01", '`since`: found "2026-01-01"', "Give a time in UTC+8, such as 2019-02-19 16:38:07."),
    ],
)
def test_filter_that_cannot_match_is_rejected(client: Client, query: str, message: str, hint: str) -> None:
    response = client.get(f"/_alimock/outbox?{query}", headers=LOCAL)
    assert (response.status_code, json.loads(response.data)) == (400, {"message": message, "hint": hint})
