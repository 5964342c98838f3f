"""Reading single texts that users write, in scenarios, settings and requests alike."""

from __future__ import annotations

from collections.abc import Callable, Collection


def one_of(choices: Collection[str]) -> Callable[[str], str]:
    """Makes a parser that takes the texts of a list and raises `ValueError` for any other."""

    def parse(text: str) -> str:
        if text not in choices:
            raise ValueError(text)
        return text

    return parse


def non_empty(text: str) -> str:
    """Takes any text but a blank one, for which it raises `ValueError`."""
    if not text.strip():
        raise ValueError(text)
    return text


def is_unicode(text: str) -> bool:
    """Says whether a text can be written as UTF-8, which lone surrogates of JSON cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
