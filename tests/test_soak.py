"""A few seconds of `make soak`."""

from __future__ import annotations

import sys

import pytest
from soak.run import soak


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_emulator_under_load_agrees_with_its_clients_and_leaks_nothing() -> None:
    assert soak(2, seed=1, clients=4, accounts=8) == []
