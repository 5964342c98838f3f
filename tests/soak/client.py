"""A client that makes the calls of an application and verifies every response against its ledger."""

from __future__ import annotations

import http.client
import itertools
import json
import random
import socket
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from soak.emulator import SCENARIO, Connection
from soak.ledger import LIMITS, QUOTA, Ledger

EMAILS = [f"user{number}@example.com" for number in range(30)]
# The steps of a client, with their weights.
STEPS = {"submit": 90, "resend": 36, "verify": 45, "query": 30, "list": 15, "delete": 24, "email_verified": 15,
         "wait_for_mail": 6, "disconnect": 6, "reset": 1, "reload": 1}  # fmt: skip
NOT_CARRIED_OUT = "not carried out"
BATCHES = ("SubmitEmailVerification", "ResendEmailVerification", "DeleteEmailVerification")
# The ids of the faults that refuse a call.
REFUSING = ("throttled", "down")
_NUMBERS = itertools.count()


class Disagreement(Exception):
    """The emulator differs from the ledger of a client."""


def disagreements(connection: Connection, ledger: Ledger) -> list[str]:
    """Return the differences between the emulator's view of an account and its ledger."""
    narrowed = {"access_key_id": ledger.key.id, "limit": 5000}
    calls = connection.control("GET", "calls", **narrowed)[1]["calls"]
    mails = connection.control("GET", "outbox", **narrowed)[1]["messages"]
    records = {one["email"]: one for one in connection.control("GET", "addresses", **narrowed)[1]["addresses"]}
    sends = {email: ledger.sends[email] for email in ledger.records}
    compared = {
        "calls": (len(calls), ledger.calls),
        "mails": (len(mails), ledger.mails),
        "mails of its calls": (sum(len(call["messages"]) for call in calls), ledger.mails),
        "verified records": ({email: one["status"] == "verified" for email, one in records.items()}, ledger.records),
        "mails of today": ({email: one["sends_today"] for email, one in records.items()}, sends),
    }
    return [
        f"{ledger.key.id}: {what}: found {found}, expected {expected}"
        for what, (found, expected) in compared.items()
        if found != expected
    ]


class Client:
    """Make the calls of an application in accounts of its own, and verify every response against their ledgers."""

    def __init__(self, endpoint: str, ledgers: Iterable[Ledger], source: random.Random, stopped: threading.Event) -> None:
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.connection = Connection(endpoint)
        self.ledgers = list(ledgers)
        self.source = source
        self.stopped = stopped
        # A client holds `busy` during a step and waits for `free` before the next, so that all accounts can be reset between steps.
        self.busy = threading.Lock()
        self.free = threading.Event()
        self.free.set()
        self.done: Counter[str] = Counter()
        self.disagreement: str | None = None

    def run(self) -> None:
        """Take steps until stopped or until a disagreement."""
        try:
            while not self.stopped.is_set():
                self.free.wait()
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
            # The new addresses of a batch share the daily limit, in their order.
            remaining = ledger.limits[1] - len(ledger.new)
            for email in emails:
                if expected[email] in ("success", QUOTA) and email not in ledger.records and email not in ledger.new:
                    is_full, remaining = remaining <= 0, remaining - 1
                    expected[email] = QUOTA if is_full or ledger.sends[email] >= ledger.limits[0] else "success"
        parameters = {"Email": ",".join(emails), **({"SendIfExist": "true"} if again else {})}
        self._call(ledger, action, parameters, expected)

    def _verify(self, ledger: Ledger) -> None:
        email = self.source.choice(list(ledger.tokens) or EMAILS)
        if ledger.tokens.get(email, "") is None:
            _, answer = self.connection.control("GET", "outbox", to=email, access_key_id=ledger.key.id, limit=1)
            ledger.tokens[email] = answer["messages"][0]["token"]
        token = ledger.tokens.get(email) or "invented"
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
            raise Disagreement(f"{ledger.key.id}: {body}, expected verified = {ledger.records[email]}")

    def _list(self, ledger: Ledger) -> None:
        body = self._call(ledger, "ListEmailVerification", {"PageSize": "5"}, {"": "OK"})
        if body and body["TotalItemNum"] != len(ledger.records):
            raise Disagreement(f"{ledger.key.id}: {body['TotalItemNum']} records listed, expected {len(ledger.records)}")

    def _wait_for_mail(self, ledger: Ledger) -> None:
        """Submit an address while a second connection waits for its mail."""
        email = f"awaited{next(_NUMBERS)}@example.com"
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
                f"{ledger.key.id}: the waiter for a mail to {email} got {statuses}; mails sent: {ledger.mails - mails}"
            )

    def _disconnect(self, ledger: Ledger) -> None:
        """Make a call and disconnect before the response; its outcome is in the call log."""
        email = self.source.choice(EMAILS)
        query, headers = ledger.key.request(self.connection.endpoint, "SubmitEmailVerification", {"Email": email})
        lines = "".join(f"{name}: {value}\r\n" for name, value in {"host": self.connection.endpoint, **headers}.items())
        _, counted = self.connection.control("GET", "calls/count", access_key_id=ledger.key.id)
        host, port = self.connection.endpoint.split(":")
        with socket.create_connection((host, int(port)), timeout=30) as abandoned:
            abandoned.sendall(f"GET /?{query} HTTP/1.1\r\n{lines}\r\n".encode())
        expected = {email: ledger.expected("SubmitEmailVerification", email)}
        status, answer = self.connection.control(
            "GET", "calls/wait", access_key_id=ledger.key.id, after=counted["cursor"], timeout=20
        )
        if status != 200:
            raise Disagreement(f"{ledger.key.id}: the call of a disconnected client is not in the call log: {answer}")
        ledger.calls += 1
        self.done["disconnected"] += 1
        self._compare(ledger, "SubmitEmailVerification", expected, _logged_outcomes(answer["call"]))

    def _reset(self, ledger: Ledger) -> None:
        self._verify_account(ledger)
        self.connection.control("POST", "reset", access_key_id=ledger.key.id)
        ledger.clear()
        self.done["reset"] += 1

    def _reload(self, ledger: Ledger) -> None:
        self._verify_account(ledger)
        ledger.limits = self.source.choice(LIMITS)
        status, answer = self.connection.control("PUT", "scenario", SCENARIO.format(*ledger.limits), access_key_id=ledger.key.id)
        if status != 200:
            raise Disagreement(f"{ledger.key.id}: a scenario was rejected: {answer}")
        ledger.clear()
        self.done["reloaded"] += 1

    def _verify_account(self, ledger: Ledger) -> None:
        """Verify the account against its ledger before both are cleared."""
        for disagreement in disagreements(self.connection, ledger):
            raise Disagreement(disagreement)

    def _call(self, ledger: Ledger, action: str, parameters: Mapping[str, str], expected: Mapping[str, str]) -> dict[str, Any]:
        """Make a call, verify its outcomes, and return its response; an empty one if a fault broke the connection."""
        ledger.calls += 1
        query, headers = ledger.key.request(self.connection.endpoint, action, parameters)
        body: dict[str, Any] | None = None
        decided_by = ""
        with suppress(OSError, http.client.HTTPException, ValueError):
            _, decided_by, content = self.connection.get(f"/?{query}", headers)
            body = json.loads(content)
        if body is not None:
            self.done["completed"] += 1
            self._compare(ledger, action, expected, _response_outcomes(body, decided_by))
            return body
        self.done["broken"] += 1
        _, answer = self.connection.control("GET", "calls", access_key_id=ledger.key.id, limit=1)
        newest = answer["calls"][0] if answer["calls"] else {}
        if newest.get("action") != action or newest.get("fault") is None:
            raise Disagreement(f"{ledger.key.id}: {action} {parameters} got no response, and no fault fired for it: {newest}")
        self._compare(ledger, action, expected, _logged_outcomes(newest))
        return {}

    def _compare(self, ledger: Ledger, action: str, expected: Mapping[str, str], outcomes: Mapping[str, str]) -> None:
        """Verify the outcome of each address and apply it to the ledger; the empty address stands for all."""
        for email, outcome in expected.items():
            found = outcomes.get(email, outcomes.get(""))
            if found == NOT_CARRIED_OUT:
                continue
            if found != outcome:
                raise Disagreement(f"{ledger.key.id}: {action} of {email}: {found}, expected {outcome}")
            ledger.apply(action, email, outcome)


def _response_outcomes(body: Mapping[str, Any], decided_by: str) -> dict[str, str]:
    """Return the outcome of each address according to a response."""
    if "Code" in body:
        # Only a fault may cause an error of the server.
        return {"": NOT_CARRIED_OUT if "(fault " in decided_by else body["Code"]}
    lists = {"ExistList": "exist", "SuccessList": "success"}
    outcomes = {row["Email"]: outcome for name, outcome in lists.items() for row in body.get(name, ())}
    return {"": "OK", **outcomes, **{row["Email"]: row["Code"] for row in body.get("FailList", ())}}


def _logged_outcomes(call: Mapping[str, Any]) -> dict[str, str]:
    """Return the outcome of each address according to the call log."""
    outcomes = {one["email"]: one["outcome"] for one in call["outcomes"]}
    if NOT_CARRIED_OUT in outcomes.values() or call["fault"] in REFUSING:
        return {"": NOT_CARRIED_OUT}
    return outcomes if call["action"] in BATCHES else {"": call["code"]}
