"""Offline tests of the application. The fixture `alimock` is an account of the test in an emulator."""

from __future__ import annotations

from urllib.request import urlopen

import pytest
from alimock import Client
from signup import Signup
from Tea.exceptions import TeaException


@pytest.fixture
def signup(alimock: Client, alimock_env: dict[str, str]) -> Signup:
    """Return the application, connected to the emulator. `alimock_env` sets its credentials."""
    return Signup(endpoint=alimock.endpoint, protocol="http")


def test_link_of_the_email_verifies_the_address(signup: Signup, alimock: Client) -> None:
    assert signup.invite("jo@example.com") == "check your inbox"
    message = alimock.outbox.wait(to="jo@example.com")
    assert not signup.is_verified("jo@example.com")
    urlopen(message.link).close()  # the user follows the link
    assert signup.is_verified("jo@example.com")


@pytest.mark.alimock(allow=["ParameterIllegal"])
def test_link_expires_after_three_days(signup: Signup, alimock: Client) -> None:
    signup.invite("jo@example.com")
    message = alimock.outbox.wait(to="jo@example.com")
    alimock.clock.advance("3d")
    with pytest.raises(TeaException, match="ParameterIllegal"):
        signup.confirm(message.token)


@pytest.mark.alimock(
    addresses={"verified@example.com": "verified", "busy@example.com": "quota-exceeded", "*@spam.example.com": "illegal"}
)
@pytest.mark.parametrize(
    ("email", "message"),
    [
        ("verified@example.com", "already verified"),
        ("busy@example.com", "try again tomorrow"),
        ("jo@spam.example.com", "please check the address"),
    ],
)
def test_rejected_address_gets_an_explanation(signup: Signup, email: str, message: str) -> None:
    assert signup.invite(email) == message


@pytest.mark.alimock(allow=["Throttling.User"])
def test_throttling_raises_an_error(signup: Signup, alimock: Client) -> None:
    alimock.faults.put("busy", {"error": "Throttling.User", "times": 1})
    with pytest.raises(TeaException, match="Throttling"):
        signup.invite("jo@example.com")
    assert signup.invite("jo@example.com") == "check your inbox"
