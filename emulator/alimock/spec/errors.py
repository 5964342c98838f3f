"""The definition of an error, and the exception that refuses a call with one. The definitions themselves are in `error_catalog`."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from alimock.spec.contract import Evidence


class Origin(Enum):
    """The part of the service that refuses a call; it determines the key order of a JSON error."""

    GATEWAY = "gateway"
    BACKEND = "backend"


class ErrorDefinition(NamedTuple):
    """One error: its code, HTTP status and texts, and the evidence for them.

    `{name}` in a text is filled in when the error is raised. Without a status it is no HTTP error but a row in the FailList of a
    successful call. Only errors of the backend have a Chinese text: those of the gateway ignore `Lang`. `trigger` describes the
    call that gets the error; if it is empty, only a fault of the scenario returns it. `evidence` and `source` are for the code;
    `assumed` names the parts of the row that have no evidence.
    """

    code: str
    status: int | None
    text: str
    evidence: Evidence
    source: str
    trigger: str = ""
    assumed: str = ""
    origin: Origin = Origin.GATEWAY
    chinese: str | None = None

    def message(self, lang: str) -> str:
        """Return the Chinese text for `zh` if there is one, else the English text."""
        return self.chinese if lang == "zh" and self.chinese is not None else self.text


class ApiError(Exception):
    """Refuse a call, or one address of a batch; `decided_by` is the rule, or the file and line of the scenario, that decided so."""

    def __init__(self, definition: ErrorDefinition, decided_by: str, **values: str) -> None:
        self.definition = definition
        self.decided_by = decided_by
        self.values = values
        super().__init__(f"{self.code}: {self.message('en')}")

    @property
    def code(self) -> str:
        """The code as the service spells it."""
        return self.definition.code

    def message(self, lang: str) -> str:
        """Return the text with its placeholders filled in; without values the text is literal and may contain braces."""
        text = self.definition.message(lang)
        return text.format(**self.values) if self.values else text
