"""How well a fact about the service is known."""

from __future__ import annotations

from enum import Enum


class Evidence(Enum):
    """The kinds of evidence, from the best to none."""

    CAPTURED = "captured"
    DOCUMENTED = "documented"
    SDK = "sdk"
    ASSUMED = "assumed"
