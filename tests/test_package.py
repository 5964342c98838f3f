"""The packages of a release: what the wheel and the sdist contain, what their metadata says, and that the git tag is the version."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from importlib.metadata import PathDistribution
from pathlib import Path

import build
import pytest
from build.util import project_wheel_metadata

ROOT = Path(__file__).parent.parent
# A clone has none of these at first; an unpacked sdist has PKG-INFO.
NOT_SOURCES = (
    ".git",
    ".venv",
    "build",
    "dist",
    "node_modules",
    "target",
    "__pycache__",
    ".*cache",
    ".hypothesis",
    "_version.py",
    "PKG-INFO",
)
GIT = ("git", "-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "core.hooksPath=/dev/null")
URL = "https://git.example.com/team/alimock"

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")]


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run([*GIT, *arguments], cwd=folder, capture_output=True, text=True, check=True, timeout=60).stdout


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository with a copy of the sources, tagged v1.2.3."""
    folder = tmp_path_factory.mktemp("sources") / "alimock"
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*NOT_SOURCES))
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "Release")
    git(folder, "tag", "v1.2.3")
    return folder


@pytest.fixture
def clone(sources: Path, tmp_path: Path) -> Path:
    git(tmp_path, "clone", "--quiet", str(sources), "clone")
    return tmp_path / "clone"


@pytest.fixture(scope="module")
def dist(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the sdist, and the wheel from the sdist, as `make wheel` does; the build tools are those of this environment."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--quiet", "--no-isolation", "--outdir", folder, sources],
        check=True,
        capture_output=True,
        timeout=120,
    )
    return folder


@pytest.fixture(scope="module")
def wheel(dist: Path) -> zipfile.ZipFile:
    return zipfile.ZipFile(dist / "alimock-1.2.3-py3-none-any.whl")


@pytest.fixture(scope="module")
def metadata(wheel: zipfile.ZipFile) -> PathDistribution:
    return PathDistribution(zipfile.Path(wheel, "alimock-1.2.3.dist-info/"))  # type: ignore[arg-type]


def tracked(sources: Path, *folders: str) -> list[str]:
    return git(sources, "ls-files", *folders).splitlines()


def test_sdist_contains_every_file_of_the_repository(sources: Path, dist: Path) -> None:
    with tarfile.open(dist / "alimock-1.2.3.tar.gz") as archive:
        names = {name.removeprefix("alimock-1.2.3/") for name in archive.getnames()}
    assert names == {*tracked(sources), "PKG-INFO"}


def test_wheel_contains_the_package_and_nothing_else(sources: Path, wheel: zipfile.ZipFile) -> None:
    package = {name.removeprefix("emulator/") for name in tracked(sources, "emulator")} | {"alimock/_version.py"}
    fixtures = {f"alimock/{name}" for name in tracked(sources, "fixtures")}
    assert {name for name in wheel.namelist() if ".dist-info/" not in name} == package | fixtures


@pytest.mark.parametrize(
    "name",
    [
        "alimock/py.typed",
        "alimock/control/openapi.yaml",
        "alimock/fixtures/conversations/lifecycle.yaml",
        "alimock/fixtures/default.yaml",
        "alimock/fixtures/scenario.schema.json",
        "alimock/spec/behaviors.yaml",
        "alimock/web/static/main.js",
        "alimock/web/static/snippets/curl.sh",
        "alimock-1.2.3.dist-info/licenses/LICENSE",
        "alimock-1.2.3.dist-info/licenses/emulator/alimock/web/static/vendor/LICENSE-htm.txt",
        "alimock-1.2.3.dist-info/licenses/emulator/alimock/web/static/vendor/LICENSE-preact.txt",
    ],
)
def test_wheel_contains_what_is_not_code(wheel: zipfile.ZipFile, name: str) -> None:
    assert wheel.read(name) or name.endswith("py.typed")


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("Name", ["alimock"]),
        ("Version", ["1.2.3"]),
        ("Requires-Python", [">=3.10"]),
        ("License-Expression", ["MIT AND Apache-2.0"]),
        ("Provides-Extra", ["fast", "pytest", "tls", "valkey"]),
        ("Description-Content-Type", ["text/markdown"]),
        ("Project-URL", None),
    ],
)
def test_metadata_of_the_wheel(metadata: PathDistribution, field: str, values: list[str] | None) -> None:
    assert metadata.metadata.get_all(field) == values


def test_wheel_requires_no_tool_of_the_tests(metadata: PathDistribution) -> None:
    always = [requirement for requirement in metadata.requires or () if "extra ==" not in requirement]
    assert [re.split(r"\W", requirement)[0] for requirement in always] == ["flask", "httptools", "lxml", "pyyaml", "werkzeug"]


def test_wheel_has_the_command_and_the_pytest_plugin(metadata: PathDistribution) -> None:
    assert {(entry.group, entry.name, entry.value) for entry in metadata.entry_points} == {
        ("console_scripts", "alimock", "alimock.cli.main:main"),
        ("pytest11", "alimock", "alimock.pytest_entry_point"),
    }


def test_command_of_the_wheel_prints_the_version_of_the_tag(dist: Path, tmp_path: Path) -> None:
    assert version_of(dist / "alimock-1.2.3-py3-none-any.whl", tmp_path) == "alimock 1.2.3\n"


def test_source_tree_that_was_not_built_has_no_version(clone: Path, tmp_path: Path) -> None:
    assert version_of(clone / "emulator", tmp_path) == "alimock 0.0.0\n"


def test_build_writes_nothing_to_the_sources(clone: Path, tmp_path: Path) -> None:
    build.ProjectBuilder(clone).build("wheel", str(tmp_path / "dist"))
    assert git(clone, "status", "--porcelain", "--ignored") == ""


def version_of(path: Path, folder: Path) -> str:
    """Return what `alimock --version` prints for the package at a path, which may be a wheel."""
    command = [sys.executable, "-m", "alimock", "--version"]
    done = subprocess.run(
        command, env={"PYTHONPATH": str(path)}, cwd=folder, capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout


def metadata_version(folder: Path) -> str:
    return str(project_wheel_metadata(folder, isolated=False)["Version"])


def test_commit_after_the_tag_is_a_development_version_of_the_next_release(clone: Path) -> None:
    git(clone, "commit", "--quiet", "--allow-empty", "--message", "Continue")
    assert re.fullmatch(r"1\.2\.4\.dev1\+g[0-9a-f]+", metadata_version(clone))


def test_archive_made_by_git_has_the_version_of_the_tag(clone: Path, tmp_path: Path) -> None:
    git(clone, "archive", "--output", str(tmp_path / "alimock.tar"), "--prefix", "archive/", "v1.2.3")
    shutil.unpack_archive(tmp_path / "alimock.tar", tmp_path)
    assert metadata_version(tmp_path / "archive") == "1.2.3"


# setuptools-scm warns that .git_archival.txt is not from an archive.
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(("variable", "version"), [("", "0.0.0"), ("4.5.6", "4.5.6")])
def test_copy_without_git_has_the_version_of_the_variable(
    clone: Path, monkeypatch: pytest.MonkeyPatch, variable: str, version: str
) -> None:
    shutil.rmtree(clone / ".git")
    monkeypatch.setenv("SETUPTOOLS_SCM_PRETEND_VERSION_FOR_ALIMOCK", variable)
    assert metadata_version(clone) == version


def test_release_names_its_repository_and_links_into_it(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPOSITORY_URL", URL)
    found = project_wheel_metadata(clone, isolated=False)
    assert found.get_all("Project-URL") == [
        f"Source, {URL}",
        f"Issues, {URL}/issues",
        f"Changelog, {URL}/blob/v1.2.3/CHANGELOG.md",
    ]
    links = re.findall(r"""(?:\]\(|(?:src|srcset|href)=")([^)"]*)""", str(found.get_payload()))
    assert f"{URL}/blob/v1.2.3/LICENSE" in links
    assert [link for link in links if not link.startswith(("https://", "#"))] == []


@pytest.mark.parametrize(
    ("link", "kind"), [("docs/outbox.png", "raw"), ("docs/outbox.svg", "raw"), ("docs/index.md#start", "blob")]
)
def test_images_of_the_readme_are_linked_as_files(clone: Path, monkeypatch: pytest.MonkeyPatch, link: str, kind: str) -> None:
    (clone / "README.md").write_text(f"![An outbox]({link})\n")
    git(clone, "commit", "--quiet", "--all", "--message", "Link")
    git(clone, "tag", "v1.3.0")
    monkeypatch.setenv("REPOSITORY_URL", URL)
    readme = project_wheel_metadata(clone, isolated=False).get_payload()
    assert readme == f"![An outbox]({URL}/{kind}/v1.3.0/{link})\n"


def test_build_requirements_are_installed_for_these_tests() -> None:
    assert not build.ProjectBuilder(ROOT).check_dependencies("wheel")
