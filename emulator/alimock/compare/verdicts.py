"""Verdicts: which lines of the fidelity ledger a step tests, and which differences refute them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from alimock.compare.answer import Answer, name_of
from alimock.compare.conversation import Step
from alimock.compare.difference import Difference, Kind, have_common_fields
from alimock.spec import fidelity
from alimock.spec.contract import LIST_ITEM_TAGS, Format
from alimock.spec.error_catalog import CATALOG, SIGNATURE_DOES_NOT_MATCH_V1, SIGNATURE_DOES_NOT_MATCH_V3
from alimock.spec.profiles import CURRENT

_FIELD = frozenset({Kind.NAME, Kind.FIELD, Kind.TYPE, Kind.DATE_STYLE})
# Fields that say nothing about what a call did. The texts have lines of their own.
_NOT_OUTCOME = frozenset({"requestid", "hostid", "recommend", "message"})
_TEXTS = "behavior/Language/texts"
_HEADERS = "behavior/Gateway/headers"
_JSON_ORDER = "behavior/Gateway/json-order"
_RECOMMEND = "behavior/Gateway/recommend"
_INDEX = re.compile(r"\[\d+\]")
# A constant of some layouts.
_SUCCESS_CODE = "successlist.code"
# What the layouts write differently around the items of a list.
_ITEM = re.compile(rf"\[\d+\]|\.({'|'.join(set(LIST_ITEM_TAGS.values()))})\b")
_ROWS = {row.code: row for row in CATALOG if row is not SIGNATURE_DOES_NOT_MATCH_V3}


class Verdict(NamedTuple):
    """Whether one step confirms a line of the ledger; otherwise it refutes it."""

    row: str
    confirmed: bool


def of_step(step: Step, service: Answer, alimock: Answer, differences: tuple[Difference, ...], sign: str) -> tuple[Verdict, ...]:
    """Return the verdicts of a step, from the answers of the service and of alimock and their differences."""
    found = (
        *_named(step, service, alimock, differences),
        *_general(alimock, differences),
        *_contents(step, service, alimock, differences, sign),
    )
    verdicts: dict[str, bool] = {}
    for row, confirmed in found:
        verdicts[row] = verdicts.get(row, True) and confirmed
    return tuple(Verdict(row, confirmed) for row, confirmed in verdicts.items())


def merged(verdicts: Iterable[tuple[str, Verdict]]) -> Mapping[str, Mapping[bool, list[str]]]:
    """Group the verdicts of steps by line: the names of the steps that confirm it (True) and that refute it (False)."""
    rows: dict[str, dict[bool, list[str]]] = {}
    for step, verdict in verdicts:
        rows.setdefault(verdict.row, {True: [], False: []})[verdict.confirmed].append(step)
    return rows


def _named(step: Step, service: Answer, alimock: Answer, differences: tuple[Difference, ...]) -> Iterator[Verdict]:
    """Judge the lines that the step names by what the call did, whatever the layout of the response."""
    same_outcome = _outcome(service) == _outcome(alimock) and not any(one.kind is Kind.TIME for one in differences)
    same_texts = not any(one.kind is Kind.MESSAGE for one in differences)
    for row in step.rows:
        yield Verdict(row, same_outcome and (same_texts or row != _TEXTS))


def _outcome(answer: Answer) -> tuple[object, ...]:
    """Return what a call did: the values by names that are the same in every layout of the response."""
    values: dict[str, list[str]] = {}
    for path, value in answer.fields.items():
        name = name_of(path).lower()
        # A layout can leave out an empty list, or have no element for a list.
        folded = _ITEM.sub("", path).lower()
        if name not in _NOT_OUTCOME and folded != _SUCCESS_CODE and value.type != "list":
            # Times are compared with a tolerance, see `difference`.
            values.setdefault(folded, []).append(value.text if value.time is None else "")
    return answer.status, answer.format, values


def _general(alimock: Answer, differences: tuple[Difference, ...]) -> Iterator[Verdict]:
    """Judge the lines that every response tests."""
    kinds = {one.kind for one in differences}
    yield Verdict(_HEADERS, Kind.HEADER not in kinds)
    same_body = not kinds & {Kind.FORMAT, Kind.CODE}
    if alimock.format is Format.JSON and same_body:
        yield Verdict(_JSON_ORDER, Kind.ORDER not in kinds)
    if "Recommend" in alimock.fields and same_body:
        yield Verdict(_RECOMMEND, not any(one.where == "Recommend" for one in differences))


def _contents(step: Step, service: Answer, alimock: Answer, differences: tuple[Difference, ...], sign: str) -> Iterator[Verdict]:
    """Judge the lines of the error, or of the operation, its fields and the refusals of single addresses, as far as compared."""
    compared = have_common_fields(service, alimock)
    if alimock.code:
        same = not any(_is_of(one, "") for one in differences)
        if compared or not same:
            yield Verdict(_code_row(alimock.code, sign), same)
        return
    if not compared or service.status != alimock.status:
        return
    yield Verdict(f"operation/{step.action}", confirmed=True)
    for path, value in alimock.fields.items():
        row = fidelity.field_id(CURRENT.name, alimock.format, step.action, _field_name(path))
        yield Verdict(row, not any(one.where in (path, name_of(path)) and one.kind in _FIELD for one in differences))
        if name_of(path) == "Code" and path.startswith("FailList"):
            parent = path.rpartition(".")[0]
            yield Verdict(_code_row(value.text, sign), not any(_is_of(one, parent) for one in differences))


def _is_of(difference: Difference, parent: str) -> bool:
    """Return whether a difference is about the status, or what the code or message of an object of the body says."""
    if difference.kind is Kind.NAME:
        return False
    return difference.kind is Kind.STATUS or difference.where in {
        f"{parent}.{name}" if parent else name for name in ("Code", "Message")
    }


def _code_row(code: str, sign: str) -> str:
    if code == SIGNATURE_DOES_NOT_MATCH_V1.code and sign == "v3":
        return fidelity.code_id(SIGNATURE_DOES_NOT_MATCH_V3)
    return fidelity.code_id(_ROWS[code])


def _field_name(path: str) -> str:
    """Return the name of a field in the ledger, which leaves out the items' elements of XML: `Data[].Email`."""
    name = _INDEX.sub("[]", path)
    for field, tag in LIST_ITEM_TAGS.items():
        name = name.replace(f"{field}.{tag}[]", f"{field}[]")
    return name
