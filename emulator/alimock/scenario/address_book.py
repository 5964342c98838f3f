"""The addresses that an account starts with: which entry an address belongs to, and in which order they are listed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from alimock.scenario.address_rules import AddressRule
from alimock.spec.address import fold, is_valid


@dataclass(frozen=True, slots=True)
class Pattern:
    """What an address is held against: `parts` are what stands between the `*`, each of any run of characters."""

    parts: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> Pattern:
        """Makes the pattern of a text with `*`."""
        return cls(tuple(fold(text).split("*")))

    def matches(self, folded: str) -> bool:
        """Says whether a folded address matches, in linear time: each part is looked for behind the one before."""
        if len(self.parts) == 1:
            return folded == self.parts[0]
        first, *middle, last = self.parts
        if not (folded.startswith(first) and folded.endswith(last) and len(folded) >= len(first) + len(last)):
            return False
        position, end = len(first), len(folded) - len(last)
        for part in middle:
            found = folded.find(part, position, end)
            if found < 0:
                return False
            position = found + len(part)
        return True

    def covers(self, other: Pattern) -> bool:
        """Says whether all that another pattern matches matches this one too: its `*` are letters that only a `*` can match."""
        return self.matches("*".join(other.parts))


@dataclass(frozen=True, slots=True)
class AddressPattern:
    """A rule for every address that matches."""

    pattern: Pattern
    rule: AddressRule


@dataclass(frozen=True, eq=False)
class AddressBook:
    """The entries of one account: the exact addresses by their folded form in the order of the file, the patterns in the order
    they are tried, the addresses by the open token that the file gives them, and those that count as new on the first day.
    """

    exact: Mapping[str, AddressRule] = field(default_factory=dict)
    patterns: tuple[AddressPattern, ...] = ()
    tokens: Mapping[str, str] = field(default_factory=dict)
    new_today: frozenset[str] = frozenset()

    @classmethod
    def of(cls, exact: Iterable[AddressRule], patterns: Iterable[AddressRule] = ()) -> AddressBook:
        """Makes a book of rules; of two rules for one address the later counts."""
        by_address = {fold(rule.address): rule for rule in exact}
        return cls(
            by_address,
            tuple(AddressPattern(Pattern.of(rule.address), rule) for rule in patterns),
            {rule.token: rule.address for rule in by_address.values() if rule.token is not None},
            frozenset(folded for folded, rule in by_address.items() if rule.new_today),
        )

    @cached_property
    def positions(self) -> Mapping[str, int]:
        """The position in the file of each exact address, by its folded form."""
        return {folded: position for position, folded in enumerate(self.exact)}

    def rules(self) -> list[AddressRule]:
        """Gives the patterns in the order they are tried, then the exact addresses in the order of the file."""
        return [*(pattern.rule for pattern in self.patterns), *self.exact.values()]

    def entry(self, address: str) -> AddressRule | None:
        """Gives the entry of just this address, or of just this pattern."""
        folded = fold(address)
        exact = self.exact.get(folded)
        return exact or next((one.rule for one in self.patterns if fold(one.rule.address) == folded), None)

    def with_entry(self, rule: AddressRule) -> AddressBook:
        """Gives the book with an entry more, or in place of its like; a new pattern is tried before the others."""
        folded, rest = fold(rule.address), self.without(rule.address)
        if not rule.is_pattern:
            tokens = {**rest.tokens, rule.token: rule.address} if rule.token is not None else rest.tokens
            new_today = rest.new_today | {folded} if rule.new_today else rest.new_today
            # In the place of its like, since places decide the order of records.
            return AddressBook({**self.exact, folded: rule}, self.patterns, tokens, new_today)
        made = AddressPattern(Pattern.of(rule.address), rule)
        if self.entry(rule.address) is None:
            return replace(self, patterns=(made, *self.patterns))
        return replace(self, patterns=tuple(made if fold(one.rule.address) == folded else one for one in self.patterns))

    def without(self, address: str) -> AddressBook:
        """Gives the book without an entry."""
        folded = fold(address)
        return AddressBook(
            {key: rule for key, rule in self.exact.items() if key != folded} if folded in self.exact else self.exact,
            tuple(one for one in self.patterns if fold(one.rule.address) != folded),
            {token: email for token, email in self.tokens.items() if fold(email) != folded},
            self.new_today - {folded},
        )

    def rule(self, address: str) -> AddressRule | None:
        """Gives the rule for an address: the exact entry, else the first pattern that matches, else None.

        A pattern matches well-formed addresses only.
        """
        folded = fold(address)
        exact = self.exact.get(folded)
        if exact is not None or not self.patterns or not is_valid(address):
            return exact
        return next((pattern.rule for pattern in self.patterns if pattern.pattern.matches(folded)), None)
