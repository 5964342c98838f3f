"""The text of a scenario file without the secrets of its access keys, for display."""

from __future__ import annotations

import re
from collections.abc import Iterator

import yaml

from alimock.scenario.parser import Loader

MASK = "***"
_SECRETS = ("secret", "security_token")
# As YAML counts lines.
LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_COMMENT = re.compile("#[^\n\r\x85\u2028\u2029]*")
# In a comment, such as an entry that is commented out.
_MENTION = re.compile(rf"({'|'.join(_SECRETS)})[\"']?\s*:")
_Pairs = list[tuple[yaml.Node, yaml.Node]]


def without_secrets(text: str) -> str | None:
    """Return a text that has been loaded without the secrets of access keys; None if it cannot be rewritten.

    Comments with a secret, or in the line of one, are masked, since they may show an older one. Every line keeps its number. Where
    the keys are known, the text loads with their known secrets.
    """
    parts: list[str] = []
    position = 0
    try:
        secrets = list(_secrets(text))
        for start, end, replacement in sorted([*secrets, *_comments(text, secrets)]):
            parts += text[position:start], replacement, *LINE_BREAK.findall(text, start, end)
            position = end
        masked = "".join((*parts, text[position:]))
        return masked if not parts or next(_secrets(masked), None) is None else None
    except yaml.YAMLError:
        return None


def _secrets(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield the start and the end of each secret with its key, and what replaces it."""
    for access_key in _access_keys(yaml.compose(text, Loader=Loader)):
        pairs = _pairs(access_key)
        for number, (key, value) in enumerate(pairs):
            if key.value in _SECRETS and access_key.flow_style:
                yield *_with_comma(pairs, number), ""
            elif key.value in _SECRETS:
                yield key.start_mark.index, value.end_mark.index, f"# {key.value}: {MASK}"


def _comments(text: str, secrets: list[tuple[int, int, str]]) -> Iterator[tuple[int, int, str]]:
    """Yield the start and the end of each comment outside of the secrets that may have one, and what replaces it."""
    position = 0
    for token in yaml.scan(text, Loader=Loader):
        # Between tokens are only spaces and comments.
        for comment in _COMMENT.finditer(text, position, token.start_mark.index):
            start = comment.start()
            if any(begin <= start < end for begin, end, _ in secrets):
                continue
            if _MENTION.search(comment[0]) or any(
                end <= start and not LINE_BREAK.search(text, end, start) for _, end, _ in secrets
            ):
                yield start, comment.end(), f"# {MASK}"
        position = token.end_mark.index


def _with_comma(pairs: _Pairs, number: int) -> tuple[int, int]:
    """Return the start and the end of a secret in braces with the comma before it, or after it if no other pair is before."""
    key, value = pairs[number]
    if any(before.value not in _SECRETS for before, _ in pairs[:number]):
        return pairs[number - 1][1].end_mark.index, value.end_mark.index
    end = pairs[number + 1][0].start_mark if number + 1 < len(pairs) else value.end_mark
    return key.start_mark.index, end.index


def _access_keys(document: yaml.Node | None) -> Iterator[yaml.CollectionNode]:
    for _, accounts in _pairs(document, "accounts"):
        for _, account in _pairs(accounts):
            for _, keys in _pairs(account, "access_keys"):
                yield from keys.value if isinstance(keys, yaml.SequenceNode) else ()


def _pairs(node: yaml.Node | None, name: str | None = None) -> _Pairs:
    """Return the pairs of a mapping, or those with one key."""
    pairs: _Pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return [(key, value) for key, value in pairs if name in (None, key.value)]
