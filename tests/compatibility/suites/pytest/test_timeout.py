"""pytest-timeout: a test that waits too long fails, and the emulator serves the next one."""

from __future__ import annotations

import pytest
from alimock import Client


@pytest.mark.xfail(raises=pytest.fail.Exception, strict=True)
@pytest.mark.timeout(0.2, method="signal", func_only=True)
def test_wait_is_interrupted(alimock: Client) -> None:
    alimock.outbox.wait(timeout=30)


def test_next_test_has_an_emulator(alimock: Client) -> None:
    assert alimock.calls.count() == 0
