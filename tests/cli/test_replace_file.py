"""Files are replaced as a whole."""

from __future__ import annotations

import os
import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alimock.cli.main import main
from alimock.cli.replace_file import replace_file


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not replace a file that is open")
def test_concurrent_writers_and_readers_see_whole_files_only(tmp_path: Path) -> None:
    path = tmp_path / "file"
    contents = [bytes([number]) * 100_000 for number in range(8)]
    replace_file(path, contents[0])
    with ThreadPoolExecutor(8) as pool:
        writers = [pool.submit(replace_file, path, content) for content in contents * 3]
        while not all(writer.done() for writer in writers):
            assert path.read_bytes() in contents
        for writer in writers:
            writer.result()
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(sys.platform == "win32", reason="no permission bits")
def test_new_file_gets_its_mode_and_an_existing_one_keeps_it(tmp_path: Path) -> None:
    for name, options, expected in (("public", {}, 0o644), ("private", {"mode": 0o600}, 0o600)):
        before = os.umask(0o022)
        try:
            replace_file(tmp_path / name, b"x", **options)
        finally:
            os.umask(before)
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == expected
    (tmp_path / "public").chmod(0o640)
    replace_file(tmp_path / "public", b"y")
    assert stat.S_IMODE((tmp_path / "public").stat().st_mode) == 0o640


def test_failed_write_keeps_the_file_and_leaves_no_draft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"before")

    def fail(_: int) -> None:
        raise OSError("full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="full"):
        replace_file(path, b"after")
    assert (path.read_bytes(), list(tmp_path.iterdir())) == (b"before", [path])


@pytest.mark.skipif(not Path("/dev/stdout").exists(), reason="no /dev/stdout")
def test_certificate_is_written_to_a_pipe_a_new_and_an_existing_file(tmp_path: Path) -> None:
    arguments = ["ca", "--tls-directory", str(tmp_path / "authority"), "--output"]
    reader, writer = os.pipe()
    assert main([*arguments, f"/dev/fd/{writer}"]) == 0
    os.close(writer)
    with open(reader, "rb") as stream:
        certificate = stream.read()
    assert certificate.startswith(b"-----BEGIN CERTIFICATE-----")
    for _ in range(2):
        assert main([*arguments, str(tmp_path / "ca.pem")]) == 0
        assert (tmp_path / "ca.pem").read_bytes() == certificate
