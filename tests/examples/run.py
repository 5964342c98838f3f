"""Run every example as a user would, in a separate environment, and print the results. Run by `make examples`.

The container examples run as local processes: the emulator with the environment of its service, its health check, and the commands of
the other services. If Docker and its compose plugin are available, they also run unchanged. An example without its toolchain is
skipped with a reason; if CI is set, it fails.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
EXAMPLES = ROOT / "examples"
BUILD = ROOT / "build" / "examples"
BINARIES = BUILD / "python" / "bin"
TIMEOUT_SECONDS = 600
# The variables that could change what an example does.
FOREIGN = re.compile(r"ALIMOCK_|ALIBABA_CLOUD_|PYTEST_|(HTTPS?|NO)_PROXY$", re.IGNORECASE)


class Missing(Exception):
    """A tool is not installed."""


def _environ(**own: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not FOREIGN.match(name)}
    return {**inherited, "PATH": f"{BINARIES}{os.pathsep}{os.environ['PATH']}", **own}


def _run(*command: str | Path, folder: Path, **environ: str) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, env=_environ(**environ))
    if done.returncode:
        raise RuntimeError(f"{shlex.join(map(str, command))}: {done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done.stdout


def _tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise Missing(f"{name} is not installed")
    return found


def _install() -> None:
    """Create the environment that the README of the examples describes."""
    if not BINARIES.exists():
        venv.create(BINARIES.parent, with_pip=True)
    pip = (BINARIES / "pip", "install", "--quiet", "--disable-pip-version-check")
    _run(*pip, "-r", "requirements.txt", "pytest-xdist", folder=EXAMPLES / "pytest")
    # pip would reuse an earlier build of the same version.
    _run(*pip, "--force-reinstall", "--no-deps", ROOT, folder=ROOT)
    _run(*pip, f"{ROOT}[tls]", folder=ROOT)


def _load(path: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((EXAMPLES / path).read_text())
    return document


@contextmanager
def _serving(environ: dict[str, str], health_check: list[str]) -> Iterator[list[str]]:
    """Run the emulator of a container file, wait for its health check, and yield its URLs."""
    known = {**environ, "ALIMOCK_PORT": "0", **({"ALIMOCK_TLS_PORT": "0"} if "ALIMOCK_TLS_PORT" in environ else {})}
    command = [BINARIES / "alimock", "serve", "--log-level", "error"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=_environ(**known)) as process:
        try:
            assert process.stdout is not None
            urls = re.findall(r"https?://[\d.:]+", process.stdout.readline().partition("(")[0])
            assert urls, "no ready line"
            for _ in range(30):
                if subprocess.run([*health_check, "--url", urls[0]], env=_environ(), capture_output=True).returncode == 0:
                    break
                time.sleep(1)
            else:
                raise RuntimeError(f"health check failed for 30 seconds: {shlex.join(health_check)}")
            yield urls
        finally:
            process.terminate()


def pytest_example() -> str:
    """Run the tests of the application with the plugin, in one process and in two."""
    plain = _run("pytest", "-p", "no:cacheprovider", folder=EXAMPLES / "pytest")
    _run("pytest", "-p", "no:cacheprovider", "-n", "2", folder=EXAMPLES / "pytest")
    return _passed(plain)


def node_example() -> str:
    """Run the tests of the application with `alimock run`."""
    npm, folder = _tool("npm"), BUILD / "node"
    shutil.copytree(EXAMPLES / "node", folder, dirs_exist_ok=True)
    _run(npm, "install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts", folder=folder)
    (line,) = [line for line in (EXAMPLES / "README.md").read_text().splitlines() if line.startswith("cd examples/node")]
    output = _run(*shlex.split(line.rpartition("&& ")[2]), folder=folder)
    passed = re.search(r"^# pass (\d+)", output, re.MULTILINE) or re.search(r"pass (\d+)", output)
    assert passed is not None and passed[1] != "0", output
    return f"{passed[1]} passed"


def compose_example() -> str:
    """Run compose.yaml as processes."""
    _validate("vendor.compose-spec", "docker-compose/compose.yaml")
    services = _load("docker-compose/compose.yaml")["services"]
    emulator, tests = services["alimock"], services["tests"]
    with _serving(emulator["environment"], emulator["healthcheck"]["test"][1:]) as (url,):
        assert tests["environment"]["ALIMOCK_URL"] == "http://alimock:2546"
        command = shlex.split(tests["command"])[2].rpartition("&& ")[2]
        folder = ROOT / tests["working_dir"].removeprefix("/source/")
        return _passed(_run(*shlex.split(command), folder=folder, ALIMOCK_URL=url))


def unchanged_example() -> str:
    """Run unchanged.yaml as processes; sitecustomize.py replaces the network alias."""
    _validate("vendor.compose-spec", "docker-compose/unchanged.yaml")
    services = _load("docker-compose/unchanged.yaml")["services"]
    emulator, application = services["alimock"], services["application"]
    assert emulator["networks"]["default"]["aliases"] == ["domain.aliyuncs.com"]
    authority = str(BUILD / "authority")
    environ = {name: value.replace("/authority", authority) for name, value in emulator["environment"].items()}
    with _serving(environ, emulator["healthcheck"]["test"][1:]) as (_, secure):
        own = {name: value.replace("/authority", authority) for name, value in application["environment"].items()}
        own |= {"PYTHONPATH": str(HERE / "resolve"), "RESOLVED_PORT": secure.rpartition(":")[2]}
        command = shlex.split(application["command"])[2].rpartition("&& ")[2]
        output = _run(*shlex.split(command), folder=EXAMPLES / "pytest", **own)
    assert output == "check your inbox\n", output
    return output.strip()


def actions_example() -> str:
    """Run the workflow as processes."""
    _validate("vendor.github-workflows", "github-actions/workflow.yaml")
    job = _load("github-actions/workflow.yaml")["jobs"]["tests"]
    service, options = job["services"]["alimock"], shlex.split(job["services"]["alimock"]["options"])
    health_check = shlex.split(options[options.index("--health-cmd") + 1])
    installed, tested, kept = [step["run"] for step in job["steps"] if "run" in step]
    assert installed == "pip install -r requirements.txt pytest-xdist"
    with _serving(service["env"], health_check) as (url,):
        assert job["env"]["ALIMOCK_URL"] == "http://127.0.0.1:2546"
        folder = ROOT / job["defaults"]["run"]["working-directory"]
        passed = _passed(_run(*shlex.split(tested), "-p", "no:cacheprovider", folder=folder, ALIMOCK_URL=url))
        assert json.loads(_run("sh", "-c", kept, folder=folder, ALIMOCK_URL=url))["cursor"] > 0
    return passed


def gunicorn_example() -> str:
    """Run the command of README.md for another WSGI server, on a free port."""
    _run(BINARIES / "pip", "install", "--quiet", "--disable-pip-version-check", "gunicorn", folder=ROOT)
    (command,) = re.findall(r"^gunicorn .*", (ROOT / "README.md").read_text(), re.MULTILINE)
    words = [BINARIES / "gunicorn", "--bind", "127.0.0.1:0", *shlex.split(command)[1:]]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env=_environ()) as process:
        try:
            assert process.stderr is not None
            urls = (re.search(r"Listening at: (\S+)", line) for line in process.stderr)
            (url,) = next(found for found in urls if found is not None).groups()
            return _run(BINARIES / "alimock", "ready", "--url", url, folder=ROOT).strip() or "ready"
        finally:
            process.terminate()


def docker_example() -> str:
    """Run both compose files in Docker."""
    docker = _tool("docker")
    for words in (("info",), ("compose", "version")):
        if subprocess.run([docker, *words], capture_output=True).returncode:
            raise Missing(f"docker {' '.join(words)} failed")
    for name, service in (("compose.yaml", "tests"), ("unchanged.yaml", "application")):
        folder = EXAMPLES / "docker-compose"
        _run(
            docker, "compose", "-f", name, "up", "--build", "--abort-on-container-exit", "--exit-code-from", service, folder=folder
        )
        _run(docker, "compose", "-f", name, "down", "--volumes", folder=folder)
    return "both files"


def _validate(schema: str, path: str) -> None:
    _run(sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, EXAMPLES / path, folder=ROOT)


def _passed(output: str) -> str:
    passed = re.search(r"(\d+) passed", output)
    assert passed is not None, output
    return passed[0]


RUNS: tuple[tuple[str, Callable[[], str]], ...] = (
    ("pytest", pytest_example),
    ("node", node_example),
    ("docker-compose/compose.yaml as processes", compose_example),
    ("docker-compose/unchanged.yaml as processes", unchanged_example),
    ("github-actions as processes", actions_example),
    ("gunicorn", gunicorn_example),
    ("docker-compose in Docker", docker_example),
)
# No package installs Docker, so CI may skip it.
OPTIONAL = {docker_example}


def main() -> int:
    """Run all examples; return 1 if one failed or, if CI is set, a required one was skipped."""
    _install()
    status = 0
    for name, run in RUNS:
        try:
            print(f"{name}: {run()}", flush=True)
        except Missing as error:
            print(f"{name}: skipped, {error}", flush=True)
            status = 1 if os.environ.get("CI") and run not in OPTIONAL else status
        except (AssertionError, RuntimeError, subprocess.TimeoutExpired) as error:
            print(f"{name}: FAILED\n{error}", flush=True)
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
