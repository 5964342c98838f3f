"""A call: the command that takes a request through the gateway's checks and the operation. The order of all checks is here."""

from __future__ import annotations

import logging
import re
from functools import partial
from typing import NamedTuple

from alimock.api import call_log, faults, serialize
from alimock.api.auth import Check, ReceivedRequest, authenticate, forget_nonce, string_to_sign
from alimock.api.context import CallContext
from alimock.api.operations import CUSTOM, HANDLERS, OperationContext, OperationResult
from alimock.api.parse import ApiRequest, bind
from alimock.scenario import template
from alimock.scenario.model import Authentication, CodeOverride, Reset, Stub
from alimock.spec import error_catalog as errors
from alimock.spec.contract import DOMAIN, OPERATIONS, USER_CLIENT_IP, VERSIONS, Operation
from alimock.spec.errors import ApiError
from alimock.spec.profiles import PROFILES
from alimock.spec.times import format_time
from alimock.state import system_clock
from alimock.state.account import Account
from alimock.state.log import Outcome
from alimock.state.store import Store

logger = logging.getLogger(__name__)

KEPT_REFUSED = 100
KEPT_REFUSED_BYTES = 64 * 1024
_NOT_CARRIED_OUT = OperationResult({}, (Outcome("", "not carried out", ""),))


class Call(NamedTuple):
    """A call of the emulated API.

    `profile` and `authentication` override those of the scenario. `targets` are those that its mails are delivered to. `started` is
    when the request arrived, by the clock that only measures; it is 0 for a call that another process answers.
    """

    received: ReceivedRequest
    profile: str | None = None
    authentication: Authentication | None = None
    targets: tuple[str, ...] = ()
    started: float = 0.0

    def apply(self, store: Store) -> CallContext:
        """Carry out the call and log it; return its context, from which the response is rendered."""
        request = self.received.request
        context = CallContext(request, Check.UNCHECKED if request.credentials.signature else Check.UNSIGNED)
        try:
            self._carry_out(context, store)
        except ApiError as error:
            _refuse(context, error, store)
        except Exception as error:
            logger.exception("Internal error in alimock; please report it with this log")
            context.failure = error
            _refuse(context, ApiError(errors.INTERNAL_ERROR, "an internal error of alimock; see its log"), store)
        context.seconds = system_clock.perf_counter() - self.started if self.started else 0.0
        call_log.add(store, context)
        return context

    def _carry_out(self, context: CallContext, store: Store) -> None:
        """Run the checks in the gateway's order and then the operation.

        Each check raises the `ApiError` of its refusal.
        """
        request = context.request
        if request.http.path != "/":
            # Parameters in the path may include the signature.
            path = re.sub("(?s)[^A-Za-z0-9_./-].*", "...", request.http.path[:100])
            raise ApiError(errors.INVALID_ACTION_NOT_FOUND, f"rule path (found {path!a}, expected '/')")
        if request.malformed is not None:
            raise request.malformed
        target = _stub(request, store) or _operation(request)
        if request.http.method not in ("GET", "POST"):
            raise ApiError(errors.UNSUPPORTED_HTTP_METHOD, "rule http-method (GET and POST are supported)")
        if request.format is None:
            raise ApiError(errors.INVALID_PARAMETER_FORMAT, "rule format (XML and JSON are known)")
        context.authentication = Check.REFUSED
        context.authentication = authenticate(self.received, self.authentication or store.scenario.authentication, store)
        account = store.account(request.credentials.access_key_id or None)
        context.request_id = account.ids.request_id()
        if isinstance(target, Stub):
            _run_stub(context, account, target)
        else:
            self._run_operation(context, account, target, store)
        context.decided_by = context.explain(_summary(context.outcomes))

    def _run_operation(self, context: CallContext, account: Account, operation: Operation, store: Store) -> None:
        request, key_id = context.request, context.request.credentials.access_key_id
        profile = PROFILES[request.profile or self.profile or account.scenario.profile]
        key = store.keys.by_id.get(key_id)
        if key is not None and key.permissions is not None and operation.ram_action not in key.permissions:
            raise ApiError(errors.FORBIDDEN_RAM, f"{key.location} (permissions without {operation.ram_action})")
        values = bind(operation, profile, request.parameters)
        ip = request.parameters.get(USER_CLIENT_IP.name, "").strip() or request.http.peer
        context.profile = profile.name
        if _survives_fault(context, account, values.get("email")):
            caller = OperationContext(
                store,
                account,
                key_id or None,
                context.request_id,
                operation.name,
                ip,
                request.lang,
                self.targets,
                context.mails,
            )
            result = HANDLERS[operation.name](caller, **values)
        else:
            result = _NOT_CARRIED_OUT
        context.outcomes = result.outcomes
        layout = profile.layouts[operation.name, context.body_format]
        fields = {**result.fields, "request_id": context.request_id}
        context.render = partial(serialize.success, operation.name, fields, layout, context.body_format)


def _refuse(context: CallContext, error: ApiError, store: Store) -> None:
    """Record the refusal in the context."""
    request = context.request
    context.request_id = context.request_id or store.ids.request_id()
    if context.authentication is Check.REFUSED and len(request.http.body) <= KEPT_REFUSED_BYTES:
        store.refused[context.request_id] = request
        if len(store.refused) > KEPT_REFUSED:
            store.refused.popitem(last=False)
    override = store.scenario.codes.get(error.code, CodeOverride())
    context.status, context.code = override.status or error.definition.status or 400, error.code
    context.decided_by = context.explain(error.decided_by)
    context.outcomes = (Outcome("", error.code, context.decided_by),)
    version = VERSIONS.get(request.version, DOMAIN)
    context.render = partial(
        serialize.error, error, version, context.request_id, request.lang, context.body_format, override.message
    )


def _stub(request: ApiRequest, store: Store) -> Stub | None:
    """Return the canned response of an operation that is not emulated. Such a call may name any version, but not none."""
    if not request.version or request.action in OPERATIONS:
        return None
    return store.scenario_of(request.credentials.access_key_id).stubs.get(request.action)


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


def _run_stub(context: CallContext, account: Account, stub: Stub) -> None:
    """Give the scenario's canned response. A key's permissions are not checked."""
    _survives_fault(context, account, None)
    context.outcomes = (Outcome("", "custom answer", f"{stub.location} {CUSTOM}"),)
    call = template.CallValues(context.request_id, format_time(account.clock.now()), context.request.parameters)
    fields = {name: template.fill(value, call) for name, value in stub.fields.items()}
    context.render = partial(serialize.stub, context.request.action, fields, context.request_id, context.body_format)


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
