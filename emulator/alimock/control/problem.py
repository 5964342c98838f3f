"""A refusal by the control API."""

from __future__ import annotations

from collections.abc import Mapping


class Problem(Exception):
    """Says what is wrong and what to do; `details` are further keys of the JSON answer, `headers` those of HTTP."""

    def __init__(
        self, status: int, message: str, hint: str, *, headers: Mapping[str, str] | None = None, **details: object
    ) -> None:
        self.status = status
        self.headers = dict(headers or {})
        self.content = {"message": message, "hint": hint, **details}
        super().__init__(message)
