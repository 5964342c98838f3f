"""The service: takes a request through the gateway's checks and the operation to the response. The order of all checks is here."""

from __future__ import annotations

import logging
import re
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from alimock.api import call_log, faults, serialize
from alimock.api.auth import NO_SIGNATURE, Check, authenticate, forget_nonce, refusal_besides_signature, string_to_sign
from alimock.api.context import CallContext
from alimock.api.diagnosis import Diagnosis, diagnose
from alimock.api.http import HttpRequest, HttpResponse
from alimock.api.operations import CUSTOM, HANDLERS, OperationContext, OperationResult
from alimock.api.parse import ApiRequest, bind, parse
from alimock.scenario import template
from alimock.scenario.model import AccessKey, CodeOverride, Reset, Stub
from alimock.spec import error_catalog as errors
from alimock.spec.contract import DOMAIN, OPERATIONS, USER_CLIENT_IP, VERSIONS, Operation
from alimock.spec.errors import ApiError
from alimock.spec.profiles import PROFILES
from alimock.spec.times import format_time
from alimock.state import system_clock
from alimock.state.account import Account
from alimock.state.log import EventType, Outcome
from alimock.state.record import TokenState
from alimock.state.store import Store

logger = logging.getLogger(__name__)

KEPT_FAILURES = 10
KEPT_REFUSED = 100
KEPT_REFUSED_BYTES = 64 * 1024
_WRONG_SIGNATURES = (errors.SIGNATURE_DOES_NOT_MATCH_V1, errors.SIGNATURE_DOES_NOT_MATCH_V3)
_NOT_CARRIED_OUT = OperationResult({}, (Outcome("", "not carried out", ""),))


class FollowedLink(NamedTuple):
    """The state of a link when it was followed, None if it was never sent, with its address and the language of its mail."""

    state: TokenState | None
    email: str = ""
    lang: str = "en"


class Service:
    """Answers requests to the emulated API from one store.

    `profile` overrides the scenario's. `write_line` receives a line about each call; if it is None, no line is formatted.
    """

    def __init__(
        self,
        store: Store,
        profile: str | None = None,
        write_line: Callable[[str], None] | None = call_log.to_logger,
    ) -> None:
        self.store = store
        self.profile = profile
        self.write_line = write_line
        # The latest exceptions of alimock's own, for the test that runs the emulator.
        self.failures: deque[BaseException] = deque(maxlen=KEPT_FAILURES)
        # The latest requests whose signature was refused, by request id, for a diagnosis on demand.
        self._refused: OrderedDict[str, ApiRequest] = OrderedDict()

    def handle(self, http: HttpRequest) -> HttpResponse:
        """Answer a request and log the call."""
        started = system_clock.perf_counter()
        request = parse(http)
        context = CallContext(request, Check.UNCHECKED if request.credentials.signature else Check.UNSIGNED)
        try:
            body = self._carry_out(context)
        except ApiError as error:
            body = self._refuse(context, error)
        except Exception as error:
            logger.exception("Internal error in alimock; please report it with this log")
            self.failures.append(error)
            body = self._refuse(context, ApiError(errors.INTERNAL_ERROR, "an internal error of alimock; see its log"))
        seconds = system_clock.perf_counter() - started
        with self.store.transaction():
            call_log.add(self.store, context, seconds)
        if self.write_line is not None:
            call_log.write_line(context, seconds, self.write_line)
        return serialize.response(context.status, body, context.request_id, context.decided_by, context.body_format, context.fault)

    def follow_link(self, token: str, ip: str) -> FollowedLink:
        """Verify the address that the link of a mail belongs to, as the real link does."""
        with self.store.transaction():
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

    def diagnose(self, request: ApiRequest, secret: str | None = None) -> Diagnosis | None:
        """Find out what is wrong with the signature of a request, by the given secret or by the key's.

        Return None for an unknown key. Raise `ApiError` for a request that cannot be decoded.
        """
        if request.malformed is not None:
            raise request.malformed
        key_id = request.credentials.access_key_id
        with self.store.transaction():
            keys = self.store.keys.by_id
            refusal = refusal_besides_signature(request, self.store)
        is_signature = refusal is None or refusal.definition not in NO_SIGNATURE
        key = AccessKey(key_id, secret, "", "the given secret") if secret is not None else keys.get(key_id)
        if key is None and is_signature:
            return None
        diagnosis = diagnose(request, key or AccessKey(key_id, "", "", ""), keys)
        if refusal is None or (is_signature and not (diagnosis.matches and key_id in keys)):
            return diagnosis
        start = "the signature matches, but the call" if diagnosis.matches else "the call"
        explanation = f"{start} is refused with {refusal.code}: {refusal.decided_by}"
        return replace(diagnosis, cause=refusal.code, explanation=explanation, remedy=refusal.message("en"))

    def refused_request(self, request_id: str) -> ApiRequest | None:
        """Return a request whose signature was refused recently."""
        with self.store.transaction():
            return self._refused.get(request_id)

    def _carry_out(self, context: CallContext) -> bytes:
        """Run the checks in the gateway's order and then the operation, and return the body.

        Each check raises the `ApiError` of its refusal.
        """
        request = context.request
        if request.http.path != "/":
            # Parameters in the path may include the signature.
            path = re.sub("(?s)[^A-Za-z0-9_./-].*", "...", request.http.path[:100])
            raise ApiError(errors.INVALID_ACTION_NOT_FOUND, f"rule path (found {path!a}, expected '/')")
        if request.malformed is not None:
            raise request.malformed
        target = self._stub(request) or _operation(request)
        if request.http.method not in ("GET", "POST"):
            raise ApiError(errors.UNSUPPORTED_HTTP_METHOD, "rule http-method (GET and POST are supported)")
        if request.format is None:
            raise ApiError(errors.INVALID_PARAMETER_FORMAT, "rule format (XML and JSON are known)")
        with self.store.transaction():
            context.authentication = Check.REFUSED
            context.authentication = authenticate(request, self.store)
            account = self.store.account(request.credentials.access_key_id or None)
            context.request_id = account.ids.request_id()
            if isinstance(target, Stub):
                body = _run_stub(context, account, target)
            else:
                body = self._run_operation(context, account, target)
        context.decided_by = context.explain(_summary(context.outcomes))
        return body

    def _stub(self, request: ApiRequest) -> Stub | None:
        """Return the canned response of an operation that is not emulated. Such a call may name any version, but not none."""
        if not request.version or request.action in OPERATIONS:
            return None
        with self.store.transaction():
            return self.store.scenario_of(request.credentials.access_key_id).stubs.get(request.action)

    def _run_operation(self, context: CallContext, account: Account, operation: Operation) -> bytes:
        request, key_id = context.request, context.request.credentials.access_key_id
        profile = PROFILES[request.profile or self.profile or account.scenario.profile]
        key = self.store.keys.by_id.get(key_id)
        if key is not None and key.permissions is not None and operation.ram_action not in key.permissions:
            raise ApiError(errors.FORBIDDEN_RAM, f"{key.location} (permissions without {operation.ram_action})")
        values = bind(operation, profile, request.parameters)
        ip = request.parameters.get(USER_CLIENT_IP.name, "").strip() or request.http.peer
        context.profile = profile.name
        if _survives_fault(context, account, values.get("email")):
            caller = OperationContext(self.store, account, key_id or None, context.request_id, operation.name, ip, request.lang)
            result = HANDLERS[operation.name](caller, **values)
        else:
            result = _NOT_CARRIED_OUT
        context.outcomes = result.outcomes
        layout = profile.layouts[operation.name, context.body_format]
        fields = {**result.fields, "request_id": context.request_id}
        return serialize.success(operation.name, fields, layout, context.body_format)

    def _refuse(self, context: CallContext, error: ApiError) -> bytes:
        """Record the refusal in the context, and return its body."""
        request = context.request
        context.request_id = context.request_id or self.store.ids.request_id()
        if context.authentication is Check.REFUSED and len(request.http.body) <= KEPT_REFUSED_BYTES:
            with self.store.transaction():
                self._refused[context.request_id] = request
                if len(self._refused) > KEPT_REFUSED:
                    self._refused.popitem(last=False)
        if context.authentication is Check.REFUSED and error.definition in _WRONG_SIGNATURES:
            diagnosis = self.diagnose(request)
            error.decided_by += f": {diagnosis.explanation}" if diagnosis is not None else ""
        override = self.store.scenario.codes.get(error.code, CodeOverride())
        context.status, context.code = override.status or error.definition.status or 400, error.code
        context.decided_by = context.explain(error.decided_by)
        context.outcomes = (Outcome("", error.code, context.decided_by),)
        version = VERSIONS.get(request.version, DOMAIN)
        return serialize.error(error, version, context.request_id, request.lang, context.body_format, override.message)


def _operation(request: ApiRequest) -> Operation:
    """Find the operation. That a missing action is reported before the version is looked at was captured on a sibling product."""
    if not request.action:
        if request.is_header_style:
            raise ApiError(errors.MISSING_HEADER, "rule missing x-acs-action", header="x-acs-action")
        raise ApiError(errors.INVALID_ACTION_NOT_FOUND, "rule no-action")
    version = VERSIONS.get(request.version)
    if version is None:
        if request.is_header_style and not request.version:
            raise ApiError(errors.MISSING_HEADER, "rule missing x-acs-version", header="x-acs-version")
        raise ApiError(errors.INVALID_VERSION, f"rule unknown-version (known: {', '.join(VERSIONS)})")
    operation = OPERATIONS.get(request.action)
    if operation is None:
        raise ApiError(errors.INVALID_ACTION_NOT_FOUND, f"rule unknown-action (known: {', '.join(OPERATIONS)})")
    if version.name not in operation.versions:
        raise ApiError(errors.INVALID_ACTION_NOT_FOUND, f"rule {version.name} has no {operation.name}")
    return operation


def _run_stub(context: CallContext, account: Account, stub: Stub) -> bytes:
    """Return the scenario's canned response. A key's permissions are not checked."""
    _survives_fault(context, account, None)
    context.outcomes = (Outcome("", "custom answer", f"{stub.location} {CUSTOM}"),)
    call = template.CallValues(context.request_id, format_time(account.clock.now()), context.request.parameters)
    fields = {name: template.fill(value, call) for name, value in stub.fields.items()}
    return serialize.stub(context.request.action, fields, context.request_id, context.body_format)


def _survives_fault(context: CallContext, account: Account, emails: object) -> bool:
    """Choose the fault that hits the call, and return whether the call is carried out. Raise the fault's `ApiError`."""
    request = context.request
    fault = faults.choose(account, request.action, request.version, request.credentials.access_key_id, emails)
    if fault is None:
        return True
    context.fault, context.fault_hit = fault, fault.hits + account.fault_hits[fault.id]
    if fault.error is not None:
        raise _scripted_error(fault.error, request)
    is_lost = fault.response_fault is not None and fault.response_fault.reset is Reset.BEFORE
    if is_lost and context.authentication is Check.CHECKED:
        forget_nonce(request, account)
    return not is_lost


def _scripted_error(code: str, request: ApiRequest) -> ApiError:
    definition = errors.FAULT_CODES[code]
    if definition is errors.SIGNATURE_DOES_NOT_MATCH_V1 and request.is_v3:
        definition = errors.SIGNATURE_DOES_NOT_MATCH_V3
    # Only some texts contain the string to sign.
    return ApiError(definition, "", **({"string_to_sign": string_to_sign(request)} if "{" in definition.text else {}))


def _summary(outcomes: tuple[Outcome, ...]) -> str:
    """Name what decided a call: for a batch the first outcome, and how many more there were."""
    first, *others = [outcome.decided_by for outcome in outcomes] or [""]
    custom = ", with a custom answer" if any(CUSTOM in other for other in others) else ""
    return f"{first} (and {len(others)} more{custom})" if others else first
