"""pytest-rerunfailures: a test that is run again has a new account."""

from __future__ import annotations

import pytest
from alimock import Client
from signup import Signup

keys: list[str] = []


@pytest.mark.flaky(reruns=2)
def test_account_is_new_in_each_run(alimock: Client, alimock_env: dict[str, str]) -> None:
    assert alimock.calls.count() == 0
    Signup(endpoint=alimock.endpoint, protocol="http").invite("jo@example.com")
    keys.append(alimock.access_key_id)
    assert len(set(keys)) == 3
