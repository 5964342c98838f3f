"""Evidence: a comparison as a YAML file that can be attached to an issue. It holds nothing that is private to the caller."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from alimock import __version__
from alimock.compare import verdicts
from alimock.compare.answer import Answer, is_ip_address
from alimock.compare.calls import Caller
from alimock.compare.difference import Difference
from alimock.compare.results import Outcome, Result
from alimock.scenario.diagnostics import ScenarioError
from alimock.scenario.export import to_yaml
from alimock.scenario.nodes import MappingNode, Node, ScalarNode, SequenceNode
from alimock.scenario.parser import compose, decode
from alimock.spec.contract import VERSIONS
from alimock.spec.profiles import CURRENT

FORMAT = 1
MAXIMUM_BYTES = 16 * 1024 * 1024
# How much of one text is shown. The last characters of a longer one are left out, because they can be half of a private value.
MAXIMUM_TEXT, _LAST = 2_000, 200
_HEAD = """\
# A comparison of alimock with the real service, by `alimock compare`. It contains no credentials, no tokens, no account ids, and no
# email or IP addresses. `alimock fidelity --evidence FILE` shows it with the fidelity ledger.
"""
_TRIAL_HEAD = """\
# A trial of `alimock compare`: the endpoint was an alimock. This is no evidence about the real service.
"""
# The endpoint of a trial.
_TRIAL = "alimock"
# The texts of a file that are shown.
_FORMS = {
    "alimock": re.compile(r"[\w.+-]+"),
    "profile": re.compile(r"[\w.-]+"),
    "endpoint": re.compile(r".+"),
    "version": re.compile(r"\d{4}-\d\d-\d\d"),
    "signature": re.compile(r"v1|v3"),
    "date": re.compile(r"\d{4}-\d\d-\d\d"),
}
_EXPECTED = "a file that `alimock compare --write` wrote"
# What is masked wherever it stands, whether it is the caller's or not. In a string to sign, each follows the letters of an escape.
_PATTERNS = (
    ("ADDRESS", re.compile(r"[^\s@,;:<>\"'=&%(){}\[\]]{1,200}(?:@|%(?:25)*40)[\w-]+(?:\.[\w-]+)+")),
    ("RESOURCE", re.compile(r"acs:[^\s,;\"']+")),
    ("KEY_ID", re.compile(r"LTAI\w{6,}|STS\.\w+")),
    ("UUID", re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")),
    ("HEX", re.compile(r"[0-9a-fA-F]{20,}")),
    ("IP", re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")),
    ("DIGITS", re.compile(r"\d{9,}")),
)  # fmt: skip
_IP_V6 = re.compile(r"(?<![\w:])[0-9a-fA-F:]*:[0-9a-fA-F:.]*(?:[0-9a-fA-F]|::)(?!\w)")


class EvidenceError(Exception):
    """A file that is no evidence; the text says where and why."""


@dataclass(frozen=True)
class EvidenceFile:
    """What a file says: what was compared and when, and the steps that confirm or refute each line of the ledger."""

    alimock: str
    profile: str
    endpoint: str
    version: str
    signature: str
    date: str
    confirmed: Mapping[str, Sequence[str]]
    refuted: Mapping[str, Sequence[str]]


class Mask:
    """Replaces what is private: the caller's credentials and address, in any encoding, and everything of a private kind."""

    def __init__(self, caller: Caller, email: str, authority: str) -> None:
        names = {
            "SECRET": caller.secret,
            "SECURITY_TOKEN": caller.security_token,
            "KEY_ID": caller.access_key_id,
            "ADDRESS": email,
            "HOST": authority if not _is_official(authority) else None,
        }
        # The longest is looked for first, because one can be part of another.
        known = sorted(((value, name) for name, value in names.items() if value), key=lambda pair: len(pair[0]), reverse=True)
        patterns = (f"(?P<{name}>{''.join(map(_spellings, value))})" for value, name in known)
        self._own = re.compile("|".join(patterns), re.IGNORECASE)

    def text(self, text: str) -> str:
        """Return a text in one line without what is private and without control characters, shortened if it is very long."""
        masked = self._own.sub(lambda match: str(match.lastgroup), text)
        if len(masked) <= MAXIMUM_TEXT:
            return _clean(_without_patterns(masked))
        return f"{_clean(_without_patterns(masked[:MAXIMUM_TEXT])[:-_LAST])}..."


def document(results: Iterable[Result], caller: Caller, authority: str, mask: Mask, *, is_trial: bool) -> str:
    """Return the text of the file, with the date of today. In a trial, the endpoint was an alimock."""
    kept = list(results)
    rows = verdicts.merged((result.name, verdict) for result in kept for verdict in result.verdicts)
    content = {
        "evidence": FORMAT,
        "alimock": __version__,
        "profile": CURRENT.name,
        "endpoint": _TRIAL if is_trial else authority if _is_official(authority) else "another host",
        "version": caller.version,
        "signature": caller.sign,
        "date": datetime.now(timezone.utc).date().isoformat(),
        "outcomes": {outcome.value: sum(result.outcome is outcome for result in kept) for outcome in Outcome},
        "rows": {
            row: {"confirmed by": steps[True], "refuted by": steps[False]} for row, steps in sorted(rows.items())
        },
        "steps": [_step(result, mask) for result in kept],
    }  # fmt: skip
    return (_TRIAL_HEAD if is_trial else _HEAD) + to_yaml(content)


def load(path: Path) -> EvidenceFile:
    """Read a file; raise `EvidenceError`."""
    try:
        with path.open("rb") as stream:
            content = stream.read(MAXIMUM_BYTES + 1)
    except (OSError, ValueError) as error:
        raise EvidenceError(f"{path}: {getattr(error, 'strerror', None) or error}") from None
    if len(content) > MAXIMUM_BYTES:
        raise EvidenceError(f"{path}: more than {MAXIMUM_BYTES} bytes, expected {_EXPECTED}")
    try:
        values = _plain(compose(decode(content, str(path)), str(path), _EXPECTED))
    except ScenarioError as error:
        raise EvidenceError(str(error)) from None
    if not isinstance(values, dict) or values.get("evidence") != str(FORMAT):
        raise EvidenceError(f"{path}: no `evidence: {FORMAT}`, expected {_EXPECTED}")
    if values.get("endpoint") == _TRIAL:
        raise EvidenceError(
            f"{path}: found a trial, whose endpoint was an alimock, expected a comparison with the real service. "
            "Repeat it with its endpoint, for example `alimock compare --endpoint domain.aliyuncs.com`."
        )
    try:
        return _evidence_file(values)
    except ValueError as error:
        raise EvidenceError(f"{path}: {error} is missing or was changed by hand, expected {_EXPECTED}") from None


def _evidence_file(values: Mapping[str, Any]) -> EvidenceFile:
    """Return the content of a file; raise `ValueError` with the first entry that is missing or has another form."""
    texts: dict[str, str] = {}
    for name, form in _FORMS.items():
        texts[name] = values.get(name, "")
        if not isinstance(texts[name], str) or not form.fullmatch(texts[name]):
            raise ValueError(f"`{name}`")
    rows = values.get("rows")
    if not isinstance(rows, dict):
        raise ValueError("`rows`")
    by_steps: dict[str, dict[str, list[str]]] = {"confirmed by": {}, "refuted by": {}}
    for row, steps in rows.items():
        lists = [steps.get(name) for name in by_steps] if isinstance(steps, dict) else []
        if not any(lists) or not all(map(_is_list_of_texts, lists)):
            raise ValueError(f"`rows: {row}`")
        for name, found in by_steps.items():
            if steps[name]:
                found[row] = steps[name]
    # A line that some steps confirm and others refute is refuted.
    refuted = by_steps["refuted by"]
    confirmed = {row: steps for row, steps in by_steps["confirmed by"].items() if row not in refuted}
    return EvidenceFile(**texts, confirmed=confirmed, refuted=refuted)


def _is_list_of_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _step(result: Result, mask: Mask) -> dict[str, Any]:
    step: dict[str, Any] = {"step": result.name, "outcome": result.outcome.value}
    if result.reason:
        step["reason"] = mask.text(result.reason)
    # The request as the conversation describes it, without the caller's values.
    sent = {name: value if value is None else _without_patterns(str(value)) for name, value in result.step.send.items()}
    changed = {"changed": dict(result.step.change)} if result.step.change else {}
    step["request"] = {"method": result.step.method, **sent, **changed}
    if result.differences:
        step["differences"] = [_difference(one, mask) for one in result.differences]
    if result.answer is not None:
        step["response"] = _response(result.answer, mask)
    return step


def _difference(one: Difference, mask: Mask) -> dict[str, str]:
    texts = {"where": one.where, "service": one.service, "alimock": one.alimock}
    return {"kind": one.kind.value, **{name: mask.text(text) for name, text in texts.items()}}


def _response(answer: Answer, mask: Mask) -> dict[str, Any]:
    return {
        "status": answer.status,
        "headers": {mask.text(name): mask.text(value) for name, value in answer.headers.items()},
        "format": answer.format.value,
        **({"declaration": mask.text(answer.declaration)} if answer.declaration else {}),
        "body": [mask.text(f"{path}: {value.text}") for path, value in answer.fields.items()],
    }


def _clean(text: str) -> str:
    """Escape what could control a terminal or begin a line of its own, such as a command to a CI system."""
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)


def _without_patterns(text: str) -> str:
    text = _IP_V6.sub(lambda match: "IP" if is_ip_address(match[0]) else match[0], text)
    for name, pattern in _PATTERNS:
        text = pattern.sub(name, text)
    return text


def _is_official(authority: str) -> bool:
    return authority in {version.endpoint for version in VERSIONS.values()} or authority.endswith(".aliyuncs.com")


def _spellings(character: str) -> str:
    """Return a pattern for a character as it is, in a URL, in HTML and in JSON; a string to sign is encoded several times."""
    plain = re.escape(character)
    if character.isascii() and character.isalnum():
        return plain
    number = ord(character)
    in_url = "".join(f"%(?:25)*{byte:02X}" for byte in character.encode()) + ("| " if character == "+" else "")
    return rf"(?:{plain}|{in_url}|&#{number};|&#x{number:x};|{re.escape(html.escape(character))}|\\{plain}|\\u{number:04x})"


def _plain(node: Node) -> Any:
    """Return nodes as values. Scalars stay text, in one line without control characters, because others can send such a file."""
    if isinstance(node, ScalarNode):
        return _clean(" ".join(node.text.split()))
    if isinstance(node, SequenceNode):
        return [_plain(item) for item in node.items]
    if isinstance(node, MappingNode):
        return {str(_plain(key)): _plain(value) for key, value in zip(node.items[::2], node.items[1::2], strict=True)}
    # An alias, which no evidence has.
    return None
