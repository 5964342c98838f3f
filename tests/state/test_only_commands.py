"""Nothing but a command changes the state: by what the code says, and by what requests do."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import alimock
import pytest
from alimock.api.service import Service
from alimock.app import flask_app
from alimock.backend import Backend
from alimock.persistence.recording import Recorder, Replay
from alimock.persistence.snapshot import Snapshot
from alimock.state.store import Store
from conftest import Api, Time, scenario
from werkzeug.test import Client

PACKAGE = Path(alimock.__file__).parent
# What applies commands. Everything else reads the store.
CHANGING = ("state", "persistence", "api/call.py", "api/call_log.py", "api/operations.py", "api/auth.py", "api/faults.py")
READS = {
    *(
        "account_for_view",
        "account_name",
        "accounts_for_view",
        "real_time",
        "refused.get",
        "scenario_of",
        "token_state",
        "transaction",
    ),
    *(
        "lock.acquire",
        "lock.release",
        "system_time",
        "events.evicted_through",
        "keys.by_id.keys",
        "keys.by_id.values",
        "keys.first_key_id",
    ),
    *("outbox.after", "outbox.deliveries.get", "outbox.entries", "outbox.evicted", "outbox.get", "outbox.newest_first"),
    *("outbox.sizes.get", "outbox.tags.get", "calls.entries", "calls.entry", "calls.evicted", "start.faults_by_id.values"),
    *("waiters.add", "waiters.close", "waiters.remove", "waiters.subscribers.append", "waiters.subscribers.remove"),
}
# A cache, and the recorder of commands.
ASSIGNED = {"outbox.sizes", "recorder"}


def store_path(node: ast.expr) -> str | None:
    """Return the attributes of a store that an expression names, such as `outbox.get`, or None for another expression."""
    names: list[str] = []
    while isinstance(node, ast.Attribute | ast.Subscript):
        if isinstance(node, ast.Attribute):
            if node.attr in ("store", "_store"):
                return ".".join(reversed(names))
            names.append(node.attr)
        node = node.value
    is_store = isinstance(node, ast.Name) and node.id == "store"
    is_call = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "store"
    return ".".join(reversed(names)) if is_store or is_call else None


def changes(tree: ast.AST) -> Iterator[str]:
    """Yield what a module calls or assigns in a store that is not known to be a read."""
    for node in ast.walk(tree):
        targets: list[ast.expr] = []
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            path = store_path(node.func)
            if path and path not in READS:
                yield f"{path}()"
        elif isinstance(node, ast.Assign | ast.Delete):
            targets = node.targets
        elif isinstance(node, ast.AugAssign | ast.AnnAssign):
            targets = [node.target]
        for target in targets:
            path = store_path(target)
            if path and path not in ASSIGNED:
                yield f"{path} ="


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("store().reset()", ["reset()"]),
        ("self._store.outbox.read.add(1)", ["outbox.read.add()"]),
        ("self.service.store.cursor += 1", ["cursor ="]),
        ("store.outbox.tags[1] = 2", ["outbox.tags ="]),
        ("del store().accounts[1]", ["accounts ="]),
        ("store().outbox.get(1)", []),
    ],
)
def test_change_of_a_store_is_found(code: str, found: list[str]) -> None:
    assert list(changes(ast.parse(code))) == found


def test_only_commands_change_a_store() -> None:
    modules = {path.relative_to(PACKAGE).as_posix(): path for path in PACKAGE.rglob("*.py")}
    others = {name: path for name, path in modules.items() if not name.startswith(CHANGING)}
    assert len(others) > 80
    found = {name: list(changes(ast.parse(path.read_text()))) for name, path in others.items()}
    assert {name: lines for name, lines in found.items() if lines} == {}


SHOP = """
accounts: {shop: {access_keys: [{id: shop, secret: s}]}}
addresses: {jo@example.com: pending, "*@late.example.com": expired}
faults: [{when: {action: VerifyEmail}, error: Throttling.User}]
"""


def used_api() -> Api:
    """Return an emulator without a seed, two of whose accounts have been used."""
    time = Time()
    api = Api(Service(Store(scenario(SHOP), real_time=time)), time)
    for key in (None, "other"):
        api.key = key
        api.lists("SubmitEmailVerification", "a@example.com,b@example.com")
    return api


def get_routes() -> list[str]:
    rules = flask_app(Backend(used_api().service)).url_map.iter_rules()
    return sorted(rule.rule for rule in rules if "GET" in (rule.methods or ()))


# Reading a mail in Mailpit's API marks it as read, and following a link verifies.
CHANGING_READS = ("/api/v1/message/<mail_id>", "/_alimock/accounts/<access_key_id>/api/v1/message/<mail_id>", "/verify")


@pytest.mark.parametrize("path", [path for path in get_routes() if path not in CHANGING_READS])
@pytest.mark.parametrize("key", ["shop", "other", "unknown"])
def test_view_changes_nothing(path: str, key: str) -> None:
    api = used_api()
    mail, call = api.store.outbox.entries()[0].id, api.store.calls.entries()[0].id
    values = {
        "<access_key_id>": key,
        "<mail_id>": mail,
        "<call_id>": call,
        "<part_id>": "1",
        "<name>": "main.js",
        "<address:email>": "jo@example.com",
    }
    for name, value in values.items():
        path = path.replace(name, value)
    before = Snapshot(api.store).digest()
    for arguments in (
        "",
        f"access_key_id={key}",
        "timeout=0",
        "query=a",
        f"access_key_id={key}&email=jo@example.com",
        "state=current",
    ):
        Client(flask_app(Backend(api.service))).get(f"{path}?{arguments}", headers={"Host": "localhost"})
    assert Snapshot(api.store).digest() == before


CHANGES: list[tuple[str, str, Any]] = [
    ("PUT", "/_alimock/addresses/new@example.com", "verified"),
    ("PUT", "/_alimock/addresses/new@example.com?access_key_id=unused", "verified"),
    ("DELETE", "/_alimock/addresses/jo@example.com", None),
    ("DELETE", "/_alimock/addresses/nobody@example.com", None),
    ("PUT", "/_alimock/faults/new", "{error: Throttling.User}"),
    ("POST", "/_alimock/faults/1/disable", None),
    ("DELETE", "/_alimock/faults/1", None),
    ("PUT", "/_alimock/access-keys/new", "{secret: x}"),
    ("PUT", "/_alimock/access-keys/new?account=shop", "{secret: x}"),
    ("DELETE", "/_alimock/access-keys/new", None),
    ("PUT", "/_alimock/clock", '{"frozen": true}'),
    ("POST", "/_alimock/clock/advance", '{"by": "3d"}'),
    ("PUT", "/_alimock/scenario", "alimock: 1"),
    ("PUT", "/_alimock/scenario?over=true&access_key_id=other", "alimock: 1"),
    ("POST", "/_alimock/reset", None),
    ("POST", "/_alimock/reset?access_key_id=other&unload=true", None),
    ("DELETE", "/_alimock/outbox?to=a@example.com", None),
    ("PUT", "/_alimock/outbox/MAIL", '{"read": true}'),
    ("DELETE", "/_alimock/outbox/MAIL", None),
    ("PUT", "/api/v1/messages", '{"read": true}'),
    ("DELETE", "/api/v1/messages", None),
    ("DELETE", "/api/v1/search?query=a", None),
    ("PUT", "/api/v1/tags", '{"tags": ["a"], "ids": ["MAIL"]}'),
    ("GET", "/api/v1/message/MAIL", None),
    ("GET", "/verify?token=TOKEN", None),
    ("GET", "/?Action=ResendEmailVerification&Version=2018-01-29&Email=jo@example.com", None),
    ("GET", "/?Action=Nothing", None),
    ("GET", "/nowhere?Action=ListEmailVerification&Version=2018-01-29", None),
]


@pytest.mark.parametrize(("method", "path", "body"), CHANGES)
def test_change_of_a_request_is_repeated_by_its_commands(method: str, path: str, body: str | None, tmp_path: Path) -> None:
    api, file = used_api(), tmp_path / "commands.jsonl"
    recorder = api.store.recorder = Recorder(api.store, file)
    mail = api.store.outbox.entries()[0]
    client = Client(flask_app(Backend(api.service)))
    for _ in range(2):
        path, text = (one and one.replace("MAIL", mail.id).replace("TOKEN", mail.token) for one in (path, body))  # type: ignore[assignment]
        client.open(path, method=method, data=text, headers={"Host": "localhost"})
    recorder.close()
    assert [json.loads(line).get("command") for line in file.read_text().splitlines()][1:] != []
    replay = Replay(file)
    assert list(replay.differences()) == []
    assert Snapshot(replay.store).digest() == Snapshot(api.store).digest()
