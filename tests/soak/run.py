"""Keeps one emulator busy for long, as a process of its own, and looks whether it loses, doubles or hoards anything. Run by `make soak`.

It goes on for ten minutes, or as many seconds as the first argument says, prints what it measured, and ends with 1 if anything
disagreed: an answer with what its client knew, the emulator's counts with those of its clients, an error or a broken connection that no
fault asked for, memory that grows, a thread or a file descriptor too many, an end that is not in order. The second argument is the seed
of an earlier run. It needs Linux, for /proc.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import itertools
import json
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import quote, urlencode

SECONDS = 600.0
CLIENTS, ACCOUNTS = 8, 100
WAITERS, SILENT = 4, 2
# As many connections as are never busy at once later, so that the emulator has all the threads it will need.
PEAK = 48
# How much the memory's median may grow between the third and the last quarter of the time, and with each entry that the emulator's logs
# take in before they are full.
GROWTH_MIB = 4.0
ENTRY_KIB = 1.0
LOG_ENTRIES = 50_000
SETTLE_SECONDS = 30.0
EMAILS = [f"user{number}@example.com" for number in range(30)]
# How often a client does what, of all that it does.
STEPS = {"submit": 90, "resend": 36, "verify": 45, "query": 30, "list": 15, "delete": 24, "email_verified": 15,
         "wait_for_a_mail": 6, "leave": 6, "reset": 1, "reload": 1}  # fmt: skip
# Mails to an address and new addresses in a day, for the scenarios that accounts are started from.
LIMITS = ((3, 20), (2, 8))
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
VERSION = "2018-01-29"
QUOTA, ILLEGAL = "SendTokenQuotaExceeded", "ParameterIllegall"
NOT_CARRIED_OUT = "not carried out"
BATCHES = ("SubmitEmailVerification", "ResendEmailVerification", "DeleteEmailVerification")
# The faults that refuse a call.
REFUSING = ("throttled", "down")
_NONCES = itertools.count()


def encoded(text: str) -> str:
    """Percent-encodes as the gateway's rules say."""
    return quote(text, safe="-_.~")


def moment() -> str:
    """Writes the real time as signed requests have it."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True)
class Key:
    """An access key and how its calls are signed: not at all, by V1 or by V3; one without a secret is unknown to the emulator."""

    id: str
    signature: str
    secret: str | None

    def request(self, host: str, action: str, given: Mapping[str, str]) -> tuple[str, dict[str, str]]:
        """Makes the query and the headers of a call."""
        if self.signature == "V3":
            return self._v3(host, action, given)
        values = {"Action": action, "Version": VERSION, "Format": "JSON", "AccessKeyId": self.id, **given}
        if self.signature == "V1":
            nonce = f"{self.id}-{next(_NONCES)}-{time.monotonic_ns()}"
            values |= {"SignatureMethod": "HMAC-SHA1", "SignatureVersion": "1.0", "SignatureNonce": nonce, "Timestamp": moment()}
            text = f"GET&%2F&{encoded(_canonical(values))}"
            digest = hmac.new(f"{self.secret or 'wrong'}&".encode(), text.encode(), hashlib.sha1).digest()
            values["Signature"] = base64.b64encode(digest).decode()
        return urlencode(values), {}

    def _v3(self, host: str, action: str, given: Mapping[str, str]) -> tuple[str, dict[str, str]]:
        headers = {
            "host": host,
            "x-acs-action": action,
            "x-acs-content-sha256": hashlib.sha256(b"").hexdigest(),
            "x-acs-date": moment(),
            "x-acs-signature-nonce": f"{self.id}-{next(_NONCES)}-{time.monotonic_ns()}",
            "x-acs-version": VERSION,
        }
        names = ";".join(headers)
        lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
        query = _canonical({**given, "Format": "JSON"})
        request = f"GET\n/\n{query}\n{lines}\n{names}\n{headers['x-acs-content-sha256']}"
        text = f"ACS3-HMAC-SHA256\n{hashlib.sha256(request.encode()).hexdigest()}"
        signed = hmac.new((self.secret or "wrong").encode(), text.encode(), hashlib.sha256).hexdigest()
        authorization = f"ACS3-HMAC-SHA256 Credential={self.id},SignedHeaders={names},Signature={signed}"
        return query, {**headers, "Authorization": authorization}


def _canonical(values: Mapping[str, str]) -> str:
    return "&".join(f"{encoded(name)}={encoded(values[name])}" for name in sorted(values))


# Each account has the next of these: how it signs, and whether the emulator knows its secret.
KINDS = (("none", False), ("V1", True), ("V3", True), ("V1", False))


class Disagreement(Exception):
    """Something that the emulator did differs from what its client knows."""


@dataclass
class Ledger:
    """What one account has since it was started last, as its client saw it."""

    key: Key
    limits: tuple[int, int] = LIMITS[0]
    calls: int = 0
    mails: int = 0
    # By address: whether its record is verified, its mails of the day, and the token of the newest one once that was read.
    records: dict[str, bool] = field(default_factory=dict)
    sends: Counter[str] = field(default_factory=Counter)
    new: set[str] = field(default_factory=set)
    tokens: dict[str, str | None] = field(default_factory=dict)

    def clear(self) -> None:
        """Begins anew."""
        self.calls = self.mails = 0
        for one in (self.records, self.sends, self.new, self.tokens):
            one.clear()

    def expected(self, action: str, email: str, *, again: bool = False, token: str = "") -> str:
        """Gives what an operation must answer for an address."""
        known = email in self.records
        if action == "SubmitEmailVerification":
            if known and (self.records[email] or not again):
                return "exist"
            is_full = not known and len(self.new) >= self.limits[1] and email not in self.new
            return QUOTA if is_full or self.sends[email] >= self.limits[0] else "success"
        if action == "ResendEmailVerification":
            if not known or self.records[email]:
                return ILLEGAL
            return QUOTA if self.sends[email] >= self.limits[0] else "success"
        if action == "DeleteEmailVerification":
            return "success" if known else ILLEGAL
        if action == "VerifyEmail":
            return "OK" if known and not self.records[email] and self.tokens.get(email) == token else "ParameterIllegal"
        if action == "EmailVerified":
            return "OK" if self.records.get(email) else "RegContactEmailNotVerified"
        return "OK" if known or action == "ListEmailVerification" else "ParameterIllegal"

    def apply(self, action: str, email: str, outcome: str) -> None:
        """Writes down what an operation did to an address."""
        if outcome not in ("success", "OK"):
            return
        if action in ("SubmitEmailVerification", "ResendEmailVerification"):
            if email not in self.records:
                self.new.add(email)
                self.records[email] = False
            self.mails += 1
            self.sends[email] += 1
            self.tokens[email] = None
        elif action == "DeleteEmailVerification":
            del self.records[email]
        elif action == "VerifyEmail":
            self.records[email] = True


class Emulator:
    """`alimock serve` as a process of its own, which ends with the context at the latest."""

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
        """Whether the process goes on."""
        return self.process.poll() is None

    def memory(self) -> float:
        """Gives the MiB that the process has in memory."""
        found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{self.process.pid}/status").read_text())
        assert found is not None
        return int(found[1]) / 1024

    def threads(self) -> int:
        """Counts its threads."""
        return len(list(Path(f"/proc/{self.process.pid}/task").iterdir()))

    def descriptors(self) -> int:
        """Counts its open files and sockets."""
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    def stop(self) -> int:
        """Asks it to end, and gives its status."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


class Connection:
    """A connection to the emulator that is kept open, and opened anew after it broke."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self._http = http.client.HTTPConnection(endpoint, timeout=30)

    def get(self, target: str, headers: Mapping[str, str] | None = None) -> tuple[int, str, bytes]:
        """Gives status, what decided and body; raises what comes of a broken answer."""
        return self._exchange("GET", target, None, headers or {})

    def control(self, method: str, path: str, body: str | None = None, /, **arguments: object) -> tuple[int, dict[str, Any]]:
        """Asks the control API."""
        status, _, content = self._exchange(method, f"/_alimock/{path}?{urlencode(arguments)}", body, {})
        answer: dict[str, Any] = json.loads(content)
        return status, answer

    def close(self) -> None:
        """Closes it."""
        self._http.close()

    def _exchange(self, method: str, target: str, body: str | None, headers: Mapping[str, str]) -> tuple[int, str, bytes]:
        try:
            self._http.request(method, target, body.encode() if body is not None else None, dict(headers))
            response = self._http.getresponse()
            return response.status, response.headers.get("X-Alimock-Decided-By", ""), response.read()
        except (OSError, http.client.HTTPException):
            self._http.close()
            raise


class Client:
    """Does what applications do, in accounts that no other client has, and holds every answer against their ledgers."""

    def __init__(self, endpoint: str, ledgers: Iterable[Ledger], source: random.Random, stopped: threading.Event) -> None:
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.connection = Connection(endpoint)
        self.ledgers = list(ledgers)
        self.source = source
        self.stopped = stopped
        # Held while it does something, so that nobody resets all accounts in the middle of that.
        self.busy = threading.Lock()
        self.done: Counter[str] = Counter()
        self.disagreement: str | None = None

    def run(self) -> None:
        """Goes on until it is stopped, or something disagrees."""
        try:
            while not self.stopped.is_set():
                step = self.source.choices(list(STEPS), list(STEPS.values()))[0]
                with self.busy:
                    getattr(self, f"_{step}")(self.source.choice(self.ledgers))
        except Exception as error:
            self.disagreement = f"{type(error).__name__}: {error}"
            self.stopped.set()
        finally:
            self.connection.close()

    def _submit(self, ledger: Ledger) -> None:
        self._batch(ledger, "SubmitEmailVerification", again=self.source.random() < 0.4)

    def _resend(self, ledger: Ledger) -> None:
        self._batch(ledger, "ResendEmailVerification")

    def _delete(self, ledger: Ledger) -> None:
        self._batch(ledger, "DeleteEmailVerification")

    def _batch(self, ledger: Ledger, action: str, *, again: bool = False) -> None:
        emails = self.source.sample(EMAILS, self.source.choice((1, 1, 1, 2, 3)))
        expected = {email: ledger.expected(action, email, again=again) for email in emails}
        if action == "SubmitEmailVerification" and len(emails) > 1:
            # The new ones of a batch count against each other, so they are expected one after another.
            room = ledger.limits[1] - len(ledger.new)
            for email in emails:
                if expected[email] in ("success", QUOTA) and email not in ledger.records and email not in ledger.new:
                    is_full, room = room <= 0, room - 1
                    expected[email] = QUOTA if is_full or ledger.sends[email] >= ledger.limits[0] else "success"
        given = {"Email": ",".join(emails), **({"SendIfExist": "true"} if again else {})}
        self._call(ledger, action, given, expected)

    def _verify(self, ledger: Ledger) -> None:
        email = self.source.choice(list(ledger.tokens) or EMAILS)
        if ledger.tokens.get(email, "") is None:
            _, answer = self.connection.control("GET", "outbox", to=email, access_key_id=ledger.key.id, limit=1)
            ledger.tokens[email] = answer["messages"][0]["token"]
        token = ledger.tokens.get(email) or "made-up"
        expected = ledger.expected("VerifyEmail", email, token=token)
        self._call(ledger, "VerifyEmail", {"Token": token}, {email: expected})

    def _query(self, ledger: Ledger) -> None:
        self._one(ledger, "QueryEmailVerification")

    def _email_verified(self, ledger: Ledger) -> None:
        self._one(ledger, "EmailVerified")

    def _one(self, ledger: Ledger, action: str) -> None:
        email = self.source.choice(EMAILS)
        body = self._call(ledger, action, {"Email": email}, {email: ledger.expected(action, email)})
        if "VerificationStatus" in body and bool(body["VerificationStatus"]) != ledger.records[email]:
            raise Disagreement(f"{ledger.key.id}: {body}, but verified is {ledger.records[email]}")

    def _list(self, ledger: Ledger) -> None:
        body = self._call(ledger, "ListEmailVerification", {"PageSize": "5"}, {"": "OK"})
        if body and body["TotalItemNum"] != len(ledger.records):
            raise Disagreement(f"{ledger.key.id}: {body['TotalItemNum']} records listed, {len(ledger.records)} are known")

    def _wait_for_a_mail(self, ledger: Ledger) -> None:
        """Submits an address while somebody waits for its mail."""
        email = f"awaited{next(_NONCES)}@example.com"
        waiter = Connection(self.connection.endpoint)
        statuses: list[int] = []

        def wait() -> None:
            statuses.append(waiter.control("GET", "outbox/wait", to=email, access_key_id=ledger.key.id, timeout=0.5)[0])

        thread = threading.Thread(target=wait, daemon=True)
        thread.start()
        mails = ledger.mails
        expected = {email: ledger.expected("SubmitEmailVerification", email)}
        self._call(ledger, "SubmitEmailVerification", {"Email": email}, expected)
        thread.join(30)
        waiter.close()
        if statuses != [200 if ledger.mails > mails else 408]:
            raise Disagreement(
                f"{ledger.key.id}: who waited for a mail to {email} got {statuses}, {ledger.mails - mails} were sent"
            )

    def _leave(self, ledger: Ledger) -> None:
        """Makes a call and goes without its answer; what became of it is in the journal."""
        email = self.source.choice(EMAILS)
        query, headers = ledger.key.request(self.connection.endpoint, "SubmitEmailVerification", {"Email": email})
        lines = "".join(f"{name}: {value}\r\n" for name, value in {"host": self.connection.endpoint, **headers}.items())
        _, counted = self.connection.control("GET", "calls/count", access_key_id=ledger.key.id)
        host, port = self.connection.endpoint.split(":")
        with socket.create_connection((host, int(port)), timeout=30) as left:
            left.sendall(f"GET /?{query} HTTP/1.1\r\n{lines}\r\n".encode())
        expected = {email: ledger.expected("SubmitEmailVerification", email)}
        status, answer = self.connection.control(
            "GET", "calls/wait", access_key_id=ledger.key.id, after=counted["cursor"], timeout=20
        )
        if status != 200:
            raise Disagreement(f"{ledger.key.id}: the call of a client that left is not in the journal: {answer}")
        ledger.calls += 1
        self.done["left"] += 1
        self._compare(ledger, "SubmitEmailVerification", expected, _journalled(answer["call"]))

    def _reset(self, ledger: Ledger) -> None:
        self.connection.control("POST", "reset", access_key_id=ledger.key.id)
        ledger.clear()
        self.done["reset"] += 1

    def _reload(self, ledger: Ledger) -> None:
        ledger.limits = self.source.choice(LIMITS)
        status, answer = self.connection.control("PUT", "scenario", SCENARIO.format(*ledger.limits), access_key_id=ledger.key.id)
        if status != 200:
            raise Disagreement(f"{ledger.key.id}: a scenario was refused: {answer}")
        ledger.clear()
        self.done["reloaded"] += 1

    def _call(self, ledger: Ledger, action: str, given: Mapping[str, str], expected: Mapping[str, str]) -> dict[str, Any]:
        """Makes a call, compares what it did, and gives its answer; an empty one if a fault kept it away."""
        ledger.calls += 1
        query, headers = ledger.key.request(self.connection.endpoint, action, given)
        body: dict[str, Any] | None = None
        decided_by = ""
        with suppress(OSError, http.client.HTTPException, ValueError):
            _, decided_by, content = self.connection.get(f"/?{query}", headers)
            body = json.loads(content)
        if body is not None:
            self.done["answered"] += 1
            self._compare(ledger, action, expected, _answered(body, decided_by))
            return body
        self.done["broken"] += 1
        _, answer = self.connection.control("GET", "calls", access_key_id=ledger.key.id, limit=1)
        newest = answer["calls"][0] if answer["calls"] else {}
        if newest.get("action") != action or newest.get("fault") is None:
            raise Disagreement(f"{ledger.key.id}: {action} {given} got no answer, and no fault hit it: {newest}")
        self._compare(ledger, action, expected, _journalled(newest))
        return {}

    def _compare(self, ledger: Ledger, action: str, expected: Mapping[str, str], outcomes: Mapping[str, str]) -> None:
        """Holds what became of each address against what was expected; an empty address stands for all."""
        for email, outcome in expected.items():
            found = outcomes.get(email, outcomes.get(""))
            if found == NOT_CARRIED_OUT:
                continue
            if found != outcome:
                raise Disagreement(f"{ledger.key.id}: {action} of {email}: {found}, expected {outcome}")
            ledger.apply(action, email, outcome)


def _answered(body: Mapping[str, Any], decided_by: str) -> dict[str, str]:
    """Gives what became of each address, by an answer."""
    if "Code" in body:
        # An error of a fault names it; no other may be one of the server.
        return {"": NOT_CARRIED_OUT if "(fault " in decided_by else body["Code"]}
    lists = {"ExistList": "exist", "SuccessList": "success"}
    outcomes = {row["Email"]: outcome for name, outcome in lists.items() for row in body.get(name, ())}
    return {"": "OK", **outcomes, **{row["Email"]: row["Code"] for row in body.get("FailList", ())}}


def _journalled(call: Mapping[str, Any]) -> dict[str, str]:
    """Gives what became of each address, by the journal."""
    outcomes = {one["email"]: one["outcome"] for one in call["outcomes"]}
    if NOT_CARRIED_OUT in outcomes.values() or call["fault"] in REFUSING:
        return {"": NOT_CARRIED_OUT}
    return outcomes if call["action"] in BATCHES else {"": call["code"]}


class Waiter:
    """Waits for mails that never come."""

    def __init__(self, endpoint: str, stopped: threading.Event) -> None:
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.connection = Connection(endpoint)
        self.stopped = stopped
        self.disagreement: str | None = None

    def run(self) -> None:
        """Waits again and again; a reset sends it away."""
        try:
            while not self.stopped.is_set():
                status, answer = self.connection.control("GET", "outbox/wait", to="nobody@example.com", timeout=1)
                if status not in (408, 410):
                    raise Disagreement(f"who waited for nobody's mail got {status} {answer}")
        except Exception as error:
            self.disagreement = f"{type(error).__name__}: {error}"
            self.stopped.set()
        finally:
            self.connection.close()


class Silent:
    """Connects and says nothing, or not all."""

    def __init__(self, endpoint: str, source: random.Random, stopped: threading.Event) -> None:
        self.thread = threading.Thread(target=self.run, daemon=True)
        host, port = endpoint.split(":")
        self.address = (host, int(port))
        self.source = source
        self.stopped = stopped
        self.disagreement: str | None = None

    def run(self) -> None:
        """Does so again and again, and goes after a while."""
        while not self.stopped.is_set():
            with suppress(OSError), socket.create_connection(self.address, timeout=30) as connection:
                connection.sendall(self.source.choice((b"", b"GET /?Acti", b"POST / HTTP/1.1\r\nContent-Length: 99\r\n\r\nActi")))
                self.stopped.wait(self.source.uniform(0.1, 2))


@dataclass(frozen=True)
class Sample:
    """What the process has at one time."""

    memory: float
    threads: int
    descriptors: int

    @classmethod
    def of(cls, emulator: Emulator) -> Sample:
        """Takes one."""
        return cls(emulator.memory(), emulator.threads(), emulator.descriptors())


class Verdict:
    """What disagreed, found out piece by piece."""

    def __init__(self) -> None:
        self.disagreements: list[str] = []

    def accounts(self, connection: Connection, ledgers: Iterable[Ledger]) -> None:
        """Holds the emulator's counts against those of the clients."""
        for ledger in ledgers:
            narrowed = {"access_key_id": ledger.key.id, "limit": 5000}
            calls = connection.control("GET", "calls", **narrowed)[1]["calls"]
            mails = connection.control("GET", "outbox", **narrowed)[1]["messages"]
            records = {one["email"]: one for one in connection.control("GET", "addresses", **narrowed)[1]["addresses"]}
            for what, found, expected in (
                ("calls", len(calls), ledger.calls),
                ("mails", len(mails), ledger.mails),
                ("mails of its calls", sum(len(call["messages"]) for call in calls), ledger.mails),
                ("records", {email: one["status"] == "verified" for email, one in records.items()}, ledger.records),
                ("sends today", {email: one["sends_today"] for email, one in records.items()},
                 {email: ledger.sends[email] for email in ledger.records}),
            ):  # fmt: skip
                self.equal(f"{what} of {ledger.key.id}", found, expected)

    def resources(self, samples: list[Sample], before: Sample, after: Sample, happened: int) -> None:
        """Holds what the process has in the end against what it had after the warm-up; `happened` is how much its logs were told."""
        memory = [sample.memory for sample in samples]
        quarter = max(len(memory) // 4, 1)
        growth = median(memory[-quarter:]) - median(memory[-2 * quarter : -quarter] or memory)
        allowed = GROWTH_MIB + max(min(happened, LOG_ENTRIES) - happened // 2, 0) * ENTRY_KIB / 1024
        if growth > allowed:
            self.disagreements.append(f"memory grew by {growth:.1f} MiB in the second half, at most {allowed:.1f} are right")
        if after.threads > before.threads:
            self.disagreements.append(f"{after.threads} threads are left, there were {before.threads} after the warm-up")
        if after.descriptors > before.descriptors:
            self.disagreements.append(f"{after.descriptors} file descriptors are left, there were {before.descriptors}")

    def end(self, status: int, log: str) -> None:
        """Looks at the end of the process."""
        self.equal("status at SIGTERM", status, 0)
        if "Traceback" in log:
            self.disagreements.append(f"the log has a traceback: {log[log.index('Traceback') :][:2_000]}")

    def equal(self, what: str, found: object, expected: object) -> None:
        """Compares two values."""
        if found != expected:
            self.disagreements.append(f"{what}: found {found}, expected {expected}")


def warm_up(emulator: Emulator) -> Sample:
    """Has the emulator load all it loads at first use and make the threads for its peak; gives what it has when that is over."""

    def wait() -> None:
        connection = Connection(emulator.endpoint)
        connection.control("GET", "outbox/wait", to="nobody@example.com", timeout=1)
        connection.close()

    threads = [threading.Thread(target=wait, daemon=True) for _ in range(PEAK)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return settled(emulator, Sample(0, 0, 0), 0.5)


def settled(emulator: Emulator, wanted: Sample, seconds: float) -> Sample:
    """Gives what the process has once it is no more than wanted, at the latest after so many seconds."""
    end = time.monotonic() + seconds
    while True:
        sample = Sample.of(emulator)
        is_done = sample.threads <= wanted.threads and sample.descriptors <= wanted.descriptors
        if is_done or time.monotonic() > end:
            return sample
        time.sleep(0.1)


def prepared(emulator: Emulator, accounts: int) -> list[Ledger]:
    """Makes the accounts, with the keys whose secrets the emulator is to know."""
    connection = Connection(emulator.endpoint)
    ledgers = []
    for number in range(accounts):
        signature, is_known = KINDS[number % len(KINDS)]
        key = Key(f"soak-{number}", signature, f"secret-{number}" if is_known else None)
        if is_known:
            connection.control("PUT", f"access-keys/{key.id}", json.dumps({"secret": key.secret}))
        ledgers.append(Ledger(key))
    connection.close()
    return ledgers


def loaded(emulator: Emulator, clients: list[Client], others: list[Waiter | Silent], seconds: float) -> list[Sample]:
    """Lets them run, takes samples, and resets all accounts now and then."""
    connection = Connection(emulator.endpoint)
    samples, start = [], time.monotonic()
    resets = itertools.count(1)
    next_reset = seconds / 10
    for one in (*clients, *others):
        one.thread.start()
    stopped = clients[0].stopped
    while not stopped.wait(max(seconds / 400, 0.1)) and emulator.is_running and (passed := time.monotonic() - start) < seconds:
        samples.append(Sample.of(emulator))
        if passed > next_reset:
            next_reset = seconds / 10 * (next(resets) + 1)
            reset_all(connection, clients)
    stopped.set()
    for one in (*clients, *others):
        one.thread.join(60)
    connection.close()
    return samples


def reset_all(connection: Connection, clients: Iterable[Client]) -> None:
    """Resets all accounts while no client is in the middle of something."""
    held = list(clients)
    for client in held:
        client.busy.acquire()
    try:
        connection.control("POST", "reset")
        for client in held:
            client.done["reset of all"] += client is held[0]
            for ledger in client.ledgers:
                ledger.clear()
    finally:
        for client in held:
            client.busy.release()


def soak(seconds: float, seed: int, *, clients: int = CLIENTS, accounts: int = ACCOUNTS) -> list[str]:
    """Does it all, prints what was measured, and gives what disagreed."""
    verdict = Verdict()
    with tempfile.TemporaryDirectory() as folder, Emulator(Path(folder)) as emulator:
        before = warm_up(emulator)
        ledgers, stopped = prepared(emulator, accounts), threading.Event()
        busy = [
            Client(emulator.endpoint, ledgers[number::clients], random.Random(seed + number), stopped) for number in range(clients)
        ]
        others: list[Waiter | Silent] = [Waiter(emulator.endpoint, stopped) for _ in range(WAITERS)]
        others += [Silent(emulator.endpoint, random.Random(seed - number), stopped) for number in range(1, SILENT + 1)]
        samples = loaded(emulator, busy, others, seconds)
        verdict.disagreements += [one.disagreement for one in (*busy, *others) if one.disagreement is not None]
        if not verdict.disagreements:
            connection = Connection(emulator.endpoint)
            verdict.accounts(connection, ledgers)
            happened = connection.control("GET", "info")[1]["cursor"]
            connection.close()
            after = settled(emulator, before, SETTLE_SECONDS)
            verdict.resources(samples, before, after, happened)
            tell(sum((client.done for client in busy), Counter()), samples, before, after)
        verdict.end(emulator.stop(), emulator.log.read_text())
    return verdict.disagreements


def tell(done: Counter[str], samples: list[Sample], before: Sample, after: Sample) -> None:
    """Prints what was measured."""
    memory = [sample.memory for sample in samples]
    quarter = max(len(memory) // 4, 1)
    quarters = [f"{median(memory[start : start + quarter]):.1f}" for start in range(0, 4 * quarter, quarter) if memory[start:]]
    print(", ".join(f"{count} {name}" for name, count in sorted(done.items())))
    print(
        f"memory {before.memory:.1f} MiB after the warm-up, medians of the quarters {', '.join(quarters)}, {after.memory:.1f} at the end"
    )
    print(f"threads {before.threads} after the warm-up, at most {max(one.threads for one in samples)}, {after.threads} at the end")
    print(
        f"file descriptors {before.descriptors}, at most {max(one.descriptors for one in samples)}, {after.descriptors} at the end"
    )


def main(seconds: float, seed: int) -> int:
    """Prints the verdict, and gives the status to end with."""
    print(f"seed {seed}", flush=True)
    disagreements = soak(seconds, seed)
    for disagreement in disagreements:
        print(f"DISAGREES {disagreement}")
    return 1 if disagreements else 0


if __name__ == "__main__":
    given = sys.argv[1:]
    sys.exit(
        main(float(given[0]) if given else SECONDS, int(given[1]) if len(given) > 1 else random.SystemRandom().randrange(10**6))
    )
