"""Access keys registered while the emulator runs."""

from __future__ import annotations

import json

import pytest
from alimock.app import flask_app
from alimock.backend import Backend
from alimock.scenario import loader
from alimock.state.limits import StateLimits
from conftest import Api, error_of, make_api, scenario, signed
from werkzeug.test import Client

SHOP = "accounts: {default: {access_keys: [{id: known, secret: hidden}]}, shop: {}}\naddresses: {jo@example.com: pending}"
LIST, QUERY, SUBMIT = "ListEmailVerification", "QueryEmailVerification", "SubmitEmailVerification"


@pytest.fixture
def api() -> Api:
    return make_api(scenario(SHOP))


def ask(api: Api, method: str, path: str, body: str | None = None, status: int = 200) -> dict[str, object]:
    client = Client(flask_app(Backend(api.service)))
    response = client.open(f"/_alimock/{path}", method=method, data=body, content_type="text/yaml", headers={"Host": "localhost"})
    assert response.status_code == status, response.data
    answer: dict[str, object] = json.loads(response.data)
    return answer


def refusal(api: Api, key: str, secret: str, nonce: str = "n") -> str:
    """Return the code of the response to a signed List."""
    reply = api.send(signed(AccessKeyId=key, secret=secret, SignatureNonce=nonce))
    return "OK" if reply.status == 200 else error_of(reply)[1]


def test_signatures_of_a_registered_key_are_checked(api: Api) -> None:
    assert refusal(api, "mine", "wrong") == "OK"
    shown = ask(api, "PUT", "access-keys/mine", "{secret: right}")
    assert shown == {"id": "mine", "status": "active", "account": "key:mine", "decided_by": "PUT /_alimock/access-keys/mine"}
    assert refusal(api, "mine", "wrong") == "SignatureDoesNotMatch"
    assert refusal(api, "mine", "right") == "OK"


@pytest.mark.slow
def test_registered_key_has_its_own_account_or_the_one_given(api: Api) -> None:
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
    assert answer == {"message": "`account`: found 'shopp'", "hint": "Did you mean shop?"}


def test_registered_key_has_status_and_permissions(api: Api) -> None:
    ask(api, "PUT", "access-keys/off", "{secret: s, status: inactive}")
    ask(api, "PUT", "access-keys/reader", "{secret: s, permissions: [domain:VerifyEmail]}")
    assert refusal(api, "off", "s") == "InvalidAccessKeyId.Inactive"
    api.key = "reader"
    assert api.code(QUERY, Email="jo@example.com") == "Forbidden.RAM"


def test_registered_key_survives_resets_and_scenario_loads(api: Api) -> None:
    ask(api, "PUT", "access-keys/mine", "{secret: right}")
    ask(api, "PUT", "access-keys/shops?account=shop", "{secret: s}")
    for again in (api.store.reset, lambda: api.store.load(loader.load("default")), lambda: api.store.reset("mine")):
        again()
        assert refusal(api, "mine", "wrong") == "SignatureDoesNotMatch"
    # The new scenario does not have its account.
    assert refusal(api, "shops", "wrong") == "OK"
    assert ask(api, "DELETE", "access-keys/mine") == {"deleted": "mine"}
    assert refusal(api, "mine", "wrong") == "OK"
    ask(api, "DELETE", "access-keys/mine", status=404)


def test_deleting_a_key_deletes_its_own_account_but_not_a_named_one(api: Api) -> None:
    for key in ("mine", "shops"):
        ask(api, "PUT", f"access-keys/{key}" + ("?account=shop" if key == "shops" else ""), "{secret: s}")
        api.key = key
        api.lists(SUBMIT, "al@example.com")
    ask(api, "DELETE", "access-keys/mine")
    ask(api, "DELETE", "access-keys/shops")
    assert [mail.account_name for mail in api.store.outbox.entries()] == ["shop"]
    assert "key:mine" not in [account.name for account in api.store.accounts_for_view()]


def test_deleting_a_registered_key_restores_that_of_the_scenario(api: Api) -> None:
    ask(api, "PUT", "access-keys/known", "{secret: changed}")
    ask(api, "DELETE", "access-keys/known")
    assert refusal(api, "known", "hidden") == "OK"
    answer = ask(api, "DELETE", "access-keys/known", status=404)
    assert answer["message"] == "Access key 'known' is not registered"


def test_keys_are_listed_with_secrets_on_request_only(api: Api) -> None:
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
def test_invalid_key_is_rejected(api: Api, key: str, body: str, words: str) -> None:
    assert words in str(ask(api, "PUT", f"access-keys/{key}", body, 400)["message"])
    assert not api.store.keys.registered


def test_registered_keys_are_evicted_with_their_idle_accounts() -> None:
    api = make_api(scenario(SHOP), limits=StateLimits(max_accounts=2))
    for number in range(4):
        ask(api, "PUT", f"access-keys/{number}", "{secret: s}")
        api.time.now += 1_000
    assert list(api.store.keys.registered) == ["2", "3"]


def test_number_of_registered_keys_is_limited() -> None:
    api = make_api(scenario(SHOP), limits=StateLimits(max_access_keys=1))
    ask(api, "PUT", "access-keys/one", "{secret: s}")
    ask(api, "PUT", "access-keys/one", "{secret: t}")
    answer = ask(api, "PUT", "access-keys/two", "{secret: s}", 409)
    assert answer["message"] == "The limit of 1 registered access keys is reached"
    assert answer["hint"] == "Delete unused keys, or raise --limit max_access_keys=N."


def test_registering_a_key_again_keeps_its_account(api: Api) -> None:
    ask(api, "PUT", "access-keys/shops?account=shop", "{secret: s}")
    ask(api, "PUT", "access-keys/shops", "{secret: t}")
    assert api.store.account_name("shops") == "shop"


def test_moving_a_key_to_a_named_account_deletes_its_own() -> None:
    api = make_api(scenario(SHOP), limits=StateLimits(max_accounts=1), key="mover")
    api.lists(SUBMIT, "al@example.com")
    ask(api, "PUT", "access-keys/mover?account=shop", "{secret: s}")
    assert "key:mover" not in [account.name for account in api.store.accounts_for_view()]
    for number in range(3):
        api.time.now += 1_000
        api.store.account(f"other{number}")
    assert list(api.store.keys.registered) == ["mover"]
