"""The scenario over HTTP: reading the one that is loaded or the state that came of it, loading another, and going back."""

from __future__ import annotations

from dataclasses import replace

from alimock.control import arguments
from alimock.control.problem import Problem
from alimock.scenario import export, loader
from alimock.scenario.model import Scenario
from alimock.scenario.sources import Bundle
from alimock.scenario.text import is_unicode
from alimock.state.snapshot import snapshot
from alimock.state.store import Store

STATES = ("loaded", "current")
# What counts for the whole emulator and not for single accounts.
_FOR_ALL = ("authentication", "timestamps", "unknown_keys", "codes")


class ScenarioResource:
    """Shows, loads and restarts the scenario of one account or of the store."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def show(self) -> dict[str, object]:
        """Shows a scenario as a document that loads back: the one loaded, or with `state=current` the account as it is now.

        Without a key that is the account `default`. Secrets come with `secrets=true` alone.
        """
        given = arguments.query("access_key_id", "state", "secrets")
        state, key_id = given.get("state", STATES[0]), given.get("access_key_id")
        if state not in STATES:
            raise Problem(400, f"`state`: found {state[:60]!a}", f"give one of {', '.join(STATES)}")
        secrets = arguments.flag(given, "secrets")
        with self.store.lock:
            account = self.store.account_for_view(key_id)
            if state == STATES[0]:
                scenario = self._loaded(key_id)
            elif account is None:
                raise Problem(
                    404, f"no account of the key {str(key_id)[:100]!a}", "an account is there once a call was made with its key"
                )
            else:
                scenario = snapshot(account, self.store.scenario)
        return export.document(scenario, secrets=secrets)

    def load(self) -> dict[str, object]:
        """Loads a scenario and starts from it: YAML, or JSON if the content type says so, or with `files=true` several files.

        With `over=true` it lies over the one that is loaded.
        """
        given = arguments.query("access_key_id", "files", "over")
        key_id, over = given.get("access_key_id"), arguments.flag(given, "over")
        bundle = _bundle() if arguments.flag(given, "files") else None
        while (loaded := self._load(key_id, bundle, over=over)) is None:
            # Another one was loaded in the meantime, over which this one has to lie.
            pass
        return loaded

    def _load(self, key_id: str | None, bundle: Bundle | None, *, over: bool) -> dict[str, object] | None:
        with self.store.lock:
            known_keys, before = self.store.access_keys, self._loaded(key_id)
            below = self._seen_by(key_id, before) if over else None
        if bundle is not None:
            scenario = arguments.checked(lambda: loader.load_bundle(bundle, known_keys=known_keys, over=below))
        else:
            scenario = arguments.scenario(loader.load_text, local=False, known_keys=known_keys, over=below)
        with self.store.lock:
            if over and self._loaded(key_id) is not before:
                return None
            ignored = self._ignored(scenario) if key_id is not None else []
            self.store.load(scenario, key_id)
        return {"loaded": scenario.description or scenario.name, "access_key_id": key_id, "ignored": ignored}

    def _loaded(self, key_id: str | None) -> Scenario:
        account = self.store.account_for_view(key_id) if key_id is not None else None
        return account.loaded if account is not None else self.store.scenario

    def _seen_by(self, key_id: str | None, scenario: Scenario) -> Scenario:
        """Gives a scenario as one account sees it: the addresses of its own are among the common ones."""
        if key_id is None:
            return scenario
        return replace(scenario, addresses=scenario.book(self.store.account_name(key_id)), account_addresses={})

    def _ignored(self, scenario: Scenario) -> list[str]:
        """Names what a scenario says that holds for the whole emulator only, and is not so there."""
        silent, store = Scenario(""), self.store.scenario
        ignored = [name for name in _FOR_ALL if getattr(scenario, name) not in (getattr(silent, name), getattr(store, name))]
        unknown = scenario.access_keys.keys() - self.store.access_keys.keys()
        # Many scenarios say `extends: default` and mean its addresses.
        if unknown and unknown - loader.load("default").access_keys.keys():
            ignored.append("accounts")
        return ignored

    def reset(self) -> dict[str, object]:
        """Makes one account, or all, anew from the scenario they started from, or with `unload=true` from the emulator's."""
        given = arguments.query("access_key_id", "unload")
        key_id, unload = given.get("access_key_id"), arguments.flag(given, "unload")
        with self.store.lock:
            self.store.reset(key_id, unload=unload)
            return {"reset": True, "access_key_id": key_id, "cursor": self.store.cursor}


def _bundle() -> Bundle:
    """Reads the body as the files of a scenario."""
    content = arguments.body("names", "files", "variables")
    names, files, variables = content.get("names"), content.get("files", {}), content.get("variables", {})
    if not isinstance(names, list) or not names or not all(map(_is_text, names)):
        raise Problem(400, "`names`: found no list of texts", 'send {"names": ["a.yaml"], "files": {"a.yaml": "alimock: 1..."}}')
    return Bundle(tuple(names), _texts(files, "files"), _texts(variables, "variables"))


def _texts(value: object, name: str) -> dict[str, str]:
    if not isinstance(value, dict) or not all(map(_is_text, (*value, *value.values()))):
        raise Problem(400, f"`{name}`: found no object of texts", f'send an object of texts, such as {{"{name}": {{"a": "b"}}}}')
    return value


def _is_text(value: object) -> bool:
    return isinstance(value, str) and is_unicode(value)
