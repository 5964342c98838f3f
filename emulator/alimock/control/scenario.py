"""The scenario over HTTP: reading the one that is loaded, loading another, and going back to its start."""

from __future__ import annotations

from dataclasses import asdict

from flask import request

from alimock.control import arguments
from alimock.control.problem import Problem
from alimock.scenario import export, loader
from alimock.scenario.document import ScenarioError
from alimock.world.world import World

_HINT = "mend the mistakes and send the scenario again; the old one is still loaded"


class ScenarioResource:
    """Shows, loads and restarts the scenario of one account or of the world."""

    def __init__(self, world: World) -> None:
        self.world = world

    def show(self) -> dict[str, object]:
        """Shows the scenario as a document that loads back, without secrets."""
        key_id = arguments.query("access_key_id").get("access_key_id")
        with self.world.lock:
            account = self.world.known_account(key_id) if key_id is not None else None
            scenario = account.scenario if account is not None else self.world.scenario
        return export.document(scenario)

    def load(self) -> dict[str, object]:
        """Loads a scenario from YAML, or from JSON if the content type says so, and starts from it."""
        key_id = arguments.query("access_key_id").get("access_key_id")
        try:
            scenario = loader.load_text(
                request.get_data(),
                file="the request body",
                json=request.mimetype == "application/json",
                local=False,
                known_keys=self.world.scenario.access_keys,
            )
        except ScenarioError as error:
            message = f"{len(error.mistakes)} mistake(s): {error}"
            raise Problem(400, message, _HINT, mistakes=[asdict(mistake) for mistake in error.mistakes]) from None
        with self.world.lock:
            self.world.load(scenario, key_id)
        return {"loaded": scenario.description or scenario.name, "access_key_id": key_id}

    def reset(self) -> dict[str, object]:
        """Makes one account, or all, anew from the scenario they started from."""
        key_id = arguments.query("access_key_id").get("access_key_id")
        with self.world.lock:
            self.world.reset(key_id)
            return {"reset": True, "access_key_id": key_id, "cursor": self.world.cursor}
