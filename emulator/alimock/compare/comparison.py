"""The comparison: plays the conversations against the endpoint and the reference, and deletes what it submitted."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from alimock.api.http import HttpRequest
from alimock.compare import calls, obstacles, records, verdicts
from alimock.compare.answer import Answer, Reader
from alimock.compare.calls import NOBODY, Caller, MissingValue, Stamp
from alimock.compare.conversation import Conversation, Step
from alimock.compare.difference import differences
from alimock.compare.endpoint import Exchange, NoAnswer
from alimock.compare.plan import FIRST, Plan
from alimock.compare.reference import Reference
from alimock.compare.results import Outcome, Result
from alimock.spec.address import fold
from alimock.spec.contract import VERSIONS

# So many calls in a row that had no answer or stayed throttled end the comparison.
MAXIMUM_UNANSWERED = 3
# The parts of the credentials without which alimock, by default, accepts a call that the service refuses.
_IDENTITY = frozenset({"access_key_id", "signature"})
_HAS_RECORD = "the account already has a record of the address, which stays as it is"


class Sender(Protocol):
    """What a comparison sends the service's calls with."""

    @property
    def authority(self) -> str:
        """The host and the port."""

    def send(self, request: HttpRequest) -> Exchange:
        """Send a request; raise `NoAnswer`."""


class CredentialsRefused(Exception):
    """The service does not accept the credentials; the text has its code and message."""


class _Inconclusive(Exception):
    """The answers to a call say nothing about alimock; the text says why."""


@dataclass
class _Side:
    """What is known of one side: how to read it, and the values that its last answers had."""

    reader: Reader
    values: dict[str, str]


@dataclass
class Comparison:
    """One comparison with a service.

    `ask` returns the token that a person reads in an email, or an empty text. `sleep` and `clock` are replaced in tests.
    """

    endpoint: Sender
    caller: Caller
    plan: Plan
    ask: Callable[[str], str] = lambda question: ""
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.time
    # Addresses that were submitted and not deleted.
    left_behind: dict[str, str] = field(default_factory=dict)
    # Why the comparison ended early, if it did.
    ended_early: str = ""
    # Whether the service is another alimock, as in a trial of this command. Such a comparison proves nothing.
    is_trial: bool = False

    def __post_init__(self) -> None:
        self._reference = Reference(self.caller, self.clock())
        hosts = {self.endpoint.authority, VERSIONS[self.caller.version].endpoint}
        values = {"email": self.plan.email, "EMAIL": self.plan.email.upper(), "nobody": NOBODY}
        self._service, self._alimock = _Side(Reader(hosts), {**values}), _Side(Reader(hosts), {**values})
        self._nonce = ""
        self._unanswered = 0
        self._mails_before = 0
        # Why the steps that need an address without a record cannot be compared, and why the rest of the conversation cannot.
        self._unusable = "it is not known whether the account has a record of the address"
        self._diverged = ""

    def results(self) -> Generator[Result, None, None]:
        """Play the steps one by one, and delete at the end what was submitted; raises `CredentialsRefused`."""
        try:
            for conversation in (Conversation("first", "", (FIRST,)), *self.plan.conversations):
                self._begin(conversation)
                for step in conversation.steps:
                    if self._unanswered == MAXIMUM_UNANSWERED:
                        self.ended_early = f"{MAXIMUM_UNANSWERED} calls in a row had no answer or were throttled"
                        return
                    yield self._result(conversation, step)
        finally:
            self._clean_up()

    def _begin(self, conversation: Conversation) -> None:
        self._mails_before = len(self._reference.tokens())
        self._diverged = ""
        if conversation.record:
            self._clean_up()
            if self.left_behind:
                self._unusable = "a record of an earlier conversation could not be deleted"

    def _result(self, conversation: Conversation, step: Step) -> Result:
        name = step.name if step is FIRST else f"{conversation.name}/{step.name}"
        reason = (self._unusable or self._diverged or self._why_not_ours(step)) if conversation.record else ""
        if reason:
            return Result(name, step, Outcome.INCONCLUSIVE, reason)
        result = self._played(conversation, step, name)
        inconclusive = result.outcome in (Outcome.INCONCLUSIVE, Outcome.NO_ANSWER)
        if step.action in records.CHANGES and (inconclusive or result.diverged):
            self._diverged = f"the account is in another state than the emulator since the step {step.name}"
        return result

    def _why_not_ours(self, step: Step) -> str:
        """Return why a call would change a record that was not submitted here, or an empty text."""
        named = set(map(fold, records.emails(step, self._service.values)))
        ours = step.action not in (records.RESEND, records.DELETE) or fold(self.plan.email) not in named - self.left_behind.keys()
        return "" if ours else "the address was not submitted by this comparison"

    def _played(self, conversation: Conversation, step: Step, name: str) -> Result:
        self.sleep(step.pause)
        try:
            self._ask_for_token(step)
            service, alimock = self._answers(conversation, step)
        except MissingValue as error:
            return Result(name, step, Outcome.INCONCLUSIVE, f"the value `{error}` is not known")
        except _Inconclusive as error:
            return Result(name, step, Outcome.INCONCLUSIVE, str(error))
        except NoAnswer as error:
            self._unanswered += 1
            return Result(name, step, Outcome.NO_ANSWER, str(error))
        found = differences(service, alimock)
        judged = verdicts.of_step(step, service, alimock, found, self.caller.sign)
        diverged = records.effect(step, service) != records.effect(step, alimock)
        return Result(name, step, Outcome.DIFFERS if found else Outcome.SAME, "", found, judged, service, diverged)

    def _answers(self, conversation: Conversation, step: Step) -> tuple[Answer, Answer]:
        """Make the call on both sides."""
        stamp, request, answer, exchange = self._asked(step)
        if obstacles.is_throttled(answer):
            self._unanswered += 1
            raise _Inconclusive(f"{answer.code or f'status {answer.status}'}, twice")
        self._unanswered = 0
        if step is FIRST:
            self._look_for_record(answer)
        now = exchange.server_time if exchange.server_time is not None else self.clock()
        if step.change.keys() & _IDENTITY and not answer.code and self.is_trial:
            self._reference.accept_unknown_keys()
        if conversation.record and fold(self.plan.email) not in self.left_behind and records.shown(answer, self.plan.email):
            # The first list was not up to date. Nothing is deleted that was not submitted here.
            self._unusable = _HAS_RECORD
            raise _Inconclusive(self._unusable)
        alimock = self._alimock.reader.read(self._reference.send(request, now))
        if reason := obstacles.why_inconclusive(answer, alimock, tests_quota=conversation.quota):
            raise _Inconclusive(reason)
        # A changed nonce is none that a later step could use again.
        self._nonce = self._nonce if "nonce" in step.change else stamp.nonce
        for side, found in zip(self._sides, (answer, alimock), strict=True):
            side.values.update(records.creation_times(found))
        return answer, alimock

    def _asked(self, step: Step) -> tuple[Stamp, HttpRequest, Answer, Exchange]:
        """Send a call to the service, once more if it is throttled; return its answer, and the request for the reference."""
        asked = self._asked_once(step)
        if obstacles.is_throttled(asked[2]):
            self.sleep(obstacles.retry_seconds(asked[3]))
            asked = self._asked_once(step)
        return asked

    def _asked_once(self, step: Step) -> tuple[Stamp, HttpRequest, Answer, Exchange]:
        stamp = Stamp(self.clock(), str(uuid.uuid4()), self._nonce)
        service, alimock = (calls.build(step, self.caller, self.endpoint.authority, side.values, stamp) for side in self._sides)
        return stamp, alimock, *self._send(step, service, self._service.values)

    @property
    def _sides(self) -> tuple[_Side, _Side]:
        return self._service, self._alimock

    def _send(self, step: Step, request: HttpRequest, values: Mapping[str, str]) -> tuple[Answer, Exchange]:
        """Send a call to the service, and note what it leaves behind even if there is no answer."""
        emails = {fold(email): email for email in records.emails(step, values)}
        # What the account had before is never deleted.
        new = emails.keys() - self.left_behind.keys() if step.action == records.SUBMIT else set()
        self.left_behind.update((folded, emails[folded]) for folded in new)
        exchange = self.endpoint.send(request)
        self.is_trial = self.is_trial or _is_alimock(exchange)
        answer = self._service.reader.read(exchange.response)
        refused = map(fold, (*records.listed(answer, "faillist"), *records.listed(answer, "existlist")))
        # A call that failed can have had its effect.
        gone = new if answer.code and not obstacles.has_failed(answer) else new & set(refused)
        if step.action == records.DELETE:
            gone = set(map(fold, records.listed(answer, "successlist")))
        for folded in gone:
            self.left_behind.pop(folded, None)
        return answer, exchange

    def _look_for_record(self, answer: Answer) -> None:
        """Note whether the account has a record of the address; refuse to go on if it refuses the credentials."""
        if obstacles.refuses_credentials(answer):
            raise CredentialsRefused(f"{answer.code}: {answer.message}")
        if answer.code or not answer.named("TotalItemNum"):
            return
        self._unusable = _HAS_RECORD if records.shown(answer, self.plan.email) else ""
        if self._unusable:
            raise _Inconclusive(self._unusable)

    def _ask_for_token(self, step: Step) -> None:
        if step.ask is None:
            return
        for side in self._sides:
            side.values.pop("token", None)
        token = _token(self.ask(f"The link in email {step.ask} of this conversation, or its token (empty to skip): "))
        tokens = self._reference.tokens()[self._mails_before :]
        if token and len(tokens) >= step.ask:
            self._service.values["token"], self._alimock.values["token"] = token, tokens[step.ask - 1]

    def _clean_up(self) -> None:
        """Delete what was submitted, on both sides; what cannot be deleted stays in `left_behind`."""
        if not self.left_behind:
            return
        step = Step("clean-up", {"Action": records.DELETE, "Email": "{left}"})
        for side in self._sides:
            side.values["left"] = ",".join(self.left_behind.values())
        try:
            _, request, _, _ = self._asked(step)
        except NoAnswer:
            return
        self._reference.send(request, self.clock())


def _token(text: str) -> str:
    """Return the token of what a person entered: a link whose last part it is, or the token itself."""
    return re.split("[/=]", text.strip())[-1] if "://" in text else text.strip()


def _is_alimock(exchange: Exchange) -> bool:
    """Return whether a response is that of an alimock."""
    return any(name.lower() == "x-alimock-decided-by" for name, _ in exchange.response.headers)
