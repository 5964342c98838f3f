"""pyfakefs: the emulator has its files in a test whose file system is replaced."""

from __future__ import annotations

from pathlib import Path

from alimock import Client
from pyfakefs.fake_filesystem import FakeFilesystem
from signup import Signup


def test_signup_with_a_fake_file_system(fs: FakeFilesystem, alimock: Client, alimock_env: dict[str, str]) -> None:
    Path("mine.yaml").write_text("alimock: 1\naddresses: {busy@example.com: quota-exceeded}\n")
    alimock.load("./mine.yaml")
    signup = Signup(endpoint=alimock.endpoint, protocol="http")
    assert signup.invite("busy@example.com") == "try again tomorrow"
    assert signup.invite("jo@example.com") == "check your inbox"
    assert "jo@example.com" in alimock.outbox.text(alimock.outbox.wait(to="jo@example.com"))
