"""Results: the outcome of each step of a comparison."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from alimock.compare.answer import Answer
from alimock.compare.conversation import Step
from alimock.compare.difference import Difference
from alimock.compare.verdicts import Verdict


class Outcome(Enum):
    """The outcome of a step."""

    SAME = "same"
    DIFFERS = "differs"
    INCONCLUSIVE = "inconclusive"
    NO_ANSWER = "no answer"


@dataclass(frozen=True)
class Result:
    """A step with its outcome: the differences, or why nothing can be said; and the service's answer if there was one.

    After a `diverged` step the account of the service and the emulator are no longer in the same state.
    """

    name: str
    step: Step
    outcome: Outcome
    reason: str = ""
    differences: tuple[Difference, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    answer: Answer | None = None
    diverged: bool = False
