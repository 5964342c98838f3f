"""An emulator in a test that replaces the file system of its process: everything that ships with alimock is still there."""

from __future__ import annotations

import builtins
import json
import subprocess
import sys
import textwrap
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from unittest import mock

import alimock
import pytest
from alimock import Emulator, package_data
from alimock.scenario import sources
from test_emulator import JO, RESEND, SUBMIT, call

PACKAGE = Path(alimock.__file__).parent


def pyfakefs() -> AbstractContextManager[object]:
    module = pytest.importorskip("pyfakefs.fake_filesystem_unittest", reason="pyfakefs is not installed")
    patcher: AbstractContextManager[object] = module.Patcher()
    return patcher


@contextmanager
def mocked_open() -> Iterator[None]:
    with mock.patch.object(builtins, "open", mock.mock_open(read_data="{}")), mock.patch("os.path.exists", return_value=False):
        yield


FILE_SYSTEMS: dict[str, Callable[[], AbstractContextManager[object]]] = {"pyfakefs": pyfakefs, "mocked open": mocked_open}
file_systems = pytest.mark.parametrize("file_system", list(FILE_SYSTEMS))


def get(emulator: Emulator, path: str) -> str:
    with urllib.request.urlopen(f"{emulator.url}{path}", timeout=10) as response:
        return str(response.read().decode())


def check_files(emulator: Emulator) -> None:
    """Check that everything answers that needs a file of the package."""
    emulator.load("quota-exceeded")
    assert "SendTokenQuotaExceeded" in str(call(emulator, RESEND, Email=JO))
    emulator.load({"alimock": 1, "extends": "empty"})
    call(emulator, SUBMIT, Email=JO)
    message = emulator.outbox.wait(to=JO)
    assert message.link in emulator.outbox.text(message) and message.link in emulator.outbox.html(message)
    assert "The address is verified." in get(emulator, f"/verify?token={message.token}")
    assert "static/main.js" in get(emulator, "/_alimock/")
    assert "render(html" in get(emulator, "/_alimock/static/main.js")
    assert "/_alimock/outbox/wait" in json.loads(get(emulator, "/_alimock/openapi.json"))["paths"]
    assert json.loads(get(emulator, "/_alimock/fidelity"))
    emulator.reset(unload=True)


@file_systems
def test_emulator_that_was_started_before_has_its_files(file_system: str) -> None:
    with Emulator() as emulator:
        with FILE_SYSTEMS[file_system]():
            check_files(emulator)
        check_files(emulator)


@file_systems
def test_emulator_starts_and_has_its_files(file_system: str) -> None:
    with FILE_SYSTEMS[file_system](), Emulator("neighbours") as emulator:
        check_files(emulator)


def test_scenario_of_the_fake_file_system_extends_a_built_in_one() -> None:
    with pyfakefs():
        Path("mine.yaml").write_text(f"alimock: 1\nextends: default\naddresses: {{{JO}: verified}}\n")
        with Emulator("./mine.yaml") as emulator:
            assert {JO, "abc@aliyun.com"} <= {address.email for address in emulator.addresses.list()}


@pytest.mark.slow
def test_package_can_be_loaded_in_fake_file_systems_again_and_again() -> None:
    pytest.importorskip("pyfakefs", reason="pyfakefs is not installed")
    # pyfakefs unloads afterwards what was loaded meanwhile.
    code = """
        from pyfakefs.fake_filesystem_unittest import Patcher

        for scenario in ("quota-exceeded", "throttled"):
            with Patcher():
                from alimock import Emulator
                with Emulator(scenario) as emulator:
                    emulator.load("default")
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True, timeout=60)


@pytest.mark.slow
def test_package_in_a_zip_archive_has_its_files(tmp_path: Path) -> None:
    archive = tmp_path / "alimock.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for folder, prefix in ((PACKAGE, "alimock"), (sources.BUILT_IN_FOLDER, "alimock/fixtures")):
            for file in folder.rglob("*"):
                if file.is_file() and "__pycache__" not in file.parts:
                    packed.write(file, f"{prefix}/{file.relative_to(folder)}")
    code = f"""
        import sys
        sys.path.insert(0, {str(archive)!r})
        import urllib.request
        from alimock import Emulator, package_data

        assert {str(archive)!r} in package_data.__file__
        with Emulator("quota-exceeded") as emulator:
            for path in ("/_alimock/", "/_alimock/static/main.js", "/_alimock/openapi.json", "/_alimock/fidelity", "/verify?token=x"):
                try:
                    urllib.request.urlopen(emulator.url + path).read()
                except urllib.request.HTTPError as error:
                    assert error.code == 404 and path.startswith("/verify"), path
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True, timeout=60)


def test_every_built_in_scenario_is_listed() -> None:
    assert sources.built_in_names() == sorted(path.stem for path in sources.BUILT_IN_FOLDER.glob("*.yaml"))


def test_every_static_file_is_served() -> None:
    with Emulator() as emulator:
        folder = PACKAGE / "web" / "static"
        for path in filter(Path.is_file, folder.rglob("*")):
            assert get(emulator, f"/_alimock/static/{path.relative_to(folder).as_posix()}") == path.read_text()


def test_missing_file_of_the_package_is_an_os_error() -> None:
    with pytest.raises(OSError):
        package_data.read("web/no.html")
