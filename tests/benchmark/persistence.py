"""The cost of a state that outlives its process: calls, waits at another process, and restarts, compared with a state in memory.

Run as a program, it prints the tables of this section only.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from alimock.persistence.applier import SNAPSHOT_COMMANDS
from benchmark import load
from benchmark.calls import SUBMIT, signed_v1
from benchmark.load import Figures
from benchmark.processes import MEBIBYTE, NotInstallable, NotMeasurable, Process, free_port
from benchmark.report import NOTHING, cell, table
from benchmark.results import measured_load, medians
from benchmark.tools import SENDING, V1_QUERY, serve_addresses

SERVERS = ("valkey-server", "redis-server")
PROCESSES = (1, 2, 4)
ROUNDS = 5
CONNECTIONS = (1, 16)
# A load ends at the first of these limits.
CALLS = 2_000
SECONDS = 0.5
# In each round.
WAKE_UPS = 100
STARTS = 3
# The most that a crash leaves to apply, since a snapshot follows; the rest is for calls that wait for a start.
COMMANDS = SNAPSHOT_COMMANDS - 10
FILE = "alimock.db"
IN_MEMORY, IN_FILE = "in memory", "in a file (SQLite)"
_SERVE = serve_addresses(500)
_OUTBOX = b"GET /_alimock/outbox?limit=1 HTTP/1.1\r\nHost: localhost\r\n\r\n"


@dataclass
class State:
    """A state, the processes that share it, and what was measured.

    `server` keeps the state, if a server does; `failure` is the reason if the state cannot be measured. The key of `figures` is the
    label of the question and the number of connections. `wake_ups` are in seconds.
    """

    name: str
    processes: list[Process] = field(default_factory=list)
    server: Process | None = None
    failure: str | None = None
    figures: dict[tuple[str, int], list[Figures]] = field(default_factory=dict)
    wake_ups: list[float] = field(default_factory=list)

    def median(self, label: str, connections: int) -> Figures | None:
        """Return the medians of the loads."""
        found = self.figures.get((label, connections))
        return medians(found) if found else None


def main() -> None:
    """Print the tables."""
    print(*parts().values(), sep="\n\n")


def parts() -> dict[str, str]:
    """Make the measurements and return what the template of the page has for them."""
    with tempfile.TemporaryDirectory() as folder:
        with ExitStack() as stack:
            server, states = start_states(Path(folder), stack)
            for number in range(ROUNDS):
                _log(f"persistence, {number + 1} of {ROUNDS}")
                measure_loads(states)
                measure_wake_ups(states)
        _log("restarts")
        restarts = restart_table(Path(folder))
    return {
        "state_server": server,
        "state_rounds": str(ROUNDS),
        "state_loads": load_table(states),
        "wake_ups": wake_up_table(states),
        "state_starts": str(STARTS),
        "state_restarts": restarts,
    }


def start_states(folder: Path, stack: ExitStack) -> tuple[str, list[State]]:
    """Start all processes until the stack is closed; return the name of the server with its version, and the states."""

    def start(*options: str) -> Process:
        process = _start(folder, *options)
        stack.callback(process.stop)
        return process

    states = [State(IN_MEMORY, [start()]), State(IN_FILE, [start("--state", str(folder / FILE))])]
    try:
        name, socket_file, server = _start_server(folder)
    except NotMeasurable as reason:
        return "Valkey or Redis", [*states, *(State(_name("Valkey", count), failure=str(reason)) for count in PROCESSES)]
    stack.callback(server.stop)
    for count in PROCESSES:
        processes = [start("--state", f"unix://{socket_file}?name=shared-by-{count}") for _ in range(count)]
        states.append(State(_name(name.partition(" ")[0], count), processes, server))
    return name, states


def measure_loads(states: Sequence[State]) -> None:
    """Load all states in turn, which a disturbance of the machine then hits alike."""
    for question in (V1_QUERY, SENDING):
        for connections in CONNECTIONS:
            # Without a connection, a process would have no load.
            for state in (one for one in states if 0 < len(one.processes) <= connections):
                figures = measured_load(
                    state.processes, question, connections=connections, calls=CALLS, seconds=SECONDS, state_server=state.server
                )
                state.figures.setdefault((question.label, connections), []).append(figures)


def measure_wake_ups(states: Sequence[State]) -> None:
    """Measure waits at another process than that of the Submit, and in memory at the same one."""
    for _ in range(WAKE_UPS):
        for state in states:
            if state.name == IN_MEMORY or len(state.processes) == 2:
                address = f"wait{len(state.wake_ups)}@example.com"
                wait = f"GET /_alimock/outbox/wait?to={address}&timeout=10 HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
                calling, waiting = state.processes[0].port, state.processes[-1].port
                submit = signed_v1(SUBMIT, Email=address)
                state.wake_ups.append(load.wake_up(waiting, wait, calling, submit, address.encode()))


def restart_table(folder: Path) -> str:
    """Measure starts from copies of a file with many commands to apply, and of the same one after a clean stop."""
    crashed, stopped, copy = (folder / name for name in ("crashed", "stopped", "copy"))
    crashed.mkdir()
    process = _start(folder, "--state", str(crashed / FILE))
    for question in (V1_QUERY, SENDING):
        requests = [question.request() for _ in range(COMMANDS // 2)]
        load.drive([process.port], requests, question.expected, connections=max(CONNECTIONS), seconds=120)
    process.kill()
    shutil.copytree(crashed, stopped)
    _start(folder, "--state", str(stopped / FILE)).stop()
    sources = {f"{IN_FILE}, {COMMANDS:,} commands to apply after `kill -9`": crashed, f"{IN_FILE}, after a clean stop": stopped}
    seconds: dict[str, list[float]] = {name: [] for name in (IN_MEMORY, *sources)}
    for _ in range(STARTS):
        process = _start(folder)
        process.kill()
        seconds[IN_MEMORY].append(process.seconds)
        for name, source in sources.items():
            shutil.copytree(source, copy)
            process = _start(folder, "--state", str(copy / FILE))
            load.ask(process.port, _OUTBOX, b'"to":"pending@example.com"')
            process.kill()
            shutil.rmtree(copy)
            seconds[name].append(process.seconds)
    sizes = {name: sum(file.stat().st_size for file in source.iterdir()) / MEBIBYTE for name, source in sources.items()}
    rows = [(name, cell(median(starts) * 1e3, ".0f"), cell(sizes.get(name), ".1f")) for name, starts in seconds.items()]
    return table(("state", "start, ms", "file, MiB"), rows)


def load_table(states: Sequence[State]) -> str:
    """Return the table of loads, with the ratio of the CPU time to that of the state in memory."""
    titles = ["state", "request"]
    for many in CONNECTIONS:
        rate = f"calls/s, {many} connection{'s' if many > 1 else ''}"
        titles += [
            rate,
            f"p50 at {many}, ms",
            f"p99 at {many}, ms",
            f"CPU at {many}, µs/call",
            "to memory",
            f"server's CPU at {many}, µs/call",
        ]
    rows = []
    for label in (V1_QUERY.label, SENDING.label):
        memory = {many: states[0].median(label, many) for many in CONNECTIONS}
        for state in states:
            if state.failure is not None:
                rows.append((state.name, f"not measured: {state.failure}", *("" for _ in titles[2:])))
                continue
            cells = (text for many in CONNECTIONS for text in _cells(state.median(label, many), memory[many]))
            rows.append((state.name, label, *cells))
    return table(titles, rows)


def _cells(figures: Figures | None, memory: Figures | None) -> Sequence[str]:
    if figures is None:
        return [NOTHING] * 6
    ratio = figures.cpu / memory.cpu if figures.cpu is not None and memory is not None and memory.cpu is not None else None
    return (
        cell(figures.per_second, ",.0f"),
        cell(figures.p50, ".2f"),
        cell(figures.p99, ".2f"),
        cell(figures.cpu, ",.0f"),
        cell(ratio, ".2f"),
        cell(figures.state_cpu, ",.0f"),
    )


def wake_up_table(states: Iterable[State]) -> str:
    """Return the table of wake-ups."""
    rows = []
    for state in (one for one in states if one.wake_ups):
        milliseconds = sorted(seconds * 1e3 for seconds in state.wake_ups)
        rows.append((state.name, *(cell(milliseconds[len(milliseconds) * percent // 100], ".2f") for percent in (50, 99))))
    return table(("state", "p50, ms", "p99, ms"), rows)


def _name(server: str, processes: int) -> str:
    return f"in {server}, {processes} process{'es' if processes > 1 else ''}"


def _start(folder: Path, *options: str) -> Process:
    """Start alimock; all have the same scenario file, since a state begins again from another one."""
    port = free_port()
    process = Process([*_SERVE(port, folder), *options], port, folder)
    process.wait(V1_QUERY.request, V1_QUERY.expected)
    return process


def _start_server(folder: Path) -> tuple[str, Path, Process]:
    """Start a server that keeps states in memory; return its name with its version, its socket, and its process."""
    found = next(filter(None, map(shutil.which, SERVERS)), None)
    if found is None:
        raise NotInstallable(f"{' or '.join(SERVERS)} is not installed")
    # "Redis server v=7.0.15 sha=..."
    words = subprocess.run([found, "--version"], capture_output=True, text=True).stdout.split()
    file = folder / "server.sock"
    process = Process([found, "--port", "0", "--unixsocket", file, "--save", "", "--dir", folder], 0, folder)

    def connect() -> None:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(file))

    process.wait_until(connect)
    return f"{words[0]} {words[2].removeprefix('v=')}", file, process


def _log(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
