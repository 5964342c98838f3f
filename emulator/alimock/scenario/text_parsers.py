"""Checks of single texts, for scenarios, settings and requests."""

from __future__ import annotations

from collections.abc import Callable, Collection


def one_of(choices: Collection[str]) -> Callable[[str], str]:
    """Return a parser that accepts the texts of a list and raises `ValueError` for any other."""

    def parse(text: str) -> str:
        if text not in choices:
            raise ValueError(text)
        return text

    return parse


def non_empty(text: str) -> str:
    """Return a text; raise `ValueError` if it is blank."""
    if not text.strip():
        raise ValueError(text)
    return text


def is_unicode(text: str) -> bool:
    """Return whether UTF-8 can encode a text; it cannot encode the lone surrogates of JSON."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
