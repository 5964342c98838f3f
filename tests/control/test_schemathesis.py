"""Responses of the control API conform to the OpenAPI document for generated valid and invalid requests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from alimock.api.service import Service
from alimock.app import flask_app
from alimock.backend import Backend
from alimock.control.current import EXTENSION
from alimock.scenario import loader
from alimock.state.store import Store
from conftest import Api, Time
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)
from werkzeug.test import Client

HEADERS = {"Host": "localhost"}
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
# A missing resource or a timeout may be reported before the rest of the request is checked.
ERRORS = [400, 404, 408, 409, 410]
CONFIG = schemathesis.Config.from_dict({"checks": {"negative_data_rejection": {"expected-statuses": ERRORS}}})
# Their timeout is 0 here.
LONG_POLLS = {"/_alimock/outbox/wait", "/_alimock/calls/wait", "/_alimock/changes"}


def application() -> Flask:
    """Return an application with a mail, calls, a fault and a key."""
    time = Time()
    api = Api(Service(Store(loader.load("default"), real_time=time)), time)
    made = flask_app(Backend(api.service))
    client = Client(made)
    api.lists("SubmitEmailVerification", "jo@example.com,illegal@sim.example.com")
    api.code("VerifyEmail", Token="made-up")
    client.put("/_alimock/faults/known", headers=HEADERS, data="{delay: 1s, when: {nth: 9}}")
    client.put("/_alimock/access-keys/known", headers=HEADERS, data="{secret: s}")
    return made


APPLICATION = application()
SCHEMA = schemathesis.openapi.from_wsgi("/_alimock/openapi.json", APPLICATION, config=CONFIG, headers=HEADERS)
OPERATIONS = {found.ok().label: found.ok() for found in SCHEMA.get_all_operations() if isinstance(found, Ok)}
# An operation without query and body has no invalid input.
BOTH = [(label, mode) for label, one in OPERATIONS.items() for mode in GenerationMode if mode.is_positive or one.query or one.body]
# Existing ids, and ids that could exist.
(MAIL,) = APPLICATION.extensions[EXTENSION].service.store.outbox.entries()
CALLS = [call.id for call in APPLICATION.extensions[EXTENSION].service.store.calls.entries()]
IDS = {"id": [MAIL.id, *CALLS, "known", "testid"], "email": ["jo@example.com", "*@sim.example.com", "new@example.com"]}
pytestmark = pytest.mark.slow
SHORT = settings(max_examples=8, derandomize=True, database=None, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize(("label", "mode"), BOTH, ids=[f"{label} {mode.value}" for label, mode in BOTH])
def test_responses_conform_to_the_document(label: str, mode: GenerationMode) -> None:
    check(label, mode, SHORT)


def check(label: str, mode: GenerationMode, how: Callable[[Any], Any]) -> None:
    """Send generated requests to an operation; `how` decorates the test."""

    @how
    @given(case=OPERATIONS[label].as_strategy(generation_mode=mode), data=st.data())
    def check_response(case: schemathesis.Case[Any], data: st.DataObject) -> None:
        for parameter in case.path_parameters:
            if data.draw(st.booleans()):
                case.path_parameters[parameter] = data.draw(st.sampled_from(IDS[parameter]))
        if case.path in LONG_POLLS and isinstance(case.query, dict):
            name = "quiet" if "quiet" in case.query else "timeout"
            case.query[name] = short(case.query.get(name, 10))
        case.call_and_validate(headers=HEADERS, checks=CHECKS)
        assert not APPLICATION.extensions[EXTENSION].service.failures

    check_response()


def short(timeout: object) -> object:
    """Return 0 for a valid timeout; an invalid one stays."""
    try:
        return min(float(str(timeout)), 0)
    except ValueError:
        return timeout
