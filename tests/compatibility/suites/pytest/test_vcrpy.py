"""vcrpy: a cassette has the calls of the application, unless they are ignored, and no control calls."""

from __future__ import annotations

from pathlib import Path

import pytest
import vcr
from alimock import Client
from signup import Signup


@pytest.mark.parametrize(("options", "recorded"), [({}, 1), ({"ignore_localhost": True}, 0)])
def test_cassette_has_no_control_calls(
    alimock: Client, alimock_env: dict[str, str], tmp_path: Path, options: dict[str, bool], recorded: int
) -> None:
    with vcr.use_cassette(str(tmp_path / "cassette.yaml"), **options) as cassette:
        assert Signup(endpoint=alimock.endpoint, protocol="http").invite("jo@example.com") == "check your inbox"
        assert alimock.outbox.wait(to="jo@example.com").token
    assert len(cassette) == recorded
