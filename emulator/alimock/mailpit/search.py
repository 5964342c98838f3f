"""Mailpit's search language: terms that must all match, each with an optional prefix and negation."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

# Stands for a `+` of a URL that was not encoded: mostly for a space, but clients often forget to encode the one of an address.
PLUS = "\0"
# A quoted part of a term may contain spaces.
_TERMS = re.compile(rf'(?:[^\s{PLUS}"]|"[^"]*"?)+')
# After these prefixes, it is part of the address. In a negated term it could be either, and the result may be deleted.
_ADDRESS = re.compile(rf'(?<![^\s{PLUS}])[-!]?(?:to|from|cc|bcc|reply-to|addressed):"?[^\s":@]+@', re.IGNORECASE)
_AMBIGUOUS = re.compile(rf'(?<![^\s{PLUS}])[-!][^\s":@{PLUS}]+{PLUS}[^\s":@]*@')
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(k|m)?b?")
_UNITS = {None: 1, "k": 1024, "m": 1024 * 1024}


@dataclass(frozen=True)
class Document:
    """The searchable content of one mail: texts in lower case, `created` in epoch seconds of the real time."""

    fields: Mapping[str, str]
    text: str
    tags: Sequence[str]
    is_read: bool
    created: float
    size: Callable[[], int]


Term = Callable[[Document], bool]


def parse_query(query: str) -> Callable[[Document], bool]:
    """Return the filter of a query; a query without terms matches everything. Raises `ValueError` for an ambiguous query."""
    query = _ADDRESS.sub(lambda address: address[0].replace(PLUS, "+"), query)
    ambiguous = _AMBIGUOUS.search(query)
    if ambiguous is not None:
        raise ValueError(f"{ambiguous[0].replace(PLUS, '+')}: encode a plus sign as %2B and a space as %20")
    terms = [term for term in map(_term, _TERMS.findall(query)) if term is not None]
    return lambda document: all(term(document) for term in terms)


def _term(text: str) -> Term | None:
    text = text.replace('"', "")
    negated = text[:1] in ("-", "!")
    text = text[1:] if negated else text
    prefix, colon, value = text.partition(":")
    factory = _PREFIXES.get(prefix.lower()) if colon else None
    value = (value if factory is not None else text).strip(f" {PLUS}").lower()
    if not value:
        return None
    term = (factory or _contains)(value)
    return (lambda document: not term(document)) if negated else term


def _contains(value: str) -> Term:
    values = _readings(value)
    return lambda document: any(one in document.text for one in values)


def _field(*names: str) -> Callable[[str], Term]:
    def term(value: str) -> Term:
        values = _readings(value)
        return lambda document: any(one in document.fields.get(name, "") for name in names for one in values)

    return term


def _readings(value: str) -> set[str]:
    return {value.replace(PLUS, " "), value.replace(PLUS, "+")}


def _tag(value: str) -> Term:
    values = _readings(value)
    return lambda document: any(tag.lower() in values for tag in document.tags)


def _flag(prefix: str) -> Callable[[str], Term]:
    return lambda value: _FLAGS.get(f"{prefix}:{value}") or _contains(f"{prefix}:{value}")


def _bytes(value: str) -> float | None:
    found = _SIZE.fullmatch(value)
    return float(found[1]) * _UNITS[found[2]] if found else None


def _timestamp(value: str) -> float | None:
    try:
        moment = datetime.fromisoformat(value.upper().replace("/", "-").replace("Z", "+00:00"))
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()


def _limit(parse: Callable[[str], float | None], keeps: Callable[[Document, float], bool]) -> Callable[[str], Term]:
    def term(value: str) -> Term:
        limit = parse(value.replace(PLUS, " "))
        # An invalid limit matches nothing, since the result of a search may be deleted.
        return lambda document: limit is not None and keeps(document, limit)

    return term


_FLAGS: Mapping[str, Term] = {
    "is:read": lambda document: document.is_read,
    "is:unread": lambda document: not document.is_read,
    "is:tagged": lambda document: bool(document.tags),
    # alimock's mails have neither attachments nor inline parts.
    **dict.fromkeys(("has:attachment", "has:attachments", "has:inline", "has:inlines"), lambda document: False),
}
_PREFIXES: Mapping[str, Callable[[str], Term]] = {
    **{name: _field(name) for name in ("to", "from", "cc", "bcc", "reply-to", "subject", "message-id")},
    "addressed": _field("to", "from", "cc", "bcc", "reply-to"),
    "tag": _tag,
    "is": _flag("is"),
    "has": _flag("has"),
    "larger": _limit(_bytes, lambda document, limit: document.size() > limit),
    "smaller": _limit(_bytes, lambda document, limit: document.size() < limit),
    "before": _limit(_timestamp, lambda document, limit: document.created < limit),
    "after": _limit(_timestamp, lambda document, limit: document.created >= limit),
}
