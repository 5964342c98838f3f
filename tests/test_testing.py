"""`alimock.testing`: a test with any framework at a shared emulator, and the environment variables of SDKs."""

from __future__ import annotations

import os
import unittest
from typing import Any

import pytest
from alibabacloud_credentials.client import Client as Credentials
from alimock import Client, Emulator, EmulatorError, ScenarioError
from alimock.testing import TestSession, environment
from conftest import Running
from test_emulator import JO, QUERY, SUBMIT, call, sdk

# The SDK's own, from Python 3.12 on.
pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")


@pytest.fixture(params=["of this process", "running"])
def server(request: pytest.FixtureRequest, running: Running) -> Client:
    """An emulator that tests share."""
    if request.param == "running":
        return Emulator.connect(running.url)
    emulator = Emulator().start()
    request.addfinalizer(emulator.stop)
    return emulator


def keys(server: Client) -> list[str]:
    return [key["id"] for key in server.connection.wide.send("GET", "access-keys")["access_keys"]]


def test_session_has_an_account_of_its_own_until_its_end(server: Client) -> None:
    with TestSession(server) as one, TestSession(server) as other:
        call(one.client, SUBMIT, Email=JO)
        assert [mail.to for mail in one.client.outbox.messages()] == [JO]
        assert other.client.outbox.messages() == []
        assert one.client.access_key_id in keys(server)
    assert keys(server) == ["testid"]


@pytest.mark.parametrize("skip", [unittest.SkipTest, pytest.skip.Exception])
def test_skipped_test_ends_its_session(server: Client, skip: type[Exception]) -> None:
    with pytest.raises(skip) as skipped, TestSession(server):
        raise skip("not today")
    assert keys(server) == ["testid"] and not getattr(skipped.value, "__notes__", [])


def test_session_starts_from_its_scenario_and_addresses(server: Client) -> None:
    with TestSession(server, scenario="empty", addresses={JO: "verified"}, name="tests/test_sign_up") as session:
        assert [address.email for address in session.client.addresses.list()] == [JO]
        (address,) = session.client.addresses.list()
        assert address.decided_by == "tests|test_sign_up"
    with TestSession(server, scenario={"authentication": "strict"}) as session:
        (warning,) = session.warnings
        assert "ignored authentication, which applies to a whole emulator" in warning


def test_account_of_a_fixed_key_is_reset(server: Client) -> None:
    for _ in range(2):
        with TestSession(server, access_key_id="app", access_key_secret="hush", addresses={JO: "verified"}) as session:
            assert (session.client.access_key_id, session.client.calls.count()) == ("app", 0)
            call(session.client, QUERY, Email=JO)


def test_violation_of_strict_mode_fails_the_test_with_the_report(server: Client) -> None:
    with pytest.raises(AssertionError) as failed, TestSession(server, strict=True) as session:
        call(session.client, SUBMIT, Email=JO)
    first, *_, last = str(failed.value).splitlines()
    assert first.startswith("strict mode: SubmitEmailVerification was not signed")
    assert "strict mode: " not in last and f"account of the key {session.client.access_key_id}" in str(failed.value)
    assert keys(server) == ["testid"]


def test_allowed_codes_and_a_session_that_is_not_strict_have_no_violation(server: Client) -> None:
    for options in ({"strict": True, "allow": ["ParameterIllegal"]}, {"strict": True, "allow": "ParameterIllegal"}, {}):
        with TestSession(server, **options) as session:  # type: ignore[arg-type]
            with pytest.raises(Exception, match="Parameter"):
                sdk(session.client).query_email_verification(query("nobody@example.com"))
            assert session.violations() == []


def query(email: str) -> Any:
    from alibabacloud_domain20180129 import models

    return models.QueryEmailVerificationRequest(email=email)


def test_exception_in_a_test_gets_the_report_and_the_account_stays(server: Client, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ZeroDivisionError) as failed, TestSession(server, strict=True) as session:
        call(session.client, SUBMIT, Email=JO)
        _ = 1 / 0
    # Python 3.10 has no notes.
    shown = "\n".join(getattr(failed.value, "__notes__", [])) or capsys.readouterr().out
    assert shown.startswith("alimock: account of the key") and f"{JO}: success" in shown
    assert session.client.access_key_id in keys(server)
    session.end()
    assert keys(server) == ["testid"]


def test_internal_error_fails_the_test_in_which_it_happened(monkeypatch: pytest.MonkeyPatch) -> None:
    with Emulator() as emulator:
        session = TestSession(emulator)
        monkeypatch.setattr("alimock.api.call.authenticate", lambda *_: 1 / 0)
        call(session.client, SUBMIT, Email=JO)
        with pytest.raises(EmulatorError, match="Internal error in alimock"):
            session.check()
        session.end()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"scenario": "quota-exceded"}, ScenarioError, "found no such scenario"),
        ({"scenario": 5}, ValueError, "found the scenario 5, expected a name"),
        ({"addresses": [JO]}, ValueError, "addresses: found .*, expected a mapping"),
        ({"strict": "yes"}, ValueError, "strict: found 'yes', expected True or False"),
        ({"allow": None}, ValueError, "allow: found None, expected a list of codes"),
        ({"access_key_secret": "s"}, ValueError, "found an access_key_secret without an access_key_id"),
    ],
)
def test_invalid_option_raises_and_leaves_no_account(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with Emulator() as emulator:
        with pytest.raises(error, match=message):
            TestSession(emulator, **options)
        assert keys(emulator) == ["testid"]


def test_environment_has_the_credentials_instead_of_real_ones(server: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALIBABA_CLOUD_SECURITY_TOKEN", "real")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    before = dict(os.environ)
    with TestSession(server) as session, environment(session.client) as variables:
        assert os.environ["ALIMOCK_ENDPOINT"] == variables["ALIMOCK_ENDPOINT"] == session.client.endpoint
        assert not {"ALIBABA_CLOUD_SECURITY_TOKEN", "HTTPS_PROXY"} & os.environ.keys()
        credential = Credentials().get_credential()
        assert (credential.access_key_id, credential.access_key_secret) == (
            session.client.access_key_id,
            session.client.access_key_secret,
        )
        assert session.client.access_key_secret not in repr(variables)
    assert dict(os.environ) == before
