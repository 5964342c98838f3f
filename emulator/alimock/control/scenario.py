"""The scenario: read the loaded one or the current state, load another, and reset."""

from __future__ import annotations

from dataclasses import asdict, replace

from flask import Blueprint, Response

from alimock import package_data
from alimock.control import arguments
from alimock.control.current import execute, store, transaction
from alimock.control.errors import ControlError
from alimock.scenario import export, loader, sources
from alimock.scenario.diagnostics import ScenarioError
from alimock.scenario.masking import without_secrets
from alimock.scenario.model import Scenario
from alimock.scenario.sources import Bundle
from alimock.state.commands import LoadScenario, ResetAccounts
from alimock.state.snapshot import snapshot

blueprint = Blueprint("scenario", __name__)

STATES = ("loaded", "current")
# Fields that apply to the whole emulator and not to single accounts.
_GLOBAL_FIELDS = ("authentication", "unknown_keys", "codes")


@blueprint.get("/scenarios")
def list_scenarios() -> dict[str, object]:
    """List the built-in scenarios with the texts of their files."""
    arguments.query()
    return {"scenarios": list(map(_built_in, sources.built_in_names()))}


@blueprint.get("/scenario")
def get_scenario() -> dict[str, object]:
    """Return the scenario in full, in a form that can be loaded; `state=current` returns the account as it is now.

    Without a key that is the account `default`. With `secrets=true` the secrets are included.
    """
    given = arguments.query("access_key_id", "state", "secrets")
    state, secrets = given.get("state", STATES[0]), arguments.flag(given, "secrets")
    if state not in STATES:
        raise ControlError(400, f"`state`: found {state[:60]!a}", f"Expected one of: {', '.join(STATES)}.")
    show = _loaded if state == "loaded" else _current
    return export.document(show(given.get("access_key_id")), secrets=secrets)


@blueprint.get("/scenario.yaml")
def get_scenario_file() -> Response:
    """Return what `get_scenario` returns as a YAML file."""
    headers = {"Content-Disposition": 'attachment; filename="scenario.yaml"'}
    return Response(export.to_yaml(get_scenario()), headers=headers, content_type="application/x-yaml")


@blueprint.get("/scenario/files")
def list_files() -> dict[str, object]:
    """List the files of the loaded scenario as they were loaded, but without secrets."""
    texts = _loaded(arguments.access_key_id()).texts
    masked = ((name, without_secrets(text)) for name, text in texts.items() if text is not None)
    return {"files": [{"name": name, "text": text} for name, text in masked if text is not None]}


@blueprint.post("/scenario/check")
def check_scenario() -> dict[str, object]:
    """Check a scenario as for `load_scenario` without loading it, and return it in full or all its errors."""
    given = arguments.query("access_key_id", "files")
    key_id, bundle = given.get("access_key_id"), _bundle() if arguments.flag(given, "files") else None
    try:
        scenario = _parse(key_id, None, bundle)
    except ScenarioError as error:
        return {"ok": False, "mistakes": list(map(asdict, error.mistakes)), "description": None, "yaml": None, "ignored": []}
    yaml, ignored = export.to_yaml(export.document(scenario)), _ignored(scenario) if key_id is not None else []
    return {"ok": True, "mistakes": [], "description": scenario.description, "yaml": yaml, "ignored": ignored}


@blueprint.put("/scenario")
def load_scenario() -> dict[str, object]:
    """Load a scenario and start from it; with `over=true` it is merged over the loaded one.

    The body is YAML, or JSON if the content type says so; with `files=true` it contains several files.
    """
    given = arguments.query("access_key_id", "files", "over")
    key_id, over = given.get("access_key_id"), arguments.flag(given, "over")
    bundle = _bundle() if arguments.flag(given, "files") else None
    while True:
        with transaction():
            base, loads = _loaded(key_id), store().loads
        scenario = _parse(key_id, base if over else None, bundle)
        ignored = _ignored(scenario) if key_id is not None else []
        # Parsing holds no lock, so another scenario may have been loaded meanwhile.
        if execute(LoadScenario(scenario, key_id, loads if over else None)):
            return {"loaded": scenario.description or scenario.name, "access_key_id": key_id, "ignored": ignored}


@blueprint.post("/reset")
def reset() -> dict[str, object]:
    """Reset one account, or all, to the scenario they started from, or with `unload=true` to the emulator's."""
    given = arguments.query("access_key_id", "unload")
    key_id = given.get("access_key_id")
    cursor = execute(ResetAccounts(key_id, arguments.flag(given, "unload")))
    return {"reset": True, "access_key_id": key_id, "cursor": cursor}


def _built_in(name: str) -> dict[str, object]:
    text = package_data.text(str(sources.BUILT_IN_FOLDER / f"{name}.yaml"))
    return {"name": name, "description": loader.load(name).description, "text": text}


@transaction()
def _loaded(key_id: str | None) -> Scenario:
    account = store().account_for_view(key_id) if key_id is not None else None
    return account.loaded if account is not None else store().scenario


@transaction()
def _current(key_id: str | None) -> Scenario:
    account = store().account_for_view(key_id)
    if account is None:
        hint = "An account is created by the first call with its key."
        raise ControlError(404, f"Access key {str(key_id)[:100]!a} has no account", hint)
    return snapshot(account, store().scenario)


def _parse(key_id: str | None, base: Scenario | None, bundle: Bundle | None) -> Scenario:
    with transaction():
        known_keys = store().keys.by_id
        if base is not None and key_id is not None:
            # A single account has its own addresses among the common ones.
            base = replace(base, addresses=base.book(store().account_name(key_id)), account_addresses={})
    if bundle is None:
        return arguments.scenario_body(loader.load_text, local=False, known_keys=known_keys, over=base)
    return loader.load_bundle(bundle, known_keys=known_keys, over=base)


@transaction()
def _ignored(scenario: Scenario) -> list[str]:
    """Return the fields of a scenario that do not apply to a single account and differ from the emulator's."""
    defaults, current = Scenario(""), store().scenario
    ignored = [name for name in _GLOBAL_FIELDS if getattr(scenario, name) not in (getattr(defaults, name), getattr(current, name))]
    unknown = scenario.access_keys.keys() - store().keys.by_id.keys()
    # Many scenarios say `extends: default` and mean its addresses.
    if unknown and unknown - loader.load("default").access_keys.keys():
        ignored.append("accounts")
    return ignored


def _bundle() -> Bundle:
    content = arguments.json_body("names", "files", "variables")
    hint = 'Send {"names": ["a.yaml"], "files": {"a.yaml": "alimock: 1..."}, "variables": {"SECRET": "..."}}.'
    names = arguments.strings(content, "names", hint)
    if not names:
        raise ControlError(400, "`names` is empty", hint)
    return Bundle(tuple(names), *(arguments.string_map(content, name, hint) for name in ("files", "variables")))
