"""Run every example as a user would, in a separate environment, and print the results. Run by `make examples`.

The container examples run as local processes: the emulator with the environment of its service, its health check, and the commands of
the other services. A Redis server can take the place of Valkey. If Docker and its compose plugin are available, the compose files also
run unchanged. An example without its toolchain is skipped with a reason; if CI is set, it fails.
"""

from __future__ import annotations

import json
import os
import re
import select
import shlex
import shutil
import socket
import socketserver
import subprocess
import sys
import threading
import time
import venv
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlencode
from urllib.request import ProxyHandler, build_opener

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


def _tool(*names: str) -> str:
    """Return the path of the first of some programs that is installed."""
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        raise Missing(f"{' or '.join(names)} is not installed")
    return found


def _install() -> None:
    """Create the environment that the README of the examples describes."""
    if not BINARIES.exists():
        venv.create(BINARIES.parent, with_pip=True)
    pip = (BINARIES / "pip", "install", "--quiet", "--disable-pip-version-check")
    _run(*pip, "-r", "requirements.txt", "pytest-xdist", folder=EXAMPLES / "pytest")
    # pip would reuse an earlier build of the same version.
    _run(*pip, "--force-reinstall", "--no-deps", ROOT, folder=ROOT)
    _run(*pip, f"{ROOT}[tls,valkey]", folder=ROOT)


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
            _wait_for([*health_check, "--url", urls[0]])
            yield urls
        finally:
            process.terminate()


def _wait_for(health_check: list[str], **environ: str) -> None:
    for _ in range(150):
        if subprocess.run(health_check, env=_environ(**environ), capture_output=True).returncode == 0:
            return
        time.sleep(0.2)
    raise RuntimeError(f"health check failed for 30 seconds: {shlex.join(health_check)}")


@contextmanager
def _engine(command: list[str], health_check: list[str], environ: dict[str, str]) -> Iterator[str]:
    """Run the Valkey of a container file on a Unix socket, wait for its health check, and yield the path of the socket."""
    server, client = _tool(command[0], "redis-server"), _tool(health_check[0], "redis-cli")
    with TemporaryDirectory(prefix="alimock") as folder:
        path = f"{folder}/valkey.sock"
        words = [server, *command[1:], "--port", "0", "--unixsocket", path, "--save", "", "--dir", folder]
        with subprocess.Popen(words, stdout=subprocess.DEVNULL, env=_environ(**environ)) as process:
            try:
                _wait_for([client, "-s", path, *health_check[1:]], **environ)
                yield path
            finally:
                process.terminate()


class _Balancer(socketserver.ThreadingTCPServer):
    """A TCP balancer: each connection goes to the next replica."""

    daemon_threads = True

    def __init__(self, urls: list[str]) -> None:
        self.ports = cycle([int(url.rpartition(":")[2]) for url in urls])
        super().__init__(("127.0.0.1", 0), _Connection)


class _Connection(socketserver.BaseRequestHandler):
    server: _Balancer

    def handle(self) -> None:
        """Copy what either side sends, until one of them closes the connection."""
        with socket.create_connection(("127.0.0.1", next(self.server.ports))) as replica:
            others = {self.request: replica, replica: self.request}
            while True:
                for end in select.select(list(others), [], [])[0]:
                    data = end.recv(65536)
                    if not data:
                        return
                    others[end].sendall(data)


@contextmanager
def _balancing(urls: list[str]) -> Iterator[str]:
    """Run a balancer in front of some emulators, and yield its URL."""
    with _Balancer(urls) as balancer:
        thread = threading.Thread(target=balancer.serve_forever, kwargs={"poll_interval": 0.1})
        thread.start()
        try:
            yield f"http://127.0.0.1:{balancer.server_address[1]}"
        finally:
            balancer.shutdown()
            thread.join()


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


def replicas_example() -> str:
    """Run replicas/compose.yaml as processes."""
    _validate("vendor.compose-spec", "replicas/compose.yaml")
    services = _load("replicas/compose.yaml")["services"]
    names = [name for name, service in services.items() if "ALIMOCK_STATE" in service.get("environment", ())]
    (upstreams,) = re.findall(r"reverse_proxy (.*) {", (EXAMPLES / "replicas" / "Caddyfile").read_text())
    assert upstreams.split() == [f"{name}:2546" for name in names]
    valkey = services["valkey"]
    with _engine(valkey["command"], valkey["healthcheck"]["test"][1:], {}) as path:
        return _share_one_state(
            [_at_socket(services[name]["environment"], path) for name in names], services[names[0]]["healthcheck"]["test"][1:]
        )


def kubernetes_example() -> str:
    """Run replicas/kubernetes.yaml as processes."""
    _run(BINARIES / "pip", "install", "--quiet", "--disable-pip-version-check", "kubernetes-validate", folder=ROOT)
    manifest = EXAMPLES / "replicas" / "kubernetes.yaml"
    _run(BINARIES / "kubernetes-validate", "--strict", manifest, folder=ROOT)
    objects = {(one["kind"], one["metadata"]["name"]): one for one in yaml.safe_load_all(manifest.read_text())}
    secret, deployment = objects["Secret", "valkey"]["stringData"], objects["Deployment", "alimock"]["spec"]
    (emulator,) = deployment["template"]["spec"]["containers"]
    (valkey,) = objects["StatefulSet", "valkey"]["spec"]["template"]["spec"]["containers"]
    probes = [emulator[f"{kind}Probe"]["httpGet"] for kind in ("readiness", "liveness")]
    assert [probe["path"] for probe in probes] == ["/readyz", "/livez"]
    environ = _container_environ(valkey, secret)
    command = [_expanded(word, environ) for word in valkey["args"]]
    with _engine(command, valkey["readinessProbe"]["exec"]["command"], environ) as path:
        replica = _at_socket(_container_environ(emulator, secret), path)
        return _share_one_state([replica] * deployment["replicas"], ["alimock", "ready"])


def _container_environ(container: dict[str, Any], secret: dict[str, str]) -> dict[str, str]:
    """Return the variables of a container as Kubernetes sets them."""
    environ: dict[str, str] = {}
    for one in container["env"]:
        value = one["value"] if "value" in one else secret[one["valueFrom"]["secretKeyRef"]["key"]]
        environ[one["name"]] = _expanded(value, environ)
    return environ


def _expanded(text: str, environ: dict[str, str]) -> str:
    return re.sub(r"\$\((\w+)\)", lambda found: environ[found[1]], text)


def _at_socket(environ: dict[str, str], path: str) -> dict[str, str]:
    """Let the state of an emulator be at a Unix socket instead of the host `valkey`."""
    user, name = re.fullmatch(r"valkey://(.*@)?valkey:6379/(\w+)", environ["ALIMOCK_STATE"]).groups("")  # type: ignore[union-attr]
    return {**environ, "ALIMOCK_STATE": f"unix://{user}{path}?name={name}"}


def _share_one_state(replicas: list[dict[str, str]], health_check: list[str]) -> str:
    """Run replicas, use them in turn, and run the tests of the application behind a balancer."""
    with ExitStack() as stack, ThreadPoolExecutor() as pool:
        urls = [stack.enter_context(_serving(environ, health_check))[0] for environ in replicas]
        one, other = urls
        waiting = pool.submit(_get, other, "_alimock/outbox/wait", to="jo@example.com", timeout=30)
        time.sleep(0.5)
        assert not waiting.done(), waiting.result()
        _get(one, Action="SubmitEmailVerification", Email="jo@example.com")
        _get(other, Action="VerifyEmail", Token=waiting.result()["message"]["token"])
        assert _get(one, Action="QueryEmailVerification", Email="jo@example.com")["VerificationStatus"] == 1
        address = stack.enter_context(_balancing(urls))
        for number in range(10):
            _get(address, Action="SubmitEmailVerification", Email=f"jo{number}@example.com")
        outboxes = [_get(url, "_alimock/outbox") for url in urls]
        assert [mail["id"] for mail in outboxes[0]["messages"]] == [mail["id"] for mail in outboxes[1]["messages"]]
        assert len(outboxes[0]["messages"]) == 11
        return _passed(_run("pytest", "-p", "no:cacheprovider", folder=EXAMPLES / "pytest", ALIMOCK_URL=address))


def _get(url: str, path: str = "", **parameters: object) -> dict[str, Any]:
    """Get a resource of the control API, or call the emulated API."""
    query = parameters if path else {"Version": "2018-01-29", "Format": "JSON", **parameters}
    # Without the proxies of the environment.
    opener = build_opener(ProxyHandler({}))
    with opener.open(f"{url}/{path}?{urlencode(query)}", timeout=TIMEOUT_SECONDS) as response:
        answer: dict[str, Any] = json.load(response)
        return answer


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
    """Run the command that docs/how-to/wsgi.md shows for another WSGI server, on a free port."""
    _run(BINARIES / "pip", "install", "--quiet", "--disable-pip-version-check", "gunicorn", folder=ROOT)
    _, *options = shlex.split("""gunicorn --workers 1 --threads 16 'alimock:create_app()'""")
    words = [BINARIES / "gunicorn", "--bind", "127.0.0.1:0", *options]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env=_environ()) as process:
        try:
            assert process.stderr is not None
            urls = (re.search(r"Listening at: (\S+)", line) for line in process.stderr)
            (url,) = next(found for found in urls if found is not None).groups()
            return _run(BINARIES / "alimock", "ready", "--url", url, folder=ROOT).strip() or "ready"
        finally:
            process.terminate()


def docker_example() -> str:
    """Run the compose files in Docker."""
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
    folder = EXAMPLES / "replicas"
    _run(docker, "compose", "up", "--build", "--wait", folder=folder)
    _run(BINARIES / "alimock", "ready", "--wait", "10", "--url", "http://127.0.0.1:2546", folder=folder)
    _run(docker, "compose", "down", "--volumes", folder=folder)
    return "all files"


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
    ("replicas/compose.yaml as processes", replicas_example),
    ("replicas/kubernetes.yaml as processes", kubernetes_example),
    ("github-actions as processes", actions_example),
    ("gunicorn", gunicorn_example),
    ("compose files in Docker", docker_example),
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
        except (AssertionError, OSError, RuntimeError, subprocess.TimeoutExpired) as error:
            print(f"{name}: FAILED\n{error}", flush=True)
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
