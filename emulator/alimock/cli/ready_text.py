"""What `alimock serve` prints to standard output once it is ready: a line for a program, or a block for a person."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from alimock import __version__
from alimock.cli.color import Colors
from alimock.scenario import loader, sources
from alimock.scenario.diagnostics import split_location
from alimock.scenario.model import AccessKey, Scenario
from alimock.settings import Settings

_SHOWN_KEYS = 4
_LABEL_WIDTH = 16


def line(urls: Sequence[str], scenario: Scenario, settings: Settings, restored: str) -> str:
    """Return the line, which scripts read."""
    keys, authentication = len(scenario.access_keys), settings.auth or scenario.authentication
    return (
        f"alimock {__version__} ready on {' and '.join(urls)} (scenario {scenario.name}, "
        f"profile {settings.profile or scenario.profile}, authentication {authentication.value}, "
        f"{keys} known {'key' if keys == 1 else 'keys'}, {restored}); web UI: {_web_ui(urls)}"
    )


def block(urls: Sequence[str], scenario: Scenario, settings: Settings, restored: str, colors: Colors, width: int) -> str:
    """Return the block, wrapped at a width."""
    token = " (the password is the control token)" if settings.control_token is not None else ""
    rows = (
        ("Web UI", f"{_web_ui(urls)}{token}"),
        ("API endpoint", " and ".join(urls)),
        ("Access keys", ", ".join(_keys(scenario)) or "none"),
        ("Scenario", f"{scenario.name}: {scenario.description}".removesuffix(": ")),
        ("Profile", settings.profile or scenario.profile),
        ("Authentication", (settings.auth or scenario.authentication).value),
        ("State", restored.removeprefix("state ")),
        ("Log", f"standard error, level {settings.log_level}{', as JSON' if settings.log_format == 'json' else ''}"),
    )
    lines = (f"  {colors.dim}{label:<{_LABEL_WIDTH}}{colors.reset}{_wrapped(value, width)}" for label, value in rows)
    title = f"{colors.green}alimock {__version__} is ready{colors.reset}"
    return "\n".join((title, "", *lines, "", "Press Ctrl-C to stop.", ""))


def _web_ui(urls: Sequence[str]) -> str:
    return f"{urls[0]}/_alimock/"


def _wrapped(text: str, width: int) -> str:
    indent = " " * (_LABEL_WIDTH + 2)
    lines = textwrap.wrap(text, max(width - len(indent), 40), break_long_words=False, break_on_hyphens=False)
    return f"\n{indent}".join(lines)


def _keys(scenario: Scenario) -> Iterator[str]:
    keys = list(scenario.access_keys.values())
    for key in keys[:_SHOWN_KEYS]:
        yield f"{key.id} / {key.secret}" if _is_published(key) else key.id
    if len(keys) > _SHOWN_KEYS:
        yield f"{len(keys) - _SHOWN_KEYS} more"


def _is_published(key: AccessKey) -> bool:
    """Return whether the secret of a key is that of a built-in scenario; others must not be where terminals are recorded."""
    name = split_location(key.location)[0].removesuffix(".yaml")
    # A file of the user can have the same name.
    known = loader.load(name).access_keys.get(key.id) if name in sources.built_in_names() else None
    return known is not None and known.secret == key.secret
