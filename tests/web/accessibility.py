"""Check a page of the web UI with axe-core."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

_SERIOUS = ("serious", "critical")


def serious_findings(page: Page) -> list[str]:
    """Return what axe-core finds with the impact serious or critical, each as `rule: description (selector)`.

    Frames, such as those of emails, are not checked.
    """
    return [
        f"{violation['id']}: {violation['help']} ({' '.join(map(str, node['target']))})"
        for violation in Axe().run(page).response["violations"]
        if violation["impact"] in _SERIOUS
        for node in violation["nodes"]
    ]
