"""The plan of a comparison: the conversations that it plays, and how many calls and emails they take."""

from __future__ import annotations

from dataclasses import dataclass

from alimock.compare.conversation import Conversation, Step
from alimock.spec.contract import LIST

# Whether the account has a record of the address already. Nothing is changed before this is known.
FIRST = Step("first/look-for-a-record", {"Action": LIST, "Email": "{email}"})


@dataclass(frozen=True)
class Plan:
    """What a comparison will do: its conversations, and the address that gets the emails."""

    conversations: tuple[Conversation, ...]
    email: str

    @property
    def steps(self) -> list[Step]:
        """All steps."""
        return [FIRST, *(step for conversation in self.conversations for step in conversation.steps)]

    @property
    def mails(self) -> int:
        """The largest number of emails."""
        return sum(step.mails for step in self.steps)

    @property
    def seconds(self) -> float:
        """The pauses between the calls."""
        return sum(step.pause for step in self.steps)
