"""The rules for a valid e-mail address and for equal addresses, for the operations and for the entries of a scenario."""

from __future__ import annotations

import re
import unicodedata

MAXIMUM_LENGTH = 254
# No domain name contains these, and RFC 5322 cannot express a mail to such a domain.
_NOT_IN_DOMAINS = frozenset('()<>[]:;,\\"')
# As in shells and Compose files; a valid address may contain it.
_VARIABLE = re.compile(r"\$\{[^{}]*\}")


def has_variable(text: str) -> bool:
    """Return whether a text contains `${NAME}`, which alimock does not replace by the value of a variable."""
    return _VARIABLE.search(text) is not None


def is_plain(address: str) -> bool:
    """Return whether a scenario reads an address as itself: it has neither a `*` nor a variable."""
    return "*" not in address and not has_variable(address)


def fold(address: str) -> str:
    """Return the form in which addresses are compared: letter case does not count."""
    return address.lower()


def is_pattern(text: str) -> bool:
    """Return whether a text with `*` can match any valid address."""
    local, at, domain = text.partition("@")
    # A * may match an @ only if the pattern has none of its own.
    return is_valid(f"{local.replace('*', 'x')}@{domain.replace('*', 'x.x') if at else 'x.x'}")


def is_valid(address: str) -> bool:
    """Return whether an address is valid, by assumption: the service publishes no rule.

    Valid is one @, a dot inside the domain, no space or control character, no special character of RFC 5322 in the domain, and at
    most 254 characters of any script.
    """
    local, at, domain = address.partition("@")
    if not (local and at and domain) or "@" in domain or len(address) > MAXIMUM_LENGTH:
        return False
    if "." not in domain.strip(".") or not _NOT_IN_DOMAINS.isdisjoint(domain):
        return False
    if address.isascii():
        # Of the ASCII characters that are not allowed, only the space is printable.
        return address.isprintable() and " " not in address
    return not any(character.isspace() or unicodedata.category(character) == "Cc" for character in address)
