"""The state of an account as its client knows it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from soak.key import Key

# The daily limits of the scenarios: mails to an address, and new addresses.
LIMITS = ((3, 20), (2, 8))
QUOTA, ILLEGAL = "SendTokenQuotaExceeded", "ParameterIllegall"


@dataclass
class Ledger:
    """The state of an account since its last reset, as its client knows it."""

    key: Key
    limits: tuple[int, int] = LIMITS[0]
    calls: int = 0
    mails: int = 0
    # By address: whether it is verified, its mails of the day, and the newest token once the client has read it.
    records: dict[str, bool] = field(default_factory=dict)
    sends: Counter[str] = field(default_factory=Counter)
    new: set[str] = field(default_factory=set)
    tokens: dict[str, str | None] = field(default_factory=dict)

    def clear(self) -> None:
        """Forget everything, as a reset does."""
        self.calls = self.mails = 0
        for one in (self.records, self.sends, self.new, self.tokens):
            one.clear()

    def expected(self, action: str, email: str, *, again: bool = False, token: str = "") -> str:
        """Return the expected outcome of an operation for an address."""
        known = email in self.records
        if action == "SubmitEmailVerification":
            if known and (self.records[email] or not again):
                return "exist"
            is_full = not known and len(self.new) >= self.limits[1] and email not in self.new
            return QUOTA if is_full or self.sends[email] >= self.limits[0] else "success"
        if action == "ResendEmailVerification":
            if not known or self.records[email]:
                return ILLEGAL
            return QUOTA if self.sends[email] >= self.limits[0] else "success"
        if action == "DeleteEmailVerification":
            return "success" if known else ILLEGAL
        if action == "VerifyEmail":
            return "OK" if known and not self.records[email] and self.tokens.get(email) == token else "ParameterIllegal"
        if action == "EmailVerified":
            return "OK" if self.records.get(email) else "RegContactEmailNotVerified"
        return "OK" if known or action == "ListEmailVerification" else "ParameterIllegal"

    def apply(self, action: str, email: str, outcome: str) -> None:
        """Record the outcome of an operation for an address."""
        if outcome not in ("success", "OK"):
            return
        if action in ("SubmitEmailVerification", "ResendEmailVerification"):
            if email not in self.records:
                self.new.add(email)
                self.records[email] = False
            self.mails += 1
            self.sends[email] += 1
            self.tokens[email] = None
        elif action == "DeleteEmailVerification":
            del self.records[email]
        elif action == "VerifyEmail":
            self.records[email] = True
