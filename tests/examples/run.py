"""Run every example as a user would, in a separate environment, and print the results. Run by `make examples`.

Each example runs in a copy outside the repository, with a wheel of alimock.

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
WHEELS = BUILD / "wheels"
# What the examples use besides their requirements.
_TOOLS = ("gunicorn", "kubernetes-validate", "pytest-xdist", "testcontainers>=4.13")
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
    """Build a wheel, and create the environment that the README of the examples describes."""
    if not BINARIES.exists():
        venv.create(BINARIES.parent, with_pip=True)
    shutil.rmtree(WHEELS, ignore_errors=True)
    pip, quiet = BINARIES / "pip", ("--quiet", "--disable-pip-version-check")
    _run(pip, "wheel", *quiet, "--no-deps", "--wheel-dir", WHEELS, ROOT, folder=ROOT)
    # pip would keep an earlier build of the same version.
    _run(pip, "install", *quiet, "--force-reinstall", "--no-deps", _wheel(), folder=ROOT)
    _run(pip, "install", *quiet, f"{_wheel()}[tls,valkey]", *_TOOLS, folder=ROOT)
    _run(pip, "install", *quiet, "-r", "requirements.txt", folder=EXAMPLES / "pytest", ALIMOCK_PACKAGE=_wheel())


def _wheel() -> str:
    (wheel,) = WHEELS.iterdir()
    return str(wheel)


def _copy(name: str, folder: Path) -> None:
    """Copy the files of an example to a folder, as its reader does."""
    shutil.copytree(
        EXAMPLES / name, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", "node_modules", "target")
    )


def _load(path: Path) -> dict[str, Any]:
    """Return a compose file or a workflow, with the variables that Docker Compose replaces."""
    variables = {"ALIMOCK_PACKAGE": _wheel()}
    text = re.sub(r"\$\{(\w+)(?::-([^}]*)|:\?[^}]+)?\}", lambda found: variables.get(found[1]) or found[2], path.read_text())
    document: dict[str, Any] = yaml.safe_load(text)
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


def _pytest(folder: Path, *options: str, **environ: str) -> str:
    """Run the tests of the Python application, and return how many passed."""
    return _passed(_run("pytest", "-p", "no:cacheprovider", *options, folder=folder, **environ))


def _passed(output: str) -> str:
    passed = re.search(r"(\d+) passed", output)
    assert passed is not None, output
    return passed[0]


def pytest_example(folder: Path) -> str:
    """Run the tests of the application with the plugin, in one process and in two."""
    _copy("pytest", folder)
    _pytest(folder, "-n", "2")
    return _pytest(folder)


def node_example(folder: Path) -> str:
    """Run the tests of the application with `alimock run`."""
    _tool("npm")
    _copy("node", folder)
    return _node_passed(_run("sh", "-ec", _documented_command("node"), folder=folder))


def java_example(folder: Path) -> str:
    """Run the tests of the application with `alimock run`."""
    _tool("mvn")
    _copy("java", folder)
    _run("sh", "-ec", _documented_command("java"), folder=folder)
    (report,) = (folder / "target" / "surefire-reports").glob("*.txt")
    (run,) = re.findall(r"Tests run: (\d+), Failures: 0, Errors: 0, Skipped: 0", report.read_text())
    return f"{run} passed"


def go_example(folder: Path) -> str:
    """Run the tests of the application with `alimock run`."""
    _tool("go")
    _copy("go", folder)
    output = _run("sh", "-ec", f"{_documented_command('go')} -v", folder=folder)
    return f"{len(re.findall(r'^--- PASS: ', output, re.MULTILINE))} passed"


def _node_passed(output: str) -> str:
    passed = re.search(r"^(?:#|\W) pass (\d+)", output, re.MULTILINE)
    assert passed is not None and passed[1] != "0", output
    return f"{passed[1]} passed"


def _documented_command(name: str) -> str:
    """Return the command that README.md of the examples has for one of them."""
    (command,) = re.findall(rf"^\| \[{name}/\].*\| `([^`]+)` \|$", (EXAMPLES / "README.md").read_text(), re.MULTILINE)
    return str(command)


def compose_example(folder: Path) -> str:
    """Run compose.yaml as processes."""
    _copy("pytest", folder)
    _copy("docker-compose", folder)
    _validate("vendor.compose-spec", folder / "compose.yaml")
    services = _load(folder / "compose.yaml")["services"]
    emulator, tests = services["alimock"], services["tests"]
    with _serving(emulator["environment"], emulator["healthcheck"]["test"][1:]) as (url,):
        assert tests["environment"]["ALIMOCK_URL"] == "http://alimock:2546"
        assert tests["volumes"] == [f".:{tests['working_dir']}:ro", f"{_wheel()}:{_wheel()}:ro"]
        return _passed(_run(*shlex.split(tests["command"]), folder=folder, **{**tests["environment"], "ALIMOCK_URL": url}))


def testcontainers_example(folder: Path) -> str:
    """Run the tests of the Python application with conftest.py of testcontainers, and with processes instead of a Docker engine."""
    _copy("pytest", folder)
    _copy("testcontainers", folder)
    environ = {"PYTHONPATH": str(HERE / "engine"), "TESTCONTAINERS_RYUK_DISABLED": "true"}
    return _pytest(folder, "-p", "engine_of_processes", **environ)


def unchanged_example(folder: Path) -> str:
    """Run unchanged.yaml as processes; sitecustomize.py replaces the network alias."""
    _copy("pytest", folder)
    _copy("docker-compose", folder)
    _validate("vendor.compose-spec", folder / "unchanged.yaml")
    services = _load(folder / "unchanged.yaml")["services"]
    emulator, application = services["alimock"], services["application"]
    assert emulator["networks"]["default"]["aliases"] == ["domain.aliyuncs.com"]
    authority = str(folder / "authority")
    environ = {name: value.replace("/authority", authority) for name, value in emulator["environment"].items()}
    with _serving(environ, emulator["healthcheck"]["test"][1:]) as (_, secure):
        own = {name: value.replace("/authority", authority) for name, value in application["environment"].items()}
        own |= {"PYTHONPATH": str(HERE / "resolve"), "RESOLVED_PORT": secure.rpartition(":")[2]}
        command = shlex.split(application["command"])[2].rpartition("&& ")[2]
        output = _run(*shlex.split(command), folder=folder, **own)
    assert output == "check your inbox\n", output
    return output.strip()


def replicas_example(folder: Path) -> str:
    """Run replicas/compose.yaml as processes."""
    _copy("replicas", folder)
    _copy("pytest", folder)
    _validate("vendor.compose-spec", folder / "compose.yaml")
    services = _load(folder / "compose.yaml")["services"]
    names = [name for name, service in services.items() if "ALIMOCK_STATE" in service.get("environment", ())]
    (upstreams,) = re.findall(r"reverse_proxy (.*) {", (folder / "Caddyfile").read_text())
    assert upstreams.split() == [f"{name}:2546" for name in names]
    valkey = services["valkey"]
    with _engine(valkey["command"], valkey["healthcheck"]["test"][1:], {}) as path:
        return _share_one_state(
            [_at_socket(services[name]["environment"], path) for name in names],
            services[names[0]]["healthcheck"]["test"][1:],
            folder,
        )


def kubernetes_replicas_example(folder: Path) -> str:
    """Run replicas/kubernetes.yaml as processes."""
    _copy("pytest", folder)
    objects = _objects("replicas/kubernetes.yaml")
    secret, deployment = objects["Secret", "valkey"]["stringData"], objects["Deployment", "alimock"]["spec"]
    (emulator,) = deployment["template"]["spec"]["containers"]
    (valkey,) = objects["StatefulSet", "valkey"]["spec"]["template"]["spec"]["containers"]
    _check_probes(emulator)
    environ = _container_environ(valkey, secret)
    command = [_expanded(word, environ) for word in valkey["args"]]
    with _engine(command, valkey["readinessProbe"]["exec"]["command"], environ) as path:
        replica = _at_socket(_container_environ(emulator, secret), path)
        return _share_one_state([replica] * deployment["replicas"], ["alimock", "ready"], folder)


def kubernetes_example(folder: Path) -> str:
    """Run kubernetes/alimock.yaml and kubernetes/sidecar.yaml as processes."""
    _copy("pytest", folder)
    objects = _objects("kubernetes/alimock.yaml")
    (shared,) = objects["Deployment", "alimock"]["spec"]["template"]["spec"]["containers"]
    _check_probes(shared)
    assert objects["Service", "alimock"]["spec"]["ports"] == [{"name": "http", "port": 2546, "targetPort": "http"}]
    pod = _objects("kubernetes/sidecar.yaml")["Job", "tests"]["spec"]["template"]["spec"]
    (sidecar,), (tests,) = pod["initContainers"], pod["containers"]
    assert sidecar["startupProbe"]["httpGet"] == {"path": "/readyz", "port": 2546}
    assert _container_environ(tests, {}) == {"ALIMOCK_URL": "http://127.0.0.1:2546"}
    token = {"control-token": "s3cret"}
    with _serving(_container_environ(shared, token), ["alimock", "ready"]) as (url,):
        _pytest(folder, ALIMOCK_URL=url, ALIMOCK_CONTROL_TOKEN=token["control-token"])
    with _serving(_container_environ(sidecar, {}), ["alimock", "ready"]) as (url,):
        return _passed(_run(*tests["command"], folder=folder, ALIMOCK_URL=url))


def _objects(path: str) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the objects of a Kubernetes manifest by kind and name, after validation."""
    manifest = EXAMPLES / path
    _run(BINARIES / "kubernetes-validate", "--strict", manifest, folder=ROOT)
    return {(one["kind"], one["metadata"]["name"]): one for one in yaml.safe_load_all(manifest.read_text())}


def _check_probes(container: dict[str, Any]) -> None:
    probes = [container[f"{kind}Probe"]["httpGet"]["path"] for kind in ("readiness", "liveness")]
    assert probes == ["/readyz", "/livez"], probes


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


def _share_one_state(replicas: list[dict[str, str]], health_check: list[str], folder: Path) -> str:
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
        return _pytest(folder, ALIMOCK_URL=address)


def _get(url: str, path: str = "", **parameters: object) -> dict[str, Any]:
    """Get a resource of the control API, or call the emulated API."""
    query = parameters if path else {"Version": "2018-01-29", "Format": "JSON", **parameters}
    # Without the proxies of the environment.
    opener = build_opener(ProxyHandler({}))
    with opener.open(f"{url}/{path}?{urlencode(query)}", timeout=TIMEOUT_SECONDS) as response:
        answer: dict[str, Any] = json.load(response)
        return answer


def actions_example(folder: Path) -> str:
    """Run github-actions/workflow.yaml as processes."""
    _copy("pytest", folder)
    _copy("github-actions", folder)
    _validate("vendor.github-workflows", folder / "workflow.yaml")
    job = _load(folder / "workflow.yaml")["jobs"]["tests"]
    service, options = job["services"]["alimock"], shlex.split(job["services"]["alimock"]["options"])
    health_check = shlex.split(options[options.index("--health-cmd") + 1])
    installed, tested, kept = [step["run"] for step in job["steps"] if "run" in step]
    with _serving(service["env"], health_check) as (url,):
        assert job["env"]["ALIMOCK_URL"] == "http://127.0.0.1:2546"
        passed = _passed(_run("sh", "-ec", f"{installed}\n{tested}", folder=folder, ALIMOCK_URL=url, ALIMOCK_PACKAGE=_wheel()))
        assert json.loads(_run("sh", "-c", kept, folder=folder, ALIMOCK_URL=url))["cursor"] > 0
    return passed


def actions_without_container_example(folder: Path) -> str:
    """Run github-actions/without-container.yaml as processes."""
    _tool("npm")
    _copy("pytest", folder)
    _copy("node", folder)
    _copy("github-actions", folder)
    _validate("vendor.github-workflows", folder / "without-container.yaml")
    jobs = _load(folder / "without-container.yaml")["jobs"]
    python, node = (
        _run("sh", "-ec", "\n".join(step["run"] for step in job["steps"] if "run" in step), folder=folder, ALIMOCK_PACKAGE=_wheel())
        for job in (jobs["pytest"], jobs["node"])
    )
    return f"{_passed(python)}, {_node_passed(node)}"


def gitlab_example(folder: Path) -> str:
    """Run gitlab-ci/.gitlab-ci.yml as processes."""
    _tool("mvn")
    _tool("npm")
    _copy("pytest", folder)
    _copy("gitlab-ci", folder)
    _validate("vendor.gitlab-ci", folder / ".gitlab-ci.yml")
    jobs = _load(folder / ".gitlab-ci.yml")
    job = jobs["tests"]
    (service,) = job["services"]
    assert job["variables"] == {"ALIMOCK_URL": f"http://{service['alias']}:2546"}
    # The runner waits until the port of the service accepts connections.
    with _serving(service["variables"], ["alimock", "ready"]) as (url,):
        script = "\n".join((*job["script"], *job["after_script"]))
        _run("sh", "-ec", script, folder=folder, ALIMOCK_URL=url, ALIMOCK_PACKAGE=_wheel())
        assert json.loads((folder / job["artifacts"]["paths"][0]).read_text())["cursor"] > 0
    for name in ("java", "node"):
        _copy(name, folder / name)
        assert jobs[name]["services"] == [service]
        with _serving(service["variables"], ["alimock", "ready"]) as (url,):
            endpoint = url.removeprefix("http://")
            environ = {key: value.replace("alimock:2546", endpoint) for key, value in jobs[name]["variables"].items()}
            _run("sh", "-ec", "\n".join(jobs[name]["script"]), folder=folder / name, **environ)
    return _passed(_run("sh", "-ec", "\n".join(jobs["without-container"]["script"]), folder=folder, ALIMOCK_PACKAGE=_wheel()))


def gunicorn_example(folder: Path) -> str:
    """Run the documented command for another WSGI server, on a free port."""
    (command,) = re.findall(r"^gunicorn .*", (ROOT / "docs" / "how-to" / "wsgi.md").read_text(), re.MULTILINE)
    words = [BINARIES / "gunicorn", "--bind", "127.0.0.1:0", *shlex.split(command)[1:]]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True, cwd=folder, env=_environ()) as process:
        try:
            assert process.stderr is not None
            urls = (re.search(r"Listening at: (\S+)", line) for line in process.stderr)
            (url,) = next(found for found in urls if found is not None).groups()
            return _run(BINARIES / "alimock", "ready", "--url", url, folder=folder).strip()
        finally:
            process.terminate()


def docker_example(folder: Path) -> str:
    """Run the compose files in Docker."""
    docker = _tool("docker")
    for words in (("info",), ("compose", "version")):
        if subprocess.run([docker, *words], capture_output=True).returncode:
            raise Missing(f"docker {' '.join(words)} failed")
    _run(docker, "build", "--tag", "alimock", ROOT, folder=ROOT)
    application, replicas, contained = folder / "application", folder / "replicas", folder / "contained"
    _copy("pytest", contained)
    _copy("testcontainers", contained)
    _pytest(contained)
    _copy("pytest", application)
    _copy("docker-compose", application)
    for name, service in (("compose.yaml", "tests"), ("unchanged.yaml", "application")):
        compose = (docker, "compose", "-f", name)
        up = ("up", "--abort-on-container-exit", "--exit-code-from", service)
        _run(*compose, *up, folder=application, ALIMOCK_PACKAGE=_wheel())
        _run(*compose, "down", "--volumes", folder=application, ALIMOCK_PACKAGE=_wheel())
    _copy("replicas", replicas)
    _run(docker, "compose", "up", "--wait", folder=replicas)
    _run(BINARIES / "alimock", "ready", "--wait", "10", "--url", "http://127.0.0.1:2546", folder=replicas)
    _run(docker, "compose", "down", "--volumes", folder=replicas)
    return "all files"


def _validate(schema: str, path: Path) -> None:
    _run(sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, path, folder=ROOT)


RUNS: tuple[tuple[str, Callable[[Path], str]], ...] = (
    ("pytest", pytest_example),
    ("node", node_example),
    ("java", java_example),
    ("go", go_example),
    ("testcontainers as processes", testcontainers_example),
    ("docker-compose/compose.yaml as processes", compose_example),
    ("docker-compose/unchanged.yaml as processes", unchanged_example),
    ("replicas/compose.yaml as processes", replicas_example),
    ("replicas/kubernetes.yaml as processes", kubernetes_replicas_example),
    ("kubernetes as processes", kubernetes_example),
    ("github-actions/workflow.yaml as processes", actions_example),
    ("github-actions/without-container.yaml as processes", actions_without_container_example),
    ("gitlab-ci as processes", gitlab_example),
    ("gunicorn", gunicorn_example),
    ("compose files in Docker", docker_example),
)
# No package installs Docker, so CI may skip it.
OPTIONAL = {docker_example}


def main() -> int:
    """Run all examples; return 1 if one failed or, if CI is set, a required one was skipped."""
    _install()
    status = 0
    # CI has two processors.
    with ThreadPoolExecutor(max_workers=2) as pool:
        for result, passed in pool.map(_attempt, RUNS):
            print(result, flush=True)
            status = status if passed else 1
    return status


def _attempt(example: tuple[str, Callable[[Path], str]]) -> tuple[str, bool]:
    """Run one example; return its line of the output, and whether it counts as passed."""
    name, run = example
    started = time.monotonic()
    try:
        with TemporaryDirectory(prefix="alimock-examples") as folder:
            result = run(Path(folder))
    except Missing as error:
        return f"{name}: skipped, {error}", not os.environ.get("CI") or run in OPTIONAL
    except (AssertionError, OSError, RuntimeError, subprocess.TimeoutExpired) as error:
        return f"{name}: FAILED\n{error}", False
    return f"{name}: {result} ({time.monotonic() - started:.0f} s)", True


if __name__ == "__main__":
    sys.exit(main())
