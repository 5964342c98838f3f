"""What counts as an e-mail address, for the service's operations and for the entries of a scenario."""

from __future__ import annotations

import unicodedata

MAXIMUM_LENGTH = 254


def is_valid(address: str) -> bool:
    """Says whether an address is well formed: one @, a dot in the domain, no space or control character, 254 characters at most.

    The service publishes no rule; this one is assumed. Addresses of every script pass.
    """
    local, at, domain = address.partition("@")
    if not (local and at and domain) or "@" in domain or len(address) > MAXIMUM_LENGTH:
        return False
    if "." not in domain.strip("."):
        return False
    return not any(character.isspace() or unicodedata.category(character) == "Cc" for character in address)
