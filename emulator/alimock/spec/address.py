"""What counts as an e-mail address, and as the same one, for the service's operations and for the entries of a scenario."""

from __future__ import annotations

import unicodedata

MAXIMUM_LENGTH = 254
# No domain name has these, and a mail to such a domain could not be written down (RFC 5322).
_NOT_IN_DOMAINS = frozenset('()<>[]:;,\\"')


def fold(address: str) -> str:
    """Gives the form in which addresses are compared: letter case does not count."""
    return address.lower()


def is_pattern(text: str) -> bool:
    """Says whether a text with `*` can match a well-formed address at all."""
    local, at, domain = text.partition("@")
    # What each * stands for can be chosen so as to fit; without an @ of its own a pattern gets one by a *.
    return is_valid(f"{local.replace('*', 'x')}@{domain.replace('*', 'x.x') if at else 'x.x'}")


def is_valid(address: str) -> bool:
    """Says whether an address is well formed.

    It is with one @, a dot inside the domain, no space or control character, no special character of RFC 5322 in the domain, and
    254 characters at most. The service publishes no rule; this one is assumed. Addresses of every script pass.
    """
    local, at, domain = address.partition("@")
    if not (local and at and domain) or "@" in domain or len(address) > MAXIMUM_LENGTH:
        return False
    if "." not in domain.strip(".") or not _NOT_IN_DOMAINS.isdisjoint(domain):
        return False
    if address.isascii():
        # Of these characters only the space is printable and not allowed.
        return address.isprintable() and " " not in address
    return not any(character.isspace() or unicodedata.category(character) == "Cc" for character in address)
