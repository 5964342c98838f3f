"""The packages of the compared tools, each installed once into its own folder."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmark.processes import NotInstallable

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".venv" / "bench"
INSTALL_SECONDS = 300


@dataclass(frozen=True)
class PythonPackage:
    """A package of PyPI in its own virtual environment."""

    name: str
    version: str
    extras: str = ""

    @property
    def folder(self) -> Path:
        """The folder that it is installed into."""
        return FOLDER / f"{self.name}-{self.version}"

    @property
    def binaries(self) -> Path:
        """The folder of its commands and its interpreter."""
        return self.folder / "bin"

    @property
    def requirements(self) -> tuple[str, ...]:
        """What pip installs."""
        return (f"{self.name}{self.extras}=={self.version}",)

    def install(self) -> None:
        """Create the environment."""
        _run(sys.executable, "-m", "venv", self.folder)
        _run(self.binaries / "python", "-m", "pip", "install", "--quiet", *self.requirements)


class AlimockWithUvloop(PythonPackage):
    """alimock from this source tree with its extra `fast`; `version` is that of uvloop."""

    @property
    def requirements(self) -> tuple[str, ...]:
        """What pip installs."""
        return "--editable", f"{ROOT}[fast]", f"uvloop=={self.version}"

    def install(self) -> None:
        """Create the environment."""
        # The extra is empty there.
        if sys.platform == "win32":
            raise NotInstallable("uvloop does not support Windows")
        super().install()


@dataclass(frozen=True)
class NodePackage:
    """A package of npm; `pinned` are dependencies with a fixed version."""

    name: str
    version: str
    pinned: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """The folder that it is installed into."""
        return FOLDER / f"{self.name.rpartition('/')[2]}-{self.version}"

    @property
    def binaries(self) -> Path:
        """The folder of its commands."""
        return self.folder / "node_modules" / ".bin"

    def install(self) -> None:
        """Install it with its dependencies."""
        quiet = ("--silent", "--no-audit", "--no-fund", "--ignore-scripts")
        _run(_command("npm"), "install", *quiet, "--prefix", self.folder, f"{self.name}@{self.version}", *self.pinned)


@dataclass(frozen=True)
class JavaArchive:
    """A jar of Maven Central without dependencies."""

    group: str
    name: str
    version: str

    @property
    def folder(self) -> Path:
        """The folder that it is installed into."""
        return FOLDER / f"{self.name}-{self.version}"

    @property
    def file(self) -> Path:
        """The jar file."""
        return self.folder / f"{self.name}-{self.version}.jar"

    def install(self) -> None:
        """Download it with Maven, so that the user's settings apply."""
        _command("java")
        copied = (f"-Dartifact={self.group}:{self.name}:{self.version}", f"-DoutputDirectory={self.folder}")
        _run(_command("mvn"), "-q", "-B", "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy", *copied)


Package = PythonPackage | NodePackage | JavaArchive


def is_installed(package: Package) -> bool:
    """Return whether the installation of a package was completed."""
    return _stamp(package).exists()


def install(package: Package) -> None:
    """Install a package unless it is installed; raise `NotInstallable` on failure."""
    if not is_installed(package):
        package.folder.mkdir(parents=True, exist_ok=True)
        package.install()
        _stamp(package).touch()


def _stamp(package: Package) -> Path:
    return package.folder / "installed"


def _command(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise NotInstallable(f"{name} is not installed")
    return found


def _run(*command: str | Path) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS)
    except subprocess.TimeoutExpired:
        raise NotInstallable(f"installation failed: {Path(command[0]).name} took more than {INSTALL_SECONDS} seconds") from None
    if done.returncode:
        print(done.stdout, done.stderr, file=sys.stderr)
        raise NotInstallable(f"installation failed: {Path(command[0]).name} exited with status {done.returncode}")
