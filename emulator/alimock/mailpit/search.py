"""Mailpit's search language: terms that must all match, each perhaps with a prefix and perhaps negated."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone

# Quotes hold a term together wherever they stand in it.
_TERMS = re.compile(r'(?:[^\s"]|"[^"]*"?)+')
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(k|m)?b?")
_UNITS = {None: 1, "k": 1024, "m": 1024 * 1024}


@dataclass(frozen=True)
class Searched:
    """What a search looks at in one message; texts are in lower case, `created` is the real time in epoch seconds."""

    fields: Mapping[str, str]
    everything: str
    tags: tuple[str, ...]
    is_read: bool
    created: float
    size: Callable[[], int]


Term = Callable[[Searched], bool]


def search(query: str) -> Callable[[Searched], bool]:
    """Makes the filter of a query; a query without terms matches everything."""
    terms = [term for term in map(_term, _TERMS.findall(query)) if term is not None]
    return lambda message: all(term(message) for term in terms)


def _term(text: str) -> Term | None:
    text = text.replace('"', "")
    negated = text[:1] in ("-", "!")
    text = text[1:] if negated else text
    prefix, colon, value = text.partition(":")
    maker = _PREFIXES.get(prefix.lower()) if colon else None
    value = (value if maker is not None else text).strip().lower()
    if not value:
        return None
    term = (maker or _contains)(value)
    return (lambda message: not term(message)) if negated else term


def _contains(value: str) -> Term:
    return lambda message: value in message.everything


def _field(name: str) -> Callable[[str], Term]:
    return lambda value: lambda message: value in message.fields.get(name, "")


def _addressed(value: str) -> Term:
    names = ("to", "from", "cc", "bcc", "reply-to")
    return lambda message: any(value in message.fields.get(name, "") for name in names)


def _tag(value: str) -> Term:
    return lambda message: value in (tag.lower() for tag in message.tags)


def _is(value: str) -> Term:
    flags: Mapping[str, Term] = {
        "read": lambda message: message.is_read,
        "unread": lambda message: not message.is_read,
        "tagged": lambda message: bool(message.tags),
    }
    return flags.get(value, _contains(f"is:{value}"))


def _has(value: str) -> Term:
    # No mail of alimock's has an attachment or an inline part.
    if value in ("attachment", "attachments", "inline", "inlines"):
        return lambda message: False
    return _contains(f"has:{value}")


def _size(compare: Callable[[int, float], bool]) -> Callable[[str], Term]:
    def term(value: str) -> Term:
        found = _SIZE.fullmatch(value)
        limit = float(found[1]) * _UNITS[found[2]] if found else 0.0
        return lambda message: found is not None and compare(message.size(), limit)

    return term


def _date(compare: Callable[[float, float], bool]) -> Callable[[str], Term]:
    def term(value: str) -> Term:
        try:
            moment = datetime.fromisoformat(value.upper().replace("/", "-").replace("Z", "+00:00"))
        except ValueError:
            # A search may be deleted, so what is no date matches nothing.
            return lambda message: False
        limit = (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()
        return lambda message: compare(message.created, limit)

    return term


_PREFIXES: Mapping[str, Callable[[str], Term]] = {
    **{name: _field(name) for name in ("to", "from", "cc", "bcc", "reply-to", "subject", "message-id")},
    "addressed": _addressed,
    "tag": _tag,
    "is": _is,
    "has": _has,
    "larger": _size(lambda size, limit: size > limit),
    "smaller": _size(lambda size, limit: size < limit),
    "before": _date(lambda created, limit: created < limit),
    "after": _date(lambda created, limit: created >= limit),
}
