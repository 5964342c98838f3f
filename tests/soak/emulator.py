"""The emulator as a process, and connections to it."""

from __future__ import annotations

import http.client
import json
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from soak.ledger import LIMITS

SCENARIO = """
alimock: 1
clock: 2026-01-05 12:00:00
limits: {{sends_per_address_per_day: {}, addresses_per_day: {}}}
faults:
  - {{id: throttled, when: {{action: SubmitEmailVerification, every: 6}}, error: Throttling.User, retry_after: 1s}}
  - {{id: lost-before, when: {{action: SubmitEmailVerification, every: 7}}, reset: before}}
  - {{id: lost-after, when: {{action: ResendEmailVerification, every: 3}}, reset: after}}
  - {{id: down, when: {{action: EmailVerified, every: 2}}, error: ServiceUnavailable}}
  - {{id: late, when: {{action: QueryEmailVerification, every: 4}}, delay: 50ms}}
  - {{id: in-pieces, when: {{action: QueryEmailVerification, every: 5}}, slow: 50ms}}
  - {{id: half, when: {{action: ListEmailVerification, every: 2}}, body: truncated}}
  - {{id: proxy, when: {{action: DeleteEmailVerification, every: 3}}, body: html-502}}
  - {{id: nothing, when: {{action: VerifyEmail, every: 4}}, body: empty}}
"""


class Emulator:
    """`alimock serve` as a process; leaving the context kills it."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "log"
        scenario = folder / "soak.yaml"
        scenario.write_text(SCENARIO.format(*LIMITS[0]))
        command = [sys.executable, "-m", "alimock", "serve", "--port", "0", "--scenario", str(scenario), "--log-level", "warning"]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        assert self.process.stdout is not None
        found = re.search(r"ready on http://(\S+)", self.process.stdout.readline())
        if found is None:
            raise SystemExit(f"the emulator did not start: {self.log.read_text()}")
        self.endpoint = found[1]

    def __enter__(self) -> Emulator:
        return self

    def __exit__(self, *_: object) -> None:
        with self.process:
            self.process.kill()

    @property
    def is_running(self) -> bool:
        """Whether the process is running."""
        return self.process.poll() is None

    def memory(self) -> float:
        """Return the resident memory in MiB."""
        found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{self.process.pid}/status").read_text())
        assert found is not None
        return int(found[1]) / 1024

    def threads(self) -> int:
        """Return the number of threads."""
        return len(list(Path(f"/proc/{self.process.pid}/task").iterdir()))

    def descriptors(self) -> int:
        """Return the number of open file descriptors."""
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    def stop(self) -> int:
        """Stop the process and return its exit status."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


class Connection:
    """A keep-alive connection to the emulator, reopened after a failure."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self._http = http.client.HTTPConnection(endpoint, timeout=30)

    def get(self, target: str, headers: Mapping[str, str] | None = None) -> tuple[int, str, bytes]:
        """Return status, decider and body; raise OSError or HTTPException for a broken response."""
        return self._exchange("GET", target, None, headers or {})

    def control(self, method: str, path: str, body: str | None = None, /, **arguments: object) -> tuple[int, dict[str, Any]]:
        """Call the control API."""
        status, _, content = self._exchange(method, f"/_alimock/{path}?{urlencode(arguments)}", body, {})
        answer: dict[str, Any] = json.loads(content)
        return status, answer

    def close(self) -> None:
        self._http.close()

    def _exchange(self, method: str, target: str, body: str | None, headers: Mapping[str, str]) -> tuple[int, str, bytes]:
        try:
            self._http.request(method, target, body.encode() if body is not None else None, dict(headers))
            response = self._http.getresponse()
            return response.status, response.headers.get("X-Alimock-Decided-By", ""), response.read()
        except (OSError, http.client.HTTPException):
            self._http.close()
            raise


@dataclass(frozen=True)
class Sample:
    """The resources of the process at one time."""

    memory: float
    threads: int
    descriptors: int

    @classmethod
    def of(cls, emulator: Emulator) -> Sample:
        """Take a sample."""
        return cls(emulator.memory(), emulator.threads(), emulator.descriptors())
