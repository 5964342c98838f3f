"""Scenario files: what they say, how they extend each other, and how a wrong one is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from alimock.api.http import Call
from alimock.api.service import Service
from alimock.scenario import export, loader, sources
from alimock.scenario.address_rules import AddressOutcome, Status
from alimock.scenario.diagnostics import ScenarioError
from alimock.scenario.model import Authentication, ServiceLimits
from alimock.scenario.schema import SCENARIO
from alimock.spec.times import parse_time
from alimock.state.store import Store
from conftest import make_api, scenario


def mistakes(text: str, **options: object) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        loader.load_text(text.encode() if isinstance(text, str) else text, file="case.yaml", **options)  # type: ignore[arg-type]
    return str(caught.value).splitlines()


def mistake(line: str) -> str:
    """Gives the only mistake of a file whose second line this is."""
    (found,) = mistakes(f"alimock: 1\n{line}\n")
    return found.removeprefix("case.yaml:2:")


@pytest.mark.parametrize("name", sources.built_in_names())
def test_a_built_in_scenario_loads_says_what_it_is_and_is_short(name: str) -> None:
    assert loader.load(name).description.endswith(".")
    assert len((sources.BUILT_IN_FOLDER / f"{name}.yaml").read_text().splitlines()) < 40


def test_a_scenario_says_everything_the_format_has() -> None:
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
         f"({', '.join(sources.built_in_names())}) or a path with a slash or .yaml"),
        ("extends: ./missing.yaml", "10: extends: found `missing.yaml` (No such file or directory), expected a readable file"),
        ('description: "\\ud800"', None),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_place_and_its_remedy(line: str, expected: str | None) -> None:
    found = mistake(line)
    assert expected is None or found == expected


def test_all_mistakes_of_a_file_are_told_together() -> None:
    found = mistakes("profil: x\nlimits: {link_valid_days: x}\naddresses:\n  a: b\n  c@example.com: d\n")
    assert [line.split(":")[1] for line in found] == ["1", "1", "2", "4", "4", "5"]


@pytest.mark.parametrize(
    ("content", "start"),
    [
        ("", "case.yaml:1:1: found no content, expected a mapping that begins with `alimock: 1`"),
        ("just text", "case.yaml:1:1: found `just text`, expected a mapping that begins with `alimock: 1`"),
        ("alimock: 2", "case.yaml:1:10: alimock: found `2`, expected 1 (the version of this format)"),
        ("description: x", "case.yaml:1:1: found no `alimock`, expected `alimock:` with 1 (the version of this format)"),
        (
            "alimock: 1\n  profile: current",
            "case.yaml:2:10: found mapping values are not allowed in this context, expected valid YAML",
        ),
        ("alimock: [1", "case.yaml:"),
        ("alimock: 1\n---\nalimock: 1", "case.yaml:2:1: found a second document, expected one document"),
        ("alimock: 1\n\x07", "case.yaml:2:1: found "),
        ("[" * 100_000, "case.yaml:1:"),
        ("a: " * 5_000, "case.yaml:1:"),
    ],
)
def test_what_is_no_scenario_at_all_is_told_so(content: str, start: str) -> None:
    assert mistakes(content)[0].startswith(start)


@pytest.mark.parametrize("entry", ["*@late.example.com: expired", "*: expired", "*late: expired"])
def test_a_pattern_without_quotes_is_told_what_it_lacks(entry: str) -> None:
    (found,) = mistakes(f"alimock: 1\naddresses:\n  {entry}\n")
    assert found.startswith("case.yaml:3:")
    assert found.endswith("(put quotes around a pattern that begins with *)")


def test_bytes_that_are_not_utf8_are_told_by_their_place() -> None:
    assert mistakes(b"alimock: 1\n# \xff") == ["case.yaml:2:3: found the byte 0xff, expected UTF-8 text"]  # type: ignore[arg-type]


def test_scalars_are_text_whatever_yaml_would_make_of_them() -> None:
    loaded = scenario("accounts: {off: {user_id: 0123, access_keys: [{id: yes, secret: 1e3}]}}")
    assert loaded.user_ids["off"] == "0123"
    assert loaded.access_keys["yes"].secret == "1e3"


def test_a_file_extends_a_file_beside_it_and_overrides_it_entry_by_entry(tmp_path: Path) -> None:
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


def test_a_circle_of_files_is_told(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    one, two = tmp_path / "one.yaml", tmp_path / "two.yaml"
    one.write_text("alimock: 1\nextends: two.yaml\n")
    two.write_text("alimock: 1\nextends: sub/../one.yaml\n")
    with pytest.raises(ScenarioError) as caught:
        loader.load(str(one))
    expected = "extends: found `sub/../one.yaml` (a file that extends itself), expected a file that does not extend this one"
    assert str(caught.value) == f"{two}:2:10: {expected}"


def test_a_mistake_in_an_extended_file_keeps_its_own_place(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("alimock: 1\nprofile: x\n")
    child = tmp_path / "child.yaml"
    child.write_text("alimock: 1\nextends: base.yaml\nclock: x\n")
    with pytest.raises(ScenarioError) as caught:
        loader.load(str(child))
    places = [(Path(one.file).name, one.line, one.path) for one in caught.value.mistakes]
    assert places == [("child.yaml", 3, "clock"), ("base.yaml", 2, "profile")]


@pytest.mark.parametrize("name", ["no-such", "missing/case.yaml", "case.yaml"])
def test_a_scenario_that_is_not_there_is_told(name: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        loader.load(name)
    assert str(caught.value).startswith(f"{name}: found no such scenario" if name == "no-such" else f"{name}: found No such file")


def test_a_request_extends_built_in_scenarios_only() -> None:
    found = mistakes("alimock: 1\nextends: ./case.yaml\n", local=False)
    assert found[0].startswith("case.yaml:2:10: extends: found `./case.yaml` (a path), expected a built-in scenario")
    assert loader.load_text(b"alimock: 1\nextends: default", file="x", local=False).access_keys


def test_json_says_the_same_as_yaml() -> None:
    text = {
        "alimock": 1,
        "clock": None,
        "limits": {"link_valid_days": None},
        "addresses": {"a@example.com": {"status": "verified"}},
    }
    loaded = loader.load_text(json.dumps(text).encode(), file="x", json=True)
    assert loaded.limits.link_valid_days is None
    assert loaded.addresses.exact["a@example.com"].status is Status.VERIFIED


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"alimock": 1,\n', "case.yaml:2:1: found no node content, expected valid YAML"),
        ('{"alimock": 1, "description": "\\ud800"}', None),
        ('{"alimock": 1, "description": "\\ud8zz\\udc00"}', None),
        ("[" * 100_000, None),
        ('{"alimock": 1, "limits": {"link_valid_days": ' + "9" * 5_000 + "}}", None),
        ('{"alimock": 1,\n "clock": null,\n "clock": null}', "case.yaml:3:2: found `clock` again, expected each key once (line 2 has it)"),
    ],
)  # fmt: skip
def test_an_error_in_json_is_reported_with_its_location(text: str, expected: str | None) -> None:
    (found,) = mistakes(text, json=True)
    assert expected is None or found == expected


TEXTS = ["\U0001f600", "\\ud83d\\ude00", "/", "\x7f", "\x85", "\u2028", "\ufffe", "\x00", "a\tb\n", "李", " x  y ", "#", "\\"]


@pytest.mark.parametrize("escaped", [True, False])
@pytest.mark.parametrize("indent", [None, "\t"])
def test_every_json_value_is_read_as_json_reads_it(escaped: bool, indent: str | None) -> None:
    fields = {"Texts": TEXTS, "Numbers": [0, -1, 1.5, 1e22], "Others": [True, False, None, {}], "Item": {"_": [{"a": []}]}}
    text = json.dumps({"alimock": 1, "stubs": {"QueryX": fields}}, ensure_ascii=escaped, indent=indent)
    loaded = loader.load_text(("\t" + text.replace("/", "\\/")).encode(), file="x", json=True)
    assert loaded.stubs["QueryX"].fields == fields


@pytest.mark.parametrize("name", sources.built_in_names())
def test_an_exported_scenario_loads_back_to_the_same(name: str) -> None:
    loaded = loader.load(name)
    document = export.document(loaded)
    assert "testsecret" not in json.dumps(document)
    for content, is_json in ((json.dumps(document), True), (yaml.safe_dump(document, sort_keys=False), False)):
        again = loader.load_text(content.encode(), file="x", json=is_json, known_keys=loaded.access_keys)
        assert export.document(again) == document
        assert {key.id: key.secret for key in again.access_keys.values()} == {
            key.id: key.secret for key in loaded.access_keys.values()
        }


def test_a_scenario_with_everything_loads_back_to_the_same() -> None:
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
    assert [pattern.rule.address for pattern in again.addresses.patterns] == ["*@c.example.com", "*"]


RECORD_TIMES = ("GmtCreate", "GmtModified", "TokenSendTime", "VerificationTime")


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("pending", ["2026-01-01 08:00:00"] * 3 + [None]),
        ("verified", ["2026-01-01 08:00:00"] * 4),
        ("expired", ["2025-12-28 08:00:00"] * 3 + [None]),
        ("{status: verified, verification_time: 2020-01-02 00:00:00}", ["2020-01-02 00:00:00"] * 4),
        ("{status: pending, gmt_create: 2020-01-01 00:00:00, token_send_time: 2020-01-02 00:00:00}",
         ["2020-01-01 00:00:00", "2020-01-02 00:00:00", "2020-01-02 00:00:00", None]),
        ("{status: verified, gmt_create: 2020-01-01 00:00:00, verification_time: 2020-01-03 00:00:00}",
         ["2020-01-01 00:00:00", "2020-01-03 00:00:00", "2020-01-01 00:00:00", "2020-01-03 00:00:00"]),
    ],
)  # fmt: skip
def test_a_record_gets_the_times_it_does_not_say(entry: str, expected: list[str | None]) -> None:
    body = make_api(scenario(f"addresses: {{jo@example.com: {entry}}}")).json("QueryEmailVerification", Email="jo@example.com")
    assert [body.get(name) for name in RECORD_TIMES] == expected


def test_a_frozen_clock_stands_still() -> None:
    api = make_api(scenario("clock: 2019-02-19 16:38:07"))
    api.time.now += 1_000
    api.lists("SubmitEmailVerification", "jo@example.com")
    assert api.json("QueryEmailVerification", Email="jo@example.com")["GmtCreate"] == "2019-02-19 16:38:07"


def test_a_list_of_files_lies_over_each_other_each_read_once(tmp_path: Path) -> None:
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
        assert [one.rule.address for one in loaded.addresses.patterns] == ["*@example.com", "*@x.example.com"]
        assert [(one.id, one.error) for one in loaded.faults_by_id.values()] == [
            ("one", "ServiceUnavailable"),
            ("1", "API_Block"),
            ("two", "InternalError"),
        ]
        assert loaded.stubs["SaveTask"].fields == {"No": 2}
        assert loaded.description == ""
        files = [path.name for path in loaded.files if path != both]
        assert files == ["left.yaml", "base.yaml", "right.yaml", "empty.yaml"]


def test_an_account_has_its_own_addresses_over_the_common_ones() -> None:
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


def test_a_token_is_told_when_two_addresses_of_one_account_have_it() -> None:
    (found,) = mistakes(
        "alimock: 1\naccounts: {shop: {addresses: {a@example.com: {status: pending, token: t}}}}\n"
        "addresses: {b@example.com: {status: pending, token: t}}"
    )
    assert "found the token `t` again" in found
    assert scenario(
        "accounts: {one: {addresses: {a@example.com: {status: pending, token: t}}}, "
        "two: {addresses: {b@example.com: {status: pending, token: t}}}}"
    )


KEY = "accounts: {default: {access_keys: [{id: a, secret: %s}]}}"


def test_a_secret_can_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_SECRET", "from-outside")
    assert scenario(KEY % '"${SHOP_SECRET}"').access_keys["a"].secret == "from-outside"
    assert scenario(KEY % "'x${SHOP_SECRET}'").access_keys["a"].secret == "x${SHOP_SECRET}"
    monkeypatch.setenv("SHOP_SECRET", "")
    for _ in range(2):
        assert mistake(KEY % "'${SHOP_SECRET}'").endswith(
            "found `${SHOP_SECRET}`, expected the environment variable SHOP_SECRET to be set"
        )
        monkeypatch.delenv("SHOP_SECRET", raising=False)


def test_a_request_does_not_read_the_environment() -> None:
    (found,) = mistakes("alimock: 1\n" + KEY % "'${HOME}'", local=False)
    assert found.endswith("found `${HOME}`, expected the secret itself (a request cannot read environment variables)")


def test_a_file_over_the_limit_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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
def test_a_pattern_that_is_never_reached_is_told(earlier: str, later: str, reached: bool) -> None:
    text = f'alimock: 1\naddresses:\n  "{earlier}": verified\n  "{later}": pending\n'
    if reached:
        assert loader.load_text(text.encode(), file="x").addresses.patterns
        return
    assert mistakes(text) == [
        f"case.yaml:4:3: addresses.{later}: found an entry that is never reached, since `{earlier}` (line 3) matches all that it "
        "matches, expected the narrower pattern first"
    ]


@pytest.mark.parametrize("pattern", ["*@localhost", "*@a@b.com", "a *@b.com", "*@b,c.com", "@*.com", "*@.com"])
def test_a_pattern_that_matches_no_address_is_told(pattern: str) -> None:
    assert mistake(f'addresses: {{"{pattern}": verified}}').endswith(f"found `{pattern}`, expected an address, or a pattern with *")


@pytest.mark.parametrize("pattern", ["*", "jo*", "*.com", "*@*", "*@late.*", "*+test@*", "*@example.com*", "李*@example.com"])
def test_a_pattern_that_can_match_is_fine(pattern: str) -> None:
    assert scenario(f'addresses: {{"{pattern}": verified}}').addresses.patterns


def test_too_many_patterns_and_faults_are_told() -> None:
    patterns = "".join(f'  "*@{number}.example.com": verified\n' for number in range(1_001))
    (found,) = mistakes(f"alimock: 1\naddresses:\n{patterns}")
    assert (
        found == "case.yaml:1003:3: addresses: found more than 1000 patterns, expected fewer, since every call tries them in turn"
    )
    faults = "".join(f"  - {{error: Throttling, when: {{access_key_id: k{number}}}}}\n" for number in range(1_001))
    (found,) = mistakes(f"alimock: 1\nfaults:\n{faults}")
    assert found == "case.yaml:1003:5: faults: found more than 1000 faults, expected fewer, since every call tries them in turn"


def test_more_patterns_and_faults_of_several_files_than_a_call_should_try_are_told(tmp_path: Path) -> None:
    for name in ("one", "two"):
        faults = "".join(f"  - {{error: Throttling, when: {{access_key_id: {name}{number}}}}}\n" for number in range(600))
        patterns = "".join(f'  "*@{name}{number}.example.com": verified\n' for number in range(600))
        (tmp_path / f"{name}.yaml").write_text(f"alimock: 1\nfaults:\n{faults}addresses:\n{patterns}")
    with pytest.raises(ScenarioError) as caught:
        loader.load(f"{tmp_path}/one.yaml,{tmp_path}/two.yaml")
    assert [mistake.found for mistake in caught.value.mistakes] == [
        "1200 patterns in all files together",
        "1200 faults in all files together",
    ]


def test_a_long_chain_of_files_is_told_and_not_followed(tmp_path: Path) -> None:
    for number in range(200):
        (tmp_path / f"{number}.yaml").write_text(f"alimock: 1\nextends: {number + 1}.yaml\n")
    with pytest.raises(ScenarioError, match="50 files in a row at most"):
        loader.load(f"{tmp_path}/0.yaml")


def test_a_file_with_a_comma_in_its_name_is_one_file(tmp_path: Path) -> None:
    (tmp_path / "a,b.yaml").write_text("alimock: 1\nprofile: docs-2018\n")
    assert loader.load(f"{tmp_path}/a,b.yaml").profile == "docs-2018"


def test_a_flood_of_mistakes_is_told_in_part() -> None:
    found = mistakes("alimock: 1\n" + "".join(f"{'x' * 100}{number}: 1\n" for number in range(5_000)))
    assert len(found) == 101
    assert found[-1] == "case.yaml: 4900 more errors; fix the errors above first"
    assert found[0] == f"case.yaml:2:1: found the unknown key `{'x' * 60}...`, expected one of " + ", ".join(SCENARIO.table)


@pytest.mark.parametrize("line", ["seed: null", "description: ~", "accounts: {default: {user_id: null}}"])
def test_null_is_no_text(line: str) -> None:
    assert ", expected a text" in mistake(line)


@pytest.mark.parametrize("text", ['"null"', "'~'"])
def test_null_in_quotes_is_a_text(text: str) -> None:
    assert scenario(f"seed: {text}").seed == text[1:-1]


def test_a_status_without_a_name_of_its_own_is_answered() -> None:
    api = make_api(scenario("codes: {Throttling: {status: 499}}\nfaults: [{error: Throttling}]"))
    assert api.call("ListEmailVerification").status == 499


def test_an_escape_that_is_no_character_is_told() -> None:
    assert mistake('description: "\\U00110000"')


def test_a_star_can_be_a_letter() -> None:
    api = make_api(scenario('addresses: {"o*@example.com": {status: verified, exact: true}}'))
    assert api.code("QueryEmailVerification", Email="other@example.com") == "ParameterIllegal"
    assert api.json("QueryEmailVerification", Email="o*@example.com")["VerificationStatus"] == 1


def test_a_clock_can_run_on_from_a_time() -> None:
    api = make_api(scenario("clock: {now: 2019-02-19 16:38:07, frozen: false}"))
    api.time.now += 60
    api.lists("SubmitEmailVerification", "jo@example.com")
    assert api.json("QueryEmailVerification", Email="jo@example.com")["GmtCreate"] == "2019-02-19 16:39:07"
    assert scenario("clock: {now: 2019-02-19 16:38:07}").clock_runs is False
    assert mistake("clock: {frozen: false}").endswith(
        "found no `now`, expected `now:` with a time like 2019-02-19 16:38:07 (UTC+8)"
    )


def test_a_seed_repeats_every_id_number_and_token() -> None:
    def life(text: str) -> list[object]:
        api = make_api(scenario(f"clock: 2024-05-01 09:30:00\n{text}"))
        api.store.load(api.store.scenario)
        seen: list[object] = []
        for _ in range(2):
            seen += [api.call("SubmitEmailVerification", Email=email) for email in ("a@example.com", "b@example.com", "a@x")]
            seen += [api.call("NoSuchAction"), api.call("ListEmailVerification", Format="JSON")]
            seen += [(mail.id, mail.token) for mail in api.store.outbox.entries()]
            api.store.reset()
        return seen

    same, other = life("seed: one"), life("seed: two")
    assert same == life("seed: one")
    assert same[:7] == same[7:]
    assert not set(map(str, same)) & set(map(str, other))


def test_without_a_seed_nothing_repeats() -> None:
    worlds = [Service(Store(scenario())) for _ in range(2)]
    ids = {dict(service.answer(Call("GET", "Action=x&Version=2018-01-29", {}, b"", "")).headers)["ETag"] for service in worlds}
    assert len(ids) == 2
