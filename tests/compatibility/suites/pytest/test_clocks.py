"""freezegun and time-machine: calls that are signed in a frozen past are accepted, and waits end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone

import pytest
from alimock import Client, WaitTimeout
from signup import Signup

LIBRARIES = ("freezegun", "time_machine")


@pytest.fixture(autouse=True, params=LIBRARIES)
def frozen_time(request: pytest.FixtureRequest) -> Iterator[None]:
    library = pytest.importorskip(request.param)
    at = datetime(2020, 1, 1, tzinfo=timezone.utc)
    with library.freeze_time("2020-01-01") if request.param == "freezegun" else library.travel(at, tick=False):
        yield


def test_signup_while_time_is_frozen(alimock: Client, alimock_env: dict[str, str]) -> None:
    assert datetime.now(timezone.utc).year == 2020
    signup = Signup(endpoint=alimock.endpoint, protocol="http")
    assert signup.invite("jo@example.com") == "check your inbox"
    signup.confirm(alimock.outbox.wait(to="jo@example.com").token)
    with pytest.raises(WaitTimeout):
        alimock.outbox.wait(to="al@example.com", timeout=0.05)
