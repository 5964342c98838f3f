"""The conductor: leads a call through the gateway's checks and the operation to the reply, and keeps their order in sight."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict, deque
from dataclasses import dataclass, replace

from alimock.api import faults, parse, serialize
from alimock.api.auth import Check, Identity, authenticate, credentials, refusal_beside_signature
from alimock.api.context import CallContext
from alimock.api.diagnosis import Diagnosis, explain
from alimock.api.http import Call, Reply
from alimock.api.operations import CUSTOM, OperationContext, OperationResult
from alimock.api.operations import OPERATIONS as ANSWERS
from alimock.api.parse import Request
from alimock.scenario.model import AccessKey, CodeOverride, Fault, Reset, Stub
from alimock.spec.contract import DOMAIN, OPERATIONS, VERSIONS, Format, Operation
from alimock.spec.error_catalog import (
    FAULT_CODES,
    FORBIDDEN_RAM,
    INTERNAL_ERROR,
    INVALID_ACTION_NOT_FOUND,
    INVALID_PARAMETER_FORMAT,
    INVALID_VERSION,
    MISSING_HEADER,
    SIGNATURE_DOES_NOT_MATCH_V1,
    SIGNATURE_DOES_NOT_MATCH_V3,
    UNSUPPORTED_HTTP_METHOD,
)
from alimock.spec.errors import ApiError
from alimock.spec.profiles import PROFILES
from alimock.state.account import Account
from alimock.state.events import EventType, Outcome
from alimock.state.record import TokenState
from alimock.state.store import Store

logger = logging.getLogger(__name__)

KEPT_MISTAKES = 10
REFUSED_CALLS = 100
REFUSED_BODY_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class FollowedLink:
    """What a link was good for, None for one that was never sent, with its address and the language of its mail."""

    state: TokenState | None
    email: str = ""
    lang: str = "en"


class Service:
    """Answers calls to the emulated API from one store; `profile` overrides the scenario's."""

    def __init__(self, store: Store, profile: str | None = None) -> None:
        self.store = store
        self.profile = profile
        # The newest failures of alimock itself, for whoever runs it in a test.
        self.mistakes: deque[BaseException] = deque(maxlen=KEPT_MISTAKES)
        # The newest calls whose signature was refused, by the id of the request, to be explained on demand.
        self._refused: OrderedDict[str, Call] = OrderedDict()

    def answer(self, call: Call, profile: str | None = None) -> Reply:
        """Gives the reply to a call; `profile` is the one that this call asks for."""
        started = time.perf_counter()
        exchange = CallContext(call, parse.response_format(call, {}) or Format.XML)
        try:
            reply, decisions, code = self._success(exchange, profile)
        except ApiError as failure:
            reply, decisions, code = self._failure(exchange, failure)
        except Exception as error:
            logger.exception("alimock failed to answer; please report this")
            self.mistakes.append(error)
            mistake = ApiError(INTERNAL_ERROR, "a mistake of alimock itself, see its log")
            reply, decisions, code = self._failure(exchange, mistake)
        seconds = time.perf_counter() - started
        exchange.record(self.store, reply.status, code, decisions, seconds)
        exchange.log(reply.status, code, decisions, seconds)
        return _harmed(reply, exchange.fault)

    def follow_link(self, token: str, ip: str) -> FollowedLink:
        """Verifies the address that a mail's link belongs to, as the real link does."""
        with self.store.lock:
            account = self.store.account_of_token(token)
            found = account.record_of_token(token) if account is not None else None
            if account is None or found is None:
                return FollowedLink(None)
            record, state = found
            serial = account.ids.serial_of(token)
            mail = self.store.outbox.get(account.ids.mail_id(serial)) if serial is not None else None
            if state is TokenState.OPEN:
                account.verify(record, ip)
                self.store.record_event(EventType.VERIFICATION, account.name, record.email)
        logger.info("link followed: %s, token %s", record.email, state.value)
        return FollowedLink(state, record.email, mail.lang if mail is not None else "en")

    def explain(self, call: Call, secret: str | None = None) -> Diagnosis | None:
        """Says what is wrong with the signature of a call, by the secret given or by that of the key; None for an unknown key."""
        sent = credentials(parse.decode(call))
        with self.store.lock:
            keys = self.store.access_keys
            known = sent.access_key_id in keys
            refusal = refusal_beside_signature(sent, self.store) if known else None
        key = AccessKey(sent.access_key_id, secret, "", "the secret given") if secret is not None else keys.get(sent.access_key_id)
        explanation = explain(sent, key, keys) if key is not None else None
        if explanation is None or refusal is None or not explanation.matches:
            return explanation
        words = f"the signature matches, but the call is refused with {refusal.code}: {refusal.decided_by}"
        return replace(explanation, cause=refusal.code, explanation=words, remedy=refusal.message("en"))

    def refused_call(self, request_id: str) -> Call | None:
        """Gives a call whose signature was refused lately, by the id of the request."""
        with self.store.lock:
            return self._refused.get(request_id)

    def _remember(self, call: Call, request_id: str) -> None:
        """Keeps a call that was refused for its signature or what belongs to it."""
        with self.store.lock:
            self._refused[request_id] = call
            if len(self._refused) > REFUSED_CALLS:
                self._refused.popitem(last=False)

    def _success(self, exchange: CallContext, wanted: str | None) -> tuple[Reply, tuple[Outcome, ...], str]:
        """Goes through the gateway's checks in their order; each raises the `ApiError` of its refusal."""
        request = exchange.request = parse.decode(exchange.call)
        _read_presentation(exchange, request)
        sent = credentials(request)
        # What the call says of itself, so that it is found in the journal also if it is refused before its signature is looked at.
        exchange.identity = Identity(sent.access_key_id or None, Check.UNCHECKED if sent.signature else Check.UNSIGNED)
        exchange.signature = sent.method if sent.signature else None
        stub = self._stub(request)
        operation = _operation(request) if stub is None else None
        _check_method(exchange.call)
        _check_format(request)
        exchange.identity = Identity(sent.access_key_id or None, Check.REFUSED)
        with self.store.lock:
            exchange.identity = authenticate(sent, self.store)
            account = self.store.account(exchange.identity.access_key_id)
            exchange.request_id = account.ids.request_id()
            if operation is not None:
                body, decisions = self._perform(exchange, account, operation, request, wanted)
            elif stub is not None:
                body, decisions = self._recite(exchange, account, stub, request)
        decided_by = exchange.decided_by(_summary(decisions))
        return serialize.reply(200, body, exchange.request_id, decided_by, exchange.body_format), decisions, "OK"

    def _stub(self, request: Request) -> Stub | None:
        """Gives the canned answer of an operation that is not emulated; like the others it needs a version, but any will do."""
        if not request.version or request.action in OPERATIONS:
            return None
        with self.store.lock:
            return self.store.stubs(credentials(request).access_key_id).get(request.action)

    def _perform(
        self, exchange: CallContext, account: Account, operation: Operation, request: Request, wanted: str | None
    ) -> tuple[bytes, tuple[Outcome, ...]]:
        """Reads the operation's parameters as the profile of the caller's account wants them, and carries it out."""
        key_id = exchange.identity.access_key_id
        profile = PROFILES[wanted or self.profile or account.scenario.profile]
        _check_permission(self.store.access_keys.get(key_id or ""), operation)
        values = parse.bind(operation, profile, request.parameters)
        # The two parameters of every operation are the caller's, not the operation's.
        ip = str(values.pop("user_client_ip") or "").strip() or exchange.call.peer
        del values["lang"]
        exchange.profile = profile.name
        before = self.store.cursor
        answer = OperationResult({}, (Outcome("", "not carried out", ""),))
        if _meets_fault(exchange, account, request, values.get("email")):
            caller = OperationContext(self.store, account, key_id, exchange.request_id, operation.name, ip, exchange.lang)
            answer = ANSWERS[operation.name](caller, **values)
        if self.store.cursor != before:
            exchange.messages = tuple(mail.id for mail in self.store.outbox.after(before, account.name))
        layout = profile.layouts[operation.name, exchange.body_format]
        fields = {**answer.fields, "request_id": exchange.request_id}
        return serialize.success(operation.name, fields, layout, exchange.body_format), answer.decisions

    def _recite(self, exchange: CallContext, account: Account, stub: Stub, request: Request) -> tuple[bytes, tuple[Outcome, ...]]:
        """Gives the canned answer of the scenario; whether the key has the permission is not checked."""
        _meets_fault(exchange, account, request, None)
        body = serialize.stub(request.action, stub.fields, exchange.request_id, exchange.body_format)
        return body, (Outcome("", "custom answer", f"{stub.place} {CUSTOM}"),)

    def _failure(self, exchange: CallContext, failure: ApiError) -> tuple[Reply, tuple[Outcome, ...], str]:
        request_id = exchange.request_id = exchange.request_id or self.store.ids.request_id()
        if exchange.identity.check is Check.REFUSED and len(exchange.call.body) <= REFUSED_BODY_BYTES:
            self._remember(exchange.call, request_id)
        if failure.definition in (SIGNATURE_DOES_NOT_MATCH_V1, SIGNATURE_DOES_NOT_MATCH_V3):
            explanation = self.explain(exchange.call)
            failure.decided_by += f": {explanation.explanation}" if explanation is not None else ""
        override = self.store.scenario.codes.get(failure.code, CodeOverride())
        body = serialize.error(failure, exchange.version, request_id, exchange.lang, exchange.body_format, override.message)
        status = override.status or failure.definition.status or 400
        decided_by = exchange.decided_by(failure.decided_by)
        reply = serialize.reply(status, body, request_id, decided_by, exchange.body_format)
        return reply, (Outcome("", failure.code, decided_by),), failure.code


def _read_presentation(exchange: CallContext, request: Request) -> None:
    """Reads what every answer needs, refusals included: the format, the language, the version's endpoint."""
    exchange.action = request.action
    exchange.body_format = parse.response_format(exchange.call, request.parameters) or exchange.body_format
    # Any other language is answered in English (assumed).
    exchange.lang = "zh" if request.parameters.get("Lang", "").lower() == "zh" else "en"
    exchange.version = VERSIONS.get(request.version, DOMAIN)


def _operation(request: Request) -> Operation:
    """Finds what is asked for. That a call without an action is told so before its version is looked at is captured elsewhere."""
    if not request.action:
        if request.is_v3:
            raise ApiError(MISSING_HEADER, "rule missing x-acs-action", header="x-acs-action")
        raise ApiError(INVALID_ACTION_NOT_FOUND, "rule no-action")
    version = VERSIONS.get(request.version)
    if version is None:
        if request.is_v3 and not request.version:
            raise ApiError(MISSING_HEADER, "rule missing x-acs-version", header="x-acs-version")
        raise ApiError(INVALID_VERSION, f"rule unknown-version (known: {', '.join(VERSIONS)})")
    operation = OPERATIONS.get(request.action)
    if operation is None:
        raise ApiError(INVALID_ACTION_NOT_FOUND, f"rule unknown-action (known: {', '.join(OPERATIONS)})")
    if version.name not in operation.versions:
        raise ApiError(INVALID_ACTION_NOT_FOUND, f"rule {version.name} has no {operation.name}")
    return operation


def _check_method(call: Call) -> None:
    if call.method not in ("GET", "POST"):
        raise ApiError(UNSUPPORTED_HTTP_METHOD, "rule http-method (GET and POST are supported)")


def _check_format(request: Request) -> None:
    if parse.response_format(request.call, request.parameters) is None:
        raise ApiError(INVALID_PARAMETER_FORMAT, "rule format (XML and JSON are known)")


def _check_permission(key: AccessKey | None, operation: Operation) -> None:
    if key is not None and key.permissions is not None and operation.ram_action not in key.permissions:
        raise ApiError(FORBIDDEN_RAM, f"{key.place} (permissions without {operation.ram_action})")


def _meets_fault(exchange: CallContext, account: Account, request: Request, emails: object) -> bool:
    """Looks for the fault that hits the call, and says whether the call is carried out nevertheless; raises its `ApiError`."""
    fault = faults.choose(account, request.action, request.version, exchange.identity.access_key_id, emails)
    if fault is None:
        return True
    exchange.fault, exchange.fault_hit = fault, fault.hits + account.fault_hits[fault.id]
    if fault.error is not None:
        raise ApiError(FAULT_CODES[fault.error], "")
    return fault.response_fault is None or fault.response_fault.reset is not Reset.BEFORE


def _harmed(reply: Reply, fault: Fault | None) -> Reply:
    """Gives the reply as a fault has it: with the header that says when to try again, and with the harm to its delivery."""
    if fault is None:
        return reply
    headers = reply.headers
    if fault.retry_after is not None:
        headers = (*headers, serialize.retry_after(fault.retry_after))
    return replace(reply, headers=headers, response_fault=fault.response_fault)


def _summary(decisions: tuple[Outcome, ...]) -> str:
    """Says what decided a call: for a batch the first decision, and how many more there were."""
    first, *others = [one.decided_by for one in decisions] or [""]
    custom = ", with a custom answer" if any(CUSTOM in other for other in others) else ""
    return f"{first} (and {len(others)} more{custom})" if others else first
