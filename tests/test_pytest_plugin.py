"""The pytest plugin, tested in separate pytest runs, as in a user's repository."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

# Imported by the inner tests: pytester unloads the modules that an inner run imports first, so each run would import them again.
import alibabacloud_domain20180129.client
import alimock.app
import alimock.testing.session
import pytest
from alimock.pytest_plugin import OPTIONS
from conftest import Running

# Plugins that are slow to load.
QUIET = ("-p", "no:hypothesispytest", "-p", "no:anyio", "-p", "no:schemathesis")
PROXIES = ("HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "ALL_PROXY", "Http_Proxy")
# How the tests of a user call the service: with the official SDK, or with an unsigned request.
HELPERS = """
import json
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import urlopen

from alibabacloud_domain20180129 import models
from alibabacloud_domain20180129.client import Client
from alibabacloud_tea_openapi.utils_models import Config


def sdk(alimock, secret=None):
    key = {"access_key_id": alimock.access_key_id, "access_key_secret": secret or alimock.access_key_secret}
    return Client(Config(endpoint=alimock.endpoint, protocol="http", **key))


def submit(alimock, email="jo@example.com", **options):
    return sdk(alimock, **options).submit_email_verification(models.SubmitEmailVerificationRequest(email=email)).body


def query(alimock, email):
    return sdk(alimock).query_email_verification(models.QueryEmailVerificationRequest(email=email)).body


def unsigned(url, action, **parameters):
    try:
        with urlopen(f"{url}/?{urlencode({'Action': action, 'Version': '2018-01-29', 'Format': 'JSON', **parameters})}") as response:
            return json.load(response)
    except HTTPError as error:
        with error:
            return json.load(error)
"""


ALREADY_IMPORTED = (alibabacloud_domain20180129.client, alimock.app, alimock.testing.session)


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove settings of the environment."""
    for option in OPTIONS:
        monkeypatch.delenv(option.variable, raising=False)


@pytest.fixture
def repository(pytester: pytest.Pytester) -> pytest.Pytester:
    """A user's repository with the helpers above."""
    pytester.makepyfile(helpers=HELPERS)
    pytester.makeini(
        "[pytest]\nfilterwarnings =\n    error\n    ignore::DeprecationWarning\n    ignore:unclosed <socket:ResourceWarning\n"
    )
    return pytester


def ran(repository: pytest.Pytester, tests: str, *arguments: str, **outcomes: int) -> str:
    """Run tests, check the outcomes, and return the output."""
    repository.makepyfile(test_app=f"import pytest\nfrom helpers import *\n\n{tests}")
    result = repository.runpytest(*QUIET, *arguments)
    result.assert_outcomes(**outcomes)
    return str(result.stdout)


def test_fixture_receives_calls_and_mails(repository: pytest.Pytester) -> None:
    ran(
        repository,
        """
def test_a_user_verifies_an_address(alimock):
    submit(alimock)
    message = alimock.outbox.wait(to="jo@example.com")
    sdk(alimock).verify_email(models.VerifyEmailRequest(token=message.token))
    assert query(alimock, "jo@example.com").verification_status == 1
    assert [call.authentication for call in alimock.calls.list()] == ["checked"] * 3
""",
        passed=1,
    )


def test_each_test_has_a_separate_account_and_key(repository: pytest.Pytester) -> None:
    ran(
        repository,
        """
seen = set()

@pytest.mark.parametrize("number", range(3))
def test_alone(alimock, number):
    assert alimock.outbox.messages() == [] and alimock.calls.count() == 0
    submit(alimock)
    assert len(alimock.outbox.messages()) == 1
    seen.add((alimock.access_key_id, alimock.url))
    assert len(seen) == number + 1 and len({url for _, url in seen}) == 1

def test_a_wrong_secret_is_refused(alimock):
    with pytest.raises(Exception, match="Specified signature does not match"):
        submit(alimock, secret="wrong")
""",
        passed=4,
    )


def test_server_and_url_are_session_fixtures(repository: pytest.Pytester) -> None:
    ran(
        repository,
        """
@pytest.fixture(scope="session")
def endpoint(alimock_url, alimock_server):
    assert alimock_url == alimock_server.url
    return alimock_server.endpoint

def test_it(endpoint, alimock):
    assert alimock.endpoint == endpoint

def test_keys_of_closed_accounts_are_forgotten(alimock_server):
    keys = alimock_server.connection.wide.send("GET", "access-keys")["access_keys"]
    assert [key["id"] for key in keys] == ["testid"]
""",
        passed=2,
    )


@pytest.mark.slow
def test_marker_configures_the_account(repository: pytest.Pytester) -> None:
    (repository.path / "cases").mkdir()
    (repository.path / "cases" / "late.yaml").write_text("alimock: 1\nextends: default\nclock: 2024-05-01 09:30:00\n")
    ran(
        repository,
        """
@pytest.mark.alimock("quota-exceeded")
def test_a_built_in_scenario(alimock):
    assert submit(alimock, "test1@aliyun.com").fail_list[0].code == "SendTokenQuotaExceeded"

@pytest.mark.alimock(scenario="cases/late.yaml")
def test_a_file_from_the_root_directory(alimock, monkeypatch, tmp_path):
    assert alimock.clock.now().year == 2024

@pytest.mark.alimock(scenario={"extends": "cases/late"})
def test_a_mapping_that_extends_a_file(alimock):
    assert alimock.clock.now().year == 2024

@pytest.mark.alimock(scenario=__import__("pathlib").Path("cases/late.yaml"))
def test_a_path(alimock):
    assert alimock.clock.now().year == 2024

@pytest.mark.alimock(scenario={"addresses": {"al@example.com": "verified"}})
def test_a_mapping_stands_alone(alimock):
    assert query(alimock, "al@example.com").verification_status == 1
    assert alimock.addresses.get("abc@aliyun.com") is None

@pytest.mark.alimock(addresses={"al@example.com": "verified", "*@late.example.com": "expired"})
def test_addresses_lie_over_the_sessions_scenario_and_survive_a_reset(alimock):
    for _ in range(2):
        assert query(alimock, "al@example.com").verification_status == 1
        assert query(alimock, "abc@aliyun.com").verification_status == 1
        assert query(alimock, "x@late.example.com").verification_status == 0
        alimock.reset()

@pytest.mark.alimock(scenario="cases/late.yaml", addresses={"al@example.com": "illegal"})
def test_addresses_lie_over_the_scenario_of_the_marker(alimock):
    assert submit(alimock, "al@example.com").fail_list[0].code == "ParameterIllegall"
    assert alimock.clock.now().year == 2024

@pytest.mark.alimock(scenario="cases/late.yaml")
class TestMarkersOfClasses:
    @pytest.mark.alimock(addresses={"al@example.com": "verified"})
    def test_join_those_of_tests(self, alimock):
        assert query(alimock, "al@example.com").verification_status == 1
        assert alimock.clock.now().year == 2024

    @pytest.mark.alimock("default")
    def test_and_the_nearest_counts(self, alimock):
        assert alimock.clock.now().year > 2024
""",
        passed=9,
    )


def test_account_of_a_fixed_key_is_reset_for_each_test(repository: pytest.Pytester) -> None:
    ran(
        repository,
        """
pytestmark = pytest.mark.alimock(access_key_id="app", access_key_secret="hush")

@pytest.mark.parametrize("number", range(2))
def test_fixed(alimock, number):
    assert (alimock.access_key_id, alimock.access_key_secret) == ("app", "hush")
    assert alimock.outbox.messages() == []
    submit(alimock)

@pytest.mark.alimock(access_key_id="testid", access_key_secret="testsecret")
@pytest.mark.parametrize("number", range(2))
def test_the_key_of_the_scenario(alimock, number):
    assert alimock.calls.count() == 0
    submit(alimock)
    unsigned(alimock.url, "SubmitEmailVerification", Email="al@example.com")
    assert len(alimock.outbox.messages()) == 2
""",
        passed=4,
    )


def test_account_of_a_fixed_key_is_restored_after_the_test(repository: pytest.Pytester) -> None:
    ran(
        repository,
        """
@pytest.mark.alimock("empty", access_key_id="testid", addresses={"al@example.com": "verified"})
def test_one(alimock):
    assert query(alimock, "al@example.com").verification_status == 1

@pytest.mark.alimock(access_key_id="testid")
def test_two(alimock):
    assert alimock.addresses.get("al@example.com") is None
    assert alimock.addresses.get("abc@aliyun.com") is not None

@pytest.mark.alimock("empty", access_key_id="testid")
def test_three(alimock):
    pass

def test_four(alimock_server):
    assert alimock_server.addresses.get("abc@aliyun.com") is not None
""",
        passed=4,
    )


def test_addresses_of_class_and_test_are_merged(repository: pytest.Pytester) -> None:
    ran(
        repository,
        """
@pytest.mark.alimock(addresses={"a@example.com": "verified", "b@example.com": "verified"})
class TestJoined:
    @pytest.mark.alimock(addresses={"b@example.com": "pending"})
    def test_it(self, alimock):
        assert query(alimock, "a@example.com").verification_status == 1
        assert query(alimock, "b@example.com").verification_status == 0
""",
        passed=1,
    )


@pytest.mark.slow
def test_fixed_key_is_rejected_with_parallel_workers_on_one_emulator(repository: pytest.Pytester, running: Running) -> None:
    tests = """
@pytest.mark.alimock(access_key_id="app", access_key_secret="hush")
@pytest.mark.parametrize("number", range(4))
def test_it(alimock, number):
    assert alimock.calls.count() == 0
    submit(alimock)
"""
    ran(repository, tests, "-n", "2", passed=4)
    ran(repository, tests, "--alimock-url", running.url, passed=4)
    output = ran(repository, tests, "-n", "2", "--alimock-url", running.url, errors=4)
    assert "so it would share an account with tests in other workers; leave out --alimock-url" in output


def test_marker_accepts_timestamps_of_any_clock(repository: pytest.Pytester) -> None:
    pytest.importorskip("freezegun", reason="freezegun is not installed")
    ran(
        repository,
        """
from unittest import mock
import freezegun

@pytest.fixture
def clock_of_another_process():
    with mock.patch("alimock.api.service.system_clock.replaced_time", lambda: None):
        yield

@pytest.mark.alimock({"extends": "default", "timestamps": "ignored"})
@freezegun.freeze_time("2020-01-01")
def test_ignored(alimock, clock_of_another_process):
    submit(alimock)
    assert [call.authentication for call in alimock.calls.list()] == ["checked"]

@freezegun.freeze_time("2020-01-01")
def test_checked(alimock, clock_of_another_process):
    with pytest.raises(Exception, match="InvalidTimeStamp.Expired"):
        submit(alimock)

@freezegun.freeze_time("2020-01-01")
def test_checked_by_the_clock_of_the_test(alimock):
    submit(alimock)
""",
        passed=3,
    )


def test_marker_without_the_fixture_warns(repository: pytest.Pytester) -> None:
    repository.makeini("[pytest]\nfilterwarnings = always\n")
    tests = (
        "@pytest.mark.alimock(strict=True)\ndef test_it():\n    pass\n\n@pytest.mark.alimock\ndef test_other(alimock):\n    pass\n"
    )
    output = ran(repository, tests, passed=2, warnings=1)
    assert "test_it has the marker `alimock` but does not use the fixture `alimock`" in output


@pytest.mark.slow
def test_ignored_keys_of_a_scenario_warn_at_the_test(repository: pytest.Pytester) -> None:
    repository.makeini("[pytest]\nfilterwarnings = always\n")
    tests = "@pytest.mark.alimock({'authentication': 'strict'})\ndef test_it(alimock):\n    pass\n"
    output = ran(repository, tests, passed=1, warnings=1)
    assert re.search(
        r"test_app\.py:\d+: PytestWarning: the marker of test_it: ignored authentication, which applies to a whole", output
    )
    ran(repository, tests, "-W", "error::pytest.PytestWarning", errors=1)


def test_invalid_marker_leaves_no_account(repository: pytest.Pytester, running: Running) -> None:
    tests = "@pytest.mark.alimock(addresses={'a@example.com': 'verifid'})\ndef test_it(alimock):\n    pass\n"
    ran(repository, tests, "--alimock-url", running.url, errors=1)
    with running.store.lock:
        assert running.store.keys.registered == {}


def test_failing_fixture_is_followed_by_a_report(repository: pytest.Pytester) -> None:
    output = ran(
        repository,
        "@pytest.fixture\ndef user(alimock):\n    submit(alimock)\n    assert False\n\ndef test_it(user):\n    pass\n",
        errors=1,
    )
    assert "jo@example.com: success [rule new-address]" in output


def test_secret_is_not_shown(repository: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_SECRET", "TOP" + "SECRET")
    tests = """
import os
@pytest.mark.alimock(access_key_id="app", access_key_secret=os.environ["APP_SECRET"])
def test_it(alimock, alimock_env):
    with pytest.raises(Exception):
        submit(alimock, secret="wrong")
    assert alimock_env["ALIBABA_CLOUD_ACCESS_KEY_SECRET"] == os.environ["APP_SECRET"]
    assert False
"""
    output = ran(repository, tests, "--showlocals", failed=1)
    assert "TOPSECRET" not in output.replace("OSError", "")
    assert "SignatureDoesNotMatch" in output


@pytest.mark.slow
@pytest.mark.parametrize(
    ("marker", "message"),
    [
        ("allow=None", "allow: found None, expected a list of codes"),
        ("strict='yes'", "strict: found 'yes', expected True or False"),
        ("addresses=['a']", "addresses: found ['a'], expected a mapping of addresses to outcomes"),
        ("scenario=5", "found the scenario 5, expected a name, a path or a mapping"),
        ("access_key_id=7, access_key_secret='s'", "access_key_id: found 7, expected a non-empty string"),
        ("access_key_secret='s'", "found an access_key_secret without an access_key_id"),
        ("secnario='x'", "marker `alimock` of test_it: found the unknown argument `secnario`, expected `scenario`"),
        ("'a', 'b'", "marker `alimock` of test_it: found 2 positional arguments, expected the scenario only"),
        ("'a', scenario='b'", "marker `alimock` of test_it: found 1 positional arguments"),
        ("'quota-exceded'", "account of test_it: quota-exceded: found no such scenario, expected a built-in scenario"),
        ("'cases/none.yaml'", "found No such file or directory, expected a readable file"),
        ("addresses={'al@example.com': 'verifid'}", "account of test_it: the marker of test_it:"),
    ],
)
def test_invalid_marker_is_reported_without_a_traceback(repository: pytest.Pytester, marker: str, message: str) -> None:
    output = ran(repository, f"@pytest.mark.alimock({marker})\ndef test_it(alimock):\n    pass\n", errors=1)
    assert message in output
    assert "Traceback" not in output and "During handling" not in output


REPORTED = """
@pytest.mark.alimock(addresses={"al@example.com": "illegal"})
def test_it(alimock):
    submit(alimock, "jo@example.com,al@example.com,test1@aliyun.com")
    alimock.faults.put("busy", {"error": "Throttling.User", "times": 1})
    with pytest.raises(Exception, match="Throttling"):
        query(alimock, "jo@example.com")
    unsigned(alimock.url, "SubmitEmailVerificaton")
    alimock.clock.freeze("2024-05-01 09:30:00")
    assert alimock.calls.count() == 99
"""


@pytest.mark.parametrize("line", ["alimock.outbox.wait(timeout=0)", 'alimock.faults.put("1", {"error": "Typo"})'])
def test_traceback_of_a_failed_test_has_no_frames_of_the_client(repository: pytest.Pytester, line: str) -> None:
    output = ran(repository, f"def test_it(alimock):\n    {line}\n", failed=1)
    assert line in output and "connection.py" not in output and "outbox.py" not in output


def test_report_of_a_failed_test_shows_events_and_their_reasons(repository: pytest.Pytester) -> None:
    output = ran(repository, REPORTED, failed=1)
    section = output[output.index(" alimock ---") :]
    for line in (
        "  SubmitEmailVerification Email=jo@example.com,al@example.com,test1@aliyun.com -> 200 OK",
        "            jo@example.com: success [rule new-address]",
        "            al@example.com: ParameterIllegall [the marker of test_it]",
        "            test1@aliyun.com: SendTokenQuotaExceeded [default.yaml:19]",
        "            email to jo@example.com, link now open",
        "  fault busy",
        "  QueryEmailVerification Email=jo@example.com -> 400 Throttling.User [PUT /_alimock/faults/busy (fault busy, hit 1)]",
        "            fault busy fired",
        "  SubmitEmailVerificaton -> 404 InvalidAction.NotFound",
        "(no key, unsigned)",
        "unknown operation SubmitEmailVerificaton; did you mean SubmitEmailVerification?",
        "  clock 2024-05-01 09:30:00 (UTC+8)",
    ):
        assert line in section
    assert re.findall(r"^\+\d\.\d{3} s", section, re.MULTILINE)
    assert not re.search("Signature|AccessKeySecret|Nonce", section)


def test_report_without_calls_names_the_endpoint(repository: pytest.Pytester) -> None:
    output = ran(repository, "def test_it(alimock):\n    assert False\n\ndef test_other():\n    assert False\n", failed=2)
    message = r"no call reached the emulator\. If the application made one, point it at http://(127\.0\.0\.1:\d+) \(host:port \1, plain HTTP\)\."
    assert re.search(message, output)
    assert output.count(" alimock ---") == 1


def test_passing_test_has_no_report(repository: pytest.Pytester) -> None:
    assert " alimock ---" not in ran(repository, "def test_it(alimock):\n    submit(alimock)\n", "-rA", passed=1)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "violation"),
    [
        ("alimock.faults.put('busy', {'error': 'Throttling.User', 'when': {'action': 'VerifyEmail'}})",
         r"fault busy never fired \(0 matching calls\) \[PUT /_alimock/faults/busy\]"),
        ("unsigned(alimock.url, 'ListEmailVerification')", r"ListEmailVerification was not signed \(request .*\); the real service would reject it"),
        ("unsigned(alimock.url, 'ListEmailVerification', PageNumber='1', AccessKeyId=alimock.access_key_id)",
         r"ListEmailVerification: unknown parameter PageNumber; did you mean PageNum\? \(request "),
        ("unsigned(alimock.url, 'VerifyEmail', Token='x')", r"VerifyEmail returned 400 ParameterIllegal \[rule unknown-token\] \(request .*\); add it to allow=\[...\] if expected"),
        ("unsigned(alimock.url, 'ListEmailVerification', AccessKeyId='other', Signature='x')",
         "ListEmailVerification was signed with the unknown key other"),
        ("same_nonce(alimock)", "ListEmailVerification reused a SignatureNonce .*; use a new nonce for each request"),
    ],
)  # fmt: skip
def test_strict_mode_fails_a_test_that_the_real_service_would_have_rejected(
    repository: pytest.Pytester, body: str, violation: str
) -> None:
    tests = f"""
import base64, hashlib, hmac, time
from urllib.parse import quote

def same_nonce(alimock):
    pairs = {{"Action": "ListEmailVerification", "Version": "2018-01-29", "AccessKeyId": alimock.access_key_id, "Format": "JSON",
              "SignatureMethod": "HMAC-SHA1", "SignatureVersion": "1.0", "SignatureNonce": "n",
              "Timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}}
    query = "&".join(f"{{quote(name, '')}}={{quote(pairs[name], '')}}" for name in sorted(pairs))
    text = f"GET&%2F&{{quote(query, '')}}".encode()
    digest = hmac.new(f"{{alimock.access_key_secret}}&".encode(), text, hashlib.sha1).digest()
    for _ in range(2):
        unsigned(alimock.url, **{{name.lower() if name == "Action" else name: value for name, value in pairs.items()}},
                 Signature=base64.b64encode(digest).decode())

def test_it(alimock):
    {body}
"""
    assert "passed" in ran(repository, tests, passed=1)
    output = ran(repository, f"pytestmark = pytest.mark.alimock(strict=True)\n{tests}", failed=1)
    assert re.search(f"^strict mode: {violation}", output, re.MULTILINE), output


def test_strict_mode_accepts_allowed_codes(repository: pytest.Pytester) -> None:
    ran(
        repository,
        """
@pytest.mark.parametrize("number", range(1))
class TestAllowed:
    pytestmark = pytest.mark.alimock(strict=True)

    @pytest.mark.alimock(allow=["ParameterIllegal"])
    def test_by_a_list(self, alimock, number):
        with pytest.raises(Exception, match="Parameter"):
            query(alimock, "nobody@example.com")

    @pytest.mark.alimock(allow="MissingEmail,ParameterIllegal")
    def test_by_one_code(self, alimock, number):
        with pytest.raises(Exception, match="Parameter"):
            query(alimock, "nobody@example.com")

    def test_and_needs_none_without_errors(self, alimock, number):
        submit(alimock, "test2@aliyun.com")
""",
        passed=3,
    )


def test_strict_mode_reports_a_misspelled_allowed_code(repository: pytest.Pytester) -> None:
    tests = "@pytest.mark.alimock(strict=True, allow=['ParameterIlegal'])\ndef test_it(alimock):\n    with pytest.raises(Exception):\n        query(alimock, 'no@example.com')\n"
    assert "`ParameterIlegal` is allowed, probably a typo" in ran(repository, tests, failed=1)


def test_strict_mode_adds_nothing_to_a_failed_test(repository: pytest.Pytester) -> None:
    tests = "@pytest.mark.alimock(strict=True)\ndef test_it(alimock):\n    unsigned(alimock.url, 'VerifyEmail')\n    assert False\n"
    assert "strict mode:" not in ran(repository, tests, failed=1)


WHICH = """
def test_it(alimock, alimock_server):
    print(f"<{alimock.url} {alimock.clock.now().year} {type(alimock_server).__name__}>")
    unsigned(alimock.url, "ListEmailVerification", AccessKeyId=alimock.access_key_id)
"""


@pytest.mark.slow
def test_option_wins_over_variable_over_ini_file(repository: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    for year in (2021, 2022, 2023):
        (repository.path / f"{year}.yaml").write_text(f"alimock: 1\nclock: {year}-01-01 00:00:00\n")
    repository.makeini("[pytest]\nalimock_scenario = 2021.yaml\nalimock_strict = no\n")
    assert " 2021 Emulator>" in ran(repository, WHICH, "-s", passed=1)
    monkeypatch.setenv("ALIMOCK_SCENARIO", "2022.yaml")
    assert " 2022 Emulator>" in ran(repository, WHICH, "-s", passed=1)
    assert " 2023 Emulator>" in ran(repository, WHICH, "-s", "--alimock-scenario", "2023.yaml", passed=1)
    monkeypatch.setenv("ALIMOCK_STRICT", "yes")
    ran(repository, WHICH, failed=1)
    monkeypatch.setenv("ALIMOCK_STRICT", "no")
    ran(repository, WHICH, passed=1)
    ran(repository, WHICH, "--alimock-strict", failed=1)
    monkeypatch.setenv("ALIMOCK_STRICT", "perhaps")
    assert "ALIMOCK_STRICT: found `perhaps`, expected yes or no" in str(repository.runpytest(*QUIET).stderr)


@pytest.mark.slow
def test_paths_in_an_ini_file_are_relative_to_the_root_directory(repository: pytest.Pytester) -> None:
    (repository.path / "2021.yaml").write_text("alimock: 1\nclock: 2021-01-01 00:00:00\n")
    repository.makeini("[pytest]\nalimock_scenario = ./2021.yaml,empty\n")
    (repository.path / "below").mkdir()
    repository.makepyfile(test_app=f"import sys\nsys.path.insert(0, {str(repository.path)!r})\nfrom helpers import *\n{WHICH}")
    (repository.path / "test_app.py").rename(repository.path / "below" / "test_below.py")
    command = [sys.executable, "-m", "pytest", "-s", "-p", "no:cacheprovider", *QUIET]
    done = subprocess.run(command, cwd=repository.path / "below", capture_output=True, text=True, timeout=60)
    assert " 2021 Emulator>" in done.stdout, done.stdout


def test_tests_can_share_a_running_emulator(repository: pytest.Pytester, running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    (repository.path / "2021.yaml").write_text("alimock: 1\nclock: 2021-01-01 00:00:00\n")
    assert f"<{running.url} 20" in ran(repository, WHICH, "-s", "--alimock-url", running.url, passed=1)
    assert f"<{running.url} 2021 Client>" in ran(
        repository, WHICH, "-s", "--alimock-url", f"{running.url}/", "--alimock-scenario=2021.yaml", passed=1
    )
    monkeypatch.setenv("ALIMOCK_URL", running.url)
    output = ran(repository, WHICH.replace("print", "assert False, "), failed=1)
    assert "account of the key alimock-" in output and running.url in output
    with running.store.lock:
        # The account of the failed test stays for inspection.
        assert len(running.store.keys.registered) == 1


SCENARIO = """
@pytest.fixture(scope="{scope}")
def alimock_scenario({parent}):
    return {scenario}
"""
YEAR = """
def test_{name}(alimock{other}):
    assert alimock.clock.now().year == {year}
"""


def year(number: int) -> str:
    return f'{{"clock": "{number}-01-01 00:00:00"}}'


@pytest.mark.slow
@pytest.mark.parametrize("order", ["", "reversed"])
@pytest.mark.parametrize("scope", ["session", "class", "function"])
@pytest.mark.parametrize("shared", [False, True])
def test_narrower_scenario_fixture_applies_to_the_accounts_of_the_tests_that_see_it(
    repository: pytest.Pytester, running: Running, order: str, scope: str, shared: bool
) -> None:
    reverse = "def pytest_collection_modifyitems(items):\n    items.reverse()\n" if order else ""
    repository.makeconftest("import pytest\n" + reverse + SCENARIO.format(scope="session", parent="", scenario=year(2021)))
    inner = SCENARIO.format(scope=scope, parent="self", scenario=year(2022)) + YEAR.format(name="it", other="", year=2022)
    marked = "@pytest.mark.alimock({'clock': '2023-01-01 00:00:00'})" + YEAR.format(name="marker_wins", other="", year=2023)
    method = "\n".join(f"    {line}".replace("(alimock)", "(self, alimock)") for line in (inner + marked).splitlines())
    tests = f"{YEAR.format(name='it', other='', year=2021)}\nclass TestNarrower:\n{method}\n{YEAR.format(name='other', other='', year=2021)}"
    ran(repository, tests, *(["--alimock-url", running.url] if shared else []), passed=4)


def test_scenario_fixture_can_extend_that_of_the_option_and_differ_from_test_to_test(repository: pytest.Pytester) -> None:
    (repository.path / "2021.yaml").write_text("alimock: 1\nclock: 2021-01-01 00:00:00\n")
    tests = """
@pytest.fixture(params=["verified", "pending"])
def alimock_scenario(alimock_scenario, request):
    return {"extends": alimock_scenario, "addresses": {"al@example.com": request.param}}

def test_it(alimock, alimock_scenario):
    assert alimock.clock.now().year == 2021
    assert alimock.addresses.get("al@example.com").status == alimock_scenario["addresses"]["al@example.com"]
    with pytest.raises(Exception, match="Parameter"):
        query(alimock, "nobody@example.com")
    assert alimock.addresses.get("al@example.com").decided_by.startswith("alimock_scenario of test_it")
"""
    ran(repository, tests, "--alimock-scenario", "2021.yaml", passed=2)


def test_scenario_of_none_is_that_of_the_emulator(repository: pytest.Pytester) -> None:
    repository.makeconftest("import pytest\n" + SCENARIO.format(scope="session", parent="", scenario='"default"'))
    inner = SCENARIO.format(scope="function", parent="self", scenario=None).replace("\n", "\n    ")
    tests = f"""
class TestNone:
    {inner}
    def test_none(self, alimock):
        assert alimock.addresses.list() == []

def test_default(alimock, alimock_server):
    assert alimock.addresses.list() and alimock_server.addresses.list() == []
"""
    ran(repository, tests, "--alimock-scenario", "empty", passed=2)


def test_reason_cites_the_fixture_if_the_marker_has_no_entries(repository: pytest.Pytester) -> None:
    repository.makeconftest(
        "import pytest\n" + SCENARIO.format(scope="session", parent="", scenario={"addresses": {"al@a.com": "illegal"}})
    )
    tests = """
@pytest.mark.alimock(allow=["Throttling"])
def test_it(alimock):
    assert alimock.addresses.get("al@a.com").decided_by.startswith("alimock_scenario of test_it")
"""
    ran(repository, tests, passed=1)


def test_failing_scenario_fixture_fails_the_test(repository: pytest.Pytester) -> None:
    repository.makeconftest(
        "import pytest\n" + SCENARIO.format(scope="session", parent="", scenario="pytest.fail('generation failed')")
    )
    output = ran(repository, "def test_it(alimock):\n    pass\n", errors=1)
    assert "generation failed" in output


SETTINGS = """
import pytest

@pytest.fixture(scope="session")
def alimock_settings():
    return {settings}
"""


def test_settings_fixture_configures_the_emulator_of_the_session(repository: pytest.Pytester) -> None:
    repository.makeconftest(SETTINGS.format(settings={"profile": "docs-2021", "auth": "strict"}))
    tests = """
def test_it(alimock):
    assert unsigned(alimock.url, "ListEmailVerification")["Code"] == "MissingAccessKeyId"
    submit(alimock)
    assert [call.profile for call in alimock.calls.list()] == ["docs-2021"]
"""
    ran(repository, tests, passed=1)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"proflie": "docs-2021"}, "alimock_settings: found the unknown argument `proflie`, expected `profile`"),
        (
            {"scenario": "empty"},
            "alimock_settings: found `scenario`, expected it in --alimock-scenario or the fixture alimock_scenario",
        ),
        (None, "alimock_settings: found None, expected a mapping"),
        ({"profile": "2021"}, "profile: found `2021`, expected one of current"),
        ({"access_key_id": 7}, "access_key_id: found 7, expected a non-empty string"),
    ],
)
def test_invalid_settings_are_reported_without_a_traceback(
    repository: pytest.Pytester, settings: dict[str, object] | None, message: str
) -> None:
    repository.makeconftest(SETTINGS.format(settings=settings))
    output = ran(repository, "def test_it(alimock):\n    pass\n", errors=1)
    assert f"emulator of the session: {message}" in output and "Traceback" not in output


def test_taken_port_is_reported_without_a_traceback(repository: pytest.Pytester, running: Running) -> None:
    repository.makeconftest(SETTINGS.format(settings={"port": int(running.endpoint.rpartition(":")[2])}))
    output = ran(repository, "def test_it(alimock):\n    pass\n", errors=1)
    assert "emulator of the session: " in output and "in use" in output and "Traceback" not in output


@pytest.mark.parametrize("scenario", ["'quota-exceded'", "5"])
def test_invalid_scenario_fixture_is_reported_without_a_traceback(repository: pytest.Pytester, scenario: str) -> None:
    repository.makeconftest("import pytest\n" + SCENARIO.format(scope="session", parent="", scenario=scenario))
    output = ran(repository, "def test_it(alimock):\n    pass\n", errors=1)
    assert re.search("account of test_it: .*found .*, expected a", output) and "Traceback" not in output


def test_settings_of_a_running_emulator_warn_that_they_have_no_effect(repository: pytest.Pytester, running: Running) -> None:
    repository.makeini("[pytest]\nfilterwarnings = always\n")
    repository.makeconftest(SETTINGS.format(settings={"profile": "docs-2021"}))
    output = ran(repository, "def test_it(alimock):\n    pass\n", "--alimock-url", running.url, passed=1, warnings=1)
    assert f"alimock_settings: found profile, but the emulator at {running.url} is running already; start it with these" in output


def test_emulator_of_the_session_can_be_replaced(repository: pytest.Pytester) -> None:
    tests = f"""
from alimock import Emulator
{SCENARIO.format(scope="function", parent="", scenario=year(2022))}
@pytest.fixture(scope="session")
def alimock_server():
    with Emulator("empty") as emulator:
        yield emulator

def test_it(alimock, alimock_server):
    assert alimock.clock.now().year == 2022 and alimock_server.addresses.list() == []
"""
    ran(repository, tests, passed=1)


def test_unreachable_emulator_is_reported(repository: pytest.Pytester) -> None:
    output = ran(repository, "def test_it(alimock):\n    pass\n", "--alimock-url", "http://127.0.0.1:1", errors=1)
    assert "Cannot reach alimock at http://127.0.0.1:1. Is `alimock serve` running?" in output
    assert "Without --alimock-url, ALIMOCK_URL and alimock_url, the session starts its own emulator." in output


def test_environment_has_the_credentials_instead_of_real_ones(repository: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALIBABA_CLOUD_SECURITY_TOKEN", "real")
    monkeypatch.setenv("NO_PROXY", "internal.example.com")
    for name in PROXIES:
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    ran(
        repository,
        """
import os

from alibabacloud_credentials.client import Client as Credentials

@pytest.mark.parametrize("number", range(2))
def test_it(alimock, alimock_env, number):
    found = Credentials().get_credential()
    assert (found.access_key_id, found.access_key_secret) == (alimock.access_key_id, alimock.access_key_secret)
    assert os.environ["ALIBABA_CLOUD_ENDPOINT"] == alimock_env["ALIMOCK_ENDPOINT"] == alimock.endpoint
    assert os.environ["NO_PROXY"] == "internal.example.com,127.0.0.1,localhost"
    assert "ALIBABA_CLOUD_SECURITY_TOKEN" not in os.environ
    assert [name for name in os.environ if name.lower() in ("http_proxy", "https_proxy", "all_proxy")] == []
    submit(alimock)

def test_it_is_put_back(monkeypatch):
    assert os.environ["ALIBABA_CLOUD_SECURITY_TOKEN"] == "real"
    assert os.environ["Http_Proxy"] == os.environ["HTTPS_PROXY"] == "http://127.0.0.1:1"
    assert "ALIMOCK_ENDPOINT" not in os.environ
""",
        passed=3,
    )


def test_report_without_calls_names_the_proxy_variables(repository: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    test = """
def test_it(alimock{}):
    submit(alimock)
"""
    hint = "HTTP_PROXY is set, and SDKs may send the calls there; use the fixture alimock_env"
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    assert hint in ran(repository, test.format(""), failed=1)
    ran(repository, test.format(", alimock_env"), passed=1)
    monkeypatch.setenv("HTTP_PROXY", "")
    assert hint not in ran(repository, "def test_it(alimock): assert False", failed=1)


def test_internal_error_fails_the_test_in_which_it_happened(repository: pytest.Pytester) -> None:
    output = ran(
        repository,
        """
def test_it(alimock, monkeypatch):
    from alimock.api.service import Service
    monkeypatch.setattr("alimock.api.call.authenticate", lambda *_: 1 / 0)
    unsigned(alimock.url, "ListEmailVerification")

def test_and_no_other(alimock):
    pass
""",
        passed=1,
        failed=1,
    )
    assert "ZeroDivisionError: division by zero" in output
    assert "Internal error in alimock" in output


def test_unittest_classes_can_use_the_fixture(repository: pytest.Pytester) -> None:
    output = ran(
        repository,
        """
import unittest

class Case(unittest.TestCase):
    @pytest.fixture(autouse=True)
    def emulated(self, alimock):
        self.alimock = alimock

    @pytest.mark.alimock(strict=True)
    def test_it(self):
        unsigned(self.alimock.url, "ListEmailVerification")

    def test_other(self):
        submit(self.alimock)
""",
        passed=1,
        failed=1,
    )
    assert "was not signed" in output


PARALLEL = """
@pytest.mark.parametrize("number", range(40))
def test_alone(alimock, number):
    submit(alimock, f"{number}@example.com")
    assert [message.to for message in alimock.outbox.messages()] == [f"{number}@example.com"]
    assert alimock.outbox.wait(to=f"{number}@example.com").token
    alimock.clock.advance("3d")
    alimock.reset()
    assert alimock.calls.count() == 0
    submit(alimock)
"""


@pytest.mark.slow
@pytest.mark.parametrize("shared", [False, True])
def test_parallel_workers_are_isolated(repository: pytest.Pytester, running: Running, shared: bool) -> None:
    options = ["--alimock-url", running.url] if shared else []
    ran(repository, PARALLEL, "-n", "4", *options, passed=40)
    with running.store.lock:
        assert running.store.keys.registered == {}


def test_older_pytest_starts_and_only_the_fixtures_fail(repository: pytest.Pytester) -> None:
    repository.makeini("[pytest]\nalimock_strict = yes\n")
    marked = "@pytest.mark.alimock('empty')\ndef test_it(alimock):\n    pass\n\ndef test_url(alimock_url):\n    pass\n"
    repository.makepyfile(test_app=f"import pytest\n\n{marked}\ndef test_other():\n    pass\n")
    # What the plugin needs of pytest 7, and other plugins may need as well.
    code = "import pytest; del pytest.StashKey; pytest.__version__ = '6.2.5'; pytest.main(['-p', 'alimock'])"
    environment = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=repository.path, capture_output=True, text=True, timeout=60, env=environment)
    assert "1 passed, 2 errors" in done.stdout, done.stdout + done.stderr
    assert "the fixtures of alimock need pytest 7 or newer, and this is pytest 6.2.5; upgrade pytest" in done.stdout


PLUGIN = "alimock.pytest_plugin"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "variables", "named_in_conftest", "is_loaded"),
    [
        ("", {}, "", True),
        ("", {}, PLUGIN, True),
        (f"-p {PLUGIN}", {}, "", True),
        (f"-p {PLUGIN} -p {PLUGIN} -p alimock", {"PYTEST_PLUGINS": PLUGIN}, PLUGIN, True),
        (f"-p alimock -p {PLUGIN}", {}, PLUGIN, True),
        ("", {"PYTEST_PLUGINS": PLUGIN}, "", True),
        ("-p no:alimock", {}, "", False),
        ("-p no:alimock", {}, PLUGIN, True),
        (f"-p no:alimock -p {PLUGIN}", {}, "", True),
        (f"-p no:{PLUGIN}", {}, PLUGIN, False),
        ("", {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}, "", False),
        ("", {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}, PLUGIN, True),
        ("-p alimock", {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}, "", True),
        (f"-p alimock -p {PLUGIN}", {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}, PLUGIN, True),
    ],
)
def test_plugin_can_be_named_in_any_way_and_more_than_once(
    repository: pytest.Pytester, options: str, variables: dict[str, str], named_in_conftest: str, is_loaded: bool
) -> None:
    repository.makeconftest(f"pytest_plugins = {named_in_conftest.split()}")
    repository.makepyfile(test_app="def test_it(alimock):\n    alimock.calls.list()\n")
    quiet = QUIET if "PYTEST_DISABLE_PLUGIN_AUTOLOAD" not in variables else ()
    command = [sys.executable, "-m", "pytest", *quiet, *options.split()]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")} | variables
    done = subprocess.run(command, cwd=repository.path, capture_output=True, text=True, timeout=60, env=environment)
    assert ("1 passed" if is_loaded else "fixture 'alimock' not found") in done.stdout, done.stdout + done.stderr


def test_star_import_of_the_plugin_into_a_conftest_adds_no_hook_twice(repository: pytest.Pytester) -> None:
    repository.makeconftest("from alimock.pytest_plugin import *\n")
    ran(repository, "def test_it(alimock, alimock_env):\n    submit(alimock)\n", passed=1)


@pytest.mark.slow
def test_disabled_plugin_adds_no_fixture_and_no_option(repository: pytest.Pytester) -> None:
    output = ran(repository, "def test_it(alimock):\n    pass\n", "-p", "no:alimock", errors=1)
    assert "fixture 'alimock' not found" in output
    assert "alimock_url" not in str(repository.runpytest("-p", "no:alimock", "--help").stdout)


def test_options_and_marker_are_described(repository: pytest.Pytester) -> None:
    described = str(repository.runpytest("--help").stdout)
    for option in OPTIONS:
        assert option.flag in described and option.variable in described and option.name in described
    assert "@pytest.mark.alimock(scenario, *, addresses, access_key_id" in str(repository.runpytest("--markers").stdout)


def test_repository_can_have_folders_with_the_names_of_alimocks(repository: pytest.Pytester) -> None:
    for name in ("emulator", "tests", "fixtures", "examples"):
        (repository.path / name).mkdir()
        (repository.path / name / "__init__.py").write_text(f"MINE = '{name}'\n")
    ran(
        repository,
        """
import emulator, fixtures

def test_it(alimock):
    submit(alimock)
    assert (emulator.MINE, fixtures.MINE) == ("emulator", "fixtures")
""",
        passed=1,
    )


IMPORTED = "import sys; sys.stderr.write('<' + ' '.join(sorted(name for name in sys.modules if name in %r or name.startswith('alimock'))) + '>')"


def test_run_without_the_fixture_loads_only_the_plugin(repository: pytest.Pytester) -> None:
    heavy = ("flask", "werkzeug", "cheroot", "lxml", "yaml")
    repository.makeconftest(f"def pytest_unconfigure():\n    {IMPORTED % (heavy,)}\n")
    repository.makepyfile(test_app="def test_it():\n    pass\n")
    # Without other plugins, which may load anything.
    command = [sys.executable, "-m", "pytest", "-p", "alimock.pytest_plugin"]
    done = subprocess.run(
        command, cwd=repository.path, capture_output=True, text=True, timeout=60, env={"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    )
    assert "<alimock alimock.pytest_plugin>" in done.stderr, done.stdout + done.stderr


def test_plugin_is_found_by_its_entry_point(repository: pytest.Pytester) -> None:
    output = str(repository.runpytest("--trace-config", "--collect-only").stdout)
    assert re.search(r"alimock\s*: .*alimock/pytest_entry_point\.py", output)
    assert re.search(r"alimock\.pytest_plugin\s*: .*alimock/pytest_plugin\.py", output)
    assert Path(__file__).name not in output
