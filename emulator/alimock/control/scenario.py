"""The scenario over HTTP: reading the one that is loaded or the state that came of it, loading another, and going back."""

from __future__ import annotations

from alimock.control import arguments
from alimock.control.problem import Problem
from alimock.scenario import export, loader
from alimock.world.snapshot import snapshot
from alimock.world.world import World

STATES = ("loaded", "current")


class ScenarioResource:
    """Shows, loads and restarts the scenario of one account or of the world."""

    def __init__(self, world: World) -> None:
        self.world = world

    def show(self) -> dict[str, object]:
        """Shows a scenario as a document that loads back: the one loaded, or with `state=current` the account as it is now.

        Without a key that is the account `default`. Secrets come with `secrets=true` alone.
        """
        given = arguments.query("access_key_id", "state", "secrets")
        state, key_id = given.get("state", STATES[0]), given.get("access_key_id")
        if state not in STATES:
            raise Problem(400, f"`state`: found {state[:60]!a}", f"give one of {', '.join(STATES)}")
        secrets = arguments.flag(given, "secrets")
        with self.world.lock:
            account = self.world.known_account(key_id) if key_id is not None else None
            if state == STATES[0]:
                scenario = account.loaded if account is not None else self.world.scenario
            elif key_id is not None and account is None:
                raise Problem(
                    404, f"no account of the key {key_id[:100]!a}", "an account is there once a call was made with its key"
                )
            else:
                scenario = snapshot(account or self.world.account(None), self.world.scenario)
        return export.document(scenario, secrets=secrets)

    def load(self) -> dict[str, object]:
        """Loads a scenario from YAML, or from JSON if the content type says so, and starts from it."""
        key_id = arguments.query("access_key_id").get("access_key_id")
        with self.world.lock:
            known_keys = self.world.access_keys
        scenario = arguments.scenario(loader.load_text, local=False, known_keys=known_keys)
        with self.world.lock:
            self.world.load(scenario, key_id)
        return {"loaded": scenario.description or scenario.name, "access_key_id": key_id}

    def reset(self) -> dict[str, object]:
        """Makes one account, or all, anew from the scenario they started from."""
        key_id = arguments.query("access_key_id").get("access_key_id")
        with self.world.lock:
            self.world.reset(key_id)
            return {"reset": True, "access_key_id": key_id, "cursor": self.world.cursor}
