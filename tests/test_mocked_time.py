"""The emulator in the process of a test that freezes or mocks time: nothing waits forever, and calls of that process are accepted."""

from __future__ import annotations

import asyncio
import http.client
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from unittest import mock

import pytest
from alibabacloud_domain20180129 import models
from alimock import Emulator, WaitTimeout, create_app
from alimock.settings import ServerLimits
from alimock.state import system_clock
from conftest import scenario, serve
from test_emulator import JO, QUERY, call, sdk

# The SDK's own, from Python 3.12 on.
pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")

PAST, FUTURE = "2020-01-01 12:00:00", "2050-01-01 12:00:00"
KNOWN = "abc@aliyun.com"
QUERY_OF_KNOWN = models.QueryEmailVerificationRequest(email=KNOWN)


def freezegun(at: str, **options: bool) -> AbstractContextManager[object]:
    module = pytest.importorskip("freezegun", reason="freezegun is not installed")
    frozen: AbstractContextManager[object] = module.freeze_time(at, **options)
    return frozen


def time_machine(at: str, **options: bool) -> AbstractContextManager[object]:
    module = pytest.importorskip("time_machine", reason="time-machine is not installed")
    travel: AbstractContextManager[object] = module.travel(at, **options)
    return travel


@contextmanager
def patched(**values: object) -> Iterator[None]:
    with ExitStack() as stack:
        for name, value in values.items():
            stack.enter_context(mock.patch(name.replace("_", ".", 1), value))
        yield


CLOCKS: dict[str, Callable[[], AbstractContextManager[object]]] = {
    "freezegun": lambda: freezegun(PAST),
    "freezegun in the future": lambda: freezegun(FUTURE),
    "freezegun, ticking": lambda: freezegun(PAST, tick=True),
    "freezegun with real asyncio": lambda: freezegun(PAST, real_asyncio=True),
    "time-machine": lambda: time_machine(PAST, tick=False),
    "time-machine, ticking": lambda: time_machine(FUTURE, tick=True),
    "mocked monotonic": lambda: patched(time_monotonic=lambda: 5.0),
    "mocked perf_counter": lambda: patched(time_perf_counter=mock.MagicMock()),
    "mocked sleep": lambda: patched(time_sleep=mock.MagicMock(), asyncio_sleep=mock.AsyncMock()),
    "mocked time": lambda: patched(time_time=lambda: 0.0),
}
clocks = pytest.mark.parametrize("clock", list(CLOCKS))


def check_time(emulator: Emulator) -> None:
    """Check that waits time out, delays end after their time, and signed calls of the official SDK are accepted."""
    started = system_clock.monotonic()
    with pytest.raises(WaitTimeout, match=r"Timed out after 0.05 s"):
        emulator.outbox.wait(to=JO, timeout=0.05)
    emulator.faults.put("late", {"delay": "50ms", "times": 1})
    call(emulator, QUERY, Email=KNOWN)
    assert 0.1 <= system_clock.monotonic() - started < 5
    for _ in range(2):
        assert sdk(emulator).query_email_verification(QUERY_OF_KNOWN).body.verification_status == 1
    assert asyncio.run(sdk(emulator).query_email_verification_async(QUERY_OF_KNOWN)).body.verification_status == 1
    async_call, *_, delayed = emulator.calls.list()
    assert (async_call.authentication, async_call.code) == ("checked", "OK")
    assert 0 <= delayed.duration_ms < 5_000
    emulator.reset()


@clocks
def test_time_that_is_replaced_while_the_emulator_runs_stops_no_wait(clock: str) -> None:
    with Emulator() as emulator:
        with CLOCKS[clock]():
            check_time(emulator)
        check_time(emulator)


@clocks
def test_emulator_starts_and_stops_while_time_is_replaced(clock: str) -> None:
    with CLOCKS[clock](), Emulator() as emulator:
        check_time(emulator)


@pytest.mark.slow
@pytest.mark.parametrize("clock", ["freezegun.freeze_time('2020-01-01')", "mock.patch('time.monotonic', lambda: 5.0)"])
def test_package_that_is_loaded_while_time_is_replaced_works_then_and_later(clock: str) -> None:
    pytest.importorskip("freezegun", reason="freezegun is not installed")
    code = f"""
        import freezegun
        from unittest import mock

        def wait():
            try:
                emulator.outbox.wait(timeout=0.05)
            except TimeoutError as error:
                print(error)

        with {clock}:
            from alimock import Emulator
            emulator = Emulator().start()
            wait()
        wait()
        emulator.stop()
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=60)
    assert done.stdout.count("Timed out after 0.05 s; the outbox is empty.") == 2, done.stderr


@clocks
def test_idle_connection_survives_a_jump_of_time(clock: str) -> None:
    with Emulator() as emulator:
        connection = http.client.HTTPConnection(emulator.endpoint, timeout=10)
        connection.request("GET", "/livez")
        assert connection.getresponse().read()
        used = connection.sock
        with CLOCKS[clock]():
            # The event loop looks at its timers.
            assert emulator.outbox.messages() == []
            connection.request("GET", "/livez")
            assert connection.getresponse().read()
            assert connection.sock is used
        connection.close()


@clocks
def test_idle_timeout_works_while_time_is_replaced(clock: str) -> None:
    for running in serve(scenario(), ServerLimits(idle_seconds=0.1)):
        with CLOCKS[clock]():
            connection = http.client.HTTPConnection(running.endpoint, timeout=10)
            connection.connect()
            assert connection.sock.recv(1) == b""
            connection.close()


@clocks
def test_application_delays_a_call_while_time_is_replaced(clock: str) -> None:
    app = create_app({"alimock": 1, "faults": [{"delay": "50ms"}]})
    with CLOCKS[clock]():
        started = system_clock.monotonic()
        app.test_client().get("/?Action=ListEmailVerification&Version=2018-01-29")
        assert 0.05 <= system_clock.monotonic() - started < 5


def test_timestamp_of_the_real_time_is_accepted_while_time_is_frozen() -> None:
    with Emulator() as emulator, freezegun(PAST, ignore=["alibabacloud_tea_openapi", "darabonba"]):
        assert sdk(emulator).query_email_verification(QUERY_OF_KNOWN).body.verification_status == 1


@pytest.mark.parametrize(
    "now", [mock.Mock(side_effect=StopIteration), mock.Mock(return_value="noon"), mock.Mock(return_value=None)]
)
def test_time_that_is_no_number_is_not_compared_with(now: mock.Mock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", now)
    assert system_clock.replaced_time() is None
