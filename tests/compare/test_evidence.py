"""The evidence: what is masked, and files that are no evidence."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import quote

import pytest
from alimock import __version__
from alimock.compare import evidence, report
from alimock.compare.evidence import EvidenceError, EvidenceFile, Mask
from service import EMAIL, KEY_ID, SECRET, FakeService, caller, comparison

MASK = Mask(caller(security_token="a/token+of=mine"), EMAIL, "127.0.0.1:2546")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (SECRET, "SECRET"),
        (SECRET.replace("/", "\\/"), "SECRET"),
        (SECRET.replace("+", " "), "SECRET"),
        (SECRET.replace("/", "&#47;"), "SECRET"),
        (SECRET.replace("/", "\\u002f").replace("+", "%252525252b"), "SECRET"),
        ("real&#45;Secret&#47;0123&#43;456&#61;", "SECRET"),
        ("real&#x2D;Secret&#x2F;0123&#x2B;456&#x3D;", "SECRET"),
        (f"x={KEY_ID}&", "x=KEY_ID&"),
        (KEY_ID.lower(), "KEY_ID"),
        ("SecurityToken%3Da%252Ftoken%252Bof%253Dmine%26", "SecurityToken%3DSECURITY_TOKEN%26"),
        ("a%2Ftoken%2Bof%3Dmine", "SECURITY_TOKEN"),
        (EMAIL, "ADDRESS"),
        (EMAIL.upper(), "ADDRESS"),
        ("Email%3Djo%2540real.example.com%26", "Email%3DADDRESS%26"),
        ("the host 127.0.0.1:2546 is", "the host HOST is"),
        ("another.person+x@mail.example.org", "ADDRESS"),
        ("another%40mail.example.org", "ADDRESS"),
        ("\u7528\u6237@\u4f8b\u5b50.example", "ADDRESS"),
        ("8C7FF3C5-42F8-55C8-8A44-403A3467F278", "UUID"),
        ("Nonce%3De189e493-c583-4943-a832-976e8e6d43da%26", "Nonce%3DUUID%26"),
        ("0b32247496409441e9e179ea7c2e0123", "HEX"),
        ("from 203.0.113.7.", "from IP."),
        ("from 2001:db8::7", "from IP"),
        ("from fe80:1:2:3:4:5:6:7", "from IP"),
        ("at ::1, [fe80::1]:80 or ::ffff:203.0.113.7: closed", "at IP, [IP]:80 or IP: closed"),
        ("::error title=a::text", "::error title=a::text"),
        ("std::dec, 1:2:3 and at 12:30:00", "std::dec, 1:2:3 and at 12:30:00"),
        ("user 1406926474061234", "user DIGITS"),
        ("a\n::error::b\rsame\x1b[2J\u2028\x9b\u202e", "a\\n::error::b\\rsame\\x1b[2J\\u2028\\x9b\\u202e"),
        ("acs:ram::1406926474061234:user/jo", "RESOURCE"),
        ("key LTAI5tABCDEF123456", "key KEY_ID"),
        ("STS.NUabc", "KEY_ID"),
        ("Email is mandatory for this action.", "Email is mandatory for this action."),
        ("a time like 2019-02-19 16:38:07", "a time like 2019-02-19 16:38:07"),
        ("https://api.aliyun.com/troubleshoot?q=CODE&product=Domain&requestId=REQUEST_ID", "https://api.aliyun.com/troubleshoot?q=CODE&product=Domain&requestId=REQUEST_ID"),
        ("domain.aliyuncs.com", "domain.aliyuncs.com"),
        ("32 lower-case hex digits, number 1", "32 lower-case hex digits, number 1"),
    ],
)  # fmt: skip
def test_private_text_is_masked_and_other_text_is_not(text: str, expected: str) -> None:
    assert MASK.text(text) == expected


LONG = "CAIS" + "".join(chr(65 + number * 7 % 26) for number in range(2500)) + "+/=="


@pytest.mark.parametrize("before", [0, 100, 1000, 1990, 2000, 5000])
@pytest.mark.parametrize(
    "private", [LONG, quote(quote(LONG, safe=""), safe=""), SECRET, EMAIL, "another.person@example.org", "0" * 12]
)
def test_private_text_is_masked_wherever_a_long_text_is_cut(private: str, before: int) -> None:
    masked = Mask(caller(security_token=LONG), EMAIL, "x.aliyuncs.com").text("y " * (before // 2) + private + " z" * 2000)
    assert len(masked) <= 2003
    assert [part for part in (private[:8], private[-30:]) if part in masked] == []


def test_short_credentials_do_not_mask_each_other() -> None:
    assert Mask(caller(access_key_id="a", secret="d"), EMAIL, "x.aliyuncs.com").text("a d") == "KEY_ID SECRET"


def written(path: Path, authority: str = "domain.aliyuncs.com") -> Path:
    who = caller()
    played = list(comparison(FakeService(), "refusals").results())
    path.write_text(evidence.document(played, who, authority, Mask(who, EMAIL, authority), is_trial=False), encoding="utf-8")
    return path


def test_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    found = evidence.load(written(tmp_path / "e.yaml"))
    assert (found.endpoint, found.version, found.signature) == ("domain.aliyuncs.com", "2018-01-29", "v1")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", found.date)
    assert found.confirmed["code/MissingToken"] == ["refusals/verify-without-token"]
    assert found.refuted == {}
    assert (found.alimock, found.profile) == (__version__, "current")
    assert "This is alimock" not in report.section(found)


def test_host_that_is_not_the_vendors_is_not_named(tmp_path: Path) -> None:
    assert evidence.load(written(tmp_path / "e.yaml", "proxy.corp.example.com:8443")).endpoint == "another host"
    assert "corp" not in (tmp_path / "e.yaml").read_text()


HEAD = "evidence: 1\nalimock: 9.9.9\nprofile: current\nendpoint: x\nversion: 2018-01-29\nsignature: v1\ndate: 2026-01-31\n"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "no content"),
        (b"\xff", "the byte 0xff"),
        (b"a: [", "expected valid YAML"),
        (b"[" * 10_000, "expected "),
        (b"alimock: 1", "no `evidence: 1`"),
        (b"[evidence]", "no `evidence: 1`"),
        (b"evidence: 2", "no `evidence: 1`"),
        (b"evidence: 1", "`alimock` is missing or was changed by hand"),
        (HEAD.replace("9.9.9", "[]").encode(), "`alimock` is missing or was changed by hand"),
        (HEAD.replace("current", "a b").encode(), "`profile` is missing or was changed by hand"),
        (HEAD.replace("2018-01-29", "{}").encode(), "`version` is missing or was changed by hand"),
        (HEAD.replace("v1", "v2").encode(), "`signature` is missing or was changed by hand"),
        (HEAD.replace("2026-01-31", "today").encode(), "`date` is missing or was changed by hand"),
        (HEAD.encode(), "`rows` is missing or was changed by hand"),
        (f"{HEAD}rows: []".encode(), "`rows` is missing or was changed by hand"),
        (f"{HEAD}rows: 1".encode(), "`rows` is missing or was changed by hand"),
        (f"{HEAD}rows: {{a: []}}".encode(), "`rows: a` is missing or was changed by hand"),
        (f"{HEAD}rows: {{a: {{confirmed by: [b]}}}}".encode(), "`rows: a` is missing or was changed by hand"),
        (f"{HEAD}rows: {{a: {{confirmed by: [], refuted by: 1}}}}".encode(), "`rows: a` is missing or was changed by hand"),
        (f"{HEAD}rows: {{a: {{confirmed by: [], refuted by: [[]]}}}}".encode(), "`rows: a` is missing or was changed by hand"),
        (f"{HEAD}rows: {{a: {{confirmed by: [], refuted by: []}}}}".encode(), "`rows: a` is missing or was changed by hand"),
        (b"evidence: &a 1\nrows: *a", "`alimock` is missing or was changed by hand"),
    ],
)
def test_file_that_is_no_evidence_is_refused(content: bytes, expected: str, tmp_path: Path) -> None:
    file = tmp_path / "e.yaml"
    file.write_bytes(content)
    with pytest.raises(EvidenceError) as caught:
        evidence.load(file)
    assert str(caught.value).startswith(str(file))
    assert expected in str(caught.value)


def test_unreadable_and_large_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in (tmp_path, tmp_path / "none", Path("\0")):
        with pytest.raises(EvidenceError):
            evidence.load(path)
    monkeypatch.setattr(evidence, "MAXIMUM_BYTES", 10)
    with pytest.raises(EvidenceError, match="more than 10 bytes"):
        evidence.load(written(tmp_path / "e.yaml"))


def test_control_characters_of_a_file_are_not_printed(tmp_path: Path) -> None:
    file = tmp_path / "e.yaml"
    file.write_text(
        HEAD.replace("endpoint: x", 'endpoint: "a\\e[31m\\nb"') + 'rows: {"c\\e[0m": {confirmed by: [d], refuted by: []}}'
    )
    section = report.section(evidence.load(file))
    assert "\x1b" not in section
    assert "Compared with a\\x1b[31m b on" in section


def test_section_names_lines_of_other_versions_and_escapes_cells() -> None:
    found = EvidenceFile(
        "9.9.9", "current", "a|b", "2018-01-29", "v1", "2026-01-31", {"code/MissingEmail": ["a|b"]}, {"code/Gone": ["x"]}
    )
    section = report.section(found)
    assert "By alimock 9.9.9 with the profile `current`.\nThis is alimock " in section
    assert "| refuted | code/Gone |  | (not in this version's ledger) | x |" in section
    assert "a\\|b |" in section
