"""The evidence for a fact about the service."""

from __future__ import annotations

from enum import Enum


class Evidence(Enum):
    """The kinds of evidence, the strongest first."""

    CAPTURED = "captured"
    DOCUMENTED = "documented"
    SDK = "sdk"
    ASSUMED = "assumed"
