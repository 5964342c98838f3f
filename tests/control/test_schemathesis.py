"""What the OpenAPI document allows and what it does not, sent to every operation of the control API: the answers are as it says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from alimock.api.service import Service
from alimock.scenario import loader
from alimock.security import HostPolicy
from alimock.server.dispatch import Application
from alimock.state.store import Store
from conftest import Api, Time
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
# What is asked for may be gone or not come, which is found out before all of the request is read.
REFUSALS = [400, 404, 408, 409, 410]
CONFIG = schemathesis.Config.from_dict({"checks": {"negative_data_rejection": {"expected-statuses": REFUSALS}}})
# None of them waits.
WAITING = {"/_alimock/outbox/wait", "/_alimock/calls/wait", "/_alimock/changes"}


def application() -> Application:
    """Makes an emulator to which a few things happened."""
    time = Time()
    api = Api(Service(Store(loader.load("default"), real_time=time)), time)
    made = Application(api.service, HostPolicy())
    client = Client(made)
    api.lists("SubmitEmailVerification", "jo@example.com,illegal@sim.example.com")
    api.code("VerifyEmail", Token="made-up")
    client.put("/_alimock/faults/known", headers=HEADERS, data="{delay: 1s, when: {nth: 9}}")
    client.put("/_alimock/access-keys/known", headers=HEADERS, data="{secret: s}")
    return made


APPLICATION = application()
SCHEMA = schemathesis.openapi.from_wsgi("/_alimock/openapi.json", APPLICATION, config=CONFIG, headers=HEADERS)
OPERATIONS = {found.ok().label: found.ok() for found in SCHEMA.get_all_operations() if isinstance(found, Ok)}
# What takes any text, and nothing else, can be sent nothing that is invalid.
BOTH = [(label, mode) for label, one in OPERATIONS.items() for mode in GenerationMode if mode.is_positive or one.query or one.body]
# What is there to be found, and what could be.
(MAIL,) = APPLICATION.service.store.outbox.entries()
IDS = {"id": [MAIL.id, "known", "testid"], "email": ["jo@example.com", "*@sim.example.com", "new@example.com"]}
pytestmark = pytest.mark.slow
SHORT = settings(max_examples=8, derandomize=True, database=None, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize(("label", "mode"), BOTH, ids=[f"{label} {mode.value}" for label, mode in BOTH])
def test_an_answer_is_as_the_document_says_whatever_is_sent(label: str, mode: GenerationMode) -> None:
    check(label, mode, SHORT)


def check(label: str, mode: GenerationMode, how: Callable[[Any], Any]) -> None:
    """Sends input to an operation and looks at the answers; `how` decorates the test."""

    @how
    @given(case=OPERATIONS[label].as_strategy(generation_mode=mode), data=st.data())
    def answers(case: schemathesis.Case[Any], data: st.DataObject) -> None:
        for parameter in case.path_parameters:
            if data.draw(st.booleans()):
                case.path_parameters[parameter] = data.draw(st.sampled_from(IDS[parameter]))
        if case.path in WAITING and isinstance(case.query, dict):
            case.query["timeout"] = impatient(case.query.get("timeout", 10))
        case.call_and_validate(headers=HEADERS, checks=CHECKS)
        assert not APPLICATION.service.mistakes

    answers()


def impatient(timeout: object) -> object:
    """Gives a time to wait in which nobody waits; what is none stays as it is."""
    try:
        return min(float(str(timeout)), 0)
    except ValueError:
        return timeout
