"""Records: which addresses a call names, and what its answer says about their records."""

from __future__ import annotations

from collections.abc import Mapping

from alimock.compare import calls
from alimock.compare.answer import Answer, name_of
from alimock.compare.conversation import Step
from alimock.spec.address import fold

SUBMIT, RESEND, DELETE = "SubmitEmailVerification", "ResendEmailVerification", "DeleteEmailVerification"
_VERIFY = "VerifyEmail"
CHANGES = frozenset({SUBMIT, RESEND, DELETE, _VERIFY})


def emails(step: Step, values: Mapping[str, str]) -> list[str]:
    """Return the addresses that a call names."""
    text = step.send.get("Email")
    return [email for email in calls.fill(text, values).split(",") if email] if isinstance(text, str) else []


def listed(answer: Answer, name: str) -> list[str]:
    """Return the addresses in a list of an answer; its name is in lower case, because the layouts spell it differently."""
    paths = [path for path in answer.fields if path.lower().startswith(name) and name_of(path).lower() == "email"]
    return [answer.fields[path].text for path in paths]


def shown(answer: Answer, email: str) -> bool:
    """Return whether an answer shows the record of an address, or refuses to submit the address because of one."""
    found = [value.text for value in answer.named("Email")] if answer.named("GmtCreate") else listed(answer, "existlist")
    return fold(email) in map(fold, found)


def creation_times(answer: Answer) -> dict[str, str]:
    """Return when the first record of an answer was created, as milliseconds, and a second later and earlier; empty without one."""
    created = next((value.time for value in answer.named("GmtCreate") if value.time is not None), None)
    if created is None:
        return {}
    return {
        name: str((created + seconds) * 1000) for name, seconds in (("created", 0), ("after-created", 1), ("before-created", -1))
    }


def effect(step: Step, answer: Answer) -> frozenset[str]:
    """Return the addresses that a call changed, whatever the layout of the response."""
    if step.action == _VERIFY:
        return frozenset() if answer.code else frozenset({_VERIFY})
    return frozenset(fold(email) for email in listed(answer, "successlist"))
