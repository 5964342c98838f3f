"""The OpenAPI document describes every route and nothing else, and responses conform to it."""

from __future__ import annotations

import json
import re

import pytest
from alimock.api.endpoint import HEALTH_CHECKS
from alimock.app import CONTROL_API, flask_app
from alimock.backend import Backend
from alimock.spec.profiles import PROFILES
from conftest import Api
from flask import Flask
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from werkzeug.test import Client

HEADERS = {"Host": "localhost"}


@pytest.fixture
def application(empty: Api) -> Flask:
    empty.lists("SubmitEmailVerification", "jo@example.com")
    return flask_app(Backend(empty.service))


@pytest.fixture
def document(application: Flask) -> dict[str, object]:
    loaded: dict[str, object] = json.loads(Client(application).get("/_alimock/openapi.json", headers=HEADERS).data)
    return loaded


def test_document_is_valid(document: dict[str, object]) -> None:
    validate(document)  # type: ignore[arg-type]


def test_documented_routes_are_those_of_the_application(application: Flask, document: dict[str, object]) -> None:
    resources = {resource.blueprint.name for resource in CONTROL_API}
    routes = {
        (method.lower(), re.sub(r"<(?:address:|path:)?(?:\w+_)?(\w+)>", r"{\1}", rule.rule))
        for rule in application.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.endpoint.partition(".")[0] in resources
    }
    paths = document["paths"]
    assert isinstance(paths, dict)
    routes |= {("get", path) for path in HEALTH_CHECKS}
    assert routes == {(method, path) for path, item in paths.items() for method in item if method != "parameters"}


def test_profiles_are_those_of_the_contract(document: dict[str, object]) -> None:
    assert f'"enum": {json.dumps(list(PROFILES))}' in json.dumps(document)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("get", "/_alimock/info", None),
        ("get", "/_alimock/fidelity", None),
        ("get", "/_alimock/scenario.schema.json", None),
        ("get", "/_alimock/outbox", None),
        ("get", "/_alimock/outbox/{id}", None),
        ("put", "/_alimock/outbox/{id}", {"read": True}),
        ("post", "/_alimock/outbox/{id}/expire", None),
        ("delete", "/_alimock/outbox/{id}", None),
        ("get", "/_alimock/outbox/wait", None),
        ("get", "/_alimock/access-keys", None),
        ("put", "/_alimock/access-keys/new", {"secret": "s"}),
        ("delete", "/_alimock/access-keys/known", None),
        ("get", "/_alimock/calls", None),
        ("get", "/_alimock/calls/count", None),
        ("get", "/_alimock/calls/wait", None),
        ("get", "/_alimock/calls/{call}", None),
        ("get", "/_alimock/accounts", None),
        ("get", "/_alimock/changes", None),
        ("get", "/_alimock/addresses", None),
        ("get", "/_alimock/addresses?patterns=true", None),
        ("put", "/_alimock/addresses/a@example.com", "pending"),
        ("put", "/_alimock/addresses/a@example.com", {"outcome": "quota-exceeded", "then": "success"}),
        ("delete", "/_alimock/addresses/jo@example.com", None),
        ("put", "/_alimock/faults/slow", {"delay": "1s"}),
        ("get", "/_alimock/faults", None),
        ("delete", "/_alimock/faults/known", None),
        ("get", "/_alimock/clock", None),
        ("put", "/_alimock/clock", {"frozen": True}),
        ("post", "/_alimock/clock/advance", {"by": "3d"}),
        ("get", "/_alimock/scenarios", None),
        ("get", "/_alimock/scenario", None),
        ("put", "/_alimock/scenario", {"alimock": 1}),
        ("get", "/_alimock/scenario/files", None),
        ("post", "/_alimock/scenario/check", {"alimock": 1}),
        ("post", "/_alimock/scenario/check", {"alimock": 2}),
        ("post", "/_alimock/reset", None),
        ("post", "/_alimock/explain-signature", {"method": "GET", "url": "/?AccessKeyId=k&Signature=x", "secret": "s"}),
        ("delete", "/_alimock/outbox", None),
    ],
)
@pytest.mark.parametrize("invalid", [False, True])
def test_response_conforms_to_the_document(
    application: Flask, document: dict[str, object], method: str, path: str, body: object, invalid: bool
) -> None:
    client = Client(application)
    (message,) = json.loads(client.get("/_alimock/outbox", headers=HEADERS).data)["messages"]
    client.put("/_alimock/faults/known", headers=HEADERS, data="{delay: 1s, when: {nth: 9}}")
    client.put("/_alimock/access-keys/known", headers=HEADERS, data="{secret: s}")
    (call,) = json.loads(client.get("/_alimock/calls", headers=HEADERS).data)["calls"]
    url = path.replace("{id}", "none" if invalid else message["id"]).replace("{call}", "none" if invalid else call["id"])
    url += f"{'&' if '?' in url else '?'}nonsense=1" if invalid and "{" not in path else ""
    content = json.dumps(body) if body is not None else None
    response = client.open(url, method=method.upper(), headers=HEADERS, data=content, content_type="application/json")
    assert (response.status_code == 200) != invalid
    template = (
        re.sub(
            r"/(addresses|faults|access-keys)/[^/?]*",
            lambda found: f"/{found[1]}/{{{'email' if found[1] == 'addresses' else 'id'}}}",
            path,
        )
        .replace("{call}", "{id}")
        .partition("?")[0]
    )
    responses = document["paths"][template][method]["responses"]  # type: ignore[index]
    described = responses["default" if invalid else "200"]
    if "$ref" in described:
        described = document["components"]["responses"][described["$ref"].rpartition("/")[2]]  # type: ignore[index]
    schema = {**described["content"]["application/json"]["schema"], "components": document["components"]}
    Draft202012Validator(schema).validate(json.loads(response.data))
