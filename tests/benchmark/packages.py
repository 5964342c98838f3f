"""Where the tools come from: packages of the registries, each installed once into a folder of its own."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmark.processes import Unfit

FOLDER = Path(__file__).resolve().parents[2] / ".venv" / "bench"
INSTALL_SECONDS = 300


@dataclass(frozen=True)
class PythonPackage:
    """A package of PyPI, in a virtual environment of its own."""

    name: str
    version: str
    extras: str = ""

    @property
    def folder(self) -> Path:
        """Where it is."""
        return FOLDER / f"{self.name}-{self.version}"

    @property
    def binaries(self) -> Path:
        """Where its commands and its interpreter are."""
        return self.folder / "bin"

    def install(self) -> None:
        """Makes the environment."""
        _run(sys.executable, "-m", "venv", self.folder)
        _run(self.binaries / "python", "-m", "pip", "install", "--quiet", f"{self.name}{self.extras}=={self.version}")


@dataclass(frozen=True)
class NodePackage:
    """A package of npm; `beside` are packages that are held to a version of their own."""

    name: str
    version: str
    beside: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """Where it is."""
        return FOLDER / f"{self.name.rpartition('/')[2]}-{self.version}"

    @property
    def binaries(self) -> Path:
        """Where its commands are."""
        return self.folder / "node_modules" / ".bin"

    def install(self) -> None:
        """Fetches it with what it needs."""
        quiet = ("--silent", "--no-audit", "--no-fund", "--ignore-scripts")
        _run(_command("npm"), "install", *quiet, "--prefix", self.folder, f"{self.name}@{self.version}", *self.beside)


@dataclass(frozen=True)
class JavaArchive:
    """A jar of Maven Central that needs no other."""

    group: str
    name: str
    version: str

    @property
    def folder(self) -> Path:
        """Where it is."""
        return FOLDER / f"{self.name}-{self.version}"

    @property
    def file(self) -> Path:
        """The jar itself."""
        return self.folder / f"{self.name}-{self.version}.jar"

    def install(self) -> None:
        """Fetches it through Maven, so that the settings of its user hold."""
        _command("java")
        copied = (f"-Dartifact={self.group}:{self.name}:{self.version}", f"-DoutputDirectory={self.folder}")
        _run(_command("mvn"), "-q", "-B", "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy", *copied)


Package = PythonPackage | NodePackage | JavaArchive


def is_installed(package: Package) -> bool:
    """Says whether a package was installed to its end."""
    return _stamp(package).exists()


def install(package: Package) -> None:
    """Installs a package unless it is there already; raises `Unfit` if that cannot be done."""
    if not is_installed(package):
        package.folder.mkdir(parents=True, exist_ok=True)
        package.install()
        _stamp(package).touch()


def _stamp(package: Package) -> Path:
    return package.folder / "installed"


def _command(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise Unfit(f"no {name} on this machine")
    return found


def _run(*command: str | Path) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS)
    except subprocess.TimeoutExpired:
        raise Unfit(f"not installed: {Path(command[0]).name} took more than {INSTALL_SECONDS} seconds") from None
    if done.returncode:
        print(done.stdout, done.stderr, file=sys.stderr)
        raise Unfit(f"not installed: {Path(command[0]).name} ended with status {done.returncode}")
