"""Golden conversations: the responses of each built-in scenario, call by call.

A file of `conversations/` is named after its scenario and has a list of steps. A step has a `request` (a query without version), and
optionally a `secret` to sign it with or a time to `wait` before it. The rest is the response: `status`, `decided_by`, `body` with
REQUEST_ID for the request's id, the header `retry_after`, and the response fault as `delivery`.
`PYTHONPATH=tests python tests/scenario/conversation.py NAME...` rewrites the responses; review the diff before you commit it.
"""

from __future__ import annotations

import sys
from dataclasses import asdict
from enum import Enum
from pathlib import Path
from urllib.parse import parse_qsl

import yaml
from alimock.api.http import HttpResponse
from alimock.scenario import loader
from alimock.spec.times import parse_duration
from conftest import Api, make_api, signed

FOLDER = Path(__file__).parent.parent / "conversations"
Step = dict[str, object]
_INPUTS = ("wait", "request", "secret")


def played(name: str) -> list[Step]:
    """Play the conversation of a scenario with a frozen clock, and return its steps."""
    api = make_api(loader.load(name))
    return [_play(api, number, {key: step[key] for key in _INPUTS if key in step}) for number, step in enumerate(recorded(name))]


def recorded(name: str) -> list[Step]:
    """Return the conversation in the file of a scenario."""
    steps: list[Step] = yaml.safe_load((FOLDER / f"{name}.yaml").read_text())
    return steps


def _play(api: Api, number: int, step: Step) -> Step:
    api.time.now += parse_duration(str(step["wait"])) if "wait" in step else 0
    query = f"Version=2018-01-29&{step['request']}"
    if "secret" in step:
        changes: dict[str, str | None] = {"Format": None, **dict(parse_qsl(query)), "SignatureNonce": f"nonce-{number}"}
        query = signed(secret=str(step["secret"]), **changes)
    return {**step, **_response(api.send(query))}


def _response(reply: HttpResponse) -> Step:
    headers = dict(reply.headers)
    response: Step = {"status": reply.status, "decided_by": headers["X-Alimock-Decided-By"]}
    if "x-acs-retry-after" in headers:
        response["retry_after"] = headers["x-acs-retry-after"]
    if reply.fault is not None:
        fault = {name: value.value if isinstance(value, Enum) else value for name, value in asdict(reply.fault).items()}
        response["delivery"] = {name: value for name, value in fault.items() if value}
    return {**response, "body": reply.body.decode().replace(headers["x-acs-request-id"], "REQUEST_ID")}


if __name__ == "__main__":
    for scenario in sys.argv[1:]:
        text = yaml.safe_dump(played(scenario), sort_keys=False, allow_unicode=True, width=10_000)
        (FOLDER / f"{scenario}.yaml").write_text(text)
