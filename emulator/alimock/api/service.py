"""The service: answers requests to the emulated API, each by one command, and follows the links of its mails."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from alimock.api import call_log, serialize
from alimock.api.auth import (
    NO_SIGNATURE,
    Check,
    ReceivedRequest,
    Verdict,
    has_right_signature,
    refusal_before_signature,
    refusal_besides_signature,
    secret_digest,
)
from alimock.api.call import Call
from alimock.api.context import CallContext
from alimock.api.diagnosis import Diagnosis, diagnose
from alimock.api.exchanges import Exchanges
from alimock.api.http import HttpRequest, HttpResponse
from alimock.api.parse import ApiRequest, parse
from alimock.scenario.model import AccessKey, Authentication
from alimock.spec import error_catalog as errors
from alimock.spec.contract import DOMAIN, V1_DIGESTS, VERSIONS
from alimock.spec.errors import ApiError
from alimock.state import system_clock
from alimock.state.commands import FollowedLink, FollowLink
from alimock.state.executor import Executor, Unavailable
from alimock.state.ids import IdGenerators
from alimock.state.log import Outcome
from alimock.state.store import Store

logger = logging.getLogger(__name__)

KEPT_FAILURES = 10


class Service:
    """Answers requests to the emulated API from one store, in memory or as its executor has it.

    `profile` and `authentication` override the scenario's. `log_call` receives each call with its result; if it is None, no
    line is formatted. `exchanges` keeps the requests and responses.
    """

    def __init__(
        self,
        store: Store,
        profile: str | None = None,
        log_call: Callable[[CallContext], None] | None = call_log.to_logger,
        *,
        authentication: Authentication | None = None,
        executor: Executor | None = None,
        exchanges: Exchanges | None = None,
    ) -> None:
        self.store = store
        self.profile = profile
        self.authentication = authentication
        self.log_call = log_call
        self.executor = executor or Executor(store)
        self.exchanges = exchanges or Exchanges()
        # The latest exceptions of alimock's own, for the test that runs the emulator.
        self.failures: deque[BaseException] = deque(maxlen=KEPT_FAILURES)

    def handle(self, http: HttpRequest) -> HttpResponse:
        """Answer a request and log the call."""
        call = self._call(http)
        return self._answer(call, lambda: self.executor.execute(call))

    def attempt(self, requests: Sequence[HttpRequest]) -> list[HttpResponse | Callable[[], HttpResponse]]:
        """Answer requests without blocking, for an event loop; a request that would block gets a function for a thread instead."""
        calls = list(map(self._call, requests))
        attempts = zip(calls, self.executor.attempt(calls), strict=True)
        return [
            partial(self._answer, call, one.finish) if one.is_waiting else self._answer(call, one.finish) for call, one in attempts
        ]

    def _call(self, http: HttpRequest) -> Call:
        started = system_clock.perf_counter()
        request = parse(http)
        received = ReceivedRequest(request, self._verdict(request), _process_time())
        return Call(received, self.profile, self.authentication, tuple(self.executor.mail_receivers), started)

    def _answer(self, call: Call, execute: Callable[[], CallContext]) -> HttpResponse:
        try:
            context = execute()
        except Unavailable as reason:
            return self._unavailable(call.received.request, f"state: {reason}")
        for mail in context.mails:
            for receive in self.executor.mail_receivers.values():
                receive(mail)
        response = self._response(context)
        self.exchanges.add(context.request_id, context.request.http, response)
        if self.log_call is not None:
            self.log_call(context)
        return response

    def follow_link(self, token: str, ip: str) -> FollowedLink:
        """Verify the address that the link of a mail belongs to, as the real link does."""
        link = self.executor.execute(FollowLink(token, ip))
        if link.state is not None:
            logger.info("link followed: %s, token %s", link.email, link.state.value)
        return link

    def diagnose(self, request: ApiRequest, secret: str | None = None) -> Diagnosis | None:
        """Find out what is wrong with the signature of a request, by the given secret or by the key's.

        Return None for an unknown key. Raise `ApiError` for a request that cannot be decoded.
        """
        if request.malformed is not None:
            raise request.malformed
        key_id = request.credentials.access_key_id
        with self.store.transaction():
            keys = self.store.keys.by_id
            refusal = refusal_besides_signature(ReceivedRequest(request), self.store)
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
        """Return a request whose credentials were refused recently."""
        with self.store.transaction():
            found = self.store.refused.get(request_id)
        return found if isinstance(found, ApiRequest) else None

    def _verdict(self, request: ApiRequest) -> Verdict | None:
        """Check a signature, and find out why it is wrong, which may take a second, while other calls go on.

        Return None if its key is unknown, or if it is not checked.
        """
        keys = self.store.keys.by_id
        key = keys.get(request.credentials.access_key_id)
        is_checked = (self.authentication or self.store.scenario.authentication) is not Authentication.NONE
        is_signed = request.is_v3 or (request.credentials.signature and request.credentials.method in V1_DIGESTS)
        if key is None or not is_checked or not is_signed or request.malformed is not None:
            return None
        digest = secret_digest(key.secret)
        if has_right_signature(request, key):
            return Verdict(digest, is_right=True)
        # Without the lock, for which an event loop must not wait: whatever changes meanwhile, the call is refused.
        refusal = refusal_before_signature(ReceivedRequest(request), self.store)
        return Verdict(digest, False, diagnose(request, key, keys).explanation if refusal is None else "")

    def _unavailable(self, request: ApiRequest, reason: str) -> HttpResponse:
        error = ApiError(errors.SERVICE_UNAVAILABLE, reason)
        # A random one, since none can be counted.
        request_id = IdGenerators(None).of("", None).request_id()
        context = CallContext(request, Check.UNCHECKED, request_id, status=503, code=error.code)
        context.outcomes = (Outcome("", error.code, reason),)
        if self.log_call is not None:
            self.log_call(context)
        return _error(context, error)

    def _response(self, context: CallContext) -> HttpResponse:
        try:
            body, failure = context.render(), context.failure
        except Exception as error:
            logger.exception("Internal error in alimock; please report it with this log")
            self.failures.append(error)
            return _error(context, ApiError(errors.INTERNAL_ERROR, "an internal error of alimock; see its log"))
        if failure is not None:
            self.failures.append(failure)
        return serialize.response(context.status, body, context.request_id, context.decided_by, context.body_format, context.fault)


def _process_time() -> float | None:
    """Return the time that the code of a test in this process sees, or None if it is the real time."""
    time = system_clock.replaced_time()
    return time if time is not None and abs(time - system_clock.time()) > 1 else None


def _error(context: CallContext, error: ApiError) -> HttpResponse:
    """Return an error that is not in the call log."""
    request, body_format, status = context.request, context.body_format, error.definition.status or 500
    body = serialize.error(error, VERSIONS.get(request.version, DOMAIN), context.request_id, request.lang, body_format)
    return serialize.response(status, body, context.request_id, error.decided_by, body_format)
