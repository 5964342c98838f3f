"""Access keys that are taken in while the emulator runs."""

from __future__ import annotations

import json

import pytest
from alimock.scenario import loader
from alimock.security import HostPolicy
from alimock.server.dispatch import Application
from alimock.state.limits import StateLimits
from conftest import Api, error_of, make_api, scenario, signed
from werkzeug.test import Client

SHOP = "accounts: {default: {access_keys: [{id: known, secret: hidden}]}, shop: {}}\naddresses: {jo@example.com: pending}"
LIST, QUERY, SUBMIT = "ListEmailVerification", "QueryEmailVerification", "SubmitEmailVerification"


@pytest.fixture
def api() -> Api:
    return make_api(scenario(SHOP))


def ask(api: Api, method: str, path: str, body: str | None = None, status: int = 200) -> dict[str, object]:
    client = Client(Application(api.service, HostPolicy()))
    response = client.open(f"/_alimock/{path}", method=method, data=body, content_type="text/yaml", headers={"Host": "localhost"})
    assert response.status_code == status, response.data
    answer: dict[str, object] = json.loads(response.data)
    return answer


def refusal(api: Api, key: str, secret: str, nonce: str = "n") -> str:
    """Gives the code by which a signed List is refused, OK if it is not."""
    reply = api.send(signed(AccessKeyId=key, secret=secret, SignatureNonce=nonce))
    return "OK" if reply.status == 200 else error_of(reply)[1]


def test_the_signatures_of_a_key_that_is_put_are_checked(api: Api) -> None:
    assert refusal(api, "mine", "wrong") == "OK"
    shown = ask(api, "PUT", "access-keys/mine", "{secret: right}")
    assert shown == {"id": "mine", "status": "active", "account": "key:mine", "decided_by": "PUT /_alimock/access-keys/mine"}
    assert refusal(api, "mine", "wrong") == "SignatureDoesNotMatch"
    assert refusal(api, "mine", "right") == "OK"


def test_a_key_that_is_put_has_an_account_of_its_own_or_the_one_named(api: Api) -> None:
    ask(api, "PUT", "access-keys/own", "{secret: s}")
    ask(api, "PUT", "access-keys/shops?account=shop", "{secret: s}")
    ask(api, "PUT", "access-keys/known", "{secret: changed}")
    assert {name: api.store.account_name(name) for name in ("own", "shops", "known")} == {
        "own": "key:own",
        "shops": "shop",
        "known": "default",
    }
    assert refusal(api, "known", "hidden") == "SignatureDoesNotMatch"
    answer = ask(api, "PUT", "access-keys/own?account=shopp", "{secret: s}", 400)
    assert answer == {"message": "`account`: found 'shopp'", "hint": "give `shop`, or none"}


def test_a_key_says_of_itself_what_a_scenario_can_say(api: Api) -> None:
    ask(api, "PUT", "access-keys/off", "{secret: s, status: inactive}")
    ask(api, "PUT", "access-keys/reader", "{secret: s, permissions: [domain:VerifyEmail]}")
    assert refusal(api, "off", "s") == "InvalidAccessKeyId.Inactive"
    api.key = "reader"
    assert api.code(QUERY, Email="jo@example.com") == "Forbidden.RAM"


def test_a_key_outlives_resets_and_other_scenarios_until_it_is_deleted(api: Api) -> None:
    ask(api, "PUT", "access-keys/mine", "{secret: right}")
    ask(api, "PUT", "access-keys/shops?account=shop", "{secret: s}")
    for again in (api.store.reset, lambda: api.store.load(loader.load("default")), lambda: api.store.reset("mine")):
        again()
        assert refusal(api, "mine", "wrong") == "SignatureDoesNotMatch"
    # The account that it was put into is in that scenario no more.
    assert refusal(api, "shops", "wrong") == "OK"
    assert ask(api, "DELETE", "access-keys/mine") == {"deleted": "mine"}
    assert refusal(api, "mine", "wrong") == "OK"
    ask(api, "DELETE", "access-keys/mine", status=404)


def test_a_deleted_key_takes_its_own_account_along_and_leaves_a_named_one(api: Api) -> None:
    for key in ("mine", "shops"):
        ask(api, "PUT", f"access-keys/{key}" + ("?account=shop" if key == "shops" else ""), "{secret: s}")
        api.key = key
        api.lists(SUBMIT, "al@example.com")
    ask(api, "DELETE", "access-keys/mine")
    ask(api, "DELETE", "access-keys/shops")
    assert [mail.account_name for mail in api.store.outbox.entries()] == ["shop"]
    assert "key:mine" not in [account.name for account in api.store.accounts_for_view()]


def test_a_key_of_the_scenario_is_as_before_once_the_one_put_over_it_is_deleted(api: Api) -> None:
    ask(api, "PUT", "access-keys/known", "{secret: changed}")
    ask(api, "DELETE", "access-keys/known")
    assert refusal(api, "known", "hidden") == "OK"
    answer = ask(api, "DELETE", "access-keys/known", status=404)
    assert answer["message"] == "no access key 'known' was put"


def test_the_keys_are_listed_with_secrets_only_when_asked_for(api: Api) -> None:
    ask(api, "PUT", "access-keys/mine", "{secret: right}")
    assert ask(api, "GET", "access-keys")["access_keys"] == [
        {"id": "known", "status": "active", "account": "default", "decided_by": "case.yaml:2"},
        {"id": "mine", "status": "active", "account": "key:mine", "decided_by": "PUT /_alimock/access-keys/mine"},
    ]
    (key,) = ask(api, "GET", "access-keys?access_key_id=mine&secrets=true")["access_keys"]  # type: ignore[misc]
    assert key["secret"] == "right"


@pytest.mark.parametrize(
    ("key", "body", "words"),
    [
        ("mine", "{}", "no `secret`"),
        ("mine", "{secret: s, id: other}", "found `other`, expected `mine` as in the path, or none"),
        ("mine", "{secret: s, secrt: t}", "expected `secret`"),
        ("mine", "secret", "expected a mapping"),
        ("mine", "{secret: '${HOME}'}", "${HOME}"),
    ],
)
def test_a_wrong_key_is_refused(api: Api, key: str, body: str, words: str) -> None:
    assert words in str(ask(api, "PUT", f"access-keys/{key}", body, 400)["message"])
    assert not api.store.keys.registered


def test_keys_that_nobody_deletes_go_with_their_unused_accounts() -> None:
    api = make_api(scenario(SHOP), limits=StateLimits(max_accounts=2))
    for number in range(4):
        ask(api, "PUT", f"access-keys/{number}", "{secret: s}")
        api.time.now += 1_000
    assert list(api.store.keys.registered) == ["2", "3"]


def test_there_is_an_end_to_keys_that_are_put() -> None:
    api = make_api(scenario(SHOP), limits=StateLimits(max_access_keys=1))
    ask(api, "PUT", "access-keys/one", "{secret: s}")
    ask(api, "PUT", "access-keys/one", "{secret: t}")
    assert (
        ask(api, "PUT", "access-keys/two", "{secret: s}", 409)["hint"]
        == "delete those that nobody uses any more, or see --max-access-keys"
    )


def test_a_key_that_is_put_again_keeps_its_account(api: Api) -> None:
    ask(api, "PUT", "access-keys/shops?account=shop", "{secret: s}")
    ask(api, "PUT", "access-keys/shops", "{secret: t}")
    assert api.store.account_name("shops") == "shop"


def test_a_key_that_moves_leaves_no_account_behind() -> None:
    api = make_api(scenario(SHOP), limits=StateLimits(max_accounts=1), key="mover")
    api.lists(SUBMIT, "al@example.com")
    ask(api, "PUT", "access-keys/mover?account=shop", "{secret: s}")
    assert "key:mover" not in [account.name for account in api.store.accounts_for_view()]
    for number in range(3):
        api.time.now += 1_000
        api.store.account(f"other{number}")
    assert list(api.store.keys.registered) == ["mover"]
