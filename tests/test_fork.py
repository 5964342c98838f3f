"""An emulator in a process that forks: the child does not serve, keeps no socket, and can leave the emulator or use it as a client."""

from __future__ import annotations

import http.client
import multiprocessing
import os
import signal
import socket
import traceback
from collections.abc import Callable

import pytest
from alimock import Emulator, EmulatorError
from conftest import Running
from test_emulator import JO, SUBMIT, call

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork"),
    # Python's own, from 3.12 on, of a process with threads.
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]


def fork(function: Callable[[], object]) -> int:
    """Call a function in a forked child, and return its process id. The child ends with status 0, or 1 after an exception."""
    child = os.fork()
    if child:
        return child
    signal.alarm(20)
    status = 1
    try:
        function()
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def forked(function: Callable[[], object]) -> None:
    """Call a function in a forked child, and fail if it raises an exception or hangs."""
    assert os.waitstatus_to_exitcode(os.waitpid(fork(function), 0)[1]) == 0


def test_child_leaves_the_emulator_at_once_and_it_keeps_running() -> None:
    with Emulator() as emulator:
        forked(lambda: emulator.__exit__(None, None, None))
        forked(emulator.stop)
        call(emulator, SUBMIT, Email=JO)
        assert emulator.outbox.wait(to=JO)


def test_child_is_a_client_of_the_emulator() -> None:
    with Emulator() as emulator:
        forked(lambda: call(emulator, SUBMIT, Email=JO))
        forked(lambda: emulator.outbox.wait(to=JO))


def test_child_that_lives_on_keeps_neither_the_port_nor_connections() -> None:
    emulator = Emulator().start()
    host, port = emulator.endpoint.split(":")
    connection = http.client.HTTPConnection(emulator.endpoint, timeout=10)
    connection.request("GET", "/livez")
    assert connection.getresponse().read()
    ready, signal_ready = os.pipe()
    child = fork(lambda: (os.write(signal_ready, b"."), signal.pause()))
    try:
        assert os.read(ready, 1)
        emulator.stop()
        assert connection.sock.recv(1) == b""
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((host, int(port)), timeout=10)
        with Emulator(port=int(port)) as another:
            assert another.outbox.messages() == []
    finally:
        connection.close()
        os.close(ready)
        os.close(signal_ready)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def test_child_cannot_start_the_emulator_of_its_parent_but_another_one() -> None:
    def start() -> None:
        with pytest.raises(
            RuntimeError, match="already running in the process that this one was forked from; create another Emulator"
        ):
            emulator.start()
        with Emulator() as another:
            call(another, SUBMIT, Email=JO)
            assert another.outbox.wait(to=JO)
            forked(another.stop)
            assert another.outbox.wait(to=JO)
        emulator.stop()
        emulator.start()
        assert emulator.outbox.messages() == []
        emulator.stop()

    with Emulator() as emulator:
        forked(start)
        assert emulator.outbox.messages() == []


def test_client_in_a_child_reports_that_the_emulator_was_stopped() -> None:
    def use() -> None:
        os.read(reader, 1)
        with pytest.raises(EmulatorError, match=r"Cannot reach alimock at http://127\.0\.0\.1:"):
            emulator.outbox.messages()

    reader, writer = os.pipe()
    with Emulator() as emulator:
        child = fork(use)
    os.write(writer, b"x")
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    os.close(reader)
    os.close(writer)


def test_child_leaves_the_emulator_although_the_store_was_locked_when_it_was_forked(running: Running) -> None:
    with running.store.lock:
        forked(running.server.stop)


@pytest.mark.slow
def test_processes_of_multiprocessing_share_the_emulator() -> None:
    context = multiprocessing.get_context("fork")
    with Emulator() as emulator:
        processes = [
            context.Process(target=call, args=(emulator, SUBMIT), kwargs={"Email": f"{number}@example.com"}) for number in range(4)
        ]
        for process in processes:
            process.start()
        for process in processes:
            process.join(20)
            assert process.exitcode == 0
        assert len(emulator.outbox.messages()) == 4
