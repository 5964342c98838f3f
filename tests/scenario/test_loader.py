"""Loading single scenario files: every key, and the errors of wrong ones."""

from __future__ import annotations

from pathlib import Path

import pytest
from alimock.scenario import loader, sources
from alimock.scenario.address_rules import AddressOutcome, Status
from alimock.scenario.diagnostics import ScenarioError
from alimock.scenario.model import Authentication, ServiceLimits
from alimock.scenario.schema import SCENARIO
from alimock.spec.times import parse_time
from conftest import scenario
from scenario_errors import error, errors


@pytest.mark.parametrize("name", sources.built_in_names())
def test_built_in_scenario_loads_has_a_description_and_is_short(name: str) -> None:
    assert loader.load(name).description.endswith(".")
    assert len((sources.BUILT_IN_FOLDER / f"{name}.yaml").read_text().splitlines()) < 40


def test_every_key_of_the_format_is_loaded() -> None:
    loaded = scenario(
        """
description: All of it.
profile: docs-2021
authentication: strict
timestamps: ignored
unknown_keys: default-account
clock: 2019-02-19 16:38:07
limits: {sends_per_address_per_day: 3, addresses_per_day: null}
accounts:
  default: {user_id: "1406****", access_keys: [{id: testid, secret: testsecret}]}
  other: {access_keys: [{id: k, secret: s, status: inactive, security_token: t, expires: 2030-01-01 00:00:00}]}
addresses:
  jo@example.com: {status: verified, send_ip: 42.0.0.115, verification_time: 2019-02-19 16:40:38}
  off@example.com: {outcome: quota-exceeded, status: none}
  "*@late.example.com": expired
"""
    )
    assert (loaded.description, loaded.profile, loaded.authentication) == ("All of it.", "docs-2021", Authentication.STRICT)
    assert loaded.clock == parse_time("2019-02-19 16:38:07") == 1_550_565_487
    assert loaded.limits == ServiceLimits(3, None, 3)
    assert loaded.user_ids == {"default": "1406****", "other": None}
    assert (loaded.access_keys["k"].account, loaded.access_keys["k"].active) == ("other", False)
    jo, off, late = (loaded.addresses.rule(email) for email in ("JO@example.com", "off@example.com", "Any@LATE.example.com"))
    assert jo is not None and off is not None and late is not None
    assert (jo.status, jo.send_ip, jo.location) == (Status.VERIFIED, "42.0.0.115", "case.yaml:14")
    assert (off.outcome, off.status) == (AddressOutcome.QUOTA_EXCEEDED, Status.NONE)
    assert late.outcome is AddressOutcome.EXPIRED
    assert loaded.addresses.rule("late.example.com") is None


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("acounts: {}", "1: found the unknown key `acounts`, expected `accounts`"),
        ("nonsense: 1", "1: found the unknown key `nonsense`, expected one of alimock, extends, description, profile, authentication, "
         "timestamps, unknown_keys, seed, clock, limits, accounts, addresses, faults, stubs, codes"),
        ("profile: newest", "10: profile: found `newest`, expected one of current, docs-2021, docs-2018"),
        ("profile: [current]", "10: profile: found a list, expected one of current, docs-2021, docs-2018"),
        ("profile:", "9: profile: found nothing, expected one of current, docs-2021, docs-2018"),
        ("authentication: on", "17: authentication: found `on`, expected one of known-keys, strict, none"),
        ("clock: 2019-02-30 00:00:00", "8: clock: found `2019-02-30 00:00:00`, expected a time like 2019-02-19 16:38:07 (UTC+8), or "
         "null for real time, or a mapping"),
        ("limits: {sends_per_address_per_day: -1}", "37: limits.sends_per_address_per_day: found `-1`, expected a whole number "
         "up to 999999999, or null for no limit"),
        ("limits: 3", "9: limits: found `3`, expected a mapping"),
        ("addresses: {a@example.com: &a pending, b@example.com: *a}", "55: addresses.b@example.com: found an alias, expected the value itself (`extends` is the "
         "way to share)"),
        ("description: !python/name:os.system x", "14: description: found the tag !python/name:os.system, expected a value without a tag"),
        ("addresses: {plain: verified}", "13: addresses: found `plain`, expected an address, or a pattern with *"),
        ("addresses: {a@example.com: verifed}", "28: addresses.a@example.com: found `verifed`, expected one of verified, pending, "
         "expired, quota-exceeded, illegal, unknown, or a mapping"),
        ("addresses: {a@example.com: {send_ip: x}}", "13: addresses.a@example.com: found neither `status` nor `outcome`, expected at "
         "least one of the two"),
        ("addresses: {a@example.com: {status: verified, token: x}}", "47: addresses.a@example.com.token: found a `token` with `status: "
         "verified`, expected it with `status: pending` only"),
        ("addresses: {a@example.com: pending, A@example.com: pending}", "37: addresses: found `A@example.com` again, expected each key "
         "once (line 2 has it)"),
        ("addresses: {[1]: x}", "13: addresses: found a list as a key, expected a plain text (put quotes around a pattern that "
         "begins with *)"),
        ("accounts: {default: {access_keys: [{id: a, secret: b}, {id: a, secret: c}]}}", "56: accounts.default.access_keys[1]: found the "
         "id `a` again, expected each id once (case.yaml:2 has it)"),
        ("accounts: {default: {access_keys: [{id: a}]}}", "36: accounts.default.access_keys[0]: found no `secret`, expected `secret:` "
         "with the secret that the client signs with (`alimock export --secrets` writes it)"),
        ("accounts: {default: {access_keys: [{secret: a}]}}", "36: accounts.default.access_keys[0]: found no `id`, expected `id:` with "
         "a text"),
        ("addresses: {a@example.com: {status: pending, token: t}, b@example.com: {status: pending, token: t}}",
         "1: addresses.b@example.com: found the token `t` again, expected each token once (case.yaml:2 has it)"),
        ("limits: {link_valid_days: 36501}", "27: limits.link_valid_days: found `36501`, expected a whole number of days up to 36500, or null "
         "for no limit"),
        ("accounts: {default: {access_keys: testid}}", "35: accounts.default.access_keys: found `testid`, expected a list"),
        ("accounts: {default: {access_keys: *x}}", "35: accounts.default.access_keys: found an alias, expected the value itself "
         "(`extends` is the way to share)"),
        ("accounts: {default: {user_id: ''}}", "31: accounts.default.user_id: found nothing, expected a text"),
        ("codes: {Throtling: {status: 429}}", "9: codes: found `Throtling`, expected a code of the service (`alimock fidelity` lists them); did "
         "you mean `Throttling`?"),
        ("codes: {Throttling: {status: 600}}", "30: codes.Throttling.status: found `600`, expected an HTTP status from 400 to 599"),
        ("codes: {Throttling: {status: 200}}", "30: codes.Throttling.status: found `200`, expected an HTTP status from 400 to 599"),
        ("faults: [{when: {action: Nothing}, error: Throttling}]", None),
        ("faults: [{error: Nothing}]", "18: faults[0].error: found `Nothing`, expected a code of the service, such as Throttling.User "
         "(`alimock fidelity` lists them)"),
        ("accounts: {'key:x': {}}", "12: accounts: found `key:x`, expected a name of letters, digits, - and _"),
        ('extends: "x\\0.yaml"', None),
        ("\tprofile: x", "1: found a tab character that violates indentation, expected valid YAML (indent with spaces, not tabs)"),
        ("addresses:\n\tx: y", None),
        ("access_keys: []", "1: found the unknown key `access_keys`, expected one of alimock, extends, description, profile, "
         "authentication, timestamps, unknown_keys, seed, clock, limits, accounts, addresses, faults, stubs, codes"),
        ("addresses: {a@example.com: {status: pendng}}", "37: addresses.a@example.com.status: found `pendng`, expected one of none, "
         "pending, verified"),
        ("accounts: {default: {access_keys: [testid]}}", "36: accounts.default.access_keys[0]: found `testid`, expected a mapping"),
        ("addresses: {a@example.com: {outcome: verified, status: none}}", "48: addresses.a@example.com.status: found `outcome: verified` with "
         "`status: none`, expected `status: verified` or another outcome"),
        ("addresses: {a@example.com: {status: pending, confirm_ip: x}}", "46: addresses.a@example.com.confirm_ip: found a `confirm_ip` with "
         "`status: pending`, expected it with `status: verified` only"),
        ("addresses: {'*@example.com': {status: pending, token: x}}", "48: addresses.*@example.com.token: found a `token` for a pattern, "
         "expected it for a single address only"),
        ("extends: no-such", "10: extends: found `no-such` (no such scenario), expected a built-in scenario "
         "(`alimock scenarios` lists them) or a path with a slash, .yaml, .yml or .json"),
         ("extends: defualt", "10: extends: found `defualt` (no such scenario), expected a built-in scenario "
          "(`alimock scenarios` lists them) or a path with a slash, .yaml, .yml or .json; did you mean `default`?"),
        ("extends: ./missing.yaml", "10: extends: found `missing.yaml` (No such file or directory), expected a readable file"),
        ('description: "\\ud800"', None),
    ],
)  # fmt: skip
def test_error_has_location_value_and_expectation(line: str, expected: str | None) -> None:
    found = error(line)
    assert expected is None or found == expected


def test_all_errors_of_a_file_are_reported_together() -> None:
    found = errors("profil: x\nlimits: {link_valid_days: x}\naddresses:\n  a: b\n  c@example.com: d\n")
    assert [line.split(":")[1] for line in found] == ["1", "1", "2", "4", "4", "5"]


@pytest.mark.parametrize("name", ["no-such", "missing/case.yaml", "case.yaml"])
def test_missing_scenario_is_reported(name: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        loader.load(name)
    assert str(caught.value).startswith(f"{name}: found no such scenario" if name == "no-such" else f"{name}: found No such file")


def test_repeated_token_in_one_account_is_rejected() -> None:
    (found,) = errors(
        "alimock: 1\naccounts: {shop: {addresses: {a@example.com: {status: pending, token: t}}}}\n"
        "addresses: {b@example.com: {status: pending, token: t}}"
    )
    assert "found the token `t` again" in found
    assert scenario(
        "accounts: {one: {addresses: {a@example.com: {status: pending, token: t}}}, "
        "two: {addresses: {b@example.com: {status: pending, token: t}}}}"
    )


KEY = "accounts: {default: {access_keys: [{id: a, secret: %s}]}}"


def test_secret_is_read_from_an_environment_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_SECRET", "from-outside")
    assert scenario(KEY % '"${SHOP_SECRET}"').access_keys["a"].secret == "from-outside"
    assert error(KEY % "'x${SHOP_SECRET}'").endswith(
        "secret: found `x${SHOP_SECRET}`, expected a secret without `${`, or `${NAME}` alone"
    )
    monkeypatch.setenv("SHOP_SECRET", "")
    for _ in range(2):
        assert error(KEY % "'${SHOP_SECRET}'").endswith(
            "found `${SHOP_SECRET}`, expected the environment variable SHOP_SECRET to be set"
        )
        monkeypatch.delenv("SHOP_SECRET", raising=False)


EXPECTED = "expected the text itself (`${NAME}` is replaced only in `secret` and `security_token`)"


@pytest.mark.parametrize(
    ("line", "location", "found"),
    [
        ('addresses: {"${WHO}@example.com": verified}', "13: addresses.${WHO}@example.com", "`${WHO}@example.com`"),
        (
            'addresses: {"jo@${HOST}.example.com": {outcome: verified}}',
            "13: addresses.jo@${HOST}.example.com",
            "`jo@${HOST}.example.com`",
        ),
        ('addresses: {"*${WHO}@example.com": verified}', "13: addresses.*${WHO}@example.com", "`*${WHO}@example.com`"),
        ('addresses: {"${WHO:-jo}@example.com": verified}', "13: addresses.${WHO:-jo}@example.com", "`${WHO:-jo}@example.com`"),
        (
            'accounts: {default: {addresses: {"${WHO}@example.com": verified}}}',
            "34: accounts.default.addresses.${WHO}@example.com",
            "`${WHO}@example.com`",
        ),
        ('addresses: {jo@example.com: {status: pending, token: "${TOKEN}"}}', "54: addresses.jo@example.com.token", "`${TOKEN}`"),
        (
            'faults: [{when: {email: "${WHO}@example.com"}, error: Throttling.User}]',
            "18: faults[0].when.email",
            "`${WHO}@example.com`",
        ),
        ('faults: [{when: {access_key_id: "${KEY}"}, error: Throttling.User}]', "33: faults[0].when.access_key_id", "`${KEY}`"),
        ('accounts: {default: {user_id: "${ID}"}}', "31: accounts.default.user_id", "`${ID}`"),
        ('accounts: {default: {access_keys: [{id: "${KEY}", secret: s}]}}', "41: accounts.default.access_keys[0].id", "`${KEY}`"),
        ('seed: "${SEED}"', "7: seed", "`${SEED}`"),
        ('extends: "${BASE}"', "10: extends", "`${BASE}`"),
    ],
)
def test_variable_that_is_not_replaced_is_rejected_with_its_location(line: str, location: str, found: str) -> None:
    exact = ", or `exact: true` for an address with this text" if "addresses." in location and "token" not in location else ""
    assert error(line) == f"{location}: found {found}, {EXPECTED}{exact}"


def test_text_that_may_mention_a_variable_is_accepted() -> None:
    loaded = scenario(
        'description: uses ${WHO}\naddresses: {"${WHO}@example.com": {outcome: verified, exact: true}, "$WHO@example.com": verified}\n'
        'codes: {ParameterIllegal: {message: "set ${WHO}"}}\nstubs: {CheckDomain: {Name: "${NAME}"}}'
    )
    assert list(loaded.addresses.exact) == ["${who}@example.com", "$who@example.com"]


def test_request_cannot_read_environment_variables() -> None:
    (found,) = errors("alimock: 1\n" + KEY % "'${HOME}'", local=False)
    assert found.endswith("found `${HOME}`, expected the secret itself (a request cannot read environment variables)")


def test_file_over_the_size_limit_is_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MAXIMUM_BYTES", 1024 * 1024)
    path = tmp_path / "large.yaml"
    path.write_text("alimock: 1\n" + "#" * 1024 * 1024)
    with pytest.raises(ScenarioError) as caught:
        loader.load(str(path))
    assert str(caught.value) == f"{path}: found more than 1048576 bytes, expected a file of 1 MiB at most"


@pytest.mark.parametrize(
    ("earlier", "later", "reached"),
    [
        ("*", "*@example.com", False),
        ("*@example.com", "A*@EXAMPLE.com", False),
        ("*@*.example.com", "x*@a.example.com", False),
        ("a*c@example.com", "a*b*c@example.com", False),
        ("a*@example.com", "*@example.com", True),
        ("*@example.com", "*@*.example.com", True),
        ("a*c@example.com", "a*@example.com", True),
    ],
)
def test_unreachable_pattern_is_rejected(earlier: str, later: str, reached: bool) -> None:
    text = f'alimock: 1\naddresses:\n  "{earlier}": verified\n  "{later}": pending\n'
    if reached:
        assert loader.load_text(text.encode(), file="x").addresses.patterns
        return
    assert errors(text) == [
        f"case.yaml:4:3: addresses.{later}: found an entry that is never reached, since `{earlier}` (line 3) matches all that it "
        "matches, expected the narrower pattern first"
    ]


@pytest.mark.parametrize("pattern", ["*@localhost", "*@a@b.com", "a *@b.com", "*@b,c.com", "@*.com", "*@.com"])
def test_pattern_that_matches_no_address_is_rejected(pattern: str) -> None:
    assert error(f'addresses: {{"{pattern}": verified}}').endswith(f"found `{pattern}`, expected an address, or a pattern with *")


@pytest.mark.parametrize("pattern", ["*", "jo*", "*.com", "*@*", "*@late.*", "*+test@*", "*@example.com*", "李*@example.com"])
def test_pattern_that_can_match_is_accepted(pattern: str) -> None:
    assert scenario(f'addresses: {{"{pattern}": verified}}').addresses.patterns


def test_too_many_patterns_or_faults_in_one_file_are_rejected() -> None:
    patterns = "".join(f'  "*@{number}.example.com": verified\n' for number in range(1_001))
    (found,) = errors(f"alimock: 1\naddresses:\n{patterns}")
    assert (
        found == "case.yaml:1003:3: addresses: found more than 1000 patterns, expected fewer, since every call tries them in turn"
    )
    faults = "".join(f"  - {{error: Throttling, when: {{access_key_id: k{number}}}}}\n" for number in range(1_001))
    (found,) = errors(f"alimock: 1\nfaults:\n{faults}")
    assert found == "case.yaml:1003:5: faults: found more than 1000 faults, expected fewer, since every call tries them in turn"


def test_existing_file_with_a_comma_in_its_name_is_one_file(tmp_path: Path) -> None:
    (tmp_path / "a,b.yaml").write_text("alimock: 1\nprofile: docs-2018\n")
    assert loader.load(f"{tmp_path}/a,b.yaml").profile == "docs-2018"


def test_errors_beyond_the_limit_are_counted() -> None:
    found = errors("alimock: 1\n" + "".join(f"{'x' * 100}{number}: 1\n" for number in range(5_000)))
    assert len(found) == 101
    assert found[-1] == "case.yaml: 4900 more errors; fix the errors above first"
    assert found[0] == f"case.yaml:2:1: found the unknown key `{'x' * 60}...`, expected one of " + ", ".join(SCENARIO.table)


@pytest.mark.parametrize("line", ["seed: null", "description: ~", "accounts: {default: {user_id: null}}"])
def test_null_is_not_a_text(line: str) -> None:
    assert ", expected a text" in error(line)


@pytest.mark.parametrize("text", ['"null"', "'~'"])
def test_quoted_null_is_a_text(text: str) -> None:
    assert scenario(f"seed: {text}").seed == text[1:-1]
