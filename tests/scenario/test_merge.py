"""Merging scenarios: `extends`, several names, and loading over a loaded scenario."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from alimock.scenario import export, loader
from alimock.scenario.address_rules import AddressOutcome
from alimock.scenario.diagnostics import ScenarioError
from alimock.scenario.model import Scenario, ServiceLimits
from alimock.state.snapshot import snapshot
from conftest import make_api, scenario
from scenario_errors import errors


def test_file_overrides_the_file_it_extends_entry_by_entry(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(
        "alimock: 1\nprofile: docs-2021\nlimits: {sends_per_address_per_day: 3, link_valid_days: 1}\n"
        "accounts: {default: {user_id: base, access_keys: [{id: a, secret: base}, {id: b, secret: base}]}}\n"
        "addresses: {one@example.com: verified, two@example.com: verified, '*@x.example.com': verified}\n"
    )
    (tmp_path / "sub").mkdir()
    child = tmp_path / "sub" / "child.yaml"
    child.write_text(
        "alimock: 1\nextends: ../base.yaml\nlimits: {link_valid_days: null}\n"
        "accounts: {default: {access_keys: [{id: a, secret: child}]}}\n"
        "addresses: {two@example.com: pending, three@example.com: illegal, '*@*.example.com': pending}\n"
    )
    loaded = loader.load(str(child))
    assert loaded.profile == "docs-2021"
    assert loaded.limits == ServiceLimits(3, 500, None)
    assert loaded.user_ids == {"default": "base"}
    assert {key.id: key.secret for key in loaded.access_keys.values()} == {"a": "child", "b": "base"}
    assert [(email, rule.outcome.value) for email, rule in loaded.addresses.exact.items()] == [
        ("one@example.com", "verified"),
        ("two@example.com", "pending"),
        ("three@example.com", "illegal"),
    ]
    tried_first = loaded.addresses.rule("any@x.example.com")
    assert tried_first is not None
    assert tried_first.location == f"{child}:5"


def test_circular_extends_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    one, two = tmp_path / "one.yaml", tmp_path / "two.yaml"
    one.write_text("alimock: 1\nextends: two.yaml\n")
    two.write_text("alimock: 1\nextends: sub/../one.yaml\n")
    with pytest.raises(ScenarioError) as caught:
        loader.load(str(one))
    expected = "extends: found `sub/../one.yaml` (a file that extends itself), expected a file that does not extend this one"
    assert str(caught.value) == f"{two}:2:10: {expected}"


def test_error_in_an_extended_file_has_the_location_in_that_file(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("alimock: 1\nprofile: x\n")
    child = tmp_path / "child.yaml"
    child.write_text("alimock: 1\nextends: base.yaml\nclock: x\n")
    with pytest.raises(ScenarioError) as caught:
        loader.load(str(child))
    places = [(Path(one.file).name, one.line, one.path) for one in caught.value.mistakes]
    assert places == [("child.yaml", 3, "clock"), ("base.yaml", 2, "profile")]


def test_request_extends_only_built_in_scenarios() -> None:
    found = errors("alimock: 1\nextends: ./case.yaml\n", local=False)
    assert found[0].startswith("case.yaml:2:10: extends: found `./case.yaml` (a path), expected a built-in scenario")
    assert loader.load_text(b"alimock: 1\nextends: default", file="x", local=False).access_keys


def test_later_files_win_and_each_file_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(
        "alimock: 1\ndescription: Base.\nprofile: docs-2018\naddresses: {a@example.com: pending, '*@x.example.com': pending}\n"
        "faults: [{id: one, error: Throttling, times: 1}, {id: two, error: InternalError, times: 1}]\nstubs: {SaveTask: {No: 1}}\n"
    )
    (tmp_path / "left.yaml").write_text(
        "alimock: 1\nextends: base.yaml\nprofile: docs-2021\naddresses: {a@example.com: verified}\nstubs: {SaveTask: {No: 2}}\n"
    )
    (tmp_path / "right.yaml").write_text(
        "alimock: 1\nextends: [base.yaml, empty]\naddresses: {b@example.com: verified, '*@example.com': verified}\n"
        "faults: [{id: one, error: ServiceUnavailable, times: 1}, {error: API_Block}]\n"
    )
    both = tmp_path / "both.yaml"
    both.write_text("alimock: 1\nextends: [left.yaml, right.yaml]\n")
    for loaded in (loader.load(str(both)), loader.load(f"{tmp_path}/left.yaml, {tmp_path}/right.yaml")):
        # What the left file changed of the base is not undone by the right one, although that extends the base too.
        assert loaded.profile == "docs-2021"
        assert {email: rule.outcome for email, rule in loaded.addresses.exact.items()} == {
            "a@example.com": AddressOutcome.VERIFIED,
            "b@example.com": AddressOutcome.VERIFIED,
        }
        assert [rule.address for rule in loaded.addresses.patterns.values()] == ["*@example.com", "*@x.example.com"]
        assert [(one.id, one.error) for one in loaded.faults_by_id.values()] == [
            ("one", "ServiceUnavailable"),
            ("1", "API_Block"),
            ("two", "InternalError"),
        ]
        assert loaded.stubs["SaveTask"].fields == {"No": 2}
        assert loaded.description == ""
        files = [path.name for path in loaded.files if path != both]
        assert files == ["left.yaml", "base.yaml", "right.yaml", "empty.yaml"]


def test_own_addresses_of_an_account_override_the_common_ones() -> None:
    loaded = scenario(
        "accounts:\n  shop: {access_keys: [{id: k, secret: s}], addresses: {a@example.com: verified, own@example.com: pending, "
        "'*@x.example.com': illegal}}\n"
        "addresses: {a@example.com: quota-exceeded, b@example.com: verified, '*@x.example.com': verified, '*': expired}"
    )
    api = make_api(loaded)

    def codes(key: str | None) -> list[object]:
        api.key = key
        emails = ("a@example.com", "b@example.com", "own@example.com", "any@x.example.com")
        return [api.json("QueryEmailVerification", Email=email).get("VerificationStatus") for email in emails]

    assert codes("k") == [1, 1, 0, None]
    assert codes("someone-else") == codes(None) == [0, 1, 0, 1]
    api.key = "k"
    assert api.json("ListEmailVerification")["TotalItemNum"] == 3
    document = export.document(loaded, secrets=True)
    again = loader.load_text(json.dumps(document).encode(), file="case.yaml", json=True)
    assert export.document(again, secrets=True) == document
    assert list(document["accounts"]["shop"]["addresses"]) == ["*@x.example.com", "a@example.com", "own@example.com"]  # type: ignore[index]


@pytest.mark.slow
def test_too_many_patterns_or_faults_in_all_files_are_rejected(tmp_path: Path) -> None:
    for name in ("one", "two"):
        faults = "".join(f"  - {{error: Throttling, when: {{access_key_id: {name}{number}}}}}\n" for number in range(600))
        patterns = "".join(f'  "*@{name}{number}.example.com": verified\n' for number in range(600))
        (tmp_path / f"{name}.yaml").write_text(f"alimock: 1\nfaults:\n{faults}addresses:\n{patterns}")
    with pytest.raises(ScenarioError) as caught:
        loader.load(f"{tmp_path}/one.yaml,{tmp_path}/two.yaml")
    assert [one.found for one in caught.value.mistakes] == [
        "1200 patterns in all files together",
        "1200 faults in all files together",
    ]


def test_long_chain_of_extends_is_rejected(tmp_path: Path) -> None:
    for number in range(200):
        (tmp_path / f"{number}.yaml").write_text(f"alimock: 1\nextends: {number + 1}.yaml\n")
    with pytest.raises(ScenarioError, match="50 files in a row at most"):
        loader.load(f"{tmp_path}/0.yaml")


def merged_over(below: Scenario, text: str) -> Scenario:
    return loader.load_text(f"alimock: 1\n{text}".encode(), file="over.yaml", over=below)


def test_faults_without_an_id_are_numbered_after_merging() -> None:
    below = scenario("faults: [{error: Throttling, times: 1}, {id: own, error: InternalError, times: 1}]")
    loaded = merged_over(below, "faults: [{error: API_Block, times: 1}, {id: '1', error: ServiceUnavailable, times: 1}]")
    assert [(fault.id, fault.error) for fault in loaded.faults_by_id.values()] == [
        ("2", "API_Block"),
        ("1", "ServiceUnavailable"),
        ("3", "Throttling"),
        ("own", "InternalError"),
    ]


def test_pattern_and_exact_address_with_the_same_text_replace_each_other() -> None:
    pattern, exact = "'*@x.example.com': pending", "'*@X.example.com': {status: verified, exact: true}"
    for below, over in ((pattern, exact), (exact, pattern)):
        loaded = merged_over(scenario(f"addresses: {{{below}}}"), f"addresses: {{{over}}}")
        assert [*loaded.addresses.exact, *(one.text for one in loaded.addresses.patterns)] == ["*@x.example.com"]
        assert bool(loaded.addresses.exact) is (over == exact)


def test_replaced_entry_takes_its_token_and_its_count_along() -> None:
    below = scenario("addresses: {a@example.com: {status: pending, token: t, new_today: true}, b@example.com: pending}")
    loaded = merged_over(below, "addresses: {A@example.com: pending, b@example.com: {status: pending, token: t}}")
    assert loaded.addresses.tokens == {"t": "b@example.com"}
    assert loaded.addresses.new_today == frozenset()


def test_own_addresses_of_an_account_are_merged_over_a_loaded_scenario() -> None:
    below = scenario("accounts: {shop: {addresses: {a@example.com: verified, b@example.com: verified}}}")
    loaded = merged_over(below, "accounts: {shop: {addresses: {b@example.com: pending}}}\naddresses: {c@example.com: pending}")
    assert [(key, rule.outcome.value) for key, rule in loaded.book("shop").exact.items()] == [
        ("c@example.com", "pending"),
        ("a@example.com", "verified"),
        ("b@example.com", "pending"),
    ]
    assert list(loaded.book("other").exact) == ["c@example.com"]


def test_snapshot_can_be_merged_over() -> None:
    api = make_api(scenario("faults: [{error: Throttling, times: 1}]\naddresses: {a@example.com: pending, '*@x.com': expired}"))
    api.call("QueryEmailVerification", Email="a@example.com")
    saved = snapshot(api.store.account(None), api.store.scenario)
    loaded = merged_over(saved, "addresses: {a@example.com: verified}\nfaults: [{error: InternalError, times: 1}]")
    assert [(fault.id, fault.error, fault.hits) for fault in loaded.faults_by_id.values()] == [
        ("2", "InternalError", 0),
        ("1", "Throttling", 1),
    ]
    assert [rule.outcome.value for rule in loaded.addresses.exact.values()] == ["verified"]
    assert [rule.address for rule in loaded.addresses.patterns.values()] == ["*@x.com"]


def test_put_pattern_keeps_its_turn_and_a_new_one_is_tried_first() -> None:
    book = scenario("addresses: {'a*': verified, 'b*': pending, 'c@*': {status: pending, exact: true}}").addresses
    for address, expected in (("B*", ["a*", "b*"]), ("d*", ["d*", "a*", "b*"]), ("c@*", ["c@*", "a*", "b*"])):
        rule = loader.load_address(b"expired", address, file="put")
        assert [one.text for one in book.with_entry(rule).patterns] == expected
