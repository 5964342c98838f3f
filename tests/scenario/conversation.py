"""Golden conversations: what each built-in scenario answers, call by call.

A file of `conversations/` has the name of its scenario and a list of steps. A step has a `request` (a query; the version is added),
perhaps the `secret` to sign it with or a time to `wait` before it, and what comes back: `status`, `decided_by`, `body` with
REQUEST_ID for the request's id, and where there is one the header `retry_after` and what goes wrong with the `delivery`.
`python tests/conversation.py NAME...` writes anew what comes back; read the difference before you keep it.
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
_ASKED = ("wait", "request", "secret")


def held(name: str) -> list[Step]:
    """Holds the conversation of a scenario, with a clock that stands at the start, and gives its steps as they went."""
    steps: list[Step] = yaml.safe_load((FOLDER / f"{name}.yaml").read_text())
    api = make_api(loader.load(name))
    return [_answered(api, number, {key: step[key] for key in _ASKED if key in step}) for number, step in enumerate(steps)]


def kept(name: str) -> list[Step]:
    """Gives the conversation of a scenario as its file has it."""
    steps: list[Step] = yaml.safe_load((FOLDER / f"{name}.yaml").read_text())
    return steps


def _answered(api: Api, number: int, step: Step) -> Step:
    api.time.now += parse_duration(str(step["wait"])) if "wait" in step else 0
    query = f"Version=2018-01-29&{step['request']}"
    if "secret" in step:
        changes: dict[str, str | None] = {"Format": None, **dict(parse_qsl(query)), "SignatureNonce": f"nonce-{number}"}
        query = signed(secret=str(step["secret"]), **changes)
    return {**step, **_shown(api.send(query))}


def _shown(reply: HttpResponse) -> Step:
    headers = dict(reply.headers)
    shown: Step = {"status": reply.status, "decided_by": headers["X-Alimock-Decided-By"]}
    if "x-acs-retry-after" in headers:
        shown["retry_after"] = headers["x-acs-retry-after"]
    if reply.fault is not None:
        harm = {name: value.value if isinstance(value, Enum) else value for name, value in asdict(reply.fault).items()}
        shown["delivery"] = {name: value for name, value in harm.items() if value}
    return {**shown, "body": reply.body.decode().replace(headers["x-acs-request-id"], "REQUEST_ID")}


if __name__ == "__main__":
    for scenario in sys.argv[1:]:
        text = yaml.safe_dump(held(scenario), sort_keys=False, allow_unicode=True, width=10_000)
        (FOLDER / f"{scenario}.yaml").write_text(text)
