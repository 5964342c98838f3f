"""The number of columns that a terminal needs for a text: characters of East Asian scripts take two."""

from __future__ import annotations

import unicodedata


def width(text: str) -> int:
    """Return the number of columns."""
    return len(text) + sum(unicodedata.east_asian_width(character) in "WF" for character in text)


def padded(text: str, columns: int) -> str:
    """Return a text with spaces up to a number of columns."""
    return text + " " * (columns - width(text))
