"""Templates in stubs: values of the call in canned responses."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest
from alimock.scenario import export, loader
from alimock.scenario.diagnostics import ScenarioError
from conftest import make_api, scenario
from lxml import etree

HEAD = "stubs:\n  SaveTask:\n    Field: "


def answer(text: str, **parameters: str) -> str:
    """Return the field of a stub with this text, from JSON; the field in XML is checked to be equal."""
    api = make_api(scenario(f"clock: 2024-05-01 09:30:00\nseed: x\n{HEAD}{json.dumps(text)}"))
    body = api.json("SaveTask", **parameters)
    assert list(body) == ["RequestId", "Field"]
    query = urlencode({"Action": "SaveTask", "Version": "2018-01-29", **parameters})
    api.store.reset()
    in_xml = etree.fromstring(api.send(query).body).findtext("Field")
    assert in_xml == str(body["Field"]).replace("\0", "\ufffd").replace(body["RequestId"], in_xml or "")  # type: ignore[arg-type]
    return str(body["Field"])


@pytest.mark.parametrize(
    ("text", "parameters", "expected"),
    [
        ("{{ now }}", {}, "2024-05-01 09:30:00"),
        ("{{now}}", {}, "2024-05-01 09:30:00"),
        ("at {{  now\n }}, {{ now }}", {}, "at 2024-05-01 09:30:00, 2024-05-01 09:30:00"),
        ("{{ parameters.Email }}", {"Email": "jo@example.com"}, "jo@example.com"),
        ("{{ parameters.DomainName.1 }}", {"DomainName.1": "a.example.com"}, "a.example.com"),
        ("<{{ parameters.Email }}>", {}, "<>"),
        ("{{ parameters.email }}", {"Email": "jo@example.com"}, ""),
        ("{{ parameters.Action }}", {}, "SaveTask"),
        ("{{ parameters.A }}", {"A": "{{ now }}"}, "{{ now }}"),
        ("{{ parameters.A }}{{ parameters.B }}", {"A": "{{ no", "B": "w }}"}, "{{ now }}"),
        ("{{ parameters.A }}", {"A": '<b>&"\\</b>]]>'}, '<b>&"\\</b>]]>'),
        ("{{ parameters.A }}", {"A": "a\0b"}, "a\0b"),
        ("{{ parameters.A }}", {"A": "\\1\\g<0>李"}, "\\1\\g<0>李"),
        ('{{ "{{" }} now }}', {}, "{{ now }}"),
        ("{{ '{{' }} now }}", {}, "{{ now }}"),
        ("{{{ parameters.A }}}", {"A": "x"}, "{x}"),
        ("{ {} } }} % {% x %} ${X}", {}, "{ {} } }} % {% x %} ${X}"),
    ],
)  # fmt: skip
def test_template_is_replaced_by_text(text: str, parameters: dict[str, str], expected: str) -> None:
    assert answer(text, **parameters) == expected


def test_request_id_is_that_of_the_response() -> None:
    api = make_api(scenario('stubs: {SaveTask: {RequestId: "{{ request_id }}", List: [{Id: "task-{{ request_id }}"}, 1, null]}}'))
    response = api.call("SaveTask", Format="JSON")
    request_id = dict(response.headers)["x-acs-request-id"]
    assert json.loads(response.body) == {"RequestId": request_id, "List": [{"Id": f"task-{request_id}"}, 1, None]}


def test_template_is_always_text() -> None:
    api = make_api(scenario('stubs: {SaveTask: {Plain: 7, Filled: "{{ parameters.N }}"}}'))
    body = api.json("SaveTask", N="7")
    assert (body["Plain"], body["Filled"]) == (7, "7")


def test_export_keeps_templates() -> None:
    loaded = scenario(HEAD + "\"{{ now }} {{ '{{' }}\"")
    again = loader.load_text(export.to_yaml(export.document(loaded, secrets=True)).encode(), file="again.yaml")
    assert again.stubs["SaveTask"].fields == loaded.stubs["SaveTask"].fields == {"Field": "{{ now }} {{ '{{' }}"}


@pytest.mark.parametrize(
    ("text", "found", "expected"),
    [
        ("{{ request_idd }}", "`{{ request_idd }}`", "`request_id`"),
        ("{{ RequestId }}", "`{{ RequestId }}`", "`request_id`"),
        ("{{ time }}", "`{{ time }}`", "one of request_id, now, parameters.NAME"),
        ("{{ parameter.Email }}", "`{{ parameter.Email }}`", "`parameters.Email`"),
        ("{{ Parameters.Email }}", "`{{ Parameters.Email }}`", "`parameters.Email`"),
        ("{{ parameters }}", "`{{ parameters }}`", "`parameters.NAME`"),
        ("{{ parameters. }}", "`{{ parameters. }}`", "`parameters.NAME`"),
        ("{{ parameters.a b }}", "`{{ parameters.a b }}`", "`parameters.NAME`"),
        ("{{ now | upper }}", "`{{ now | upper }}`", "one of request_id, now, parameters.NAME"),
        ("{{ request_id.__class__ }}", "`{{ request_id.__class__ }}`", "one of request_id, now, parameters.NAME"),
        ("{{ 1 + 1 }}", "`{{ 1 + 1 }}`", "one of request_id, now, parameters.NAME"),
        ("{{}}", "`{{}}`", "one of request_id, now, parameters.NAME"),
        ("a {{ now", "`{{ now` without `}}`", '`{{ NAME }}`, or `{{ "{{" }}` for the braces themselves'),
        ("{{ now }} {{", "`{{` without `}}`", '`{{ NAME }}`, or `{{ "{{" }}` for the braces themselves'),
    ],
)  # fmt: skip
def test_invalid_template_is_reported_at_load_time(text: str, found: str, expected: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        scenario(f"stubs:\n  SaveTask:\n    List: [x, {{Field: {json.dumps(text)}}}]")
    assert str(caught.value) == f"case.yaml:4:23: stubs.SaveTask.List[1].Field: found {found}, expected {expected}"


def test_every_invalid_template_of_a_text_is_reported() -> None:
    with pytest.raises(ScenarioError) as caught:
        scenario(HEAD + '"{{ a }} {{ now }} {{ b }} {{ c"')
    assert len(caught.value.mistakes) == 3


def test_template_without_quotes_is_reported_with_the_remedy() -> None:
    with pytest.raises(ScenarioError) as caught:
        scenario(HEAD + "{{ now }}")
    expected = "found a mapping as a key, expected a plain text (put quotes around {{ ... }})"
    assert str(caught.value) == f"case.yaml:4:13: stubs.SaveTask.Field: {expected}"
