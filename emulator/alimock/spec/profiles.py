"""How each profile writes the body of a successful response: names, order, nesting and date format, as frozen tables.

A profile is one published generation of the API; `api.serialize` reads these tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from alimock.spec.contract import Evidence, Format
from alimock.spec.times import DateStyle


@dataclass(frozen=True, eq=False)
class Layout:
    """The layout of one operation's body in one format of one profile. Layouts are compared by identity, so that they can be keys.

    `fields` and `item_fields` are in the order of the body and in PascalCase; `camel` makes them lower camel case. `constants` are
    the fields with the same value in every row of a list.
    """

    fields: tuple[str, ...]
    item_fields: tuple[str, ...] = ()
    camel: bool = False
    declaration: bool = True
    wrapped_lists: bool = True
    dates: DateStyle = DateStyle.NUMERIC
    constants: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    evidence: Evidence = Evidence.DOCUMENTED
    source: str = ""

    def wire_name(self, name: str) -> str:
        """Return a field's name as the body spells it."""
        return name[0].lower() + name[1:] if self.camel else name


class Profile(NamedTuple):
    """One published generation of the API.

    `optional` holds the (operation, parameter) pairs that are not required. `zero_is_default` holds the parameters whose value 0
    means the default.
    """

    name: str
    layouts: Mapping[tuple[str, Format], Layout]
    optional: frozenset[tuple[str, str]] = frozenset()
    zero_is_default: frozenset[str] = frozenset()


# Field orders. The live service writes the order of a Java HashMap, as a live List response pasted into the pages of 2020 shows.
_LIST_LIVE = (
    "PrePage", "CurrentPageNum", "PageSize", "RequestId", "TotalPageNum", "Data", "TotalItemNum", "NextPage",
)  # fmt: skip
_LIST_ITEM_LIVE = (
    "VerificationStatus", "GmtCreate", "ConfirmIp", "Email", "EmailVerificationNo", "UserId", "GmtModified", "SendIp",
    "VerificationTime", "TokenSendTime",
)  # fmt: skip
_QUERY_LIVE = (
    "VerificationStatus", "GmtCreate", "ConfirmIp", "Email", "EmailVerificationNo", "RequestId", "UserId", "GmtModified",
    "SendIp", "VerificationTime", "TokenSendTime",
)  # fmt: skip
_LIST_XML_2021 = (
    "Data", "TotalItemNum", "PageSize", "CurrentPageNum", "RequestId", "PrePage", "TotalPageNum", "NextPage",
)  # fmt: skip
_LIST_ITEM_XML_2021 = (
    "ConfirmIp", "TokenSendTime", "Email", "VerificationStatus", "SendIp", "VerificationTime", "EmailVerificationNo",
    "UserId", "GmtCreate", "GmtModified",
)  # fmt: skip
_QUERY_2021 = (
    "ConfirmIp", "TokenSendTime", "Email", "RequestId", "VerificationStatus", "SendIp", "VerificationTime",
    "EmailVerificationNo", "UserId", "GmtCreate", "GmtModified",
)  # fmt: skip
_ROW_LIVE = ("Email", "Message", "Code")
_SUBMIT_LIVE = ("RequestId", "ExistList", "SuccessList", "FailList")
_RESEND_LIVE = ("RequestId", "SuccessList", "FailList")
_SUBMIT_2018 = ("FailList", "RequestId", "ExistList", "SuccessList")
_RESEND_2018 = ("FailList", "RequestId", "SuccessList")
_REQUEST_ID_ONLY = Layout(("RequestId",))
_SUCCESS = {"SuccessList": {"Code": "Success", "Message": "Success"}}


def _known(layout: Layout, evidence: Evidence, source: str) -> Layout:
    return replace(layout, evidence=evidence, source=source)


def _both(operation: str, layout: Layout) -> dict[tuple[str, Format], Layout]:
    return {(operation, Format.XML): layout, (operation, Format.JSON): layout}


def _bean(fields: tuple[str, ...]) -> Layout:
    """Return a lower camel case, alphabetical layout, as in the samples of the pages of 2018 to 2023 (a printed Java object)."""
    return Layout(tuple(sorted(fields)), tuple(sorted(_ROW_LIVE)), camel=True, declaration=False, wrapped_lists=False)


# The names are those that every SDK reads. Where no live response shows the order, it is that of a Java HashMap.
_LIVE_LIST = "a live reply pasted into the pages of 2020, which lacks two fields of a verified record"
_BATCH = "names from every SDK and the current pages; the order is computed"
_BATCH_XML = "names and nesting from the pages of 2018 and the Java SDK; the order is computed"


def _current(operation: str, layout: Layout) -> dict[tuple[str, Format], Layout]:
    return {
        (operation, Format.JSON): _known(layout, Evidence.SDK, _BATCH),
        (operation, Format.XML): _known(layout, Evidence.SDK, _BATCH_XML),
    }


CURRENT = Profile(
    "current",
    {
        **_current("SubmitEmailVerification", Layout(_SUBMIT_LIVE, _ROW_LIVE, constants=_SUCCESS)),
        **_current("ResendEmailVerification", Layout(_RESEND_LIVE, _ROW_LIVE, constants=_SUCCESS)),
        **_current("DeleteEmailVerification", Layout(_RESEND_LIVE, _ROW_LIVE, constants=_SUCCESS)),
        **_both("VerifyEmail", _known(_REQUEST_ID_ONLY, Evidence.DOCUMENTED, "the pages of every time")),
        **_both("EmailVerified", _known(_REQUEST_ID_ONLY, Evidence.SDK, "every SDK; no page")),
        **_current("QueryEmailVerification", Layout(_QUERY_LIVE)),
        ("ListEmailVerification", Format.JSON): _known(Layout(_LIST_LIVE, _LIST_ITEM_LIVE), Evidence.CAPTURED, _LIVE_LIST),
        ("ListEmailVerification", Format.XML): _known(Layout(_LIST_LIVE, _LIST_ITEM_LIVE), Evidence.SDK, _BATCH_XML),
    },
)


def _published(name: str, pages: str, layouts: Mapping[tuple[str, Format], Layout], unpublished: tuple[str, ...]) -> Profile:
    """Return the profile of a time's pages; the layouts of operations that they do not publish are assumed."""
    sourced = {
        (operation, body_format): _known(layout, Evidence.ASSUMED, f"{pages} have no page of it")
        if operation in unpublished
        else _known(layout, Evidence.DOCUMENTED, pages)
        for (operation, body_format), layout in layouts.items()
    }
    optional, zero_is_default = frozenset({("QueryEmailVerification", "Email")}), frozenset({"PageNum", "PageSize"})
    return Profile(name, sourced, optional, zero_is_default)


DOCS_2021 = _published(
    "docs-2021",
    "the pages of 2020 to 2023",
    {
        **_both("SubmitEmailVerification", _bean(_SUBMIT_LIVE)),
        **_both("ResendEmailVerification", _bean(_RESEND_LIVE)),
        **_both("DeleteEmailVerification", _bean(_RESEND_LIVE)),
        ("VerifyEmail", Format.XML): Layout(("RequestId",), declaration=False),
        ("VerifyEmail", Format.JSON): Layout(("RequestId",), camel=True),
        **_both("EmailVerified", Layout(("RequestId",), declaration=False)),
        **_both("QueryEmailVerification", Layout(_QUERY_2021, declaration=False)),
        ("ListEmailVerification", Format.XML): Layout(
            _LIST_XML_2021, _LIST_ITEM_XML_2021, declaration=False, dates=DateStyle.MONTH_NAME
        ),
        ("ListEmailVerification", Format.JSON): Layout(_LIST_LIVE, _LIST_ITEM_LIVE),
    },
    unpublished=("EmailVerified",),
)

_BLANK = {"SuccessList": {"Code": "", "Message": ""}}


def _with_beans(operation: str, xml: Layout) -> dict[tuple[str, Format], Layout]:
    """Return a layout for XML, and its fields in lower camel case and alphabetical order for JSON."""
    json = Layout(tuple(sorted(xml.fields)), tuple(sorted(xml.item_fields)), camel=True, dates=DateStyle.MONTH_NAME)
    return {(operation, Format.XML): xml, (operation, Format.JSON): json}


DOCS_2018 = _published(
    "docs-2018",
    "the first international pages, of 2018",
    {
        **_with_beans("SubmitEmailVerification", Layout(_SUBMIT_2018, _ROW_LIVE, constants=_BLANK)),
        **_with_beans("ResendEmailVerification", Layout(_RESEND_2018, _ROW_LIVE, constants=_BLANK)),
        **_with_beans("DeleteEmailVerification", Layout(_RESEND_2018, _ROW_LIVE, constants=_BLANK)),
        **_with_beans("VerifyEmail", _REQUEST_ID_ONLY),
        **_with_beans("EmailVerified", _REQUEST_ID_ONLY),
        # QueryEmailVerification has no page of that time.
        **_both("QueryEmailVerification", Layout(_QUERY_2021, declaration=False)),
        **_with_beans("ListEmailVerification", Layout(_LIST_XML_2021, _LIST_ITEM_XML_2021, dates=DateStyle.MONTH_NAME)),
    },
    unpublished=("QueryEmailVerification", "EmailVerified"),
)

PROFILES: Mapping[str, Profile] = {profile.name: profile for profile in (CURRENT, DOCS_2021, DOCS_2018)}
