"""The entries of `addresses` by address and by pattern."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from alimock.scenario.address_rules import AddressRule
from alimock.spec.address import fold, is_valid


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern as the texts between its `*`; each `*` matches any run of characters."""

    parts: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> Pattern:
        """Return the pattern of a text with `*`."""
        return cls(tuple(fold(text).split("*")))

    def matches(self, folded: str) -> bool:
        """Return whether a folded address matches, in linear time."""
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
        """Return whether this pattern matches everything that another one matches."""
        # The other's `*` stands for any text, and as a character only a `*` of this pattern matches it.
        return self.matches("*".join(other.parts))


@dataclass(frozen=True, slots=True)
class AddressPattern:
    """The rule of a pattern."""

    pattern: Pattern
    rule: AddressRule

    @property
    def key(self) -> str:
        """The folded text of the pattern."""
        return "*".join(self.pattern.parts)


@dataclass(frozen=True, eq=False)
class AddressBook:
    """Entries by folded address, and patterns in the order they are tried.

    `tokens` maps the open tokens that entries declare to their address; `new_today` has the addresses that count as new on the
    first day.
    """

    exact: Mapping[str, AddressRule] = field(default_factory=dict)
    patterns: tuple[AddressPattern, ...] = ()
    tokens: Mapping[str, str] = field(default_factory=dict)
    new_today: frozenset[str] = frozenset()

    @classmethod
    def of(cls, rules: Iterable[AddressRule]) -> AddressBook:
        """Build a book from rules in file order; of two rules for one address the later counts."""
        exact: dict[str, AddressRule] = {}
        patterns: list[AddressPattern] = []
        for rule in rules:
            if rule.is_pattern:
                patterns.append(AddressPattern(Pattern.of(rule.address), rule))
            else:
                exact[fold(rule.address)] = rule
        return cls(
            exact,
            tuple(patterns),
            {rule.token: rule.address for rule in exact.values() if rule.token is not None},
            frozenset(folded for folded, rule in exact.items() if rule.new_today),
        )

    @cached_property
    def positions(self) -> Mapping[str, int]:
        """The position in the file of each exact address, by its folded form."""
        return {folded: position for position, folded in enumerate(self.exact)}

    def over(self, below: AddressBook) -> AddressBook:
        """Merge two books: an entry of this one replaces the one with the same key below, and these patterns are tried first."""
        own_patterns = {one.key for one in self.patterns}
        # A replaced address keeps its position, since positions decide the order of records.
        exact = {**below.exact, **self.exact}
        for key in own_patterns & exact.keys():
            del exact[key]
        return AddressBook(
            exact,
            (*self.patterns, *(one for one in below.patterns if one.key not in own_patterns and one.key not in self.exact)),
            {**below._tokens_without(self.exact, own_patterns), **self.tokens},
            below.new_today.difference(self.exact, own_patterns) | self.new_today,
        )

    def entry(self, address: str) -> AddressRule | None:
        """Return the entry of exactly this address or pattern."""
        key = fold(address)
        return self.exact.get(key) or next((one.rule for one in self.patterns if one.key == key), None)

    def with_entry(self, rule: AddressRule) -> AddressBook:
        """Add an entry or replace the one with the same key; a new pattern is tried first, a replaced one keeps its turn."""
        merged = AddressBook.of([rule]).over(self)
        key = fold(rule.address)
        if not rule.is_pattern or all(one.key != key for one in self.patterns):
            return merged
        return replace(merged, patterns=tuple(merged.patterns[0] if one.key == key else one for one in self.patterns))

    def without(self, address: str) -> AddressBook:
        """Remove an entry."""
        key = fold(address)
        return AddressBook(
            {other: rule for other, rule in self.exact.items() if other != key} if key in self.exact else self.exact,
            tuple(one for one in self.patterns if one.key != key),
            self._tokens_without((key,)),
            self.new_today - {key},
        )

    def rule(self, address: str) -> AddressRule | None:
        """Return the rule for an address: its entry, else that of the first matching pattern, else None.

        A pattern matches only well-formed addresses.
        """
        folded = fold(address)
        exact = self.exact.get(folded)
        if exact is not None or not self.patterns or not is_valid(address):
            return exact
        return next((pattern.rule for pattern in self.patterns if pattern.pattern.matches(folded)), None)

    def _tokens_without(self, *keys: Collection[str]) -> dict[str, str]:
        return {token: address for token, address in self.tokens.items() if not any(fold(address) in group for group in keys)}
