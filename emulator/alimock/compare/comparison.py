"""The comparison: plays the conversations against the endpoint and the reference, and deletes what it submitted."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from alimock.api.http import HttpRequest
from alimock.compare import calls, verdicts
from alimock.compare.answer import Answer, Reader, name_of
from alimock.compare.calls import NOBODY, Caller, MissingValue, Stamp
from alimock.compare.conversation import Conversation, Step
from alimock.compare.difference import Difference, differences
from alimock.compare.endpoint import Exchange, NoAnswer
from alimock.compare.reference import Reference
from alimock.compare.verdicts import Verdict
from alimock.spec import error_catalog as errors
from alimock.spec.address import fold
from alimock.spec.contract import LIST, VERSIONS

# So many calls without an answer end the comparison.
MAXIMUM_UNANSWERED = 3
RETRY_SECONDS = 5.0
MAXIMUM_RETRY_SECONDS = 30.0
_SUBMIT, _DELETE, _VERIFY = "SubmitEmailVerification", "DeleteEmailVerification", "VerifyEmail"
_CHANGES = frozenset({_SUBMIT, _DELETE, _VERIFY, "ResendEmailVerification"})
# Each stands for its family, too, such as Throttling.User.
_THROTTLED = (errors.THROTTLING.code, errors.API_BLOCK.code)
_FORBIDDEN = (errors.FORBIDDEN.code, errors.NO_PERMISSION.code, errors.NO_RESOURCE_AUTHORIZATION.code)
_BAD_CREDENTIALS = (
    errors.INVALID_ACCESS_KEY_ID.code,
    errors.INVALID_TIMESTAMP_EXPIRED.code,
    errors.SIGNATURE_DOES_NOT_MATCH_V1.code,
    errors.FORBIDDEN_ACCESS_KEY_DISABLED.code,
    errors.MISSING_PARAMETERS["SecurityToken"].code,
    errors.INVALID_SECURITY_TOKEN_EXPIRED.code,
    errors.INVALID_SECURITY_TOKEN_MALFORMED.code,
    errors.INVALID_SECURITY_TOKEN_MISMATCH.code,
)
_SECOND_MS = 1000
# The parts of the credentials without which alimock, by default, accepts a call that the service refuses.
_IDENTITY = frozenset({"access_key_id", "signature"})


class Outcome(Enum):
    """What became of a step."""

    SAME = "same"
    DIFFERS = "differs"
    INCONCLUSIVE = "inconclusive"
    NO_ANSWER = "no answer"


@dataclass(frozen=True)
class Result:
    """A step with its outcome: the differences, or why nothing can be said; and the service's answer if there was one.

    After a `diverged` step the account of the service and the emulator are no longer in the same state.
    """

    name: str
    step: Step
    outcome: Outcome
    reason: str = ""
    differences: tuple[Difference, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    answer: Answer | None = None
    diverged: bool = False


@dataclass(frozen=True)
class Plan:
    """What a comparison will do: its conversations, and the address that gets the mails."""

    conversations: tuple[Conversation, ...]
    email: str

    @property
    def steps(self) -> list[Step]:
        """All steps."""
        return [FIRST, *(step for conversation in self.conversations for step in conversation.steps)]

    @property
    def mails(self) -> int:
        """The largest number of mails."""
        return sum(step.mails for step in self.steps)

    @property
    def seconds(self) -> float:
        """The pauses between the calls."""
        return sum(step.pause for step in self.steps)


class Sender(Protocol):
    """What a comparison sends the service's calls with."""

    @property
    def authority(self) -> str:
        """The host and the port."""

    def send(self, request: HttpRequest) -> Exchange:
        """Send a request; raise `NoAnswer`."""


# Whether the account has a record of the address already. Nothing is changed before this is known.
FIRST = Step("first/look-for-a-record", {"Action": LIST, "Email": "{email}"})


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

    `ask` returns the token that a person reads in a mail, or an empty text. `sleep` and `clock` are replaced in tests.
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
                        self.ended_early = f"{MAXIMUM_UNANSWERED} calls in a row had no answer"
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
        reason = (self._unusable or self._diverged) if conversation.record else ""
        if reason:
            return Result(name, step, Outcome.INCONCLUSIVE, reason)
        result = self._played(conversation, step, name)
        inconclusive = result.outcome in (Outcome.INCONCLUSIVE, Outcome.NO_ANSWER)
        if step.action in _CHANGES and (inconclusive or result.diverged):
            self._diverged = f"the account is in another state than the emulator since the step {step.name}"
        return result

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
        diverged = _effect(step, service) != _effect(step, alimock)
        return Result(name, step, Outcome.DIFFERS if found else Outcome.SAME, "", found, judged, service, diverged)

    def _answers(self, conversation: Conversation, step: Step) -> tuple[Answer, Answer]:
        """Make the call on both sides; a throttled one is tried once more."""
        stamp, request, answer, exchange = self._asked(step)
        if _is_throttled(answer):
            self.sleep(_retry_seconds(exchange))
            stamp, request, answer, exchange = self._asked(step)
        self._unanswered = 0
        if step is FIRST:
            self._look_for_record(answer)
        now = exchange.server_time if exchange.server_time is not None else self.clock()
        if _is_throttled(answer):
            raise _Inconclusive(f"{answer.code}, twice")
        if step.change.keys() & _IDENTITY and not answer.code and _is_alimock(exchange):
            self._reference.accept_unknown_keys()
        alimock = self._alimock.reader.read(self._reference.send(request, now))
        if reason := _why_inconclusive(conversation, answer, alimock):
            raise _Inconclusive(reason)
        # A changed nonce is none that a later step could use again.
        self._nonce = self._nonce if "nonce" in step.change else stamp.nonce
        for side, found in zip(self._sides, (answer, alimock), strict=True):
            _remember_creation(side.values, found)
        return answer, alimock

    def _asked(self, step: Step) -> tuple[Stamp, HttpRequest, Answer, Exchange]:
        """Send a call to the service; return what came of it, and the request for the reference."""
        stamp = Stamp(self.clock(), str(uuid.uuid4()), self._nonce)
        ours, theirs = (calls.build(step, self.caller, self.endpoint.authority, side.values, stamp) for side in self._sides)
        return stamp, theirs, *self._send(step, ours)

    @property
    def _sides(self) -> tuple[_Side, _Side]:
        return self._service, self._alimock

    def _send(self, step: Step, request: HttpRequest) -> tuple[Answer, Exchange]:
        """Send a call to the service, and note what it leaves behind even if there is no answer."""
        emails = _emails(step, self._service.values)
        if step.action == _SUBMIT:
            self.left_behind.update((fold(email), email) for email in emails)
        exchange = self.endpoint.send(request)
        answer = self._service.reader.read(exchange.response)
        if step.action == _SUBMIT:
            for email in emails if answer.code else _listed(answer, "faillist"):
                self.left_behind.pop(fold(email), None)
        elif step.action == _DELETE and not answer.code:
            for email in emails:
                self.left_behind.pop(fold(email), None)
        return answer, exchange

    def _look_for_record(self, answer: Answer) -> None:
        """Note whether the account has a record of the address; refuse to go on if it refuses the credentials."""
        if answer.code.startswith(_BAD_CREDENTIALS):
            raise CredentialsRefused(f"{answer.code}: {answer.message}")
        if answer.code or not answer.named("TotalItemNum"):
            return
        self._unusable = ""
        if any(fold(value.text) == fold(self.plan.email) for value in answer.named("Email")):
            self._unusable = "the account already has a record of the address, which stays as it is"
            raise _Inconclusive(self._unusable)

    def _ask_for_token(self, step: Step) -> None:
        if step.ask is None:
            return
        for side in self._sides:
            side.values.pop("token", None)
        token = self.ask(f"The token at the end of the link in mail {step.ask} of this conversation (empty to skip): ").strip()
        tokens = self._reference.tokens()[self._mails_before :]
        if token and len(tokens) >= step.ask:
            self._service.values["token"], self._alimock.values["token"] = token, tokens[step.ask - 1]

    def _clean_up(self) -> None:
        """Delete what was submitted, on both sides; what cannot be deleted stays in `left_behind`."""
        if not self.left_behind:
            return
        step = Step("clean-up", {"Action": _DELETE, "Email": ",".join(self.left_behind.values())})
        try:
            _, request, answer, exchange = self._asked(step)
            if _is_throttled(answer):
                self.sleep(_retry_seconds(exchange))
                self._asked(step)
        except NoAnswer:
            return
        self._reference.send(request, self.clock())


def _emails(step: Step, values: Mapping[str, str]) -> list[str]:
    emails = step.send.get("Email")
    if not isinstance(emails, str):
        return []
    return [email.strip().format(**values) for email in emails.split(",") if email.strip()]


def _listed(answer: Answer, name: str) -> list[str]:
    """Return the addresses in a list of an answer; its name is in lower case, because the layouts spell it differently."""
    paths = [path for path in answer.fields if path.lower().startswith(name) and name_of(path).lower() == "email"]
    return [answer.fields[path].text for path in paths]


def _remember_creation(values: dict[str, str], answer: Answer) -> None:
    """Remember the time at which the record of an answer was created, as milliseconds and with a second more and less."""
    created = next((value.time for value in answer.named("GmtCreate") if value.time is not None), None)
    if created is not None:
        for name, seconds in (("created", 0), ("after-created", 1), ("before-created", -1)):
            values[name] = str((created + seconds) * _SECOND_MS)


def _is_alimock(exchange: Exchange) -> bool:
    """Return whether the service is another alimock, as in a trial of this command."""
    return any(name.lower() == "x-alimock-decided-by" for name, _ in exchange.response.headers)


def _is_throttled(answer: Answer) -> bool:
    return answer.code.startswith(_THROTTLED)


def _retry_seconds(exchange: Exchange) -> float:
    """Return how long to wait before a throttled call is tried again: what the response says in milliseconds, or some seconds."""
    text = dict(exchange.response.headers).get("x-acs-retry-after", "")
    return min(int(text) / 1000, MAXIMUM_RETRY_SECONDS) if text.isascii() and text.isdigit() else RETRY_SECONDS


def _why_inconclusive(conversation: Conversation, service: Answer, alimock: Answer) -> str:
    """Return why the answers cannot be compared, or an empty text."""
    if service.code.startswith(_FORBIDDEN) and not alimock.code:
        return f"the access key may not call this operation ({service.code})"
    quota = errors.SEND_TOKEN_QUOTA_EXCEEDED.code
    if not conversation.quota and any(value.text == quota for value in service.named("Code")):
        return f"{quota}: mails of earlier today count, too"
    return ""


def _effect(step: Step, answer: Answer) -> frozenset[str]:
    """Return the addresses that a call changed, whatever the layout of the response."""
    if step.action == _VERIFY:
        return frozenset() if answer.code else frozenset({_VERIFY})
    return frozenset(fold(email) for email in _listed(answer, "successlist"))
