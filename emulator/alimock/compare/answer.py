"""Answers: responses in a form in which two of them can be compared, with ids, tokens and times normalized."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import quote

from alimock.api.http import HttpResponse
from alimock.api.serialize import entity_tag
from alimock.compare import body
from alimock.compare.body import Field
from alimock.compare.endpoint import NoAnswer
from alimock.spec.contract import TIME_FIELDS, Format
from alimock.spec.profiles import PROFILES
from alimock.spec.times import parse_any_style

REQUEST_ID, HOST = "REQUEST_ID", "HOST"
# Headers of the connection and of servers and proxies on the way; the fidelity ledger makes no claim about them.
_TRANSPORT = frozenset(
    ("date", "connection", "keep-alive", "content-length", "transfer-encoding", "content-encoding", "vary", "server", "via", "age",
     "strict-transport-security", "proxy-connection", "x-alimock-decided-by")
)  # fmt: skip
_SHAPES = (
    ("an upper-case UUID", re.compile(r"[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}")),
    ("32 lower-case hex digits", re.compile(r"[0-9a-f]{32}")),
    # Some are masked, as in the published samples.
    ("digits", re.compile(r"\d+\**")),
    ("an empty text", re.compile("")),
)
# Values that differ from call to call or from account to account. They are compared by their shape.
_BY_SHAPE = frozenset({"requestid", "emailverificationno", "userid", "sendip", "confirmip"})
# What the API is known to write as it is. A value of any other name may be private, and is compared by its shape, too.
_LAYOUTS = [layout for profile in PROFILES.values() for layout in profile.layouts.values()]
_PLAIN = {name.lower() for layout in _LAYOUTS for name in (*layout.fields, *layout.item_fields)} | {"recommend"}
_PRIVATE_TYPES = ("string", "text", "attribute", "number")
# The end of the vendor's host names. Another name may be one of the caller's network.
_VENDOR = ".aliyuncs.com"
_PLAIN_HEADERS = ("content-type", "access-control-", "x-acs-retry-after")
_TIME_NAMES = frozenset(name.lower() for name in TIME_FIELDS)
# Some services of the vendor have a code in a success, too.
_SUCCESS_CODES = frozenset({"ok", "success", "200"})
_NUMBER = "emailverificationno"
# Addresses of the documentation network, which the steps send as UserClientIp.
_OWN_IP = re.compile(r"192\.0\.2\.(\d+)")


class Value(NamedTuple):
    """A value of a body: its type, its normalized text, and for a time its epoch seconds, read as UTC+8."""

    type: str
    text: str
    time: int | None = None


class Answer(NamedTuple):
    """A response without what differs from call to call. `fields` are in the order of the body."""

    status: int
    headers: Mapping[str, str]
    format: Format
    declaration: str
    root: str
    fields: Mapping[str, Value]

    @property
    def code(self) -> str:
        """The error code, or an empty text for a success."""
        code = self._text("Code")
        return "" if code.lower() in _SUCCESS_CODES else code

    @property
    def message(self) -> str:
        """The text of the error."""
        return self._text("Message")

    def _text(self, name: str) -> str:
        value = self.fields.get(name) or self.fields.get(name.lower())
        return value.text if value is not None else ""

    def named(self, name: str) -> list[Value]:
        """Return all values with a name, whatever its letter case and the path before it."""
        return [value for path, value in self.fields.items() if name_of(path).lower() == name.lower()]


class Reader:
    """Reads the responses of one side: of the endpoint or of the reference.

    `hosts` are the names by which the side may call itself. A reader remembers the numbers of records, so that a changed number is
    noticed though the numbers of two sides always differ.
    """

    def __init__(self, hosts: Iterable[str]) -> None:
        self._hosts = frozenset(hosts)
        self._numbers: dict[str, int] = {}

    def read(self, response: HttpResponse) -> Answer:
        """Normalize a response; raise `NoAnswer` for one that is not the API's."""
        try:
            found = body.read(response.body)
        except ValueError as error:
            raise NoAnswer(f"{error} (status {response.status})") from None
        texts = {field.path.lower(): field.text for field in found.fields}
        request_id, code = texts.get("requestid", ""), texts.get("code", "")
        values = {field.path: self._value(field, request_id, code) for field in found.fields}
        headers: dict[str, list[str]] = {}
        for name, value in response.headers:
            if name.lower() not in _TRANSPORT:
                headers.setdefault(name.lower(), []).append(_header(name.lower(), value, request_id, response.body))
        joined = {name: ", ".join(texts) for name, texts in headers.items()}
        return Answer(response.status, joined, found.format, found.declaration, found.root, values)

    def _value(self, field: Field, request_id: str, code: str) -> Value:
        name = name_of(field.path).lower()
        if name in _TIME_NAMES and (read := parse_any_style(field.text)) is not None:
            style, seconds = read
            return Value(field.type, f"a time like {style.value}", seconds)
        text = field.text
        if own := _OWN_IP.fullmatch(text):
            text = f"UserClientIp {own[1]}"
        elif name == "hostid":
            text = HOST if text in self._hosts else text if text.endswith(_VENDOR) else _shape(text)
        elif field.type in _PRIVATE_TYPES and (name in _BY_SHAPE or name not in _PLAIN):
            text = _shape(text)
        elif request_id:
            text = text.replace(request_id, REQUEST_ID)
        if name == "recommend" and code:
            # Another code is one difference, not two.
            text = text.replace(f"q={quote(code)}", "q=CODE")
        if name == _NUMBER:
            text += f", number {self._numbers.setdefault(field.text, len(self._numbers) + 1)}"
        return Value(field.type, text)


def name_of(path: str) -> str:
    """Return the last name of a path."""
    return path.rpartition(".")[2].partition("[")[0]


def is_ip_address(text: str) -> bool:
    """Return whether a text is an IP address."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _shape(text: str) -> str:
    if is_ip_address(text):
        return "an IP address"
    return next((name for name, pattern in _SHAPES if pattern.fullmatch(text)), f"other text ({len(text)} characters)")


def _header(name: str, value: str, request_id: str, content: bytes) -> str:
    if name == "etag":
        return "derived from the body" if value.strip('"') == entity_tag(content) else "not derived from the body"
    if request_id and value == request_id:
        return REQUEST_ID
    # What other headers say may be private, as in Set-Cookie.
    return value if name.startswith(_PLAIN_HEADERS) else _shape(value)
