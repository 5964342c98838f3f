"""How many of an address's scripted responses were used."""

from __future__ import annotations

from collections import Counter

from alimock.scenario.address_rules import AddressRule, Pattern, ScriptedResponse, remaining


class UsedResponses:
    """The number of responses that calls used, by folded address and by the name of the sequence in the rule."""

    def __init__(self) -> None:
        self._used: Counter[tuple[str, str]] = Counter()

    def next(self, address: str, rule: AddressRule, action: str) -> ScriptedResponse | None:
        """Use up and return the next response of a rule to an operation, None if the operation decides by itself."""
        name, steps = rule.sequence(action)
        if len(steps) > 1:
            used = self._used[address, name]
            self._used[address, name] = used + 1
            steps = remaining(steps, used)
        return steps[0] if steps and steps[0].code is not None else None

    def left(self, address: str, rule: AddressRule) -> dict[str, tuple[ScriptedResponse, ...]]:
        """Return the responses of a rule that are left for an address, by name."""
        return {name: remaining(steps, self._used[address, name]) for name, steps in rule.answers.items()}

    def addresses(self) -> set[str]:
        """Return the addresses for which responses were used."""
        return {address for address, _ in self._used}

    def forget(self, pattern: Pattern) -> None:
        """Start again with the first response for all addresses that match."""
        for key in [key for key in self._used if pattern.matches(key[0])]:
            del self._used[key]
