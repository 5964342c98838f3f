"""The tests of the application, offline: `alimock` is an account of the test's own in an emulator."""

from __future__ import annotations

import pytest
from alimock import Client
from signup import Signup


@pytest.fixture
def signup(alimock: Client, alimock_env: dict[str, str]) -> Signup:
    """The application with the endpoint of the emulator; `alimock_env` sets the credentials in the environment."""
    return Signup(endpoint=alimock.endpoint, protocol="http")


def test_a_user_confirms_an_address_by_the_link_of_the_mail(signup: Signup, alimock: Client) -> None:
    assert signup.invite("jo@example.com") == "we sent you a mail"
    message = alimock.outbox.wait(to="jo@example.com")
    assert not signup.is_verified("jo@example.com")
    signup.confirm(message.token)
    assert signup.is_verified("jo@example.com")


@pytest.mark.alimock(allow=["ParameterIllegal"])
def test_a_link_is_good_for_three_days(signup: Signup, alimock: Client) -> None:
    signup.invite("jo@example.com")
    message = alimock.outbox.wait(to="jo@example.com")
    alimock.clock.advance("3d")
    with pytest.raises(Exception, match="ParameterIllegal"):
        signup.confirm(message.token)


@pytest.mark.alimock(
    addresses={"verified@example.com": "verified", "busy@example.com": "quota-exceeded", "*@spam.example.com": "illegal"}
)
@pytest.mark.parametrize(
    ("email", "words"),
    [
        ("verified@example.com", "you are verified already"),
        ("busy@example.com", "try again tomorrow"),
        ("jo@spam.example.com", "please check the address"),
    ],
)
def test_a_refused_address_is_told_in_words(signup: Signup, email: str, words: str) -> None:
    assert signup.invite(email) == words


@pytest.mark.alimock(allow=["Throttling.User"])
def test_a_busy_service_is_an_error(signup: Signup, alimock: Client) -> None:
    alimock.faults.put("busy", {"error": "Throttling.User", "times": 1})
    with pytest.raises(Exception, match="Throttling"):
        signup.invite("jo@example.com")
    assert signup.invite("jo@example.com") == "we sent you a mail"
