"""Fuzz raw HTTP, scenario files and mail searches, and run the random tests with new seeds. Run by `make fuzz`.

The random tests are the state machine of `test_model.py` and the requests of `test_schemathesis.py`. Arguments: the seconds (default:
60), and the seed of an earlier run to repeat. A response with status 500, an unexpected exception, or an input that takes more than 10
seconds of CPU time is printed with its cause and is a failure.
"""

from __future__ import annotations

import logging
import random
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator

from alimock import Emulator, ScenarioError
from alimock.scenario import loader, sources
from alimock.spec.contract import OPERATIONS
from hypothesis import Phase, settings
from hypothesis import seed as seeded
from hypothesis.stateful import run_state_machine_as_test
from test_model import SHORT, Machine
from test_schemathesis import BOTH, check

SECONDS = 60
SLOW_SECONDS = 10
# One trial is a few runs of the state machine. Failures are not shrunk, which could take longer than finding them.
RUNS = settings(SHORT, max_examples=10, derandomize=False, phases=[Phase.generate], report_multiple_bugs=False)
FRAGMENTS = (b"\x00", b"\xff", b"%", b"%zz", b"\r\n", b"\n", b" ", b":", b"=", b"&", b",", b"9" * 40, b"-1", b"{", b"[", b"&a *a", b"!!x", b"\xf0\x9f\x98\x80",
       b"'", b'"', b"<<: ", b"?", b"//", b"..", b"https://", b"~", b"null", b"*", b"a" * 5_000)  # fmt: skip
PATHS = ("/_alimock/outbox?to=a", "/_alimock/calls?code=OK", "/_alimock/addresses/a@b.cc", "/_alimock/scenario?files=true", "/_alimock/clock",
         "/_alimock/faults/x", "/_alimock/access-keys/k", "/api/v1/search?query=to:a", "/api/v1/messages", "/verify?token=x", "/view/latest",
         "/_alimock/reset", "/livez", "/_alimock/explain-signature", "/_alimock/changes?after=0")  # fmt: skip
WORDS = (
    "to:",
    "from:",
    "subject:",
    '"',
    "'",
    "-",
    "!",
    "(",
    ")",
    "is:read",
    "tag:",
    "has:",
    "before:",
    "after:2024-01-01",
    "*",
    "a@b.cc",
    " ",
    "\\",
    "message-id:",
)


def mutate(source: random.Random, sample: bytes) -> bytes:
    """Return a sample with a few mutations: bytes deleted, duplicated, replaced, or a fragment inserted."""
    content = bytearray(sample)
    for _ in range(source.randint(1, 6)):
        start = source.randrange(len(content) + 1)
        end = min(start + source.randint(0, 12), len(content))
        change = source.randrange(4)
        if change == 0:
            del content[start:end]
        elif change == 1:
            content[start:start] = content[start:end]
        elif change == 2:
            content[start:end] = bytes(source.randrange(256) for _ in range(end - start))
        else:
            content[start:start] = source.choice(FRAGMENTS)
    return bytes(content)


def requests(source: random.Random) -> Iterator[bytes]:
    """Yield mutated requests."""
    while True:
        query = f"Action={source.choice(list(OPERATIONS))}&Version=2018-01-29&Email=a@b.cc&AccessKeyId=testid&Signature=x&Token=t"
        path = source.choice((f"/?{query}", *PATHS))
        method = source.choice(("GET", "POST", "PUT", "DELETE", "HEAD", "CONNECT"))
        body = source.choice(("", query, '{"now": "2024-05-01 09:30:00"}', '{"names": ["default"], "files": {}}', "alimock: 1\n"))
        framing = source.choice(
            (f"Content-Length: {len(body)}\r\n", "Transfer-Encoding: chunked\r\n", "", "Content-Length: 5\r\nContent-Length: 6\r\n")
        )
        kind = source.choice(("application/x-www-form-urlencoded", "application/json", "text/yaml", "message/http"))
        if framing.startswith("Transfer"):
            body = f"{len(body):x}\r\n{body}\r\n0\r\n\r\n"
        authorization = source.choice(("", "Authorization: ACS3-HMAC-SHA256 Credential=testid,SignedHeaders=host,Signature=x\r\n"))
        head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n{authorization}{framing}\r\n"
        yield mutate(source, (head + body).encode())


def exchange(endpoint: tuple[str, int], request: bytes) -> bytes:
    """Send a request, close the write side, and return the whole response."""
    with socket.create_connection(endpoint, timeout=SLOW_SECONDS) as connection:
        received = b""
        try:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            while part := connection.recv(65_536):
                received += part
        except TimeoutError:
            raise
        except OSError:
            # The server may reset the connection of a request that it cannot read.
            pass
        return received


def http_case(emulator: Emulator, source: random.Random) -> Callable[[], tuple[bytes, str | None]]:
    """Return a function that tries the next request and returns it with the failure, if any."""
    host, _, port = emulator.endpoint.partition(":")
    cases = requests(source)

    def trial() -> tuple[bytes, str | None]:
        request = next(cases)
        response = exchange((host, int(port)), request)
        if b" 500 " in response.partition(b"\r\n")[0]:
            return request, f"response {response[:300]!r}"
        try:
            emulator.check()
        except Exception as error:
            return request, repr(error.__cause__ or error)
        return request, None

    return trial


def scenario_case(source: random.Random) -> Callable[[], tuple[bytes, str | None]]:
    """Return a function that tries the next scenario file."""
    samples = [(sources.BUILT_IN_FOLDER / f"{name}.yaml").read_bytes() for name in sources.built_in_names()]

    def trial() -> tuple[bytes, str | None]:
        content = mutate(source, source.choice(samples))
        try:
            loader.load_text(content, file="fuzz", local=False, json=source.random() < 0.1)
        except ScenarioError:
            pass
        except Exception as error:
            return content, repr(error)
        return content, None

    return trial


def search_case(emulator: Emulator, source: random.Random) -> Callable[[], tuple[bytes, str | None]]:
    """Return a function that tries the next search."""
    host, _, port = emulator.endpoint.partition(":")

    def trial() -> tuple[bytes, str | None]:
        words = "".join(source.choice(WORDS) for _ in range(source.randint(1, 12))).encode()
        query = "".join(f"%{byte:02X}" for byte in mutate(source, words))
        request = f"GET /api/v1/search?query={query} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
        status = exchange((host, int(port)), request).partition(b"\r\n")[0]
        return request, None if status.startswith((b"HTTP/1.1 200 ", b"HTTP/1.1 400 ")) else f"response {status!r}"

    return trial


def model_case(source: random.Random) -> Callable[[], tuple[bytes, str | None]]:
    """Return a function that runs the state machine with the next seed."""

    def trial() -> tuple[bytes, str | None]:
        number = source.randrange(10**9)
        try:
            run_state_machine_as_test(seeded(number)(type("Run", (Machine,), {})), settings=RUNS)
        except Exception as error:
            return f"seed {number}".encode(), "\n".join([repr(error), *getattr(error, "__notes__", [])])
        return b"", None

    return trial


def control_case(source: random.Random) -> Callable[[], tuple[bytes, str | None]]:
    """Return a function that sends random requests to an operation of the control API."""

    def trial() -> tuple[bytes, str | None]:
        (label, mode), number = source.choice(BOTH), source.randrange(10**9)
        try:
            check(label, mode, lambda test: seeded(number)(settings(RUNS, max_examples=20)(test)))
        except Exception as error:
            return f"{label} {mode.value}, seed {number}".encode(), "\n".join([str(error), *getattr(error, "__notes__", [])])
        return b"", None

    return trial


def main(seconds: float, seed: int) -> int:
    """Make trials until the time is up; return 1 at the first failure."""
    logging.disable(logging.CRITICAL)
    source, tried = random.Random(seed), Counter[str]()
    print(f"seed {seed}", flush=True)
    with Emulator() as emulator:
        exchange((emulator.endpoint.partition(":")[0], int(emulator.endpoint.partition(":")[2])),
                  b"GET /?Action=SubmitEmailVerification&Version=2018-01-29&Email=a@b.cc HTTP/1.1\r\nHost: localhost\r\n\r\n")  # fmt: skip
        trials = {
            "HTTP": http_case(emulator, source),
            "scenarios": scenario_case(source),
            "searches": search_case(emulator, source),
            "state machine batches": model_case(source),
            "control API batches": control_case(source),
        }
        # Each kind gets an equal share of the time, however long its trials take.
        spent = dict.fromkeys(trials, 0.0)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            name = min(spent, key=lambda one: spent[one])
            started, cpu_started = time.monotonic(), time.process_time()
            content, failure = trials[name]()
            tried[name] += 1
            spent[name] += time.monotonic() - started
            cpu_seconds = time.process_time() - cpu_started
            if cpu_seconds > SLOW_SECONDS:
                failure = f"took {cpu_seconds:.1f} s of CPU time"
            if failure is not None:
                print(f"{name}: {failure}\n{content!r}")
                return 1
    print(", ".join(f"{count} {name}" for name, count in tried.items()))
    return 0


if __name__ == "__main__":
    arguments = sys.argv[1:]
    sys.exit(
        main(
            float(arguments[0]) if arguments else SECONDS,
            int(arguments[1]) if len(arguments) > 1 else random.SystemRandom().randrange(10**6),
        )
    )
