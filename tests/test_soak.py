"""A few seconds of `make soak`."""

from __future__ import annotations

import sys

import pytest
from soak.run import soak


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="it looks at the process in /proc")
def test_an_emulator_under_load_agrees_with_its_clients_and_leaves_nothing_behind() -> None:
    assert soak(2, seed=1, clients=4, accounts=8) == []
