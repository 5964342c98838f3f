"""Exported scenarios load back to the same scenario."""

from __future__ import annotations

import json

import pytest
import yaml
from alimock.scenario import export, loader, sources
from alimock.state.snapshot import snapshot
from conftest import make_api, scenario


@pytest.mark.parametrize("name", sources.built_in_names())
def test_exported_scenario_loads_back_to_the_same(name: str) -> None:
    loaded = loader.load(name)
    document = export.document(loaded)
    assert "testsecret" not in json.dumps(document)
    for content, is_json in ((json.dumps(document), True), (yaml.safe_dump(document, sort_keys=False), False)):
        again = loader.load_text(content.encode(), file="x", json=is_json, known_keys=loaded.access_keys)
        assert export.document(again) == document
        assert {key.id: key.secret for key in again.access_keys.values()} == {
            key.id: key.secret for key in loaded.access_keys.values()
        }


def test_exported_scenario_with_every_kind_of_entry_loads_back_to_the_same() -> None:
    loaded = scenario(
        "accounts: {shop: {access_keys: [{id: k, secret: s, status: inactive, security_token: t, expires: 2030-01-01 00:00:00}]}}\n"
        "addresses: {a@example.com: {status: pending, token: x, sends_today: 3, gmt_create: 2020-01-01 00:00:00}, "
        "b@example.com: {outcome: illegal, status: verified}, '*@c.example.com': expired, '*': unknown}\n"
        "codes: {Throttling: {status: 429}}\n"
        "faults: [{when: {action: VerifyEmail, version: 2018-01-29}, times: 2, error: Throttling}, {when: {email: 'a*'}, error: '5000'}]"
    )
    document = export.document(loaded)
    again = loader.load_text(json.dumps(document).encode(), file="case.yaml", json=True, known_keys=loaded.access_keys)
    assert export.document(again) == document
    key, same = loaded.access_keys["k"], again.access_keys["k"]
    assert (same.secret, same.security_token, same.expires, same.active) == (key.secret, key.security_token, key.expires, False)
    assert [rule.address for rule in again.addresses.patterns.values()] == ["*@c.example.com", "*"]


def test_exported_account_with_an_address_that_contains_a_variable_loads_back() -> None:
    api = make_api(scenario())
    assert api.lists("SubmitEmailVerification", "${WHO}@example.com") == {"SuccessList": ["${WHO}@example.com"]}
    document = export.document(snapshot(api.store.account(None), api.store.scenario), secrets=True)
    again = loader.load_text(json.dumps(document).encode(), file="case.yaml", json=True)
    assert export.document(again, secrets=True) == document
